"""Five hundred stacks over ten Regions: how often the deployer asks, and what memory it takes."""

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
    measured = subprocess.run(
        [sys.executable, "benchmarks/many_stacks.py", str(stacks), str(regions)],
        cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    figures = json.loads(measured.stdout)

    assert 0 == figures["exit_code"]
    assert 1 == figures["sweeps_per_second_and_region"]
    assert figures["memory_mib"] < 250
    assert 0 == measured.returncode
