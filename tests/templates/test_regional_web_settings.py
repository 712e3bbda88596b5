"""What S2 refuses before any call, with the key's name and what to set."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.config import check
from tapcfn.errors import ConfigError
from templates.blueprints.regional_web import Settings
from tests.templates.systems.regional_web import DOMAIN, MINIMAL, VPC, certificates, settings


def faults(**keys: Any) -> str:
    """Return what is said of settings with these keys."""
    with pytest.raises(ConfigError) as raised:
        check("test.toml", {**MINIMAL, **keys}, Settings)
    return "\n".join(raised.value.faults)


@pytest.mark.parametrize("key", ["team_name", "environment", "regions", "allowed_ssh_cidr"])
def test_s2_1_a_missing_key_is_named_with_what_to_set(key: str) -> None:
    """S2-1, C-1: team, environment, Regions and the SSH block have no default."""
    left = {name: value for name, value in MINIMAL.items() if name != key}
    with pytest.raises(ConfigError) as raised:
        check("test.toml", left, Settings)

    (fault,) = raised.value.faults
    assert fault.startswith(f"{key}: missing; allowed: ")


def test_s2_1_two_regions_are_too_few() -> None:
    """S2-1: the message names the key and the least number."""
    found = faults(regions=["us-east-1", "us-west-2"])

    assert found.startswith("regions = ")
    assert "at least 3" in found


def test_s2_1_regions_may_stand_with_commas() -> None:
    """S2-1: as a command line has them."""
    assert settings(regions="us-east-1, us-west-2,eu-west-1").regions == settings().regions
    assert "at least 3" in faults(regions="us-east-1,us-west-2")
    assert "twice" in faults(regions="us-east-1,us-west-2,us-west-2")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"team_name": "a-team-of-many-people"}, "leave room for 14"),
        ({"team_name": "9lives"}, "cannot start the names"),
        ({"team_name": "internal"}, "internal-"),
        ({"environment": "production-eu"}, "leave room for 12"),
        ({"allowed_ssh_cidr": "203.0.113.7/24"}, "is no IPv4 CIDR block"),
        ({"vpc_cidr": "10.0.0.0/24"}, "must be a /16 to /20"),
        ({"db_backup_retention_days": 0}, "greater than or equal to 1"),
        ({"db_engine_version": "8.4"}, "no version that RDS offers"),
        ({"db_engine_version": "8.0.41"}, "no version that RDS offers"),
        ({"log_retention_days": 31}, "does not know this number"),
        ({"backup_window": "3-4"}, "backup_window"),
        ({"backup_window": "23:50-00:10"}, "lasts 20 minutes"),
        ({"backup_window": "03:30-04:30"}, "overlaps the maintenance window"),
        ({"backup_window": "04:30-05:30"}, "overlaps the maintenance window"),
        ({"min_capacity": 4}, "less than min_capacity"),
        ({"min_capacity": 2, "max_capacity": 1}, "less than min_capacity"),
        ({"resilience": True, "max_capacity": 2}, "at least three instances"),
        ({"enable_replication": True}, "resilience is false"),
        ({"ami": "ami-0123456789abcdef0"}, "an id holds in one Region only"),
        ({"ami": {"us-east-1": "ami-01"}}, "says nothing of eu-west-1"),
        ({"tls": True}, "certificates, or hosted_zone_id and domain_name"),
        ({"dns_failover": "failover"}, "hosted_zone_id and domain_name are missing"),
        ({"certificates": {"us-east-1": certificates()["us-east-1"]}}, "says nothing of"),
        ({"vpc_fallback": {"sa-east-1": VPC}}, "is none of the regions"),
        ({"vpc_fallback": {"us-west-2": VPC}, "peering": True}, "not ours to change"),
        ({"vpc_fallback": {"us-west-2": VPC}, "ipv6": True}, "not ours to change"),
        ({"alerts": "nobody"}, "alerts"),
        ({"postgress": "basic"}, 'did you mean "postgres"'),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(keys: dict[str, Any], said: str) -> None:
    """S2-1, S2-25, C-1, O-2: no settings pass that the deployment would stumble over."""
    assert said in faults(**keys)


def test_a_certificate_of_another_region_is_refused() -> None:
    """S2-11: a certificate serves its own Region only."""
    wrong = dict(certificates(), **{"us-west-2": certificates()["us-east-1"]})

    assert "is not of us-west-2" in faults(certificates=wrong)


@pytest.mark.parametrize(
    ("keys", "size"),
    [
        ({}, (1, 3, 1)),
        ({"min_capacity": 2, "max_capacity": 8}, (2, 8, 2)),
        ({"layout": "three_az"}, (1, 6, 2)),
        ({"layout": "three_az", "min_capacity": 4}, (4, 6, 4)),
        ({"resilience": True}, (3, 3, 3)),
        ({"resilience": True, "layout": "three_az"}, (3, 6, 3)),
    ],
)
def test_s2_25_the_settings_bound_what_it_costs(
    keys: dict[str, Any], size: tuple[int, int, int]
) -> None:
    """S2-13, S2-25, S2-X10, S2-X14: least, most and first number of instances."""
    found = settings(**keys).size

    assert (found.minimum, found.maximum, found.first) == size


def test_log_groups_remember_what_the_settings_say() -> None:
    """S2-16, S2-X10: 30 days, 14 with three zones, or the given number."""
    assert settings().log_days == 30
    assert settings(layout="three_az").log_days == 14
    assert settings(layout="three_az", log_retention_days=90).log_days == 90


def test_blocks_follow_each_other_only_where_they_must() -> None:
    """S2-2, S2-X12: alike without peering, one behind the other with it."""
    alike, peered = settings(vpc_cidr="10.8.0.0/18"), settings(vpc_cidr="10.8.0.0/18", peering=True)

    assert {alike.block(region) for region in alike.regions} == {"10.8.0.0/18"}
    assert [peered.block(region) for region in peered.regions] == [
        "10.8.0.0/18",
        "10.8.64.0/18",
        "10.8.128.0/18",
    ]


@pytest.mark.parametrize("window", ["03:00-04:00", "05:00-06:00", "23:30-00:30", "02:00-04:00"])
def test_s2_17_backups_may_begin_at_any_other_time(window: str) -> None:
    """S2-17: before, after, and over midnight."""
    assert settings(backup_window=window).backup_window == window


def test_tls_takes_either_kind_of_certificate() -> None:
    """S2-11: given ones, or a zone that proves the name."""
    assert settings(tls=True, **DOMAIN).tls
    assert settings(tls=True, certificates=certificates()).tls
