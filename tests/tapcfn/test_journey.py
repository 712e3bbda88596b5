"""Where a rollout stands is read from what is deployed, and the way from there is pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn import journey, variants
from tapcfn.errors import BlockedError, TemplateError, UsageError
from tapcfn.journey import backward, forward, undoable_until
from tapcfn.model import (
    ApprovalCheck,
    Gate,
    LockDownDefaultGroup,
    Move,
    OutputOf,
    Phase,
    Rollout,
    SetReadOnly,
    Snapshot,
    Stack,
    TemplateBody,
)
from tapcfn.standing import Heading, is_between, position
from tapcfn.variants import at, everything
from tests.fakes.builders import HOME, a_deployed, a_stack, a_template

GATE = Gate("errors", ApprovalCheck("ok?"))
WEIGHTS = a_template("dns", parameters=("Weight",))


def dns(weight: int) -> Stack:
    """Return the stack that says who gets how much."""
    return a_stack("dns", template=WEIGHTS, parameters={"Weight": str(weight)})


def shift(weight: int, **how: object) -> Move:
    """Return a step of a shift."""
    return Move(f"shift-{weight}", f"{weight} %", (dns(weight),), gates=(GATE,), **how)  # type: ignore[arg-type]


APP = a_stack("app")
OLD = a_stack("old")
SYNC = Move("sync", "wait until all is there", gates=(GATE,))
RETIRE = Move(
    "retire",
    "the old one goes",
    removes=("old",),
    forever="it is deleted",
    confirm="give-up",
    needs=("--lift-protection",),
)
ROLLOUT = Rollout(
    "shop",
    "prod",
    (Phase("provision", (APP, OLD, dns(0))),),
    moves=(SYNC, shift(50), shift(100), RETIRE),
)


def deployed(*stacks: Stack) -> Snapshot:
    """Return a snapshot in which these are as they are wanted."""
    return Snapshot({stack.name: a_deployed(stack) for stack in stacks})


STANDS = [
    ((), (), 0),
    ((APP,), (), 0),
    ((APP, OLD, dns(0)), (), 0),
    ((APP, OLD, dns(0)), ("sync",), 1),
    ((APP, OLD, dns(50)), (), 2),
    ((APP, OLD, dns(100)), ("sync", "shift-50"), 3),
    ((APP, dns(100)), (), 4),
]


@pytest.mark.parametrize(("stacks", "passed", "here"), STANDS)
def test_what_is_deployed_says_where_it_stands(
    stacks: tuple[Stack, ...], passed: tuple[str, ...], here: int
) -> None:
    """Weights are parameters; only a move that changes no stack is known by the ledger alone."""
    assert here == position(ROLLOUT, deployed(*stacks), passed)


def test_what_fits_no_move_is_moved_nowhere() -> None:
    """Somebody has set a weight by hand: the next apply must not jump."""
    with pytest.raises(BlockedError, match=r"dns: Weight 37\); say with --at"):
        position(ROLLOUT, deployed(APP, OLD, dns(37)))


def test_parameters_that_do_not_tell_moves_apart_say_nothing() -> None:
    """A new template or another value elsewhere is an update, at the same place."""
    there = deployed(APP, OLD, dns(50))
    changed = replace(there.stacks["dns"], template_digest="another")
    stacks = {**there.stacks, "dns": changed}

    assert 2 == position(ROLLOUT, replace(there, stacks=stacks))


def test_a_rollout_at_a_move_has_each_stack_once() -> None:
    """So that all that plans a rollout can plan it anywhere on the way."""
    here = at(ROLLOUT, 3)

    assert ["app", "old", "dns"] == [stack.name for stack in here.stacks]
    assert "100" == here.stacks[-1].parameters["Weight"]
    assert ["app", "dns"] == [stack.name for stack in at(ROLLOUT, 4).stacks]
    assert ["app", "old", "dns"] == [stack.name for stack in everything(ROLLOUT).stacks]


def test_a_stack_that_a_move_brings_stands_in_a_phase_of_its_name() -> None:
    """And is looked for from the beginning."""
    new = Move("watch", "watch it", (a_stack("watch"),))
    rollout = replace(ROLLOUT, moves=(new, RETIRE))

    assert [phase.name for phase in at(rollout, 1).phases] == ["provision", "watch"]
    assert "watch" in {stack.name for stack in everything(rollout).stacks}
    assert 0 == position(rollout, deployed(APP, OLD, dns(0)))
    assert 1 == position(rollout, deployed(APP, OLD, dns(0), a_stack("watch")))


def test_the_way_forward_takes_each_move() -> None:
    """One leg each, and what is wanted after it."""
    legs = forward(ROLLOUT, 1, 3, ("sync",))

    assert ["shift-50", "shift-100"] == [leg.move.name for leg in legs]
    assert ["50", "100"] == [leg.rollout.stacks[-1].parameters["Weight"] for leg in legs]
    assert [{"dns"}, {"dns"}] == [leg.stacks for leg in legs]


def test_gates_that_were_not_seen_to_hold_are_held_first() -> None:
    """A process that died in the middle of a move leaves its weights, and nobody's word."""
    legs = forward(ROLLOUT, 2, 3)

    assert [("shift-50", True), ("shift-100", False)] == [
        (leg.move.name, leg.holds_only) for leg in legs
    ]
    assert frozenset() == legs[0].stacks


def test_the_way_back_takes_each_move_back_in_turn() -> None:
    """To what was wanted before it."""
    legs = backward(ROLLOUT, 3, 1)

    assert [("shift-100", "50"), ("shift-50", "0")] == [
        (leg.move.name, leg.rollout.stacks[-1].parameters["Weight"]) for leg in legs
    ]
    assert all(leg.back for leg in legs)


def test_nothing_goes_back_past_what_is_forever() -> None:
    """And the reason is said."""
    with pytest.raises(BlockedError, match="retire cannot be taken back: it is deleted"):
        backward(ROLLOUT, 4, 1)
    assert (4, 0) == (undoable_until(ROLLOUT, 4), undoable_until(ROLLOUT, 3))


def test_actions_are_taken_back_in_reverse_on_the_other_side() -> None:
    """What was done before the stacks changed is taken back after they have changed back."""
    freeze = SetReadOnly("freeze", HOME, "group")
    other = replace(freeze, name="other")
    move = Move("try", "try it", (dns(50),), before=(freeze, other))
    (leg,) = backward(replace(ROLLOUT, moves=(move,)), 1, 0)

    assert () == leg.before
    assert ["other-back", "freeze-back"] == [each.name for each in leg.after]


FREEZE = SetReadOnly("freeze", HOME, "group")
OTHER = replace(FREEZE, name="other")
FROZEN = Move("try", "try it", (dns(50),), before=(FREEZE,), after=(OTHER,))


@pytest.mark.parametrize(
    ("move", "before"),
    [(FROZEN, []), (replace(FROZEN, stacks=()), ["other-back"])],
    ids=["with stacks", "without"],
)
def test_what_was_begun_before_the_stacks_changed_is_taken_back_too(
    move: Move, before: list[str]
) -> None:
    """A process that died there, or on the last of the way back, leaves the stacks as they were."""
    rollout = replace(ROLLOUT, moves=(SYNC, move, RETIRE))

    (leg,) = backward(rollout, 1, 1, begun={"try"})

    assert (True, True, frozenset()) == (leg.back, leg.holds_only, leg.stacks)
    assert before == [each.name for each in leg.before]
    assert ["freeze-back"] == [each.name for each in leg.after]
    assert ["try", "sync"] == [
        each.move.name for each in backward(rollout, 1, 0, begun={"try", "sync"})
    ]


def test_what_was_not_begun_or_left_nothing_is_not_taken_back() -> None:
    """Somebody else's freeze, perhaps; and a move that only waits."""
    rollout = replace(ROLLOUT, moves=(FROZEN, SYNC, RETIRE))

    assert () == backward(rollout, 0, 0)
    assert () == backward(rollout, 1, 1, begun={"sync"})
    assert () == backward(rollout, 2, 2, begun={"retire"})
    assert () == backward(rollout, 3, 3, begun={"retire"})


def test_a_name_that_is_no_move_is_refused_with_those_that_there_are() -> None:
    """By name."""
    with pytest.raises(UsageError, match=r"there are: base, sync, shift-50, shift-100, retire"):
        journey.number_of(ROLLOUT, "shift-75")


def test_a_move_that_can_not_be_taken_back_must_say_so() -> None:
    """Nobody finds out afterwards."""
    move = Move("close", "lock it", after=(LockDownDefaultGroup("lock", HOME, "vpc"),))

    with pytest.raises(TemplateError, match="move close: has to say that it is forever"):
        variants.check(replace(ROLLOUT, moves=(move,)))


def test_what_is_forever_has_a_name_to_confirm_it_by() -> None:
    """A way that nobody can go back is not gone by mistake."""
    move = replace(RETIRE, confirm="")

    with pytest.raises(TemplateError, match="move retire: is forever, and has no name"):
        variants.check(replace(ROLLOUT, moves=(move,)))


def test_a_move_that_stands_is_held_again_before_it_is_said_to_stand() -> None:
    """Its stacks are there, and nobody has seen its gates hold."""
    assert [True] == [leg.holds_only for leg in forward(ROLLOUT, 2, 2)]
    assert () == forward(ROLLOUT, 2, 2, ("shift-50",))
    assert () == journey.to_confirm(forward(ROLLOUT, 4, 4))


@pytest.mark.parametrize(("number", "goal"), [(1, 0), (2, 1), (3, 2), (4, 2)])
def test_a_move_falls_back_with_what_it_watches(number: int, goal: int) -> None:
    """The fourth changes nothing: what it watches is the third."""
    watch = Move("watch", "watch it", gates=(GATE,), falls_back=True)
    rollout = replace(ROLLOUT, moves=(SYNC, shift(50), shift(100), watch, RETIRE))

    assert goal == journey.falls_to(rollout, number)


# What stacks cannot go straight back from ---------------------------------------------------------

COPY = a_template("db", parameters=("Source",))
ALONE = a_template("db", parameters=("Days",))
AWAY = a_template("db")


def db(template: TemplateBody, **told: str) -> Stack:
    """Return the stack of a database."""
    return a_stack("db", template=template, parameters=told)


REPLICA = db(COPY, Source="old-db")
PROMOTED = db(ALONE, Days="7")
NONE = db(AWAY)
PROMOTE = Move("promote", "stand alone", (PROMOTED,), undone_by=(NONE,))
DATABASES = Rollout("shop", "prod", (Phase("provision", (APP, REPLICA)),), moves=(PROMOTE,))


def test_what_cannot_go_straight_back_goes_by_its_steps() -> None:
    """A promoted database makes place before it is a replica again; the rest stays as it is."""
    (leg,) = backward(DATABASES, 1, 0)

    assert [[APP, NONE]] == [list(step.stacks) for step in leg.steps]
    assert (APP, REPLICA) == leg.rollout.stacks
    assert {"db"} == leg.stacks


def test_a_move_that_is_half_taken_back_is_only_taken_back() -> None:
    """A process that died on the way: to go on there would make another, empty database."""
    there = deployed(APP, NONE)

    assert 1 == position(DATABASES, there, heading=Heading.BACK)
    with pytest.raises(BlockedError, match="promote is half taken back; go on with --back-to base"):
        position(DATABASES, there)


# Moves of several stacks --------------------------------------------------------------------------

EAST, WEST = (a_template(name, parameters=("Share",)) for name in ("east", "west"))


def apps(east: int, west: int) -> tuple[Stack, ...]:
    """Return an application in two Regions, each with its share."""
    return tuple(
        a_stack(body.layer, template=body, parameters={"Share": str(share)})
        for body, share in ((EAST, east), (WEST, west))
    )


TRIAL = Rollout(
    "shop",
    "prod",
    (Phase("provision", (*apps(0, 0), OLD)),),
    moves=(
        Move("ten", "10 %", apps(10, 10), gates=(GATE,)),
        Move("watch", "watch it", gates=(GATE,)),
        Move("all", "100 %", apps(100, 100), removes=("old",)),
    ),
)


@pytest.mark.parametrize(
    ("stacks", "on", "back"),
    [
        ((*apps(10, 0), OLD), 0, 1),
        ((*apps(10, 100), OLD), 2, 3),
        (apps(10, 100), 2, 3),
        ((*apps(100, 100), OLD), 2, 3),
    ],
    ids=["first", "third", "gone before", "not gone yet"],
)
def test_a_move_that_is_half_done_is_gone_on_with_or_taken_back(
    stacks: tuple[Stack, ...], on: int, back: int
) -> None:
    """A process died between two of its stacks: whoever says no move moves neither of them."""
    there, move = deployed(*stacks), TRIAL.moves[on]

    assert on == position(TRIAL, there, heading=Heading.ON)
    assert back == position(TRIAL, there, heading=Heading.BACK)
    assert is_between(TRIAL, there)
    with pytest.raises(BlockedError, match=f"{move.name} is half done; go on with --until"):
        position(TRIAL, there)


def test_stacks_of_moves_that_do_not_follow_each_other_stand_nowhere() -> None:
    """Nobody's half of anything."""
    there = deployed(*apps(0, 100), OLD)

    for heading in Heading:
        with pytest.raises(BlockedError, match="stands at none of the moves"):
            position(TRIAL, there, heading=heading)
    assert not is_between(TRIAL, deployed(*apps(10, 10), OLD))


def test_what_is_undone_must_be_changed() -> None:
    """A step of another stack would never be seen."""
    wrong = replace(PROMOTE, undone_by=(OLD,))

    with pytest.raises(TemplateError, match="promote: old is undone, and is not changed"):
        variants.check(replace(DATABASES, moves=(wrong,)))


def test_moves_that_differ_by_their_template_alone_are_told_apart_by_it() -> None:
    """Where it was read; of another version the earlier one counts, which is done once more."""
    reset = a_template("db", parameters=("Days",), version="2")
    password = Move("password", "another one", (db(reset, Days="7"),))
    rollout = replace(DATABASES, moves=(PROMOTE, password))
    (after,) = password.stacks
    unread = {"db": replace(a_deployed(after), template_digest="")}

    assert [1, 2] == [position(rollout, deployed(APP, each)) for each in (PROMOTED, after)]
    assert 1 == position(rollout, Snapshot({**deployed(APP).stacks, **unread}))


def test_a_move_that_others_took_back_is_not_passed_though_this_folder_saw_it_pass() -> None:
    """What is deployed tells more than what was noted: its template is the earlier one."""
    reset = a_template("db", parameters=("Days",), version="2")
    password = Move("password", "another one", (db(reset, Days="7"),))
    rollout = replace(DATABASES, moves=(PROMOTE, password))

    assert 1 == position(rollout, deployed(APP, PROMOTED), {"promote", "password"})


def test_what_comes_after_the_stacks_is_done_where_nobody_saw_it_done() -> None:
    """A freeze whose stack had changed, and whose source had not: its gates would let all pass."""
    freeze = SetReadOnly("freeze", HOME, "group")
    move = Move("freeze", "stop", (dns(50),), after=(freeze,), gates=(GATE,))
    rollout = replace(ROLLOUT, moves=(move, shift(100)))
    first, _ = forward(rollout, 1, 2)

    assert (True, (freeze,), ()) == (first.holds_only, first.after, first.before)


def test_outputs_that_a_move_takes_away_are_not_asked_for() -> None:
    """A stack that stays can lose one; those of stack sets' instances are nobody's stack."""
    told = a_stack("dns", template=a_template("dns", outputs=("OldCheck", "Check")))
    later = a_stack("dns", template=a_template("dns-alone", outputs=("Check",)))
    rollout = Rollout(
        "shop",
        "prod",
        (Phase("provision", (told,)),),
        {
            "old": OutputOf("dns", "OldCheck"),
            "check": OutputOf("dns", "Check"),
            "of_a_set": OutputOf("spread", "Url", HOME),
        },
        (Move("alone", "the old one goes", (later,)),),
    )

    assert {"old", "check", "of_a_set"} == set(at(rollout, 0).outputs)
    assert {"check", "of_a_set"} == set(at(rollout, 1).outputs)


def test_a_move_in_another_place_is_another_move() -> None:
    """What was seen to hold there says nothing of here."""
    there = replace(SYNC, gates=(Gate("errors", ApprovalCheck("also there?")),))

    assert SYNC.mark == replace(SYNC, says="in other words").mark
    assert SYNC.mark != there.mark
    assert SYNC.mark.startswith("sync:")
