"""Many stacks: how often the deployer asks, what memory it takes, and what throttles do to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("stacks", "regions"), [pytest.param(500, 10, marks=pytest.mark.drill)], ids=["drill"]
)
def test_sweeps_and_memory_do_not_grow_with_stacks(stacks: int, regions: int):
    """At most one sweep a second and Region, below 250 MiB, and nobody fails. (D-19, R-1)"""
    figures = measured("many_stacks.py", str(stacks), str(regions))

    assert 0 == figures["exit_code"]
    assert 1 == figures["sweeps_per_second_and_region"]
    assert figures["memory_mib"] < 250


@pytest.mark.drill
@pytest.mark.parametrize("per", ["action", "service"])
def test_a_service_that_throttles_fails_no_run(per: str):
    """Five calls a second, bursts of ten: ends are seen, and calls stay few. (D-19, R-1, P11)

    How late is a figure of the benchmark's own, for a machine that does nothing else.
    """
    figures = measured("behind_a_limit.py", "40", per)

    assert 0 == figures["exit_code"]
    assert figures["calls_per_stack"] <= 15
    assert figures["p95_late"] <= 10


def measured(benchmark: str, *words: str) -> dict[str, float]:
    """Run a benchmark and return its figures."""
    done = subprocess.run(
        [sys.executable, f"benchmarks/{benchmark}", *words],
        cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    return dict(json.loads(done.stdout))
