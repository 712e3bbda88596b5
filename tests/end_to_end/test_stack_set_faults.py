"""Every fault that stack sets have, against the deployer itself.

The rows stand in `set_rows`. Each runs one command in trouble, and what comes after it without.
Asserted: the exit code and the last line, the operations begun as the service counts them, that the
next run ends with 0, and that there is an instance and a stack wherever one is wanted, and nowhere
else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tapcfn.local import server
from tests.end_to_end.conftest import Bench, Result
from tests.end_to_end.set_rows import (
    IN_EVERY_RUN,
    KILLED,
    NEVER,
    ROWS,
    STATUSES,
    STORIES,
    Row,
)
from tests.end_to_end.set_stories import SECRET, STORY, begin
from tests.end_to_end.set_troubles import TROUBLES, last_line, of
from tests.end_to_end.sets import (
    ALL_AT_ONCE,
    NAME,
    TABLES,
    SetFolder,
    self_managed,
    service_managed,
)

MAKERS: dict[str, Callable[[Bench, Path], SetFolder]] = {
    "self": self_managed,
    "service": service_managed,
}


def _quick() -> Iterator[tuple[Row, str]]:
    """Yield the first row of some faults, with one model and the other in turn."""
    seen: set[int] = set()
    for row in ROWS:
        if row.x in IN_EVERY_RUN - seen:
            seen.add(row.x)
            yield row, row.kinds[len(seen) % len(row.kinds)]


QUICK = tuple(_quick())
REST = tuple((row, kind) for row in ROWS for kind in row.kinds if (row, kind) not in QUICK)


def _name(given: object) -> str:
    return str(given)


@pytest.fixture
def make(bench: Bench, tmp_path: Path) -> Iterator[Callable[[str], SetFolder]]:
    """Return what makes a folder of a kind; afterwards there are no faults."""
    yield lambda kind: MAKERS[kind](bench, tmp_path / "fleet")
    server.inject(bench.root, "")


@pytest.mark.parametrize(("row", "kind"), QUICK, ids=_name)
def test_a_fault_is_survived(row: Row, kind: str, make: Callable[[str], SetFolder]) -> None:
    """One row of each of the most telling faults."""
    _survives(row, make(kind))


@pytest.mark.drill
@pytest.mark.parametrize(("row", "kind"), REST, ids=_name)
def test_every_other_row_is_survived(row: Row, kind: str, make: Callable[[str], SetFolder]) -> None:
    """All rows, in both permission models."""
    _survives(row, make(kind))


def _survives(row: Row, fleet: SetFolder) -> None:
    trouble = of(row.trouble)
    command = begin(row, fleet)
    trouble.begin(fleet)

    fleet.inject(trouble.table)
    result = trouble.run(fleet, command, row.options)
    happened = [each for each in server.injected(fleet.bench.root) if each["done"]]
    fleet.inject("")
    trouble.mend(fleet)

    assert row.code == result.code, result.out
    assert row.tells in result.out, result.out
    assert SECRET not in result.out + result.err
    assert happened or not trouble.table or trouble.run is not of("").run
    _ends_as_told(row, result)
    again = fleet.next(result, command) if row.code != KILLED else fleet.do(command)
    assert again.code == 0, again.out
    _has_converged(row, fleet, command)


def _ends_as_told(row: Row, result: Result) -> None:
    """Assert what the last line says: a summary, unless the process was killed."""
    last = last_line(result)
    if row.code == KILLED:
        assert last.get("type") != "summary"
        return
    assert ("summary", row.code) == (last["type"], last["exit_code"])
    assert STATUSES[row.code] == last["status"]
    endings = {each["unit"]: each["ending"] for each in last["units"]}
    assert row.ends == endings.get(NAME, ""), last
    assert (row.code in {7, 130}) <= bool(last["resume"])


def _has_converged(row: Row, fleet: SetFolder, command: str) -> None:
    """Assert what must be, whatever happened on the way."""
    assert STORIES[row.story] + Counter(row.again) == fleet.starts()
    assert [] == fleet.moving()
    if command == "destroy":
        assert not fleet.is_there()
        assert not fleet.stacks()
        return
    assert {"CURRENT/SUCCEEDED": len(fleet.wanted)} == fleet.states()
    assert fleet.wanted == fleet.pairs()
    assert Counter(fleet.wanted) == fleet.stacks()
    STORY[row.story].check(fleet)
    assert [] == fleet.change_sets()
    assert fleet.done("plan", "--detailed-exitcode")


# The list itself ----------------------------------------------------------------------------------


def test_no_row_of_the_list_is_missing() -> None:
    """X-1 to X-38, each played or said why not; each of both models played or said why not."""
    played, never = {row.x for row in ROWS}, {each.x for each in NEVER}

    assert set(range(1, 39)) == played | never
    assert not played & never
    assert all(row.why for row in ROWS if row.alone)
    assert all(each.why and each.calls for each in NEVER)
    assert len({str(row) + row.own + row.more for row in ROWS}) == len(ROWS)
    assert len(QUICK) == len(IN_EVERY_RUN)
    assert {"self", "service"} == {kind for _, kind in QUICK}


def test_faults_are_played_before_and_after_their_effect() -> None:
    """Wherever a write can be hit, it is hit both ways."""
    sides: dict[int, set[str]] = {}
    for row in ROWS:
        sides.setdefault(row.x, set()).add(row.effect)

    for x in (1, 3, 5, 6, 8, 10, 17, 34):
        assert {"before", "after"} <= sides[x], f"X-{x}"


def test_no_table_and_no_trouble_is_forgotten() -> None:
    """Each is played by a row, under its own number."""
    played = {row.trouble for row in ROWS}
    tables = {of(each).table for each in played}

    assert TROUBLES.keys() <= played
    assert {path.stem for path in TABLES.glob("*.toml")} <= tables
    for row in ROWS:
        number = re.match(r"x(\d+)", row.trouble)
        assert number is None or int(number[1]) == row.x


@pytest.mark.drill
def test_what_no_set_can_meet_is_never_called(make: Callable[[str], SetFolder]) -> None:
    """The calls that those rows are about would fail, and a set comes and goes all the same."""
    fleet = make("self")
    fleet.settings(ALL_AT_ONCE)
    refused = '[[fault]]\ndo = "error"\ncode = "AccessDenied"\noperation = "{}"\n'
    fleet.inject("".join(refused.format(call) for each in NEVER for call in each.calls))

    fleet.done("apply")
    fleet.wants("second")
    fleet.done("apply")
    fleet.done("destroy")

    assert {0} == {each["matched"] for each in server.injected(fleet.bench.root)}


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
