"""The delivery: roles for jobs on GitHub. It delivers the systems' examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from templates.blueprints import delivery
from tests.templates.systems._system import ACCOUNT, System

EVERY = ["baseline", "private_api", "region_migration", "regional_web", "serverless_api"]
TARGETS = "arn:aws:iam::222233334444:role"

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "existing_provider": {"existing_provider": True},
    "no_drift": {"detect_drift": False},
    "two_environments": {"environments": ["production", "retirement"]},
    "target_roles": {
        "plan_target_roles": [f"{TARGETS}/look"],
        "deploy_target_roles": [f"{TARGETS}/deploy"],
    },
    "boundary": {"permissions_boundary": "arn:aws:iam::{account}:policy/bound"},
    "every_system": {"systems": [f"{each}.example" for each in EVERY]},
}
_ALL: dict[str, Any] = {key: value for each in OPTIONS.values() for key, value in each.items()}

SYSTEM = System(
    module=delivery,
    minimal={
        "account": ACCOUNT,
        "repository": "example/systems",
        "systems": ["replicated_storage.example"],
    },
    options=OPTIONS,
    all_on=_ALL,
    tags={"Purpose": "delivery"},
    elsewhere={"home": "eu-west-1"},
)
