"""What a drift detection that has not ended, or has failed, makes of the command's exit code."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tapcfn.cli.drifting import code_of, detect
from tapcfn.drift import StackDrift
from tapcfn.errors import CloudError, StillRunningError, TapcfnError
from tests.fakes import World, a_rollout, a_stack

LATE = StillRunningError("drift detection of two: has not settled after 60 s")


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ((None, None), 0),
        ((None, LATE), 7),
        ((CloudError("denied"), None), 1),
        ((CloudError("denied"), LATE), 1),
    ],
)
def test_a_deadline_is_no_failure(errors: tuple[TapcfnError | None, ...], code: int) -> None:
    """It goes on at the service: exit 7, unless something else has failed. (R-31)"""
    world, stacks = World(), [a_stack("one"), a_stack("two")]
    world.has(*stacks)
    rollout = a_rollout(*stacks)
    for stack, error in zip(stacks, errors, strict=True):
        if error is not None:
            world.cloud.fault("drift", stack.name, error=error)
    desk: Any = SimpleNamespace(cloud=world.cloud, pool=world.pool, rollout=rollout)

    found = detect(desk, world.snapshot(rollout))

    assert code == code_of(found.values())
    assert [str(error) if error else StackDrift for error in errors] == [
        each if isinstance(each, str) else type(each) for each in found.values()
    ]
