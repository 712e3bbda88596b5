"""What a change set does beyond the one that was reviewed. Pure. (D-15)

A change is known by the stack, the way through nested stacks and its logical ID.
"""

from __future__ import annotations

from collections.abc import Iterator

from tapcfn.model import Change, ChangeSet, Replacement

# From harmless to harmful, as far as a reader of a plan is concerned.
_RANK = {None: 0, Replacement.FALSE: 0, Replacement.CONDITIONAL: 1, Replacement.TRUE: 2}

_ARRIVALS = frozenset({"Add", "Import"})


def surprises(
    expected: ChangeSet | None, actual: ChangeSet, *, asked: bool = True
) -> tuple[str, ...]:
    """Return what a change set does that was not in the one that was reviewed.

    The same resources with the same or milder changes are no surprise. Where CloudFormation could
    not be `asked` yet (a stack that waited for another's outputs), or nothing was reviewed at all,
    additions and imports are none either.
    """
    known = dict(_by_path(expected)) if expected else {}
    lenient = expected is None or not asked
    found: dict[str, str] = {}
    for path, change in _by_path(actual):
        if path.rpartition("/")[0] in found:
            found[path] = ""  # what is in a nested stack that is a surprise goes without saying
        elif not _was_expected(change, known.get(path), lenient=lenient):
            suffix = " with replacement" if change.replacement is Replacement.TRUE else ""
            found[path] = f"{path}: {change.action}{suffix}"
    return tuple(text for text in found.values() if text)


def _by_path(change_set: ChangeSet, above: str = "") -> Iterator[tuple[str, Change]]:
    """Yield every change with its way: nested stacks before what is in them."""
    for change in change_set.changes:
        path = f"{above}{change.logical_id}"
        yield path, change
        if change.nested:
            yield from _by_path(change.nested, f"{path}/")


def _worst(known: Change) -> Replacement | None:
    """Return the worst that was told: who may be replaced by a value to come may well be."""
    later = any(
        each.evaluation == "Dynamic" and each.recreation != "Never" for each in known.details
    )
    if known.replacement is Replacement.CONDITIONAL and later:
        return Replacement.TRUE
    return known.replacement


def _was_expected(change: Change, known: Change | None, *, lenient: bool) -> bool:
    if lenient and change.action in _ARRIVALS and (known is None or known.action in _ARRIVALS):
        return True
    if known is None:
        return False
    milder = _RANK[change.replacement] <= _RANK[_worst(known)]
    loses = known.loses or (known.replacement is not None and _worst(known) is Replacement.TRUE)
    return change.action == known.action and milder and (loses or not change.loses)
