"""The ledger: every token is on disk before it is sent, and no secret ever is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tapcfn.errors import TapcfnError
from tapcfn.ledger import FileLedger
from tests.fakes import FakeLedger, a_rollout, a_stack
from tests.fakes.world import World

SECRET = "hunter2-hunter2"


def a_ledger(folder: Path, run: str = "r1") -> FileLedger:
    return FileLedger(folder, run, {"command": "apply"})


def lines(path: Path) -> list[dict[str, Any]]:
    """Return what another process reads there now."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_note_is_on_disk_before_the_call_returns(tmp_path: Path) -> None:
    """The file is read back while the ledger is still in use."""
    ledger = a_ledger(tmp_path / "runs")

    ledger.intend("stage", a_stack(), "token-1")

    assert [
        {"kind": "run", "run": "r1", "command": "apply"},
        {
            "kind": "intend",
            "operation": "stage",
            "stack": "network",
            "account": "111111111111",
            "region": "us-east-1",
            "token": "token-1",
        },
    ] == lines(tmp_path / "runs" / "r1.ndjson")


def test_nothing_is_written_before_there_is_something_to_note(tmp_path: Path) -> None:
    """A command that only reads leaves no file and no folder."""
    a_ledger(tmp_path / "runs")

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [a_ledger, lambda _: FakeLedger()], ids=["file", "fake"])
def test_a_token_is_ours_once_noted_and_over_once_ended(make: Any, tmp_path: Path) -> None:
    """The fake keeps the same promises as the file."""
    ledger = make(tmp_path)

    before = (ledger.is_ours("t"), ledger.has_ended("t"))
    ledger.intend("stage", a_stack(), "t")
    noted = (ledger.is_ours("t"), ledger.has_ended("t"))
    ledger.ended("t")
    after = (ledger.is_ours("t"), ledger.has_ended("t"))

    assert ((False, False), (True, False), (True, True)) == (before, noted, after)


def test_an_end_is_noted_once(tmp_path: Path) -> None:
    """However often the same end is seen."""
    ledger = a_ledger(tmp_path)
    ledger.intend("execute", a_stack(), "t")

    ledger.ended("t")
    ledger.ended("t")

    assert ["run", "intend", "ended"] == [line["kind"] for line in lines(ledger.path)]


def test_the_next_run_knows_what_earlier_runs_have_sent(tmp_path: Path) -> None:
    """The process is gone, the tokens are not."""
    first = a_ledger(tmp_path, "r1")
    first.intend("execute", a_stack(), "sent")
    first.ended("sent")
    first.intend("execute", a_stack(), "moving")

    second = a_ledger(tmp_path, "r2")

    assert (True, True) == (second.is_ours("sent"), second.has_ended("sent"))
    assert (True, False) == (second.is_ours("moving"), second.has_ended("moving"))
    assert not second.is_ours("foreign")


@pytest.mark.parametrize(
    "torn",
    [
        b'{"kind": "intend", "tok',
        b"\xff\xfe\x00",
        b"[1, 2]\n",
        b"null",
        b'{"kind": "intend", "token": 7}\n',
        b'{"kind": "intend"}\n',
    ],
)
def test_a_torn_or_odd_line_is_passed_over(tmp_path: Path, torn: bytes) -> None:
    """A process that was killed while it wrote does no harm to the next. (X-8)"""
    ledger = a_ledger(tmp_path, "r1")
    ledger.intend("stage", a_stack(), "whole")
    with ledger.path.open("ab") as file:
        file.write(torn)

    assert a_ledger(tmp_path, "r2").is_ours("whole")


def test_a_note_after_a_torn_line_is_a_line_of_its_own(tmp_path: Path) -> None:
    """The disk was full for a moment; what is noted then can be read by the next run."""
    ledger = a_ledger(tmp_path, "r1")
    ledger.intend("stage", a_stack(), "whole")
    with ledger.path.open("ab") as file:
        file.write(b'{"kind": "int')
    ledger.intend("stage", a_stack(), "after")

    later = a_ledger(tmp_path, "r2")

    assert (True, True) == (later.is_ours("whole"), later.is_ours("after"))


def test_what_cannot_be_kept_is_not_sent(tmp_path: Path) -> None:
    """A write that fails is an error of ours, and the token is not taken for known."""
    (tmp_path / "runs").write_text("a file where the folder should be")
    ledger = a_ledger(tmp_path / "runs")

    with pytest.raises(TapcfnError, match=r"r1\.ndjson: cannot be written: ") as caught:
        ledger.intend("stage", a_stack(), "t")

    assert 1 == caught.value.exit_code
    assert not ledger.is_ours("t")


def test_a_full_disk_is_said_in_one_line() -> None:
    """/dev/full is a disk without room."""
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    ledger = a_ledger(Path("/nowhere"))
    ledger.path = Path("/dev/full")

    with pytest.raises(TapcfnError, match="/dev/full: cannot be written: No space left on device"):
        ledger.intend("stage", a_stack(), "t")


def test_a_ledger_that_cannot_be_read_stops_the_run(tmp_path: Path) -> None:
    """Without the tokens of earlier runs nobody knows what may be sent."""
    (tmp_path / "r0.ndjson").mkdir()

    with pytest.raises(TapcfnError, match=r"r0\.ndjson: cannot be read: Is a directory"):
        a_ledger(tmp_path)


def test_no_parameter_value_ever_stands_in_it(tmp_path: Path) -> None:
    """Tokens are digests; values and outputs, which may be secret, stay out."""
    world = World(FileLedger(tmp_path, "r1", {"command": "apply"}))
    rollout = a_rollout(
        a_stack("db", parameters={"Password": SECRET}, tags={"t": SECRET}), a_stack("two")
    )
    world.cloud.puts_out("db", Id=SECRET)

    world.apply(rollout)
    world.destroy(rollout)

    text = (tmp_path / "r1.ndjson").read_text(encoding="utf-8")
    assert {"stage", "execute", "delete"} == {
        line["operation"] for line in map(json.loads, text.splitlines()) if "operation" in line
    }
    assert SECRET not in text
