"""What goes wrong around stack sets that no table of faults can say: kills, signals, full disks.

A trouble has a table of faults, and up to three acts of its own: what somebody does before the
command, how the command is run, and what a person mends before the next one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.end_to_end.conftest import Result
from tests.end_to_end.sets import NAME, REGIONS, SetFolder
from tests.local.stack_sets.fleet import EXECUTION, Fleet, make_execution_role
from tests.local.stack_sets.test_gates import FUNCTION, put_gate
from tests.local_cloud import until
from tests.machine import read_line

PROJECT = Path(__file__).parents[2]
DEPLOY = str(PROJECT / "deploy.py")
PATIENCE = 60

Words = Sequence[str]


def nothing(_: SetFolder) -> None:
    """Do nothing."""


def as_usual(fleet: SetFolder, command: str, words: Words) -> Result:
    """Run the command here."""
    return fleet.do(command, *words)


@dataclass(frozen=True)
class Trouble:
    """One fault: its table by name or text, what comes before, how it is run, what mends it."""

    table: str = ""
    begin: Callable[[SetFolder], None] = nothing
    run: Callable[[SetFolder, str, Words], Result] = as_usual
    mend: Callable[[SetFolder], None] = nothing


# Processes of their own ---------------------------------------------------------------------------


def start(root: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Begin a command of its own."""
    return subprocess.Popen(
        [sys.executable, *words, "--json"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def read_until_started(process: subprocess.Popen[str]) -> str:
    """Read lines until an operation on the set is at work; return its id."""
    assert process.stdout is not None
    for text in process.stdout:
        if (line := read_line(text))["type"] == "op.start":
            return str(line["operation_id"])
    raise AssertionError("no operation was started")


def rest_of(process: subprocess.Popen[str]) -> Result:
    """Return how the process ended, and what it said that nobody has read yet."""
    out, _ = process.communicate(timeout=PATIENCE)
    return Result(process.returncode, out, "")


def killed(point: str, number: int = 1) -> Callable[[SetFolder, str, Words], Result]:
    """Return what runs a command that dies there."""

    def run(fleet: SetFolder, command: str, words: Words) -> Result:
        how = ("-m", "tests.drills.killed", point, str(number))
        return rest_of(start(fleet.bench.root, *how, command, str(fleet.folder), *words))

    return run


def interrupted(
    number: signal.Signals, *, ends: bool = True
) -> Callable[[SetFolder, str, Words], Result]:
    """Return what runs a command that is sent a signal while its operation is at work.

    Unless it `ends`, the operation stays STOPPING for longer than anybody waits.
    """

    def run(fleet: SetFolder, command: str, words: Words) -> Result:
        process = start(fleet.bench.root, DEPLOY, command, str(fleet.folder), *words)
        token = read_until_started(process)
        process.send_signal(number)
        until(lambda: "STOPPING" in _status_of(fleet, token))
        if ends:
            fleet.inject("")
        result = rest_of(process)
        assert _status_of(fleet, token) == ("STOPPED" if ends else "STOPPING")
        return result

    return run


def stopped_by_others(fleet: SetFolder, command: str, words: Words) -> Result:
    """Run a command whose operation somebody else stops."""
    process = start(fleet.bench.root, DEPLOY, command, str(fleet.folder), *words)
    token = read_until_started(process)
    fleet.cloudformation.stop_stack_set_operation(StackSetName=NAME, OperationId=token)
    fleet.inject("")
    return rest_of(process)


def killed_at_work(fleet: SetFolder, command: str, words: Words) -> Result:
    """Kill the run while its operation is at work; the next one meets it and gives up waiting."""
    process = start(fleet.bench.root, DEPLOY, command, str(fleet.folder), *words)
    token = read_until_started(process)
    process.kill()
    process.communicate(timeout=PATIENCE)
    late = fleet.do(command, "--timeout", "2s")
    (adopted,) = late.of_type("op.start")
    assert (token, True) == (adopted["operation_id"], adopted["adopted"])
    return late


def _status_of(fleet: SetFolder, token: str) -> str:
    mine = [each for each in fleet.operations() if each["OperationId"] == token]
    return str(mine[0]["Status"]) if mine else ""


# As on AWS ----------------------------------------------------------------------------------------


def _on_aws(fleet: SetFolder, folder: Path, *words: str) -> subprocess.Popen[str]:
    """Begin a command that has its credentials from files and the environment."""
    config = folder / "config"
    config.write_text(
        f"[default]\nendpoint_url = {fleet.bench.url}\ns3 =\n  addressing_style = path\n"
    )
    keys = {"AWS_ACCESS_KEY_ID": fleet.bench.account, "AWS_SECRET_ACCESS_KEY": "secret"}
    files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": "none"}
    return start(folder, DEPLOY, *words, **keys, **files)


def on_aws(fleet: SetFolder, command: str, words: Words) -> Result:
    """Run a command whose credentials can be read anew."""
    settings = fleet.folder / "tapcfn.toml"
    here = settings.read_text()
    settings.write_text(here.replace('backend = "local"', 'backend = "aws"'))
    result = rest_of(
        _on_aws(fleet, fleet.folder.parent, command, str(fleet.folder), "--yes", *words)
    )
    settings.write_text(here)
    return result


def two_of_one_plan(fleet: SetFolder, command: str, words: Words) -> Result:
    """Let two runners carry out one plan; return what the luckier one said."""
    settings = fleet.folder / "tapcfn.toml"
    here = settings.read_text()
    settings.write_text(here.replace('backend = "local"', 'backend = "aws"'))
    folders = [fleet.folder.parent / name for name in ("first", "second")]
    for folder in folders:
        shutil.copytree(fleet.folder, folder / "fleet")
    settings.write_text(here)
    planned = rest_of(_on_aws(fleet, folders[0], "plan", "fleet", "--out", "plan.json"))
    assert 0 == planned.code, planned.out
    shutil.copy(folders[0] / "plan.json", folders[1])
    runners = [
        _on_aws(fleet, each, command, "fleet", "--plan", "plan.json", *words) for each in folders
    ]
    met = [_met(each) for each in runners]
    fleet.inject("")
    results = sorted(map(rest_of, runners), key=lambda each: each.code)
    assert "op.start" in met
    assert results[1].code in {0, 6}, results[1].out
    return results[0]


def _met(process: subprocess.Popen[str]) -> str:
    """Read until a process is at work or has ended."""
    assert process.stdout is not None
    for text in process.stdout:
        if (kind := read_line(text)["type"]) in {"op.start", "summary"}:
            return str(kind)
    return ""


# The ledger ---------------------------------------------------------------------------------------


def _ledgers(fleet: SetFolder) -> list[Path]:
    """Return what runs on this folder have noted, oldest first."""
    runs = sorted((fleet.bench.root / ".tapcfn" / "runs").glob("*.ndjson"))
    return [path for path in runs if str(fleet.folder) in path.read_text()]


def tear(fleet: SetFolder) -> None:
    """Cut the last line of the ledger in half."""
    path = _ledgers(fleet)[-1]
    text = path.read_text().rstrip("\n")
    path.write_text(text[: (text.rindex("\n") + len(text)) // 2])


def lose(fleet: SetFolder) -> None:
    """Delete the ledgers."""
    for path in _ledgers(fleet):
        path.unlink()


# What others do -----------------------------------------------------------------------------------


def lock_out(fleet: SetFolder) -> None:
    """Let nobody in: the role of one account is gone, or the organization's access."""
    if fleet.own:
        fleet.client("iam", fleet.accounts[1]).delete_role(RoleName=EXECUTION)
    else:
        fleet.cloudformation.deactivate_organizations_access()


def let_in(fleet: SetFolder) -> None:
    """Take that back."""
    if fleet.own:
        make_execution_role(_fleet(fleet), fleet.accounts[1])
    else:
        fleet.cloudformation.activate_organizations_access()


def shut_gate(fleet: SetFolder) -> None:
    """Put an account gate into the first account that lets nothing through."""
    put_gate(_fleet(fleet), fleet.accounts[0], 'return {"Status": "FAILED"}')


def open_gate(fleet: SetFolder) -> None:
    """Remove it."""
    fleet.client("lambda", fleet.accounts[0]).delete_function(FunctionName=FUNCTION)


def close_account(fleet: SetFolder) -> None:
    """Suspend the first account; it is no target any more."""
    fleet.bench.client("organizations").close_account(AccountId=fleet.accounts[0])
    fleet.suspended = fleet.accounts[:1]


def take_instances(fleet: SetFolder) -> None:
    """Delete the instances of one account."""
    named: dict[str, Any] = (
        {"Accounts": [fleet.accounts[0]]}
        if fleet.own
        else {
            "DeploymentTargets": {
                "OrganizationalUnitIds": [fleet.unit],
                "Accounts": [fleet.accounts[0]],
                "AccountFilterType": "INTERSECTION",
            }
        }
    )
    fleet.cloudformation.delete_stack_instances(
        StackSetName=NAME, Regions=list(fleet.regions), RetainStacks=False, **named
    )
    until(lambda: len(fleet.instances()) == len(fleet.wanted) - len(fleet.regions))


def protect(fleet: SetFolder, *, on: bool = True) -> None:
    """Put termination protection on the stacks of the last Region, or take it off."""
    for account in fleet.accounts:
        client = fleet.client("cloudformation", account, REGIONS[-1])
        for stack in client.describe_stacks()["Stacks"]:
            client.update_termination_protection(
                StackName=stack["StackId"], EnableTerminationProtection=on
            )


def break_rollback(fleet: SetFolder) -> None:
    """Bring the stacks of one account into UPDATE_ROLLBACK_FAILED, by an update of the set."""
    account = fleet.accounts[0]
    fleet.inject(STICKY.format(account=account))
    whole = fleet.folder / "base.json"
    wanted = whole.read_text()
    fleet.wants("broken")
    broken = fleet.do("apply")
    assert 1 == broken.code, broken.out
    fleet.inject("")
    whole.write_text(wanted)
    states = {each["StackStatus"] for each in _stacks(fleet, account)}
    assert {"UPDATE_ROLLBACK_FAILED"} == states, states


def continue_rollback(fleet: SetFolder) -> None:
    """Do the repair that was named."""
    account = fleet.accounts[0]
    for region in fleet.regions:
        client = fleet.client("cloudformation", account, region)
        for stack in client.describe_stacks()["Stacks"]:
            client.continue_update_rollback(StackName=stack["StackId"])
    until(
        lambda: (
            {"UPDATE_ROLLBACK_COMPLETE"}
            == {each["StackStatus"] for each in _stacks(fleet, account)}
        )
    )


def _stacks(fleet: SetFolder, account: str) -> list[Mapping[str, Any]]:
    return [
        stack
        for region in fleet.regions
        for stack in fleet.client("cloudformation", account, region).describe_stacks()["Stacks"]
    ]


def save_plan(fleet: SetFolder) -> None:
    """Save a plan, and let somebody else change the set afterwards."""
    fleet.done("plan", "--out", str(_plan_file(fleet)))
    fleet.cloudformation.update_stack_set(
        StackSetName=NAME, UsePreviousTemplate=True, Tags=[{"Key": "by", "Value": "somebody"}]
    )
    until(lambda: not {"RUNNING", "QUEUED"} & {each["Status"] for each in fleet.operations()})


def from_plan(fleet: SetFolder, command: str, words: Words) -> Result:
    """Carry out the plan that was saved."""
    return fleet.do(command, "--plan", str(_plan_file(fleet)), *words)


def _plan_file(fleet: SetFolder) -> Path:
    return fleet.folder.parent / "plan.json"


def fail_before(fleet: SetFolder) -> None:
    """Let an earlier update fail in every stack for another reason than the next one."""
    wanted = (fleet.folder / "base.json").read_text()
    fleet.inject(EARLIER)
    fleet.wants("earlier")
    assert 1 == fleet.do("apply").code
    fleet.inject("")
    (fleet.folder / "base.json").write_text(wanted)


def _fleet(fleet: SetFolder) -> Fleet:
    return Fleet(fleet.bench.url, fleet.bench.account, fleet.accounts)


STICKY = """
[[fault]]
do = "fail"
account = "{account}"
logical_id = "Topic"
during = "update"
reason = "Topic cannot be updated"

[[fault]]
do = "fail"
account = "{account}"
logical_id = "Topic"
during = "rollback"
reason = "Topic cannot be rolled back"
"""
EARLIER = """
[[fault]]
do = "fail"
type = "AWS::SNS::Topic"
during = "update"
reason = "the earlier reason"
"""
LATER = """
[[fault]]
do = "stale_read"
operation = "DescribeStackEvents"
nth = [1, 2]

[[fault]]
do = "fail"
type = "AWS::SNS::Topic"
during = "update"
reason = "the later reason"
"""

TROUBLES: Mapping[str, Trouble] = {
    "killed in a preview, before": Trouble(run=killed("call-before-CreateChangeSet")),
    "killed in a preview, after": Trouble(run=killed("call-after-CreateChangeSet")),
    "killed after a preview": Trouble(run=killed("call-after-DeleteChangeSet", 4)),
    **{
        f"killed {when} {action}": Trouble(run=killed(f"call-{when}-{action}"))
        for when in ("before", "after")
        for action in (
            "CreateStackSet",
            "CreateStackInstances",
            "UpdateStackSet",
            "DeleteStackInstances",
            "DeleteStackSet",
        )
    },
    "killed at work": Trouble("x06", run=killed_at_work),
    "torn ledger": Trouble(run=killed("call-after-CreateStackInstances"), mend=tear),
    "lost ledger": Trouble(run=killed("call-after-CreateStackInstances"), mend=lose),
    "full disk, before": Trouble(run=killed("note-full", 5)),
    "full disk, between": Trouble(run=killed("note-full", 7)),
    "full disk, after": Trouble(run=killed("note-full", 9)),
    "renewed credentials": Trouble("x11_renewed", run=on_aws),
    "no way in": Trouble(begin=lock_out, mend=let_in),
    "two runs": Trouble("x06", run=two_of_one_plan),
    "changed since the plan": Trouble(begin=save_plan, run=from_plan),
    "earlier events": Trouble(LATER, begin=fail_before),
    "stopped by others": Trouble("x06", run=stopped_by_others),
    "shut gate": Trouble(begin=shut_gate, mend=open_gate),
    "suspended account": Trouble(begin=close_account),
    "stuck stacks": Trouble(begin=break_rollback, mend=continue_rollback),
    "protected stacks": Trouble(begin=protect, mend=partial(protect, on=False)),
    "SIGTERM": Trouble("x06", run=interrupted(signal.SIGTERM)),
    "SIGTERM, STOPPING for long": Trouble(
        "x15_stopping", run=interrupted(signal.SIGTERM, ends=False)
    ),
    "SIGINT": Trouble("x06", run=interrupted(signal.SIGINT)),
    "instances gone": Trouble(begin=take_instances),
}


def of(name: str) -> Trouble:
    """Return a trouble by its name, or the one that is all in a table of this name."""
    return TROUBLES.get(name) or Trouble(name)


def last_line(result: Result) -> Mapping[str, Any]:
    """Return the last line that was written, whole or not; empty where there is none."""
    lines = [json.loads(each) for each in result.out.splitlines() if each.endswith("}")]
    return lines[-1] if lines else {}
