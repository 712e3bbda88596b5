"""The regional web tier, for the tests: its options, and shortest ways to its stacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.model import Rollout
from templates.blueprints import regional_web
from templates.blueprints.regional_web import Settings
from tests.templates.systems._system import ACCOUNT, System

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
ELSEWHERE = ("eu-central-1", "ap-southeast-2", "sa-east-1")

MINIMAL: Mapping[str, Any] = {
    "account": ACCOUNT,
    "team_name": "web",
    "environment": "prod",
    "regions": list(REGIONS),
    "allowed_ssh_cidr": "203.0.113.0/32",
}

DOMAIN = {"hosted_zone_id": "Z0123456789ABC", "domain_name": "www.example.com"}
VPC = {
    "vpc_id": "vpc-0abc",
    "subnet_ids": ["subnet-0a1", "subnet-0a2"],
    "private_subnet_ids": ["subnet-0b1", "subnet-0b2"],
}


def certificates(regions: tuple[str, ...] = REGIONS) -> Mapping[str, str]:
    """Return the ARN of a certificate for each Region."""
    return {
        region: f"arn:aws:acm:{region}:{ACCOUNT}:certificate/0a1b2c3d-0000-1111-2222-333344445555"
        for region in regions
    }


def images(regions: tuple[str, ...] = REGIONS) -> Mapping[str, str]:
    """Return the id of an image for each Region."""
    return {region: f"ami-0{index}23456789abcdef" for index, region in enumerate(regions)}


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "kms_profile": {"kms_profile": "regional"},
    "secrets": {"secrets": "regional"},
    "vpc_fallback": {"vpc_fallback": {"us-west-2": VPC}},
    "postgres": {"postgres": "managed"},
    "read_replicas": {"read_replicas": True},
    "session_table": {"session_table": True},
    "cloudtrail": {"cloudtrail": True},
    "aws_config": {"aws_config": True},
    "regional_dashboards": {"regional_dashboards": True},
    "three_az": {"layout": "three_az"},
    "ssm_access": {"ssm_access": True},
    "flow_logs": {"flow_logs": True},
    "peering": {"peering": True},
    "ipv6": {"ipv6": True},
    "tls": {"tls": True, **DOMAIN},
    "vpc_lambda": {"vpc_lambda": True},
    "alerts": {"alerts": "ops@example.com"},
    "extra_outputs": {"extra_outputs": True},
    "resilience": {"resilience": True},
    "dns_failover": {"dns_failover": "failover", **DOMAIN},
    "waf": {"waf": True},
    "shield": {"shield": True},
}

ALL_ON: Mapping[str, Any] = {
    "kms_profile": "multi_region",
    "secrets": "replicated",
    "postgres": "managed",
    "read_replicas": True,
    "session_table": True,
    "cloudtrail": True,
    "aws_config": True,
    "regional_dashboards": True,
    "layout": "three_az",
    "ssm_access": True,
    "flow_logs": True,
    "peering": True,
    "ipv6": True,
    "tls": True,
    "vpc_lambda": True,
    "alerts": "ops@example.com",
    "extra_outputs": True,
    "resilience": True,
    "enable_replication": True,
    "dns_failover": "failover",
    "waf": True,
    "shield": True,
    **DOMAIN,
}

WITHOUT_OWN_VPC = {"peering": False, "ipv6": False, "vpc_fallback": {"us-west-2": VPC}}

SYSTEM = System(
    module=regional_web,
    minimal=MINIMAL,
    options=OPTIONS,
    all_on=ALL_ON,
    more={
        "all_fallback": {**ALL_ON, **WITHOUT_OWN_VPC, "layout": "standard"},
        "kms_multi_region": {"kms_profile": "multi_region"},
        "secrets_replicated": {"secrets": "replicated"},
        "postgres_basic": {"postgres": "basic"},
        "tls_given": {"tls": True, "certificates": certificates()},
        "resilience_copied": {"resilience": True, "enable_replication": True},
        "dns_weighted": {"dns_failover": "weighted", **DOMAIN},
        "images": {"ami": images()},
        "final_snapshot": {"final_snapshot": True},
        "mysql_80": {"db_engine_version": "8.0.42"},
    },
    tags={
        "Owner": "web",
        "Purpose": "regional-web",
        "Environment": "prod",
        "CostCenter": "web-prod",
    },
    elsewhere={
        "account": "999999999999",
        "regions": list(ELSEWHERE),
        "allowed_ssh_cidr": "198.51.100.7/32",
    },
    always_deleted=frozenset({("data", "Database")}),
    contradictory=frozenset(
        {frozenset({"vpc_fallback", "peering"}), frozenset({"vpc_fallback", "ipv6"})}
    ),
)


def settings(**keys: Any) -> Settings:
    """Return settings that are right but for `keys`."""
    made = SYSTEM.settings(**keys)
    assert isinstance(made, Settings)
    return made


def rollout(**keys: Any) -> Rollout:
    """Return the rollout of stage prod for these settings."""
    return SYSTEM.rollout(**keys)
