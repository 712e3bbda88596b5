"""What the ledger's files say of past runs: which command, for how long, and how each stack ended.

A line that is torn or odd is passed over: the process that wrote it was killed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tapcfn.errors import TapcfnError

# Commands that start operations, and so can be gone on with.
RESUMABLE = frozenset({"apply", "bootstrap", "destroy"})

# A run that ended so has nothing left to do, or was refused before it did anything.
_OVER = frozenset({0, 2, 4, 6, 10})


@dataclass(frozen=True, slots=True)
class StackRun:
    """What one run did to one stack. `ending` is empty where the run was killed meanwhile."""

    stack: str
    account: str
    region: str
    operation: str
    ending: str = ""
    status: str = ""
    seconds: float = 0.0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One command that wrote. `exit_code` is None where it had no last word.

    `digest` is that of the rollout that it wanted, `words` its command line after the program's
    name, `resumes` the run that it went on with.
    """

    name: str
    command: str
    blueprint: str = ""
    stage: str = ""
    digest: str = ""
    words: tuple[str, ...] = ()
    began: str = ""
    resumes: str = ""
    ended: str = ""
    seconds: float | None = None
    exit_code: int | None = None
    stacks: tuple[StackRun, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to go on with."""
        declined = self.exit_code == 130 and not self.stacks
        return self.command not in RESUMABLE or self.exit_code in _OVER or declined


def read(folder: Path) -> tuple[Run, ...]:
    """Return every run whose file is there, the newest first."""
    paths = sorted(folder.glob("*.ndjson"), reverse=True)
    return tuple(_run(path.stem, tuple(lines_of(path))) for path in paths)


def unfinished(runs: tuple[Run, ...]) -> Run | None:
    """Return the newest run to go on with.

    None, where nothing is: a run is settled by each later one of its blueprint and stage that did
    all it wanted.
    """
    settled: set[tuple[str, str]] = set()
    for run in runs:
        place = (run.blueprint, run.stage)
        if run.command in RESUMABLE and run.exit_code == 0:
            settled.add(place)
        if not run.is_over and place not in settled:
            return run
    return None


def begun_by(runs: tuple[Run, ...], run: Run) -> frozenset[str]:
    """Return the stacks that a run, or one that it went on with, has sent operations to."""
    known = {each.name: each for each in runs}
    begun = frozenset(each.stack for each in run.stacks if each.operation)
    earlier = known.get(run.resumes)
    return begun | begun_by(runs, earlier) if earlier else begun


def lines_of(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield every whole line of one run's file; raise `TapcfnError` if it can't be read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:  # another run has just pruned it
        return
    except OSError as error:
        raise TapcfnError(f"{path}: cannot be read: {error.strerror}") from error
    for each in text.splitlines():
        try:
            line = json.loads(each)
        except json.JSONDecodeError:
            continue
        if isinstance(line, Mapping):
            yield line


def _run(name: str, lines: tuple[Mapping[str, Any], ...]) -> Run:
    about = next((line for line in lines if line.get("kind") == "run"), {})
    ends = [line for line in lines if line.get("kind") == "end"]
    end: Mapping[str, Any] = ends[-1] if ends else {}
    words = about.get("words", ())
    return Run(
        name=name,
        command=_text(about, "command"),
        blueprint=_text(about, "blueprint"),
        stage=_text(about, "stage"),
        digest=_text(about, "digest"),
        words=tuple(str(word) for word in words) if isinstance(words, list) else (),
        began=_text(about, "at"),
        resumes=_text(about, "resumes"),
        ended=_text(end, "at"),
        seconds=_number(end, "seconds"),
        exit_code=code if isinstance(code := end.get("exit_code"), int) else None,
        stacks=tuple(_stacks(lines)),
    )


def _stacks(lines: tuple[Mapping[str, Any], ...]) -> Iterator[StackRun]:
    """Yield the stacks in the order in which they ended, then those that never did."""
    ended = {_text(line, "stack"): line for line in lines if line.get("kind") == "stack"}
    sent = {
        _text(line, "stack"): line
        for line in lines
        if line.get("kind") == "intend" and line.get("operation") != "stage"
    }
    for name, line in (ended | {key: sent[key] for key in sent.keys() - ended.keys()}).items():
        yield StackRun(
            name,
            _text(line, "account"),
            _text(line, "region"),
            _text(line, "operation"),
            _text(line, "ending"),
            _text(line, "status"),
            _number(line, "seconds") or 0.0,
            _text(line, "cause"),
        )


def _text(line: Mapping[str, Any], key: str) -> str:
    value = line.get(key)
    return value if isinstance(value, str) else ""


def _number(line: Mapping[str, Any], key: str) -> float | None:
    value = line.get(key)
    return float(value) if isinstance(value, int | float) else None
