"""What is measured, as a script: how a metric, an alarm or a health check goes over time.

    [[measure]]
    metric = "ReplicaLag"
    namespace = "AWS/RDS"
    since = "ExecuteChangeSet"
    course = [[0, 120], [5, 0]]

Minutes are AWS's, so divided by the speed. Knows nothing of the emulator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any, TypeAlias

MISSING = "missing"
ALARM_STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")
HEALTH = ("healthy", "unhealthy", MISSING)

# What a measure may be of, and the words that its course may have beside numbers.
SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "metric": (MISSING,),
    "alarm": ALARM_STATES,
    "health_check": HEALTH,
}
_EVERYWHERE = frozenset({"account", "region", "since", "nth", "course"})
MEASURE_KEYS: Mapping[str, frozenset[str]] = {
    "metric": _EVERYWHERE | {"metric", "namespace", "dimensions"},
    "alarm": _EVERYWHERE | {"alarm", "reason"},
    "health_check": _EVERYWHERE - {"region"} | {"health_check"},
}

# A number, or one of the words.
Told: TypeAlias = float | str
Names: TypeAlias = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table: what goes how, from which moment on."""

    metric: str = ""
    namespace: str = ""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    alarm: str = ""
    health_check: str = ""
    course: tuple[tuple[float, Told], ...] = ()
    account: str = ""
    region: str = ""
    since: str = ""
    nth: int = 1
    reason: str = ""

    @property
    def subject(self) -> tuple[str, str, Mapping[str, str]]:
        """The metric that is measured: namespace, name, dimensions. A health check has its own."""
        if self.health_check:
            return "AWS/Route53", "HealthCheckStatus", {"HealthCheckId": self.health_check}
        return self.namespace, self.metric, self.dimensions

    def at(self, minute: float) -> Told | None:
        """Return what is so at a minute: on a line between two numbers; None before the first."""
        if not self.course or minute < self.course[0][0]:
            return None
        for (begins, first), (ends, last) in pairwise(self.course):
            if begins <= minute < ends:
                if isinstance(first, str) or isinstance(last, str):
                    return first
                return first + (last - first) * (minute - begins) / (ends - begins)
        return self.course[-1][1]


class Measures:
    """A table's measures at work: each counts from its own moment.

    At speed 0 nothing takes time: each is at its end as soon as it has begun, and what is so now
    was always so. The last seconds stand there for all the time that somebody waits.
    """

    def __init__(
        self,
        measures: Iterable[Measure],
        clock: Callable[[], float],
        speed: Callable[[], float],
    ) -> None:
        self._all = tuple(measures)
        self._clock, self._speed = clock, speed
        self._seen = [0] * len(self._all)
        self._began = [clock() if not each.since else math.inf for each in self._all]

    @property
    def counts_calls(self) -> bool:
        """Whether any of them begins with a call."""
        return any(each.since for each in self._all)

    def saw(self, operation: str) -> None:
        """Note a call: a measure begins with the one that it names."""
        for number, each in enumerate(self._all):
            if each.since == operation:
                self._seen[number] += 1
                if self._seen[number] == each.nth:
                    self._began[number] = self._clock()

    def metric(self, place: str, namespace: str, name: str, dimensions: Names) -> Course | None:
        """Return the course of a metric; each dimension may be known by several names."""

        def fits(each: Measure) -> bool:
            there, measured, named = each.subject
            return (there, measured) == (namespace, name) and all(
                any(fnmatchcase(known, wanted) for known in dimensions.get(key, ()))
                for key, wanted in named.items()
            )

        return self._course(place, fits)

    def alarm(self, place: str, name: str) -> Course | None:
        """Return the course of an alarm's state."""
        return self._course(place, lambda each: bool(each.alarm) and fnmatchcase(name, each.alarm))

    def told(self) -> list[dict[str, Any]]:
        """Return what each measure is of, and whether it has begun."""
        now = self._clock()
        return [
            {**{key: getattr(each, key) for key in SUBJECTS if getattr(each, key)}}
            | {"begun": began <= now}
            for each, began in zip(self._all, self._began, strict=True)
        ]

    def _course(self, place: str, fits: Callable[[Measure], bool]) -> Course | None:
        account, _, region = place.partition("/")
        now, speed = self._clock(), self._speed()
        found = [
            (each, began if speed or began > now else -math.inf)
            for each, began in zip(self._all, self._began, strict=True)
            if each.account in {"", account} and each.region in {"", region} and fits(each)
        ]
        return Course(tuple(found), speed) if found else None


@dataclass(frozen=True, slots=True)
class Course:
    """How one thing goes: what the last of its measures that have begun says."""

    measures: tuple[tuple[Measure, float], ...]
    speed: float

    def at(self, moment: float) -> Told | None:
        """Return what is so at a moment, in seconds since 1970; None where no measure says."""
        found = [self._measured(*each, moment) for each in self.measures]
        return next((each for each in reversed(found) if each is not None), None)

    def reason_at(self, moment: float) -> str:
        """Return why, as the measure says that tells it."""
        told = [each.reason for each, began in self.measures if began <= moment]
        return told[-1] if told and told[-1] else "the table of measures says so"

    def _measured(self, measure: Measure, began: float, moment: float) -> Told | None:
        if moment < began:
            return None
        minute = (moment - began) * self.speed / 60 if self.speed else math.inf
        told = measure.at(minute)
        if measure.health_check and told in {"healthy", "unhealthy"}:
            return float(told == "healthy")
        return told


# Reading ------------------------------------------------------------------------------------------


def made(raw: Mapping[str, Any]) -> Measure:
    """Return the measure that a line of the table says; nothing is wrong with it."""
    course = tuple((float(at), _plain(told)) for at, told in raw["course"])
    return Measure(**{**raw, "course": course})


def _plain(told: Told) -> Told:
    return told if isinstance(told, str) else float(told)


def mistakes(raw: Mapping[str, Any]) -> Iterator[str]:
    """Say all that is wrong with a line whose keys and plain values are right."""
    subjects = [each for each in SUBJECTS if each in raw]
    if len(subjects) != 1:
        yield f"needs one of {', '.join(SUBJECTS)}"
        return
    (subject,) = subjects
    for key in sorted(set(raw) - MEASURE_KEYS[subject]):
        yield f'a measure of a {subject} takes no "{key}"'
    if subject == "metric" and "namespace" not in raw:
        yield 'needs "namespace"'
    if isinstance(raw.get("nth", 1), list):
        yield "nth must be one number"
    if "nth" in raw and "since" not in raw:
        yield 'nth needs "since"'
    yield from _wrong_course(raw.get("course"), subject)


def _wrong_course(course: Any, subject: str) -> Iterator[str]:
    words = SUBJECTS[subject]
    wanted = f"{'a number or ' if subject == 'metric' else ''}{', '.join(words)}"
    if not isinstance(course, list) or not course or not all(map(_is_pair, course)):
        yield "course must be a list of pairs: a minute from 0, and what is so from then on"
        return
    if any(later[0] < earlier[0] for earlier, later in pairwise(course)):
        yield "course must be in the order of its minutes"
    for _, told in course:
        if told not in words and not (subject == "metric" and _is_number(told)):
            yield f"course: {told} must be {wanted}"


def _is_pair(each: Any) -> bool:
    return isinstance(each, list) and len(each) == 2 and _is_number(each[0]) and each[0] >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
