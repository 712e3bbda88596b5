"""What private_api's settings take, and why they refuse the rest."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.errors import ConfigError
from tests.templates.systems.private_api import REGIONS, front, rollout, settings


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"rollout": "sets"}, 'rollout = "sets"'),
        ({"regions": []}, "names no Region"),
        ({"regions": ["us-east-1", "us-east-1"]}, "more than once"),
        ({"regions": ["mars"]}, "is no Region"),
        ({"name": "Private"}, "cannot start the names of buckets"),
        ({"name": "sthree-x"}, "AWS reserves"),
        ({"name": "a" * 30}, "must be shorter by"),
        ({"vpc_cidr": "10.0.0.0/24"}, "no room for the subnets"),
        ({"vpc_cidr": "10.0.0.0/8"}, "no room for the subnets"),
        ({"vpc_cidr": "10.0.0.0/20", "slash20_subnets": True}, "do not fit"),
        ({"admin_cidr": "10.0.0.5/24"}, "is no IPv4 CIDR block"),
        ({"api_stage": "a b"}, "cannot be the name of a stage"),
        ({"tags": {"aws:x": "y"}}, "cannot be the key of a tag"),
        ({"tags": {"x": "y" * 257}}, "cannot be the value of a tag"),
        ({"tags": {f"k{number}": "" for number in range(41)}}, "are left for you"),
        ({"password_reuse": 25}, "less than or equal to 24"),
        ({"unauthorized_calls_alarm": True}, "cloudtrail is false"),
        ({"alb_front": True}, "missing beside it: hosted_zone_id, domain_name, certificates"),
        ({**front(REGIONS[:2])}, "certificates must name each of the regions"),
        ({**front(REGIONS), "certificates": {"us-east-1": "x"}}, "should match pattern"),
        ({"alarm_email": "nobody"}, "should match pattern"),
        ({"force_destroy": "always"}, "operation"),
        ({"artifacts_name": "x" * 50}, "artifacts_name must be shorter"),
        ({"unknown": 1}, "unknown key"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(keys: dict[str, Any], reason: str) -> None:
    """S1-16, O-21: before any call."""
    with pytest.raises(ConfigError) as caught:
        settings(**keys)

    assert reason in str(caught.value)


def test_a_certificate_serves_its_own_region() -> None:
    """S1-X8: an ARN under another Region's name would fail at the listener."""
    wrong = front(REGIONS) | {"certificates": dict.fromkeys(REGIONS, ARN)}

    with pytest.raises(ConfigError, match="a certificate serves one Region"):
        settings(**wrong)


ARN = "arn:aws:acm:us-east-1:111122223333:certificate/x"


def test_the_longest_name_still_fits() -> None:
    """S1-12, C-2: the bucket's name has exactly 63 characters in the Region with the longest."""
    name = "a" * 23
    made = settings(name=name)

    longest = made.secure_bucket.replace("${AWS::Region}", "eu-central-1")
    assert len(f"{longest}-111122223333") == 63
    with pytest.raises(ConfigError, match="shorter by 1"):
        settings(name=f"{name}a")


def test_subnets_follow_the_vpcs_block() -> None:
    """S1-4, S1-X5: the second and third /24 of the VPC, or its first four /20."""
    made = settings(vpc_cidr="172.16.0.0/16")

    assert made.subnets == ("172.16.1.0/24", "172.16.2.0/24")
    assert made.wide_subnets[3] == "172.16.48.0/20"


def test_one_region_is_enough() -> None:
    """S1-1: no empty phase stands in the plan."""
    wanted = rollout(regions=["eu-west-1"], password_policy="operation", manage_api_account=False)

    assert [phase.name for phase in wanted.phases] == ["first"]
    assert {stack.target.region for stack in wanted.stacks} == {"eu-west-1"}
