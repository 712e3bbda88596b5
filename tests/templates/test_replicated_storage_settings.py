"""What S0 may be told, and how it refuses: every fault at once, each by its key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tapcfn.config import LOCAL_ACCOUNT, Common, check, load
from tapcfn.errors import ConfigError
from templates.blueprints.replicated_storage import Settings
from tests.templates.resolved import seen
from tests.templates.systems import ACCOUNT
from tests.templates.systems.replicated_storage import rollout, settings

FILES = Path(__file__).parents[2] / "templates" / "settings"


def faults(**keys: Any) -> tuple[str, ...]:
    """Return what is wrong with settings that are right but for `keys`."""
    with pytest.raises(ConfigError) as caught:
        settings(**keys)
    return caught.value.faults


def test_the_keys_are_those_of_the_system_and_no_other() -> None:
    """What the requirements name, and nothing that this system has no use for."""
    assert set(Settings.model_fields) - set(Common.model_fields) == {
        "allowed_cidr",
        "home_region",
        "replication_region",
        "name",
        "environment",
        "private_subnets",
        "multi_region_key",
        "enable_flow_logs",
        "packet_drops",
        "bucket_access_logs",
        "tiered_sgs",
        "ssh_cidr",
        "extra_buckets",
        "enable_cross_region_replication",
        "extra_log_groups",
        "cpu_alarm",
        "cpu_alarm_instance",
        "alarm_email",
        "cloudtrail",
        "aws_config",
        "postgres",
        "service_roles",
    }


@pytest.mark.parametrize("key", sorted(Settings.model_fields))
def test_every_key_says_what_is_allowed(key: str) -> None:
    """The description is printed with every fault, and by `schema`."""
    assert Settings.model_fields[key].description


def test_the_defaults_are_those_of_the_reference() -> None:
    """One Region beside the other, no option on."""
    default = settings()

    assert default.home_region == "us-east-1"
    assert default.replication_region == "us-west-2"
    assert (default.name, default.prefix, default.environment) == ("tap-stack", "tap", "production")
    assert default.packet_drops == "flow_log"
    assert not default.private_subnets
    assert not default.multi_region_key
    assert not default.enable_flow_logs
    assert not default.bucket_access_logs
    assert default.keep_data
    assert default.termination_protection


@pytest.mark.parametrize(
    ("keys", "key", "reason"),
    [
        ({"allowed_cidr": "10.0.0.0"}, "allowed_cidr", None),
        ({"allowed_cidr": "10.0.0.1/8"}, "allowed_cidr", "is no IPv4 CIDR block"),
        ({"allowed_cidr": "10.0.0.0/33"}, "allowed_cidr", "is no IPv4 CIDR block"),
        ({"allowed_cidr": "fd00::/8"}, "allowed_cidr", "is no IPv4 CIDR block"),
        ({"allowed_cidr": ""}, "allowed_cidr", "is no IPv4 CIDR block"),
        ({"home_region": "virginia"}, "home_region", "is no Region"),
        ({"replication_region": ""}, "replication_region", "is no Region"),
        ({"replication_region": "us-east-1"}, "replication_region", "is the home Region"),
        ({"home_region": "us-west-2"}, "replication_region", "is the home Region"),
        ({"name": "Tap-Stack"}, "name", "cannot start the names of buckets"),
        ({"name": "tap_stack"}, "name", "cannot start the names of buckets"),
        ({"name": "tap--stack"}, "name", "cannot start the names of buckets"),
        ({"name": "-stack"}, "name", "cannot start the names of buckets"),
        ({"name": ""}, "name", "cannot start the names of buckets"),
        ({"name": "sg-stack"}, "name", 'AWS reserves names that start with "sg-"'),
        ({"environment": ""}, "environment", "cannot be part of a log group's name"),
        ({"environment": "a b"}, "environment", "cannot be part of a log group's name"),
        ({"private_subnets": "yes"}, "private_subnets", "true or false"),
        ({"packet_drops": "vpc"}, "packet_drops", "'flow_log', 'nat' or 'none'"),
        ({"packet_drops": "nat"}, "packet_drops", "private_subnets is false"),
        ({"account": "1234"}, "account", "is no account id"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(
    keys: dict[str, Any], key: str, reason: str | None
) -> None:
    """One fault, which names the key, the reason and what is allowed."""
    if reason is None:
        assert settings(**keys).allowed_cidr == "10.0.0.0/32"
        return
    (fault,) = faults(**keys)

    assert fault.startswith(f"{key} = ")
    assert reason in fault
    assert "; allowed: " in fault


def test_every_fault_is_told_at_once() -> None:
    """A person who has made five mistakes is told of five."""
    with pytest.raises(ConfigError) as caught:
        check(
            "prod.toml",
            {"home_region": "us-west-2", "name": "Tap", "packet_drops": "nat", "privat": True},
            Settings,
        )

    assert [fault.split(":")[0].split(" =")[0] for fault in caught.value.faults] == [
        "account",
        "allowed_cidr",
        "name",
        "packet_drops",
        "privat",
        "replication_region",
    ]


def test_an_unknown_key_is_answered_with_the_nearest() -> None:
    """A misspelt option must not pass as "off"."""
    (fault,) = faults(private_subnet=True)

    assert fault == 'private_subnet: unknown key; did you mean "private_subnets"?'


@pytest.mark.parametrize(
    ("home", "away"),
    [
        ("us-east-1", "us-west-2"),
        ("ap-southeast-1", "us-east-1"),
        ("us-east-1", "ap-southeast-1"),
    ],
)
@pytest.mark.parametrize("ending", ["", "-stack"])
def test_a_name_may_be_as_long_as_the_fault_says_and_no_longer(
    home: str, away: str, ending: str
) -> None:
    """The longest bucket name has at most 63 characters; the fault says how many are left."""
    regions = {"home_region": home, "replication_region": away}
    (fault,) = faults(name="a" * 60 + ending, **regions)
    room = int(fault.split("at most ")[1].split()[0])
    longest = "a" * (room - len(ending)) + ending
    names = [
        bucket["BucketName"]
        for layer in seen(rollout(name=longest, bucket_access_logs=True, **regions)).values()
        for bucket in layer.of("S3::Bucket").values()
    ]

    assert max(map(len, names)) == 63
    assert faults(name="a" + longest, **regions)[0].startswith("name = ")


def test_a_wrong_region_does_not_hide_a_wrong_name() -> None:
    """Checks that look at two keys cope with the other being wrong itself."""
    found = faults(home_region="virginia", replication_region="", name="a" * 60)

    assert [fault.split(" =")[0] for fault in found] == [
        "home_region",
        "name",
        "replication_region",
    ]


def test_the_local_settings_need_no_account_and_keep_nothing() -> None:
    """The first command of a newcomer works as the file stands."""
    local = load(FILES / "replicated_storage.local.toml", Settings)

    assert local.backend == "local"
    assert local.account_id == LOCAL_ACCOUNT
    assert not local.keep_data
    assert not local.termination_protection


def test_the_example_settings_are_right_and_safe() -> None:
    """The example is for AWS, names its account, and keeps data."""
    example = load(FILES / "replicated_storage.example.toml", Settings)

    assert example.backend == "aws"
    assert example.account == ACCOUNT
    assert example.accounts == (ACCOUNT,)
    assert example.keep_data
    assert example.termination_protection


def test_the_example_shows_every_key_with_its_default() -> None:
    """What is commented out is the default; uncommented, the file still loads and says the same."""
    text = (FILES / "replicated_storage.example.toml").read_text(encoding="utf-8")
    lines = [line.removeprefix("# ") if " = " in line else line for line in text.splitlines()]
    shown = tomllib.loads("\n".join(lines).replace('# [credentials."', '[credentials."'))
    given = load(FILES / "replicated_storage.example.toml", Settings).model_dump()

    assert set(shown) >= set(Settings.model_fields) - set(Common.model_fields)
    without_a_default = {"artifact_bucket", "cpu_alarm_instance", "alarm_email"}
    for key in set(shown) - {"credentials", "accounts"} - without_a_default:
        assert shown[key] == given[key]
    assert check("shown", shown, Settings)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"cpu_alarm": True}, "cpu_alarm_instance: missing, and cpu_alarm is true"),
        ({"cpu_alarm_instance": "my-machine"}, "cpu_alarm_instance"),
        ({"alarm_email": "nobody"}, "alarm_email"),
        ({"postgres": True}, "private_subnets and tiered_sgs must be true"),
        ({"postgres": True, "private_subnets": True}, "tiered_sgs must be true"),
    ],
)
def test_options_that_lack_something_say_what(keys: dict[str, Any], fault: str) -> None:
    """S0-X7, S0-X9: an alarm watches an instance, a database stands somewhere."""
    with pytest.raises(ConfigError, match=re.escape(fault)):
        settings(**keys)
