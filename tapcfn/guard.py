"""Objections to a change set, as small numbered rules: an error stops the stack, unwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tapcfn.model import (
    STATEFUL,
    Change,
    ChangeSet,
    Finding,
    Replacement,
    Severity,
    Stack,
)

Rule = Callable[[ChangeSet], Iterator[Finding]]


def data_loss(change_set: ChangeSet) -> Iterator[Finding]:
    """TAP001: nothing that holds data goes away without an allowance of its own."""
    for change in _stateful(change_set):
        if change.loses:
            verb = "removed" if change.action == "Remove" else "replaced"
            yield _finding(
                "TAP001",
                Severity.ERROR,
                change_set,
                change,
                f"{change.resource_type} {change.physical_id} would be {verb} and its data lost; "
                f"to allow it: --allow-loss {change_set.stack}/{change.logical_id}",
            )


def possible_replacement(change_set: ChangeSet) -> Iterator[Finding]:
    """TAP002: a replacement that CloudFormation cannot rule out is said aloud."""
    for change in _stateful(change_set):
        if change.replacement is Replacement.CONDITIONAL and not change.loses:
            yield _finding(
                "TAP002",
                Severity.WARNING,
                change_set,
                change,
                f"{change.resource_type} {change.physical_id} may be replaced",
            )


def unknown_change(change_set: ChangeSet) -> Iterator[Finding]:
    """TAP003: what CloudFormation will only decide while it works is no small change."""
    for change in _stateful(change_set):
        if change.action == "Dynamic":
            yield _finding(
                "TAP003",
                Severity.ERROR,
                change_set,
                change,
                f"CloudFormation cannot say what happens to {change.resource_type} "
                f"{change.physical_id}; to allow it: "
                f"--allow-loss {change_set.stack}/{change.logical_id}",
            )


def left_behind(change_set: ChangeSet) -> Iterator[Finding]:
    """TAP004: what leaves the stack but goes on existing, and costing, is named."""
    for change in change_set.changes:
        if change.policy_action in {"Retain", "ReplaceAndRetain"}:
            yield _finding(
                "TAP004",
                Severity.WARNING,
                change_set,
                change,
                f"{change.resource_type} {change.physical_id} leaves the stack and is kept",
            )


RULES: tuple[Rule, ...] = (data_loss, possible_replacement, unknown_change, left_behind)


def review(
    change_set: ChangeSet,
    stack: Stack,
    allowed: frozenset[str] = frozenset(),
    rules: tuple[Rule, ...] = RULES,
) -> tuple[Finding, ...]:
    """Return every objection, nested stacks included, in the order of the rules.

    What is found in a nested stack points at the line that made the nested stack.
    `allowed` holds `STACK/LOGICAL_ID` allowances: what they name is reported as information.
    """
    lines = stack.template.source
    found = [
        replace(finding, source=lines.get(finding.logical_id))
        for rule in rules
        for finding in rule(change_set)
    ]
    for change in change_set.changes:
        if change.nested:
            inner = review(change.nested, stack, allowed, rules)
            found += [replace(each, source=lines.get(change.logical_id)) for each in inner]
    return tuple(
        replace(each, severity=Severity.INFO) if _is_allowed(each, allowed) else each
        for each in found
    )


def _is_allowed(finding: Finding, allowed: frozenset[str]) -> bool:
    return finding.severity is Severity.ERROR and f"{finding.stack}/{finding.logical_id}" in allowed


def blocks(findings: tuple[Finding, ...]) -> bool:
    """Whether any of the findings stops the stack."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def _stateful(change_set: ChangeSet) -> Iterator[Change]:
    return (change for change in change_set.changes if change.resource_type in STATEFUL)


def _finding(
    rule: str, severity: Severity, change_set: ChangeSet, change: Change, message: str
) -> Finding:
    return Finding(rule, severity, change_set.stack, change.logical_id, message)


# From harmless to harmful, as far as a reader of a plan is concerned.
_RANK = {None: 0, Replacement.FALSE: 0, Replacement.CONDITIONAL: 1, Replacement.TRUE: 2}


def surprises(expected: ChangeSet | None, actual: ChangeSet) -> tuple[str, ...]:
    """Return what a change set does that was not in the one that was reviewed.

    Where nothing could be reviewed (a stack that waited for another's outputs), additions and
    imports are no surprise. The same resources with the same or milder changes are none either.
    Nested stacks are compared in the same way.
    """
    known = {change.logical_id: change for change in expected.changes} if expected else {}
    found: list[str] = []
    for change in actual.changes:
        before = known.get(change.logical_id)
        if not _was_expected(change, before, reviewed=expected is not None):
            suffix = " with replacement" if change.replacement is Replacement.TRUE else ""
            found.append(f"{change.logical_id}: {change.action}{suffix}")
        elif change.nested:
            reviewed = (before.nested or _NOTHING) if before else None
            inner = surprises(reviewed, change.nested)
            found += [f"{change.logical_id}/{each}" for each in inner]
    return tuple(found)


_NOTHING = ChangeSet("", "", "")


def _was_expected(change: Change, known: Change | None, *, reviewed: bool) -> bool:
    if known is None:
        return not reviewed and change.action in {"Add", "Import"}
    milder = _RANK[change.replacement] <= _RANK[known.replacement]
    return change.action == known.action and milder and (known.loses or not change.loses)
