"""The `local` commands: what they refuse, what they tell a person, and what a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tapcfn.cli.app import run
from tapcfn.local import server

TABLE = '[throttle]\nrate = 5\n[[fault]]\ndo = "drop"\noperation = "ListStacks"\n'

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder in which one cloud runs, with a seed and a table of faults."""
    root = tmp_path_factory.mktemp("folder")
    file = root / "faults.toml"
    file.write_text(TABLE)
    server.start(root, speed=0, seed=7, faults=TABLE, faults_file=str(file))
    yield root
    server.stop(root, settle=0)


@pytest.fixture
def say(root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Say:
    """Return what runs a `local` command in that folder: exit code, output, complaints."""
    monkeypatch.chdir(root)

    def command(*words: str) -> tuple[int, str, str]:
        code = run("templates.blueprints", ["local", *words])
        return (code, *capfd.readouterr())

    return command


def answer(say: Say, *words: str) -> dict[str, Any]:
    """Return the first line that a program reads."""
    return dict(json.loads(say(*words, "--json")[1].splitlines()[0]))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--port", "99999"), "99999 is not in the range 0<=x<=65535"),
        (("--port", "-1"), "-1 is not in the range 0<=x<=65535"),
        (("--speed", "-3"), '"-3" is no speed; allowed: a number from 0'),
        (("--speed", "nan"), '"nan" is no speed; allowed: a number from 0'),
        (("--speed", "inf"), '"inf" is no speed; allowed: a number from 0'),
        (("--speed", "fast"), '"fast" is no speed; allowed: a number from 0'),
        (("--faults", "none.toml"), "none.toml: cannot be read"),
        (("--port", "1"), "the local cloud runs already, with port "),
        (("--seed", "8"), "the local cloud runs already, with seed 7; "),
    ],
)
def test_what_cannot_be_is_refused(say: Say, words: tuple[str, ...], told: str):
    """Exit 2 with one line that says what could be."""
    code, out, complaint = say("start", *words)

    assert (2, "") == (code, out)
    assert told in complaint


def test_a_wrong_table_is_refused_before_anything_starts(say: Say, tmp_path: Path):
    """It names the mistake."""
    (tmp_path / "wrong.toml").write_text('[[fault]]\ndo = "explode"')

    code, _, complaint = say("start", "--faults", str(tmp_path / "wrong.toml"))

    assert (2, True) == (code, "fault 1: do must be one of throttle" in complaint)


def test_status_can_be_read(say: Say, root: Path):
    """A dozen lines: where it runs and how, with the number of types and not their names."""
    code, out, _ = say("status")
    cloud = server.find(root)

    assert cloud is not None
    assert 0 == code
    lines = out.splitlines()
    assert f"running at {cloud.url} (process {cloud.pid}, state in {cloud.state})" == lines[0]
    assert {"speed: 0 (at once)", "seed: 7", "moving: 0"} <= set(lines)
    assert f"stored only: {len(server.status(root).stored_only)}, marked in that list" in lines
    assert f"faults: 2 from {root / 'faults.toml'}" in lines
    assert len(server.status(root).supported) > 100
    assert f"types: {len(server.status(root).supported)}, listed by: " in out
    assert "AWS::" not in out
    assert len(out) < 1500


def test_types_are_listed_when_asked_for(say: Say, root: Path):
    """One on a line, in order; those that no service acts on are marked."""
    _, out, _ = say("status", "--types")
    seen = server.status(root)
    marked = {f"{kind} (stored only)" for kind in seen.stored_only}

    assert list(seen.supported) == [
        line.removesuffix(" (stored only)") for line in out.splitlines()
    ]
    assert marked
    assert marked == {line for line in out.splitlines() if line.endswith(" (stored only)")}


@pytest.mark.parametrize("words", [("start",), ("status",), ("reset",)])
def test_a_script_learns_all_that_it_needs(say: Say, root: Path, words: tuple[str, ...]):
    """Where it runs, as what, for whom, and under which table."""
    cloud = server.find(root)
    told = answer(say, *words)

    assert cloud is not None
    assert {
        "type": f"local.{words[0]}",
        "running": True,
        "url": cloud.url,
        "port": int(cloud.url.rpartition(":")[2]),
        "pid": cloud.pid,
        "account": "000000000000",
        "state": str(root / ".tapcfn" / "local"),
        "speed": 0.0,
        "seed": 7,
        "faults": 2,
        "faults_file": str(root / "faults.toml"),
    }.items() <= told.items()


def test_a_table_is_put_in_force_where_it_runs(say: Say, root: Path, tmp_path: Path):
    """The counters begin anew, and the same file can be put back."""
    other = tmp_path / "other.toml"
    other.write_text('[[fault]]\ndo = "drop"\n')

    told = answer(say, "start", "--faults", str(other))

    assert (1, str(other)) == (told["faults"], told["faults_file"])
    assert ["drop"] == [fault["do"] for fault in server.injected(root)]
    assert 2 == answer(say, "start", "--faults", str(root / "faults.toml"))["faults"]


def test_one_that_does_not_run_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """Status and stop answer; the types are known to one that runs."""
    monkeypatch.chdir(tmp_path)

    codes = [
        run("templates.blueprints", ["local", *words])
        for words in (["status"], ["stop"], ["status", "--types"])
    ]

    out, complaint = capfd.readouterr()
    state = f"state: {tmp_path / '.tapcfn' / 'local'}"
    assert ["running: False", state, "was not running"] == out.splitlines()
    assert [0, 0, 2] == codes
    assert "is not running; start it: tapcfn local start" in complaint


def test_a_stop_tells_what_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """The same fields once more, for a script that cleans up."""
    cloud = server.start(tmp_path, speed=0)
    monkeypatch.chdir(tmp_path)

    assert 0 == run("templates.blueprints", ["local", "stop", "--json"])

    told = json.loads(capfd.readouterr().out.splitlines()[0])
    wanted = {"type": "local.stop", "running": False, "stopped": True, "pid": cloud.pid}
    assert wanted.items() <= told.items()
    assert (cloud.url, 0) == (told["url"], told["faults"])
