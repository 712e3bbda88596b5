"""Past runs, going on with one, going back to a good bundle, and stacks that are stuck."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tapcfn.cli.app import run as run_command
from tapcfn.local import server
from tests.end_to_end.conftest import Bench, Result

NETWORK = "local-replicated-storage-network"

STUCK = """
[[fault]]
do = "fail"
account = "{account}"
logical_id = "SecurityGroup"
during = "{first}"
reason = "first"

[[fault]]
do = "fail"
account = "{account}"
logical_id = "SecurityGroup"
during = "{then}"
reason = "then"
"""


def do(bench: Bench, *words: str) -> Result:
    """Run a command that takes no blueprint, or that names it itself."""
    bench.capture()
    code = run_command("templates.blueprints", [*words])
    return Result(code, *bench.capture())


@pytest.fixture
def faults(bench: Bench) -> Iterator[Bench]:
    """Let no fault outlive its test."""
    yield bench
    server.inject(bench.root, "")


def test_a_run_that_was_stopped_is_gone_on_with_by_its_name(bench: Bench, tmp_path: Path):
    """With its own options; `runs` shows both, and the second is not gone on with again."""
    assert 0 == bench.run("plan").code  # the first change sets of a cloud take their time
    stopped = bench.run("apply", "--json", "--timeout", "0s")
    assert 7 == stopped.code
    assert stopped.lines[-1]["resume"].endswith(f" resume {stopped.lines[0]['run']}")

    resumed = do(bench, "resume", stopped.lines[0]["run"], "--json")

    assert 0 == resumed.code, resumed.out
    assert 6 == len(bench.stack_names())
    shown = do(bench, "runs", stopped.lines[0]["run"], "--json").of_type("run")
    assert [(7, "still running")] == [(each["exit_code"], each["outcome"]) for each in shown]
    (run,) = do(bench, "runs", resumed.lines[0]["run"], "--json").of_type("run")
    assert (stopped.lines[0]["run"], "done") == (run["resumes"], run["outcome"])
    assert {"done"} == {each["ending"] for each in run["units"]}
    assert resumed.lines[0]["run"] in do(bench, "runs", "replicated_storage").out
    assert "Nothing to resume" in do(bench, "resume", resumed.lines[0]["run"]).err


def test_a_run_that_wanted_something_else_is_not_gone_on_with(bench: Bench):
    """Exit 6 names what deploys what is wanted now."""
    stopped = bench.run("apply", "--json", "--timeout", "0s")
    bench.settings(cidr="10.9.0.0/16")

    refused = do(bench, "resume", stopped.lines[0]["run"])

    assert 6 == refused.code
    assert f"apply replicated_storage --stage local --settings {bench.file}" in refused.err
    assert set() == bench.stack_names()


def test_a_plan_that_was_stopped_half_way_is_gone_on_with(bench: Bench, tmp_path: Path):
    """Its change sets are still the reviewed ones."""
    plan = tmp_path / "plan.json"
    assert 0 == bench.run("plan", "--out", str(plan)).code
    stopped = bench.run("apply", "--plan", str(plan), "--json", "--timeout", "0s")
    assert 7 == stopped.code, stopped.out

    resumed = do(bench, "resume", stopped.lines[0]["run"])

    assert 0 == resumed.code, resumed.err
    assert 6 == len(bench.stack_names())


def test_what_a_killed_run_has_staged_goes_once_something_else_is_wanted(
    bench: Bench, tmp_path: Path
):
    """Neither its change sets nor the shells of stacks that it would have created stay. (X-5)"""
    saved = bench.run("plan", "--json", "--out", str(tmp_path / "plan.json"))
    assert 0 == saved.code
    assert bench.stack_names(), "the shells of what the plan would create"
    run = bench.root / ".tapcfn" / "runs" / f"{saved.lines[0]['run']}.ndjson"
    notes = run.read_text().splitlines(keepends=True)
    run.write_text("".join(line for line in notes if '"kind": "ended"' not in line))
    bench.settings(cidr="10.9.0.0/16", keep_data="true")

    planned = bench.run("plan", "--json")

    assert 0 == planned.code, planned.err
    assert set() == bench.stack_names()
    said = [each["message"] for each in planned.of_type("diagnostic")]
    assert any("an earlier run left was removed" in each for each in said)


def test_an_unknown_run_is_named(bench: Bench):
    assert 2 == do(bench, "resume", "nobodys").code
    assert 2 == do(bench, "runs", "nobodys").code


def test_rollback_goes_back_to_what_was_deployed_whole(bench: Bench):
    """And forth again: each is what was there before the other."""

    def allowed() -> str:
        parameters = bench.stack("network")["Parameters"]
        return next(p["ParameterValue"] for p in parameters if p["ParameterKey"] == "AllowedCidr")

    assert 0 == bench.run("apply").code
    bench.settings(cidr="10.9.0.0/16")
    assert 0 == bench.run("apply").code
    listed = bench.run("rollback", "--list", "--json").of_type("rollback.bundles")[0]

    back = bench.run("rollback")

    assert (0, "10.0.0.0/8") == (back.code, allowed()), back.err
    assert f".tapcfn/bundles/local-replicated_storage/{listed['next']}" in back.err
    assert 0 == bench.run("rollback").code
    assert "10.9.0.0/16" == allowed()
    assert 2 == bench.run("rollback", "--to", "nobodys").code


def test_a_rollback_that_failed_is_gone_on_with(faults: Bench):
    """The plan names `recover`, which shows the cause, makes the call, and the stack is well."""
    bench = faults
    assert 0 == bench.run("apply").code
    server.inject(bench.root, STUCK.format(account=bench.account, first="update", then="rollback"))
    bench.settings(cidr="10.9.0.0/16")
    assert 1 == bench.run("apply").code
    assert "UPDATE_ROLLBACK_FAILED" == bench.stack("network")["StackStatus"]
    blocked = bench.run("plan")
    assert (4, True) == (blocked.code, f"`recover --stack {NETWORK}`" in blocked.err)
    server.inject(bench.root, "")

    (found,) = bench.run("recover", "--json").of_type("diagnosis")
    assert ("continue rollback", ["SecurityGroup"]) == (found["cure"], found["skippable"])
    assert ("first", "then") == (
        found["first_failure"]["reason"],
        found["rollback_failure"]["reason"],
    )
    assert 2 == bench.run("recover", "--execute").code
    assert 4 == do(bench, *_recover(bench), "--skip", "Vpc").code
    done = do(bench, *_recover(bench))

    assert 0 == done.code, done.err
    assert "UPDATE_ROLLBACK_COMPLETE" == bench.stack("network")["StackStatus"]
    assert 0 == bench.run("apply").code


def test_a_creation_that_could_not_be_rolled_back_is_deleted(faults: Bench):
    """It never was in use, so nothing needs an allowance."""
    bench = faults
    server.inject(bench.root, STUCK.format(account=bench.account, first="create", then="rollback"))
    code = bench.run("apply").code
    server.inject(bench.root, "")
    status = bench.stack("network")["StackStatus"]
    assert (1, True) == (code, status in {"ROLLBACK_FAILED", "ROLLBACK_COMPLETE"})

    done = do(bench, *_recover(bench))

    assert 0 == done.code, done.err
    assert NETWORK not in bench.stack_names()
    assert 0 == bench.run("apply").code


def test_a_creation_that_was_left_as_it_was_is_rolled_back(bench: Bench):
    """RollbackStack takes away what a stack without a stable state had made."""
    client = bench.client("cloudformation")
    body = (
        '{"Resources": {"Good": {"Type": "AWS::SNS::Topic"}, "Bad": {"Type": "AWS::SNS::Topic", '
        '"DependsOn": "Good"}}}'
    )
    server.inject(
        bench.root,
        f'[[fault]]\ndo = "fail"\naccount = "{bench.account}"\nlogical_id = "Bad"\n'
        'during = "create"\nreason = "bad"\n',
    )
    client.create_stack(StackName=NETWORK, TemplateBody=body, DisableRollback=True)
    client.get_waiter("stack_exists").wait(StackName=NETWORK)
    while bench.stack("network")["StackStatus"] == "CREATE_IN_PROGRESS":
        pass
    server.inject(bench.root, "")
    assert "CREATE_FAILED" == bench.stack("network")["StackStatus"]

    done = do(bench, *_recover(bench))

    assert 0 == done.code, done.err
    assert "ROLLBACK_COMPLETE" == bench.stack("network")["StackStatus"]


def _recover(bench: Bench) -> tuple[str, ...]:
    return ("recover", NETWORK, "--settings", str(bench.file), "--execute")
