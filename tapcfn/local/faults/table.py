"""The table of faults as data: which calls and resources go wrong, and how.

    [[fault]]
    do = "lost_answer"
    operation = "CreateChangeSet"
    nth = 1

Reads TOML and refuses what it does not know, every mistake at once.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tapcfn.errors import UsageError
from tapcfn.local.faults import measures
from tapcfn.local.faults.measures import Measure

EVERYWHERE = frozenset({"do", "account", "region", "nth"})
OF_CALLS = EVERYWHERE | {"service", "operation", "since"}
OF_RESOURCES = EVERYWHERE | {"type", "logical_id"}
OF_STACK_SETS = EVERYWHERE | {"stack_set"}
DURING = ("create", "update", "delete", "rollback")
MODES = ("FAIL", "WARN")
TARGETS = ("resource", "change_set")
PER = ("action", "service")
STATES = ("QUEUED", "RUNNING", "STOPPING")

# What each fault may say, and what it must.
KEYS: Mapping[str, frozenset[str]] = {
    "throttle": OF_CALLS,
    "error": OF_CALLS | {"code", "status", "reason"},
    "drop": OF_CALLS,
    "lost_answer": OF_CALLS,
    "delay": OF_CALLS | {"seconds"},
    "truncate": OF_CALLS,
    "expire_token": OF_CALLS,
    "empty_page": OF_CALLS,
    "stale_read": OF_CALLS,
    "reword": OF_CALLS | {"word", "instead"},
    "meanwhile": OF_CALLS | {"action", "params"},
    "fail": OF_RESOURCES | {"reason", "during"},
    "stuck": OF_RESOURCES | {"seconds", "during"},
    "hook": OF_RESOURCES | {"hook", "mode", "reason", "during", "target", "annotations"},
    "early_validation": OF_RESOURCES | {"findings"},
    "fail_instance": OF_STACK_SETS | {"instance", "reason", "during"},
    "slow_instance": OF_STACK_SETS | {"instance", "seconds", "during"},
    "slow_operation": OF_STACK_SETS | {"seconds", "state"},
    "foreign_operation": OF_STACK_SETS | {"seconds"},
    "late_results": OF_STACK_SETS,
}
NEEDED: Mapping[str, str] = {
    "error": "code",
    "delay": "seconds",
    "meanwhile": "action",
    "reword": "word",
    "fail": "reason",
    "stuck": "seconds",
    "hook": "hook",
    "early_validation": "findings",
    "fail_instance": "reason",
    "slow_instance": "seconds",
    "slow_operation": "seconds",
    "foreign_operation": "seconds",
}
FAULT_KEYS = frozenset().union(*KEYS.values())
THROTTLE_KEYS = frozenset({"rate", "burst", "per", "account", "region", "service", "operation"})
FINDING_KEYS = frozenset({"name", "path", "reason", "mode", "logical_id", "type"})
ANNOTATION_KEYS = frozenset({"name", "message", "severity", "remedy", "link"})
MEASURE_KEYS = frozenset().union(*measures.MEASURE_KEYS.values())


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection of early validation; mode `WARN` lets the change set be made."""

    name: str
    reason: str
    path: str = ""
    mode: str = "FAIL"
    logical_id: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the table; an empty selector matches everything, an empty `nth` every time."""

    do: str
    account: str = ""
    region: str = ""
    service: str = ""
    operation: str = ""
    since: str = ""
    type: str = ""
    logical_id: str = ""
    nth: tuple[int, ...] = ()
    code: str = ""
    status: int = 400
    reason: str = ""
    during: str = ""
    seconds: float = 0.0
    hook: str = ""
    mode: str = "FAIL"
    target: str = "resource"
    findings: tuple[Finding, ...] = ()
    annotations: tuple[Mapping[str, str], ...] = ()
    stack_set: str = ""
    instance: str = ""
    state: str = "RUNNING"
    action: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    word: str = ""
    instead: str = "SOMETHING_NEW"

    def is_due(self, count: int) -> bool:
        """Tell whether it happens to the call of this number, from 1."""
        return not self.nth or count in self.nth


@dataclass(frozen=True, slots=True)
class Throttle:
    """A bucket of `burst` tokens that gains `rate` a second, for each account, Region and action.

    `per` may be `service`: all actions of a service then share one.
    """

    rate: float
    burst: float
    per: str = "action"
    account: str = ""
    region: str = ""
    service: str = ""
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """All that goes wrong, and all that is measured."""

    faults: tuple[Fault, ...] = ()
    throttle: Throttle | None = None
    measures: tuple[Measure, ...] = ()


def parse(text: str) -> Table:
    """Read a table; raise `UsageError` naming every mistake."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"table of faults: {error}") from error
    problems = [*_strangers(raw, ("fault", "measure", "throttle")), *_shapes(raw)]
    problems = problems or [*_in_throttle(raw.get("throttle")), *_in_faults(raw.get("fault", []))]
    problems = problems or list(_in_measures(raw.get("measure", [])))
    if problems:
        raise UsageError("table of faults: " + "; ".join(problems))
    return Table(
        tuple(map(_fault, raw.get("fault", []))),
        _throttle(raw.get("throttle")),
        tuple(map(measures.made, raw.get("measure", []))),
    )


def read(path: Path) -> str:
    """Return the text of a file with a table; raise `UsageError` naming all that is wrong in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from error
    parse(text)
    return text


# Mistakes -----------------------------------------------------------------------------------------


def _shapes(raw: Mapping[str, Any]) -> Iterator[str]:
    if not _is_tables(raw.get("fault", [])):
        yield "fault must be a list of tables, [[fault]]"
    if not _is_tables(raw.get("measure", [])):
        yield "measure must be a list of tables, [[measure]]"
    if not isinstance(raw.get("throttle", {}), dict):
        yield "throttle must be a table, [throttle]"


def _in_faults(faults: list[dict[str, Any]]) -> Iterator[str]:
    for number, raw in enumerate(faults, 1):
        yield from (f"fault {number}: {problem}" for problem in _in_fault(raw))


def _in_fault(raw: Mapping[str, Any]) -> Iterator[str]:
    yield from _strangers(raw, FAULT_KEYS)
    yield from _wrong_values(raw)
    do = raw.get("do")
    if not isinstance(do, str) or do not in KEYS:
        yield f"do must be one of {', '.join(KEYS)}" + _not_but(do)
        return
    for key in sorted((set(raw) & FAULT_KEYS) - KEYS[do]):
        yield f'do = "{do}" takes no "{key}"'
    if do in NEEDED and NEEDED[do] not in raw:
        yield f'do = "{do}" needs "{NEEDED[do]}"'
    if raw.get("target") == "change_set" and "during" in raw:
        yield 'target = "change_set" takes no "during"'
    for number, finding in enumerate(_tables_in(raw, "findings"), 1):
        yield from (f"finding {number}: {problem}" for problem in _in_finding(finding))
    for number, note in enumerate(_tables_in(raw, "annotations"), 1):
        wrong = (*_strangers(note, ANNOTATION_KEYS), *_wrong_values(note))
        yield from (f"annotation {number}: {problem}" for problem in wrong)


def _tables_in(raw: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = raw.get(key, [])
    return list(found) if _is_tables(found) else []


def _in_finding(raw: Mapping[str, Any]) -> Iterator[str]:
    yield from _strangers(raw, FINDING_KEYS)
    yield from _wrong_values(raw)
    yield from (f'needs "{key}"' for key in ("name", "reason") if key not in raw)


def _in_measures(found: list[dict[str, Any]]) -> Iterator[str]:
    for number, raw in enumerate(found, 1):
        wrong = [*_strangers(raw, MEASURE_KEYS), *_wrong_values(raw)]
        wrong = wrong or list(measures.mistakes(raw))
        yield from (f"measure {number}: {problem}" for problem in wrong)


def _in_throttle(raw: Mapping[str, Any] | None) -> Iterator[str]:
    if raw is None:
        return
    problems = [*_strangers(raw, THROTTLE_KEYS), *_wrong_values(raw)]
    problems += ['needs "rate"'] if "rate" not in raw else []
    yield from (f"throttle: {problem}" for problem in problems)


def _strangers(raw: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, sorted(known), 1, 0.0)[0]
            yield f'"{key}" is no key here; the nearest is "{near}"'


def _wrong_values(raw: Mapping[str, Any]) -> Iterator[str]:
    for key, value in raw.items():
        is_right, wanted = _VALUES.get(key, (_is_text, "must be a text"))
        if key in _CHECKED and not is_right(value):
            yield f"{key} {wanted}" + _not_but(value)


def _not_but(value: Any) -> str:
    return "" if value is None else f", not {_toml(value)}"


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"\w+", value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_position(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_nth(value: Any) -> bool:
    return _is_position(value) or (
        isinstance(value, list) and bool(value) and all(map(_is_position, value))
    )


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


_VALUES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "account": (
        lambda value: isinstance(value, str) and bool(re.fullmatch("[0-9]{12}", value)),
        "must be a text of 12 digits",
    ),
    "nth": (_is_nth, "must be the number of a matching call, from 1, or a list of them"),
    "status": (
        lambda value: _is_position(value) and 400 <= value <= 599,
        "must be an HTTP status from 400 to 599",
    ),
    "during": (DURING.__contains__, f"must be one of {', '.join(DURING)}"),
    "mode": (MODES.__contains__, f"must be one of {', '.join(MODES)}"),
    "target": (TARGETS.__contains__, f"must be one of {', '.join(TARGETS)}"),
    "state": (STATES.__contains__, f"must be one of {', '.join(STATES)}"),
    "per": (PER.__contains__, f"must be one of {', '.join(PER)}"),
    "seconds": (lambda value: _is_number(value) and value > 0, "must be a number above 0"),
    "rate": (lambda value: _is_number(value) and value > 0, "must be a number above 0"),
    "burst": (lambda value: _is_number(value) and value >= 1, "must be a number from 1"),
    "dimensions": (
        lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
        "must be a table of texts",
    ),
    "course": (lambda value: isinstance(value, list), "must be a list of pairs"),
    **dict.fromkeys(("word", "instead"), (_is_word, "must be letters, digits and underscores")),
    "params": (
        lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
        "must be a table of texts",
    ),
    "findings": (lambda value: _is_tables(value) and bool(value), "must be a list of tables"),
    "annotations": (lambda value: _is_tables(value) and bool(value), "must be a list of tables"),
}
# An unknown `do` is said with what it may be, an unknown key with the nearest one.
_CHECKED = (FAULT_KEYS | THROTTLE_KEYS | FINDING_KEYS | ANNOTATION_KEYS | MEASURE_KEYS) - {"do"}


# Values -------------------------------------------------------------------------------------------


def _fault(raw: Mapping[str, Any]) -> Fault:
    nth = raw.get("nth", ())
    more = {
        "nth": (nth,) if isinstance(nth, int) else tuple(nth),
        "findings": tuple(Finding(**each) for each in raw.get("findings", ())),
        "annotations": tuple(raw.get("annotations", ())),
    }
    return Fault(**{**raw, **more})


def _throttle(raw: Mapping[str, Any] | None) -> Throttle | None:
    return None if raw is None else Throttle(**{"burst": max(1.0, raw["rate"]), **raw})
