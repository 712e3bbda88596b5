"""What a stack may ask for, on the local cloud: its stack policy, and the service's warnings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tapcfn.cli.app import run
from tests.end_to_end.conftest import Bench

NO_PACKAGE = "there.are.no.blueprints"

SETTINGS = """\
account = "{account}"
backend = "local"
region = "us-east-1"
stack_policy = true
{more}
[stacks.data]
template = "data.json"
"""


class Folder:
    """A folder with one template of one table."""

    def __init__(self, bench: Bench, path: Path) -> None:
        self.bench, self.path = bench, path
        self.settings("")

    def settings(self, more: str) -> None:
        text = SETTINGS.format(account=self.bench.account, more=more)
        (self.path / "tapcfn.toml").write_text(text)

    def table(self, name: str) -> None:
        properties = {
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        table = {"Type": "AWS::DynamoDB::Table", "Properties": properties}
        (self.path / "data.json").write_text(json.dumps({"Resources": {"Table": table}}))

    def run(self, *words: str) -> tuple[int, str, str]:
        self.bench.capture()
        code = run(NO_PACKAGE, [words[0], str(self.path), *words[1:]])
        return (code, *self.bench.capture())

    @property
    def policy(self) -> str:
        cloudformation = self.bench.client("cloudformation")
        (stack,) = cloudformation.describe_stacks()["Stacks"]
        found = cloudformation.get_stack_policy(StackName=stack["StackId"])
        return str(found.get("StackPolicyBody", ""))


@pytest.fixture
def folder(bench: Bench, tmp_path: Path) -> Folder:
    """A folder of templates for an account of its own."""
    return Folder(bench, tmp_path)


def test_a_stack_policy_is_set_widened_by_name_and_put_back(folder: Folder):
    """The local cloud asks it: without the widening the replacement would fail half way."""
    folder.table("one")
    assert 0 == folder.run("apply")[0]
    guarded = folder.policy
    assert "LogicalResourceId/Table" in guarded
    folder.table("two")

    refused = folder.run("apply")
    code, out, err = folder.run("apply", "--allow-loss", "data/Table:replace")

    assert (4, 0) == (refused[0], code), err
    assert "± Table  AWS::DynamoDB::Table  is replaced" in out
    assert ["two"] == folder.bench.client("dynamodb").list_tables()["TableNames"]
    assert guarded == folder.policy
    assert "Nothing to do" in folder.run("plan")[1]


def test_a_policy_that_was_taken_off_by_hand_is_work(folder: Folder):
    """The plan says so, and apply puts it in place without a change set."""
    folder.table("one")
    folder.run("apply")
    guarded = folder.policy
    cloudformation = folder.bench.client("cloudformation")
    (stack,) = cloudformation.describe_stacks()["Stacks"]
    wide = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    cloudformation.set_stack_policy(
        StackName=stack["StackId"], StackPolicyBody=json.dumps({"Statement": [wide]})
    )

    code, out, _ = folder.run("plan", "--detailed-exitcode")
    folder.run("apply")

    assert 10 == code
    assert "(the stack policy differs)\n              stack policy: guards Table" in out
    assert guarded == folder.policy


def test_a_name_that_is_taken_is_told_with_its_line(folder: Folder):
    """Early validation refuses the change set; every finding has the line of its resource. (R-8)"""
    folder.table("taken")
    folder.bench.client("dynamodb").create_table(
        TableName="taken",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )

    code, out, err = folder.run("plan")

    assert code in {1, 4}, err
    told = [line for line in (out + err).splitlines() if "taken" in line or "exists" in line]
    assert any("data.json:" in line for line in told), out + err


def test_express_is_refused_with_the_reason(folder: Folder):
    """Before any call."""
    folder.table("one")
    folder.settings('mode = "express"')

    code, _, err = folder.run("plan")

    assert 2 == code
    assert 'mode = "express": is refused: EXPRESS ends before resources are ready' in err
