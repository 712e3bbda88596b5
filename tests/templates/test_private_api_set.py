"""The Regions of private_api as one stack set: the same template and values, its own roles."""

from __future__ import annotations

from tapcfn.lint import lint
from tapcfn.model import OutputOf, SelfManaged, Share, Snapshot, Target, ZoneOf
from tapcfn.plan import plan
from tapcfn.replacement import permissions
from tapcfn.schemas import is_action
from tests.templates.systems import ACCOUNT
from tests.templates.systems.private_api import REGIONS, front, rollout

SET = {"rollout": "stackset"}


def test_s1_1_the_regions_are_one_stack_set_the_first_one_first():
    """S1-1: account before regions; the template's bytes are those of the stacks; none may fail."""
    wanted, usual = rollout(**SET), rollout()
    (regions,) = wanted.stack_sets
    (text,) = {each.template.text for each in usual.stacks if each.template.layer == "regional"}

    assert [phase.name for phase in wanted.phases] == ["account", "regions"]
    assert regions.template.text == text
    assert regions.pairs == {Target(ACCOUNT, region) for region in REGIONS}
    assert regions.home == Target(ACCOUNT, REGIONS[0])
    assert regions.preferences.region_order == REGIONS
    assert regions.preferences.tolerance == Share(0)
    assert regions.queues
    assert plan(wanted, Snapshot()).has_work


def test_each_region_is_told_what_its_stack_would_be_told():
    """Zones, certificates and the home Region, as overrides of each pair or for all."""
    keys = {"cloudtrail": True, **front(REGIONS)}
    (regions,) = rollout(**SET, **keys).stack_sets
    stacks = [each for each in rollout(**keys).stacks if each.template.layer == "regional"]

    for stack in stacks:
        assert {**regions.parameters, **regions.overrides[stack.target]} == stack.parameters
    assert ZoneOf(1) in next(iter(regions.overrides.values())).values()


def test_s1_15_people_ask_each_instance_for_its_outputs():
    """S1-15: by the names that the stacks' outputs have."""
    wanted = rollout(**SET)
    (regions,) = wanted.stack_sets

    assert list(wanted.outputs) == list(rollout().outputs)
    there = OutputOf(regions.name, "VpcId", Target(ACCOUNT, "us-west-2"))
    assert wanted.outputs["vpcs.us-west-2"] == there


def test_its_roles_are_made_first_and_may_what_the_resources_need():
    """An own stack in the account's phase, by the names that the set knows them by."""
    wanted = rollout(**SET)
    (regions,) = wanted.stack_sets
    (roles,) = (each for each in wanted.stacks if each.template.layer == "stackset-roles")
    resources = roles.template.document["Resources"]
    names = [each["Properties"].get("RoleName") for each in resources.values()]
    actions = {
        action
        for key, each in resources.items()
        if key.startswith("Handlers")
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }

    assert roles in wanted.phases[0].stacks
    assert isinstance(regions.permission, SelfManaged)
    assert regions.permission.administration_role == (
        f"arn:aws:iam::{ACCOUNT}:role/private-api-stackset-administration"
    )
    assert {name for name in names if name} == {
        "private-api-stackset-administration",
        "private-api-stackset-execution",
    }
    assert regions.permission.execution_role in names
    assert actions == {
        action
        for kind in regions.template.resources.values()
        for action in permissions(kind)
        if is_action(action)
    }
    assert lint([roles]) == ()
