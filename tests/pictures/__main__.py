"""`make pictures`: play each story, write its lines down, and take pictures of its page.

With names of stories only those; with `--again` the lines that are there are taken.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.pictures.screens import take
from tests.pictures.stories import STORIES, record


def main(words: list[str]) -> None:
    """Make what is asked for, and say what was made."""
    names = [word for word in words if word in STORIES] or list(STORIES)
    for name in names:
        if "--again" not in words:
            record(name)
        with tempfile.TemporaryDirectory(prefix="tapcfn-") as folder:
            for picture in take(name, Path(folder)):
                print(picture, f"{picture.stat().st_size / 1000:.0f} kB")


main(sys.argv[1:])
