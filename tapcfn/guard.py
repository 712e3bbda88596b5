"""Objections to a change set, as small numbered rules: an error stops the stack, unwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tapcfn.allowances import Loss, covering
from tapcfn.data_policy import guarded_ids
from tapcfn.kept import KEEPING, POLICIES, dropped_policies
from tapcfn.model import (
    STATEFUL,
    Change,
    ChangeSet,
    Deployed,
    Detail,
    Finding,
    Replacement,
    Severity,
    SourceLine,
    Stack,
)
from tapcfn.replacement import is_frozen, is_known, updates_in_place
from tapcfn.stack_policy import denied


@dataclass(frozen=True, slots=True)
class Objection:
    """What a rule has against one change; with a `loss`, an allowance can settle it."""

    rule: str
    severity: Severity
    message: str
    loss: Loss | None = None
    path: str = ""


Rule = Callable[[Change], Iterator[Objection]]


def data_loss(change: Change) -> Iterator[Objection]:
    """TAP001: nothing that holds data goes away without an allowance of its own."""
    if change.loses and not _is_doubtful(change) and _is_at_stake(change):
        removed = change.action == "Remove"
        verb = "removed" if removed else "replaced"
        yield Objection(
            "TAP001",
            Severity.ERROR,
            f"{_subject(change)} would be {verb} and its data lost",
            Loss.REMOVE if removed else Loss.REPLACE,
        )


def possible_replacement(change: Change) -> Iterator[Objection]:
    """TAP002: a replacement that CloudFormation cannot rule out needs an allowance as well."""
    if (
        _is_doubtful(change)
        and not _keeps(change)
        and not _is_harmless(change)
        and _is_at_stake(change)
    ):
        yield Objection(
            "TAP002",
            Severity.ERROR,
            f"{_subject(change)} may be replaced and its data lost{_known_after_apply(change)}",
            Loss.REPLACE,
        )


def unknown_change(change: Change) -> Iterator[Objection]:
    """TAP003: what CloudFormation will only decide while it works is no small change."""
    if change.action == "Dynamic" and holds_data(change.resource_type):
        yield Objection(
            "TAP003",
            Severity.ERROR,
            f"CloudFormation cannot say what happens to {_subject(change)}",
            Loss.DYNAMIC,
        )


def left_behind(change: Change) -> Iterator[Objection]:
    """TAP004: what leaves the stack but goes on existing, and costing, is named."""
    if change.policy_action in {"Retain", "ReplaceAndRetain"}:
        yield Objection(
            "TAP004", Severity.WARNING, f"{_subject(change)} leaves the stack and is kept"
        )


def policy_dropped(change: Change) -> Iterator[Objection]:
    """TAP005: a policy that keeps data is not taken off without an allowance."""
    for detail in change.details:
        name = detail.path.strip("/")
        if name in POLICIES and _drops(detail):
            yield _dropped(change.resource_type, change.physical_id, name, str(detail.before))


def refused_change(change: Change) -> Iterator[Objection]:
    """TAP006: a property that the service never lets change fails the stack half way."""
    for path in _frozen_paths(change):
        yield Objection(
            "TAP006",
            Severity.ERROR,
            f"{_subject(change)}: {_property(path)[0]} cannot be changed, the service refuses "
            "it; leave it as it is, or make another resource beside this one",
            path=path,
        )


def protected(change: Change, policy: str) -> Iterator[Objection]:
    """TAP008: what the stack policy denies would fail half way. (X-33)

    A policy of ours is widened for what is allowed by name; only a person widens another.
    """
    actions = denied(policy, change)
    if actions and guarded_ids(policy):
        if not (change.loses and _is_at_stake(change)):  # that is TAP001's to say
            yield Objection(
                "TAP008",
                Severity.ERROR,
                f"the stack policy denies {' and '.join(actions)} of {_subject(change)}",
                Loss.REMOVE if change.action == "Remove" else Loss.REPLACE,
            )
    elif actions:
        yield Objection(
            "TAP008",
            Severity.ERROR,
            f"the stack policy denies {' and '.join(actions)} of {_subject(change)}; widen it "
            "first: aws cloudformation set-stack-policy",
        )


# What stands in a message before the words that settle it.
_TO_ALLOW = "; to allow it: "

RULES: tuple[Rule, ...] = (
    data_loss,
    possible_replacement,
    unknown_change,
    left_behind,
    policy_dropped,
    refused_change,
)


def review(
    change_set: ChangeSet,
    stack: Stack,
    allowed: frozenset[str] = frozenset(),
    rules: tuple[Rule, ...] = RULES,
    *,
    deployed: Deployed | None = None,
    policy: str = "",
    by_region: bool = False,
) -> tuple[Finding, ...]:
    """Return every objection, nested stacks included, in the order of the rules.

    What is found in a nested stack points at the line that made the nested stack. `allowed` holds
    allowances: what they name is reported as information. With what is `deployed`, policies that
    the new template drops are found even where the change set does not tell; `policy` is that of
    the stack itself. `by_region` asks for an allowance in each Region: one name may mean stacks in
    many.
    """
    found = list(_objections(change_set, rules, _Place()))
    for change in change_set.changes:
        at = _Place(logical_id=change.logical_id)
        found += [(at, objection) for objection in protected(change, policy)]
    told = {place.path for place, objection in found if objection.rule == "TAP005"}
    found += [each for each in _untold_drops(deployed, stack) if each[0].path not in told]
    where = f"@{stack.target.region}" if by_region else ""
    return tuple(_judged(each, place, stack, allowed, where) for place, each in found)


def _untold_drops(deployed: Deployed | None, stack: Stack) -> Iterator[tuple[_Place, Objection]]:
    """Yield the policies that keep data now and are not in the new template."""
    for logical_id, name, before in dropped_policies(deployed, stack):
        kind = stack.template.resources[logical_id]
        if holds_data(kind):
            yield _Place(logical_id=logical_id), _dropped(kind, "", name, before)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a change is: in which nested stack, and which resource it is."""

    nested: str = ""
    logical_id: str = ""

    @property
    def path(self) -> str:
        return f"{self.nested}/{self.logical_id}".strip("/")

    @property
    def root(self) -> str:
        """The resource of the outermost template that it comes from."""
        return self.path.partition("/")[0]


def _objections(
    change_set: ChangeSet, rules: tuple[Rule, ...], at: _Place
) -> Iterator[tuple[_Place, Objection]]:
    for rule in rules:
        for change in change_set.changes:
            place = _Place(at.path, change.logical_id)
            yield from ((place, objection) for objection in rule(change))
    for change in change_set.changes:
        if change.nested:
            yield from _objections(change.nested, rules, _Place(at.path, change.logical_id))


def _judged(
    objection: Objection, at: _Place, stack: Stack, allowed: frozenset[str], where: str
) -> Finding:
    """Return an objection as a finding: an information if it is allowed, else how to allow it."""
    line: SourceLine | None = stack.template.source.get(at.root)
    severity, message, allowance = objection.severity, objection.message, ""
    if objection.loss is not None:
        allowance = covering(allowed, stack.name, stack.target, at.path, objection.loss) or ""
        if allowance:
            severity = Severity.INFO
        else:
            message += f"{_TO_ALLOW}--allow-loss {stack.name}/{at.path}{where}:{objection.loss}"
    return Finding(
        objection.rule,
        severity,
        stack.name,
        at.logical_id,
        message,
        line,
        nested=at.nested,
        path=objection.path,
        allowed_by=allowance,
    )


def allowance_asked(finding: Finding) -> str:
    """Return what would settle a finding on the command line, or nothing."""
    return finding.message.partition(_TO_ALLOW)[2]


def blocks(findings: tuple[Finding, ...]) -> bool:
    """Whether any of the findings stops the stack."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def holds_data(resource_type: str) -> bool:
    """Whether the loss of such a resource has to be allowed: unknown types count as such. (D-18)"""
    return resource_type in STATEFUL or not is_known(resource_type)


def _subject(change: Change) -> str:
    return f"{change.resource_type} {change.physical_id}".strip()


def _is_at_stake(change: Change) -> bool:
    """Whether data is, and the change is not refused anyway."""
    return holds_data(change.resource_type) and not _frozen_paths(change)


def _frozen_paths(change: Change) -> tuple[str, ...]:
    paths = dict.fromkeys(each.path for each in change.details if change.action == "Modify")
    return tuple(path for path in paths if is_frozen(change.resource_type, _property(path)))


def _is_doubtful(change: Change) -> bool:
    """Whether a replacement is possible and not certain."""
    if change.replacement is Replacement.TRUE:
        return bool(_known_after_apply(change))
    return change.replacement is Replacement.CONDITIONAL


def _keeps(change: Change) -> bool:
    return bool(change.policy_action) and not change.loses


def _is_harmless(change: Change) -> bool:
    """Whether every detail is of a property that the schemas know to be updated in place.

    CloudFormation says `Conditional` of some of those, such as the policy of a KMS key.
    """
    return bool(change.details) and all(
        detail.recreation in {"Never", "Conditionally"}
        and (
            not _property(detail.path)
            or updates_in_place(change.resource_type, _property(detail.path))
        )
        for detail in change.details
    )


def _known_after_apply(change: Change) -> str:
    """Say which properties decide, where all that force a replacement are evaluated later."""
    forcing = [each for each in change.details if each.recreation == "Always"]
    if not forcing or any(each.evaluation != "Dynamic" for each in forcing):
        return ""
    names = ", ".join(dict.fromkeys("/".join(_property(each.path)) for each in forcing))
    return f" (known after apply: whether {names} changes)"


def _property(path: str) -> tuple[str, ...]:
    """Return the steps below `Properties`; nothing for tags, metadata and policies."""
    first, *rest = path.strip("/").split("/")
    return tuple(rest) if first == "Properties" else ()


def _drops(detail: Detail) -> bool:
    return detail.before in KEEPING and detail.after not in KEEPING


def _dropped(kind: str, physical_id: str, policy: str, before: str) -> Objection:
    return Objection(
        "TAP005",
        Severity.ERROR,
        f"{f'{kind} {physical_id}'.strip()} would lose its {policy} {before}, and its data with "
        "the next removal",
        Loss.POLICY,
        policy,
    )
