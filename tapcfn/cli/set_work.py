"""stackset retry and revert: what failed again, and what was before once more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tapcfn.cli.agreeing import close, confirmed, make_sure_that_somebody_answers
from tapcfn.cli.options import Session, Where, allow_loss, common, linked, placed
from tapcfn.cli.set_place import at_once, one_set, set_of, settled, yes
from tapcfn.cli.staged import code_of, set_previews, show_plan
from tapcfn.cli.workplace import workplace
from tapcfn.errors import BlockedError, CloudError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.model import FoundSet, Instance, StackSet, Target
    from tapcfn.plan import Plan
    from tapcfn.stack_sets.recording import Record
    from tapcfn.stack_sets.retrying import Retry
    from tapcfn.stack_sets.reverting import Revert
    from tapcfn.stack_sets.spread import Spread
    from tapcfn.stack_sets.waves import Part


@click.command("retry")
@click.pass_obj
@placed()
@one_set
@click.option("--operation", default="", metavar="ID", help="This one, not the last.")
@click.option(
    "--failed/--all",
    "only_failed",
    default=True,
    show_default=True,
    help="What is FAILED, CANCELLED or OUTDATED of it, or every pair of it.",
)
@at_once
@yes
@allow_loss
@linked
@common
def retry(
    session: Session,
    /,
    *,
    where: Where,
    name: str,
    operation: str,
    only_failed: bool,
    at_once: bool,
    yes: bool,
    allow_loss: tuple[str, ...],
) -> int:
    """Do again what failed in an operation: the same pairs, preferences and overrides.

    It goes in the set's waves, and without an id a retry that was stopped is gone on with. Nothing
    else is touched, and the set keeps what it says, whatever the settings say by now.
    """
    from tapcfn.cli.opening import open_desk
    from tapcfn.report.set_answers import retry_fields, retry_text

    place = workplace(session.package, where)
    stack_set = set_of(place, name)
    with open_desk(session, place, "stackset retry", writes=True) as desk:
        planned = _retry(desk, stack_set, operation, everything=not only_failed, at_once=at_once)
        if planned is None:
            session.console.say(f"Nothing to retry: {stack_set.name} has no operation.")
            return 0
        session.console.answer(
            "stackset.retry", retry_fields(stack_set, planned), retry_text(stack_set, planned)
        )
        if planned.spread.has_work:
            return do(desk, planned.spread, "stackset retry", allow_loss, yes=yes)
        if planned.inoperable or planned.missing:
            return BlockedError.exit_code
        session.console.say("Nothing to retry: nothing of it is failed, cancelled or outdated.")
    return 0


def _retry(
    desk: Desk, stack_set: StackSet, operation_id: str, *, everything: bool, at_once: bool
) -> Retry | None:
    """Return what is to be done again; None where nothing was ever done."""
    from tapcfn.plain.templates import normal
    from tapcfn.stack_sets import retrying
    from tapcfn.stack_sets.steps import cover_for

    found = settled(desk, stack_set)
    assert found.deployed is not None
    past = desk.sets.operations(stack_set)
    records = desk.keeper.records(stack_set.name)
    operation = retrying.chosen(past, stack_set, operation_id, records)
    if operation is None:
        return None
    retrying.check_same_template(operation, past, records, found.deployed)
    readable = replace(found.deployed, template=normal(found.deployed.template))
    return retrying.plan_retry(
        retrying.as_deployed(stack_set, readable, operation.preferences),
        operation,
        desk.sets.results(stack_set, operation.operation_id),
        found,
        cover_for(stack_set, found),
        everything=everything,
        parts=_parts(stack_set, found, at_once=at_once),
    )


def _parts(stack_set: StackSet, found: FoundSet, *, at_once: bool) -> tuple[Part, ...]:
    """Return the waves that an apply would go in."""
    from tapcfn.stack_sets.carving import parts_of
    from tapcfn.stack_sets.finding import pairs_of

    return () if at_once else parts_of(stack_set, pairs_of(stack_set, found.members))


@click.command("revert")
@click.pass_obj
@placed(bundled=False)
@click.argument("operation", required=False, default="")
@one_set
@at_once
@yes
@allow_loss
@linked
@common
def revert(
    session: Session,
    /,
    *,
    where: Where,
    operation: str,
    name: str,
    at_once: bool,
    yes: bool,
    allow_loss: tuple[str, ...],
) -> int:
    """Bring a stack set back to what it was before an OPERATION, or before the last rollout.

    Template, parameters, tags and overrides are those that this folder has written down. It goes
    in the set's waves; without an id a revert that was stopped is gone on with. Instances that
    were made since are named and stay.
    """
    from tapcfn.cli.opening import open_desk
    from tapcfn.report.set_answers import revert_fields, revert_text

    place = workplace(session.package, where)
    stack_set = set_of(place, name)
    with open_desk(session, place, "stackset revert", writes=True) as desk:
        planned = _revert(desk, stack_set, operation, at_once=at_once)
        session.console.answer(
            "stackset.revert", revert_fields(stack_set, planned), revert_text(planned)
        )
        if not planned.spread.has_work:
            session.console.say(f"Nothing to revert: {stack_set.name} is as it was before.")
            return 0
        return do(desk, planned.spread, "stackset revert", allow_loss, yes=yes)


def _revert(desk: Desk, stack_set: StackSet, operation_id: str, *, at_once: bool) -> Revert:
    from tapcfn.plain.templates import normal
    from tapcfn.stack_sets import reverting
    from tapcfn.stack_sets.steps import cover_for

    found = settled(desk, stack_set)
    assert found.deployed is not None
    past = desk.sets.operations(stack_set)
    records = desk.keeper.records(stack_set.name)
    record = reverting.chosen(past, records, stack_set, operation_id, found)
    reverting.check_last(record, past, records)
    record = replace(record, template=normal(record.template))
    left = reverting.untouched(record, found, past)
    if reverting.differs(record, found.deployed):
        proofs = desk.pool.map(lambda pair: _is_as_before(desk, found, record, pair), left)
        left = tuple(pair for pair, same in zip(left, proofs, strict=True) if same)
    cover = cover_for(stack_set, found)
    parts = _parts(stack_set, found, at_once=at_once)
    return reverting.plan_revert(stack_set, record, found, frozenset(left), cover, parts)


def _is_as_before(desk: Desk, found: FoundSet, record: Record, pair: Target) -> bool:
    """Whether an instance's stack is proved to run what was recorded: template and parameters."""
    from tapcfn.events import Diagnosed
    from tapcfn.plain.templates import normal
    from tapcfn.stack_sets.skew import parameters_digest

    instance: Instance = found.instances[pair]
    try:
        stack = desk.cloud.stack(instance.stack_id, pair)
        body = normal(desk.cloud.template(instance.stack_id, pair))
    except CloudError as error:
        text = f"{pair}: can't be proved to be as before, so it is brought back, too: {error}"
        desk.session.console.notify(Diagnosed("warning", text))
        return False
    known = {key: value for key, value in stack.parameters.items() if key not in record.hidden}
    before = parameters_digest(record.parameters, record.instances[pair].overrides)
    return body == record.template and parameters_digest(known, {}) == before


# Both ---------------------------------------------------------------------------------------------


def do(desk: Desk, spread: Spread, command: str, allow_loss: Iterable[str], *, yes: bool) -> int:
    """Show what would become of the instances, ask, and carry it out; return the exit code."""
    from tapcfn.cli.guarding import allowances, unused, verdict_on
    from tapcfn.instance_previews import HIDDEN
    from tapcfn.model import Snapshot
    from tapcfn.operations import Approval

    asks = not (desk.place.is_local or yes)
    if asks:
        make_sure_that_somebody_answers(desk.session)
    allowed = allowances(desk, Snapshot(), allow_loss)
    plan = plan_of(desk, spread, command)
    previews = set_previews(desk, plan, allowed, HIDDEN if _is_secret(spread) else "")
    show_plan(desk.session, plan, (), previews)
    unused(desk, plan, (), allowed & frozenset(allow_loss), (), previews)
    if code := verdict_on(desk, (), code_of((), previews), previews):
        return code
    if asks and not confirmed(desk):
        return 130
    outcome = desk.carry_out(plan, Snapshot(), Approval({}, allowed, strict=True))
    return close(desk, outcome, command)


def plan_of(desk: Desk, spread: Spread, command: str) -> Plan:
    """Return a plan of this one stack set."""
    from tapcfn.model import Phase, Rollout
    from tapcfn.plan import Plan, PlannedPhase
    from tapcfn.stack_sets.steps import SetStep

    name = command.rpartition(" ")[2]
    step = SetStep(spread.stack_set, spread.found, spread)
    rollout = Rollout(
        desk.rollout.blueprint,
        desk.rollout.stage,
        (Phase(name, (), stack_sets=(spread.stack_set,)),),
    )
    return Plan(rollout, (PlannedPhase(name, (), (step,)),))


def _is_secret(spread: Spread) -> bool:
    """Whether a value is unknown here: a change set would show it as changed. (NoEcho)"""
    from tapcfn.stack_sets.spread import is_secret

    stack_set = spread.stack_set
    return any(is_secret(stack_set, key) for key in stack_set.template.parameters)
