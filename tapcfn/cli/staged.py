"""What a plan has staged: shown, judged, agreed to, and removed unless it is to be kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tapcfn.cli.options import Session
from tapcfn.errors import BlockedError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.model import Snapshot
    from tapcfn.operations import Approval
    from tapcfn.plan import Plan
    from tapcfn.preview import Preview


@dataclass(slots=True)
class Staged:
    """Previews whose change sets stand ready; they are removed unless they are to be kept."""

    previews: tuple[Preview, ...]
    keep: bool = False

    def keep_for_later(self, desk: Desk) -> None:
        """Leave the change sets to a plan file: no later run may take them for its own."""
        from tapcfn.preview import Previewed

        self.keep = True
        for each in self.previews:
            if isinstance(each, Previewed):
                desk.ledger.ended(each.staged.token)


@contextlib.contextmanager
def previewed(
    desk: Desk,
    planned: Plan,
    snapshot: Snapshot,
    allowed: frozenset[str],
    *,
    thorough: bool = False,
) -> Iterator[Staged]:
    """Preview a plan, and leave nothing behind: not after a no, an error or an interrupt.

    A `thorough` preview is for somebody who reviews it: the service's warnings are read as well.
    """
    from tapcfn.preview import preview

    staged = Staged(
        preview(
            planned,
            snapshot,
            desk.cloud,
            desk.ledger,
            desk.pool,
            allowed=allowed,
            thorough=thorough,
        )
    )
    try:
        yield staged
    finally:
        if not staged.keep:
            discard(desk, staged.previews)


def discard(desk: Desk, previews: Iterable[Preview]) -> None:
    """Remove change sets; what could not be removed is said, and fails nothing."""
    from tapcfn.events import Diagnosed
    from tapcfn.preview import discard_all

    for error in discard_all(previews, desk.cloud, desk.ledger, desk.pool):
        desk.session.console.notify(Diagnosed("warning", f"left behind: {error}"))


def part_of(planned: Plan, chosen: frozenset[str], snapshot: Snapshot) -> Plan:
    """Return the plan for the chosen stacks alone; raise `BlockedError` if they can't be alone."""
    from tapcfn.selection import check_needs, narrowed

    check_needs(planned, chosen, snapshot)
    return narrowed(planned, chosen)


def show_plan(session: Session, planned: Plan, previews: Iterable[Preview]) -> None:
    """Print the plan, or tell it as events."""
    from tapcfn.report.outline import plan_text
    from tapcfn.report.planned import events_of

    previews = tuple(previews)
    session.console.result(plan_text(planned, previews, session.console.width))
    if session.console.json:
        for event in events_of(planned, previews):
            session.console.notify(event)


def code_of(previews: tuple[Preview, ...]) -> int:
    """Return 1 if CloudFormation refused a change set, 4 if a guard objects, else 0."""
    from tapcfn.guard import blocks
    from tapcfn.preview import Previewed, Refused

    if any(isinstance(each, Refused) for each in previews):
        return 1
    blocked = any(isinstance(each, Previewed) and blocks(each.findings) for each in previews)
    return BlockedError.exit_code if blocked else 0


def has_changes(planned: Plan, previews: tuple[Preview, ...]) -> bool:
    """Whether anything would be written, as far as can be told now."""
    from tapcfn.plan import Verb
    from tapcfn.preview import Previewed

    protected = any(step.verb is Verb.PROTECT for step in planned.steps)
    return protected or any(
        not isinstance(each, Previewed) or not each.staged.change_set.empty for each in previews
    )


def approval_of(
    previews: tuple[Preview, ...], allowed: frozenset[str], *, strict: bool
) -> Approval:
    """Return what was agreed to, by stack."""
    from tapcfn.operations import Approval

    return Approval({each.step.stack.name: each for each in previews}, allowed, strict)
