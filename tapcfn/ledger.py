"""What must be known after this process is gone: every token, on disk before it is sent.

One append-only file of JSON lines for each run, under `.tapcfn/runs/`. No parameter value and no
secret ever stands in it. A torn last line, from a process that was killed while it wrote, is
passed over. Where a note can't be kept, no token is given out any more. (X-8)
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO

from tapcfn.errors import TapcfnError
from tapcfn.events import Event, OperationStarted, StackEnded
from tapcfn.model import Stack, Target
from tapcfn.runs import RESUMABLE, lines_of
from tapcfn.secret import masked

# How many durations of one operation are remembered: enough for one odd one to say nothing.
_TIMES = 5

# How many runs are kept, and how much of a cause.
_RUNS = 200
_LONGEST_CAUSE = 1000


class FileLedger:
    """The ledger of one run, which also knows what earlier runs of this folder have sent."""

    def __init__(
        self,
        folder: Path,
        run: str,
        about: Mapping[str, Any],
        secrets: frozenset[str] = frozenset(),
    ) -> None:
        self.path = folder / f"{run}.ndjson"
        self.fault = ""
        self._about = {"kind": "run", "run": run, **about}
        self._secrets = secrets
        self._lock = threading.Lock()
        self._sent: set[str] = set()
        self._ended: set[str] = set()
        self._took: dict[tuple[str, ...], deque[float]] = {}
        self._doing: dict[str, str] = {}
        self._open: dict[Path, set[str]] = {}
        self._run_of: dict[Path, tuple[str, str]] = {}
        self._places: dict[tuple[str, str], set[Target]] = {}
        for path in sorted(folder.glob("*.ndjson")):
            for line in lines_of(path):
                self._remember(line, path)

    @property
    def is_resumable(self) -> bool:
        """Whether a later process can go on with this run."""
        return self._about.get("command") in RESUMABLE and self.path.exists()

    def begin(self) -> None:
        """Note that the run begins, so that a later one can go on with it."""
        self._write()

    def tell(self, event: Event) -> None:
        """Note how each stack ended, for those who look at past runs."""
        if isinstance(event, OperationStarted):
            self._doing[event.stack] = event.action
        if isinstance(event, StackEnded):
            self._try_to_write(
                {
                    "kind": "stack",
                    "stack": event.stack,
                    "account": event.target.account,
                    "region": event.target.region,
                    "operation": self._doing.get(event.stack, ""),
                    "ending": str(event.ending),
                    "status": event.status,
                    "seconds": round(event.seconds, 1),
                    "cause": masked(event.cause, self._secrets)[:_LONGEST_CAUSE],
                }
            )

    def close(self, exit_code: int, seconds: float, at: str) -> None:
        """Note how the run ended, if it has begun; `at` is for people."""
        if self.path.exists():
            line = {"kind": "end", "exit_code": exit_code, "seconds": round(seconds, 1), "at": at}
            self._try_to_write(line)

    def intend(self, operation: str, stack: Stack, token: str) -> None:
        """Note a token, durably, before the call that sends it."""
        self._write({"kind": "intend", "token": token, **_about(operation, stack)})

    def ended(self, token: str) -> None:
        """Note that what the token started is over."""
        if token not in self._ended:
            line = {"kind": "ended", "token": token}
            self._remember(line, self.path)  # it is over, whether or not that can be kept
            self._try_to_write(line)

    def is_ours(self, token: str) -> bool:
        """Whether a run of this folder has sent the token."""
        return token in self._sent

    def has_ended(self, token: str) -> bool:
        """Whether what the token started is known to be over."""
        return token in self._ended

    def took(self, action: str, stack: Stack, seconds: float) -> None:
        """Note how long an operation took, so that the next one can be expected."""
        self._try_to_write({"kind": "took", "seconds": round(seconds, 1), **_about(action, stack)})

    def usually(self, action: str, stack: Stack) -> float | None:
        """Return the median of the last few times, or None where there was none."""
        seconds = self._took.get(_key(_about(action, stack)))
        return median(seconds) if seconds else None

    def places(self, blueprint: str, stage: str) -> frozenset[Target]:
        """Return where runs of this folder have changed stacks of a blueprint's stage."""
        return frozenset(self._places.get((blueprint, stage), ()))

    def _write(self, *lines: dict[str, Any]) -> None:
        """Append lines and wait for the disk; raise `TapcfnError` if they can't be kept.

        Nor is anything kept after that: what follows may rely on what is missing.
        """
        with self._lock:
            if self.fault:
                raise TapcfnError(self.fault)
            try:
                self._append(lines)
            except OSError as error:
                self.fault = f"{self.path}: cannot be written: {error.strerror}"
                raise TapcfnError(self.fault) from error
            for line in lines:
                self._remember(line, self.path)

    def _try_to_write(self, line: dict[str, Any]) -> None:
        """Append a line that nothing waits for: a fault stops the next start, not the waiting."""
        with contextlib.suppress(TapcfnError):
            self._write(line)

    def _append(self, lines: Iterable[dict[str, Any]]) -> None:
        is_new = not self.path.exists()
        if is_new:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lines = [self._about, *lines]
        text = "".join(json.dumps(each, sort_keys=True) + "\n" for each in lines)
        with self.path.open("ab+") as file:
            file.write(_line_break(file) + text.encode())
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            _keep_entry(self.path.parent)
            self._prune()

    def _prune(self) -> None:
        """Remove the oldest runs, but none whose operations are not known to have ended."""
        for path in sorted(self.path.parent.glob("*.ndjson"), reverse=True)[_RUNS:]:
            if not self._open.get(path, set()) - self._ended:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _remember(self, line: Mapping[str, Any], path: Path) -> None:
        token = line.get("token")
        if line.get("kind") == "run":
            self._run_of[path] = (str(line.get("blueprint")), str(line.get("stage")))
        if line.get("kind") == "intend" and isinstance(token, str):
            self._sent.add(token)
            if line.get("operation") != "stage":
                self._open.setdefault(path, set()).add(token)
                place = Target(str(line.get("account")), str(line.get("region")))
                self._places.setdefault(self._run_of.get(path, ("", "")), set()).add(place)
        if line.get("kind") == "ended" and isinstance(token, str):
            self._ended.add(token)
        if line.get("kind") == "took" and isinstance(seconds := line.get("seconds"), int | float):
            self._took.setdefault(_key(line), deque(maxlen=_TIMES)).append(float(seconds))


def _keep_entry(folder: Path) -> None:
    """Wait until the disk knows the new file by name, and the folder that may be new itself."""
    for each in (folder, folder.parent):
        entry = os.open(each, os.O_RDONLY)
        try:
            os.fsync(entry)
        finally:
            os.close(entry)


def _about(operation: str, stack: Stack) -> dict[str, str]:
    return {
        "operation": operation,
        "stack": stack.name,
        "account": stack.target.account,
        "region": stack.target.region,
    }


def _key(line: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(line.get(each)) for each in ("operation", "stack", "account", "region"))


def _line_break(file: BinaryIO) -> bytes:
    """Return what ends a torn last line, so that the next one can be read."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"
