"""Plan files: what was reviewed is what is applied, or nothing is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapcfn import orphans, saved
from tapcfn.errors import StaleError, TapcfnError, UsageError
from tapcfn.model import (
    Ending,
    OutputOf,
    Replacement,
    Rollout,
    Severity,
    StackStatus,
    canonical,
    digest_of,
)
from tapcfn.plan import Plan, Verb
from tapcfn.preview import Deferred, Preview, Previewed
from tests.fakes import (
    AWAY,
    World,
    a_change,
    a_change_set,
    a_deployed,
    a_rollout,
    a_stack,
    a_template,
)
from tests.fakes.world import endings

SECRET = "hunter2-hunter2"
NETWORK = a_stack("network", parameters={"Password": SECRET}, tags={"t": "1"})
APP = a_stack("app", target=AWAY, parameters={"Vpc": OutputOf("network", "Id")})
STILL = a_stack("still")
ROLLOUT = a_rollout(phases={"base": [NETWORK, STILL], "rest": [APP]})
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
ABOUT = saved.About("1.2.3", "c0ffee", NOON)


@pytest.fixture
def world() -> World:
    """Return a cloud in which one stack is as wanted, one changes and one is new."""
    world = World()
    world.has(STILL)
    world.has(NETWORK, tags={"old": "yes"})
    return world


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where plan files are kept."""
    return tmp_path / "plan.json"


def save(world: World, path: Path, rollout: Rollout = ROLLOUT, *allowed: str) -> Any:
    """Plan, preview, and write the file; return the previews."""
    snapshot = world.snapshot(rollout)
    planned = world.plan(rollout)
    previews = world.ask(planned, snapshot, allowed)
    path.write_text(saved.dump(planned, previews, frozenset(allowed), ABOUT), encoding="utf-8")
    return previews


def restore(world: World, path: Path, rollout: Rollout = ROLLOUT) -> tuple[Preview, ...]:
    """Do what another process does with the file."""
    return saved.restore(saved.load(path), world.plan(rollout), world.cloud, world.pool)


def edit(path: Path, change: Callable[[dict[str, Any]], object], *, forge: bool = False) -> None:
    """Change the file; with `forge`, put its digest right."""
    body = json.loads(path.read_text(encoding="utf-8"))
    change(body)
    if forge:
        del body["digest"]
        body["digest"] = digest_of(canonical(body))
    path.write_text(json.dumps(body), encoding="utf-8")


def test_what_was_saved_comes_back(world: World, path: Path) -> None:
    """The same change sets, the same objections, the same unknown inputs. (D-14)"""
    before = save(world, path)
    after = restore(world, path)

    assert [(Previewed, "network"), (Previewed, "app")] == [
        (type(each), each.step.stack.name) for each in after
    ]
    assert [(each.staged, each.findings, each.provisional) for each in before] == [
        (each.staged, each.findings, each.provisional)
        for each in after
        if isinstance(each, Previewed)
    ]


def test_what_is_deferred_comes_back_deferred(path: Path) -> None:
    """The inputs that were not known are named again."""
    world = World()
    save(world, path)

    deferred = [each for each in restore(world, path) if isinstance(each, Deferred)]

    assert [("app", (OutputOf("network", "Id"),))] == [
        (each.step.stack.name, each.unknown) for each in deferred
    ]


def test_inputs_that_may_still_change_come_back(world: World, path: Path) -> None:
    """The consumer's change set was made with the old value, and still is known to be."""
    world.has(APP, parameters={"Vpc": "network-Id"}, tags={"old": "yes"})
    save(world, path)

    app = {each.step.stack.name: each for each in restore(world, path)}["app"]

    assert isinstance(app, Previewed)
    assert (OutputOf("network", "Id"),) == app.provisional


def test_an_empty_change_set_is_asked_for_again_when_its_turn_comes(
    world: World, path: Path
) -> None:
    """It was removed, so there is nothing to read."""
    world.has(APP, parameters={"Vpc": "network-Id"})
    save(world, path)

    assert ["network"] == [each.step.stack.name for each in restore(world, path)]


def test_exactly_what_was_reviewed_is_applied(world: World, path: Path) -> None:
    """By another process; nothing is staged again but what could not be asked before. (R-16)"""
    save(world, path)
    staged = world.cloud.count("stage", "network")

    outcome = world.apply(ROLLOUT, previews=restore(world, path), strict=True)

    assert {"network": Ending.DONE, "still": Ending.UNCHANGED, "app": Ending.DONE} == endings(
        outcome
    )
    assert staged == world.cloud.count("stage", "network")


def test_restoring_writes_nothing(world: World, path: Path) -> None:
    """It reads each change set once."""
    save(world, path)
    before = len(world.cloud.writes)

    restore(world, path)

    assert before == len(world.cloud.writes)
    assert 2 == world.cloud.count("change_set")


def test_the_file_says_what_it_is_a_plan_for(world: World, path: Path) -> None:
    """Blueprint and stage, so that nobody has to type them again; and what was allowed."""
    save(world, path, ROLLOUT, "network/B", "network/A")

    read = saved.load(path)

    assert ("blue", "test", frozenset({"network/A", "network/B"})) == (
        read.blueprint,
        read.stage,
        read.allowed,
    )


def test_no_parameter_value_is_in_the_file(world: World, path: Path) -> None:
    """Digests stand in for what could be secret."""
    save(world, path)
    text = path.read_text(encoding="utf-8")

    assert SECRET not in text
    assert "network-Id" not in text


def test_the_same_plan_gives_the_same_bytes(world: World, path: Path) -> None:
    """No random number is in it, and no time but when it runs out."""
    snapshot, planned = world.snapshot(ROLLOUT), world.plan(ROLLOUT)
    previews = world.ask(planned, snapshot)

    texts = {saved.dump(planned, previews, frozenset(), ABOUT) for _ in range(2)}

    assert 1 == len(texts)


def test_allowances_travel_with_the_plan(world: World, path: Path) -> None:
    """They are part of what was reviewed."""
    storage = a_stack("storage", resources={"Bucket": "AWS::S3::Bucket"})
    world.has(storage, tags={"old": "yes"})
    world.cloud.changes["storage"] = (a_change(replacement=Replacement.TRUE),)
    rollout = a_rollout(storage)
    save(world, path, rollout, "storage/Bucket")

    (preview,) = restore(world, path, rollout)

    assert isinstance(preview, Previewed)
    assert [Severity.INFO] == [each.severity for each in preview.findings]


def test_a_reviewer_finds_what_was_planned_by_whom_and_why(world: World, path: Path) -> None:
    """Tool, commit, last moment; of each stack wave, reason, time and what the guard said."""
    storage = a_stack("storage", resources={"Bucket": "AWS::S3::Bucket"})
    done = {"UPDATE_STACK": "op-2", "CREATE_CHANGESET": "op-3"}
    world.has(storage, tags={"old": "yes"}, updated="t7", operations=done)
    world.cloud.changes["storage"] = (a_change(replacement=Replacement.TRUE),)
    save(world, path, a_rollout(storage), "storage/Bucket")

    body = json.loads(path.read_text(encoding="utf-8"))
    unit = body["units"]["storage"]

    assert ("1.2.3", "c0ffee", "2026-05-04T12:00:00+00:00") == (
        body["tool"],
        body["commit"],
        body["expires"],
    )
    assert ("all", 1, "tags differ", "t7") == tuple(
        unit[key] for key in ("phase", "wave", "reason", "updated")
    )
    assert {"UPDATE_STACK": "op-2"} == unit["operations"]
    assert [("TAP001", "info", "Bucket", "storage/Bucket")] == [
        (each["rule"], each["severity"], each["resource"], each["allowed_by"])
        for each in unit["guard"]
    ]


@pytest.mark.parametrize(("late", "stale"), [(-1, False), (0, True), (3600, True)])
def test_a_plan_runs_out(world: World, path: Path, late: int, stale: bool) -> None:
    """Exit 6, with both clocks: they may be two machines'. (X-23)"""
    save(world, path)
    now = NOON + timedelta(seconds=late)

    if not stale:
        saved.check_fresh(saved.load(path), now)
        return
    with pytest.raises(StaleError) as caught:
        saved.check_fresh(saved.load(path), now)
    assert NOON.isoformat() in str(caught.value)
    assert f"here it is {now.isoformat()}" in str(caught.value)


def test_a_stack_that_was_worked_on_is_stale_though_its_time_is_the_same(
    world: World, path: Path
) -> None:
    """Its last operation is another one; the staging of change sets is none, nor is forgetting."""
    world.has(NETWORK, tags={"old": "yes"}, operations={"UPDATE_STACK": "op-1"})
    save(world, path)

    more = {"UPDATE_STACK": "op-1", "CREATE_CHANGESET": "op-2"}
    staged = world.cloud.standing
    fresh = world.snapshot(ROLLOUT).stacks["network"]
    assert "network" in staged
    world.cloud.life(fresh.stack_id).deployed = replace(fresh, operations=more)
    restore(world, path)

    world.cloud.life(fresh.stack_id).deployed = replace(fresh, operations={"UPDATE_STACK": "op-9"})
    text = re.escape("network: has changed since the plan was saved (UPDATE_STACK op-9)")
    with pytest.raises(StaleError, match=f"^{text}$"):
        restore(world, path)


# Orphans that go ----------------------------------------------------------------------------------

OURS = {"tapcfn:blueprint": "blue", "tapcfn:stage": "test"}
OLD = a_stack("old", tags=OURS, resources={"Data": "AWS::S3::Bucket"})
HELD = {"old@us-east-1": (("Data", "AWS::S3::Bucket", "old-Data", False),)}


def save_removal(world: World, path: Path) -> Plan:
    """Save a plan that also takes an orphan away."""
    world.has(OLD)
    snapshot = world.snapshot(ROLLOUT)
    planned = orphans.with_removal(world.plan(ROLLOUT), snapshot.orphans, world.cloud)
    about = replace(ABOUT, buckets=frozenset({"old-Data"}), holdings=HELD)
    text = saved.dump(planned, world.ask(planned, snapshot), frozenset({"old/Data"}), about)
    path.write_text(text, encoding="utf-8")
    return planned


def test_the_removal_of_an_orphan_is_saved_with_what_it_takes(world: World, path: Path) -> None:
    """Which stack, at which moment, what is in it, and what may be emptied and lost."""
    save_removal(world, path)

    read = saved.load(path)

    unit = read.units["old@us-east-1"]
    assert ("delete", "the rollout no longer has it", "t1") == (
        unit["verb"],
        unit["reason"],
        unit["updated"],
    )
    assert [["Data", "AWS::S3::Bucket", "old-Data", False]] == unit["holdings"]
    assert ({"old-Data"}, False, {"old/Data"}) == (read.buckets, read.lift_protection, read.allowed)
    assert {"network", "still", "app"} == read.stacks


def restore_removal(world: World, path: Path, *begun: str) -> Plan:
    """Do what another process does with such a file; return its plan."""
    read, snapshot = saved.load(path), world.snapshot(ROLLOUT)
    going = saved.going(read, snapshot.orphans, frozenset(begun))
    planned = orphans.with_removal(world.plan(ROLLOUT), going, world.cloud)
    saved.restore(read, planned, world.cloud, world.pool, frozenset(begun))
    return planned


def test_exactly_the_saved_orphans_go(world: World, path: Path) -> None:
    """One that has come since stays."""
    planned = save_removal(world, path)
    world.has(a_stack("newer", tags=OURS))

    assert [step.stack.name for step in planned.steps] == [
        step.stack.name for step in restore_removal(world, path).steps
    ]


def test_an_orphan_that_moved_or_is_gone_makes_the_plan_stale(world: World, path: Path) -> None:
    """Exit 6 names it; one that this plan itself has taken away is done."""
    save_removal(world, path)

    world.has(OLD, updated="t2")
    with pytest.raises(StaleError, match="^old@us-east-1: has changed since the plan was saved$"):
        restore_removal(world, path)

    world.has(OLD, status=StackStatus.DELETE_COMPLETE)
    with pytest.raises(StaleError, match="^old@us-east-1: is gone since the plan was saved$"):
        restore_removal(world, path)
    assert [] == [
        step for step in restore_removal(world, path, "old@us-east-1").steps
        if step.stack.name.startswith("old")
    ]  # fmt: skip


def test_a_deletion_that_has_begun_is_gone_on_with(world: World, path: Path) -> None:
    """The stack is still there, as it was when the plan was saved; its token says the rest."""
    save_removal(world, path)
    world.has(OLD, status=StackStatus.DELETE_FAILED)

    planned = restore_removal(world, path, "old@us-east-1")

    assert Verb.DELETE is planned.steps[-1].verb


def test_an_orphan_that_holds_something_else_by_now_makes_the_plan_stale(
    world: World, path: Path
) -> None:
    """What would be lost is what was reviewed."""
    save_removal(world, path)
    read = saved.load(path)

    saved.check_holdings(read, ["old@us-east-1"], HELD)
    more = {"old@us-east-1": (*HELD["old@us-east-1"], ("T", "AWS::DynamoDB::Table", "t", False))}
    for holdings in (more, {}):
        with pytest.raises(StaleError, match="^old@us-east-1: no longer holds what it held"):
            saved.check_holdings(read, ["old@us-east-1"], holdings)


# Files that are none ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"7", b'"text"', b"null", b"{}", b'{"digest": "x"}', b"\xff\xfe"],
)
def test_what_is_no_plan_file_is_a_mistake_of_usage(path: Path, content: bytes) -> None:
    """Exit 2, with the file's name."""
    path.write_bytes(content)

    with pytest.raises(UsageError, match=r"plan\.json: is no plan file"):
        saved.load(path)


def test_a_plan_file_that_is_not_there_is_told_so(path: Path) -> None:
    """It was never a plan file."""
    with pytest.raises(UsageError, match=r"plan\.json: does not exist; `plan --out FILE`"):
        saved.load(path)


def test_a_plan_file_of_another_version_is_not_guessed_at(world: World, path: Path) -> None:
    """Whether or not its digest is right."""
    save(world, path)
    edit(path, lambda body: body.update(schema=1))

    with pytest.raises(UsageError) as caught:
        saved.load(path)

    assert f"{path}: is a plan file of version 1; this is version 2" == str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.update(stage="prod"),
        lambda body: body.update(rollout="0" * 64),
        lambda body: body.update(more=1),
        lambda body: body["allowed"].append("network/Bucket"),
        lambda body: body["units"]["network"].update(change_set="arn:other"),
        lambda body: body["units"]["network"].update(base="0" * 64),
        lambda body: body["units"].pop("still"),
        lambda body: body.update(expires="2999-01-01T00:00:00+00:00"),
        lambda body: body.update(lift_protection=True),
        lambda body: body["empty_buckets"].append("mine"),
        lambda body: body.update(digest="0" * 64),
        lambda body: body.update(digest=None),
    ],
)
def test_a_file_that_was_changed_is_stale(
    world: World, path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    """Whatever was changed in it, an allowance above all."""
    save(world, path)
    edit(path, change)

    with pytest.raises(StaleError) as caught:
        saved.load(path)

    assert f"{path}: was changed after it was saved" == str(caught.value)


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_byte_can_be_changed_unseen(world: World, path: Path, data: st.DataObject) -> None:
    """The file is refused, or it says the same as before (a blank more, say)."""
    whole = path.with_suffix(".whole")
    if not whole.exists():
        save(world, whole)
    raw = bytearray(whole.read_bytes())
    before = saved.load(whole)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(raw))

    try:
        after = saved.load(path)
    except TapcfnError:
        return

    assert before == after


def test_a_file_whose_layout_was_changed_is_the_same_plan(world: World, path: Path) -> None:
    """The digest is that of what it says, not of its blanks."""
    save(world, path)
    edit(path, lambda body: None)

    assert ["network", "app"] == [each.step.stack.name for each in restore(world, path)]


# Plans that are stale -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rollout",
    [
        a_rollout(phases={"base": [NETWORK, STILL], "rest": [replace(APP, tags={"new": "1"})]}),
        a_rollout(phases={"base": [NETWORK, STILL]}),
        a_rollout(
            phases={
                "base": [
                    replace(NETWORK, parameters={"Password": "another"}),
                    STILL,
                ],
                "rest": [APP],
            }
        ),
        a_rollout(
            phases={
                "base": [NETWORK, replace(STILL, template=a_template(version="2"))],
                "rest": [APP],
            }
        ),
    ],
    ids=["tags", "stack", "parameter", "template"],
)
def test_changed_settings_make_a_plan_stale(world: World, path: Path, rollout: Rollout) -> None:
    """What would be applied is no longer what was reviewed: exit 6."""
    save(world, path)

    with pytest.raises(StaleError) as caught:
        restore(world, path, rollout)

    assert (
        "the settings or the templates have changed since the plan was saved; "
        "`plan --out FILE` makes a new one to review"
    ) == str(caught.value)


def test_another_account_in_the_settings_makes_a_plan_stale(world: World, path: Path) -> None:
    """The same stacks elsewhere are not what was reviewed: exit 6. (D-14)"""
    save(world, path)
    there = replace(AWAY, account="999999999999")
    stacks = (replace(each, target=there) for each in ROLLOUT.stacks)

    with pytest.raises(StaleError, match="the settings or the templates have changed"):
        restore(world, path, a_rollout(*stacks))


def test_every_stack_that_moved_is_named(world: World, path: Path) -> None:
    """Somebody else was faster."""
    save(world, path)
    world.cloud.has(NETWORK, a_deployed(NETWORK, updated="t2", tags={"old": "yes"}))
    world.cloud.has(STILL, a_deployed(STILL, updated="t3"))

    with pytest.raises(StaleError) as caught:
        restore(world, path)

    assert (
        "network: has changed since the plan was saved; still: has changed since the plan was saved"
        == str(caught.value)
    )


@pytest.mark.parametrize(("protected", "saved_protected"), [(True, False), (False, True)])
def test_protection_that_was_settled_meanwhile_is_no_reason_to_refuse(
    world: World, path: Path, protected: bool, saved_protected: bool
) -> None:
    """The stack has one thing less, or one thing more, to be done, and its base is the same."""
    guarded = a_stack("guarded", protect=True)
    world.has(guarded, protected=saved_protected)
    rollout = a_rollout(guarded)
    save(world, path, rollout)
    world.has(guarded, protected=protected)

    assert () == restore(world, path, rollout)


def test_a_step_that_became_another_is_named(world: World, path: Path) -> None:
    """The same stack at the same moment is now to be made again."""
    save(world, path)
    world.has(NETWORK, status=StackStatus.ROLLBACK_COMPLETE)

    with pytest.raises(StaleError) as caught:
        restore(world, path)

    assert "network: the plan says update, and now it would be recreate" == str(caught.value)


@pytest.mark.parametrize("execution", ["OBSOLETE", "UNAVAILABLE", "EXECUTE_COMPLETE"])
def test_a_change_set_that_cannot_be_carried_out_makes_a_plan_stale(
    world: World, path: Path, execution: str
) -> None:
    """The word is CloudFormation's. (X-18)"""
    save(world, path)
    world.cloud.remade("network", execution)

    with pytest.raises(StaleError) as caught:
        restore(world, path)

    assert f"network: its change set is {execution}" == str(caught.value)


def test_a_change_set_that_is_gone_makes_a_plan_stale(world: World, path: Path) -> None:
    """Executed by others, or removed; all that are gone are named."""
    other = a_stack("other")
    world.has(other, tags={"old": "yes"})
    rollout = a_rollout(NETWORK, other)
    world.discard(save(world, path, rollout))

    with pytest.raises(StaleError) as caught:
        restore(world, path, rollout)

    assert "network: its change set is gone; other: its change set is gone" == str(caught.value)


def test_a_plan_that_lacks_a_stack_is_stale(world: World, path: Path) -> None:
    """Even where the digest was forged."""
    save(world, path)
    edit(path, lambda body: body["units"].pop("network"), forge=True)

    with pytest.raises(StaleError, match="network: was not part of the plan"):
        restore(world, path)


def test_a_plan_that_was_applied_cannot_be_applied_again(world: World, path: Path) -> None:
    """The stacks have moved on."""
    save(world, path)
    world.apply(ROLLOUT, previews=restore(world, path))

    with pytest.raises(StaleError, match="network: has changed since the plan was saved"):
        restore(world, path)


def test_a_nested_change_set_that_is_another_one_is_stale(tmp_path: Path) -> None:
    """It is saved with the way to it, and read again with the rest. (R-11)"""
    world, outer = World(), a_stack("outer")
    world.has(outer, tags={"old": "yes"})
    kind = "AWS::CloudFormation::Stack"

    def holds(name: str) -> None:
        inner = a_change_set(a_change("Topic", "Add"), stack=name)
        deep = a_change_set(a_change("Deep", "Modify", kind, nested=inner), stack="middle")
        world.cloud.changes["outer"] = (a_change("Inner", "Modify", kind, nested=deep),)

    holds("first")
    rollout = a_rollout(outer)
    snapshot, planned = world.snapshot(rollout), world.plan(rollout)
    file = tmp_path / "plan.json"
    file.write_text(saved.dump(planned, world.ask(planned, snapshot), frozenset(), ABOUT))
    read = saved.load(file)
    assert {"Inner": "arn:changeSet/middle", "Inner/Deep": "arn:changeSet/first"} == (
        read.units["outer"]["nested"]
    )
    assert saved.restore(read, planned, world.cloud, world.pool)

    other = world.cloud._alive("outer")
    holds("second")
    for each in other.change_sets.values():
        each.answer = replace(each.answer, changes=world.cloud.changes["outer"])

    with pytest.raises(StaleError, match="^outer/Inner/Deep: no longer the nested change set"):
        saved.restore(read, planned, world.cloud, world.pool)
