"""Keep what a run tells as the lines that `--json` prints, so that reports can be made later.

One file for each run, `.tapcfn/told/<RUN>.ndjson`, flushed line by line. Nothing waits for the
disk, and a file that can't be written is told once and stops nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

# How many runs are kept: as many as the ledger keeps.
_RUNS = 200


class Recording:
    """The file of one run. `warn` is told why it ends early, if it does."""

    def __init__(self, folder: Path, run: str, warn: Callable[[str], None]) -> None:
        self.path = folder / f"{run}.ndjson"
        self._warn = warn
        self._file: BinaryIO | None = None
        with self._forgiven():
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
            self._prune()

    def __call__(self, line: str) -> None:
        """Keep a line, as far as that is possible."""
        if (file := self._file) is not None:
            with self._forgiven():
                file.write(line.encode(errors="replace") + b"\n")

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            with self._forgiven():
                file.close()

    @contextlib.contextmanager
    def _forgiven(self) -> Iterator[None]:
        """Go on without the file after a fault, and say so once."""
        try:
            yield
        except OSError as error:
            file, self._file = self._file, None
            if file is not None:
                with contextlib.suppress(OSError):
                    file.close()
            why = f"cannot be written: {error.strerror}; no report can be made of this run later"
            self._warn(f"{self.path}: {why}")

    def _prune(self) -> None:
        """Remove the oldest runs."""
        for path in sorted(self.path.parent.glob("*.ndjson"), reverse=True)[_RUNS:]:
            with contextlib.suppress(OSError):
                path.unlink()
