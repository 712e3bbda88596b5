"""The account baseline: two stack sets, no name twice, and whose roles they are deployed with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tapcfn.bootstrap import bootstrap
from tapcfn.errors import ConfigError
from tapcfn.lint import lint
from tapcfn.model import SelfManaged, ServiceManaged, Snapshot, StackSet, Target
from tapcfn.plan import plan
from tests.templates.systems import ACCOUNT
from tests.templates.systems.baseline import ACCOUNTS, SYSTEM, UNITS

REGIONS = ("us-east-1", "us-west-2", "eu-central-1")

# What an account has one of, whatever the Region: a second stack would fail or undo the first.
ONCE = {"AWS::CloudTrail::Trail", "AWS::IAM::AccountAlias"}
# Names that count in all Regions of an account, or in the world.
GLOBAL = {"AWS::S3::Bucket": "BucketName", "AWS::IAM::Role": "RoleName"}


def sets(**keys: Any) -> Mapping[str, StackSet]:
    """Return the stack sets by their layer."""
    return {each.template.layer: each for each in SYSTEM.rollout(**keys).stack_sets}


def test_what_an_account_has_one_of_stands_in_its_home_region_only():
    """The trail covers all Regions from there, and the password policy is no Region's."""
    found = sets(target_accounts=list(ACCOUNTS))

    assert found["account"].pairs == {Target(each, "us-east-1") for each in ACCOUNTS}
    assert found["region"].pairs == {
        Target(each, region) for each in ACCOUNTS for region in REGIONS
    }
    assert ONCE & set(found["account"].template.resources.values())
    assert not ONCE & set(found["region"].template.resources.values())
    trail = found["account"].template.document["Resources"]["Trail"]["Properties"]
    assert trail["IsMultiRegionTrail"] is True


def test_no_name_collides_between_regions_or_accounts():
    """What is named in all Regions has its Region in the name, or no name."""
    for each in sets().values():
        for resource in each.template.document["Resources"].values():
            said = resource.get("Properties", {}).get(GLOBAL.get(resource["Type"], ""))
            if said is not None:
                assert "${AWS::Region}" in said["Fn::Sub"]
                assert "${AWS::AccountId}" in said["Fn::Sub"]


def test_iam_is_recorded_in_one_region():
    """The set's parameter tells which; every Region has the same template."""
    region = sets()["region"]
    recorder = region.template.document["Resources"]["ConfigRecorder"]["Properties"]

    assert recorder["RecordingGroup"]["IncludeGlobalResourceTypes"] == {
        "Fn::If": ["IsHome", True, False]
    }
    assert region.parameters == {"HomeRegion": "us-east-1"}


def test_accounts_are_served_by_roles_of_the_baseline():
    """bootstrap makes them: one to administer, one in each account."""
    wanted = SYSTEM.rollout(target_accounts=list(ACCOUNTS))
    roles = SelfManaged(
        f"arn:aws:iam::{ACCOUNT}:role/baseline-administration", "baseline-execution"
    )
    stacks = bootstrap(wanted, SYSTEM.settings()).stacks

    assert {each.permission for each in wanted.stack_sets} == {roles}
    assert sorted(each.target.account for each in stacks) == [ACCOUNT, *ACCOUNTS]
    assert plan(wanted, Snapshot()).has_work


@pytest.mark.lint
def test_the_roles_of_the_baseline_are_clean():
    """cfn-lint has nothing to say of what bootstrap makes."""
    wanted = SYSTEM.rollout(target_accounts=list(ACCOUNTS))

    assert lint(bootstrap(wanted, SYSTEM.settings()).stacks) == ()


def test_units_are_served_by_roles_of_the_service():
    """With accounts that join later, unless that is not wanted."""
    for each in sets(**UNITS).values():
        assert isinstance(each.permission, ServiceManaged)
        assert each.permission.auto is not None
        assert each.organization is not None
        assert each.organization.units == ("ou-ab12-c3d4e5f6",)
        assert each.pairs == frozenset()
    for each in sets(**UNITS, auto_deployment=False, delegated_administrator=True).values():
        assert each.permission == ServiceManaged(delegated=True, auto=None)


def test_without_targets_the_administrator_gets_it_itself():
    """The smallest settings are good for something."""
    assert sets()["account"].pairs == {Target(ACCOUNT, "us-east-1")}


def test_regions_go_in_the_order_in_which_they_are_named():
    """Unless the preferences say otherwise; each set names its own only."""
    usual = sets()
    turned = sets(preferences={"region_order": ["eu-central-1"]})

    assert usual["region"].preferences.region_order == REGIONS
    assert usual["account"].preferences.region_order == ("us-east-1",)
    assert turned["region"].preferences.region_order == ("eu-central-1",)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({**UNITS, "target_accounts": list(ACCOUNTS)}, "allowed: one of them"),
        ({"delegated_administrator": True}, "there are no organizational_units"),
        ({"regions": ["us-east-1", "us-east-1"]}, "one of them twice"),
        ({"regions": []}, "names no Region"),
        ({"default_groups": "", "aws_config": False}, "nothing is left for a Region"),
        ({"cloudtrail": False, "password_policy": False}, "nothing is left for an account"),
        ({"name": "n" * 21}, "name = "),
    ],
)
def test_settings_that_contradict_each_other_are_refused(keys: Mapping[str, Any], fault: str):
    """By name, before any call."""
    with pytest.raises(ConfigError, match=fault):
        SYSTEM.settings(**keys)
