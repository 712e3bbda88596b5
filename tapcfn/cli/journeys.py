"""Lead a rollout through its moves, or back: one leg after another, each closed by its gates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tapcfn import journey
from tapcfn.acting import ActMeans, act
from tapcfn.actions import inputs, resolved
from tapcfn.cli.agreeing import confirmed, make_sure_that_somebody_answers
from tapcfn.cli.applying import Wish, bring
from tapcfn.cli.console import ask
from tapcfn.cli.options import Journey, program
from tapcfn.errors import BlockedError, StackError, StillRunningError, TapcfnError, UsageError
from tapcfn.events import MoveEnded, MoveStarted
from tapcfn.journey import Leg
from tapcfn.model import Action, ApprovalCheck, Orphan, Rollout, Snapshot
from tapcfn.standing import Heading, is_between
from tapcfn.told import resolved_gates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tapcfn.cli.desk import Desk


# The deadline, and an interrupt: what goes on in AWS stands at no move yet.
_STOPPED = frozenset({StillRunningError.exit_code, 130})


class _GateError(TapcfnError):
    """A gate did not open."""


def travel(
    desk: Desk, snapshot: Snapshot, goal: tuple[int, bool], wish: Wish, asked: Journey
) -> int:
    """Bring the rollout up to date where it stands, then take each leg; return the exit code.

    Whatever stops a leg stops the journey. Where a gate fails and the move says so, it is taken
    back at once: the exit code is 1 all the same.
    """
    legs = legs_to(desk, snapshot, goal, asked)
    from tapcfn.report.journeys import legs_text, way_fields

    text = legs_text(desk.place.rollout, legs)
    desk.session.console.answer("way", way_fields(legs), text, paged=True)
    if not legs:
        return 0
    _agree(desk, legs, wish, asked)
    for move in journey.to_confirm(legs):
        desk.ledger.moved(desk.place.blueprint, desk.place.stage, move.mark, "confirmed")
    chosen = _names(wish.rollout) - _under_way(desk, snapshot, legs)
    code = bring(desk, snapshot, replace(wish, chosen=chosen, asks=False, quiet=True))
    for leg in legs:
        if code:
            break
        code = take(desk, leg, wish)
    return code if code in _STOPPED else _closed(desk, code)


def _under_way(desk: Desk, snapshot: Snapshot, legs: Iterable[Leg]) -> frozenset[str]:
    """Return the stacks that may stand in the middle of the first leg: brought nowhere before."""
    first = next((leg for leg in legs if leg.stacks), None)
    if first is None or not (first.back or is_between(desk.place.rollout, snapshot)):
        return frozenset()
    return first.stacks


def legs_to(
    desk: Desk, snapshot: Snapshot, goal: tuple[int, bool], asked: Journey
) -> tuple[Leg, ...]:
    """Return the way from where the rollout stands to a move, or back to it."""
    rollout, passed = desk.place.rollout, desk.passed
    there, back = goal
    here = desk.position(snapshot, asked.at, heading_of(goal))
    if back:
        return journey.backward(rollout, here, there, desk.half_way) if there <= here else ()
    return journey.forward(rollout, here, there, passed)


def heading_of(goal: tuple[int, bool] | None) -> Heading:
    """Return where a goal leads to: a move, and whether it is a way back."""
    if goal is None:
        return Heading.STAY
    return Heading.BACK if goal[1] else Heading.ON


def _names(rollout: Rollout) -> frozenset[str]:
    return frozenset(name for phase in rollout.phases for name in phase.names)


def _agree(desk: Desk, legs: Iterable[Leg], wish: Wish, asked: Journey) -> None:
    """Ask for the points of no return by name, and for the rest once.

    Raises `UsageError` where nobody can be asked, and `KeyboardInterrupt` for a no.
    """
    _check_questions(desk.place.rollout, asked.approved)
    open_still = [move for move in journey.to_confirm(legs) if move.confirm not in asked.confirmed]
    desk.looks.make_sure(gate for leg in legs for gate in leg.move.gates)
    for move in open_still:
        if not desk.session.may_ask:
            raise UsageError(
                f"move {move.name} crosses a point of no return: {move.forever}; to agree without "
                f"being asked: --confirm-point-of-no-return {move.confirm}"
            )
        answer = ask(
            f"{move.name}: {move.forever}.\nThere is no way back from here. Type "
            f'"{move.confirm}" to go on: '
        )
        if answer is None:
            raise UsageError(
                f'no answer came, the input has ended: type "{move.confirm}" at a terminal, or '
                f"give --confirm-point-of-no-return {move.confirm}"
            )
        if answer != move.confirm:
            desk.session.console.say(f'"{answer}" is not "{move.confirm}": nothing was moved')
            raise KeyboardInterrupt
    if wish.asks and not open_still:
        make_sure_that_somebody_answers(desk.session)
        if not confirmed(desk):
            raise KeyboardInterrupt


def _check_questions(rollout: Rollout, approved: Iterable[str]) -> None:
    """Raise `UsageError` for the name of a gate that asks nobody."""
    gates = (gate for move in rollout.moves for gate in move.gates)
    asking = sorted({gate.name for gate in gates if isinstance(gate.check, ApprovalCheck)})
    for name in approved:
        if name not in asking:
            there = ", ".join(asking) or "none"
            raise UsageError(f"--approve {name}: no gate of that name asks a person ({there} does)")


def take(desk: Desk, leg: Leg, wish: Wish) -> int:
    """Take one leg; return its exit code."""
    move = leg.move
    desk.patience.renew()  # each move may take as long as a run without moves
    desk.tell(MoveStarted(move.name, move.says, leg.back))
    desk.ledger.moved(desk.place.blueprint, desk.place.stage, move.mark, "begun")
    try:
        code = _go(desk, leg, wish)
    except _GateError as error:
        desk.tell(MoveEnded(move.name, passed=False, cause=str(error), back=leg.back))
        desk.session.console.say(f"{move.name}: {error}")
        return _fall_back(desk, leg, wish)
    except (TapcfnError, KeyboardInterrupt) as error:
        cause = str(error) or "interrupted"
        desk.tell(MoveEnded(move.name, passed=False, cause=cause, back=leg.back))
        _leave(desk, leg, wish)
        raise
    if code == 0:
        state = "back" if leg.back else "passed"
        desk.ledger.moved(desk.place.blueprint, desk.place.stage, move.mark, state)
    desk.tell(MoveEnded(move.name, passed=code == 0, back=leg.back))
    if code in _STOPPED or (code and leg.before):
        _leave(desk, leg, wish)
    return code


def _leave(desk: Desk, leg: Leg, wish: Wish) -> None:
    """Leave a leg that has stopped, or take it back where an interrupt is to do that. (X-35)

    The way back may be interrupted in its turn: it stays where it is then. Raises
    `KeyboardInterrupt` where it was taken back, as the run was interrupted all the same.
    """
    move = leg.move
    if not (desk.session.cancel_on_interrupt and desk.clock.interrupted and _leads_back(leg)):
        _say_that_it_is_not_over(desk, leg)
        return
    desk.clock.go_on()
    desk.session.cancel_on_interrupt = False  # what goes back is not cancelled
    desk.session.console.say(f"{move.name}: interrupted; it is taken back")
    number = journey.number_of(desk.place.rollout, move.name)
    (back,) = journey.backward(desk.place.rollout, number, number - 1)
    if take(desk, back, wish) == 0:
        _closed(desk, 0)
    raise KeyboardInterrupt


def _leads_back(leg: Leg) -> bool:
    """Whether the leg is a move that may be taken back without being asked."""
    return leg.move.falls_back and not leg.back


def _say_that_it_is_not_over(desk: Desk, leg: Leg) -> None:
    """Say how to go on with a leg that has stopped, and back; nothing is read for that."""
    from tapcfn.report.journeys import begun_text, ways_from_within

    desk.session.console.say(begun_text(desk.place.rollout, leg, _call(desk)))
    desk.session.ways += tuple(ways_from_within(desk.place.rollout, leg, _call(desk)))


def _call(desk: Desk) -> str:
    return f"{program()} apply {desk.place.command}"


def _go(desk: Desk, leg: Leg, wish: Wish) -> int:
    """Do the leg's actions, change its stacks, and hold its gates."""
    _act(desk, leg.before)
    if leg.stacks and (code := _change(desk, leg, wish)):
        return code
    _act(desk, leg.after)
    if not leg.back:
        _hold(desk, leg)
    return 0


def _change(desk: Desk, leg: Leg, wish: Wish) -> int:
    """Bring the leg's stacks to what it wants, and nothing else, by the steps on the way."""
    codes = (_bring_to(desk, leg, wanted, wish) for wanted in (*leg.steps, leg.rollout))
    return next((code for code in codes if code), 0)


def _bring_to(desk: Desk, leg: Leg, rollout: Rollout, wish: Wish) -> int:
    snapshot = desk.settled_snapshot()
    wanted = {stack.name for stack in rollout.stacks}
    going = tuple(
        Orphan(stack.target, snapshot.stacks[stack.name])
        for stack in desk.rollout.stacks
        if stack.name in leg.stacks - wanted and stack.name in snapshot.stacks
    )
    return bring(
        desk,
        snapshot,
        replace(
            wish,
            rollout=rollout,
            chosen=frozenset(leg.stacks & wanted),
            allow_loss=(*wish.allow_loss, *leg.move.allow),
            leaving=going,
            asks=False,
            quiet=True,
        ),
    )


def _act(desk: Desk, actions: Iterable[Action]) -> None:
    for action in actions:
        outputs = _outputs(desk) if inputs(action) else {}
        act(
            resolved(action, outputs),
            ActMeans(desk.cloud.actions, desk.clock, desk.ledger, desk.patience, desk.tell),
        )


def _outputs(desk: Desk) -> dict[str, dict[str, str]]:
    stacks = desk.snapshot().stacks
    return {name: dict(deployed.outputs) for name, deployed in stacks.items()}


def _hold(desk: Desk, leg: Leg) -> None:
    """Let the move bake and hold its gates; raise where one did not open, or somebody stops it."""
    move = leg.move
    if not (move.gates or move.bake):
        return
    gates = resolved_gates(move.gates, _outputs(desk))
    try:
        with desk.clock.heeding_signals():
            fault = desk.bake(move.name, gates, move.bake)
    except StillRunningError:
        if desk.patience.interrupted:
            raise KeyboardInterrupt from None
        raise
    if fault:
        raise _GateError(fault)


def _fall_back(desk: Desk, leg: Leg, wish: Wish) -> int:
    """Take a move back whose gate failed, if it says so; the journey has failed in any case."""
    move = leg.move
    if not _leads_back(leg):
        return StackError.exit_code
    rollout = desk.place.rollout
    number = journey.number_of(rollout, move.name)
    for back in journey.backward(rollout, number, journey.falls_to(rollout, number)):
        desk.session.console.say(f"{move.name}: a gate failed; {back.move.name} is taken back")
        if take(desk, back, wish):
            break
    return StackError.exit_code


def _closed(desk: Desk, code: int) -> int:
    """Say where the rollout stands now, and how to go on."""
    from tapcfn.report.journeys import standing_text, ways_from

    try:
        here = desk.position(desk.snapshot(), "")
    except BlockedError as error:
        desk.session.console.say(str(error))
        return code or error.exit_code
    desk.session.console.say(standing_text(desk.place.rollout, here, _call(desk)))
    desk.session.ways += tuple(ways_from(desk.place.rollout, here, _call(desk)))
    return code
