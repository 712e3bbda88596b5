"""The stack policy that keeps data: set, widened by name alone, and put back whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tapcfn import policing
from tapcfn.data_policy import guarded_ids, policy_of, written
from tapcfn.errors import CloudError, StaleError
from tapcfn.events import Outcome
from tapcfn.model import Ending, Replacement, Severity, Stack, StackStatus
from tapcfn.operations import Approval
from tapcfn.plan import Reason, Verb, plan
from tapcfn.preview import Previewed
from tapcfn.stack_options import StackOptions
from tests.fakes import World, a_change, a_rollout, a_stack
from tests.fakes.world import endings

GUARDED = written({"Bucket"})
OPEN = written(())
ALLOWED = "storage/Bucket:replace"


def storage(version: str = "1", *, kind: str = "AWS::S3::Bucket") -> Stack:
    stack = a_stack("storage", resources={"Bucket": kind}, version=version)
    return replace(stack, options=StackOptions(stack_policy=True))


@pytest.fixture
def world() -> World:
    """Return a cloud in which the stack stands, under its policy."""
    made = World()
    made.has(storage())
    made.cloud.policies["storage"] = GUARDED
    return made


def replacing(world: World, **more: object) -> None:
    world.cloud.changes["storage"] = (a_change(replacement=Replacement.TRUE, **more),)


def carried_out(
    world: World,
    stacks: list[Stack],
    meanwhile: Callable[[], object] = lambda: None,
    *allowed: str,
) -> Outcome:
    """Plan, preview and carry out, each once; `meanwhile` a person reads the plan."""
    rollout = a_rollout(*stacks)
    snapshot = world.snapshot(rollout)
    planned = plan(rollout, snapshot)
    staged = world.ask(planned, snapshot, allowed)
    meanwhile()
    approval = Approval({each.step.stack.name: each for each in staged}, frozenset(allowed))
    return world.execution().run(planned, snapshot, approval)


def policies_set(world: World) -> list[str]:
    return [call.token for call in world.cloud.calls if call.name == "set_stack_policy"]


def test_a_stack_that_holds_data_gets_its_policy_when_it_is_created() -> None:
    """Replacement and deletion are denied for what holds data, and everything else allowed."""
    world = World()

    outcome = world.apply(a_rollout(storage()))

    assert {"storage": Ending.DONE} == endings(outcome)
    assert [GUARDED] == policies_set(world)
    assert '"Action":["Update:Delete","Update:Replace"]' in GUARDED
    assert "LogicalResourceId/Bucket" in GUARDED


@pytest.mark.parametrize(
    "stack",
    [storage(kind="AWS::SNS::Topic"), replace(storage(), options=StackOptions())],
    ids=["no data", "not wanted"],
)
def test_who_has_nothing_to_keep_gets_no_policy(stack: Stack) -> None:
    """A policy can never be removed again."""
    world = World()
    world.apply(a_rollout(stack))

    assert 0 == world.cloud.count("set_stack_policy") + world.cloud.count("stack_policy")


def test_a_policy_that_is_missing_is_work_of_its_own(world: World) -> None:
    """Also where nothing else is to be done; once it is there, nothing is."""
    world.cloud.policies["storage"] = ""
    rollout = a_rollout(storage())
    (step,) = world.plan(rollout).steps

    outcome = world.apply(rollout)

    assert (Verb.PROTECT, Reason.POLICY_DIFFERS) == (step.verb, step.reason)
    assert ({"storage": Ending.DONE}, GUARDED) == (
        endings(outcome),
        world.cloud.policies["storage"],
    )
    assert not world.plan(rollout).has_work


def test_somebody_elses_policy_stays(world: World) -> None:
    """Nobody's decision is undone by a default."""
    theirs = '{"Statement":[{"Effect":"Deny","Action":"Update:*","Resource":"*"}]}'
    world.cloud.policies["storage"] = theirs

    assert guarded_ids(theirs) is None
    assert not world.plan(a_rollout(storage())).has_work


def test_an_update_without_an_allowance_keeps_the_policy(world: World) -> None:
    """What the policy allows needs no other one."""
    world.apply(a_rollout(storage("2")))

    assert [] == policies_set(world)


def test_an_allowance_by_name_widens_the_policy_for_the_update_alone(world: World) -> None:
    """Before it is executed, and put back when it is over."""
    replacing(world)

    outcome = world.apply(a_rollout(storage("2")), allowed=[ALLOWED])

    order = [
        call.name for call in world.cloud.calls if call.name in {"set_stack_policy", "execute"}
    ]
    assert {"storage": Ending.DONE} == endings(outcome)
    assert ["set_stack_policy", "execute", "set_stack_policy"] == order
    assert [OPEN, GUARDED] == policies_set(world)


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::SNS::Topic"])
def test_a_policy_is_read_once_for_each_update(kind: str) -> None:
    """With the template, where ours guards something; else once it is known what changes. (P10)"""
    world = World()
    stacks = [replace(storage(kind=kind), name=f"s{number}") for number in range(4)]
    for each in stacks:
        world.has(each)
        world.cloud.policies[each.name] = policy_of(each)
        world.cloud.changes[each.name] = (a_change(replacement=Replacement.FALSE),)

    outcome = carried_out(world, [replace(each, tags={"new": "tag"}) for each in stacks])

    assert {Ending.DONE} == set(endings(outcome).values())
    assert 4 == len(endings(outcome)) == world.cloud.count("stack_policy")


THEIRS = '{"Statement":[{"Effect":"Deny","Action":"*","Principal":"*","Resource":"*"}]}'


def test_a_policy_that_somebody_sets_after_the_plan_stays(world: World) -> None:
    """Ours is read again before it is widened; what the service then denies is its to say."""
    replacing(world)

    carried_out(world, [storage("2")], lambda: world.cloud.policies.update(storage=THEIRS), ALLOWED)

    assert [] == policies_set(world)
    assert THEIRS == world.cloud.policies["storage"]


def test_a_policy_that_somebody_sets_during_the_update_stays(world: World) -> None:
    """It is not ours any more, so there is nothing to put back."""
    replacing(world)
    world.clock.at(5.0, lambda: world.cloud.policies.update(storage=THEIRS))

    outcome = world.apply(a_rollout(storage("2")), allowed=[ALLOWED])

    assert {"storage": Ending.DONE} == endings(outcome)
    assert ([OPEN], THEIRS) == (policies_set(world), world.cloud.policies["storage"])


def test_it_is_put_back_after_a_failure_as_well(world: World) -> None:
    """The update was rolled back; the policy guards what is there again."""
    replacing(world)
    world.cloud.breaks("storage", ("Bucket", "no"))

    outcome = world.apply(a_rollout(storage("2")), allowed=[ALLOWED])

    assert {"storage": Ending.FAILED} == endings(outcome)
    assert [OPEN, GUARDED] == policies_set(world)


def test_it_is_put_back_where_the_change_set_is_stale(world: World) -> None:
    """Nothing runs, so nothing needs it wide."""
    replacing(world)
    world.cloud.fault("execute", "storage", error=StaleError("storage: gone"))

    world.apply(a_rollout(storage("2")), allowed=[ALLOWED])

    assert [OPEN, GUARDED] == policies_set(world)


def test_it_is_put_back_where_the_execution_is_refused(world: World) -> None:
    """A refusal is definite: nothing runs that needs it wide. (3.5)"""
    replacing(world)
    denied = CloudError("not authorized", code="AccessDenied", lasting=True)
    world.cloud.fault("execute", "storage", error=denied)

    outcome = world.apply(a_rollout(storage("2")), allowed=[ALLOWED])

    assert {"storage": Ending.FAILED} == endings(outcome)
    assert [OPEN, GUARDED] == policies_set(world)


@pytest.mark.parametrize("passing", [True, False])
def test_it_stays_wide_where_something_may_run(world: World, passing: bool) -> None:
    """Narrowed under an update that has begun, it would fail that half way."""
    replacing(world)
    lost = CloudError("no answer", passing=passing)
    world.cloud.fault("execute", "storage", error=lost, after=True)

    world.apply(a_rollout(storage("2")), allowed=[ALLOWED])

    assert [OPEN] == policies_set(world)


def test_the_next_command_puts_back_what_a_crash_left_wide(world: World) -> None:
    """It stands in the ledger before it is done, whatever became of the process. (X-7)"""
    replacing(world)
    world.cloud.fault("execute", "storage", error=CloudError("killed"), after=True)
    rollout = a_rollout(storage("2"))
    world.apply(rollout, allowed=[ALLOWED])
    world.clock.sleep(60)
    assert OPEN == world.cloud.policies["storage"]

    snapshot, told = policing.restore(rollout, world.snapshot(rollout), world.cloud, world.ledger)
    again = policing.restore(rollout, world.snapshot(rollout), world.cloud, world.ledger)

    assert GUARDED == world.cloud.policies["storage"] == snapshot.stacks["storage"].policy
    assert ("storage: its stack policy was left wide by an earlier run; put back",) == told
    assert () == again[1]


def test_a_stack_that_still_moves_keeps_its_wide_policy(world: World) -> None:
    """Narrowed now, the update would fail half way."""
    replacing(world)
    world.cloud.fault("execute", "storage", error=CloudError("killed"), after=True)
    rollout = a_rollout(storage("2"))
    world.apply(rollout, allowed=[ALLOWED])

    assert StackStatus.UPDATE_IN_PROGRESS is world.cloud.status("storage")
    assert () == policing.restore(rollout, world.snapshot(rollout), world.cloud, world.ledger)[1]


def test_a_policy_that_can_not_be_put_in_place_is_a_warning() -> None:
    """The stack is as wanted; the next plan finds what is missing."""
    world = World()
    denied = CloudError("denied", code="AccessDenied", lasting=True)
    world.cloud.fault("set_stack_policy", "storage", error=denied)

    outcome = world.apply(a_rollout(storage()))

    (ended,) = outcome.endings
    assert (Ending.DONE, 0) == (ended.ending, ended.exit_code)
    assert (
        "its stack policy could not be put in place: denied; the next run tries again",
    ) == ended.warnings
    assert Reason.POLICY_DIFFERS is world.plan(a_rollout(storage())).steps[0].reason


def test_what_is_kept_needs_an_allowance_too(world: World) -> None:
    """No data is lost, and the policy would still refuse it half way. (X-33)"""
    replacing(world, policy_action="ReplaceAndRetain")
    rollout = a_rollout(storage("2"))

    def judged(*allowed: str) -> list[Severity]:
        (preview,) = world.preview(rollout, allowed)
        world.discard([preview])
        assert isinstance(preview, Previewed)
        return [each.severity for each in preview.findings if each.rule == "TAP008"]

    assert [Severity.ERROR] == judged()
    assert [Severity.INFO] == judged(ALLOWED)


def test_only_the_shape_that_we_write_is_ours() -> None:
    """Read back as it was written, and nothing else."""
    assert frozenset({"A", "B"}) == guarded_ids(written({"B", "A"}))
    assert frozenset() == guarded_ids("") == guarded_ids(OPEN)
    assert GUARDED == policy_of(storage())
    assert None is guarded_ids("no json")
    assert None is guarded_ids(GUARDED.replace("Update:*", "Update:Modify"))
