"""The private API, for the tests: its options, and what the default system is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.model import Rollout
from templates.blueprints import private_api
from templates.blueprints.private_api import Settings
from tests.templates.systems._system import ACCOUNT, System

REGIONS = ("us-east-1", "us-west-2", "eu-central-1")
ELSEWHERE = ("ap-southeast-2", "eu-west-1", "us-west-1")


def front(regions: tuple[str, ...], account: str = ACCOUNT) -> Mapping[str, Any]:
    """Return settings with a load balancer in each Region."""
    return {
        "alb_front": True,
        "hosted_zone_id": "Z0123456789",
        "domain_name": "api.example.com",
        "certificates": {
            region: f"arn:aws:acm:{region}:{account}:certificate/{region}" for region in regions
        },
    }


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "cloudtrail": {"cloudtrail": True},
    "aws_config": {"aws_config": True},
    "remediation": {"remediation": True},
    "key_age_rule": {"key_age_rule": True},
    "slash20_subnets": {"slash20_subnets": True},
    "flow_logs": {"flow_logs": True},
    "unauthorized_calls_alarm": {"cloudtrail": True, "unauthorized_calls_alarm": True},
    "alb_front": front(REGIONS),
    "artifacts_bucket": {"artifacts_bucket": True},
    "password_reuse": {"password_reuse": 24},
    "force_destroy": {"force_destroy": "custom_resource"},
    "force_destroy_off": {"force_destroy": "off"},
    "bucket_key": {"bucket_key": True},
    "password_operation": {"password_policy": "operation"},
    "foreign_api_account": {"manage_api_account": False},
    "stackset": {"rollout": "stackset"},
}
ALL_ON: Mapping[str, Any] = {
    "cloudtrail": True,
    "aws_config": True,
    "remediation": True,
    "key_age_rule": True,
    "slash20_subnets": True,
    "flow_logs": True,
    "unauthorized_calls_alarm": True,
    **front(REGIONS),
    "artifacts_bucket": True,
    "password_reuse": 24,
    "force_destroy": "custom_resource",
    "bucket_key": True,
}

SYSTEM = System(
    module=private_api,
    minimal={"account": ACCOUNT},
    options=OPTIONS,
    all_on=ALL_ON,
    tags={"Environment": "Production"},
    elsewhere={
        "account": "999999999999",
        "regions": list(ELSEWHERE),
        "certificates": front(ELSEWHERE, "999999999999")["certificates"],
    },
    always_deleted=frozenset({("regional", "SecureBucket")}),
)


def settings(**keys: Any) -> Settings:
    """Return settings that are right but for `keys`."""
    made = SYSTEM.settings(**keys)
    assert isinstance(made, Settings)
    return made


def rollout(**keys: Any) -> Rollout:
    """Return the rollout of stage prod for these settings."""
    return SYSTEM.rollout(**keys)
