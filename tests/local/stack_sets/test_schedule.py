"""Which targets may start: one table of stories, and what holds for every operation."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapcfn.local.stack_sets.model import Target
from tapcfn.local.stack_sets.preferences import Preferences, Share
from tapcfn.local.stack_sets.schedule import Schedule, schedule
from tapcfn.local.stack_sets.targets import rectangle

FAILS = frozenset({Target("2", "a"), Target("3", "a")})


def run(plan: Schedule, fails: frozenset[Target], pick: int = 0) -> tuple[list[Target], Schedule]:
    """Carry a schedule out; `pick` decides which of those that run ends next."""
    started: list[Target] = []
    running: list[Target] = []
    while True:
        for target in plan.startable():
            plan = plan.started(target)
            started.append(target)
            running.append(target)
        if not running:
            return started, plan
        target = running.pop(pick % len(running))
        plan = plan.ended(target, target not in fails)


@pytest.mark.parametrize(
    ("preferences", "started", "exceeded"),
    [
        (Preferences(), ["1/a", "2/a"], ["a"]),
        (Preferences(region_order=("b",)), ["1/b", "2/b", "3/b", "4/b", "1/a", "2/a"], ["a"]),
        (Preferences(tolerance=Share(1)), ["1/a", "2/a", "3/a"], ["a"]),
        (
            Preferences(tolerance=Share(2)),
            ["1/a", "2/a", "3/a", "4/a", "1/b", "2/b", "3/b", "4/b"],
            [],
        ),
        (
            Preferences(is_parallel=True),
            ["1/a", "1/b", "2/a", "2/b", "3/b", "4/b"],
            ["a"],
        ),
        (
            Preferences(maximum=Share(3), is_strict=False),
            ["1/a", "2/a", "3/a", "4/a"],
            ["a"],
        ),
    ],
)
def test_what_is_started(preferences, started, exceeded):
    """Accounts 2 and 3 fail in Region a: what is begun before the operation stops, in order."""
    plan = schedule(rectangle(["1", "2", "3", "4"], ["a", "b"]), preferences)
    seen, after = run(plan, FAILS)

    assert started == [str(target) for target in seen]
    assert exceeded == [queue.region for queue in after.exceeded]


def test_a_region_waits_for_the_one_before():
    """One after the other: the next Region begins when all of the last one has ended."""
    plan = schedule(
        rectangle(["1", "2"], ["a", "b"]), Preferences(maximum=Share(2), tolerance=Share(1))
    )
    first = plan.startable()
    for target in first:
        plan = plan.started(target)
    between = plan.ended(first[0], True).startable()
    after = plan.ended(first[0], True).ended(first[1], True).startable()

    assert ["1/a", "2/a"] == [str(target) for target in first]
    assert () == between
    assert ["1/b", "2/b"] == [str(target) for target in after]


def test_strict_shrinks():
    """With a tolerance of 2 three may run; after a failure only two."""
    plan = schedule(rectangle("123456", ["a"]), Preferences(tolerance=Share(2), maximum=Share(6)))
    first = plan.startable()
    for target in first:
        plan = plan.started(target)
    failed = plan.ended(first[0], False)

    assert 3 == len(first)
    assert () == failed.startable()
    assert 1 == len(failed.ended(first[1], True).startable())


CALM = settings(deadline=None, max_examples=60)  # machines differ
shares = st.builds(Share, st.integers(0, 6)) | st.builds(Share, st.integers(0, 100), st.just(True))
operations = st.builds(
    Preferences,
    region_order=st.permutations("abcd").map(lambda order: tuple(order[:2])),
    is_parallel=st.booleans(),
    tolerance=shares,
    maximum=shares,
    is_strict=st.booleans(),
)


@CALM
@given(operations, st.sets(st.sampled_from(rectangle("12345", "abc")), min_size=1), st.data())
def test_every_target_is_started_or_lost(preferences, targets, data):
    """Exactly once each, whatever fails; nothing is lost where no Region exceeded its tolerance."""
    fails = frozenset(data.draw(st.sets(st.sampled_from(sorted(targets)))))
    plan = schedule(sorted(targets), preferences)
    started, after = run(plan, fails, data.draw(st.integers(0, 3)))

    assert Counter(targets) == Counter([*started, *after.lost()])
    assert bool(after.lost()) <= bool(after.exceeded)


@CALM
@given(operations, st.sets(st.sampled_from(rectangle("12345", "abc")), min_size=1), st.data())
def test_failures_keep_to_the_tolerance(preferences, targets, data):
    """No Region has more failures than it may and one; soft adds only what ran beside it."""
    fails = frozenset(data.draw(st.sets(st.sampled_from(sorted(targets)))))
    plan = schedule(sorted(targets), preferences)
    _, after = run(plan, fails, data.draw(st.integers(0, 3)))

    for queue in after.queues:
        limits = queue.limits
        most = 1 if limits.is_strict else limits.maximum
        assert queue.failed <= limits.tolerance + most
        assert queue.is_exceeded == (queue.failed > limits.tolerance)


@CALM
@given(operations, st.integers(1, 9), st.data())
def test_what_runs_keeps_to_the_maximum(preferences, accounts, data):
    """At every moment: never more than asked for; strict, never enough to fail once too often."""
    plan = schedule(rectangle("123456789"[:accounts], ["a"]), preferences)
    limits = preferences.limits(accounts)
    running: list[Target] = []
    while ready := plan.startable():
        running += ready
        for target in ready:
            plan = plan.started(target)
        failed = plan.queues[0].failed

        assert len(running) <= limits.maximum
        assert not limits.is_strict or len(running) + failed <= limits.tolerance + 1

        plan = plan.ended(running.pop(), data.draw(st.booleans()))
