"""What every deployment of regional_web is told: who, where, how large. (S2)"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from tapcfn.config import Cidr, Common, Region
from templates.blueprints.regional_web import layout as layouts
from templates.blueprints.regional_web.layout import Layout
from templates.layers import databases, launch_templates

LEAST_REGIONS = 3

# So long that bucket names with account and Region still fit into S3's 63 characters. (C-2)
MAX_TEAM = 14
MAX_ENVIRONMENT = 12

# Subnets are 8 bits smaller than the VPC, and AWS takes none below a /28.
LARGEST_VPC, SMALLEST_VPC = 16, 20

# The days that CloudWatch Logs can be told. (cfn-lint's schema)
LOG_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731}
    | {1096, 1827, 2192, 2557, 2922, 3288, 3653}
)

# Backups may not overlap Sunday's maintenance, and last half an hour at least: in minutes.
DAY_MINUTES = 1440
MAINTENANCE = (240, 300)
LEAST_WINDOW = 30
WINDOW = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"


def _listed(value: Any) -> Any:
    """Take "a, b" for a list, as command lines and environment variables have it."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class Keys(Common):
    """The keys that every deployment needs, or has a figure for."""

    team_name: str = Field(
        description=f"who owns it: letters, digits and single hyphens, at most {MAX_TEAM}, "
        'starting with a letter, such as "web"'
    )
    environment: str = Field(
        description=f"letters, digits and single hyphens, at most {MAX_ENVIRONMENT}, starting "
        'with a letter, such as "prod"'
    )
    regions: Annotated[tuple[Region, ...], BeforeValidator(_listed)] = Field(
        description=f"{LEAST_REGIONS} Regions or more, as a list or with commas; the first holds "
        'the database: ["us-east-1", "us-west-2", "eu-west-1"]'
    )
    allowed_ssh_cidr: Cidr = Field(
        description='an IPv4 CIDR block: who may reach port 22, such as "203.0.113.0/32"'
    )
    project_name: str = Field("regional-web", description="the Purpose tag", min_length=1)
    vpc_cidr: Cidr = Field(
        "10.0.0.0/16",
        description=f"the IPv4 block of the VPCs, /{LARGEST_VPC} to /{SMALLEST_VPC}; with peering "
        "the first Region's, and the others' follow it",
    )
    ami: str | Mapping[Region, str] = Field(
        launch_templates.AMAZON_LINUX,
        description="the name of an SSM parameter that holds an image's id, or a table with an "
        "image's id for each Region",
    )
    layout: Literal["standard", "three_az"] = Field(
        "standard", description='"standard" (two zones) or "three_az" (three zones, one NAT)'
    )
    resilience: bool = Field(
        False,
        description="true or false: at least three instances, sick ones noticed within a minute, "
        "and a bucket in the first and in the last Region",
    )
    enable_replication: bool = Field(
        False,
        description="true or false: copy these two buckets to each other; only once both are "
        "there, so false for the first deployment",
    )
    min_capacity: int = Field(1, description="the least instances of a Region: 1 or more", ge=1)
    max_capacity: int | None = Field(
        None,
        description="the most instances of a Region: min_capacity or more; 3 if left out, 6 with "
        "three_az",
        ge=1,
        validate_default=True,
    )
    log_retention_days: int | None = Field(
        None,
        description="days that log groups remember: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, "
        "365 and so on; 30 if left out, 14 with three_az",
    )
    db_engine_version: str = Field(
        databases.MYSQL,
        description="a full MySQL version: 8.4.5 to 8.4.11, or 8.0.42 to 8.0.46",
    )
    db_backup_retention_days: int = Field(
        7, description="days that MySQL's backups are kept: 1 to 35", ge=1, le=35
    )
    snapshot_retention_days: int = Field(
        7, description="days that PostgreSQL's snapshots are kept: 1 to 35", ge=1, le=35
    )
    backup_window: str = Field(
        "03:00-04:00",
        description='when backups start, in UTC, such as "03:00-04:00"; Sunday 04:00 to 05:00 is '
        "maintenance",
        pattern=WINDOW,
    )
    final_snapshot: bool = Field(
        False,
        description="true or false: leave a last snapshot of MySQL when it is destroyed and "
        "keep_data is true",
    )

    @field_validator("team_name", "environment")
    @classmethod
    def _is_a_word(cls, word: str, info: ValidationInfo) -> str:
        longest = MAX_TEAM if info.field_name == "team_name" else MAX_ENVIRONMENT
        if not re.fullmatch(r"[A-Za-z](-?[A-Za-z0-9])*", word):
            raise ValueError("cannot start the names of resources")
        if len(word) > longest:
            raise ValueError(f"has {len(word)} characters, and names leave room for {longest}")
        if info.field_name == "team_name" and word.lower().startswith("internal"):
            raise ValueError('AWS reserves load balancer names that start with "internal-"')
        return word

    @field_validator("regions")
    @classmethod
    def _are_enough(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(regions)) < len(regions):
            raise ValueError("names a Region twice")
        if len(regions) < LEAST_REGIONS:
            raise ValueError(
                f"only {len(regions)}, and at least {LEAST_REGIONS} Regions are needed"
            )
        return regions

    @field_validator("vpc_cidr")
    @classmethod
    def _holds_the_subnets(cls, block: str) -> str:
        if not LARGEST_VPC <= int(block.partition("/")[2]) <= SMALLEST_VPC:
            raise ValueError(f"must be a /{LARGEST_VPC} to /{SMALLEST_VPC}")
        return block

    @field_validator("ami")
    @classmethod
    def _is_an_image(cls, ami: str | Mapping[str, str], info: ValidationInfo) -> Any:
        if isinstance(ami, str):
            if not ami.startswith("/"):
                raise ValueError("is no SSM parameter's name; an id holds in one Region only")
            return ami
        same_regions(ami, info)
        if wrong := [each for each in ami.values() if not re.fullmatch(r"ami-[0-9a-f]+", each)]:
            raise ValueError(f"{wrong[0]} is no image's id")
        return ami

    @field_validator("enable_replication")
    @classmethod
    def _has_buckets(cls, enabled: bool, info: ValidationInfo) -> bool:
        if enabled and info.data.get("resilience") is False:
            raise ValueError("resilience is false, so there are no buckets to copy")
        return enabled

    @field_validator("max_capacity")
    @classmethod
    def _is_not_less_than_the_least(cls, most: int | None, info: ValidationInfo) -> int | None:
        least = info.data.get("min_capacity", 1)
        if (most or _layout(info).size.maximum) < least:
            raise ValueError(f"is less than min_capacity, which is {least}")
        if most and most < LEAST_REGIONS and info.data.get("resilience"):
            raise ValueError("resilience wants at least three instances")
        return most

    @field_validator("backup_window")
    @classmethod
    def _leaves_maintenance_alone(cls, window: str) -> str:
        start, end = map(_minute, window.split("-"))
        length = (end - start) % DAY_MINUTES
        if length < LEAST_WINDOW:
            raise ValueError(f"lasts {length} minutes, and RDS wants at least {LEAST_WINDOW}")
        began, ended = MAINTENANCE
        if (began - start) % DAY_MINUTES < length or (start - began) % DAY_MINUTES < ended - began:
            raise ValueError("overlaps the maintenance window, 04:00 to 05:00")
        return window

    @field_validator("log_retention_days")
    @classmethod
    def _is_a_number_that_logs_knows(cls, days: int | None) -> int | None:
        if days is not None and days not in LOG_DAYS:
            raise ValueError("CloudWatch Logs does not know this number of days")
        return days

    @field_validator("db_engine_version")
    @classmethod
    def _is_a_version(cls, version: str) -> str:
        if version not in databases.MYSQL_VERSIONS:
            raise ValueError("is no version that RDS offers and supports")
        return version


def _minute(text: str) -> int:
    """Return the minute of the day of a time such as "03:30"."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _layout(info: ValidationInfo) -> Layout:
    return layouts.THREE_AZ if info.data.get("layout") == "three_az" else layouts.STANDARD


def same_regions(table: Mapping[str, Any], info: ValidationInfo) -> None:
    """Refuse a table that leaves out one of the Regions, or has another."""
    wanted = set(info.data.get("regions", table))
    if missing := sorted(wanted - set(table)):
        raise ValueError(f"says nothing of {missing[0]}")
    if strange := sorted(set(table) - wanted):
        raise ValueError(f"{strange[0]} is none of the regions")
