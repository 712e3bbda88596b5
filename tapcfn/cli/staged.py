"""What a plan has staged: shown, judged, agreed to, and removed unless it is to be kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tapcfn.cli.options import Session
from tapcfn.errors import BlockedError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.cli.losses import Losses
    from tapcfn.instance_previews import SetPreview
    from tapcfn.model import Snapshot, Target
    from tapcfn.operations import Approval
    from tapcfn.plan import Plan
    from tapcfn.preview import Preview
    from tapcfn.stack_sets.steps import SetStep


@dataclass(slots=True)
class Staged:
    """Previews whose change sets stand ready; they are removed unless they are to be kept."""

    previews: tuple[Preview, ...]
    sets: tuple[SetPreview, ...] = ()
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

    left = desk.ledger.staged(desk.rollout.blueprint, desk.rollout.stage)
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
        staged.sets = set_previews(desk, planned, allowed)
        _withdraw(desk, left, staged.previews)
        yield staged
    finally:
        if not staged.keep:
            discard(desk, staged.previews)


def _withdraw(
    desk: Desk, left: Mapping[str, tuple[Target, str]], previews: Iterable[Preview]
) -> None:
    """Remove what a killed run has staged and this one does not want. (X-5)"""
    from tapcfn.events import Diagnosed
    from tapcfn.preview import withdraw

    still = {token: each for token, each in left.items() if not desk.ledger.has_ended(token)}
    for text in withdraw(still, previews, desk.cloud, desk.ledger, desk.pool):
        desk.session.console.notify(Diagnosed("info", text))


def set_previews(
    desk: Desk, planned: Plan, allowed: frozenset[str], unasked: str = ""
) -> tuple[SetPreview, ...]:
    """Return what would become of the instances of each stack set; leaves nothing behind.

    With `unasked`, which says why, only templates tell; so they do where inputs are not there yet.
    """
    from tapcfn.instance_previews import preview_deferred, preview_set

    def previewed(step: SetStep) -> SetPreview:
        if step.spread is None:
            return preview_deferred(step, allowed)
        preview = preview_set(
            step.spread,
            desk.cloud,
            desk.ledger,
            desk.pool,
            allowed=allowed,
            sample=desk.session.sample,
            unasked=unasked,
        )
        return replace(preview, usual=desk.ledger.times("instance", step.stack_set))

    return tuple(previewed(step) for step in planned.sets if step.has_work)


def durations(desk: Desk, planned: Plan) -> tuple[SetPreview, ...]:
    """Return what past runs tell of the sets' instances: their times. Nobody is asked."""
    from tapcfn.instance_previews import SetPreview

    return tuple(
        SetPreview(step.name, usual=desk.ledger.times("instance", step.stack_set))
        for step in planned.sets
        if step.has_work
    )


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


def show_plan(
    session: Session,
    planned: Plan,
    previews: Iterable[Preview],
    sets: Iterable[SetPreview] = (),
) -> None:
    """Print the plan, or tell it as events."""
    from tapcfn.report.outline import plan_text
    from tapcfn.report.planned import events_of

    previews, sets = tuple(previews), tuple(sets)
    session.console.page(plan_text(planned, previews, session.console.width, sets))
    if session.console.is_heard:
        for event in events_of(planned, previews, sets):
            session.console.notify(event)


def code_of(
    previews: tuple[Preview, ...], sets: tuple[SetPreview, ...] = (), *, applying: bool = False
) -> int:
    """Return 1 if CloudFormation refused a change set, 4 if a guard objects, else 0.

    Who is `applying` goes on without a stack that could not be asked about, and without what needs
    it: the run ends with 1 then. A change set that was written and refused stops everything, since
    a plan with such a fault is not the one that was meant. (R-15, X-13, X-29)
    """
    from tapcfn.guard import blocks
    from tapcfn.instance_previews import blocks_set
    from tapcfn.preview import Refused

    refused = [each for each in previews if isinstance(each, Refused)]
    if any(not (applying and each.alone) for each in refused):
        return 1
    if any(instance.refused for each in sets for instance in each.instances):
        return 1
    blocked = any(blocks(each.findings) for each in previews if not isinstance(each, Refused))
    blocked = blocked or any(map(blocks_set, sets))
    return BlockedError.exit_code if blocked else 0


def has_changes(planned: Plan, previews: tuple[Preview, ...]) -> bool:
    """Whether anything would be written, as far as can be told now."""
    from tapcfn.plan import Verb
    from tapcfn.preview import Previewed

    told = any(step.verb in {Verb.PROTECT, Verb.DELETE} for step in planned.steps)
    told = told or any(step.has_work for step in planned.sets)
    return told or any(
        not isinstance(each, Previewed) or not each.staged.change_set.empty for each in previews
    )


def approval_of(
    previews: tuple[Preview, ...],
    allowed: frozenset[str],
    *,
    strict: bool,
    losses: Losses | None = None,
    sample: int | None = None,
) -> Approval:
    """Return what was agreed to, by stack; what goes is cleared of `losses` in its turn."""
    from tapcfn.cli.losses import clearing_of
    from tapcfn.operations import Approval

    asked = {each.step.stack.name: each for each in previews}
    clearing = clearing_of(losses) if losses else {}
    return Approval(asked, allowed, strict, clearing=clearing, sample=sample)
