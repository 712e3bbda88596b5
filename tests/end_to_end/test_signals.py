"""A signal at any moment: 130, and a summary as the last line. (X-35, 5.3)"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.machine import read_lines

PROJECT = Path(__file__).parents[2]
PATIENCE = 20

# A blueprint that never gets done.
SLOW = """
import pathlib, time
pathlib.Path("begun").touch()
time.sleep(30)
"""

# Sends itself a signal while the command line is imported, or once everything has been said.
IMPORTING = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "tapcfn.cli.app":
            os.kill(os.getpid(), signal.{number})
sys.meta_path.insert(0, Finder())
"""
LEAVING = """
import atexit, os, signal
atexit.register(lambda: os.kill(os.getpid(), signal.{number}))
"""
MAIN = "import sys; from tapcfn.cli import main; sys.argv[1:] = {words!r}; main()"


def command(folder: Path, before: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", before + MAIN.format(words=list(words))],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def last(process: subprocess.Popen[str]) -> tuple[int, str, int]:
    """Return how the process ended, and what its last line says."""
    out, err = process.communicate(timeout=PATIENCE)
    assert out, err
    line = read_lines(out)[-1]
    return process.returncode, line["type"], line["exit_code"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_before_there_is_a_run(tmp_path: Path, number: int) -> None:
    """While templates are rendered: no desk is open yet."""
    package = tmp_path / "templates" / "blueprints"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").write_text('BLUEPRINTS = {"slow": "templates.blueprints.slow"}\n')
    (package / "slow.py").write_text(SLOW)
    process = command(tmp_path, "", "plan", "slow", "--stage", "x", "--json")
    end = time.monotonic() + PATIENCE
    while not (tmp_path / "begun").exists() and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(number)

    assert (130, "summary", 130) == last(process)


def test_while_modules_are_imported(tmp_path: Path) -> None:
    """The signal is kept until there is somebody to tell it."""
    process = command(tmp_path, IMPORTING.format(number="SIGTERM"), "schema", "x", "--json")

    assert (130, "summary", 130) == last(process)


def test_after_the_last_line(tmp_path: Path) -> None:
    """All is said: the code stays what the last line says."""
    process = command(tmp_path, LEAVING.format(number="SIGTERM"), "schema", "x", "--json")

    assert (2, "summary", 2) == last(process)


def test_a_person_is_told_too(tmp_path: Path) -> None:
    """In one line, without a traceback."""
    process = command(tmp_path, IMPORTING.format(number="SIGINT"), "schema", "x")
    _, err = process.communicate(timeout=PATIENCE)

    assert (130, ["error: interrupted"]) == (process.returncode, err.split("\n")[:-1])
