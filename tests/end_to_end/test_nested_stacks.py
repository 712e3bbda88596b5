"""Nested stacks through the deployer: what is in them is planned, guarded, saved and applied."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tapcfn.cli.app import run
from tests.end_to_end.conftest import Bench, Result

NO_PACKAGE = "there.are.no.blueprints"
BUCKET = "templates-{account}"
INNER = {
    "Parameters": {"Days": {"Type": "Number"}},
    "Resources": {
        "Group": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {"RetentionInDays": {"Ref": "Days"}},
        },
        "Data": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
        },
    },
    "Outputs": {"Name": {"Value": {"Ref": "Group"}}},
}


@dataclass
class Nest:
    """A folder with one stack, in which one is nested, in which another one is nested."""

    bench: Bench
    folder: Path

    def write(self, version: str, days: int, *, without: str = "") -> None:
        """Write what is wanted; the templates of nested stacks go into a bucket."""
        kept = {key: body for key, body in INNER["Resources"].items() if key != without}
        inner = self._put(f"{version}-inner", {**INNER, "Resources": kept})
        middle = {"Parameters": {"Days": {"Type": "Number"}}, **_nesting("Inner", inner)}
        outer = self._put(f"{version}-middle", middle)
        root = {"Parameters": {"Days": {"Type": "Number"}}, **_nesting("Middle", outer)}
        (self.folder / "root.json").write_text(json.dumps(root))
        (self.folder / "tapcfn.toml").write_text(
            f'account = "{self.bench.account}"\nbackend = "local"\n'
            'termination_protection = false\n[stacks.root]\ntemplate = "root.json"\n'
            f'region = "us-east-1"\nparameters = {{ Days = {days} }}\n'
        )

    def _put(self, key: str, body: dict[str, Any]) -> str:
        bucket = BUCKET.format(account=self.bench.account)
        s3 = self.bench.client("s3")
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(body).encode())
        return f"https://{bucket}.s3.us-east-1.amazonaws.com/{key}"

    def run(self, command: str, *words: str) -> Result:
        self.bench.capture()
        code = run(NO_PACKAGE, [command, str(self.folder), *words])
        return Result(code, *self.bench.capture())

    def names(self) -> list[str]:
        found = self.bench.client("cloudformation").describe_stacks()["Stacks"]
        return sorted(each["StackName"] for each in found)

    def days(self) -> int:
        (group,) = self.bench.client("logs").describe_log_groups()["logGroups"]
        return int(group["retentionInDays"])


def _nesting(name: str, url: str) -> dict[str, Any]:
    properties = {"TemplateURL": url, "Parameters": {"Days": {"Ref": "Days"}}}
    stack = {
        "Type": "AWS::CloudFormation::Stack",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": properties,
    }
    return {"Resources": {name: stack}}


@pytest.fixture
def nest(bench: Bench, tmp_path: Path) -> Nest:
    made = Nest(bench, tmp_path / "nest")
    made.folder.mkdir()
    made.write("a", 7)
    return made


def test_what_is_nested_is_planned_and_applied(nest: Nest):
    """Values of before and after from two stacks deep; an unsaved plan leaves nothing behind."""
    first = nest.run("plan")
    assert 0 == first.code, first.err
    assert "+ Group  AWS::Logs::LogGroup" in first.out
    assert [] == nest.names()
    applied = nest.run("apply")
    assert 0 == applied.code, applied.err
    deployed = nest.names()
    assert 3 == len(deployed)

    nest.write("a", 14)
    planned = nest.run("plan", "--json")
    (told,) = [line for line in planned.of_type("plan.change") if line["logical_id"] == "Group"]
    assert ("Middle/Inner", "7", "14") == (told["nested"], told["before"], told["after"])
    assert deployed == nest.names()
    for name in deployed:
        cloudformation = nest.bench.client("cloudformation")
        left = cloudformation.list_change_sets(StackName=name)["Summaries"]
        assert [] == [each for each in left if each["ExecutionStatus"] == "AVAILABLE"]
    assert 7 == nest.days()

    applied = nest.run("apply")
    assert 0 == applied.code, applied.err
    assert (deployed, 14) == (nest.names(), nest.days())
    assert 0 == nest.run("plan", "--detailed-exitcode").code


@pytest.mark.drill
def test_a_loss_in_a_nested_stack_is_objected_to(nest: Nest):
    """Exit 4, and the allowance names the way to it."""
    assert 0 == nest.run("apply").code
    nest.write("b", 7, without="Data")

    blocked = nest.run("apply")
    path = "root/Middle/Inner/Data:remove"
    allowed = nest.run("apply", "--allow-loss", path)

    assert 4 == blocked.code
    assert f"--allow-loss {path}" in blocked.out
    assert 0 == allowed.code, allowed.err
    buckets = [each["Name"] for each in nest.bench.client("s3").list_buckets()["Buckets"]]
    assert [BUCKET.format(account=nest.bench.account)] == buckets


@pytest.mark.drill
def test_a_saved_plan_is_applied_as_it_was_reviewed_or_not_at_all(nest: Nest):
    """Other templates under the same addresses are not what was reviewed, nor is a nested stack
    that somebody updated since: exit 6.
    """
    assert 0 == nest.run("apply").code
    saved = str(nest.folder / "plan.json")
    nest.write("b", 14)
    assert 0 == nest.run("plan", "--out", saved).code
    nest.write("b", 14, without="Data")
    applied = nest.run("apply", "--plan", saved)
    assert 0 == applied.code, applied.err
    assert (14, 2) == (nest.days(), len(nest.bench.client("s3").list_buckets()["Buckets"]))

    nest.write("c", 30)
    assert 0 == nest.run("plan", "--out", saved).code
    cloudformation = nest.bench.client("cloudformation")
    (inner,) = (each for each in nest.names() if "-Inner-" in each)
    cloudformation.update_stack(
        StackName=inner,
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Days", "ParameterValue": "60"}],
    )
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName=inner, WaiterConfig={"Delay": 0, "MaxAttempts": 1000}
    )
    stale = nest.run("apply", "--plan", saved)

    assert 6 == stale.code
    assert "root: its change set is OBSOLETE" in stale.err
    assert 60 == nest.days()


def test_a_role_in_a_nested_stack_is_acknowledged_by_the_root(nest: Nest):
    """The plan says why, in the service's words; the root shows no IAM of its own."""
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    }
    url = nest._put("role", {"Parameters": {"Days": {"Type": "Number"}}, "Resources": {"R": role}})
    root = {"Parameters": {"Days": {"Type": "Number"}}, **_nesting("Inner", url)}
    (nest.folder / "root.json").write_text(json.dumps(root))

    planned = nest.run("plan")
    applied = nest.run("apply")

    assert 0 == planned.code, planned.err
    assert (
        "acknowledges CAPABILITY_NAMED_IAM: The following resource(s) require capabilities: "
        "[AWS::CloudFormation::Stack]"
    ) in planned.out
    assert 0 == applied.code, applied.err
