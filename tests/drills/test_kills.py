"""The deployer is killed at drawn moments; the next run converges, and nothing starts twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapcfn.local import server
from tests.end_to_end.test_interrupts import PATIENCE, PROJECT, command, empty, folder, starts

__all__ = ["empty", "folder"]

_draw = random.Random(2026)
MOMENTS = [_draw.uniform(0.2, 9.0) for _ in range(12)]


@pytest.mark.drill
@pytest.mark.parametrize("moment", MOMENTS, ids=[f"{each:.1f}s" for each in MOMENTS])
def test_a_run_that_is_killed_at_any_moment_is_taken_up(folder: Path, moment: float):
    """Each stack is created by exactly one operation, whichever run began it."""
    killed = command(folder, "apply", "replicated_storage", "--json")
    time.sleep(moment)
    killed.kill()
    killed.communicate(timeout=PATIENCE)

    again = command(folder, "apply", "replicated_storage", "--json")
    again.communicate(timeout=PATIENCE)
    last = command(folder, "plan", "replicated_storage", "--detailed-exitcode")
    last.communicate(timeout=PATIENCE)

    assert (0, 0) == (again.returncode, last.returncode)
    assert {1} == set(starts(folder).values())
    assert 6 == len(starts(folder))


# Every third line of the ledger and every request that writes, just before and just after it.
POINTS = [
    *((f"note-{when}", number) for when in ("before", "after") for number in range(1, 40, 3)),
    *((f"call-{when}", number) for when in ("before", "after") for number in range(1, 11)),
]


@pytest.fixture
def quick(folder: Path) -> Iterator[Path]:
    """The same folder, where nothing takes any time."""
    server.start(folder, speed=0)
    yield folder
    server.start(folder, speed=40)


@pytest.mark.drill
@pytest.mark.parametrize(("point", "number"), POINTS, ids=[f"{p}-{n}" for p, n in POINTS])
def test_a_run_that_is_killed_at_a_write_is_resumed(quick: Path, point: str, number: int) -> None:
    """`resume` goes on, and starts nothing that has been started."""
    killed = _killed(quick, point, number)
    again = command(quick, "resume", "--json")
    out, _ = again.communicate(timeout=PATIENCE)
    last = command(quick, "apply", "replicated_storage", "--json")
    last.communicate(timeout=PATIENCE)

    assert -9 == killed
    assert (0, 0) == (again.returncode, last.returncode), out
    assert {1} == set(starts(quick).values())
    assert 6 == len(starts(quick))


def _killed(folder: Path, point: str, number: int) -> int:
    words = [sys.executable, "-m", "tests.drills.killed", point, str(number)]
    return subprocess.run(
        [*words, "apply", "replicated_storage"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{PROJECT}"},
        capture_output=True,
        timeout=PATIENCE,
    ).returncode
