"""Calls that go wrong, seen through real boto3: what the caller hears, and what was done."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tapcfn.errors import LocalCloudError
from tapcfn.local import record, server
from tests.local.faults.conftest import Put
from tests.local.faults.stories import TOPIC, begin, hurried, message, patient, said, status, topic
from tests.local_cloud import (
    AWAY,
    Aws,
    deploy,
    destroy,
    events,
    exists,
    fresh_account,
    resource,
    settled,
    stage,
    template,
    until,
)

CHANGE = {
    "StackName": "shop",
    "ChangeSetName": "first",
    "ChangeSetType": "CREATE",
    "TemplateBody": TOPIC,
}

# One call for each protocol, and what its service says to a caller that is too fast or too late.
CALLS: dict[str, tuple[str, Callable[[Any], Any], str, str]] = {
    "query": ("cloudformation", lambda c: c.list_stacks(), "Throttling", "ExpiredToken"),
    "sts": ("sts", lambda c: c.get_caller_identity(), "Throttling", "ExpiredToken"),
    "s3": ("s3", lambda c: c.list_buckets(), "SlowDown", "ExpiredToken"),
    "head": ("s3", lambda c: c.head_bucket(Bucket="none"), "503", "400"),
    "ec2": ("ec2", lambda c: c.describe_vpcs(), "RequestLimitExceeded", "RequestExpired"),
    "json": (
        *("logs", lambda c: c.describe_log_groups(), "ThrottlingException"),
        "ExpiredTokenException",
    ),
    "rest-json": (
        *("lambda", lambda c: c.list_functions(), "ThrottlingException", "ExpiredTokenException"),
    ),
    "rest-xml": ("route53", lambda c: c.list_hosted_zones(), "Throttling", "ExpiredToken"),
    "cbor": (
        *("cloudwatch", lambda c: c.describe_alarms(), "ThrottlingException"),
        "ExpiredTokenException",
    ),
}


@pytest.mark.parametrize("protocol", CALLS)
def test_each_protocol_refuses_in_its_own_words(protocol: str, aws: Aws, put: Put) -> None:
    """Throttles, expired tokens and given errors are what boto3 knows from the service."""
    service, call, throttled, expired = CALLS[protocol]
    client = aws.client(service)
    put(
        f'[[fault]]\ndo = "throttle"\nservice = "{service}"\nnth = 1\n'
        f'[[fault]]\ndo = "expire_token"\nservice = "{service}"\nnth = 2\n'
        f'[[fault]]\ndo = "error"\nservice = "{service}"\nnth = 3\ncode = "Odd"\nstatus = 418\n'
        f'[[fault]]\ndo = "drop"\nservice = "{service}"\nnth = 4\n'
        f'[[fault]]\ndo = "lost_answer"\nservice = "{service}"\nnth = 5\n'
    )

    heard = [said(lambda: call(client)) for _ in range(5)]

    odd = "418" if protocol == "head" else "Odd"
    assert [throttled, expired, odd, *["ConnectionClosedError"] * 2] == heard


@pytest.mark.parametrize("protocol", ["query", "s3", "json", "ec2"])
def test_a_truncated_answer_is_never_taken_for_an_empty_one(
    protocol: str, aws: Aws, put: Put
) -> None:
    """XML no longer parses; within anything else the connection ends."""
    service, call, *_ = CALLS[protocol]
    put(f'[[fault]]\ndo = "truncate"\nservice = "{service}"')

    heard = said(lambda: call(aws.client(service)))

    wanted = {"s3": "500", "json": "ConnectionClosedError"}  # botocore makes a 500 of S3's bad XML
    assert wanted.get(protocol, "ResponseParserError") == heard


def test_a_dropped_call_has_no_effect(aws: Aws, put: Put) -> None:
    """The connection closes, and the same call can be made again."""
    cloudformation = aws.client("cloudformation")
    put('[[fault]]\ndo = "drop"\noperation = "CreateChangeSet"\nnth = 1')

    assert "ConnectionClosedError" == said(lambda: cloudformation.create_change_set(**CHANGE))
    assert not exists(cloudformation, "shop")
    assert "" == said(lambda: cloudformation.create_change_set(**CHANGE))


def test_a_call_whose_answer_is_lost_has_its_effect(aws: Aws, put: Put) -> None:
    """The connection closes, and the change set is there."""
    cloudformation = aws.client("cloudformation")
    put('[[fault]]\ndo = "lost_answer"\noperation = "CreateChangeSet"\nnth = 1')

    assert "ConnectionClosedError" == said(lambda: cloudformation.create_change_set(**CHANGE))
    made = cloudformation.describe_change_set(StackName="shop", ChangeSetName="first")
    assert "CREATE_COMPLETE" == made["Status"]
    assert "AlreadyExistsException" == said(lambda: cloudformation.create_change_set(**CHANGE))


def test_an_error_says_the_reason_that_is_given(aws: Aws, put: Put) -> None:
    """Without one it says where it comes from."""
    cloudformation = aws.client("cloudformation")
    put(
        '[[fault]]\ndo = "error"\ncode = "AccessDenied"\nstatus = 403\nreason = "a < b"\nnth = 1\n'
        '[[fault]]\ndo = "error"\ncode = "Odd"\nnth = 2'
    )

    assert "a < b" == message(cloudformation.list_stacks)
    assert "Odd: the table of faults says so" == message(cloudformation.list_stacks)


def test_a_fault_keeps_to_its_account_and_region(aws: Aws, put: Put) -> None:
    """Other accounts and Regions go on as if there were no table."""
    put(f'[[fault]]\ndo = "drop"\naccount = "{aws.account}"\nregion = "{AWAY}"')
    other = Aws(aws.url, fresh_account())

    heard = [
        said(each.client("cloudformation", region).list_stacks)
        for each, region in ((aws, AWAY), (aws, "eu-west-1"), (other, AWAY))
    ]

    assert ["ConnectionClosedError", "", ""] == heard


def test_the_account_of_an_assumed_role_is_the_roles(aws: Aws, put: Put) -> None:
    """The session's key names no account, yet its calls are matched; so is taking the role."""
    away = fresh_account()
    role = {"RoleArn": f"arn:aws:iam::{away}:role/deployer", "RoleSessionName": "deployer"}
    taken = aws.client("sts").assume_role(**role)["Credentials"]
    put(f'[[fault]]\ndo = "drop"\naccount = "{away}"')
    session = Aws(aws.url, taken["AccessKeyId"])

    assert "ConnectionClosedError" == said(session.client("cloudformation").list_stacks)
    assert "ConnectionClosedError" == said(lambda: aws.client("sts").assume_role(**role))
    assert "" == said(aws.client("cloudformation").list_stacks)


@pytest.mark.parametrize("mode", ["standard", "legacy"])
@pytest.mark.parametrize("fault", ["throttle", "drop"])
def test_botocore_itself_tries_again(
    mode: str, fault: str, aws: Aws, put: Put, told: Callable[[], dict[str, Any]]
) -> None:
    """What should be tried again is: the second attempt gets through."""
    put(f'[[fault]]\ndo = "{fault}"\noperation = "ListStacks"\nnth = 1')

    answer = patient(aws, "cloudformation", 2, mode).list_stacks()

    assert 1 == answer["ResponseMetadata"]["RetryAttempts"]
    assert {"matched": 2, "done": 1}.items() <= told()["faults"][0].items()


def test_botocore_does_not_try_broken_xml_again(
    aws: Aws, put: Put, told: Callable[[], dict[str, Any]]
) -> None:
    """Whoever wants that has to do it; the error is not even one of `BotoCoreError`."""
    put('[[fault]]\ndo = "truncate"\noperation = "ListStacks"\nnth = 1')
    client = patient(aws, "cloudformation", 3)

    assert ["ResponseParserError", ""] == [said(client.list_stacks) for _ in range(2)]
    assert 2 == told()["faults"][0]["matched"]


def test_s3_objects_and_rest_actions_are_told_apart(aws: Aws, put: Put) -> None:
    """A PutObject whose answer is lost is stored; a dropped one is not."""
    s3 = aws.client("s3")
    bucket = f"bucket-{aws.account}"
    s3.create_bucket(Bucket=bucket)
    put(
        '[[fault]]\ndo = "lost_answer"\noperation = "PutObject"\nnth = 1\n'
        '[[fault]]\ndo = "drop"\noperation = "PutObject"\nnth = 2'
    )

    heard = [
        said(lambda key=key: s3.put_object(Bucket=bucket, Key=key, Body=b"x")) for key in "abc"
    ]

    assert ["ConnectionClosedError", "ConnectionClosedError", ""] == heard
    found = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert ["a", "c"] == [each["Key"] for each in found]


# Pages --------------------------------------------------------------------------------------------


def test_an_empty_page_leads_to_the_real_ones(aws: Aws, put: Put) -> None:
    """No member is lost, if the caller goes on; whoever stops at the empty page sees nothing."""
    cloudformation = aws.client("cloudformation")
    stack = deploy(cloudformation, "shop", TOPIC)["StackId"]
    everything = events(cloudformation, stack)
    put('[[fault]]\ndo = "empty_page"\noperation = "DescribeStackEvents"')

    first = cloudformation.describe_stack_events(StackName=stack)

    assert [] == first["StackEvents"]
    assert first["NextToken"]
    assert everything == events(cloudformation, stack)


def test_every_page_can_have_an_empty_one_before_it(aws: Aws, put: Put) -> None:
    """Real tokens survive the detour."""
    cloudformation = aws.client("cloudformation")
    many = template({f"Queue{number}": resource("SQS::Queue") for number in range(60)})
    stack = deploy(cloudformation, "shop", many)["StackId"]
    everything = events(cloudformation, stack)
    assert len(everything) > 100
    put('[[fault]]\ndo = "empty_page"\noperation = "DescribeStackEvents"')

    pages = list(cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack))

    assert [0, 100, 0, len(everything) - 100] == [len(page["StackEvents"]) for page in pages]


@pytest.mark.parametrize(
    ("service", "operation", "key"),
    [("logs", "describe_log_groups", "logGroups"), ("ec2", "describe_vpcs", "Vpcs")],
)
def test_other_protocols_have_empty_pages_too(
    service: str, operation: str, key: str, aws: Aws, put: Put
) -> None:
    """Wherever the token is called NextToken, in whatever capitals."""
    client = aws.client(service)
    aws.client("logs").create_log_group(logGroupName="group")
    put(f'[[fault]]\ndo = "empty_page"\nservice = "{service}"\nnth = 1')

    pages = list(client.get_paginator(operation).paginate())

    assert [0, 1] == [len(page[key]) for page in pages]


def test_a_call_without_pages_has_no_empty_one(aws: Aws, put: Put) -> None:
    """It is not even counted."""
    told = put('[[fault]]\ndo = "empty_page"\noperation = "GetCallerIdentity"')

    assert "" == said(aws.client("sts").get_caller_identity)
    assert [0] == [fault["matched"] for fault in told["faults"]]


# Stale reads --------------------------------------------------------------------------------------


def test_a_new_stack_is_not_there_yet(aws: Aws, put: Put) -> None:
    """Right after its change set is made, a stale read knows nothing of it."""
    cloudformation = aws.client("cloudformation")
    put('[[fault]]\ndo = "stale_read"\noperation = "DescribeStacks"\nnth = 1')
    cloudformation.create_change_set(**CHANGE)

    assert "ValidationError" == said(lambda: status(cloudformation, "shop"))
    assert "REVIEW_IN_PROGRESS" == status(cloudformation, "shop")


def test_an_executed_change_set_has_not_begun_yet(aws: Aws, put: Put) -> None:
    """A stale read shows the stack in review, by its name and by its id, though it is done."""
    cloudformation = aws.client("cloudformation")
    stage(cloudformation, "shop", TOPIC, ChangeSetType="CREATE", ChangeSetName="c")
    arn = cloudformation.describe_change_set(StackName="shop", ChangeSetName="c")
    put('[[fault]]\ndo = "stale_read"\noperation = "DescribeStacks"\nnth = [1, 2]')
    cloudformation.execute_change_set(ChangeSetName=arn["ChangeSetId"])

    assert "REVIEW_IN_PROGRESS" == status(cloudformation, "shop")
    assert "REVIEW_IN_PROGRESS" == status(cloudformation, arn["StackId"])
    assert "CREATE_COMPLETE" == settled(cloudformation, "shop")["StackStatus"]


def test_an_update_shows_the_old_end(aws: Aws, put: Put) -> None:
    """A stale read still says CREATE_COMPLETE; a delete, too, has not begun."""
    cloudformation = aws.client("cloudformation")
    stack = deploy(cloudformation, "shop", TOPIC)["StackId"]
    staged = stage(cloudformation, "shop", topic("new"), ChangeSetType="UPDATE")
    put('[[fault]]\ndo = "stale_read"\noperation = "DescribeStacks"\nnth = [1, 3]')

    cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
    assert "CREATE_COMPLETE" == status(cloudformation, stack)
    assert status(cloudformation, stack).startswith("UPDATE_")
    cloudformation.delete_stack(StackName=stack)
    assert status(cloudformation, stack).startswith("UPDATE_")


def test_other_reads_repeat_their_last_answer(aws: Aws, put: Put) -> None:
    """The first such read has no older answer, so it is fresh and does not count."""
    sns = aws.client("sns")
    put('[[fault]]\ndo = "stale_read"\noperation = "ListTopics"\nnth = 1')

    def topics() -> int:
        return len(sns.list_topics().get("Topics", ()))

    assert 0 == topics()
    sns.create_topic(Name="one")
    assert [0, 1] == [topics(), topics()]


def test_somebody_elses_call_comes_first(aws: Aws, put: Put) -> None:
    """It has its effect before the call that it overtakes, once."""
    cloudformation = aws.client("cloudformation")
    stack = deploy(cloudformation, "shop", TOPIC)["StackId"]
    put(
        '[[fault]]\ndo = "meanwhile"\noperation = "DescribeStacks"\nnth = 2\n'
        'action = "UpdateTerminationProtection"\n'
        'params = { StackName = "shop", EnableTerminationProtection = "true" }'
    )

    seen = [cloudformation.describe_stacks(StackName=stack)["Stacks"][0] for _ in range(2)]

    assert [False, True] == [each["EnableTerminationProtection"] for each in seen]


def test_somebody_elses_call_that_is_refused_is_a_mistake_of_the_table(aws: Aws, put: Put) -> None:
    """And shows itself."""
    put('[[fault]]\ndo = "meanwhile"\naction = "GetTemplate"\nparams = { StackName = "none" }')

    assert "ValidationError" == said(aws.client("cloudformation").list_stacks)


def test_a_value_is_another_one_wherever_it_is_whole(aws: Aws, put: Put) -> None:
    """What merely contains the word stays; in JSON as in XML."""
    names = {"done": "A", "done-2": "B"}
    for name, text in names.items():
        aws.client("ssm").put_parameter(Name=name, Value=text, Type="String")
        aws.client("iam").create_group(GroupName=name)
    put('[[fault]]\ndo = "reword"\nword = "done"\ninstead = "paused"')

    parameters = aws.client("ssm").get_parameters(Names=list(names))["Parameters"]
    groups = aws.client("iam").list_groups()["Groups"]

    assert {"paused", "done-2"} == {each["Name"] for each in parameters}
    assert {"paused", "done-2"} == {each["GroupName"] for each in groups}


# The bucket, the endpoint, the start --------------------------------------------------------------


def test_a_bucket_throttles_who_asks_too_often(aws: Aws, put: Put) -> None:
    """boto3 hears Throttling after the burst, each Region by itself."""
    cloudformation = aws.client("cloudformation")
    put(f'[throttle]\nrate = 0.01\nburst = 3\naccount = "{aws.account}"')

    assert ["", "", "", "Throttling"] == [said(cloudformation.list_stacks) for _ in range(4)]
    assert "" == said(aws.client("cloudformation", AWAY).list_stacks)


def test_a_bucket_lets_the_patient_through(
    aws: Aws, put: Put, told: Callable[[], dict[str, Any]]
) -> None:
    """botocore's own retries are enough where the bucket fills soon."""
    client = patient(aws, "cloudformation", 6)
    put("[throttle]\nrate = 5")

    assert [""] * 8 == [said(client.list_stacks) for _ in range(8)]
    assert told()["throttled"]


def test_a_wrong_table_leaves_the_one_in_force(
    aws: Aws, put: Put, told: Callable[[], dict[str, Any]]
) -> None:
    """The endpoint answers with every mistake."""
    put('[[fault]]\ndo = "drop"')

    refused = put('[[fault]]\ndo = "fail"\nnht = 1')

    assert {
        "error": 'table of faults: fault 1: "nht" is no key here; the nearest is "nth"; '
        'fault 1: do = "fail" needs "reason"'
    } == refused
    assert ["drop"] == [fault["do"] for fault in told()["faults"]]
    assert "ConnectionClosedError" == said(aws.client("sts").get_caller_identity)


def test_the_endpoint_tells_what_happened(
    aws: Aws, put: Put, told: Callable[[], dict[str, Any]]
) -> None:
    """Each line with how often it was met and how often it happened."""
    put('[throttle]\nrate = 0.001\nburst = 2\n[[fault]]\ndo = "drop"\nnth = 2')

    assert ["", "ConnectionClosedError", "Throttling"] == [
        said(aws.client("sts").get_caller_identity) for _ in range(3)
    ]
    assert {
        "faults": [{"do": "drop", "nth": [2], "matched": 2, "done": 1}],
        "throttled": 1,
    } == told()


def test_another_table_begins_from_zero(aws: Aws, put: Put) -> None:
    """The same table put again counts anew."""
    sts = aws.client("sts")
    for _ in range(2):
        put('[[fault]]\ndo = "drop"\nnth = 1')
        assert ["ConnectionClosedError", ""] == [said(sts.get_caller_identity) for _ in range(2)]


def test_a_cloud_starts_with_the_table_of_its_environment(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset begins the same table anew; what goes wrong goes wrong again."""
    monkeypatch.setenv("TAPCFN_LOCAL_FAULTS", '[[fault]]\ndo = "drop"\nnth = 1')
    cloud = server.start(tmp_path, speed=0)
    try:
        sts = Aws(cloud.url, fresh_account()).client("sts")
        first = [said(sts.get_caller_identity) for _ in range(2)]
        server.reset(tmp_path)
        again = [said(sts.get_caller_identity) for _ in range(2)]
        told = record.ask(cloud.url, "/_tapcfn/faults")
    finally:
        server.stop(tmp_path, settle=1)

    assert ["ConnectionClosedError", ""] == first
    assert ["ConnectionClosedError", ""] == again
    assert [{"do": "drop", "nth": [1], "matched": 2, "done": 1}] == told["faults"]


def test_a_cloud_does_not_start_with_a_wrong_table(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with it is at the end of the log, and so in the error."""
    monkeypatch.setenv("TAPCFN_LOCAL_FAULTS", '[[fault]]\ndo = "explode"')

    with pytest.raises(LocalCloudError, match='fault 1: do must be .*, not "explode"'):
        server.start(tmp_path, speed=0)


def test_who_deletes_hears_nothing_but_deletes(aws: Aws, put: Put) -> None:
    """A DeleteStack whose answer is lost goes on to its end."""
    cloudformation = aws.client("cloudformation")
    stack = begin(cloudformation, "shop")
    settled(cloudformation, stack)
    put('[[fault]]\ndo = "lost_answer"\noperation = "DeleteStack"\nnth = 1')

    assert "ConnectionClosedError" == said(lambda: cloudformation.delete_stack(StackName=stack))
    assert "DELETE_COMPLETE" == destroy(cloudformation, stack)["StackStatus"]


# Late answers -------------------------------------------------------------------------------------


def test_an_answer_comes_late_and_no_other_waits_for_it(aws: Aws, put: Put) -> None:
    """The first call has its answer after its seconds; meanwhile others are answered."""
    cloudformation = aws.client("cloudformation")
    put('[[fault]]\ndo = "delay"\nseconds = 0.4\noperation = "ListStacks"\nnth = 1')
    began = time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(cloudformation.list_stacks)
        until(lambda: record.ask(aws.url, "/_tapcfn/faults")["faults"][0]["done"])
        cloudformation.list_stacks()
        others = time.monotonic() - began
        assert "StackSummaries" in late.result()

    assert others < 0.4 <= time.monotonic() - began


def test_whoever_cannot_wait_hears_nothing_yet_it_is_done(aws: Aws, put: Put) -> None:
    """The change set of a caller that gave up is there; letting go answers into nowhere."""
    cloudformation = aws.client("cloudformation")
    put('[[fault]]\ndo = "delay"\nseconds = 600\noperation = "CreateChangeSet"\nnth = 1')

    assert "ReadTimeoutError" == said(lambda: hurried(aws, 0.2).create_change_set(**CHANGE))

    made = cloudformation.describe_change_set(StackName="shop", ChangeSetName="first")
    assert "CREATE_COMPLETE" == made["Status"]
    put("")
    assert exists(cloudformation, "shop")


def test_another_table_lets_late_answers_go(aws: Aws, put: Put) -> None:
    """Nobody waits for the seconds of a table that is no longer in force."""
    put('[[fault]]\ndo = "delay"\nseconds = 600\noperation = "ListStacks"')

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(aws.client("cloudformation").list_stacks)
        until(lambda: record.ask(aws.url, "/_tapcfn/faults")["faults"][0]["done"])
        put("")

        assert "StackSummaries" in late.result(timeout=10)


def test_a_stop_waits_for_no_late_answer(tmp_path: Path) -> None:
    """The cloud ends in good order, and says what it has to say before that."""
    table = '[[fault]]\ndo = "delay"\nseconds = 600\noperation = "ListStacks"'
    cloud = server.start(tmp_path, speed=0, faults=table)
    with ThreadPoolExecutor(1) as pool:
        client = Aws(cloud.url, fresh_account()).client("cloudformation")
        late = pool.submit(client.list_stacks)
        until(lambda: record.ask(cloud.url, "/_tapcfn/faults")["faults"][0]["done"])

        server.stop(tmp_path, settle=0)

        assert "StackSummaries" in late.result(timeout=1)
