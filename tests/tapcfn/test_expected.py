"""How long a rollout may still take."""

from __future__ import annotations

import pytest

from tapcfn.expected import time_left
from tapcfn.model import OutputOf
from tapcfn.plan import plan
from tests.fakes import World, a_rollout, a_stack

NETWORK = a_stack("network")
APP = a_stack("app", parameters={"Vpc": OutputOf("network", "Id")})
ALONE = a_stack("alone")
LAST = a_stack("last")
USUAL = {"network": 100.0, "app": 50.0, "alone": 120.0, "last": 30.0}


@pytest.mark.parametrize(
    ("ended", "elapsed", "usual", "left"),
    [
        (set(), {}, USUAL, 180.0),  # network and app, then the second phase
        (set(), {"network": 90.0, "alone": 90.0}, USUAL, 90.0),
        ({"network"}, {"alone": 500.0}, USUAL, 80.0),
        ({"network", "app", "alone"}, {}, USUAL, 30.0),
        ({"network", "app", "alone", "last"}, {}, {}, 0.0),
        (set(), {}, USUAL | {"app": None}, None),
        ({"app"}, {}, USUAL | {"app": None}, 150.0),
    ],
)
def test_the_longest_chain_of_each_phase_counts(
    ended: set[str], elapsed: dict[str, float], usual: dict[str, float | None], left: float | None
) -> None:
    """From what each step took before; nothing is said where one is not known."""
    rollout = a_rollout(phases={"one": [NETWORK, APP, ALONE], "two": [LAST]})
    planned = plan(rollout, World().snapshot(rollout))

    seconds = time_left(
        planned.phases,
        ended,
        lambda stack: elapsed.get(stack, 0.0),
        lambda step: usual.get(step.stack.name),
    )

    assert left == seconds


def test_steps_without_an_operation_take_no_time() -> None:
    """What is deployed as wanted needs no duration."""
    world = World()
    world.has(ALONE)
    planned = world.plan(a_rollout(ALONE))

    assert 0.0 == time_left(planned.phases, (), lambda _: 0.0, lambda _: None)
