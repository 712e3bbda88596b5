"""stackset adopt: stacks that exist become instances of a stack set, as they are. (D-24)"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from tapcfn.cli.agreeing import close, confirmed, make_sure_that_somebody_answers
from tapcfn.cli.options import Session, Where, common, linked, placed
from tapcfn.cli.set_place import found_of, one_set, set_of, yes
from tapcfn.cli.set_work import plan_of
from tapcfn.cli.workplace import workplace
from tapcfn.errors import BlockedError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.model import FoundSet, StackSet
    from tapcfn.stack_sets.adopting import Candidate
    from tapcfn.stack_sets.owners import Owners
    from tapcfn.stack_sets.spread import Spread, Wanted

_COMMAND = "stackset adopt"


@click.command("adopt")
@click.pass_obj
@placed(bundled=False)
@click.argument("stack_ids", nargs=-1, required=True, metavar="STACK_ID...")
@one_set
@yes
@linked
@common
def adopt(
    session: Session, /, *, where: Where, stack_ids: tuple[str, ...], name: str, yes: bool
) -> int:
    """Let stacks that exist become instances of a stack set; nothing in them changes.

    Their templates must be that of the set; parameters that differ become overrides. Run it again
    to go on: what has been adopted is passed over.
    """
    from tapcfn.cli.opening import open_desk
    from tapcfn.report.set_answers import adoption_fields, adoption_text
    from tapcfn.stack_sets.adopting import place_of

    names = dict(map(place_of, stack_ids))
    place = workplace(session.package, where)
    stack_set = set_of(place, name)
    with open_desk(session, place, _COMMAND, writes=True) as desk:
        found_of(desk, stack_set, to_plan=False)
        desk.settle_sets((stack_set,))
        spread = _spread(desk, stack_set, stack_ids)
        if not spread.has_work:
            session.console.say(f"Nothing to adopt: all are instances of {stack_set.name}.")
            return 0
        answer = adoption_fields(spread, names), adoption_text(spread, names)
        session.console.answer("stackset.adoption", *answer)
        asks = not (place.is_local or yes)
        if asks:
            make_sure_that_somebody_answers(session)
        if asks and not confirmed(desk):
            return 130
        return _carry_out(desk, spread)


def _carry_out(desk: Desk, spread: Spread) -> int:
    from tapcfn.model import Snapshot
    from tapcfn.operations import Approval

    approval = Approval({}, frozenset(), strict=True)
    outcome = desk.carry_out(plan_of(desk, spread, _COMMAND), Snapshot(), approval)
    return close(desk, outcome, _COMMAND)


def _spread(desk: Desk, stack_set: StackSet, stack_ids: Iterable[str]) -> Spread:
    """Return the calls; raise `BlockedError` with all that stands against them, by name."""
    from tapcfn.model import digest_of
    from tapcfn.plain.templates import normal
    from tapcfn.stack_sets.adopting import faults, plan_adoption

    found = found_of(desk, stack_set)
    deployed = found.deployed
    if deployed and digest_of(normal(deployed.template)) != stack_set.template.digest:
        raise BlockedError(f"{stack_set.name}: its template is not that of the settings; apply")
    wanted = _wanted(desk, stack_set, found)
    candidates = tuple(desk.pool.map(lambda each: _candidate(desk, each), dict.fromkeys(stack_ids)))
    if said := list(faults(wanted, candidates, found, _owners(desk, stack_set))):
        raise BlockedError("; ".join(said))
    return plan_adoption(wanted, candidates, found)


def _wanted(desk: Desk, stack_set: StackSet, found: FoundSet) -> Wanted:
    """Return the set with the outputs of stacks that it takes; they must be there."""
    from tapcfn.plan import outputs_of
    from tapcfn.stack_sets.finding import resolve_set

    outputs = outputs_of(desk.snapshot()) if stack_set.needs else {}
    wanted, unknown = resolve_set(stack_set, outputs, found)
    if unknown:
        missing = ", ".join(str(each) for each in unknown)
        raise BlockedError(f"{stack_set.name}: {missing} is not there; apply first")
    return wanted


def _candidate(desk: Desk, stack_id: str) -> Candidate:
    from tapcfn.plain.templates import normal
    from tapcfn.stack_sets.adopting import Candidate, place_of

    target, name = place_of(stack_id)
    stack = desk.cloud.stack(stack_id, target)
    body = "" if stack.status.is_absent else normal(desk.cloud.template(stack_id, target))
    return Candidate(
        stack_id, target, name, stack.status, body, stack.parameters, stack.parent, stack.tags
    )


def _owners(desk: Desk, stack_set: StackSet) -> Owners:
    """Return what can be known of whose stacks are: sets, rollouts, folders of templates."""
    from tapcfn.stack_sets.owners import Owners, instances_of_others

    rollout = desk.rollout
    instances, known = instances_of_others(stack_set, desk.sets, desk.pool, desk.warn)
    return Owners(
        (rollout.blueprint, rollout.stage),
        frozenset((each.target, each.name) for each in rollout.stacks),
        desk.ledger.makers(desk.place.source, desk.place.stage),
        instances,
        known,
    )
