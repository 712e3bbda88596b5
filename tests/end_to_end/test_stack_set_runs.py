"""Runs on stack sets that are killed between waves: at every note and every call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tapcfn.local import server
from tests.end_to_end.conftest import Bench
from tests.end_to_end.set_troubles import killed
from tests.end_to_end.sets import ALL_AT_ONCE, SetFolder, self_managed, service_managed

KINDS: dict[str, Callable[[Bench, Path], SetFolder]] = {
    "self": self_managed,
    "service": service_managed,
}
WAVES = """
[[stack_sets.base.waves]]
name = "canary"
pairs = ["{account}/us-east-1"]
"""


@pytest.fixture(params=["self", pytest.param("service", marks=pytest.mark.drill)])
def fleet(request: pytest.FixtureRequest, bench: Bench, tmp_path: Path) -> Iterator[SetFolder]:
    """A folder of a set; afterwards there are no faults."""
    yield KINDS[request.param](bench, tmp_path / "fleet")
    server.inject(bench.root, "")


def is_whole(fleet: SetFolder, **operations: int) -> bool:
    """Whether all is as wanted, by exactly these operations."""
    return (fleet.starts(), fleet.pairs(), fleet.stacks(), fleet.states()) == (
        Counter(operations),
        fleet.wanted,
        Counter(fleet.wanted),
        {"CURRENT/SUCCEEDED": len(fleet.wanted)},
    )


POINTS = [
    *((f"note-{when}", number) for when in ("before", "after") for number in (1, 2, 3, 5, 7, 8)),
    *((f"call-{when}", number) for when in ("before", "after") for number in (1, 2, 3)),
]
FIRST = ("call-after", 2)


@pytest.mark.parametrize(
    ("point", "number"),
    [pytest.param(*each, marks=[pytest.mark.drill] * (each != FIRST)) for each in POINTS],
)
@pytest.mark.parametrize("command", ["resume", pytest.param("apply", marks=pytest.mark.drill)])
def test_a_run_that_is_killed_is_taken_up(
    fleet: SetFolder, command: str, point: str, number: int
) -> None:
    """One wave of one pair, one of three: each is made once, whoever made it. (X-6)"""
    fleet.settings(ALL_AT_ONCE + WAVES.format(account=fleet.accounts[0]))
    result = killed(point, number)(fleet, "apply", ())

    again = fleet.run("resume") if command == "resume" else fleet.do("apply")

    assert (-9, 0) == (result.code, again.code), again.out
    fleet.done("apply")
    assert is_whole(fleet, CREATE=3)
