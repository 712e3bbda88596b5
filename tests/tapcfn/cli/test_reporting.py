"""report: which run is meant, where its page goes, and what is said where that can't be told."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tapcfn.cli.app import run
from tapcfn.events import RunStarted, Summarised
from tapcfn.report.stream import Stream
from tests.machine import read_lines

TOLD = Path(".tapcfn", "told")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(name: str, blueprint: str = "shop") -> str:
    stream = Stream(name)
    start = RunStarted("apply", None, (), blueprint, "live")
    told = [*stream.lines(start, "2026-01-05T09:00:00.000Z")]
    told += stream.lines(Summarised("ok", 0), "2026-01-05T09:00:01.000Z")
    return "".join(f"{line}\n" for line in told)


def keep(name: str, blueprint: str = "shop", *, ended: float = 0.0) -> None:
    """Keep a run's lines; `ended` is when its file was written last."""
    TOLD.mkdir(parents=True, exist_ok=True)
    file = TOLD / f"{name}.ndjson"
    file.write_text(lines(name, blueprint))
    os.utime(file, (ended, ended))


def report(*words: str) -> int:
    return run("there.are.none", ["report", *words])


def test_the_last_run_is_meant_unless_one_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names sort as runs began, whichever ended last."""
    keep("20260105T090000250Z-aaa", "second", ended=1.0)
    keep("20260105T090000249Z-bbb", "first", ended=2.0)
    keep("20260104T090000Z-zzz", "old", ended=3.0)

    assert 0 == report()
    page = Path(".tapcfn/reports/20260105T090000250Z-aaa.html")
    assert f"{page}\n" == capsys.readouterr().out
    assert "apply of second, stage live" in page.read_text()

    assert 0 == report("20260104T090000Z-zzz", "--out", "old.html")
    assert "apply of old" in Path("old.html").read_text()


def test_a_saved_stream_will_do_and_so_will_stdin(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another machine: nothing of the run has to be here."""
    Path("job.log").write_text(f"Run tapcfn\n{lines('r1', 'elsewhere')}Done\n")

    assert 0 == report("job.log", "--out", "-")
    whole = capsys.readouterr().out
    assert whole.startswith("<!doctype html>")
    assert "apply of elsewhere" in whole

    monkeypatch.setattr("sys.stdin", io.StringIO(lines("r1", "elsewhere")))
    assert 0 == report("-", "--out", "-")
    assert whole == capsys.readouterr().out
    assert [Path("job.log")] == list(Path().iterdir())


def test_programs_are_told_which_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep("20260105T090000Z-aaa")

    assert 0 == report("--json", "--out", "x.html")

    said, summary = read_lines(capsys.readouterr().out)
    assert ("report", "20260105T090000Z-aaa", "x.html", 2) == (
        said["type"],
        said["of_run"],
        said["file"],
        said["lines"],
    )
    assert 0 == summary["exit_code"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "no run has been kept here"),
        (("nothing",), "nothing: no run that was kept here, and no file"),
        (("empty.log",), "empty.log: has no line that `--json` prints"),
        (("good.log", "--out", "gone/x.html"), "there is no folder gone"),
        (("good.log", "--out", "-", "--json"), "--out -: excludes --json"),
        (("good.log", "--out", "-", "--open"), "--out -: excludes --open"),
    ],
)
def test_what_cannot_be_made_is_refused(
    here: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], why: str
) -> None:
    """Exit 2, and nothing is left behind."""
    Path("empty.log").write_text("nothing of ours\n")
    Path("good.log").write_text(lines("r1"))

    assert 2 == report(*words)
    assert why in "".join(capfd.readouterr())
    assert {"empty.log", "good.log"} == {path.name for path in here.iterdir()}


def test_the_name_of_a_strangers_run_leads_nowhere_else(here: Path) -> None:
    """It stands in the lines, and becomes the name of a file."""
    Path("job.log").write_text(lines("../../out"))

    assert 0 == report("job.log")
    assert [".tapcfn/reports/______out.html"] == [
        str(path) for path in Path(".tapcfn").rglob("*") if path.is_file()
    ]
