"""Replicated storage, for the tests: its options, and what the default system is called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tapcfn.model import Rollout
from templates.blueprints import replicated_storage
from templates.blueprints.replicated_storage import Settings
from tests.templates.resolved import Seen
from tests.templates.systems._system import ACCOUNT, System

PRIMARY = f"tap-primary-bucket-{ACCOUNT}-us-east-1"
DESTINATION = f"tap-destination-bucket-{ACCOUNT}-us-west-2"
HOME_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/Key-id"
AWAY_KEY = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/Key-id"

CPU_ALARM = {"cpu_alarm": True, "cpu_alarm_instance": "i-0123456789abcdef0"}

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "private_subnets": {"private_subnets": True},
    "multi_region_key": {"multi_region_key": True},
    "enable_flow_logs": {"enable_flow_logs": True},
    "bucket_access_logs": {"bucket_access_logs": True},
    "packet_drops_nat": {"private_subnets": True, "packet_drops": "nat"},
    "packet_drops_none": {"packet_drops": "none"},
    "tiered_sgs": {"tiered_sgs": True},
    "extra_buckets": {"extra_buckets": True},
    "extra_buckets_alone": {"extra_buckets": True, "enable_cross_region_replication": False},
    "extra_log_groups": {"extra_log_groups": True},
    "cpu_alarm": CPU_ALARM,
    "cloudtrail": {"cloudtrail": True},
    "aws_config": {"aws_config": True},
    "postgres": {"private_subnets": True, "tiered_sgs": True, "postgres": True},
    "service_roles": {"service_roles": True},
}
ALL_ON: Mapping[str, Any] = {
    "private_subnets": True,
    "multi_region_key": True,
    "enable_flow_logs": True,
    "bucket_access_logs": True,
    "tiered_sgs": True,
    "extra_buckets": True,
    "extra_log_groups": True,
    **CPU_ALARM,
    "alarm_email": "ops@example.com",
    "cloudtrail": True,
    "aws_config": True,
    "postgres": True,
    "service_roles": True,
}

SYSTEM = System(
    module=replicated_storage,
    minimal={"account": ACCOUNT, "allowed_cidr": "10.0.0.0/8"},
    options=OPTIONS,
    all_on=ALL_ON,
    more={"all_nat": {**ALL_ON, "packet_drops": "nat"}},
    tags={"environment": "production", "project": "tap-stack", "managed-by": "tapcfn"},
    elsewhere={
        "account": "999999999999",
        "home_region": "eu-central-1",
        "replication_region": "ap-southeast-2",
        "allowed_cidr": "192.168.1.0/24",
    },
)


def settings(**keys: Any) -> Settings:
    """Return settings that are right but for `keys`."""
    made = SYSTEM.settings(**keys)
    assert isinstance(made, Settings)
    return made


def rollout(**keys: Any) -> Rollout:
    """Return the rollout of stage prod for these settings."""
    return SYSTEM.rollout(**keys)


def widget_of(layers: Mapping[str, Seen]) -> dict[str, Any]:
    """Return the properties of the dashboard's one widget."""
    (widget,) = json.loads(layers["monitoring"]["Dashboard"]["DashboardBody"])["widgets"]
    assert widget["type"] == "metric"
    properties: dict[str, Any] = widget["properties"]
    return properties
