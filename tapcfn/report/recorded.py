"""A run as its lines tell it, read back from its file, from a saved `--json` stream or a CI log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from tapcfn.report.ndjson import stream_schema

Line: TypeAlias = Mapping[str, Any]

# What every line of version 1 has.
_ENVELOPE: Mapping[str, type] = {"v": int, "seq": int, "ts": str, "run": str, "type": str}

# How a line begins. What a CI server puts before it, such as the time, is passed over.
_BEGINNING = '{"v":1,'


@dataclass(frozen=True, slots=True)
class Recorded:
    """All lines of one run, in their order. A run that was killed has no summary."""

    run: str
    lines: tuple[Line, ...]

    def of(self, *kinds: str) -> tuple[Line, ...]:
        """Return the lines of these types."""
        return tuple(each for each in self.lines if each["type"] in kinds)

    @property
    def start(self) -> Line:
        """Return how the run began, empty where that is not there."""
        return next(iter(self.of("run.start")), {})

    @property
    def summary(self) -> Line:
        """Return the run's last word, empty where it had none."""
        last = self.lines[-1] if self.lines else {}
        return last if last.get("type") == "summary" else {}


def recorded(texts: Iterable[str]) -> Recorded | None:
    """Return the last run that lines of text tell of, or None where there is none.

    Lines that are torn, or without what version 1 says is always there, are passed over; those that
    come twice count once.
    """
    found: dict[str, dict[int, Line]] = {}
    for line in _lines(texts):
        found.setdefault(line["run"], {}).setdefault(line["seq"], line)
    if not found:
        return None
    run, lines = next(reversed(found.items()))
    return Recorded(run, tuple(line for _, line in sorted(lines.items())))


def _lines(texts: Iterable[str]) -> Iterator[Line]:
    decoder = json.JSONDecoder()
    for text in texts:
        if (start := text.find(_BEGINNING)) < 0:
            continue
        try:
            line, _ = decoder.raw_decode(text, start)
        except ValueError:
            continue
        if all(isinstance(line.get(key), kind) for key, kind in _ENVELOPE.items()) and (
            line.keys() >= _always().get(line["type"], frozenset())
        ):
            yield line


@lru_cache
def _always() -> Mapping[str, frozenset[str]]:
    """Return the fields that each type of line always has."""
    definitions: Mapping[str, Any] = stream_schema()["definitions"]
    return {kind: frozenset(each.get("required", ())) for kind, each in definitions.items()}
