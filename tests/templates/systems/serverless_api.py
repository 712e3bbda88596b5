"""The serverless API, for the tests: its options, and what the default system is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.model import Rollout
from templates.blueprints import serverless_api
from templates.blueprints.serverless_api import Settings
from tests.templates.resolved import Seen, seen
from tests.templates.systems._system import ACCOUNT, System

SOURCE, TARGET = "us-east-1", "us-west-2"
TABLE = "web-prod-items"
SOURCE_BUCKET = f"web-prod-assets-{ACCOUNT}-{SOURCE}"
TARGET_BUCKET = f"web-prod-assets-target-{ACCOUNT}-{TARGET}"

ZONE: Mapping[str, Any] = {"hosted_zone_id": "Z0123456789", "domain_name": "api.example.com"}

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "zone": ZONE,
    "apex": {**ZONE, "apex": True},
    "alarm_check": {"health_check": "alarm"},
    "enable_canary": {"enable_canary": True},
    "no_monitoring": {"enable_monitoring": False},
    "alarm_profile_strict": {"alarm_profile": "strict"},
    "alarm_profile_relaxed": {"alarm_profile": "relaxed"},
    "alarm_email": {"alarm_email": "ops@example.com"},
    "target_alone": {"enable_cross_region_replication": False},
    "foreign_api_account": {"manage_api_account": False},
    "table_extras": {"table_extras": True},
    "dlq": {"dlq": True},
    "usage_plan": {"usage_plan": True},
    "proxy_routes": {"proxy_routes": True},
    "xray": {"xray": True},
    "dashboard": {"dashboard": True},
    "migration_state": {"migration_state": True},
}
ALL_ON: Mapping[str, Any] = {
    **ZONE,
    "health_check": "alarm",
    "enable_canary": True,
    "alarm_profile": "relaxed",
    "alarm_email": "ops@example.com",
    "table_extras": True,
    "dlq": True,
    "usage_plan": True,
    "proxy_routes": True,
    "xray": True,
    "dashboard": True,
    "migration_state": True,
}

SYSTEM = System(
    module=serverless_api,
    minimal={
        "account": ACCOUNT,
        "team_name": "web",
        "environment": "prod",
        "source_region": SOURCE,
        "target_region": TARGET,
        "allowed_cidr": "203.0.113.0/24",
    },
    options=OPTIONS,
    all_on=ALL_ON,
    more={
        "trial": {"migration_mode": "canary", "baseline_deployment": "Deployment0123456789"},
        "all_apex": {**ALL_ON, "apex": True, "baseline_deployment": "Deployment0123456789"},
    },
    tags={
        "Owner": "web",
        "Purpose": "ServerlessApp",
        "Environment": "prod",
        "ManagedBy": "tapcfn",
    },
    # Another allowed_cidr is another API: it makes a new deployment, and so another template.
    elsewhere={
        "account": "999999999999",
        "source_region": "eu-central-1",
        "target_region": "eu-west-1",
        "alarm_email": "dev@example.com",
        "hosted_zone_id": "Z9876543210",
        "domain_name": "api.example.org",
    },
    contradictory=frozenset({frozenset({"alarm_check", "no_monitoring"})}),
)


def settings(**keys: Any) -> Settings:
    """Return settings that are right but for `keys`."""
    made = SYSTEM.settings(**keys)
    assert isinstance(made, Settings)
    return made


def rollout(**keys: Any) -> Rollout:
    """Return the rollout of stage prod for these settings."""
    return SYSTEM.rollout(**keys)


def layers(**keys: Any) -> Mapping[str, Seen]:
    """Return the stacks for these settings by layer, with everything filled in."""
    return seen(rollout(**keys))
