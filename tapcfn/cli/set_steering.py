"""stackset stop and drift: an operation of the service's own, begun or ended, and watched."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import click

from tapcfn.cli.agreeing import agreed
from tapcfn.cli.options import Session, Where, common, linked, placed, program
from tapcfn.cli.set_place import found_of, one_set, set_of, sets_of, yes
from tapcfn.cli.workplace import workplace
from tapcfn.errors import BusyError, CloudError, StillRunningError, TapcfnError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.model import Instance, SetOperation, StackSet, Target
    from tapcfn.stack_sets.drifted import FleetDrift
    from tapcfn.stack_sets.ports import InstanceDrift

_DETECTION = "DETECT_DRIFT"

# Seconds before a detection is asked for again that somebody else was quicker than.
_PAUSE = 1.0


@click.command("stop")
@click.pass_obj
@placed()
@one_set
@yes
@linked
@common
def stop(session: Session, /, *, where: Where, name: str, yes: bool) -> int:
    """Stop the operation that is at work: nothing more begins, what runs comes to its end.

    Waits until it has ended. On AWS an operation that this folder has not begun is stopped only
    when somebody says so.
    """
    from tapcfn.cli.opening import open_desk

    place = workplace(session.package, where)
    stack_set = set_of(place, name)
    # No lock: whoever holds it is who is to be stopped.
    with open_desk(session, place, "stackset stop", writes=False) as desk:
        found = found_of(desk, stack_set, to_plan=False)
        past = desk.sets.operations(stack_set) if found.deployed else ()
        moving = [each for each in reversed(past) if each.status.is_moving]
        if not moving:
            session.console.say(f"Nothing to stop: no operation is at work on {stack_set.name}.")
            return 0
        first, *queued = moving
        for each in queued:
            session.console.say(f"in line behind it: {each.operation_id} {each.action}")
        ours = desk.ledger.is_ours(first.operation_id)
        session.console.say(f"{first.operation_id} {first.action} {first.status}")
        if not (ours or yes or agreed(desk)):
            return 130
        _stop(desk, stack_set, first)
    return 0


def _stop(desk: Desk, stack_set: StackSet, operation: SetOperation) -> None:
    from tapcfn.report.set_answers import stopped_text
    from tapcfn.report.standings import operation_fields, result_counts
    from tapcfn.stack_sets.watching import watch

    token = operation.operation_id
    listed = desk.sets.instances(stack_set, token)
    pairs = frozenset(each.target for each in listed)
    desk.sets.stop(stack_set, token)
    with desk.clock.heeding_signals():
        means = desk.set_means(desk.session.console.notify)
        ended, _ = watch(stack_set, token, pairs, means, stops=False)
    results = desk.sets.results(stack_set, token)
    not_begun = len(pairs - {each.target for each in results})
    fields = {
        "unit": stack_set.name,
        **operation_fields(ended),
        "counts": result_counts(results),
        "not_started": not_begun,
    }
    again = f"{program()} stackset retry {desk.place.command} --operation {token}"
    text = f"{stopped_text(ended, results, not_begun)}\nTo go on: {again}"
    desk.session.console.answer("stackset.stop", fields, text)


@click.command("drift")
@click.pass_obj
@placed()
@one_set
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 if anything has drifted.")
@common
def drift(session: Session, /, *, where: Where, name: str, detailed_exitcode: bool) -> int:
    """Compare every instance with what is really there, by resource and property.

    Exit 1 where the detection failed, 5 where it failed in some instances.
    """
    from tapcfn.cli.opening import open_desk
    from tapcfn.stack_sets.running import PARTIAL

    place = workplace(session.package, where)
    with open_desk(session, place, "stackset drift", writes=True) as desk:
        codes = {_drift(desk, each) for each in sets_of(place, name)}
    code = next((each for each in (TapcfnError.exit_code, PARTIAL, 10) if each in codes), 0)
    return 0 if code == 10 and not detailed_exitcode else code


def _drift(desk: Desk, stack_set: StackSet) -> int:
    """Detect the drift of one set and show it; return 1, 5, 10 or 0."""
    from tapcfn.plain.templates import normal
    from tapcfn.report.set_answers import drift_fields
    from tapcfn.report.stack_sets import fleet_drift_text
    from tapcfn.stack_sets.drifted import always_there, group
    from tapcfn.stack_sets.watching import watch

    found = found_of(desk, stack_set, to_plan=False)
    if found.deployed is None:
        desk.session.console.say(f"{stack_set.name}: is not deployed")
        return 0
    token = _detection(desk, stack_set)
    with desk.clock.heeding_signals():
        means = desk.set_means(desk.tell)
        watch(stack_set, token, frozenset(found.instances), means)
    desk.ledger.ended(token)
    if desk.patience.interrupted:
        raise KeyboardInterrupt
    told = desk.sets.drift(stack_set)
    word = told.status if told else "FAILED"
    fleet = group(_of_pairs(desk, stack_set, token), always_there(normal(found.deployed.template)))
    text = f"{stack_set.name}: detection {word}\n{fleet_drift_text(fleet)}"
    desk.session.console.answer("stackset.drift", drift_fields(stack_set.name, word, fleet), text)
    return _code_of(word, fleet)


def _code_of(status: str, drift: FleetDrift) -> int:
    """Return 1 for a detection that failed, 5 for one that failed in part, 10 for drift."""
    from tapcfn.stack_sets.running import PARTIAL

    if status not in {"COMPLETED", "PARTIAL_SUCCESS"}:
        return TapcfnError.exit_code
    if status != "COMPLETED" or drift.failed:
        return PARTIAL
    return 10 if drift.drifted else 0


def _detection(desk: Desk, stack_set: StackSet) -> str:
    """Return the operation id of a detection: one that is at work, or a new one. (D-7)"""
    while True:
        past = desk.sets.operations(stack_set)
        moving = (each for each in past if each.status.is_moving and each.action == _DETECTION)
        if (running := next(moving, None)) is not None:
            return running.operation_id
        desk.settle_sets((stack_set,))
        token = _token(desk, stack_set, past[0].operation_id if past else "")
        desk.ledger.intend("set-drift", stack_set, token)
        try:
            desk.sets.detect_drift(stack_set, token)
        except BusyError as error:
            if desk.patience.is_over:
                raise StillRunningError(str(error)) from error
            desk.clock.sleep(_PAUSE)
        else:
            return token


def _token(desk: Desk, stack_set: StackSet, last: str) -> str:
    """Return another token for each detection, and the same for one whose answer was lost."""
    from tapcfn.model import canonical, digest_of

    words = [stack_set.name, str(stack_set.home), _DETECTION, last]
    tokens = ("tapcfn-" + digest_of(canonical([*words, attempt]))[:40] for attempt in count())
    return next(token for token in tokens if not desk.ledger.has_ended(token))


def _of_pairs(
    desk: Desk, stack_set: StackSet, token: str
) -> dict[Target, tuple[InstanceDrift, ...] | str]:
    """Return what was found in each pair; a text is why detection failed there."""
    from tapcfn.model import ResultStatus

    results = desk.sets.results(stack_set, token)
    failed = {
        each.target: each.reason or "no reason given"
        for each in results
        if each.status not in {ResultStatus.SUCCEEDED, ResultStatus.RUNNING}
    }

    def one(instance: Instance) -> tuple[InstanceDrift, ...] | str:
        if instance.target in failed:
            return failed[instance.target]
        try:
            return desk.sets.instance_drifts(stack_set, instance.target, token)
        except CloudError as error:
            return str(error)

    listed = desk.sets.instances(stack_set)
    return dict(zip([each.target for each in listed], desk.pool.map(one, listed), strict=True))
