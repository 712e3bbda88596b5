"""stackset: what failed is seen, done again and taken back; stacks are adopted; drift is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tapcfn.cli.app import run as run_command
from tests.end_to_end.conftest import Bench
from tests.end_to_end.sets import ALL_AT_ONCE, NAME, SetFolder, self_managed
from tests.local.stack_sets.fleet import EXECUTION, Fleet, make_execution_role

CANARY = """
[[stack_sets.base.waves]]
name = "canary"
pairs = ["{account}/us-east-1"]
"""


@pytest.fixture
def folder(bench: Bench, tmp_path: Path) -> SetFolder:
    """A set for two accounts in two Regions, not deployed yet."""
    made = self_managed(bench, tmp_path / "sets")
    made.settings(ALL_AT_ONCE)
    return made


def said(folder: SetFolder, command: str, *words: str) -> str:
    """Return what a person reads."""
    folder.bench.capture()
    code = run_command("there.is.none", ["stackset", command, str(folder.folder), *words])
    out, err = folder.bench.capture()
    assert code == 0, err
    return out


def lock_out(folder: SetFolder, account: str) -> None:
    """Take the role away that lets the set into an account."""
    folder.client("iam", account).delete_role(RoleName=EXECUTION)


def let_in(folder: SetFolder, account: str) -> None:
    """Give it back."""
    make_execution_role(Fleet(folder.bench.url, folder.bench.account, ()), account)


def answer(folder: SetFolder, command: str, kind: str, *words: str) -> dict[str, Any]:
    (line,) = folder.done(f"stackset {command}", *words).of_type(kind)
    return line


@pytest.mark.drill
def test_what_failed_is_seen_done_again_and_taken_back(folder: SetFolder, tmp_path: Path) -> None:
    """D-5, D-10, D-12, R-22: one rollout that fails in one of its accounts, through all of it."""
    _, second = folder.accounts
    assert answer(folder, "status", "stackset.status")["deployed"] is False
    assert "4 instances" in said(folder, "simulate")
    assert folder.do("stackset retry").code == 4
    folder.done("apply")
    lock_out(folder, second)
    folder.wants("second")
    assert run_command("there.is.none", ["apply", str(folder.folder)]) == 1
    assert f"stackset retry {folder.folder} --set {NAME}" in folder.bench.capture()[1]

    standing = answer(folder, "status", "stackset.status")
    assert standing["template_as_wanted"]
    assert standing["instances"]["CURRENT/SUCCEEDED"] == 2
    operation = standing["last"]["operation_id"]
    told = answer(folder, "operations", "stackset.operation", operation)
    assert {each["account"] for each in told["results"] if each["status"] == "FAILED"} == {second}
    (cause,) = told["causes"]
    assert (cause["count"], EXECUTION in cause["reason"]) == (2, True)
    assert folder.do("stackset skew", "--detailed-exitcode").code == 10
    assert f"{second}  eu-west-1" in said(folder, "instances", "--parameters")

    let_in(folder, second)
    folder.settings(ALL_AT_ONCE + CANARY.format(account=second))
    begun = len(folder.operations())
    retried = folder.done("stackset retry")
    (told,) = retried.of_type("stackset.retry")
    assert ["canary", "rest"] == [each["wave"] for each in retried.of_type("wave.start")]
    assert {each.partition("/")[0] for each in told["instances"]} == {second}
    assert {"CURRENT/SUCCEEDED": 4} == folder.states()
    assert {each["Action"] for each in folder.operations()[begun:]} == {"UPDATE"}
    again = folder.done("stackset retry")
    assert not again.of_type("op.start")

    file = tmp_path / "outputs.json"
    folder.done("stackset outputs", "--outputs-file", str(file))
    assert set(json.loads(file.read_text())) == {NAME}
    reverted = folder.done("stackset revert")
    (back,) = reverted.of_type("stackset.revert")
    assert len(back["instances"]) == 4
    assert ["canary", "rest"] == [each["wave"] for each in reverted.of_type("wave.start")]
    assert folder.titles() == {"first"}
    assert not answer(folder, "status", "stackset.status")["template_as_wanted"]
    assert folder.change_sets() == []


def test_drift_is_found_in_every_instance_and_told_once(folder: SetFolder) -> None:
    """D-13: by property, and what is not checked; nothing at work is nothing to stop."""
    folder.wants("first", Handle={"Type": "AWS::CloudFormation::WaitConditionHandle"})
    folder.done("apply")
    assert folder.done("stackset drift", "--detailed-exitcode").code == 0
    for account, region in sorted(folder.stacks()):
        sns = folder.client("sns", account, region)
        (topic,) = sns.list_topics()["Topics"]
        sns.set_topic_attributes(
            TopicArn=topic["TopicArn"], AttributeName="DisplayName", AttributeValue="by hand"
        )

    result = folder.do("stackset drift", "--detailed-exitcode")

    assert result.code == 10
    (drift,) = result.of_type("stackset.drift")
    (group,) = drift["groups"]
    assert (drift["status"], drift["drifted"], group["path"]) == ("COMPLETED", 4, "/DisplayName")
    assert len(group["instances"]) == 4
    (handle,) = drift["unchecked"]
    assert (drift["unsupported"], handle["logical_id"], len(handle["instances"])) == (
        4,
        "Handle",
        4,
    )
    assert folder.done("stackset drift").code == 0
    assert not folder.done("stackset stop").of_type("stackset.stop")


def test_stacks_are_adopted_as_they_are(folder: SetFolder) -> None:
    """D-24: their own parameters become overrides; a stack unlike the set is named and nothing is
    written."""
    ids = []
    for number, (account, region) in enumerate(sorted(folder.wanted)):
        made = folder.client("cloudformation", account, region).create_stack(
            StackName="legacy",
            TemplateBody=json.dumps(folder.document),
            Parameters=[{"ParameterKey": "Size", "ParameterValue": f"{number}"}],
        )
        ids.append(made["StackId"])
    account, region = sorted(folder.wanted)[0]
    odd = folder.client("cloudformation", account, region).create_stack(
        StackName="odd",
        TemplateBody=json.dumps({"Resources": {"Other": {"Type": "AWS::SNS::Topic"}}}),
    )["StackId"]

    refused = folder.do("stackset adopt", odd)
    assert refused.code == 4
    assert "odd: its template" in refused.of_type("diagnostic")[-1]["message"]
    assert not folder.is_there()

    folder.done("stackset adopt", *ids)
    assert sorted(each["StackId"] for each in folder.instances()) == sorted(ids)
    lines = folder.done("stackset instances", "--parameters").of_type("stackset.instance")
    assert [each["overrides"] for each in lines] == [{"Size": f"{at}"} for at in range(4)]
    assert not folder.done("stackset adopt", *ids).of_type("op.start")


def test_which_set_is_asked_for_where_it_could_be_several(folder: SetFolder) -> None:
    """Before a cloud is opened."""
    text = (folder.folder / "tapcfn.toml").read_text()
    (folder.folder / "tapcfn.toml").write_text(
        text + text[text.index("[stack_sets") :].replace("stack_sets.base", "stack_sets.other")
    )

    both = folder.do("stackset retry")
    unknown = folder.do("stackset status", "--set", "third")

    assert (both.code, unknown.code) == (2, 2)
    assert "--set base or --set other" in both.of_type("diagnostic")[-1]["message"]
    assert "base, other" in unknown.of_type("diagnostic")[-1]["message"]
