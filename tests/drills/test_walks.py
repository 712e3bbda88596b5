"""Each page that leads somebody by the hand is walked through, command by command, as written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages import DOCS
from tests.walks import Reader, surroundings

pytestmark = pytest.mark.drill

PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Somebody in an empty folder, who has installed tapcfn."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    someone = Reader(work, surroundings(home, PROGRAMS))
    yield someone
    stop = [str(PROGRAMS / "tapcfn"), "local", "stop"]
    subprocess.run(stop, cwd=work, env=dict(someone.environment), check=True, timeout=60)


def test_the_tutorial(reader: Reader):
    """Deploy, change, fail, recover, destroy: in an empty folder, with nothing but the command."""
    assert reader.follow(DOCS / "tutorial.md") > 10
