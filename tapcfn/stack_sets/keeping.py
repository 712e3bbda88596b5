"""Records of stack sets as files: one for each operation, under a folder for each set. (D-10)"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tapcfn.errors import TapcfnError, UsageError
from tapcfn.stack_sets.recording import Record, dump, load, record_of
from tapcfn.stack_sets.spread import Spread

# Records of one set: each has a template in it, and only the last few are ever gone back to.
_MOST = 100

# What the service takes for the id of an operation: nothing that leads out of the folder.
_ID = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")


@dataclass(frozen=True, slots=True)
class FileKeeper:
    """Writes what a set was before it is changed, and reads it again."""

    folder: Path

    def keep(self, spread: Spread, operation_id: str) -> None:
        """Write the record, whole or not at all; raise `TapcfnError` where that can't be done.

        The same operation is written against the same set, so that a second time says the same.
        """
        path = self._path(spread.stack_set.name, operation_id)
        if path.exists():
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, dump(record_of(spread, operation_id)))
        except OSError as error:
            raise TapcfnError(f"{path}: cannot be written: {error.strerror}") from error
        self._prune(path.parent)

    def records(self, stack_set: str) -> Mapping[str, Record]:
        """Return what is known of a set's operations, by their ids.

        Raises `StaleError` where a record is not what was written.
        """
        found = sorted((self.folder / stack_set).glob("*.json"))
        return {path.stem: load(path.read_text(encoding="utf-8"), str(path)) for path in found}

    def _path(self, stack_set: str, operation_id: str) -> Path:
        if not _ID.fullmatch(operation_id):
            raise UsageError(f'"{operation_id}" is no id of an operation')
        return self.folder / stack_set / f"{operation_id}.json"

    def _prune(self, folder: Path) -> None:
        """Remove the oldest records."""
        known = sorted(folder.glob("*.json"), key=lambda path: (path.stat().st_mtime, path.name))
        for path in known[:-_MOST]:
            with contextlib.suppress(OSError):
                path.unlink()


def _write(path: Path, text: str) -> None:
    """Put a file in its place once all of it is on the disk."""
    half = path.with_suffix(f".{os.getpid()}.half")
    with half.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
