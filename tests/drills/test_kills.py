"""The deployer is killed at drawn moments; the next run converges, and nothing starts twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.end_to_end.test_interrupts import PATIENCE, command, empty, folder, starts

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
