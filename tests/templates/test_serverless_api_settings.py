"""What S3 may be told, and how it refuses: every fault at once, each by its key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tapcfn.config import Common, load
from tapcfn.errors import ConfigError
from templates.blueprints.serverless_api import Settings, rollout
from tests.templates.systems.serverless_api import SOURCE, ZONE, settings

FILES = Path(__file__).parents[2] / "templates" / "settings"

# The options, each off unless asked for.
SWITCHES = {
    "table_extras",
    "dlq",
    "usage_plan",
    "proxy_routes",
    "xray",
    "dashboard",
    "migration_state",
    "enable_canary",
    "apex",
}


def faults(**keys: Any) -> tuple[str, ...]:
    """Return what is wrong with settings that are right but for `keys`."""
    with pytest.raises(ConfigError) as caught:
        settings(**keys)
    return caught.value.faults


def test_the_keys_are_those_of_the_system_and_no_other() -> None:
    """What the requirements name, and what an operation must be able to say."""
    assert set(Settings.model_fields) - set(Common.model_fields) == SWITCHES | {
        "team_name",
        "environment",
        "source_region",
        "target_region",
        "allowed_cidr",
        "traffic_shift_percentage",
        "traffic_shift_interval",
        "shift",
        "target_weight",
        "migration_mode",
        "baseline_deployment",
        "enable_monitoring",
        "alarm_profile",
        "alarm_email",
        "enable_cross_region_replication",
        "hosted_zone_id",
        "domain_name",
        "health_check",
        "manage_api_account",
        "runtime",
        "function_timeout",
    }


@pytest.mark.parametrize("key", sorted(Settings.model_fields))
def test_every_key_says_what_is_allowed(key: str) -> None:
    """The description is printed with every fault, and by `schema`."""
    assert Settings.model_fields[key].description


def test_the_defaults_are_those_of_the_reference() -> None:
    """S3-21: ten percent every ten minutes; monitoring and replication on, no option on."""
    default = settings()

    assert (default.traffic_shift_percentage, default.traffic_shift_interval) == (10, 10)
    assert default.migration_mode == "blue_green"
    assert not default.canary
    assert default.enable_monitoring
    assert default.enable_cross_region_replication
    assert default.manage_api_account
    assert default.hosted_zone_id == default.domain_name == ""
    assert not any(getattr(default, switch) for switch in SWITCHES)


@pytest.mark.parametrize(
    ("keys", "canary"),
    [
        ({}, False),
        ({"enable_canary": True}, True),
        ({"migration_mode": "canary"}, True),
        ({"migration_mode": "canary", "enable_canary": False}, True),
    ],
)
def test_the_mode_canary_sets_the_canary(keys: dict[str, Any], canary: bool) -> None:
    """S3-16: one way or the other."""
    assert settings(**keys).canary is canary


@pytest.mark.parametrize(
    ("keys", "key", "reason"),
    [
        ({"team_name": "my_team"}, "team_name", "cannot be part of the names"),
        ({"team_name": ""}, "team_name", "cannot be part of the names"),
        ({"environment": "pre--prod"}, "environment", "cannot be part of the names"),
        ({"environment": "1"}, "environment", "cannot be part of the names"),
        ({"source_region": "virginia"}, "source_region", "is no Region"),
        ({"target_region": SOURCE}, "target_region", "is the source Region"),
        ({"allowed_cidr": "10.0.0.1/8"}, "allowed_cidr", "is no IPv4 CIDR block"),
        ({"traffic_shift_percentage": 0}, "traffic_shift_percentage", None),
        ({"traffic_shift_percentage": 101}, "traffic_shift_percentage", None),
        ({"traffic_shift_interval": 0}, "traffic_shift_interval", None),
        ({"target_weight": 101}, "target_weight", None),
        ({"migration_mode": "linear"}, "migration_mode", None),
        ({"alarm_profile": "loud"}, "alarm_profile", None),
        ({"alarm_email": "nobody"}, "alarm_email", None),
        ({"baseline_deployment": "latest"}, "baseline_deployment", None),
        ({"hosted_zone_id": "Z0123456789"}, "domain_name", "missing, and hosted_zone_id is set"),
        ({"domain_name": "api.example.com"}, "domain_name", "hosted_zone_id is missing"),
        ({**ZONE, "domain_name": "API"}, "domain_name", None),
        ({"apex": True}, "apex", "there is no domain_name"),
        ({"runtime": "python3.9"}, "runtime", None),
        ({"function_timeout": 31}, "function_timeout", None),
        ({"health_check": "alarm", "enable_monitoring": False}, "health_check", "no alarm"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    keys: dict[str, Any], key: str, reason: str | None
) -> None:
    """S3-1: the key, the value, the reason, and what would be right."""
    (fault,) = faults(**keys)

    assert fault.startswith((f"{key} = ", f"{key}: "))
    assert str(Settings.model_fields[key].description) in fault
    if reason:
        assert reason in fault


def test_several_faults_are_named_at_once() -> None:
    """Nobody mends a file one run at a time."""
    found = faults(team_name="", allowed_cidr="all", runtime="python2.7")

    assert [fault.split(" ")[0] for fault in found] == ["allowed_cidr", "runtime", "team_name"]


@pytest.mark.parametrize(
    ("team", "region", "excess"),
    [("a" * 21, "us-west-2", 0), ("a" * 22, "us-west-2", 1), ("a" * 21, "ap-southeast-2", 5)],
)
def test_names_that_would_be_too_long_are_refused(team: str, region: str, excess: int) -> None:
    """C-2, L-26: a bucket's name has 63 characters at most, the account's and Region's in it."""
    keys = {"team_name": team, "environment": "prod", "target_region": region}
    if not excess:
        name = settings(**keys).target_bucket + "-" + "1" * 12 + f"-{region}"
        assert len(name) == 63
        return

    (fault,) = faults(**keys)
    assert f"together {excess} too long" in fault


@pytest.mark.parametrize("file", ["serverless_api.local.toml", "serverless_api.example.toml"])
def test_the_files_are_right(file: str) -> None:
    """Both render as they are."""
    made = rollout(load(FILES / file, Settings), "test")

    assert len(made.stacks) == 6


def test_the_example_shows_every_key() -> None:
    """Whoever copies it sees all that can be set, with the default behind a #."""
    text = (FILES / "serverless_api.example.toml").read_text()
    shown = "\n".join(
        line.removeprefix("# ").split("#")[0]
        for line in text.splitlines()
        if " = " in line and not line.startswith(("# [", "# profile", "# role", "# external"))
    )
    found = tomllib.loads(shown)

    assert set(found) >= set(Settings.model_fields) - set(Common.model_fields)
    for key, value in found.items():
        default = Settings.model_fields[key].default
        if f"# {key} = " in text and key != "artifact_bucket":
            assert value == default, key
