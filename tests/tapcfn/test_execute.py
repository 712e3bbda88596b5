"""Stories of runs: order, failure, interruption, lost answers, and what the next run does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapcfn.errors import (
    BlockedError,
    CloudError,
    StackError,
    StaleError,
    StillRunningError,
    TemplateError,
)
from tapcfn.events import (
    Diagnosed,
    OperationStarted,
    Outcome,
    ResourceMoved,
    StackEnded,
    StackMoved,
    Waiting,
)
from tapcfn.model import (
    Deployed,
    Ending,
    OutputOf,
    Replacement,
    SourceLine,
    Stack,
    StackStatus,
    Target,
)
from tapcfn.operations import Approval, Operation
from tapcfn.plan import plan_destroy
from tapcfn.ports import Leaving
from tapcfn.waits import Pace
from tests.fakes import (
    AWAY,
    HOME,
    FakeClock,
    FakeCloud,
    World,
    a_change,
    a_deployed,
    a_rollout,
    a_stack,
    a_template,
)
from tests.fakes.pool import SlowPool
from tests.fakes.world import causes, endings, until

DONE, UNCHANGED, FAILED = Ending.DONE, Ending.UNCHANGED, Ending.FAILED
SKIPPED, BLOCKED, RUNNING = Ending.SKIPPED, Ending.BLOCKED, Ending.RUNNING

NETWORK = a_stack("network")
APP = a_stack("app", parameters={"Vpc": OutputOf("network", "Id")})
DNS = a_stack("dns", parameters={"App": OutputOf("app", "Id")})
ALONE = a_stack("alone")


@pytest.fixture
def world() -> World:
    """Return an empty cloud."""
    return World()


def writes(world: World, *kinds: str) -> list[tuple[str, str]]:
    """Return the writes of some kinds, in order."""
    return [(each.name, each.subject) for each in world.cloud.writes if each.name in kinds]


# Order --------------------------------------------------------------------------------------------


def test_a_rollout_is_deployed_in_the_order_of_its_needs(world: World) -> None:
    """Each stack is staged and executed after all that it needs."""
    outcome = world.apply(a_rollout(DNS, APP, NETWORK))

    assert {"network": DONE, "app": DONE, "dns": DONE} == endings(outcome)
    assert [("execute", "network"), ("execute", "app"), ("execute", "dns")] == writes(
        world, "execute"
    )
    assert 0 == outcome.exit_code


def test_waves_are_no_barriers(world: World) -> None:
    """A step starts as soon as its own needs have ended, though its wave has not. (D-9)"""
    world.cloud.takes("alone", 300.0)

    world.apply(a_rollout(NETWORK, ALONE, APP, DNS))

    assert ["network", "app", "dns", "alone"] == [each.stack for each in world.heard(StackEnded)]


def test_phases_are_barriers(world: World) -> None:
    """The next phase starts when all of this one is done."""
    world.cloud.takes("alone", 300.0)
    rollout = a_rollout(phases={"one": [NETWORK, ALONE], "two": [a_stack("last")]})

    world.apply(rollout, previews=())

    told = [(type(each).__name__, each.stack) for each in world.told if hasattr(each, "stack")]
    assert told.index(("StackEnded", "alone")) < told.index(("OperationStarted", "last"))


def test_independent_stacks_move_at_once(world: World) -> None:
    """Five stacks of a hundred seconds take little more than a hundred seconds. (R-39)"""
    stacks = [a_stack(f"s{number}") for number in range(5)]
    for stack in stacks:
        world.cloud.takes(stack.name, 100.0)

    world.apply(a_rollout(*stacks))

    assert 100 <= world.clock.now() < 105


def test_outputs_flow_to_dependants(world: World) -> None:
    """The value is the one that was put out in this run, over Regions too. (R-13)"""
    world.has(NETWORK, tags={"old": "yes"})
    app = replace(APP, target=AWAY)
    world.has(app, parameters={"Vpc": "network-Id"})
    world.cloud.puts_out("network", Id="vpc-new")

    outcome = world.apply(a_rollout(NETWORK, app))

    assert {"network": DONE, "app": DONE} == endings(outcome)
    assert {"Vpc": "vpc-new"} == world.cloud.parameters("app")


def test_outputs_are_known_when_the_run_is_over(world: World) -> None:
    """Of the stacks that were deployed, and of those that already were."""
    world.has(ALONE)
    rollout = a_rollout(ALONE, NETWORK)
    snapshot = world.snapshot(rollout)
    execution = world.execution()

    execution.run(world.plan(rollout), snapshot, Approval())

    assert {"alone": {"Id": "alone-Id"}, "network": {"Id": "network-Id"}} == dict(execution.outputs)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Stack], dict[str, float], set[str]]:
    """Draw stacks that need earlier ones, how long each takes, and which ones break."""
    count = draw(st.integers(1, 7))
    needs = [draw(st.sets(st.integers(0, at - 1))) if at else set() for at in range(count)]
    stacks = [
        a_stack(f"s{at}", parameters={f"P{need}": OutputOf(f"s{need}", "Id") for need in each})
        for at, each in enumerate(needs)
    ]
    takes = {stack.name: float(draw(st.integers(1, 200))) for stack in stacks}
    return stacks, takes, draw(st.sets(st.sampled_from([stack.name for stack in stacks])))


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_whatever_breaks_everything_ends_and_only_dependants_are_skipped(
    drawn: tuple[list[Stack], dict[str, float], set[str]],
) -> None:
    """A stack starts once and after its needs; it is skipped if and only if one of them failed."""
    stacks, takes, broken = drawn
    world = World()
    for stack in stacks:
        world.cloud.takes(stack.name, takes[stack.name])
        if stack.name in broken:
            world.cloud.breaks(stack.name, ("Topic", "it broke"))

    found = endings(world.apply(a_rollout(*stacks)))

    expected: dict[str, Ending] = {}
    for stack in stacks:
        if any(expected[need] is not DONE for need in stack.needs):
            expected[stack.name] = SKIPPED
        else:
            expected[stack.name] = FAILED if stack.name in broken else DONE
    assert expected == found
    executed = [name for _, name in writes(world, "execute")]
    assert sorted(executed) == sorted(name for name, how in expected.items() if how is not SKIPPED)
    assert all(
        executed.index(need) < executed.index(stack.name)
        for stack in stacks
        if stack.name in executed
        for need in stack.needs
    )


# Nothing to do ------------------------------------------------------------------------------------


def test_a_second_run_writes_nothing(world: World) -> None:
    """What is deployed as wanted is proved so without a single write. (DS-9)"""
    rollout = a_rollout(NETWORK, APP, DNS)
    world.apply(rollout)
    before = len(world.cloud.writes)

    outcome = world.apply(rollout)

    assert {"network": UNCHANGED, "app": UNCHANGED, "dns": UNCHANGED} == endings(outcome)
    assert before == len(world.cloud.writes)
    assert 0 == outcome.exit_code


def test_an_empty_change_set_is_nothing_to_do(world: World) -> None:
    """Asked, answered "no changes", and never executed. (X-28)"""
    outside = a_stack(template=a_template(Metadata={"a": "{{resolve:ssm:/a}}"}))
    world.has(outside)

    outcome = world.apply(a_rollout(outside))

    assert {"network": UNCHANGED} == endings(outcome)
    assert [("stage", "network")] == writes(world, "stage", "execute", "discard")


def test_a_dependant_whose_inputs_came_out_the_same_is_not_touched(world: World) -> None:
    """Its preview was empty, and stays true."""
    world.has(NETWORK, tags={"old": "yes"})
    world.has(APP, parameters={"Vpc": "network-Id"})

    outcome = world.apply(a_rollout(NETWORK, APP))

    assert {"network": DONE, "app": UNCHANGED} == endings(outcome)
    assert [("execute", "network")] == writes(world, "execute")


def test_outputs_of_what_is_unchanged_are_there_for_dependants(world: World) -> None:
    """A stack that nothing was done to feeds the next one."""
    world.has(NETWORK)

    outcome = world.apply(a_rollout(NETWORK, APP))

    assert {"network": UNCHANGED, "app": DONE} == endings(outcome)
    assert {"Vpc": "network-Id"} == world.cloud.parameters("app")


# Failure ------------------------------------------------------------------------------------------


def test_a_failure_skips_dependants_by_name_and_lets_the_others_finish(world: World) -> None:
    """Dependants of dependants as well; independent branches go on. (R-15)"""
    world.cloud.breaks("network", ("Topic", "limit exceeded"))
    world.cloud.takes("alone", 300.0)

    outcome = world.apply(a_rollout(NETWORK, APP, DNS, ALONE))

    assert {"network": FAILED, "app": SKIPPED, "dns": SKIPPED, "alone": DONE} == endings(outcome)
    assert {
        "network": "Topic (AWS::SNS::Topic) CREATE_FAILED: limit exceeded — layers/network.py:10",
        "app": "network did not succeed",
        "dns": "app did not succeed",
    } == causes(outcome)
    assert 1 == outcome.exit_code


def test_the_cause_is_what_failed_first(world: World) -> None:
    """The cascade of cancelled resources is not the cause. (R-7)"""
    two = a_stack("two", resources={"A": "AWS::SNS::Topic", "B": "AWS::SQS::Queue"})
    world.has(two, template_digest="", tags={"old": "yes"})
    world.cloud.breaks("two", ("B", "name taken"), ("A", "Resource update cancelled"))

    outcome = world.apply(a_rollout(two))

    assert {"two": "B (AWS::SQS::Queue) UPDATE_FAILED: name taken — layers/two.py:11"} == causes(
        outcome
    )
    assert ["UPDATE_ROLLBACK_COMPLETE"] == [each.status for each in outcome.endings]


def test_a_failure_without_a_line_and_without_a_reason_is_still_told(world: World) -> None:
    """A resource that the source map does not know degrades to its logical id. (D-22)"""
    world.cloud.breaks("network", ("Elsewhere", ""))

    outcome = world.apply(a_rollout(NETWORK))

    assert {"network": "Elsewhere () CREATE_FAILED: no reason given"} == causes(outcome)


def test_what_early_validation_found_is_the_cause_where_no_resource_was_tried(
    world: World,
) -> None:
    """The stack says only that validation failed; the findings say what and where. (R-8)"""
    world.cloud.breaks("network", ends=StackStatus.ROLLBACK_COMPLETE)
    world.cloud.found["network"] = (("Topic", "Topic: the name is taken"), ("", "and more"))

    outcome = world.apply(a_rollout(NETWORK))

    assert {"network": "Topic: the name is taken — layers/network.py:10; and more"} == causes(
        outcome
    )


def test_findings_that_may_not_be_read_hide_no_failure(world: World) -> None:
    """A denied detail degrades to what the stack itself says. (X-12)"""
    world.cloud.breaks("network", ends=StackStatus.ROLLBACK_COMPLETE)
    world.cloud.fault("remarks", "network", error=CloudError("denied"))

    outcome = world.apply(a_rollout(NETWORK))

    assert {
        "network": "ROLLBACK_COMPLETE: no reason given; what early validation and hooks found "
        "could not be read: denied"
    } == causes(outcome)


def test_a_stack_whose_change_set_was_not_written_in_time_does_not_run(world: World) -> None:
    """Nothing of it goes on: it was not started, and the run ends with 7."""
    error = StillRunningError("change set of network has not settled")
    world.cloud.fault("stage", "network", error=error)

    outcome = world.carry_out(a_rollout(NETWORK))

    assert ({"network": Ending.SKIPPED}, 7) == (endings(outcome), outcome.exit_code)
    assert {"network": f"not started: {error}"} == causes(outcome)


def test_a_failure_that_no_resource_explains_is_the_stacks_own(world: World) -> None:
    """Then the stack's status and reason are all that there is."""
    world.cloud.breaks("network", ends=StackStatus.ROLLBACK_COMPLETE)

    outcome = world.apply(a_rollout(NETWORK))

    assert {"network": "ROLLBACK_COMPLETE: no reason given"} == causes(outcome)


@pytest.mark.parametrize(
    "ends",
    [
        each
        for each in StackStatus
        if not (each.is_moving or each.is_healthy or each is StackStatus.REVIEW_IN_PROGRESS)
    ],
)
def test_settled_is_not_succeeded(world: World, ends: StackStatus) -> None:
    """Any final status but the three healthy ones is a failure. (X-31)"""
    world.cloud.breaks("network", ("Topic", "why"), ends=ends)

    outcome = world.apply(a_rollout(NETWORK, APP))

    assert {"network": FAILED, "app": SKIPPED} == endings(outcome)
    assert 1 == outcome.exit_code


def test_later_phases_are_skipped_after_a_failure(world: World) -> None:
    """Even those of their stacks that need nothing of what failed."""
    world.cloud.breaks("network", ("Topic", "why"))
    rollout = a_rollout(phases={"one": [NETWORK, ALONE], "two": [a_stack("last")]})

    outcome = world.apply(rollout)

    assert {"network": FAILED, "alone": DONE, "last": SKIPPED} == endings(outcome)
    assert "an earlier phase did not succeed" == causes(outcome)["last"]


def test_a_refused_call_fails_its_stack_alone(world: World) -> None:
    """AccessDenied on one stack's write: dependants are skipped, others go on. (X-13)"""
    world.cloud.fault("execute", "network", error=CloudError("network: access denied"))

    outcome = world.apply(a_rollout(NETWORK, APP, ALONE))

    assert {"network": FAILED, "app": SKIPPED, "alone": DONE} == endings(outcome)
    assert "network: access denied" == causes(outcome)["network"]


@pytest.mark.parametrize(
    ("error", "ending", "code"),
    [
        (CloudError("x"), FAILED, 1),
        (BlockedError("x"), BLOCKED, 4),
        (StaleError("x"), BLOCKED, 6),
        (StillRunningError("x"), RUNNING, 7),
        (TemplateError("x"), FAILED, 1),
    ],
)
def test_an_error_ends_its_stack_as_what_it_is(
    world: World, error: Any, ending: Ending, code: int
) -> None:
    """The ending and the exit code follow the class; no error ever makes a 0."""
    world.cloud.fault("execute", "network", error=error)

    outcome = world.apply(a_rollout(NETWORK))

    assert ({"network": ending}, code) == (endings(outcome), outcome.exit_code)


def test_a_fault_of_the_program_is_raised(world: World) -> None:
    """Only errors of ours become endings."""
    world.cloud.fault("execute", "network", error=ValueError("a bug"))  # type: ignore[arg-type]

    with pytest.raises(ValueError, match="a bug"):
        world.apply(a_rollout(NETWORK))


@pytest.mark.parametrize("call", ["moving", "events", "stack"])
def test_a_fault_of_the_program_while_watching_is_raised(world: World, call: str) -> None:
    """It is not looked over again and again until the deadline."""
    world.cloud.fault(call, error=ValueError("a bug"), times=10_000)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match="a bug"):
        world.apply(a_rollout(NETWORK))


# States at the start ------------------------------------------------------------------------------


def test_a_rolled_back_creation_is_deleted_and_made_again(world: World) -> None:
    """By StackId, after a look that nothing lives in it; then it is a new stack. (X-30)"""
    world.has(NETWORK, status=StackStatus.ROLLBACK_COMPLETE)
    old = world.cloud.stacks(HOME)["network"].stack_id

    outcome = world.apply(a_rollout(NETWORK, APP))

    assert {"network": DONE, "app": DONE} == endings(outcome)
    assert ["delete", "stage", "execute"] == [
        name for name, stack in writes(world, "delete", "stage", "execute") if stack == "network"
    ]
    assert StackStatus.DELETE_COMPLETE is world.cloud.stack(old, HOME).status
    assert StackStatus.CREATE_COMPLETE is world.cloud.status("network")
    assert ["create", "create"] == [each.action for each in world.heard(OperationStarted)]


def test_what_a_rolled_back_creation_left_stops_its_stack(world: World) -> None:
    """Each leftover is named with its physical id, and so is the call; nothing is written."""
    deployed = a_deployed(NETWORK, StackStatus.ROLLBACK_COMPLETE)
    world.cloud.has(NETWORK, deployed)
    world.cloud.leaves("network", Bucket=("AWS::S3::Bucket", "my-data"))

    outcome = world.apply(a_rollout(NETWORK, ALONE))

    assert {"network": BLOCKED, "alone": DONE} == endings(outcome)
    assert (
        "network: its creation was rolled back, but Bucket (my-data) is still there; look at it, "
        f"then: aws cloudformation delete-stack --stack-name {deployed.stack_id}"
        == causes(outcome)["network"]
    )
    assert 4 == outcome.exit_code
    assert not [each for each in world.cloud.writes if each.subject == "network"]


def test_a_rolled_back_creation_that_cannot_be_deleted_is_a_failure(world: World) -> None:
    """Nothing is staged on top of it."""
    world.has(NETWORK, status=StackStatus.ROLLBACK_COMPLETE)
    world.cloud.breaks("network", ends=StackStatus.DELETE_FAILED)

    outcome = world.apply(a_rollout(NETWORK))

    assert {"network": FAILED} == endings(outcome)
    assert "network: could not be deleted, it is DELETE_FAILED" in causes(outcome)["network"]
    assert [] == writes(world, "stage", "execute")


def test_a_rolled_back_creation_that_takes_no_end_to_delete_is_still_running(
    world: World,
) -> None:
    """Exit 7, and the next run goes on."""
    world.has(NETWORK, status=StackStatus.ROLLBACK_COMPLETE)
    world.cloud.takes("network", 5000.0)

    outcome = world.apply(a_rollout(NETWORK))

    assert ({"network": RUNNING}, 7) == (endings(outcome), outcome.exit_code)


def test_an_update_that_was_rolled_back_is_tried_again(world: World) -> None:
    """It stands as before, and takes another change set."""
    world.has(a_stack(version="1"))
    wanted = a_stack(version="2")
    world.cloud.breaks("network", ("Topic", "not this time"))

    first = world.apply(a_rollout(wanted))
    second = world.apply(a_rollout(wanted))

    assert [FAILED, DONE] == [endings(each)["network"] for each in (first, second)]
    assert 2 == len(set(world.ledger.tokens("execute", "network")))


def test_a_creation_that_was_rolled_back_is_tried_again(world: World) -> None:
    """Through deletion, and with a token that is not the old one's."""
    world.cloud.breaks("network", ("Topic", "not this time"))

    first = world.apply(a_rollout(NETWORK))
    second = world.apply(a_rollout(NETWORK))

    assert [FAILED, DONE] == [endings(each)["network"] for each in (first, second)]


# Protection ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False])
def test_protection_is_set_once_the_stack_stands(world: World, there: bool) -> None:
    """Change sets do not take it, so it is a call of its own."""
    stack = a_stack(protect=True)
    if there:
        world.has(stack, protected=False, tags={"old": "yes"})

    world.apply(a_rollout(stack))

    assert ["execute", "protect"] == [name for name, _ in writes(world, "execute", "protect")]
    assert world.cloud.stacks(HOME)["network"].protected


@pytest.mark.parametrize("wanted", [True, False])
def test_protection_alone_needs_no_change_set(world: World, wanted: bool) -> None:
    """One call, and the stack is done."""
    stack = a_stack(protect=wanted)
    world.has(stack, protected=not wanted)

    outcome = world.apply(a_rollout(stack))

    assert {"network": DONE} == endings(outcome)
    assert [("protect", "network")] == writes(world, "stage", "execute", "protect")
    assert wanted is world.cloud.stacks(HOME)["network"].protected


def test_a_stack_that_failed_is_not_protected(world: World) -> None:
    """A rolled back creation has to be deletable."""
    world.cloud.breaks("network", ("Topic", "why"))

    world.apply(a_rollout(a_stack(protect=True)))

    assert [] == writes(world, "protect")


def test_protection_that_gets_no_answer_is_asked_for_again(world: World) -> None:
    """The stack is not told to be done before it is protected."""
    world.cloud.fault("protect", "network", times=2)

    outcome = world.apply(a_rollout(a_stack(protect=True)))

    assert {"network": DONE} == endings(outcome)
    assert 3 == world.cloud.count("protect")


# What was approved --------------------------------------------------------------------------------


def storage(world: World, **change: Any) -> Stack:
    """Return a stack with a bucket that an update would do something to."""
    stack = a_stack("storage", resources={"Bucket": "AWS::S3::Bucket"})
    world.has(stack, tags={"old": "yes"})
    world.cloud.changes["storage"] = (a_change(**change),)
    return stack


def test_a_guards_objection_stops_its_stack_and_removes_the_change_set(world: World) -> None:
    """Exit 4, nothing executed, nothing left; others go on. (R-38)"""
    stack = storage(world, action="Remove")

    outcome = world.apply(a_rollout(stack, ALONE))

    assert ({"storage": BLOCKED, "alone": DONE}, 4) == (endings(outcome), outcome.exit_code)
    assert causes(outcome)["storage"].startswith("TAP001 AWS::S3::Bucket my-bucket would be")
    assert [("execute", "alone")] == writes(world, "execute")
    assert [] == world.cloud.standing


def test_an_allowance_lets_it_pass(world: World) -> None:
    """The stack and the resource that it names, and only those."""
    stack = storage(world, action="Remove")

    outcome = world.apply(a_rollout(stack), allowed=["storage/Bucket"])

    assert {"storage": DONE} == endings(outcome)


def test_a_refused_change_set_is_not_asked_for_again(world: World) -> None:
    """What CloudFormation said at the preview is why the stack is blocked."""
    world.cloud.fault("stage", "network", error=StackError("CidrBlock is wrong"))

    outcome = world.apply(a_rollout(NETWORK))

    assert ({"network": BLOCKED}, "CidrBlock is wrong") == (
        endings(outcome),
        causes(outcome)["network"],
    )
    assert 1 == world.cloud.count("stage")


def test_a_strict_run_stops_where_more_would_happen_than_was_reviewed(world: World) -> None:
    """The input came out differently, and so did the change set: exit 6, nothing left. (D-15)"""
    world.has(NETWORK, tags={"old": "yes"})
    world.has(APP, parameters={"Vpc": "network-Id"}, tags={"old": "yes"})
    rollout = a_rollout(NETWORK, APP)
    previews = world.preview(rollout)
    world.cloud.puts_out("network", Id="vpc-new")
    world.cloud.changes["app"] = (
        a_change("Topic", resource_type="AWS::SNS::Topic", replacement=Replacement.TRUE),
    )

    outcome = world.apply(rollout, previews=previews, strict=True)

    assert ({"network": DONE, "app": BLOCKED}, 6) == (endings(outcome), outcome.exit_code)
    assert (
        "app: not what was reviewed: Topic: Modify with replacement; plan again"
        == causes(outcome)["app"]
    )
    assert [] == world.cloud.standing


def test_a_strict_run_goes_on_where_no_more_happens_than_was_reviewed(world: World) -> None:
    """A new change set with the same resources needs no new approval."""
    world.has(NETWORK, tags={"old": "yes"})
    world.has(APP, parameters={"Vpc": "network-Id"}, tags={"old": "yes"})
    rollout = a_rollout(NETWORK, APP)
    previews = world.preview(rollout)
    world.cloud.puts_out("network", Id="vpc-new")

    outcome = world.apply(rollout, previews=previews, strict=True)

    assert {"network": DONE, "app": DONE} == endings(outcome)
    assert {"Vpc": "vpc-new"} == world.cloud.parameters("app")


def test_a_strict_run_lets_deferred_stacks_be_made(world: World) -> None:
    """They could only be shown as additions, and additions are what they are. (R-17)"""
    outcome = world.apply(a_rollout(NETWORK, APP), strict=True)

    assert {"network": DONE, "app": DONE} == endings(outcome)


def test_the_reviewed_change_set_is_the_one_that_is_carried_out(world: World) -> None:
    """Not another one that looks the same. (R-16)"""
    rollout = a_rollout(NETWORK)
    (preview,) = world.preview(rollout)

    world.apply(rollout, previews=[preview])

    assert 1 == len(set(world.ledger.tokens("stage", "network")))
    assert ["EXECUTE_COMPLETE"] == [
        found[1]
        for found in [world.cloud.change_set(preview.staged.change_set.arn, HOME)]  # type: ignore[union-attr]
        if found
    ]


@pytest.mark.parametrize("execution", ["OBSOLETE", "UNAVAILABLE"])
def test_a_change_set_that_went_stale_is_not_carried_out(world: World, execution: str) -> None:
    """Exit 6, and nobody makes a new one without a review. (X-18)"""
    world.has(NETWORK, tags={"old": "yes"})
    rollout = a_rollout(NETWORK)
    previews = world.preview(rollout)
    world.cloud.remade("network", execution)

    outcome = world.apply(rollout, previews=previews)

    assert ({"network": BLOCKED}, 6) == (endings(outcome), outcome.exit_code)
    assert StackStatus.CREATE_COMPLETE is world.cloud.status("network")


def test_an_output_that_never_came_blocks_whoever_asked_for_it(world: World) -> None:
    """The producer was deployed but puts out something else, as only an emulator would."""
    world.cloud.puts_out("network", Other="x")
    network = a_stack("network", outputs=["Id"])
    world.has(network, outputs={})

    outcome = world.carry_out(a_rollout(network, APP))

    assert {"network": UNCHANGED, "app": BLOCKED} == endings(outcome)
    assert "app: network.Id is not there" == causes(outcome)["app"]


# Destroying ---------------------------------------------------------------------------------------


def test_a_rollout_is_taken_away_backwards(world: World) -> None:
    """Dependants first, and everything by StackId."""
    rollout = a_rollout(phases={"one": [NETWORK, APP], "two": [DNS]})
    world.has(NETWORK, APP, DNS)

    outcome = world.destroy(rollout)

    assert {"dns": DONE, "app": DONE, "network": DONE} == endings(outcome)
    assert ["dns", "app", "network"] == [name for _, name in writes(world, "delete")]
    assert {} == world.cloud.stacks(HOME)


def test_what_is_gone_already_is_no_failure(world: World) -> None:
    """It is unchanged, and what is left goes. (X-36)"""
    world.has(NETWORK)

    outcome = world.destroy(a_rollout(NETWORK, APP))

    assert ({"app": UNCHANGED, "network": DONE}, 0) == (endings(outcome), outcome.exit_code)


def test_what_somebody_depends_on_stays_when_the_dependant_cannot_go(world: World) -> None:
    """The bucket that is not empty is the cause; the network is skipped by name."""
    world.has(NETWORK, APP)
    world.cloud.breaks("app", ("Topic", "the bucket is not empty"))

    outcome = world.destroy(a_rollout(NETWORK, APP))

    assert {"app": FAILED, "network": SKIPPED} == endings(outcome)
    assert {
        "app": "Topic (AWS::SNS::Topic) DELETE_FAILED: the bucket is not empty — layers/app.py:10",
        "network": "app did not succeed",
    } == causes(outcome)


def test_a_deletion_that_failed_can_be_tried_again(world: World) -> None:
    """With a token of its own: the old one starts nothing, and its end is not the new one's."""
    world.has(NETWORK)
    world.cloud.breaks("network", ("Topic", "the bucket is not empty"))
    rollout = a_rollout(NETWORK)

    first = world.destroy(rollout)
    second = world.destroy(rollout)

    assert [FAILED, DONE] == [endings(each)["network"] for each in (first, second)]
    assert 2 == len(set(world.ledger.tokens("delete", "network")))


def test_a_shell_is_taken_away_as_well(world: World) -> None:
    """A stack that was only ever reviewed is a stack."""
    world.preview(a_rollout(NETWORK))

    outcome = world.destroy(a_rollout(NETWORK))

    assert {"network": DONE} == endings(outcome)


def test_a_protected_stack_is_never_deleted_silently(world: World) -> None:
    """The service refuses, and that is the cause. (X-33)"""
    world.has(a_stack(protect=True))

    outcome = world.destroy(a_rollout(a_stack(protect=True)))

    assert ({"network": BLOCKED}, 4) == (endings(outcome), outcome.exit_code)
    assert "TerminationProtection is enabled" in causes(outcome)["network"]
    assert world.cloud.stacks(HOME)["network"].protected


# Stopping -----------------------------------------------------------------------------------------


def test_an_interrupt_names_what_goes_on_and_what_was_never_tried(world: World) -> None:
    """CloudFormation goes on; nothing new is started. Exit 130. (X-35)"""
    world.cloud.takes("network", 300.0)

    outcome = world.apply(
        a_rollout(phases={"one": [NETWORK, ALONE, APP], "two": [a_stack("last")]}),
        interrupted=until(world.clock, 60.0),
    )

    assert {"alone": DONE, "network": RUNNING, "app": SKIPPED, "last": SKIPPED} == endings(outcome)
    assert 130 == outcome.exit_code
    assert world.clock.now() < 70
    assert [("execute", "alone"), ("execute", "network")] == writes(world, "execute")


def test_an_interrupt_before_the_start_starts_nothing(world: World) -> None:
    """Everything is skipped."""
    outcome = world.carry_out(a_rollout(NETWORK, APP), interrupted=lambda: True)

    assert ({"network": SKIPPED, "app": SKIPPED}, 130) == (endings(outcome), outcome.exit_code)
    assert [] == world.cloud.writes


def test_a_deadline_ends_the_waiting_and_not_the_operation(world: World) -> None:
    """Exit 7; the operation goes on and the next run finds it. (R-31)"""
    world.cloud.takes("network", 300.0)
    rollout = a_rollout(NETWORK, APP)

    first = world.apply(rollout, timeout=100.0)
    second = world.apply(rollout)

    assert ({"network": RUNNING, "app": SKIPPED}, 7) == (endings(first), first.exit_code)
    assert ({"network": UNCHANGED, "app": DONE}, 0) == (endings(second), second.exit_code)
    assert [("execute", "network"), ("execute", "app")] == writes(world, "execute")


def test_the_deadline_is_hardly_overslept(world: World) -> None:
    """By no more than one pause."""
    world.cloud.takes("network", 5000.0)

    world.apply(a_rollout(NETWORK), timeout=100.0)

    assert 100 <= world.clock.now() <= 102


@pytest.mark.parametrize("phases", [{"one": [NETWORK], "two": [APP]}, {"one": [NETWORK, APP]}])
def test_a_deadline_between_two_stacks_is_no_success(
    world: World, phases: dict[str, list[Stack]]
) -> None:
    """The last answer took long: nothing moves, but not everything was tried. 7, never 0."""
    world.cloud.slow("stack", 100.0)

    outcome = world.carry_out(a_rollout(phases=phases), timeout=50.0)

    assert {"network": DONE, "app": SKIPPED} == endings(outcome)
    assert "the run stopped before it" == causes(outcome)["app"]
    assert 7 == outcome.exit_code


class HastyClock(FakeClock):
    """A clock on which every pause takes twenty times as long."""

    def sleep(self, seconds: float) -> None:
        """Let time fly."""
        super().sleep(seconds * 20)


def test_answers_on_their_way_are_waited_for_a_little(world: World) -> None:
    """Eight seconds; then the stack is said to be running, for nobody knows. (X-35)"""
    world.clock = HastyClock()
    asked = iter([False, False])

    outcome = world.carry_out(
        a_rollout(NETWORK, APP),
        pool=SlowPool(),
        interrupted=lambda: next(asked, True),
        pace=Pace(cap=0.01),
    )

    assert {"network": RUNNING, "app": SKIPPED} == endings(outcome)
    assert "no answer came back yet" == causes(outcome)["network"]
    assert 8 == world.clock.now()


def test_an_answer_that_comes_in_the_last_moment_is_taken(world: World) -> None:
    """What CloudFormation was told meanwhile is named as running, with its token."""
    asked = iter([False, False])

    with ThreadPoolExecutor(1) as pool:
        outcome = world.carry_out(
            a_rollout(NETWORK, APP), pool=pool, interrupted=lambda: next(asked, True)
        )

    assert {"network": RUNNING, "app": SKIPPED} == endings(outcome)
    assert "CloudFormation goes on" == causes(outcome)["network"]
    assert ["network"] == [each.stack for each in world.heard(OperationStarted)]


def test_a_pool_of_real_threads_does_the_same(world: World) -> None:
    """One thread decides; what the others bring is taken in turn."""
    with ThreadPoolExecutor(4) as pool:
        outcome = world.carry_out(a_rollout(NETWORK, APP, DNS, ALONE), pool=pool)

    assert {DONE} == set(endings(outcome).values())
    assert 4 == world.cloud.count("execute")


# The next run -------------------------------------------------------------------------------------


def test_a_later_run_adopts_what_is_moving_and_starts_nothing_twice(world: World) -> None:
    """Killed between execute and end; the next process waits for it, and goes on. (X-6)"""
    world.cloud.takes("network", 300.0)
    rollout = a_rollout(NETWORK, APP)
    world.apply(rollout, interrupted=until(world.clock, 60.0))
    world.told.clear()

    outcome = world.apply(rollout)

    assert {"network": UNCHANGED, "app": DONE} == endings(outcome)
    assert [("execute", "network"), ("execute", "app")] == writes(world, "execute")
    assert [("network", True), ("app", False)] == [
        (each.stack, each.adopted) for each in world.heard(OperationStarted)
    ]
    assert [] == [each for each in world.heard(Diagnosed) if each.level == "warning"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_execute_starts_nothing_twice(world: World, when: str) -> None:
    """The token was noted; the next run adopts what runs, or sends the same once. (X-2)"""
    world.cloud.fault("execute", "network", after=when == "after")
    rollout = a_rollout(NETWORK)

    first = world.apply(rollout)
    second = world.apply(rollout)

    assert FAILED is endings(first)["network"]
    assert (UNCHANGED if when == "after" else DONE) is endings(second)["network"]
    assert 1 == len(set(world.ledger.tokens("execute", "network")))
    assert StackStatus.CREATE_COMPLETE is world.cloud.status("network")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_delete_starts_nothing_twice(world: World, when: str) -> None:
    """The same for deletions. (X-4)"""
    world.has(NETWORK)
    world.cloud.fault("delete", "network", after=when == "after")
    rollout = a_rollout(NETWORK)

    first = world.destroy(rollout)
    world.adopt(rollout)
    second = world.destroy(rollout)

    assert FAILED is endings(first)["network"]
    assert (UNCHANGED if when == "after" else DONE) is endings(second)["network"]
    assert 1 == len(set(world.ledger.tokens("delete", "network")))


def test_a_second_run_at_the_same_time_starts_nothing_twice(world: World) -> None:
    """Both have planned the same; the second sends the same token, and joins. (X-16)"""
    rollout = a_rollout(NETWORK)
    previews = world.preview(rollout)
    snapshot, planned = world.snapshot(rollout), world.plan(rollout)
    approval = Approval({each.step.stack.name: each for each in previews})

    first = world.execution(interrupted=until(world.clock, 0.5)).run(planned, snapshot, approval)
    second = world.execution().run(planned, snapshot, approval)

    assert [RUNNING, DONE] == [endings(each)["network"] for each in (first, second)]
    assert 1 == len({each.token for each in world.cloud.calls if each.name == "execute"})


def foreign(world: World, status: StackStatus, ends: StackStatus, token: str = "theirs") -> None:
    """Let somebody else be at work on the network."""
    world.cloud.moves(NETWORK, a_deployed(NETWORK, status), token, ends)


MOVING = [each for each in StackStatus if each.is_moving]


@pytest.mark.parametrize("status", MOVING)
def test_what_somebody_else_does_is_waited_for_and_said(world: World, status: StackStatus) -> None:
    """Whatever is moving: it is named as not ours, and its end is seen. (X-17)"""
    ends = (
        StackStatus.DELETE_COMPLETE
        if status is StackStatus.DELETE_IN_PROGRESS
        else StackStatus.UPDATE_COMPLETE
    )
    foreign(world, status, ends)

    outcome = world.adopt(a_rollout(NETWORK))

    assert {"network": DONE} == endings(outcome)
    assert [f"network: is {status}, and this folder did not start it; waiting for it to end"] == [
        each.message for each in world.heard(Diagnosed)
    ]


@pytest.mark.parametrize("token", ["", "theirs"])
def test_an_adopted_failure_is_a_failure_with_its_cause(world: World, token: str) -> None:
    """Also where the operation had no token at all."""
    world.cloud.breaks("network", ("Topic", "it broke"))
    foreign(world, StackStatus.UPDATE_IN_PROGRESS, StackStatus.UPDATE_COMPLETE, token)

    outcome = world.adopt(a_rollout(NETWORK))

    assert {"network": FAILED} == endings(outcome)
    assert causes(outcome)["network"].startswith("Topic (AWS::SNS::Topic) UPDATE_FAILED: it broke")


def test_adopting_waits_for_nothing_where_nothing_moves(world: World) -> None:
    """No call, no pause."""
    world.has(NETWORK)

    outcome = world.adopt(a_rollout(NETWORK, APP))

    assert ((), 0) == (outcome.endings, outcome.exit_code)
    assert [] == world.clock.slept


def test_adopting_writes_nothing(world: World) -> None:
    """Even `plan` waits for what moves, and a plan never writes."""
    stack = a_stack(protect=True)
    there = a_deployed(stack, StackStatus.UPDATE_IN_PROGRESS, protected=False)
    world.cloud.moves(stack, there, "theirs", StackStatus.UPDATE_COMPLETE)

    world.adopt(a_rollout(stack))

    assert [] == world.cloud.writes


def test_adopting_survives_a_read_that_is_throttled(world: World) -> None:
    """Throttling fails no wait before its deadline. (X-9)"""
    foreign(world, StackStatus.UPDATE_IN_PROGRESS, StackStatus.UPDATE_COMPLETE)
    world.cloud.fault("events", "network", error=CloudError("throttled", code="Throttling"))

    outcome = world.adopt(a_rollout(NETWORK))

    assert {"network": DONE} == endings(outcome)


# Reads that lie -----------------------------------------------------------------------------------


@pytest.mark.parametrize("reads", [1, 3, 10])
@pytest.mark.parametrize("there", [True, False])
def test_a_stale_final_state_is_no_end(world: World, reads: int, there: bool) -> None:
    """An older UPDATE_COMPLETE, or the shell, counts only with our token's events. (X-20)"""
    if there:
        world.has(NETWORK, status=StackStatus.UPDATE_COMPLETE, tags={"old": "yes"})
    world.cloud.lags("network", reads)
    world.cloud.takes("network", 60.0)

    outcome = world.apply(a_rollout(NETWORK))

    assert {"network": DONE} == endings(outcome)
    assert world.clock.now() >= 60


class Behind(FakeCloud):
    """A cloud whose stacks are read late, while their histories are not."""

    late = 3

    def stack(self, stack_id: str, target: Target) -> Deployed:
        """Return the stack as it was while it moved, a few times."""
        seen = super().stack(stack_id, target)
        if self.late == 0:
            return seen
        self.late -= 1
        return replace(seen, status=StackStatus.CREATE_IN_PROGRESS, outputs={})


def test_an_end_counts_once_history_and_stack_agree(world: World) -> None:
    """Outputs of a stack that seems to move are not the last word. (X-20)"""
    world.cloud = Behind(world.clock, world.ledger)

    outcome = world.carry_out(a_rollout(NETWORK, APP))

    assert {"network": DONE, "app": DONE} == endings(outcome)
    assert {"Vpc": "network-Id"} == world.cloud.parameters("app")
    assert 5 == world.cloud.count("stack")


def test_events_of_an_earlier_operation_are_nobodys(world: World) -> None:
    """An old failure is neither told again nor taken for the cause. (X-22)"""
    world.has(a_stack(version="1"))
    wanted = a_stack(version="2")
    world.cloud.breaks("network", ("Topic", "the first time"))
    world.apply(a_rollout(wanted))
    world.told.clear()
    world.cloud.breaks("network", ("Topic", "the second time"))

    outcome = world.apply(a_rollout(wanted))

    assert "the second time" in causes(outcome)["network"]
    assert "the first time" not in str(world.told)


@pytest.mark.parametrize("call", ["moving", "events", "stack"])
def test_a_throttled_look_is_tried_again(world: World, call: str) -> None:
    """Minutes of throttling fail nothing; it is said once in half a minute. (X-9)"""
    slow_down = CloudError("slow down", code="Throttling", passing=True)
    world.cloud.fault(call, error=slow_down, times=60)

    outcome = world.carry_out(a_rollout(NETWORK))

    assert {"network": DONE} == endings(outcome)
    warnings = world.heard(Diagnosed)
    assert 2 <= len(warnings) <= world.clock.now() / 30 + 1
    assert all(each.message.endswith("slow down; looking again") for each in warnings)


# What is told -------------------------------------------------------------------------------------


def test_every_event_is_told_once_and_in_order(world: World) -> None:
    """However often the history is read; with the line that asked for the resource."""
    network = a_stack("network", resources={"A": "AWS::SNS::Topic", "B": "AWS::SNS::Topic"})
    world.cloud.takes("network", 120.0)
    world.cloud.breaks("network", ("A", "one"), ("B", "two"))

    world.apply(a_rollout(network))

    told = world.heard(ResourceMoved)
    assert [
        ("network", "CREATE_IN_PROGRESS", None),
        ("A", "CREATE_FAILED", SourceLine("layers/network.py", 10)),
        ("B", "CREATE_FAILED", SourceLine("layers/network.py", 11)),
        ("network", "ROLLBACK_COMPLETE", None),
    ] == [(each.event.logical_id, each.event.status, each.source) for each in told]


def test_a_stack_that_moves_is_said_to_move_once(world: World) -> None:
    """A status is news the first time."""
    world.cloud.takes("network", 120.0)

    world.apply(a_rollout(NETWORK))

    assert ["CREATE_IN_PROGRESS"] == [each.status for each in world.heard(StackMoved)]


def test_each_ending_says_how_long_it_took(world: World) -> None:
    """Seconds of the run's own clock. (X-23)"""
    world.cloud.takes("network", 100.0)

    outcome = world.apply(a_rollout(NETWORK))

    (ended,) = outcome.endings
    assert 100 <= ended.seconds <= 103
    assert "CREATE_COMPLETE" == ended.status


def test_silence_is_broken_by_a_sign_of_life(world: World) -> None:
    """Every 30 seconds in which nothing happened, with what is waited for. (DC-9)"""
    world = World(start=10_000.0)
    world.cloud.takes("network", 125.0)

    world.carry_out(a_rollout(NETWORK))

    beats = world.heard(Waiting)
    assert [("network",)] * 4 == [each.waiting_on for each in beats]
    assert [30, 60, 90, 120] == [pytest.approx(each.seconds, abs=5) for each in beats]


# Calls --------------------------------------------------------------------------------------------


def calls_for(count: int, names: Callable[[int], str] = "s{}".format) -> World:
    """Deploy so many stacks over two Regions, and return what was asked."""
    world = World()
    stacks = [
        a_stack(names(number), target=HOME if number % 2 else AWAY) for number in range(count)
    ]
    for stack in stacks:
        world.cloud.takes(stack.name, 100.0)
    world.apply(a_rollout(*stacks))
    return world


def test_polls_do_not_grow_with_stacks() -> None:
    """One sweep for each target at each look serves five stacks or fifty. (R-1, D-19)"""
    few, many = calls_for(5), calls_for(50)
    per_target = ("caller", "stacks")
    per_stack = ("prepare", "stage", "execute", "stack")

    assert many.cloud.count("moving") <= few.cloud.count("moving")
    assert [few.cloud.count(each) for each in per_target] == [
        many.cloud.count(each) for each in per_target
    ]
    assert [10 * few.cloud.count(each) for each in per_stack] == [
        many.cloud.count(each) for each in per_stack
    ]
    assert many.cloud.count("events") - few.cloud.count("events") <= 2 * 45


def test_the_history_of_one_stack_at_a_time_is_read_along() -> None:
    """Every two seconds or so, whatever moves in a target, and once when a stack has ended."""
    world = calls_for(1)

    assert 30 <= world.cloud.count("events") <= 51
    assert 1 == world.cloud.count("stack")


def test_sweeps_keep_the_pace(world: World) -> None:
    """After 0.3 s, then 5 % of the time that has passed, and 2 s at most."""
    world.cloud.takes("network", 200.0)

    world.carry_out(a_rollout(NETWORK))

    moments = [call.at for call in world.cloud.calls if call.name == "moving"]
    gaps = [(before, after - before) for before, after in pairwise(moments)]
    assert 0.3 == pytest.approx(moments[0])
    assert all(gap == pytest.approx(min(max(0.3, at * 0.05), 2.0)) for at, gap in gaps)


# Operations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", StackStatus)
def test_what_an_operation_was_for_decides_whether_it_succeeded(status: StackStatus) -> None:
    """A deletion wants the stack gone; everything else wants it healthy."""

    def operation(action: str) -> Operation:
        return Operation(NETWORK, "id", "t", action, 0.0)

    assert (status is StackStatus.DELETE_COMPLETE) is operation("delete").succeeded_with(status)
    assert {status.is_healthy} == {
        operation(action).succeeded_with(status)
        for action in ("create", "update", "import", "rollback")
    }


# Outcomes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "interrupted", "code"),
    [
        ((), False, 0),
        ((0, 0), False, 0),
        ((0, 7), False, 7),
        ((7, 4), False, 4),
        ((4, 6), False, 6),
        ((6, 1, 7), False, 1),
        ((1,), True, 130),
        ((), True, 130),
        ((2,), False, 1),
        ((99, 7), False, 7),
    ],
)
def test_an_outcome_sums_up_in_one_code(
    codes: tuple[int, ...], interrupted: bool, code: int
) -> None:
    """The first of 130, 1, 6, 4, 7; one that is not expected is a failure, never a success."""
    ended = tuple(StackEnded("s", HOME, FAILED, exit_code=each) for each in codes)

    assert code == Outcome(ended, interrupted).exit_code


@pytest.mark.parametrize("ending", Ending)
def test_only_two_endings_let_dependants_start(ending: Ending) -> None:
    """Done, and unchanged."""
    assert (ending in {DONE, UNCHANGED}) is StackEnded("s", HOME, ending).succeeded


def test_an_outcome_lists_the_stacks_of_one_ending() -> None:
    """In the order in which they ended."""
    one, two, three = (
        StackEnded("a", HOME, DONE), StackEnded("b", HOME, FAILED), StackEnded("c", HOME, DONE)
    )  # fmt: skip

    assert (one, three) == Outcome((one, two, three)).ended(DONE)


def test_a_failed_deletion_is_tried_again_with_what_it_may_leave() -> None:
    """The service is told so, under a token of its own. (3.4)"""
    world, stack = World(), a_stack("storage")
    world.has(stack)
    world.cloud.breaks("storage", ("Topic", "somebody needs it"))
    rollout = a_rollout(stack)
    assert endings(world.destroy(rollout)) == {"storage": Ending.FAILED}

    snapshot = world.snapshot(rollout)
    leaving = {"storage": Leaving(retain=("Topic",))}
    again = world.execution().run(
        plan_destroy(rollout, snapshot), snapshot, Approval(leaving=leaving)
    )

    assert endings(again) == {"storage": Ending.DONE}
    assert 2 == len({call.token for call in world.cloud.calls if call.name == "delete"})
    assert world.cloud.left == {"storage": leaving["storage"]}
