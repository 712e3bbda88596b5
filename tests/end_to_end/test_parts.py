"""Parts of a rollout, and reads that fail for good, as a person meets them at the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tapcfn.local import server
from tests.end_to_end.conftest import Bench

KEYS = "local-replicated-storage-security-us-east-1"


@pytest.fixture
def faulty(bench: Bench) -> Iterator[Bench]:
    """Return a bench whose cloud is whole again afterwards."""
    yield bench
    server.inject(bench.root, "")


def faults(bench: Bench, *tables: str) -> None:
    """Let calls of this bench's account go wrong."""
    server.inject(
        bench.root,
        "".join(f'[[fault]]\naccount = "{bench.account}"\n{table}\n' for table in tables),
    )


def test_a_part_is_planned_deployed_and_taken_away(bench: Bench):
    """What is left out is said, and is left alone; what rests on it is never alone."""
    planned = bench.run("plan", "--only", "*-security-us-east-1")
    early = bench.run("apply", "--only", "*-monitoring*")
    applied = bench.run("apply", "--only", KEYS)
    alone = bench.stack_names()
    gone = bench.run("destroy", "--until", "provision")

    assert (0, 4, 0, 0) == tuple(each.code for each in (planned, early, applied, gone)), applied.err
    assert "left out: " in planned.out
    assert "(create)" in planned.out.partition("left out: ")[2]
    assert "which is not deployed and left out; choose it, too" in early.err
    assert {KEYS} == alone
    assert set() == bench.stack_names()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only", "netwrk"), '--only: no stack is called "netwrk" (there are: '),
        (("--phase", "tow"), '--phase: phase "tow" does not exist (there are: provision)'),
        (("--until", "tow"), '--until: phase "tow" does not exist (there are: provision)'),
        (("--phase", "a", "--until", "b"), "--phase and --until exclude each other"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "apply", "destroy"])
def test_a_wrong_name_is_exit_2(bench: Bench, command: str, words: tuple[str, ...], said: str):
    """Naming those that there are, before anything is asked of the cloud."""
    refused = bench.run(command, *words)

    assert refused.code == 2
    assert said in refused.err


def test_a_saved_part_is_applied_as_it_was_saved(bench: Bench, tmp_path: Path):
    """The file says which stacks it is for; nobody may say otherwise."""
    out = str(tmp_path / "part.json")
    saved = bench.run("plan", "--only", KEYS, "--out", out)
    other = bench.run("apply", "--plan", out, "--only", "*")
    applied = bench.run("apply", "--plan", out)

    assert (0, 2, 0) == (saved.code, other.code, applied.code), applied.err
    assert {KEYS} == bench.stack_names()


def test_a_history_that_may_not_be_read_costs_a_warning(faulty: Bench):
    """DescribeStackEvents is denied throughout: the rollout succeeds all the same. (X-12)"""
    faults(faulty, 'do = "error"\noperation = "DescribeStackEvents"\ncode = "AccessDenied"')

    applied = faulty.run("apply", "--only", KEYS)

    assert applied.code == 0, applied.err
    assert "warning: local-replicated-storage-" in applied.err
    assert "without its history" in applied.err


def test_throttled_calls_are_counted_and_fail_nothing(faulty: Bench):
    """The summary says how often, and how long a call was held back. (X-9, D-19)"""
    faults(faulty, 'do = "throttle"\noperation = "DescribeStackEvents"\nnth = [1, 2]')

    applied = faulty.run("apply", "--only", KEYS, "--json")

    summary = applied.lines[-1]
    assert 0 == applied.code
    assert 2 == summary["throttles"]
    assert 0 < summary["longest_wait_ms"] < 10_000
