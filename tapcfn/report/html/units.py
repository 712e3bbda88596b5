"""The units of a run: what the plan said of each, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tapcfn.model import EMPTY
from tapcfn.report.names import common_beginning
from tapcfn.report.recorded import Line, Recorded

# A sign and a tone for each ending, so that no colour is needed to tell them apart.
_TONES = {
    "done": ("✓", "good"),
    "unchanged": ("=", "calm"),
    "failed": ("✗", "bad"),
    "blocked": ("✗", "bad"),
    "skipped": ("/", "warn"),
    "running": ("»", "warn"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """How something stands: a sign, a word, and a tone that colours follow."""

    sign: str
    word: str
    tone: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A stack or a stack set. `short` is its name without what all names begin with.

    `place` is where it is: a Region alone where all is in one account.
    """

    name: str
    short: str
    account: str = ""
    region: str = ""
    kind: str = "stack"
    phase: str = ""
    verb: str = ""
    reason: str = ""
    layer: str = ""
    needs: tuple[str, ...] = ()
    contents: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    ending: str = ""
    status: str = ""
    cause: str = ""
    warnings: tuple[str, ...] = ()
    place: str = ""

    @property
    def mark(self) -> Mark:
        """How it ended; a unit that was only planned says what is to become of it."""
        if not self.ending:
            return Mark("·", self.verb or "not begun", "calm")
        sign, tone = _TONES.get(self.ending, ("?", "warn"))
        return Mark(sign, self.ending, tone)

    @property
    def is_bad(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.ending in {"failed", "blocked", "running"}


def units_of(run: Recorded) -> tuple[Unit, ...]:
    """Return every unit once, in the order of the plan, with what was last said of it."""
    found: dict[str, Unit] = {}
    for line in run.of("plan.unit"):
        known = found.get(line["unit"])
        if known is None or line["verb"] != "none":
            found[line["unit"]] = _planned(line)
    for line in run.of("op.end"):
        if line.get("ending"):
            name = line["unit"]
            cause = next((each["reason"] for each in line["causes"]), "")
            unit = replace(
                found.get(name) or _unplanned(line),
                ending=line["ending"],
                status=line["status"],
                cause=cause,
            )
            found[name] = unit
    for each in run.summary.get("units", ()):
        name = each["unit"]
        found[name] = replace(
            found.get(name, Unit(name, name)),
            ending=each["ending"],
            cause=each["cause"] or "",
            warnings=tuple(each["warnings"]),
        )
    return tuple(_shortened(found.values()))


def _planned(line: Line) -> Unit:
    return replace(
        _unplanned(line),
        kind=line.get("kind") or ("stack" if line["wave"] else "stack_set"),
        phase=line["phase"],
        verb=line["verb"],
        reason=line["reason"],
        layer=line.get("layer") or "",
        needs=tuple(line["needs"]),
        contents=line.get("contents") or {},
    )


def _unplanned(line: Mapping[str, Any]) -> Unit:
    name = line["unit"]
    return Unit(name, name, line.get("account") or "", line.get("region") or "")


def _shortened(units: Iterable[Unit]) -> list[Unit]:
    """Drop what all names begin with, and a Region at the end, which stands beside."""
    told = list(units)
    dropped = common_beginning([each.name for each in told])
    several = len({each.account for each in told if each.account}) > 1
    return [
        replace(
            each,
            short=each.name.removeprefix(dropped).removesuffix(f"-{each.region}") or each.name,
            place=place_of(each.account if several else "", each.region),
        )
        for each in told
    ]


def place_of(account: str | None, region: str | None) -> str:
    """Return an account and a Region in one word, as far as they are known."""
    return "/".join(each for each in (account, region) if each)
