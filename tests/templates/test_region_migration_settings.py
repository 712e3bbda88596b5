"""What region migration must be told, and what it refuses with which reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tapcfn.config import Common, load
from tapcfn.errors import ConfigError
from templates.blueprints.region_migration import Settings, rollout
from tests.templates.systems.region_migration import SOURCE_KEY, balancer, settings

FILES = Path(__file__).parents[2] / "templates/settings"


def test_the_figures_of_the_default() -> None:
    """S4-16: the accelerator is on, and everything leads to the source."""
    made = settings()

    assert (made.source_region, made.target_region) == ("us-west-1", "us-east-1")
    assert (made.name, made.environment) == ("tap-stack", "production")
    assert (made.global_accelerator, made.dial_source, made.dial_target) == (True, 100, 0)
    assert (made.promoted, made.source_bucket) == (False, "existing")
    assert made.copied_database == "tap-stack-source-db"


@pytest.mark.parametrize("stage", ["local", "example"])
def test_the_settings_files_are_right(stage: str) -> None:
    """S4-23: each makes a rollout."""
    made = load(FILES / f"region_migration.{stage}.toml", Settings)

    assert rollout(made, stage).phases[-1].name == "stand-by"


def test_the_example_shows_every_key_with_its_default() -> None:
    """S4-23: what stands behind a # is what counts without it."""
    text = (FILES / "region_migration.example.toml").read_text(encoding="utf-8")
    shown: dict[str, Any] = {}
    for line in re.findall(r"^# (\w+ = .+)$", text.partition("# [vpc_fallback]")[0], re.M):
        shown |= tomllib.loads(line)
    own = set(Settings.model_fields) - set(Common.model_fields)

    assert own <= {*shown, *tomllib.loads(text), "vpc_fallback"}
    for key in own & set(shown) - {"source_ami_id"}:
        default = Settings.model_fields[key].default
        assert shown[key] == (list(default) if isinstance(default, tuple) else default), key


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"target_region": "us-west-1"}, "nothing would move"),
        ({"name": "Tap"}, "cannot start the names of resources"),
        ({"name": "internal"}, 'reserves names that start with "internal-"'),
        ({"name": "a" * 34}, "at most 33 characters"),
        ({"environment": "Prod"}, "cannot be part of a database"),
        ({"environment": "p" * 21}, "has 21 characters"),
        ({"ami_id": "ami-1"}, "ami_id"),
        ({"ami_id": ""}, "source_ami_id"),
        ({"source_bucket": "import", "keep_data": False}, "not ours to delete"),
        ({"source_bucket": "import"}, "imported by its name"),
        ({"source_bucket": "create", "source_bucket_name": "photos"}, "makes its own bucket"),
        ({"source_bucket": "create", "source_key_arn": SOURCE_KEY}, "makes its own bucket"),
        ({"source_key_arn": SOURCE_KEY.replace("west-1", "east-1")}, "not in the source Region"),
        ({"source_alb_arn": balancer("us-east-1")}, "not in the source Region"),
        ({"enable_replication": False}, "put by a move"),
        ({"small_db": True, "source_db_id": "old"}, "names another source"),
        ({"db_engine_version": "8.0.41"}, "no version that RDS offers"),
        ({"password_reset": True}, "promoted is false"),
        ({"source_alb_arn": ""}, "source_alb_arn is missing"),
        ({"dial_source": 0}, "no Region would answer"),
        ({"dial_source": 101}, "dial_source"),
        ({"three_keys": True}, "source_key_arn is missing"),
        ({"rds_cpu_threshold": 0}, "rds_cpu_threshold"),
    ],
)
def test_what_is_wrong_is_refused_with_the_reason(keys: dict[str, Any], reason: str) -> None:
    """S4-23, Q-5: before any call."""
    with pytest.raises(ConfigError) as caught:
        settings(**keys)

    assert reason in str(caught.value)


def test_names_of_32_characters_are_shortened_for_balancers() -> None:
    """S4-15: C-2 keeps the beginning and tells two long names apart."""
    names = [settings(name=f"a-very-long-name-of-a-stack-{end}").names for end in ("x", "y")]

    assert {len(each.short("alb")) for each in names} == {32}
    assert names[0].short("alb") != names[1].short("alb")
    assert settings().names.short("alb") == "tap-stack-alb"


def test_the_longest_name_still_fits_into_a_bucket() -> None:
    """S4-4: 63 characters and not one more."""
    made = settings(name="a" * 33)

    assert len(made.copied_bucket) == 63
