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
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO, TypeAlias

from tapcfn.errors import TapcfnError
from tapcfn.events import Event, OperationStarted, StackEnded
from tapcfn.model import Target
from tapcfn.ports import Unit
from tapcfn.runs import RESUMABLE, lines_of
from tapcfn.secret import masked

# How many durations of one operation are remembered: enough for one odd one to say nothing.
_TIMES = 5

# How many runs are kept, and how much of a cause.
_RUNS = 200
_LONGEST_CAUSE = 1000

# How many deployments of one stack are remembered: the last ones may never have taken effect.
_DEPLOYMENTS = 3


# A stack by its place and its name.
Placed: TypeAlias = tuple[Target, str]


class FileLedger:
    """The ledger of one run, which also knows what earlier runs of this folder have sent."""

    def __init__(
        self,
        folder: Path,
        run: str,
        about: Mapping[str, Any],
        secrets: frozenset[str] = frozenset(),
        *,
        sync: Callable[[int], None] | None = None,
    ) -> None:
        """Read what is there; `sync` is what waits for the disk, so that it can be watched."""
        self.path = folder / f"{run}.ndjson"
        self.fault = ""
        self._about = {"kind": "run", "run": run, **about}
        self._secrets = secrets
        self._sync = sync or os.fsync
        self._lock = threading.Lock()
        self._sent: set[str] = set()
        self._ended: set[str] = set()
        self._took: dict[tuple[str, ...], deque[float]] = {}
        self._doing: dict[str, str] = {}
        self._moves: dict[tuple[str, str], dict[str, str]] = {}
        self._open: dict[Path, set[str]] = {}
        self._staged: dict[str, tuple[tuple[str, str], Placed]] = {}
        self._run_of: dict[Path, tuple[str, str]] = {}
        self._places: dict[tuple[str, str], set[tuple[Target, str]]] = {}
        self._source_of: dict[Path, str] = {}
        self._plain: set[Path] = set()
        self._made: dict[tuple[str, str], dict[Placed, deque[tuple[str, Path]]]] = {}
        for path in sorted(folder.glob("*.ndjson")):
            for line in lines_of(path):
                self._remember(line, path)
        self._remember(self._about, self.path)

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

    def intend(self, operation: str, stack: Unit, token: str) -> None:
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

    def took(self, action: str, stack: Unit, seconds: float) -> None:
        """Note how long an operation took, so that the next one can be expected."""
        self._try_to_write({"kind": "took", "seconds": round(seconds, 1), **_about(action, stack)})

    def usually(self, action: str, stack: Unit) -> float | None:
        """Return the median of the last few times, or None where there was none."""
        seconds = self.times(action, stack)
        return median(seconds) if seconds else None

    def times(self, action: str, stack: Unit) -> tuple[float, ...]:
        """Return the last few times, oldest first."""
        return tuple(self._took.get(_key(_about(action, stack)), ()))

    def moved(self, blueprint: str, stage: str, move: str, state: str) -> None:
        """Note that a move of a rollout was confirmed, has begun, has passed, or was taken back."""
        self._write(
            {
                "kind": "move",
                "move": move,
                "state": state,
                "of": [blueprint, stage],
            }
        )

    def passed(self, blueprint: str, stage: str) -> frozenset[str]:
        """Return the moves that have passed and were not begun again, nor taken back, since."""
        states = self._moves.get((blueprint, stage), {})
        return frozenset(move for move, state in states.items() if state == "passed")

    def begun(self, blueprint: str, stage: str) -> frozenset[str]:
        """Return the moves that were begun, or begun to be taken back, and are not over."""
        states = self._moves.get((blueprint, stage), {})
        return frozenset(move for move, state in states.items() if state == "begun")

    def places(self, blueprint: str, stage: str, source: str | None = None) -> frozenset[Target]:
        """Return where runs of this folder have changed stacks of a blueprint's stage.

        Given a `source`, the runs that had their settings from that file.
        """
        found = self._places.get((blueprint, stage), set())
        return frozenset(place for place, file in found if source in {None, file})

    def made(self, source: str, stage: str) -> Mapping[Placed, frozenset[str]]:
        """Return what runs of a folder's file have deployed and not deleted, and their tokens."""
        found = self._made.get((source, stage), {})
        return {key: frozenset(token for token, _ in sent) for key, sent in found.items()}

    def makers(self, source: str, stage: str) -> Mapping[Placed, str]:
        """Return what other files and stages of folders have deployed and not deleted, and which.

        Stacks of folders have no tags of ours: only the ledger knows whose they are.
        """
        return {
            placed: f"{each} of stage {of}" if of else each
            for (each, of), stacks in self._made.items()
            if (each, of) != (source, stage)
            for placed in stacks
        }

    def staged(self, blueprint: str, stage: str) -> Mapping[str, Placed]:
        """Return the change sets of a blueprint's stage that are not known to be over, by token."""
        return {
            token: placed
            for token, (run, placed) in self._staged.items()
            if run == (blueprint, stage) and token not in self._ended
        }

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
            self._sync(file.fileno())
        if is_new:
            self._keep_entries()
            self._prune()

    def _keep_entries(self) -> None:
        """Wait until the disk knows the new file by name, and the two folders that may be new."""
        for folder in list(self.path.parents)[:3]:
            entry = os.open(folder, os.O_RDONLY)
            try:
                self._sync(entry)
            finally:
                os.close(entry)

    def _prune(self) -> None:
        """Remove the oldest runs, but none whose operations are not known to have ended.

        Nor one that alone tells of a stack that a folder of templates has deployed.
        """
        made = (sent for stacks in self._made.values() for sent in stacks.values())
        telling = {path for sent in made for _, path in sent}
        for path in sorted(self.path.parent.glob("*.ndjson"), reverse=True)[_RUNS:]:
            if path not in telling and not self._open.get(path, set()) - self._ended:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _remember(self, line: Mapping[str, Any], path: Path) -> None:
        token, kind = line.get("token"), line.get("kind")
        if kind == "run":
            self._remember_run(line, path)
        if kind == "intend" and isinstance(token, str):
            self._remember_token(line, path, token)
        if path in self._plain:
            self._remember_made(line, path)
        if kind == "ended" and isinstance(token, str):
            self._ended.add(token)
        if kind == "move":
            self._remember_move(line)
        if kind == "took" and isinstance(seconds := line.get("seconds"), int | float):
            self._took.setdefault(_key(line), deque(maxlen=_TIMES)).append(float(seconds))

    def _remember_run(self, line: Mapping[str, Any], path: Path) -> None:
        """Keep what a run was about."""
        self._run_of[path] = (str(line.get("blueprint")), str(line.get("stage")))
        self._source_of[path] = str(line.get("source") or "")
        if line.get("plain"):
            self._plain.add(path)

    def _remember_token(self, line: Mapping[str, Any], path: Path, token: str) -> None:
        """Keep a token that was sent: to preview, or to change something somewhere."""
        self._sent.add(token)
        place = Target(str(line.get("account")), str(line.get("region")))
        run = self._run_of.get(path, ("", ""))
        if line.get("operation") == "stage":
            self._staged[token] = (run, (place, str(line.get("stack"))))
        else:
            self._open.setdefault(path, set()).add(token)
            known = self._places.setdefault(run, set())
            known.add((place, self._source_of.get(path, "")))

    def _remember_move(self, line: Mapping[str, Any]) -> None:
        """Keep how a move stands: the last word of any run."""
        blueprint, stage = (str(each) for each in line.get("of") or ("", ""))
        states = self._moves.setdefault((blueprint, stage), {})
        if line.get("state") != "confirmed":  # somebody's word, and not yet done
            states[str(line.get("move"))] = str(line.get("state"))

    def _remember_made(self, line: Mapping[str, Any], path: Path) -> None:
        """Keep what a folder's run has deployed, until it is deleted; orphans stand as labels."""
        made = self._made.setdefault((self._source_of[path], self._run_of[path][1]), {})
        place = Target(str(line.get("account")), str(line.get("region")))
        key = (place, str(line.get("stack")).partition("@")[0])
        if (line.get("kind"), line.get("operation")) == ("intend", "execute"):
            token = str(line.get("token"))
            made.setdefault(key, deque(maxlen=_DEPLOYMENTS)).append((token, path))
        if (line.get("operation"), line.get("ending")) == ("delete", "done"):
            made.pop(key, None)


def _about(operation: str, stack: Unit) -> dict[str, str]:
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
