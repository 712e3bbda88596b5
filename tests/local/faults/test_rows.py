"""Every fault that the deployer must survive, made by a table and seen by a plain boto3 client.

The tables under `tables/` are the ones that the deployer's own drills use; row numbers are those
of the list of faults, X-1 to X-38.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tapcfn.local.faults import parse
from tests.local.faults.conftest import Put
from tests.local.faults.stories import (
    TOPIC,
    begin,
    hurried,
    in_progress,
    message,
    said,
    status,
    topic,
)
from tests.local_cloud import (
    AWAY,
    Aws,
    deploy,
    destroy,
    events,
    exists,
    failures,
    resource,
    settled,
    stage,
    template,
    until,
)

TABLES = sorted((Path(__file__).parent / "tables").glob("x*.toml"))
LOST = "ConnectionClosedError"
OTHER = "222222222222"

# Rows that no table makes, and why.
NOT_HERE = {
    8: "the ledger and its disk belong to the deployer's machine",
    27: "suspended accounts and account gates belong to Organizations and StackSets themselves",
    28: "no fault: an unchanged template makes an empty change set",
    38: "no fault: the same template with other parameters, tags or SSM values",
}
# Rows of which a table makes the cloud's half: a test has to kill the deployer, or run it twice.
HALF = {5, 6, 7, 16, 35}
# Rows whose end the cloud shows once it has StackSets; here the refusal or the lost answer is seen.
STACK_SETS = {3, 15, 25, 26, 36}


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a row is played: an account, its CloudFormation, and the means to change tables."""

    aws: Aws
    put: Put
    table: str

    @property
    def cloudformation(self) -> Any:
        """The client of the home Region."""
        return self.aws.client("cloudformation")

    @property
    def change(self) -> dict[str, str]:
        """A change set that creates a stack."""
        return {
            "StackName": "shop",
            "ChangeSetName": "first",
            "ChangeSetType": "CREATE",
            "TemplateBody": TOPIC,
        }

    def stored(self) -> str:
        """Put the usual template into a bucket, and return its address."""
        bucket = f"templates-{self.aws.account}"
        self.aws.client("s3").create_bucket(Bucket=bucket)
        self.aws.client("s3").put_object(Bucket=bucket, Key="nested", Body=TOPIC.encode())
        return f"https://{bucket}.s3.amazonaws.com/nested"

    def begin(self) -> None:
        """Put the row's table in force."""
        self.put(self.table)

    def stack(self) -> str:
        """Return the id of a new stack that is there before anything goes wrong."""
        return str(deploy(self.cloudformation, "shop", TOPIC)["StackId"])

    def staged(self, body: str = TOPIC, kind: str = "CREATE") -> str:
        """Return the ARN of a change set that is made before anything goes wrong."""
        return str(stage(self.cloudformation, "shop", body, ChangeSetType=kind)["ChangeSetId"])


def x01(on: Stage) -> None:
    on.begin()
    assert LOST == said(lambda: on.cloudformation.create_change_set(**on.change))
    made = on.cloudformation.describe_change_set(StackName="shop", ChangeSetName="first")
    assert "AVAILABLE" == made["ExecutionStatus"]
    assert "AlreadyExistsException" == said(
        lambda: on.cloudformation.create_change_set(**on.change)
    )


def x01_before(on: Stage) -> None:
    on.begin()
    assert LOST == said(lambda: on.cloudformation.create_change_set(**on.change))
    assert not exists(on.cloudformation, "shop")
    assert on.cloudformation.create_change_set(**on.change)["Id"]


def x02(on: Stage) -> None:
    arn = on.staged()
    on.begin()
    assert LOST == said(lambda: on.cloudformation.execute_change_set(ChangeSetName=arn))
    assert "CREATE_COMPLETE" == settled(on.cloudformation, "shop")["StackStatus"]
    assert "InvalidChangeSetStatus" == said(
        lambda: on.cloudformation.execute_change_set(ChangeSetName=arn)
    )


def x02_before(on: Stage) -> None:
    arn = on.staged()
    on.begin()
    assert LOST == said(lambda: on.cloudformation.execute_change_set(ChangeSetName=arn))
    assert "REVIEW_IN_PROGRESS" == status(on.cloudformation, "shop")
    on.cloudformation.execute_change_set(ChangeSetName=arn)
    assert "CREATE_COMPLETE" == settled(on.cloudformation, "shop")["StackStatus"]


def x03(on: Stage) -> None:
    on.begin()
    name, body = "fleet", TOPIC
    assert LOST == said(
        lambda: on.cloudformation.create_stack_set(StackSetName=name, TemplateBody=body)
    )
    assert LOST == said(
        lambda: on.cloudformation.update_stack_set(StackSetName=name, TemplateBody=body)
    )


x03_before = x03


def x04(on: Stage) -> None:
    stack = on.stack()
    on.begin()
    assert LOST == said(lambda: on.cloudformation.delete_stack(StackName=stack))
    until(lambda: status(on.cloudformation, stack) == "DELETE_COMPLETE")


def x04_before(on: Stage) -> None:
    stack = on.stack()
    on.begin()
    assert LOST == said(lambda: on.cloudformation.delete_stack(StackName=stack))
    assert "CREATE_COMPLETE" == status(on.cloudformation, stack)
    assert "DELETE_COMPLETE" == destroy(on.cloudformation, stack)["StackStatus"]


def x05(on: Stage) -> None:
    arn = on.staged()
    on.begin()
    for _ in range(3):
        assert LOST == said(lambda: on.cloudformation.execute_change_set(ChangeSetName=arn))
    left = on.cloudformation.describe_change_set(ChangeSetName=arn)
    assert "AVAILABLE" == left["ExecutionStatus"]
    assert "REVIEW_IN_PROGRESS" == status(on.cloudformation, "shop")


def x06(on: Stage) -> None:
    on.begin()
    stack = begin(on.cloudformation, "shop")
    assert "CREATE_IN_PROGRESS" == in_progress(on.cloudformation, stack)
    assert "CREATE_IN_PROGRESS" == status(on.cloudformation, stack)
    on.put("")
    assert "CREATE_COMPLETE" == settled(on.cloudformation, stack)["StackStatus"]


x35 = x06


def x07(on: Stage) -> None:
    stack = on.stack()
    on.begin()
    statement = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}
    policy = json.dumps({"Statement": [statement]})
    on.cloudformation.set_stack_policy(StackName=stack, StackPolicyBody=policy)
    begin(on.cloudformation, "shop", topic("new"), "UPDATE")
    assert "UPDATE_IN_PROGRESS" == in_progress(on.cloudformation, stack)
    assert policy == on.cloudformation.get_stack_policy(StackName=stack)["StackPolicyBody"]
    on.put("")
    assert "UPDATE_COMPLETE" == settled(on.cloudformation, stack)["StackStatus"]


def x09(on: Stage) -> None:
    on.begin()
    stacks = [said(on.cloudformation.describe_stacks) for _ in range(5)]
    assert ["", "Throttling", "Throttling", "Throttling", ""] == stacks
    until(lambda: said(on.cloudformation.list_stacks) == "Throttling")


def x10(on: Stage) -> None:
    on.begin()
    heard = [said(on.cloudformation.describe_stacks) for _ in range(4)]
    assert ["InternalFailure", "ServiceUnavailable", LOST, "ResponseParserError"] == heard
    assert "ReadTimeoutError" == said(hurried(on.aws, 0.2).describe_stacks)
    assert "" == said(on.cloudformation.describe_stacks)


def x11(on: Stage) -> None:
    arn = on.staged()
    on.begin()
    assert "" == said(on.cloudformation.describe_stacks)
    on.cloudformation.execute_change_set(ChangeSetName=arn)
    reads = (on.cloudformation.describe_stacks, on.cloudformation.list_stacks)
    assert ["ExpiredToken"] * 2 == [said(read) for read in reads]
    on.put("")
    assert "CREATE_COMPLETE" == settled(on.cloudformation, "shop")["StackStatus"]


def x12(on: Stage) -> None:
    stack = on.stack()
    on.begin()
    for read in ("describe_events", "describe_stack_events"):
        look = getattr(on.cloudformation, read)
        assert "AccessDenied" == said(lambda look=look: look(StackName=stack))
    assert "AccessDenied" == said(
        lambda: on.cloudformation.describe_change_set_hooks(ChangeSetName="c", StackName=stack)
    )
    assert "CREATE_COMPLETE" == status(on.cloudformation, stack)


def x13(on: Stage) -> None:
    on.begin()
    away = on.aws.client("cloudformation", AWAY)
    assert "AccessDenied" == said(lambda: away.create_change_set(**on.change))
    assert not exists(away, "shop")
    assert "" == said(lambda: on.cloudformation.create_change_set(**on.change))


def x14(on: Stage) -> None:
    on.begin()
    heard = [
        said(
            lambda account=account: on.aws.client("sts").assume_role(
                RoleArn=f"arn:aws:iam::{account}:role/deployer", RoleSessionName="deployer"
            )
        )
        for account in (OTHER, "333333333333")
    ]
    assert ["AccessDenied", ""] == heard


def x15(on: Stage) -> None:
    on.begin()
    heard = [
        said(lambda: on.cloudformation.update_stack_set(StackSetName="s", TemplateBody=TOPIC))
        for _ in range(4)
    ]
    assert ["OperationInProgressException"] * 3 == heard[:3]
    assert "OperationInProgressException" != heard[3]


def x16(on: Stage) -> None:
    arn = on.staged()
    on.begin()
    on.cloudformation.execute_change_set(ChangeSetName=arn)
    in_progress(on.cloudformation, "shop")
    assert "InvalidChangeSetStatus" == said(
        lambda: on.cloudformation.execute_change_set(ChangeSetName=arn)
    )
    on.put("")
    assert "CREATE_COMPLETE" == settled(on.cloudformation, "shop")["StackStatus"]


def x17(on: Stage) -> None:
    on.stack()
    arn = on.staged(topic("ours"), "UPDATE")
    on.begin()
    refused = said(lambda: on.cloudformation.execute_change_set(ChangeSetName=arn))
    assert refused in {"ValidationError", "InvalidChangeSetStatus"}  # it works, or has ended
    found = settled(on.cloudformation, "shop")
    assert "UPDATE_COMPLETE" == found["StackStatus"]
    assert [{"Key": "by", "Value": "somebody else"}] == found["Tags"]


def x18(on: Stage) -> None:
    arn = on.staged()
    on.begin()
    heard = [
        said(lambda: on.cloudformation.execute_change_set(ChangeSetName=arn)) for _ in range(2)
    ]
    assert ["InvalidChangeSetStatus", "ChangeSetNotFound"] == heard


def x19(on: Stage) -> None:
    on.begin()
    assert "AlreadyExistsException" == said(
        lambda: on.cloudformation.create_change_set(**on.change)
    )
    assert not exists(on.cloudformation, "shop")
    assert "" == said(lambda: on.cloudformation.create_change_set(**on.change))


def x20(on: Stage) -> None:
    on.begin()
    made = on.cloudformation.create_change_set(**on.change)
    assert not exists(on.cloudformation, "shop")
    look = {"ChangeSetName": made["Id"]}
    assert "ChangeSetNotFound" == said(lambda: on.cloudformation.describe_change_set(**look))
    on.cloudformation.execute_change_set(**look)
    assert "REVIEW_IN_PROGRESS" == status(on.cloudformation, "shop")
    assert "CREATE_COMPLETE" == settled(on.cloudformation, "shop")["StackStatus"]


def x21(on: Stage) -> None:
    stack = on.stack()
    everything = events(on.cloudformation, stack)
    on.begin()
    page = on.cloudformation.describe_stack_events(StackName=stack)
    assert [] == page["StackEvents"]
    more = on.cloudformation.describe_stack_events(StackName=stack, NextToken=page["NextToken"])
    assert everything[::-1] == more["StackEvents"]
    listed = [
        said(lambda: on.cloudformation.list_stack_resources(StackName=stack)) for _ in range(2)
    ]
    assert ["ResponseParserError", ""] == listed
    paged = [message(on.cloudformation.list_stacks) for _ in range(2)]
    assert ["", "Token already expired"] == paged


def x22(on: Stage) -> None:
    stack = on.stack()
    on.begin()
    old = events(on.cloudformation, stack)
    deploy(on.cloudformation, "shop", topic("new"))
    assert old == events(on.cloudformation, stack)
    assert len(old) < len(events(on.cloudformation, stack))


def x23(on: Stage) -> None:
    on.begin()
    assert "SignatureDoesNotMatch" == said(on.cloudformation.list_stacks)


def x24(on: Stage) -> None:
    on.begin()
    stack = begin(on.cloudformation, "shop")
    in_progress(on.cloudformation, stack)

    def resources() -> int:
        found = on.cloudformation.list_stack_resources(StackName=stack)
        return len(found["StackResourceSummaries"])

    assert ("CREATE_IN_PROGRESS", 0) == (status(on.cloudformation, stack), resources())
    on.put(on.table)
    assert "CREATE_COMPLETE" == settled(on.cloudformation, stack)["StackStatus"]


def x25(on: Stage) -> None:
    on.begin()
    away = on.aws.client("cloudformation", AWAY)
    failed = deploy(away, "shop", TOPIC)
    assert "ROLLBACK_COMPLETE" == failed["StackStatus"]
    assert {"Topic": "Topic limit exceeded"} == failures(away, failed["StackId"])
    assert "CREATE_COMPLETE" == deploy(on.cloudformation, "shop", TOPIC)["StackStatus"]


def x26(on: Stage) -> None:
    on.begin()
    name = f"shop-{on.aws.account}"
    other = Aws(on.aws.url, OTHER).client("cloudformation")
    assert "ROLLBACK_COMPLETE" == deploy(other, name, TOPIC)["StackStatus"]
    assert "CREATE_COMPLETE" == deploy(on.cloudformation, name, TOPIC)["StackStatus"]


def x29(on: Stage) -> None:
    on.begin()
    staged = stage(on.cloudformation, "shop", TOPIC, ChangeSetType="CREATE")
    assert "FAILED" == staged["Status"]
    assert "use the DescribeEvents API" in staged["StatusReason"]
    found = on.cloudformation.describe_events(ChangeSetName=staged["ChangeSetId"])
    assert [
        ("PROPERTY_VALIDATION", "FAIL"),
        ("NAME_CONFLICT_VALIDATION", "FAIL"),
        ("BUCKET_EMPTINESS_VALIDATION", "WARN"),
    ] == [
        (event["ValidationName"], event["ValidationFailureMode"])
        for event in found["OperationEvents"]
    ]
    hooked = stage(on.cloudformation, "other", TOPIC, ChangeSetType="CREATE")
    assert "The following hook(s) failed: [Private::Guard::Names]" == hooked["StatusReason"]
    ended = deploy(on.cloudformation, "third", TOPIC)
    assert {"Topic": "The following hook(s) failed: [Private::Guard::Tags]"} == failures(
        on.cloudformation, ended["StackId"]
    )


def x30(on: Stage) -> None:
    def chain(*names: str, shown: str = "") -> str:
        made = zip(names, (None, *names), strict=False)
        return template(
            {
                name: resource(
                    "SNS::Topic", {"DisplayName": shown}, **({"DependsOn": last} if last else {})
                )
                for name, last in made
            }
        )

    def end(name: str, body: str, **request: Any) -> str:
        return str(deploy(on.cloudformation, name, body, **request)["StackStatus"])

    on.begin()
    assert "ROLLBACK_COMPLETE" == end("one", chain("Topic", "Broken"))
    assert "ROLLBACK_FAILED" == end("two", chain("Sticky", "Broken"))
    assert "CREATE_FAILED" == end("three", chain("Topic", "Broken"), OnStackFailure="DO_NOTHING")
    assert "CREATE_COMPLETE" == end("four", chain("Sticky", shown="old"))
    assert "UPDATE_ROLLBACK_FAILED" == end("four", chain("Sticky", "Broken", shown="new"))
    assert "CREATE_COMPLETE" == end("five", chain("Kept"))
    assert "DELETE_FAILED" == destroy(on.cloudformation, "five")["StackStatus"]


def x31(on: Stage) -> None:
    stack = on.stack()
    on.begin()
    ended = deploy(on.cloudformation, "shop", topic("new"))
    assert "UPDATE_ROLLBACK_COMPLETE" == ended["StackStatus"]
    assert {"Topic": "Invalid parameter: DisplayName"} == failures(on.cloudformation, stack)


def x32(on: Stage) -> None:
    nested = template({"Child": resource("CloudFormation::Stack", {"TemplateURL": on.stored()})})
    on.begin()
    arn = stage(on.cloudformation, "shop", nested, ChangeSetType="CREATE")["ChangeSetId"]
    assert "ChangeSetNotFound" == said(
        lambda: on.cloudformation.describe_change_set(ChangeSetName=arn)
    )
    on.cloudformation.execute_change_set(ChangeSetName=arn)
    ended = settled(on.cloudformation, "shop")
    assert "ROLLBACK_COMPLETE" == ended["StackStatus"]
    reasons = {
        event["LogicalResourceId"]: event.get("ResourceStatusReason", "")
        for event in events(on.cloudformation, ended["StackId"])
        if event["ResourceStatus"] == "CREATE_FAILED"
    }
    reason = reasons["Child"]
    assert reason.endswith("The following resource(s) failed to create: [Topic]. ")
    within = failures(on.cloudformation, reason.split()[2])
    assert {"Topic": "Invalid parameter: DisplayName"} == within


def x33(on: Stage) -> None:
    stack = on.stack()
    on.begin()
    protected = message(lambda: on.cloudformation.delete_stack(StackName=stack))
    assert "cannot be deleted while TerminationProtection is enabled" in protected
    arn = on.staged(topic("new"), "UPDATE")
    on.cloudformation.execute_change_set(ChangeSetName=arn)
    ended = settled(on.cloudformation, "shop")
    assert "UPDATE_ROLLBACK_COMPLETE" == ended["StackStatus"]
    assert "denied by stack policy" in failures(on.cloudformation, stack)["Topic"]


def x34(on: Stage) -> None:
    home, away = on.aws.client("s3"), on.aws.client("s3", AWAY)
    bucket = f"artifacts-{on.aws.account}"
    home.create_bucket(Bucket=bucket)
    on.begin()
    heard = [
        said(lambda s3=s3: s3.put_object(Bucket=bucket, Key="k", Body=b"x"))
        for s3 in (home, home, away)
    ]
    assert ["PreconditionFailed", "", "AccessDenied"] == heard


def x36(on: Stage) -> None:
    on.begin()
    assert "StackSetNotFoundException" == said(
        lambda: on.cloudformation.delete_stack_set(StackSetName="gone")
    )
    assert "StackInstanceNotFoundException" == said(
        lambda: on.cloudformation.delete_stack_instances(
            StackSetName="gone", Accounts=[OTHER], Regions=[AWAY], RetainStacks=False
        )
    )


def x37(on: Stage) -> None:
    deploy(on.cloudformation, "shop", TOPIC)
    deploy(on.cloudformation, "shop", topic("second"))
    on.begin()
    assert "UPDATE_PONDERED" == status(on.cloudformation, "shop")


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_the_fault_of_a_row_is_seen(table: Path, aws: Aws, put: Put) -> None:
    """The table of a row makes its fault, and a plain client sees it."""
    play: Callable[[Stage], None] = globals()[table.stem]

    play(Stage(aws, put, table.read_text()))


def test_every_row_has_a_table_or_a_reason() -> None:
    """X-1 to X-38, none forgotten and none twice."""
    made = {int(re.findall(r"\d+", path.stem)[0]) for path in TABLES}

    assert set(range(1, 39)) == made | set(NOT_HERE)
    assert not made & set(NOT_HERE)
    assert made >= HALF | STACK_SETS


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_a_table_says_which_row_it_is(table: Path) -> None:
    """Its first line names the row, and it parses."""
    number = int(re.findall(r"\d+", table.stem)[0])

    assert table.read_text().startswith(f"# X-{number}")
    assert parse(table.read_text()).faults
