"""How many calls are made, and what a throttle does to that."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapcfn.aws.budget import Bucket, Budget, Family, Rate, Tally
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.cli.clock import WallClock
from tapcfn.waits import Patience
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.endpoint import ERROR
from tests.tapcfn.aws.test_session import without_pauses
from tests.tapcfn.aws.wire import HERE

HOME = Family("111122223333", "eu-west-1", "cloudformation", "writes")


def taken(budget: Budget, clock: FakeClock, calls: int, family: Family = HOME) -> float:
    """Make so many calls in a row and return the seconds that they were held back."""
    before = clock.now()
    for _ in range(calls):
        budget.take(family)
    return clock.now() - before


def test_a_burst_passes_and_then_two_a_second() -> None:
    """Five calls at once, and half a second for each from there on. (D-19)"""
    clock = FakeClock()
    budget = Budget(clock)

    assert 0.0 == taken(budget, clock, 5)
    assert 5.0 == pytest.approx(taken(budget, clock, 10))


def test_a_rest_gives_a_burst_back_and_no_more() -> None:
    """However long nothing was asked."""
    clock = FakeClock()
    budget = Budget(clock)
    taken(budget, clock, 5)

    clock.sleep(1000.0)

    assert 0.5 == pytest.approx(taken(budget, clock, 6))


@pytest.mark.parametrize(
    "other",
    [
        Family("444455556666", "eu-west-1", "cloudformation", "writes"),
        Family("111122223333", "us-east-1", "cloudformation", "writes"),
        Family("111122223333", "eu-west-1", "cloudformation", "stacks"),
        Family("111122223333", "eu-west-1", "ec2"),
    ],
)
def test_accounts_regions_and_families_have_budgets_of_their_own(other: Family) -> None:
    """The service's limits are per account and Region, and nobody who looks waits for writes."""
    clock = FakeClock()
    budget = Budget(clock)
    taken(budget, clock, 20)

    assert 0.0 == taken(budget, clock, 5, other)


def test_emptying_a_bucket_is_hardly_held_back() -> None:
    """S3 takes thousands of calls a second."""
    clock = FakeClock()

    assert taken(Budget(clock), clock, 200, HOME._replace(service="s3", kind="")) <= 2.0


def test_a_throttle_halves_the_rate_which_slowly_comes_back() -> None:
    """From the next call on; after a minute it is as it was."""
    clock = FakeClock()
    budget = Budget(clock)
    taken(budget, clock, 5)

    budget.throttled(HOME)
    slow = taken(budget, clock, 4)
    clock.sleep(60.0)

    assert 3.0 <= slow <= 4.0
    assert 5.0 == pytest.approx(taken(budget, clock, 15))


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("CreateChangeSet", "writes"),
        ("ExecuteChangeSet", "writes"),
        ("DeleteStack", "writes"),
        ("SetStackPolicy", "writes"),
        ("UpdateTerminationProtection", "writes"),
        ("ListStacks", "sweeps"),
        ("DescribeStacks", "stacks"),
        ("DescribeStackEvents", "histories"),
        ("DescribeEvents", "histories"),
        ("DescribeChangeSet", "details"),
        ("GetTemplate", "details"),
        ("ListStackResources", "details"),
    ],
)
def test_a_call_belongs_to_what_it_is_for(operation: str, kind: str) -> None:
    """Sweeps, looks, histories and writes are counted apart. (D-19)"""
    family = Family("111122223333", "eu-west-1", "cloudformation")

    assert kind == family.of(operation).kind
    assert "" == family._replace(service="s3").of(operation).kind


def test_looks_are_made_faster_than_operations_are_started() -> None:
    """Else a delay, once there, would last to the end of the run."""
    clock = FakeClock()
    budget = Budget(clock)

    looks = [
        taken(budget, clock, 105, HOME._replace(kind=each)) for each in ("stacks", "histories")
    ]

    assert [40.0, 40.0] == pytest.approx(looks)
    assert 50.0 == pytest.approx(taken(budget, clock, 105))


def test_throttles_of_one_moment_halve_once_and_never_to_nothing() -> None:
    """Sixteen threads that are throttled together are one sign, and minutes of them no stop."""
    clock = FakeClock()
    budget = Budget(clock)

    for _ in range(16):
        budget.throttled(HOME)
    together = taken(budget, clock, 4)
    for _ in range(50):
        clock.sleep(1.0)
        budget.throttled(HOME)

    assert 3.0 <= together <= 4.0
    assert 5.0 <= taken(budget, clock, 2) <= 16.0


@given(st.lists(st.floats(0, 5), max_size=60))
def test_no_window_sees_more_than_the_budget(pauses: list[float]) -> None:
    """Whenever calls are wanted: at most the burst, and the steady rate behind it."""
    bucket, now, sent = Bucket(Rate(2.0, 5.0), 0.0), 0.0, []
    for pause in pauses:
        now += pause
        sent.append(now + bucket.take(now))

    for first in range(len(sent)):
        for last in range(first, len(sent)):
            assert last - first + 1 <= 5 + 2 * (sent[last] - sent[first]) + 1e-6


def test_threads_share_a_budget() -> None:
    """No token is given out twice."""
    clock = WallClock()
    budget = Budget(clock, {"cloudformation": Rate(100.0, 5.0)})
    began = clock.now()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: budget.take(HOME), range(25)))

    assert clock.now() - began >= 0.19


def test_the_longest_wait_of_one_call_is_told() -> None:
    """From its wish to be sent, or from its last throttle; not from another call's throttle."""
    clock = FakeClock()
    tally = Tally(clock)

    tally.begins()
    tally.throttled()
    clock.sleep(3.0)
    tally.sent(clock.now())
    tally.throttled()
    clock.sleep(100.0)
    tally.begins()
    tally.sent(clock.now())

    assert (2, 2, 3.0) == (tally.calls, tally.throttles, tally.longest_wait)


def test_every_call_draws_from_the_budget_retries_too(endpoint) -> None:
    """The seventh attempt of a burst of five waits for two tokens; throttles slow the rest."""
    clock = FakeClock()
    endpoint.script += [(400, ERROR.format(code="Throttling"))]
    connect, budget = on_local_cloud(endpoint.url), Budget(clock)
    clients = Clients(
        lambda service, target: without_pauses(connect(service, target)),
        budget=budget,
        counts=lambda url: True,
        patience=Patience(clock),
    )
    for _ in range(3):
        clients("sts", HERE).get_caller_identity()

    assert (4, 1) == (clients.calls, clients.throttles)
    assert clients.longest_wait == max(clock.slept) > 0.9


def test_calls_to_this_machine_cost_nobody_anything(endpoint) -> None:
    """The local cloud is not held back."""
    clock = FakeClock()
    clients = Clients(on_local_cloud(endpoint.url), budget=Budget(clock), patience=Patience(clock))

    for _ in range(20):
        clients("sts", HERE).get_caller_identity()

    assert [] == clock.slept
