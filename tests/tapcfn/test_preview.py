"""Previews: CloudFormation is asked, nothing is left behind, and what can't be known is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapcfn.cli.staged import code_of
from tapcfn.errors import BlockedError, CloudError, StackError, StaleError, TapcfnError
from tapcfn.model import (
    Ending,
    OutputOf,
    Replacement,
    Rollout,
    Severity,
    Stack,
    StackStatus,
    Target,
    ZoneOf,
)
from tapcfn.plan import Verb, plan
from tapcfn.ports import ChangeRequest
from tapcfn.preview import (
    Deferred,
    Preview,
    Previewed,
    Refused,
    intent_of,
    stage,
    take_snapshot,
    withdraw,
)
from tests.fakes import (
    AWAY,
    HOME,
    World,
    a_change,
    a_change_set,
    a_rollout,
    a_stack,
    a_template,
)
from tests.fakes.world import endings

OTHER = Target("222222222222", "us-east-1")
NETWORK = a_stack("network")
APP = a_stack("app", parameters={"Vpc": OutputOf("network", "Id")})


@pytest.fixture
def world() -> World:
    """Return an empty cloud."""
    return World()


def by_name(previews: tuple[Preview, ...]) -> dict[str, Preview]:
    return {each.step.stack.name: each for each in previews}


def only(previews: tuple[Preview, ...]) -> Previewed:
    """Return the one preview that there is."""
    (each,) = previews
    assert isinstance(each, Previewed)
    return each


def names_in(calls: Any, *kinds: str) -> list[tuple[str, str]]:
    return [(call.name, call.subject) for call in calls if not kinds or call.name in kinds]


# Snapshots ----------------------------------------------------------------------------------------


def test_a_snapshot_is_one_sweep_for_each_target(world: World) -> None:
    """However many stacks there are; the credentials are asked about once for each account."""
    here = [a_stack(f"h{number}") for number in range(5)]
    there = [a_stack(f"t{number}", target=AWAY) for number in range(5)]
    world.has(*here, *there)

    snapshot = world.snapshot(a_rollout(*here, *there))

    assert 10 == len(snapshot.stacks)
    assert (1, 2, 10, 0) == tuple(
        world.cloud.count(each) for each in ("caller", "stacks", "template", "zones")
    )


def test_a_snapshot_knows_templates_and_only_the_rollouts_stacks(world: World) -> None:
    """The digest is that of the deployed template; strangers are left out."""
    world.has(NETWORK, a_stack("stranger"), template_digest="")

    snapshot = world.snapshot(a_rollout(NETWORK))

    assert {"network": NETWORK.template.digest} == {
        name: each.template_digest for name, each in snapshot.stacks.items()
    }


def test_a_stack_of_the_same_name_elsewhere_is_another_stack(world: World) -> None:
    """A name means something in its own target only."""
    world.has(replace(NETWORK, target=AWAY))
    world.has(a_stack("other", target=AWAY))

    assert {} == world.snapshot(a_rollout(NETWORK, a_stack("x", target=AWAY))).stacks


@pytest.mark.parametrize("status", [None, *StackStatus])
def test_only_a_template_that_can_be_compared_is_read(
    world: World, status: StackStatus | None
) -> None:
    """A stack that can't be updated has none that matters."""
    if status is not None:
        world.has(NETWORK, status=status)

    world.snapshot(a_rollout(NETWORK))

    assert int(bool(status and status.is_updatable)) == world.cloud.count("template")


def test_zones_are_asked_for_only_where_a_stack_wants_one(world: World) -> None:
    """One call for each target that has such a stack."""
    zoned = a_stack("zoned", parameters={"Zone": ZoneOf(0)}, target=AWAY)

    snapshot = world.snapshot(a_rollout(NETWORK, zoned))

    assert {AWAY: ("us-west-2a", "us-west-2b", "us-west-2c")} == snapshot.zones
    assert [("zones", str(AWAY))] == names_in(world.cloud.calls, "zones")


def test_a_look_needs_no_templates_and_no_zones(world: World) -> None:
    """Where nothing is to be planned, nothing more than the sweep is read."""
    zoned = a_stack("zoned", parameters={"Zone": ZoneOf(0)})
    world.has(zoned, NETWORK)

    take_snapshot(a_rollout(NETWORK, zoned), world.cloud, world.pool, to_plan=False)

    assert ["caller", "stacks"] == [call.name for call in world.cloud.calls]


def test_credentials_of_another_account_stop_everything(world: World) -> None:
    """Both accounts are named, and nothing has been read or written."""
    world.cloud.callers[OTHER.account] = "999999999999"

    with pytest.raises(BlockedError) as caught:
        world.apply(a_rollout(NETWORK, a_stack("other", target=OTHER)))

    assert (
        "account 222222222222: the credentials are for account 999999999999; nothing was written"
        == str(caught.value)
    )
    assert {"caller"} == {call.name for call in world.cloud.calls}


def test_every_call_ends_before_an_error_is_raised(world: World) -> None:
    """Nothing goes on in the background; the first error, in order, is the one that is told."""
    rollout = a_rollout(NETWORK, a_stack("x", target=AWAY))
    world.cloud.fault("stacks", str(HOME), error=CloudError("one"))
    world.cloud.fault("stacks", str(AWAY), error=CloudError("two"))

    with pytest.raises(CloudError, match="one"):
        world.snapshot(rollout)

    assert 2 == world.cloud.count("stacks")


# What is asked, and what is not -------------------------------------------------------------------


def test_a_preview_is_a_real_change_set(world: World) -> None:
    """It lists what would come, and stands ready to be carried out."""
    preview = only(world.preview(a_rollout(NETWORK)))

    assert ["Add"] == [change.action for change in preview.staged.change_set.changes]
    assert ["network"] == world.cloud.standing
    assert StackStatus.REVIEW_IN_PROGRESS is world.cloud.status("network")


@pytest.mark.parametrize(
    ("how", "staged"),
    [
        ({}, 0),
        ({"protected": True}, 0),
        ({"tags": {"a": "b"}}, 1),
        ({"status": StackStatus.ROLLBACK_COMPLETE}, 0),
    ],
)
def test_only_what_may_change_is_asked_about(
    world: World, how: Mapping[str, Any], staged: int
) -> None:
    """No change set for what is as wanted, nor for protection, nor for what must go first."""
    world.has(NETWORK, **how)

    world.preview(a_rollout(NETWORK))

    assert staged == world.cloud.count("stage")


def test_what_depends_on_what_is_not_there_is_deferred(world: World) -> None:
    """The inputs that are not known are named, and nothing is guessed. (R-17)"""
    previews = by_name(world.preview(a_rollout(NETWORK, APP)))
    deferred = previews["app"]

    assert isinstance(deferred, Deferred)
    assert (OutputOf("network", "Id"),) == deferred.unknown
    assert [("stage", "network")] == names_in(world.cloud.calls, "stage")


def test_what_must_be_deleted_first_is_deferred(world: World) -> None:
    """A rolled back creation takes no change set."""
    world.has(NETWORK, status=StackStatus.ROLLBACK_COMPLETE)

    (deferred,) = world.preview(a_rollout(NETWORK))

    assert isinstance(deferred, Deferred)
    assert (Verb.RECREATE, ()) == (deferred.step.verb, deferred.unknown)


def test_inputs_that_may_still_change_are_marked(world: World) -> None:
    """They are asked about with the old value, which may not be the last word."""
    world.has(NETWORK, tags={"old": "tag"})
    world.has(APP, parameters={"Vpc": "network-Id"})

    previews = by_name(world.preview(a_rollout(NETWORK, APP)))
    app = previews["app"]

    assert isinstance(app, Previewed)
    assert (OutputOf("network", "Id"),) == app.provisional
    assert app.staged.change_set.empty


def test_inputs_from_stacks_that_stay_are_settled(world: World) -> None:
    """Only the consumer changes."""
    world.has(NETWORK)

    assert () == only(world.preview(a_rollout(NETWORK, APP))).provisional


def test_objections_come_with_the_preview(world: World) -> None:
    """The guard has read the change set, and allowances have been counted."""
    storage = a_stack("storage", resources={"Bucket": "AWS::S3::Bucket"})
    world.has(storage, template_digest="", tags={"a": "b"})
    world.cloud.changes["storage"] = (a_change(replacement=Replacement.TRUE),)

    plain = only(world.preview(a_rollout(storage)))
    allowed = only(world.preview(a_rollout(storage), allowed=["storage/Bucket"]))

    assert [Severity.ERROR] == [each.severity for each in plain.findings]
    assert [Severity.INFO] == [each.severity for each in allowed.findings]


def test_a_change_set_that_is_refused_becomes_an_objection(world: World) -> None:
    """The others are asked all the same, and the service's words are kept. (R-8)"""
    world.cloud.fault("stage", "network", error=StackError("Vpc: CidrBlock is wrong"))

    previews = by_name(world.preview(a_rollout(NETWORK, a_stack("other"))))
    refused = previews["network"]

    assert isinstance(refused, Refused)
    assert ("TAP000", Severity.ERROR, "Vpc: CidrBlock is wrong", "server") == (
        refused.finding.rule,
        refused.finding.severity,
        refused.finding.message,
        refused.finding.origin,
    )
    assert isinstance(previews["other"], Previewed)


def test_values_that_could_not_be_read_are_told(world: World) -> None:
    """A plan without before and after says why, of nested stacks too. (X-12)"""
    old = a_stack("old")
    world.has(old, tags={"a": "b"})
    inner = a_change("Inner", nested=replace(a_change_set(a_change("Logs")), unread="no"))
    world.cloud.changes["old"] = (inner,)

    (asked,) = world.preview(a_rollout(old))

    assert isinstance(asked, Previewed)
    assert [(Severity.WARNING, "the values of before and after could not be read: no")] == [
        (each.severity, each.message) for each in asked.findings if each.rule == "TAP000"
    ]


NOT_ASKED = [
    ("stage", CloudError("no", code="AccessDenied", lasting=True)),
    ("stage", CloudError("no", code="Throttling", passing=True)),
    ("prepare", CloudError("no", code="AccessDenied", lasting=True)),
    ("prepare", BlockedError("no artifact bucket")),
]


@pytest.mark.parametrize(("call", "error"), NOT_ASKED)
def test_a_call_that_is_refused_refuses_its_stack_alone(
    world: World, call: str, error: TapcfnError
) -> None:
    """A bucket that is denied in one Region says nothing of the others. (X-13, X-34)"""
    needing = a_stack("needing", parameters={"Vpc": OutputOf("b", "Id")})
    rollout = a_rollout(a_stack("a", target=AWAY), a_stack("b"), needing)
    world.cloud.fault(call, "b", error=error, times=9)

    previews = world.preview(rollout)
    outcome = world.apply(rollout, previews=previews)

    refused = by_name(previews)["b"]
    assert isinstance(refused, Refused)
    assert (True, str(error)) == (refused.alone, refused.finding.message)
    assert {"a": Ending.DONE, "b": Ending.FAILED, "needing": Ending.SKIPPED} == endings(outcome)
    assert 1 == outcome.exit_code


def test_a_plan_with_such_a_stack_is_no_good_one_but_may_be_applied(world: World) -> None:
    """What was written and refused is a fault of the plan, and stops everything. (X-29)"""
    rollout = a_rollout(a_stack("a"), a_stack("b"))
    world.cloud.fault("stage", "b", error=CloudError("no", code="AccessDenied", lasting=True))
    denied = world.preview(rollout)
    world.cloud.fault("stage", "b", error=StackError("early validation says no"))
    wrong = world.preview(rollout)

    assert (1, 0) == (code_of(denied), code_of(denied, applying=True))
    assert (1, 1) == (code_of(wrong), code_of(wrong, applying=True))


def test_warnings_that_can_not_be_read_stop_nothing(world: World) -> None:
    """They only add to what the change set says itself. (X-12)"""
    old = a_stack("old")
    world.has(old)
    throttled = CloudError("too fast", code="Throttling", passing=True)
    world.cloud.fault("remarks", "old", error=throttled)
    world.cloud.changes["old"] = (a_change(replacement=Replacement.FALSE),)

    asked = only(world.preview(a_rollout(a_stack("old", version="2"))))

    assert ["could not be read: too fast"] == [
        each.message.removeprefix("what early validation and hooks say ")
        for each in asked.findings
        if each.rule == "TAP000"
    ]


# Nothing is left behind ---------------------------------------------------------------------------


def test_nothing_is_left_behind(world: World) -> None:
    """Change sets go, and so do the empty stacks that they made. (R-29)"""
    old = a_stack("old")
    world.has(old, tags={"a": "b"})
    rollout = a_rollout(NETWORK, old, APP)

    left = world.discard(world.preview(rollout))

    assert () == left
    assert [] == world.cloud.standing
    assert (None, StackStatus.CREATE_COMPLETE) == (
        world.cloud.status("network"),
        world.cloud.status("old"),
    )


def test_a_change_set_of_somebody_else_keeps_its_shell(world: World) -> None:
    """What another stage of work has in review stays."""
    theirs = stage(NETWORK, {}, None, world.cloud, world.ledger)
    ours = world.preview(a_rollout(replace(NETWORK, tags={"ours": "yes"})))

    world.discard(ours)

    assert ["network"] == world.cloud.standing
    assert world.cloud.change_set(theirs.change_set.arn, HOME) is not None


@pytest.mark.parametrize("failing", ["a", "b", "c"])
def test_nothing_is_left_behind_when_one_of_several_fails(world: World, failing: str) -> None:
    """The error goes on only after the others' change sets have been removed."""
    world.cloud.fault("stage", failing, error=StaleError("somebody was faster"))

    with pytest.raises(StaleError, match="somebody was faster"):
        world.preview(a_rollout(a_stack("a"), a_stack("b"), a_stack("c")))

    assert [] == world.cloud.standing
    assert {None} == {world.cloud.status(each) for each in "abc"}


def test_what_cannot_be_removed_is_returned(world: World) -> None:
    """Everything else is removed, and nobody fails because of it."""
    previews = world.preview(a_rollout(a_stack("a"), a_stack("b")))
    world.cloud.fault("discard", "a", error=CloudError("access denied"))

    left = world.discard(previews)

    assert ["access denied"] == [str(error) for error in left]
    assert ["a"] == world.cloud.standing


def test_what_could_not_be_removed_is_found_by_the_next_preview(world: World) -> None:
    """Its token is not over, so the same question finds the same change set."""
    first = only(world.preview(a_rollout(NETWORK)))
    world.cloud.fault("discard", "network", error=CloudError("access denied"))
    world.discard([first])

    second = only(world.preview(a_rollout(NETWORK)))

    assert first.staged == second.staged


def test_an_empty_change_set_is_not_discarded_twice(world: World) -> None:
    """The service's adapter has removed it already."""
    world.has(NETWORK, template_digest="as if it were another", protected=False)
    outside = a_stack(template=a_template(Metadata={"a": "{{resolve:ssm:/a}}"}))
    world.has(outside)

    preview = only(world.preview(a_rollout(outside)))
    world.discard([preview])

    assert preview.staged.change_set.empty
    assert 0 == world.cloud.count("discard")


# Tokens -------------------------------------------------------------------------------------------


def test_a_killed_process_leaves_a_change_set_that_the_next_one_finds(world: World) -> None:
    """One change set, found by the token that its content gives it. (X-5)"""
    first = only(world.preview(a_rollout(NETWORK)))

    second = only(world.preview(a_rollout(NETWORK)))

    assert first.staged == second.staged
    assert ["network"] == world.cloud.standing


def test_a_lost_answer_is_no_second_change_set(world: World) -> None:
    """It was made, the answer never came; asking again finds it. (X-1)"""
    world.cloud.fault("stage", "network", after=True)
    (lost,) = world.preview(a_rollout(NETWORK))
    assert isinstance(lost, Refused)

    only(world.preview(a_rollout(NETWORK)))

    assert ["network"] == world.cloud.standing
    assert 1 == len(set(world.ledger.tokens("stage", "network")))


def test_a_token_that_was_used_up_moves_on(world: World) -> None:
    """Discarded, so over: the same question then has another name. (X-19)"""
    first = only(world.preview(a_rollout(NETWORK)))
    world.discard([first])

    second = only(world.preview(a_rollout(NETWORK)))

    assert first.staged.token != second.staged.token
    assert first.staged.intent == second.staged.intent


def test_a_token_that_the_cloud_says_is_used_up_moves_on(world: World) -> None:
    """The ledger is new, as on another machine; the change set is no longer AVAILABLE. (X-18)"""
    first = only(world.preview(a_rollout(NETWORK)))
    world.cloud.remade("network", "OBSOLETE")

    second = only(world.preview(a_rollout(NETWORK)))

    assert first.staged.token != second.staged.token
    assert world.ledger.has_ended(first.staged.token)


def test_a_refused_change_set_has_used_up_its_token(world: World) -> None:
    """The next attempt is another one."""
    world.cloud.fault("stage", "network", error=StackError("wrong"), times=2)

    world.preview(a_rollout(NETWORK))
    world.preview(a_rollout(NETWORK))

    assert 2 == len(set(world.ledger.tokens("stage", "network")))


def test_a_token_is_noted_before_it_is_sent(world: World) -> None:
    """The fake cloud refuses what is in no ledger; here the note outlives the failed call."""
    world.cloud.fault("stage", "network")

    world.preview(a_rollout(NETWORK))

    (call,) = [call for call in world.cloud.calls if call.name == "stage"]
    assert world.ledger.is_ours(call.token)
    assert not world.ledger.has_ended(call.token)


def test_a_token_fits_cloudformations_pattern(world: World) -> None:
    """It is a change set's name as well: a letter first, then letters, digits and hyphens."""
    token = only(world.preview(a_rollout(NETWORK))).staged.token

    assert token.startswith("tapcfn-")
    assert token.replace("-", "").isalnum()
    assert len(token) <= 128


@pytest.mark.parametrize("previewing", [True, False])
def test_a_then_b_then_a_again_deploys(world: World, previewing: bool) -> None:
    """What was carried out on an older base is never taken for done."""
    a, b = a_stack(version="A"), a_stack(version="B")

    outcomes = []
    for stack in (a, b, a):
        how = {} if previewing else {"previews": ()}
        outcomes.append(endings(world.apply(a_rollout(stack), **how)))

    assert [{"network": Ending.DONE}] * 3 == outcomes
    assert 3 == len({call.token for call in world.cloud.calls if call.name == "execute"})
    assert a.template.text == world.cloud.template(
        world.snapshot(a_rollout(a)).stacks["network"].stack_id, HOME
    )


def test_another_base_is_another_change_set(world: World) -> None:
    """The same wish against a stack that has moved on has another name, whatever came of it."""
    world.has(NETWORK, tags={"old": "yes"}, updated="t1")
    before = only(world.preview(a_rollout(NETWORK)))
    world.has(NETWORK, tags={"old": "yes"}, updated="t2")

    after = only(world.preview(a_rollout(NETWORK)))

    assert before.staged.intent == after.staged.intent
    assert before.staged.token != after.staged.token
    assert not world.ledger.has_ended(before.staged.token)


def test_a_change_set_says_what_it_is_for() -> None:
    """Intent and base, so that a later process can tell whether it may be used."""
    request = ChangeRequest(NETWORK, {}, True, "t", "i1", "b1")

    assert "tapcfn intent=i1 base=b1" == request.description


def test_no_error_of_another_kind_is_swallowed(world: World) -> None:
    """A fault of the program is raised, not reported as a finding."""
    world.cloud.fault("stage", "network", error=TypeError("a bug"))  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="a bug"):
        world.preview(a_rollout(NETWORK))


# Intents ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "differing",
    [
        {"name": "other"},
        {"target": AWAY},
        {"tags": {"a": "b"}},
        {"template": a_template(version="2")},
        {"adopt": True},
    ],
)
def test_an_intent_changes_with_what_is_wanted(differing: dict[str, Any]) -> None:
    """Whatever goes into the request goes into its name."""
    stack = a_stack()

    assert intent_of(stack, {}) != intent_of(replace(stack, **differing), {})


@given(st.dictionaries(st.text(), st.text()), st.dictionaries(st.text(), st.text()))
def test_an_intent_is_as_different_as_its_values(one: dict[str, str], two: dict[str, str]) -> None:
    """Equal values, equal intents; different values, different intents; and no value is in it."""
    stack = a_stack()
    same = intent_of(stack, one) == intent_of(stack, dict(reversed(list(two.items()))))

    assert (one == two) is same


def test_staging_ends_when_no_name_is_free(world: World) -> None:
    """A cloud that refuses every name is not asked for ever."""

    class Stubborn:
        def stage(self, request: object) -> None:
            return None

    class Short:
        """A ledger that knows all tokens but says so quickly."""

        def has_ended(self, token: str) -> bool:
            return True

    with pytest.raises(StackError, match="network: no free name for a change set"):
        stage(NETWORK, {}, None, Stubborn(), Short())  # type: ignore[arg-type]


# What killed runs have left -----------------------------------------------------------------------


def test_what_a_killed_run_staged_goes_when_it_is_not_wanted_any_more() -> None:
    """The change set, and the shell that it made; what is wanted as it was is used again. (X-5)"""
    world = World()
    kept, edited = a_stack("kept"), a_stack("edited")
    world.preview(a_rollout(kept, edited))  # and killed
    left = {token: (HOME, name) for _, name, token in world.ledger.intended}
    edited = a_stack("edited", version="2")
    rollout = a_rollout(kept, edited, a_stack("new"))

    previews = world.preview(rollout)
    told = withdraw(left, previews, world.cloud, world.ledger, world.pool)

    assert ("edited: a change set that an earlier run left was removed",) == told
    assert ["edited", "kept", "new"] == world.cloud.standing
    assert 1 == world.cloud.count("withdraw")
    assert 0 == world.apply(rollout, previews=previews).exit_code


def test_a_shell_that_nobody_wants_any_more_goes() -> None:
    world = World()
    world.preview(a_rollout(a_stack("gone")))  # and killed
    left = {token: (HOME, name) for _, name, token in world.ledger.intended}

    withdraw(left, (), world.cloud, world.ledger, world.pool)

    assert {} == world.cloud.stacks(HOME)
    assert all(map(world.ledger.has_ended, left))


def test_what_may_not_be_removed_is_told_and_tried_again() -> None:
    world = World()
    world.preview(a_rollout(a_stack("gone")))
    left = {token: (HOME, name) for _, name, token in world.ledger.intended}
    denied = CloudError("gone: denied", code="AccessDenied", lasting=True)
    world.cloud.fault("withdraw", "gone", error=denied)

    assert ("left behind: gone: denied",) == withdraw(
        left, (), world.cloud, world.ledger, world.pool
    )
    assert not any(map(world.ledger.has_ended, left))


# What only later inputs decide (D-15) -------------------------------------------------------------


BUCKET = {"Type": "AWS::S3::Bucket"}
SUBNET = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}}}


def an_app(**resources: Any) -> Stack:
    """Return a stack that needs the network's id."""
    return a_stack("app", parameters={"Vpc": OutputOf("network", "Id")}, resources=resources)


def a_planner(world: World, rollout: Rollout) -> tuple[Preview, ...]:
    """Preview as a plan does: with templates."""
    snapshot = take_snapshot(rollout, world.cloud, world.pool)
    return world.ask(plan(rollout, snapshot), snapshot)


@pytest.mark.parametrize("allowed", [(), ("app/Bucket:remove",)])
def test_a_removal_that_the_templates_show_blocks_before_work_is_done_upstream(
    world: World, allowed: tuple[str, ...]
) -> None:
    """The network is to be made first; that the bucket then goes is known now."""
    before = an_app(Subnet=SUBNET, Bucket=BUCKET)
    world.has(before, template=before.template.text)
    rollout = a_rollout(NETWORK, an_app(Subnet=SUBNET))
    snapshot = take_snapshot(rollout, world.cloud, world.pool)

    previews = world.ask(plan(rollout, snapshot), snapshot, allowed)

    later = by_name(previews)["app"]
    assert isinstance(later, Deferred)
    assert [("TAP001", "Bucket")] == [(each.rule, each.logical_id) for each in later.findings]
    assert (0 if allowed else 4) == code_of(previews)


def test_a_replacement_that_is_only_possible_does_not_block_yet(world: World) -> None:
    """Whether the input comes out different is not known; the real change set is asked."""
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": {"Ref": "Vpc"}}}
    app = an_app(Table=table)
    world.has(app, template=app.template.text)

    previews = a_planner(world, a_rollout(NETWORK, app))

    assert () == by_name(previews)["app"].findings  # type: ignore[union-attr]


def test_what_a_changing_producer_may_change_is_no_surprise(world: World) -> None:
    """The subnet takes the network's id: that it follows was told before anybody agreed."""
    world.has(NETWORK, tags={"old": "yes"}, template=NETWORK.template.text)
    app = an_app(Subnet=SUBNET, Topic={"Type": "AWS::SNS::Topic"})
    world.has(app, parameters={"Vpc": "network-Id"}, tags={"old": "yes"})
    rollout = a_rollout(NETWORK, app)
    snapshot = take_snapshot(rollout, world.cloud, world.pool)
    world.cloud.changes["app"] = ()
    previews = world.ask(plan(rollout, snapshot), snapshot)
    world.cloud.puts_out("network", Id="vpc-new")

    def changes(logical_id: str) -> None:
        kind = "AWS::EC2::Subnet"
        world.cloud.changes["app"] = (a_change(logical_id, "Modify", kind, Replacement.TRUE),)

    changes("Subnet")
    asked = by_name(previews)["app"]
    assert isinstance(asked, Previewed)
    assert ["Subnet"] == [each.logical_id for each in asked.later]
    outcome = world.apply(rollout, previews=previews, strict=True)
    assert {"network": Ending.DONE, "app": Ending.DONE} == endings(outcome)


def test_a_deferred_stack_that_does_more_than_was_shown_is_stopped(world: World) -> None:
    """The bucket is in both templates: its removal was not shown, whoever said yes. (exit 6)"""
    app = an_app(Subnet=SUBNET, Topic={"Type": "AWS::SNS::Topic"})
    world.has(app, template=app.template.text)
    rollout = a_rollout(NETWORK, app)
    previews = a_planner(world, rollout)
    world.cloud.changes["app"] = (a_change("Topic", "Remove", "AWS::SNS::Topic"),)

    outcome = world.apply(rollout, previews=previews, strict=True)

    assert {"network": Ending.DONE, "app": Ending.BLOCKED} == endings(outcome)
    assert 6 == outcome.exit_code
