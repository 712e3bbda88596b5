"""A part of a rollout: which stacks are meant, what is left out, and what may not be alone."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tapcfn.errors import BlockedError, UsageError
from tapcfn.model import OutputOf, StackStatus
from tapcfn.plan import Plan, plan, plan_destroy
from tapcfn.selection import Selection, check_needs, narrowed
from tests.fakes import World, a_deployed, a_rollout, a_stack

NETWORK = a_stack("prod-network")
APP = a_stack("prod-app", parameters={"Vpc": OutputOf("prod-network", "Id")})
DNS = a_stack("prod-dns", parameters={"App": OutputOf("prod-app", "Id")})
LAST = a_stack("prod-last", parameters={"App": OutputOf("prod-app", "Id")})
ROLLOUT = a_rollout(phases={"one": [NETWORK, APP], "two": [DNS], "three": [LAST]})
ALL = {"prod-network", "prod-app", "prod-dns", "prod-last"}


def chosen(*only: str, phase: str = "", until: str = "", backwards: bool = False) -> set[str]:
    return set(Selection(only, phase, until).of(ROLLOUT, backwards=backwards))


def names(planned: Plan) -> list[str]:
    return [step.stack.name for step in planned.steps]


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ({}, ALL),
        ({"phase": "two"}, {"prod-dns"}),
        ({"until": "two"}, {"prod-network", "prod-app", "prod-dns"}),
        ({"until": "two", "backwards": True}, {"prod-dns", "prod-last"}),
    ],
)
def test_phases_are_meant_alone_or_up_to_one(how: dict[str, str], found: set[str]) -> None:
    """A destroy counts from the last phase."""
    assert found == chosen(**how)  # type: ignore[arg-type]


def test_stacks_are_named_whole_or_by_a_pattern() -> None:
    """Several add up; a phase takes the others away."""
    assert {"prod-network", "prod-dns"} == chosen("prod-network", "*-d?s")
    assert {"prod-app"} == chosen("*a*p*", phase="one")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (
            {"phase": "tow"},
            '--phase: phase "tow" does not exist; did you mean two? (there are: one, two, three)',
        ),
        ({"until": "four"}, '--until: phase "four" does not exist (there are: one, two, three)'),
        ({"phase": "one", "until": "two"}, "--phase and --until exclude each other"),
    ],
)
def test_a_phase_that_does_not_exist_is_a_wrong_question(how: dict[str, str], said: str) -> None:
    """Exit 2, naming those that do."""
    with pytest.raises(UsageError) as error:
        chosen(**how)  # type: ignore[arg-type]

    assert said == str(error.value)


def test_a_stack_that_does_not_exist_is_a_wrong_question() -> None:
    """One wrong name among right ones, too; within a phase, those of the phase are named."""
    with pytest.raises(UsageError) as error:
        chosen("prod-dns", "prod-netwrk")
    with pytest.raises(UsageError, match=r"\(there are: prod-dns\)"):
        chosen("prod-app", phase="two")

    assert str(error.value) == (
        '--only: no stack is called "prod-netwrk"; did you mean prod-network? '
        "(there are: prod-app, prod-dns, prod-last, prod-network)"
    )


def test_a_narrowed_plan_keeps_order_and_says_what_it_leaves_out() -> None:
    """Phases without a step are gone, and nobody waits for a step that is left out."""
    planned = plan(ROLLOUT, World().snapshot(ROLLOUT))

    part = narrowed(planned, frozenset({"prod-app", "prod-last"}))

    assert ["prod-app", "prod-last"] == names(part)
    assert ["one", "three"] == [phase.name for phase in part.phases]
    assert [frozenset()] * 2 == [step.needs for step in part.steps]
    assert ["prod-network", "prod-dns"] == [step.stack.name for step in part.left_out]


def test_all_is_a_part_that_leaves_nothing_out() -> None:
    """Narrowing to everything changes nothing."""
    planned = plan(ROLLOUT, World().snapshot(ROLLOUT))

    assert planned == narrowed(planned, frozenset(ALL))


def refusals(world: World, only: Iterable[str], *, destroying: bool = False) -> list[str]:
    """Return why these stacks can't be deployed, or destroyed, alone."""
    snapshot = world.snapshot(ROLLOUT)
    planned = plan_destroy(ROLLOUT, snapshot) if destroying else plan(ROLLOUT, snapshot)
    try:
        check_needs(planned, frozenset(only), snapshot)
    except BlockedError as error:
        return str(error).splitlines()
    return []


def test_what_a_stack_needs_must_be_deployed_or_chosen() -> None:
    """In its own phase and in an earlier one; with the status that it is in."""
    world = World()
    network = a_deployed(NETWORK, StackStatus.CREATE_COMPLETE)
    missing = refusals(world, ["prod-app", "prod-dns"])
    world.cloud.has(NETWORK, network)
    alone = refusals(world, ["prod-app"])
    dns = refusals(world, ["prod-dns"])

    assert missing == [
        "prod-app: needs prod-network, which is not deployed and left out; choose it, too"
    ]
    assert [] == alone
    assert ["prod-dns: needs prod-app, which is not deployed and left out; choose it, too"] == dns


def test_what_needs_a_stack_must_go_with_it() -> None:
    """A stack is not deleted under those that rest on it, in a later phase either."""
    world = World()
    world.has(NETWORK, APP, LAST)

    assert refusals(world, ["prod-app"], destroying=True) == [
        "prod-app: prod-last needs it and is left out; choose it, too"
    ]
    assert [] == refusals(world, ["prod-last"], destroying=True)
    assert [] == refusals(world, ["prod-app", "prod-last"], destroying=True)


def test_a_stuck_stack_that_is_left_out_stops_nobody() -> None:
    """Only those that are chosen must be fit."""
    world = World()
    world.cloud.has(LAST, a_deployed(LAST, StackStatus.UPDATE_ROLLBACK_FAILED))
    snapshot = world.snapshot(ROLLOUT)

    plan(ROLLOUT, snapshot, frozenset({"prod-network"}))
    with pytest.raises(BlockedError, match="prod-last: is UPDATE_ROLLBACK_FAILED"):
        plan(ROLLOUT, snapshot)


def test_a_part_is_carried_out_alone() -> None:
    """The others are not touched, and are not part of the outcome."""
    world = World()
    snapshot = world.snapshot(ROLLOUT)
    part = narrowed(plan(ROLLOUT, snapshot), frozenset({"prod-network", "prod-app"}))

    outcome = world.carry_out(ROLLOUT, planned=part)

    assert {"prod-network", "prod-app"} == {each.stack for each in outcome.endings}
    assert world.cloud.status("prod-dns") is None
