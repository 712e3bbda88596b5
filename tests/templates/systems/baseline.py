"""The account baseline, for the tests: its options, and whom it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from templates.blueprints import baseline
from tests.templates.systems._system import ACCOUNT, System

ACCOUNTS = ("222233334444", "333344445555")
UNITS = {"organizational_units": ["ou-ab12-c3d4e5f6"]}

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "no_password_policy": {"password_policy": False},
    "no_cloudtrail": {"cloudtrail": False},
    "no_config": {"aws_config": False},
    "no_default_groups": {"default_groups": ""},
    "password_reuse": {"password_reuse": 5},
}
# Whom it is for: the same templates for others.
FOR: Mapping[str, Mapping[str, Any]] = {
    "organizational_units": UNITS,
    "delegated_administrator": {**UNITS, "delegated_administrator": True},
    "no_auto_deployment": {**UNITS, "auto_deployment": False},
    "target_accounts": {"target_accounts": list(ACCOUNTS)},
}

SYSTEM = System(
    module=baseline,
    minimal={"account": ACCOUNT},
    options=OPTIONS,
    more=FOR,
    all_on={"target_accounts": list(ACCOUNTS), "waves": [{"name": "canary", "count": 1}]},
    tags={"Purpose": "account-baseline"},
    elsewhere={
        "account": "999999999999",
        "target_accounts": ["888888888888"],
        "regions": ["eu-west-1", "ap-southeast-2"],
    },
    contradictory=frozenset(
        {
            frozenset({"no_password_policy", "no_cloudtrail"}),
            frozenset({"no_config", "no_default_groups"}),
        }
    ),
)
