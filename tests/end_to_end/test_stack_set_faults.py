"""Every fault that stack sets have, against the deployer itself.

Each row runs one command under its table and the same again without. Asserted: operations start
once, the exit code, the summary as the last line, that the next run ends with 0, and that there is
an instance and a stack wherever one is wanted, and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tapcfn.local import server
from tests.end_to_end.conftest import Bench
from tests.end_to_end.sets import (
    ALL_AT_ONCE,
    NAME,
    REGIONS,
    TABLES,
    SetFolder,
    self_managed,
    service_managed,
)
from tests.local.stack_sets.fleet import Fleet
from tests.local.stack_sets.test_gates import FUNCTION, put_gate
from tests.local_cloud import until

TOLERANT = "[stack_sets.base.preferences]\ntolerance = 1\nconcurrent = 2\n"
OTHER_SIZE = """
[[stack_sets.base.overrides]]
accounts = ["{account}"]
parameters = {{ Size = "large" }}
"""
QUEUELESS = "managed_execution = false"
LATE = ("--timeout", "3s")


@dataclass(frozen=True)
class Row:
    """What is done under a table, and how it ends.

    `again` says how many operations more than the story's own may have begun when all is well;
    `tells` is what has to stand in the answer.
    """

    table: str
    story: str = "create"
    kind: str = "self"
    code: int = 0
    again: int = 0
    options: tuple[str, ...] = ()
    tells: str = ""
    more: str = ALL_AT_ONCE
    own: str = ""

    def __str__(self) -> str:
        return f"{self.table}-{self.story}-{self.kind}"


# The operations that each story begins, where nothing goes wrong.
STORIES = {
    "create": Counter({"CREATE": 1}),
    "update": Counter({"CREATE": 1, "UPDATE": 1}),
    "override": Counter({"CREATE": 1, "UPDATE": 1}),
    "shrink": Counter({"CREATE": 1, "DELETE": 1}),
    "destroy": Counter({"CREATE": 1, "DELETE": 1}),
    "big": Counter({"CREATE": 1}),
}

# The most telling ones, in every run of the suite.
SLICE = (
    Row("x03", "update", "service"),
    Row("x26", code=5, again=1, more=TOLERANT, tells="You have reached your quota of topics"),
)


def others() -> Iterator[Row]:
    """Yield the rest, where there is time."""
    for kind in ("self", "service"):
        for table in ("x03", "x03_before", "x03_twice"):
            for story in ("create", "update", "override", "shrink", "destroy"):
                yield Row(table, story, kind)
        for table in ("x09", "x10", "x10_writes", "x20", "x21"):
            for story in ("create", "update", "shrink", "destroy"):
                yield Row(table, story, kind)
        for story in ("create", "update", "shrink"):
            yield Row("x06", story, kind, code=7, options=LATE, tells="goes on")
            yield Row("x11", story, kind, code=7, tells="The security token included")
            yield Row("x13", story, kind, code=1, tells="User is not authorized")
            yield Row("x24", story, kind, code=7, options=LATE)
        yield Row("x12", "create", kind, code=1, again=1, tells="Topic limit exceeded")
        yield Row("x12", "update", kind, code=1, again=1, tells="Topic limit exceeded")
        yield Row("x14", "create", kind, code=1, again=1, tells="should have")
        yield Row("x14", "create", kind, code=5, again=1, more=TOLERANT, tells="should have")
        yield Row("x15", "update", kind, code=7, options=LATE, tells="is at work", own=QUEUELESS)
        yield Row("x15_queued", "update", kind, code=7, options=LATE)
        yield Row("x17", "update", kind, code=6, own=QUEUELESS, tells="somebody else")
        yield Row("x17_queued", "create", kind, code=6, again=1, tells="somebody else has changed")
        yield Row("x24_results", "create", kind, options=("--timeout", "8s"))
        yield Row("x25", "create", kind, code=1, again=1, more="", tells="cancelled")
        yield Row("x25", "update", kind, code=1, again=1, more="", tells="cancelled")
        yield Row("x26", "update", kind, code=5, again=1, more=TOLERANT)
        yield Row("x34", "big", kind, code=4, tells="PutObject was denied")
        yield Row("x34_exists", "big", kind)
        yield Row("x36", "destroy", kind)


SWEEP = tuple(row for row in others() if row not in SLICE)

MAKERS: dict[str, Callable[[Bench, Path], SetFolder]] = {
    "self": self_managed,
    "service": service_managed,
}


@pytest.fixture
def make(bench: Bench, tmp_path: Path) -> Iterator[Callable[[str], SetFolder]]:
    """Return what makes a folder of a kind; afterwards there are no faults."""
    yield lambda kind: MAKERS[kind](bench, tmp_path / "fleet")
    server.inject(bench.root, "")


@pytest.mark.parametrize("row", SLICE, ids=str)
def test_a_fault_is_survived(row: Row, make: Callable[[str], SetFolder]) -> None:
    """The rows that say most."""
    _survives(row, make(row.kind))


@pytest.mark.drill
@pytest.mark.parametrize("row", SWEEP, ids=str)
def test_every_other_fault_is_survived(row: Row, make: Callable[[str], SetFolder]) -> None:
    """All rows that stack sets have."""
    _survives(row, make(row.kind))


def test_no_table_is_forgotten() -> None:
    """Each is played by a row; the tables beside them are those that both kinds of units share."""
    here = {row.table for row in (*SLICE, *SWEEP)}

    assert {path.stem for path in TABLES.glob("*.toml")} == here - {"x03", "x03_before"}


# Faults that have a test of their own -------------------------------------------------------------


BESIDE = """
[stacks.beside]
template = "base.json"
region = "us-east-1"

[stack_sets.after]
template = "base.json"
phase = "later"

[stack_sets.after.targets]
accounts = ["{account}"]
regions = ["eu-west-1"]
"""


def test_a_refused_set_stops_what_comes_later_and_nothing_beside_it(
    make: Callable[[str], SetFolder],
) -> None:
    """The stack of the same phase is deployed; the set of a later phase is skipped. (X-13)"""
    fleet = make("self")
    fleet.settings(ALL_AT_ONCE + BESIDE.format(account=fleet.accounts[0]))
    fleet.inject("x13")

    result = fleet.do("apply")
    fleet.inject("")

    endings = {each["unit"]: each["ending"] for each in result.lines[-1]["units"]}
    assert result.code == 1, result.out
    assert {"base": "failed", "beside": "done", "after": "skipped"} == endings
    assert fleet.next(result).code == 0
    assert {"CREATE": 2} == fleet.starts()


def test_a_missing_role_is_told_before_any_write(make: Callable[[str], SetFolder]) -> None:
    """Exit 4, and the account is named. (X-14)"""
    fleet = make("self")
    iam = fleet.client("iam", fleet.accounts[1])
    iam.delete_role(RoleName="AWSCloudFormationStackSetExecutionRole")

    result = fleet.do("apply")

    assert 4 == result.code, result.out
    assert f"account {fleet.accounts[1]} has no such role" in result.out
    assert not fleet.is_there()


@pytest.mark.drill
def test_a_suspended_account_is_passed_over(make: Callable[[str], SetFolder]) -> None:
    """It is no target any more, and the others are deployed. (X-27)"""
    fleet = make("service")
    fleet.settings(ALL_AT_ONCE)
    fleet.bench.client("organizations").close_account(AccountId=fleet.accounts[0])

    fleet.done("apply")
    fleet.done("plan", "--detailed-exitcode")

    assert {pair for pair in fleet.wanted if pair[0] == fleet.accounts[1]} == fleet.pairs()


@pytest.mark.drill
def test_an_account_that_is_suspended_later_fails_nothing(
    make: Callable[[str], SetFolder],
) -> None:
    """Its instances stay as they are, which is a warning; the others are updated. (X-27)"""
    fleet = make("service")
    fleet.settings(ALL_AT_ONCE)
    fleet.done("apply")
    fleet.bench.client("organizations").close_account(AccountId=fleet.accounts[0])
    fleet.wants("second")

    result = fleet.done("apply")
    fleet.done("apply")

    assert "suspended" in result.out
    assert {"first", "second"} == fleet.titles()


@pytest.mark.drill
def test_an_account_gate_says_why_it_is_shut(make: Callable[[str], SetFolder]) -> None:
    """A failure with the gate's own reason; once it is open the rest is made. (X-27)"""
    fleet = make("self")
    door = Fleet(fleet.bench.url, fleet.bench.account, fleet.accounts)
    put_gate(door, fleet.accounts[0], 'return {"Status": "FAILED"}')
    fleet.settings(ALL_AT_ONCE)

    result = fleet.do("apply")
    fleet.client("lambda", fleet.accounts[0]).delete_function(FunctionName=FUNCTION)
    again = fleet.next(result)

    assert 1 == result.code, result.out
    assert "the account gate said no" in result.out
    assert again.code == 0, again.out
    assert fleet.wanted == fleet.pairs()
    assert {"CURRENT/SUCCEEDED": 4} == fleet.states()


@pytest.mark.drill
def test_instances_that_somebody_has_taken_away_are_no_fault(
    make: Callable[[str], SetFolder],
) -> None:
    """The next run makes them again, and a destroy finds them gone. (X-36)"""
    fleet = make("self")
    fleet.settings(ALL_AT_ONCE)
    fleet.done("apply")
    _take_away(fleet)

    fleet.done("apply")
    assert Counter(fleet.wanted) == fleet.stacks()
    _take_away(fleet)
    fleet.done("destroy")

    assert (False, Counter()) == (fleet.is_there(), fleet.stacks())


def _take_away(fleet: SetFolder) -> None:
    """Delete the instances of one account, as somebody else."""
    fleet.cloudformation.delete_stack_instances(
        StackSetName=NAME,
        Accounts=[fleet.accounts[0]],
        Regions=list(REGIONS),
        RetainStacks=False,
    )
    until(lambda: len(fleet.instances()) == 2)


def _survives(row: Row, fleet: SetFolder) -> None:
    command = _begin(row, fleet)

    fleet.inject(row.table)
    result = fleet.do(command, *row.options)
    fleet.inject("")

    assert row.code == result.code, result.out
    assert row.tells in result.out
    again = fleet.next(result, command)
    assert again.code == 0, again.out
    _has_converged(row, fleet, command)


def _begin(row: Row, fleet: SetFolder) -> str:
    """Bring the set to where the story begins, ask for what comes next, return the command."""
    fleet.settings(row.more, own=row.own)
    if row.story == "big":
        fleet.wants("first", size=60_000)
        return "apply"
    if row.story == "create":
        return "apply"
    fleet.done("apply")
    if row.story == "update":
        fleet.wants("second")
    if row.story == "shrink":
        fleet.regions = REGIONS[:1]
        fleet.settings(row.more, own=row.own)
    if row.story == "override":
        fleet.settings(row.more + OTHER_SIZE.format(account=fleet.accounts[0]), own=row.own)
    return "destroy" if row.story == "destroy" else "apply"


def _has_converged(row: Row, fleet: SetFolder, command: str) -> None:
    """Assert what must be, whatever happened on the way."""
    starts, usual = fleet.starts(), STORIES[row.story]
    assert sum(starts.values()) <= sum(usual.values()) + row.again, starts
    assert not usual - starts, starts
    if command == "destroy":
        assert not fleet.is_there()
        assert not fleet.stacks()
        return
    assert {"CURRENT/SUCCEEDED": len(fleet.wanted)} == fleet.states()
    assert fleet.wanted == fleet.pairs()
    assert Counter(fleet.wanted) == fleet.stacks()
    assert {"second" if row.story == "update" else "first"} == fleet.titles()
    assert [] == fleet.change_sets()
    assert fleet.done("plan", "--detailed-exitcode")
