"""What must be known after this process is gone: every token, on disk before it is sent.

One append-only file of JSON lines for each run, under `.tapcfn/runs/`. No parameter value and no
secret ever stands in it. A torn last line, from a process that was killed while it wrote, is
passed over.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from tapcfn.errors import TapcfnError
from tapcfn.model import Stack


class FileLedger:
    """The ledger of one run, which also knows what earlier runs of this folder have sent."""

    def __init__(self, folder: Path, run: str, about: Mapping[str, Any]) -> None:
        self.path = folder / f"{run}.ndjson"
        self._about = {"kind": "run", "run": run, **about}
        self._lock = threading.Lock()
        self._sent: set[str] = set()
        self._ended: set[str] = set()
        for line in _lines(folder):
            self._remember(line)

    def intend(self, operation: str, stack: Stack, token: str) -> None:
        """Note a token, durably, before the call that sends it."""
        self._write(
            {
                "kind": "intend",
                "operation": operation,
                "stack": stack.name,
                "account": stack.target.account,
                "region": stack.target.region,
                "token": token,
            }
        )

    def ended(self, token: str) -> None:
        """Note that what the token started is over."""
        if token not in self._ended:
            self._write({"kind": "ended", "token": token})

    def is_ours(self, token: str) -> bool:
        """Whether a run of this folder has sent the token."""
        return token in self._sent

    def has_ended(self, token: str) -> bool:
        """Whether what the token started is known to be over."""
        return token in self._ended

    def _write(self, line: dict[str, Any]) -> None:
        """Append one line and wait for the disk; raise `TapcfnError` if it can't be kept."""
        with self._lock:
            try:
                self._append(line)
            except OSError as error:
                raise TapcfnError(f"{self.path}: cannot be written: {error.strerror}") from error
            self._remember(line)

    def _append(self, line: dict[str, Any]) -> None:
        lines = [line]
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lines = [self._about, line]
        text = "".join(json.dumps(each, sort_keys=True) + "\n" for each in lines)
        with self.path.open("ab+") as file:
            file.write(_line_break(file) + text.encode())
            file.flush()
            os.fsync(file.fileno())

    def _remember(self, line: Mapping[str, Any]) -> None:
        token = line.get("token")
        if line.get("kind") == "intend" and isinstance(token, str):
            self._sent.add(token)
        if line.get("kind") == "ended" and isinstance(token, str):
            self._ended.add(token)


def _line_break(file: BinaryIO) -> bytes:
    """Return what ends a torn last line, so that the next one can be read."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def _lines(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield every whole line of every run, oldest run first."""
    for path in sorted(folder.glob("*.ndjson")):
        for text in _text(path).splitlines():
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                continue
            if isinstance(line, Mapping):
                yield line


def _text(path: Path) -> str:
    """Return what a run has noted; raise `TapcfnError` if that can't be known."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise TapcfnError(f"{path}: cannot be read: {error.strerror}") from error
