"""Runs on stack sets that are killed, stopped, or not alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tapcfn.local import server
from tests.end_to_end.conftest import Bench
from tests.end_to_end.sets import ALL_AT_ONCE, NAME, SetFolder, self_managed
from tests.local_cloud import until
from tests.machine import read_line, read_lines

PROJECT = Path(__file__).parents[2]
PATIENCE = 60

WAVES = """
[[stack_sets.base.waves]]
name = "canary"
pairs = ["{account}/us-east-1"]
"""


@pytest.fixture
def fleet(bench: Bench, tmp_path: Path) -> Iterator[SetFolder]:
    """A folder of a self-managed set; afterwards there are no faults."""
    yield self_managed(bench, tmp_path / "fleet")
    server.inject(bench.root, "")


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


def apply(fleet: SetFolder) -> subprocess.Popen[str]:
    return start(fleet.bench.root, str(PROJECT / "deploy.py"), "apply", str(fleet.folder))


def read_until_started(process: subprocess.Popen[str]) -> str:
    """Read lines until an operation on the set is at work; return its id."""
    assert process.stdout is not None
    for text in process.stdout:
        if (line := read_line(text))["type"] == "op.start":
            return str(line["operation_id"])
    raise AssertionError("no operation was started")


def rest_of(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Return the lines that are left, once the process has ended."""
    out, _ = process.communicate(timeout=PATIENCE)
    return read_lines(out)


def is_whole(fleet: SetFolder, **operations: int) -> bool:
    """Whether all is as wanted, by exactly these operations."""
    return (fleet.starts(), fleet.pairs(), fleet.stacks(), fleet.states()) == (
        Counter(operations),
        fleet.wanted,
        Counter(fleet.wanted),
        {"CURRENT/SUCCEEDED": len(fleet.wanted)},
    )


# Killed -------------------------------------------------------------------------------------------


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
    words = ("-m", "tests.drills.killed", point, str(number), "apply", str(fleet.folder))
    killed = start(fleet.bench.root, *words)
    killed.communicate(timeout=PATIENCE)

    again = fleet.run("resume") if command == "resume" else fleet.do("apply")

    assert (-9, 0) == (killed.returncode, again.code), again.out
    fleet.done("apply")
    assert is_whole(fleet, CREATE=3)


@pytest.mark.drill
def test_an_operation_at_work_is_joined_after_a_kill(fleet: SetFolder) -> None:
    """The next run waits for it and begins nothing."""
    fleet.settings(ALL_AT_ONCE)
    fleet.inject("x06")
    killed = apply(fleet)
    token = read_until_started(killed)
    killed.kill()
    killed.communicate(timeout=PATIENCE)

    late = fleet.do("apply", "--timeout", "2s")
    fleet.inject("")
    again = fleet.done("apply")

    assert 7 == late.code, late.out
    (adopted,) = late.of_type("op.start")
    assert (token, True) == (adopted["operation_id"], adopted["adopted"])
    assert again.lines[-1]["exit_code"] == 0
    assert is_whole(fleet, CREATE=1)


# Stopped ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.drill)]
)
def test_an_interrupt_stops_our_operation(fleet: SetFolder, number: int) -> None:
    """Nothing more begins, the summary says how to go on, and that does the rest. (X-35)"""
    fleet.inject("x06")
    process = apply(fleet)
    token = read_until_started(process)
    process.send_signal(number)
    until(lambda: "STOPPING" in {each["Status"] for each in fleet.operations()})
    fleet.inject("")
    lines = rest_of(process)

    assert (130, "interrupted") == (process.returncode, lines[-1]["status"])
    assert ["STOPPED"] == [
        each["Status"] for each in fleet.operations() if each["OperationId"] == token
    ]
    resumed = lines[-1]["resume"].partition("resume ")[2].split()
    assert resumed, lines[-1]
    assert 0 == fleet.run("resume", *resumed).code
    assert fleet.wanted == fleet.pairs()
    assert Counter(fleet.wanted) == fleet.stacks()


@pytest.mark.drill
def test_somebody_else_stops_our_operation(fleet: SetFolder) -> None:
    """Exit 1, with what was done and what was not; the next run does that. (X-25)"""
    fleet.inject("x06")
    process = apply(fleet)
    token = read_until_started(process)
    fleet.cloudformation.stop_stack_set_operation(StackSetName=NAME, OperationId=token)
    fleet.inject("")
    lines = rest_of(process)

    assert 1 == process.returncode, lines
    assert "STOPPED" in lines[-1]["units"][0]["cause"]
    assert "cancelled" in lines[-1]["units"][0]["cause"]
    fleet.done("apply")
    assert fleet.wanted == fleet.pairs()
    assert {"CURRENT/SUCCEEDED": 4} == fleet.states()


# Two at once --------------------------------------------------------------------------------------


@pytest.mark.drill
def test_two_runners_with_one_plan_start_each_operation_once(
    fleet: SetFolder, tmp_path: Path
) -> None:
    """The second joins the first, or is told that the plan has become stale. (X-16)"""
    fleet.settings(ALL_AT_ONCE, backend="aws")
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
        (folder / "config").write_text(
            f"[default]\nendpoint_url = {fleet.bench.url}\ns3 =\n  addressing_style = path\n"
        )
        shutil.copytree(fleet.folder, folder / "fleet")
    keys = {"AWS_ACCESS_KEY_ID": fleet.bench.account, "AWS_SECRET_ACCESS_KEY": "secret"}
    files = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "none"}
    deploy = str(PROJECT / "deploy.py")
    planned = start(folders[0], deploy, "plan", "fleet", "--out", "plan.json", **keys, **files)
    lines = rest_of(planned)
    assert 0 == planned.returncode, json.dumps(lines)
    shutil.copy(folders[0] / "plan.json", folders[1])
    fleet.inject("x06")

    both = [
        start(folder, deploy, "apply", "fleet", "--plan", "plan.json", **keys, **files)
        for folder in folders
    ]
    met = [_met(each) for each in both]
    fleet.inject("")
    for each in both:
        each.communicate(timeout=PATIENCE)

    codes = {each.returncode for each in both}
    assert "op.start" in met
    assert {0} <= codes <= {0, 6}, codes
    assert is_whole(fleet, CREATE=1)


def _met(process: subprocess.Popen[str]) -> str:
    """Read until a process is at work or has ended."""
    assert process.stdout is not None
    for text in process.stdout:
        if (kind := read_line(text)["type"]) in {"op.start", "summary"}:
            return str(kind)
    return ""
