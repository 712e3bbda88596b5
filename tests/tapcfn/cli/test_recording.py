"""What a run tells is kept line by line, and no deployment hangs on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapcfn.cli.console import Console
from tapcfn.cli.recording import Recording
from tapcfn.events import Diagnosed, RunStarted, Summarised
from tests.machine import read_lines


def a_recording(folder: Path, warned: list[str], run: str = "r1") -> Recording:
    return Recording(folder, run, warned.append)


def test_each_line_is_in_the_file_at_once(tmp_path: Path) -> None:
    """A run that is killed has told all that it had said."""
    recording = a_recording(tmp_path / "told", [])

    recording("one")

    assert "one\n" == recording.path.read_text()

    recording("zwölf")
    recording.close()
    recording("after the end")

    assert "one\nzwölf\n" == recording.path.read_text()


def test_a_folder_that_cant_be_made_is_told_once(tmp_path: Path) -> None:
    """Not even a file stands in the way of a deployment."""
    (tmp_path / "told").write_text("a file")
    warned: list[str] = []

    recording = a_recording(tmp_path / "told", warned)
    recording("one")
    recording.close()

    assert [f"{tmp_path}/told/r1.ndjson: cannot be written: File exists; no report can be made of "
            "this run later"] == warned  # fmt: skip


def test_a_full_disk_is_told_once_and_the_rest_is_let_go(tmp_path: Path) -> None:
    warned: list[str] = []
    (tmp_path / "r1.ndjson").symlink_to("/dev/full")

    recording = a_recording(tmp_path, warned)
    recording("one")
    recording("two")
    recording.close()

    assert 1 == len(warned)
    assert "No space left on device" in warned[0]


def test_the_200_newest_runs_are_kept(tmp_path: Path) -> None:
    for number in range(205):
        (tmp_path / f"20260101T{number:06d}Z-abc.ndjson").touch()

    a_recording(tmp_path, [], "20260102T000000Z-abc").close()

    left = sorted(path.name for path in tmp_path.iterdir())
    assert (200, "20260101T000006Z-abc.ndjson") == (len(left), left[0])
    assert "20260102T000000Z-abc.ndjson" == left[-1]


@pytest.mark.parametrize("json", [True, False])
def test_who_reads_gets_what_stdout_would_have_said(
    json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same lines, whether or not they are printed; no secret, and answers as well."""
    kept: list[str] = []
    console = Console("r1", json=json, color=False)
    console.readers = (kept.append,)
    console.secrets = frozenset({"hunter2"})

    console.notify(RunStarted("apply", None, ()))
    console.answer("way", {"legs": []}, "nowhere to go")
    console.notify(Diagnosed("warning", "hunter2 is told"))
    console.notify(Summarised("ok", 0))

    out, err = capsys.readouterr()
    assert ["run.start", "way", "diagnostic", "summary"] == [
        line["type"] for line in read_lines("\n".join(kept))
    ]
    assert "hunter2" not in "".join([out, err, *kept])
    if json:
        assert out.splitlines() == kept
    else:
        assert ("nowhere to go\n", "warning: *** is told\n") == (out, err)


def test_a_fault_while_a_line_is_told_is_told_in_turn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers go on without a gap or a double."""
    (tmp_path / "r1.ndjson").symlink_to("/dev/full")
    console = Console("r1", json=True, color=False)

    def warn(text: str) -> None:
        console.notify(Diagnosed("warning", text))

    console.readers = (Recording(tmp_path, "r1", warn),)
    console.notify(RunStarted("apply", None, ()))
    console.notify(Summarised("ok", 0))

    told = read_lines(capsys.readouterr().out)
    assert [("run.start", 0), ("diagnostic", 1), ("summary", 2)] == [
        (line["type"], line["seq"]) for line in told
    ]
