"""How a rollout will go, and that the local cloud's stack sets go just so. (D-11)"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapcfn.local.stack_sets import model as local
from tapcfn.local.stack_sets import preferences as local_preferences
from tapcfn.local.stack_sets.schedule import Schedule, schedule
from tapcfn.model import Gate, Preferences, ProbeCheck, Share, Target, Wave
from tapcfn.stack_sets.pacing import OperationPart, operation
from tapcfn.stack_sets.simulation import WavePart, simulate, simulation

CALM = settings(deadline=None, max_examples=60)  # machines differ


def grid(accounts: int, regions: str) -> frozenset[Target]:
    return frozenset(Target(f"{each:02}", region) for each in range(accounts) for region in regions)


# Alone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preferences", "at_once", "batches", "worst"),
    [
        (Preferences(), 1, 24, 1),
        (Preferences(concurrent=Share(6)), 1, 24, 1),  # strict: the tolerance plus one
        (Preferences(concurrent=Share(6), tolerance=Share(2)), 3, 8, 3),
        (Preferences(concurrent=Share(6), tolerance=Share(2), soft=True), 6, 4, 8),
        (Preferences(concurrent=Share(6), tolerance=Share(2), parallel=True), 6, 4, 6),
        (Preferences(concurrent=Share(30, True), tolerance=Share(30, True)), 3, 8, 4),
        (Preferences(concurrent=Share(5, True), soft=True), 1, 24, 1),  # never none
        (Preferences(concurrent=Share(50), tolerance=Share(50)), 12, 2, 24),  # nothing stops it
        (Preferences(concurrent=Share(50), soft=True), 12, 2, 12),
    ],
)
def test_two_regions_of_twelve_accounts(
    preferences: Preferences, at_once: int, batches: int, worst: int
) -> None:
    found = simulate(grid(12, "ab"), preferences)

    assert (24, at_once, batches, worst) == (
        found.pairs,
        found.at_once,
        found.batches,
        found.worst,
    )


def test_a_canary_bounds_the_worst_case_and_takes_its_time() -> None:
    """Its bake, and the longest for which a gate must hold, are waited for."""
    gates = tuple(Gate(f"g{hold}", ProbeCheck("http://x"), hold=hold) for hold in (30.0, 90.0))
    canary = Wave("canary", grid(1, "ab"), gates, bake=300.0)
    preferences = Preferences(concurrent=Share(3, True), tolerance=Share(75, True), soft=True)

    found = simulate(grid(4, "ab"), preferences, (10.0, 20.0, 60.0), [canary])
    first, rest = found.waves

    assert (1, 3) == (found.worst, rest.worst)
    assert (410.0, 430.0) == (found.minimum(first), found.likely(first))
    assert (found.minimum(first) or 0) + 10.0 * rest.batches == found.minimum()
    assert (found.likely(first) or 0) + 20.0 * rest.batches == found.likely()
    assert ["canary", "rest"] == [each.name for each in found.waves]


def test_a_pair_that_two_calls_touch_is_one_pair() -> None:
    """Updated and then overridden: two turns, and one instance that may break."""
    blind = Preferences(tolerance=Share(9), concurrent=Share(9))
    twice = WavePart("all", tuple(operation(grid(2, "ab"), blind) for _ in range(2)))
    half = WavePart("rest", (operation(grid(3, "a"), blind),))

    found = simulation((twice, half), blind)

    assert (4, 4, 4) == (twice.pairs, twice.worst, twice.batches)
    assert (5, 5) == (found.pairs, found.worst)


def test_what_a_call_touches_anew_is_its_worst_case() -> None:
    """The first stops at nothing; the second after one failure, which may be a new pair."""
    blind, careful = Preferences(tolerance=Share(9)), Preferences()
    first = operation(grid(2, "a"), blind)

    overlapping = WavePart("all", (first, operation(grid(3, "a"), careful)))
    same = WavePart("all", (first, operation(grid(2, "a"), careful)))

    assert (3, 2) == (overlapping.worst, same.worst)


def test_calls_of_a_wave_follow_one_another() -> None:
    """Uneven pairs need two calls; each goes through its Regions anew."""
    pairs = grid(6, "ad") | grid(2, "bc")

    (wave,) = simulate(pairs, Preferences(concurrent=Share(2), tolerance=Share(1))).waves

    assert [["a", "b", "c", "d"], ["a", "d"]] == [
        [part.region for part in each.regions] for each in wave.operations
    ]
    assert 4 * 1 + 2 * 2 == wave.batches


def test_a_call_that_cannot_be_stopped_is_followed_by_the_next() -> None:
    """Two accounts with a tolerance of two: all fail, and the six of the next call come to it."""
    pairs = grid(2, "a") | frozenset(Target(f"1{each}", "b") for each in range(6))

    found = simulate(pairs, Preferences(concurrent=Share(3), tolerance=Share(2)))

    assert 2 + 3 == found.worst
    assert ["nothing stops it in a: as many accounts may fail as there are (tolerance 2)"] == list(
        found.warnings
    )


def test_nothing_is_known_of_durations_or_pairs() -> None:
    assert None is simulate(grid(2, "a"), Preferences()).minimum()
    assert None is simulate(grid(2, "a"), Preferences()).likely()
    empty = simulate((), Preferences(), (5.0,))
    assert (0, 0, 0, 0.0) == (empty.pairs, empty.at_once, empty.worst, empty.minimum())


@pytest.mark.parametrize(
    ("preferences", "accounts", "warnings"),
    [
        (Preferences(), 10, []),
        (
            Preferences(),
            11,
            ["one account at a time, in 11 accounts of a Region: the concurrency is 1"],
        ),
        (
            Preferences(concurrent=Share(50, True)),
            12,
            [
                "one account at a time, in 12 accounts of a Region: "
                "tolerance 0 allows no more (strict)"
            ],
        ),
        (
            Preferences(parallel=True),
            2,
            ["Regions in parallel: the worst case is that of one Region, 2 times"],
        ),
        (
            Preferences(soft=True, concurrent=Share(4)),
            8,
            ["soft tolerance: up to 3 more that are running when a Region stops"],
        ),
        (
            Preferences(tolerance=Share(100, True), concurrent=Share(2)),
            4,
            ["nothing stops it in a, b: as many accounts may fail as there are (tolerance 100 %)"],
        ),
    ],
)
def test_what_to_think_about(preferences: Preferences, accounts: int, warnings: list[str]) -> None:
    assert warnings == list(simulate(grid(accounts, "ab"), preferences).warnings)


# Beside the local cloud ---------------------------------------------------------------------------

shares = st.builds(Share, st.integers(0, 7)) | st.builds(Share, st.integers(0, 100), st.just(True))
operations = st.builds(
    Preferences,
    region_order=st.permutations("abcd").map(lambda order: tuple(order[:2])),
    parallel=st.booleans(),
    tolerance=shares,
    concurrent=shares,
    soft=st.booleans(),
)
some_pairs = st.sets(st.sampled_from(sorted(grid(6, "abc"))), min_size=1)


@dataclass
class Run:
    """What a run of the local cloud's schedule has come to."""

    started: list[local.Target]
    failed: list[local.Target]
    most: int
    harmed: dict[str, int]
    after: Schedule


def local_schedule(pairs: set[Target], preferences: Preferences) -> Schedule:
    """Return the local cloud's own schedule of the same operation."""
    told = local_preferences.Preferences(
        preferences.region_order,
        preferences.parallel,
        local_preferences.Share(preferences.tolerance.number, preferences.tolerance.percent),
        local_preferences.Share(preferences.concurrent.number, preferences.concurrent.percent),
        not preferences.soft,
    )
    targets = sorted(pairs, key=lambda each: (each.region, each.account))
    return schedule([local.Target(each.account, each.region) for each in targets], told)


def carry_out(plan: Schedule, fails: frozenset[str], picks: list[int]) -> Run:
    """Let the schedule run; `picks` decide which of those that run ends next."""
    run, running = Run([], [], 0, {}, plan), list[local.Target]()
    while True:
        for target in run.after.startable():
            run.after = run.after.started(target)
            run.started.append(target)
            running.append(target)
        run.most = max(run.most, len(running))
        if not running:
            return run
        target = running.pop(picks[len(run.started) % len(picks)] % len(running))
        well = str(target) not in fails
        run.after = run.after.ended(target, well)
        if not well:
            run.failed.append(target)
        for queue in run.after.exceeded:
            run.harmed.setdefault(queue.region, queue.failed + queue.running)


def simulated(pairs: set[Target], preferences: Preferences) -> OperationPart:
    return operation(pairs, preferences)


@CALM
@given(operations, some_pairs, st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_the_worst_case_is_what_the_local_cloud_touches_if_all_fails(
    preferences: Preferences, pairs: set[Target], picks: list[int]
) -> None:
    """Exactly, where instances end one by one."""
    run = carry_out(
        local_schedule(pairs, preferences), frozenset(str(each) for each in pairs), picks
    )

    assert simulated(pairs, preferences).worst == len(run.started)


@CALM
@given(operations, some_pairs, st.lists(st.integers(0, 9), min_size=1, max_size=5), st.data())
def test_no_run_of_the_local_cloud_is_worse(
    preferences: Preferences, pairs: set[Target], picks: list[int], data: st.DataObject
) -> None:
    """Whatever fails: never more at once, and in no Region more than its worst case is harmed."""
    fails = frozenset(map(str, data.draw(st.sets(st.sampled_from(sorted(pairs))))))
    part = simulated(pairs, preferences)

    run = carry_out(local_schedule(pairs, preferences), fails, picks)

    worst = {each.region: each.worst for each in part.regions}
    assert run.most <= part.at_once
    assert all(count <= worst[region] for region, count in run.harmed.items())
    for region, most in worst.items():
        assert sum(each.region == region for each in run.failed) <= most
    assert [each.region for each in part.regions] == [each.region for each in run.after.queues]


@CALM
@given(operations, some_pairs)
def test_batches_are_what_the_local_cloud_needs_if_nothing_fails(
    preferences: Preferences, pairs: set[Target]
) -> None:
    """All that may start starts, all that runs ends: a batch."""
    plan, batches = local_schedule(pairs, preferences), 0
    while ready := plan.startable():
        for target in ready:
            plan = plan.started(target)
        for target in ready:
            plan = plan.ended(target, succeeded=True)
        batches += 1

    assert simulated(pairs, preferences).batches == batches
