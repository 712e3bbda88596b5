"""What a run asks of the cloud, call by call, for five stacks and for a hundred. (R-1, D-19)"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.fakes import World, a_rollout, a_stack

FEW, MANY = 5, 100

# Once for each stack: what is written to it, and one look when it has ended. Its template is read
# for the plan and once more by the plan that follows the wait for what moves.
ONCE_EACH = {"prepare": 1, "stage": 1, "execute": 1, "stack": 1}

# One sweep of a target serves all stacks in it: more of them are more pages, never more calls.
SWEEPS = {"caller", "stacks", "moving"}


def calls(count: int, **there: Any) -> Counter[str]:
    """Deploy or update so many stacks that take 100 seconds each; count what was asked."""
    world = World()
    stacks = [a_stack(f"s{number}") for number in range(count)]
    if there:
        world.has(*stacks, **there)
    for stack in stacks:
        world.cloud.takes(stack.name, 100.0)
    assert 0 == world.apply(a_rollout(*stacks)).exit_code
    return Counter(call.name for call in world.cloud.calls)


@pytest.mark.parametrize(
    ("there", "more"), [({}, {}), ({"tags": {"old": "yes"}}, {"template": 2})], ids=["new", "old"]
)
def test_a_hundred_stacks_cost_no_more_sweeps_than_five(
    there: dict[str, Any], more: dict[str, int]
) -> None:
    """Every kind of call that is made is named here, so that a new one is weighed first.

    A history is read along for one stack at a time, and once for each that has ended.
    """
    few, many = calls(FEW, **there), calls(MANY, **there)
    each = ONCE_EACH | more

    assert each.keys() | SWEEPS | {"events"} == few.keys() == many.keys()
    assert {name: number * MANY for name, number in each.items()} == {
        name: many[name] for name in each
    }
    assert {name: number * FEW for name, number in each.items()} == {
        name: few[name] for name in each
    }
    assert all(many[name] <= few[name] for name in SWEEPS)
    assert many["events"] - few["events"] <= MANY - FEW
