"""What people ask of a stack set's instances is read from their own stacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tapcfn.bundle import compare, write
from tapcfn.bundle import read as read_bundle
from tapcfn.cli.instance_outputs import read
from tapcfn.cli.outputs import outputs_of, unit_outputs
from tapcfn.errors import CloudError, TemplateError
from tapcfn.model import (
    AccountFilter,
    AutoDeployment,
    DeployedSet,
    DetailedStatus,
    FoundSet,
    Gate,
    Instance,
    InstanceStatus,
    Organization,
    OutputOf,
    Phase,
    Preferences,
    Rollout,
    SelfManaged,
    ServiceManaged,
    Share,
    Snapshot,
    StackSet,
    Target,
    Wave,
    ZoneOf,
)
from tapcfn.model.gates import AlarmCheck, ApprovalCheck
from tapcfn.plan import plan
from tapcfn.report.graph import draw, mermaid
from tests.fakes import HOME, World, a_deployed, a_stack, a_template

ONE, TWO = Target("222222222222", "eu-west-1"), Target("333333333333", "eu-west-1")
SET = StackSet("base", HOME, a_template("base"), frozenset({ONE, TWO}))
OUTPUTS = {
    "net": OutputOf("network", "Id"),
    "one": OutputOf("base", "Id", ONE),
    "two": OutputOf("base", "Id", TWO),
}


def a_wanted(*sets: StackSet, **outputs: OutputOf) -> Rollout:
    """Return a rollout of a stack and these sets."""
    phases = (Phase("first", (a_stack(),)), Phase("sets", (), sets or (SET,)))
    return Rollout("blue", "test", phases, outputs)


def test_instances_are_read_by_their_stack_id_and_a_blind_spot_is_told():
    """What cannot be read is left out, and the rest is there, in the rollout's order."""
    world, wanted = World(), a_wanted(**OUTPUTS)
    world.has(a_stack())
    stack = a_stack("StackSet-base-1", target=ONE)
    deployed = world.cloud.has(stack, a_deployed(stack))
    far = a_stack("StackSet-base-2", target=TWO)
    world.cloud.fault("stack", far.name, error=CloudError("no", code="AccessDenied"))
    well = (InstanceStatus.CURRENT, DetailedStatus.SUCCEEDED)
    instances = {
        ONE: Instance(ONE, *well, stack_id=deployed.stack_id),
        TWO: Instance(TWO, *well, stack_id=world.cloud.has(far, a_deployed(far)).stack_id),
    }
    found = FoundSet(DeployedSet("base", "id", "{}"), instances)
    snapshot = replace(world.snapshot(wanted), sets={"base": found})

    told, faults = read(wanted, snapshot, world.cloud, world.pool)

    assert list(outputs_of(wanted, snapshot, told)) == ["net", "one"]
    assert outputs_of(wanted, snapshot, told)["one"] == deployed.outputs["Id"]
    assert len(faults) == 1
    assert faults[0].startswith(f"base in {TWO}: its outputs cannot be read")


def test_a_file_of_all_outputs_has_those_of_instances_that_nobody_named():
    """By set and place; without that, nothing is read for them."""
    world, wanted = World(), a_wanted()
    stack = a_stack("StackSet-base-1", target=ONE)
    deployed = world.cloud.has(stack, a_deployed(stack))
    well = (InstanceStatus.CURRENT, DetailedStatus.SUCCEEDED)
    instances = {ONE: Instance(ONE, *well, stack_id=deployed.stack_id)}
    found = FoundSet(DeployedSet("base", "id", "{}"), instances)
    snapshot = replace(world.snapshot(wanted), sets={"base": found})

    told, _ = read(wanted, snapshot, world.cloud, world.pool, every=True)

    (unit,) = unit_outputs(wanted, snapshot, told)
    assert ("base", ONE, deployed.outputs) == (unit.stack, unit.target, unit.values)
    assert {} == read(wanted, snapshot, world.cloud, world.pool)[0]


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        (OutputOf("base", "Nothing", ONE), "has no such output"),
        (OutputOf("base", "Id", HOME), "has no such target"),
        (OutputOf("network", "Id", HOME), "is no stack set of the rollout"),
    ],
)
def test_an_output_that_no_instance_has_is_refused(output: OutputOf, fault: str):
    """Before any call, with the words that name it."""
    with pytest.raises(TemplateError, match=fault):
        plan(a_wanted(wrong=output), Snapshot())


def test_no_stack_is_fed_by_an_instance():
    """The service makes instances: nothing can wait for one of them."""
    fed = a_stack("app", parameters={"Id": OutputOf("network", "Id", HOME)})
    wanted = Rollout("blue", "test", (Phase("all", (a_stack(), fed)),))

    with pytest.raises(TemplateError, match="is not part of the rollout"):
        plan(wanted, Snapshot())


# Bundles and pictures -----------------------------------------------------------------------------

TOLD = StackSet(
    "told",
    HOME,
    a_template("told", parameters=["A", "B"]),
    frozenset({ONE, TWO}),
    parameters={"A": OutputOf("network", "Id")},
    overrides={ONE: {"B": ZoneOf(1)}, TWO: {"B": "b"}},
    tags={"team": "a"},
    permission=SelfManaged(f"arn:aws:iam::{HOME.account}:role/Admin", "Exec"),
    preferences=Preferences(("eu-west-1",), True, Share(10, percent=True), Share(2), True),
    waves=(
        Wave("canary", frozenset({ONE}), (Gate("ok", ApprovalCheck("go on?"), 1.0),), 5.0),
        Wave("rest", Share(50, percent=True), (Gate("quiet", AlarmCheck(HOME, ("a", "b"))),)),
    ),
    queues=True,
    retain=True,
)
MANAGED = StackSet(
    "managed",
    HOME,
    a_template("managed"),
    organization=Organization(
        ("ou-1", "ou-2"), ("eu-west-1",), AccountFilter.DIFFERENCE, frozenset({"1" * 12, "2" * 12})
    ),
    permission=ServiceManaged(True, AutoDeployment(True, ("told",))),
)


def test_a_bundle_keeps_stack_sets_to_the_last_word(tmp_path: Path):
    """What is read again is what was written, phases without stacks included."""
    wanted = a_wanted(SET, TOLD, MANAGED, **OUTPUTS)
    write(wanted, tmp_path / "one")
    write(wanted, tmp_path / "two")

    assert read_bundle(tmp_path / "one").rollout == wanted
    assert (tmp_path / "one/manifest.json").read_bytes() == (
        tmp_path / "two/manifest.json"
    ).read_bytes()


def test_two_bundles_differ_in_what_a_set_is_told(tmp_path: Path):
    """The smallest part that differs is named, and a set that went as well."""
    write(a_wanted(SET, TOLD), tmp_path / "old")
    write(a_wanted(replace(TOLD, retain=False)), tmp_path / "new")
    found = compare(read_bundle(tmp_path / "old"), read_bundle(tmp_path / "new"))

    assert [(each.where, each.kind, each.path) for each in found] == [
        ("base.json", "removed", ()),
        ("base", "removed", ()),
        ("told", "changed", ("retain_stacks",)),
    ]


def test_a_stack_set_is_drawn_where_its_instances_are():
    """With what feeds it."""
    text = mermaid(draw(a_wanted(TOLD, MANAGED)))

    assert "stack set: 2 accounts, eu-west-1" in text
    assert "stack set: units ou-1, ou-2, eu-west-1" in text
    assert "s0 --> s1" in text
