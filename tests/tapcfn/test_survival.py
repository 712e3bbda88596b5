"""Any call may be lost, refused or the last one of its process; the next run mends what it left.

Drawn faults hit drawn calls of runs on the fake cloud, and notes in the ledger. Whatever was drawn:
each operation starts once, the next run without faults ends with 0, and nothing is left behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tapcfn.errors import CloudError, StaleError, TapcfnError
from tapcfn.model import Ending, OutputOf, Rollout, Stack, StackStatus
from tapcfn.operations import Approval
from tapcfn.plan import plan
from tests.fakes import FakeLedger, World, a_rollout, a_stack, a_template
from tests.fakes.cloud import Blow
from tests.fakes.ledger import FullLedger
from tests.fakes.world import causes, endings

NAMES = ("network", "app", "alone")
LONGEST = 60

LOST = CloudError("no answer", code="ConnectionClosedError", passing=True)
THROTTLED = CloudError("too fast", code="Throttling", passing=True)
DENIED = CloudError("no", code="AccessDenied", lasting=True)


class Killed(BaseException):
    """The process is gone: nothing of ours runs after this, no cleaning up either."""


class Fate:
    """Counts calls and notes, and lets one of them be hit."""

    def __init__(self) -> None:
        self._left, self._error, self._after = -1, THROTTLED, False
        self._dead = False
        self.happened = False

    def draw(self, left: int, error: BaseException, *, after: bool) -> None:
        """Let the call after `left` others be hit."""
        self._left, self._error, self._after, self._dead = left, error, after, False
        self.happened = False

    def spare(self) -> None:
        """Let nothing happen: a new process."""
        self.draw(-1, THROTTLED, after=False)

    def strike(self) -> Blow | None:
        """Return what hits the call that is made now."""
        if self._dead:
            raise Killed
        self._left -= 1
        if self._left != -1 or self.happened:
            return None
        self.happened = True
        self._dead = isinstance(self._error, Killed)
        return Blow(self._error, self._after)


class MortalLedger(FakeLedger):
    """A process can end before and after each note."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def intend(self, operation: str, stack: Stack, token: str) -> None:
        self._noted(lambda: FakeLedger.intend(self, operation, stack, token))

    def ended(self, token: str) -> None:
        self._noted(lambda: FakeLedger.ended(self, token))

    def _noted(self, note: Callable[[], None]) -> None:
        blow = self._fate.strike()
        if blow is not None and isinstance(blow.error, Killed) and not blow.after:
            raise blow.error
        note()
        if blow is not None and isinstance(blow.error, Killed):
            raise blow.error


def rollout_of(version: int) -> Rollout:
    """Return three stacks, of which one needs another, at a version."""
    app = {"parameters": {"Vpc": OutputOf("network", "Id")}}
    return a_rollout(
        *(
            a_stack(
                name,
                template=a_template(
                    name, version=str(version), parameters=("Vpc",) if name == "app" else ()
                ),
                **(app if name == "app" else {}),
            )
            for name in NAMES
        )
    )


class Survival(RuleBasedStateMachine):
    """Processes that deploy one version after the other, most of them ill-fated."""

    @initialize()
    def begin(self) -> None:
        self.fate = Fate()
        self.world = World(MortalLedger(self.fate))
        self.world.cloud.disturbed = self.fate.strike
        self.version, self.wanted = 1, 1

    @rule(version=st.integers(1, 3))
    def want(self, version: int) -> None:
        """Somebody changes the templates, perhaps back to what was there before."""
        self.wanted += version != self.version
        self.version = version

    @rule(
        left=st.integers(0, LONGEST),
        error=st.sampled_from([LOST, THROTTLED, DENIED, Killed()]),
        after=st.booleans(),
    )
    def run_into(self, left: int, error: BaseException, after: bool) -> None:
        """A run is hit once: a kill, a lost answer, a throttle or a refusal."""
        self.fate.draw(left, error, after=after)
        self.run()

    @rule(name=st.sampled_from(NAMES), reads=st.integers(1, 3))
    def run_on_stale_reads(self, name: str, reads: int) -> None:
        """The first reads after an operation show what was before it. (X-20)"""
        self.world.cloud.lags(name, reads)
        self.fate.spare()
        self.run()

    @rule()
    def run_to_the_end(self) -> None:
        """Without a fault everything is mended."""
        self.fate.spare()
        assert 0 == self.run()
        self.check()
        self.wanted = 0

    def run(self) -> int:
        try:
            return self.world.apply(rollout_of(self.version)).exit_code
        except Killed:
            return 137
        except TapcfnError as error:
            return error.exit_code

    def check(self) -> None:
        cloud = self.world.cloud
        assert [] == cloud.standing
        for name in NAMES:
            assert StackStatus.REVIEW_IN_PROGRESS is not cloud.status(name)
            assert f"{name} {self.version}" in cloud.template_of(name)
        for name, status, started in begun(self.world):
            limit = 1 if status == "CREATE_IN_PROGRESS" else self.total
            assert started <= limit, f"{name}: {status} {started} times"

    @property
    def total(self) -> int:
        """How often something else was wanted, since the first time."""
        self.seen = getattr(self, "seen", 0) + self.wanted
        self.wanted = 0
        return self.seen

    def teardown(self) -> None:
        if hasattr(self, "fate"):
            self.run_to_the_end()


def begun(world: World) -> list[tuple[str, str, int]]:
    """Return how often each stack began each kind of operation, over all its lives."""
    counted: Counter[tuple[str, str]] = Counter()
    for life in world.cloud.lives:
        for event in life.events:
            if event.physical_id == life.deployed.stack_id and event.status in {
                "CREATE_IN_PROGRESS",
                "UPDATE_IN_PROGRESS",
            }:
                counted[life.deployed.name, event.status] += 1
    return [(name, status, number) for (name, status), number in counted.items()]


def _survives(examples: int, steps: int, *, derandomize: bool) -> None:
    run_state_machine_as_test(
        Survival,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=derandomize,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_happens_to_one_call_the_next_run_mends_it() -> None:
    """A slice of the sweep, the same one each time. (X-1 to X-6, X-9, X-10, X-13, X-20)"""
    _survives(40, 6, derandomize=True)


@pytest.mark.drill
def test_whatever_happens_to_many_calls_the_next_run_mends_it() -> None:
    """The sweep: other draws each time."""
    _survives(1500, 12, derandomize=False)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_process_that_ends_at_any_call_or_note_is_taken_up(after: bool) -> None:
    """Every point of one first deployment, one after the other."""
    number = 0
    while True:
        fate = Fate()
        world = World(MortalLedger(fate))
        world.cloud.disturbed = fate.strike
        fate.draw(number, Killed(), after=after)
        try:
            world.apply(rollout_of(1))
        except Killed:
            fate.spare()
            assert 0 == world.apply(rollout_of(1)).exit_code, f"killed at {number}"
            assert [] == world.cloud.standing
            assert {1} == {started for _, _, started in begun(world)}, f"killed at {number}"
        else:
            break
        number += 1
    assert number >= 40


def test_a_then_b_then_a_deploys_each_time() -> None:
    """What ran once before is not taken for done. (deployments have a base)"""
    world = World()

    for version in (1, 2, 1, 2):
        assert 0 == world.apply(rollout_of(version)).exit_code
        assert all(f"{name} {version}" in world.cloud.template_of(name) for name in NAMES)

    assert {("CREATE_IN_PROGRESS", 1), ("UPDATE_IN_PROGRESS", 3)} == {
        (status, number) for _, status, number in begun(world)
    }


@pytest.mark.parametrize("notes", range(12))
def test_a_full_disk_starts_nothing_new_and_lets_what_runs_end(notes: int) -> None:
    """Nothing is left half watched, and the next run needs no help. (X-8)"""
    ledger = FullLedger(notes)
    world = World(ledger)

    code, done = _apply(world)

    started = {each.subject for each in world.cloud.calls if each.name == "execute"}
    assert code == 1 or done.keys() == set(NAMES)
    assert ledger.fault
    assert started == {name for name, ending in done.items() if ending is Ending.DONE}
    assert all(world.cloud.status(name) is StackStatus.CREATE_COMPLETE for name in started)
    assert started_after_the_fault(world) == []
    world.ledger = world.cloud.ledger = _emptied(ledger)
    assert 0 == world.apply(rollout_of(1)).exit_code
    assert {1} == {number for _, _, number in begun(world)}


def _apply(world: World) -> tuple[int, dict[str, Ending]]:
    """Return the exit code, and how each stack ended."""
    try:
        outcome = world.apply(rollout_of(1))
    except TapcfnError as error:
        return error.exit_code, {}
    return outcome.exit_code, endings(outcome)


def started_after_the_fault(world: World) -> list[str]:
    """Return the executions whose token the ledger does not have."""
    known = {token for _, _, token in world.ledger.intended}
    sent = [each for each in world.cloud.calls if each.name == "execute"]
    return [each.subject for each in sent if each.token not in known]


def _emptied(ledger: FakeLedger) -> FakeLedger:
    """Return what the next process reads from the disk, now that there is room."""
    again = FakeLedger()
    again.intended, again.over = list(ledger.intended), set(ledger.over)
    return again


@pytest.mark.parametrize("answer", ["at work", "OBSOLETE"])
def test_a_stack_that_somebody_else_is_faster_at_is_waited_for_and_refused(answer: str) -> None:
    """What was reviewed is stale; nothing of ours is started on it. (X-17)

    The service says that the stack is at work, or that the change set is obsolete.
    """
    world = World()
    assert 0 == world.apply(rollout_of(1)).exit_code
    if answer == "OBSOLETE":
        world.cloud.fault("execute", "alone", error=StaleError("alone: OBSOLETE"))
    rollout = rollout_of(2)
    snapshot = world.snapshot(rollout)
    planned = plan(rollout, snapshot)
    staged = {each.step.stack.name: each for each in world.ask(planned, snapshot)}
    deployed = snapshot.stacks["alone"]
    life = world.cloud.life(deployed.stack_id)
    life.deployed = replace(deployed, status=StackStatus.UPDATE_IN_PROGRESS, updated="theirs")
    done = {**deployed.operations, "UPDATE_STACK": "op-theirs"}
    theirs = replace(life.deployed, status=StackStatus.UPDATE_COMPLETE, operations=done)
    world.clock.at(world.clock.now() + 30, lambda: setattr(life, "deployed", theirs))

    outcome = world.execution().run(planned, snapshot, Approval(staged))

    assert Ending.BLOCKED is endings(outcome)["alone"]
    assert 6 == outcome.exit_code
    assert world.clock.now() > 30
    assert (
        "somebody else has changed it (UPDATE_STACK op-theirs), it is UPDATE_COMPLETE since"
        in causes(outcome)["alone"]
    )
