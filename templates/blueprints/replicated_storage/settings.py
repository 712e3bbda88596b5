"""What replicated_storage must be told, and what follows from it. (S0)"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from tapcfn.config import Cidr, Common, Region
from templates.blueprints._checks import (
    ACCOUNT_DIGITS,
    OF_S3,
    fits_bucket_names,
    other_region,
    start_of_names,
)
from templates.layers.flow_logs import FlowLog

EXTRA_DAYS = 30

# Beginnings that S3 keeps for itself, and the one that EC2 refuses in a security group's name.
RESERVED = (*OF_S3, "sg-")


class Settings(Common):
    """What replicated_storage must be told."""

    allowed_cidr: Cidr = Field(
        description='an IPv4 CIDR block: who may reach ports 443 and 80, such as "203.0.113.0/24"'
    )
    home_region: Region = Field(
        "us-east-1", description="the Region of the primary bucket, the VPC and the dashboard"
    )
    replication_region: Region = Field(
        "us-west-2",
        description="the Region of the copies: any but home_region",
        validate_default=True,
    )
    name: str = Field(
        "tap-stack",
        description="lower-case letters, digits and single hyphens, starting with a letter; "
        'bucket names start with it, without a trailing "-stack"',
        validate_default=True,
    )
    environment: str = Field(
        "production",
        description="the environment tag: letters, digits, dots, hyphens and underscores, "
        "at most 64",
    )
    private_subnets: bool = Field(
        False,
        description="true or false: a private subnet with a NAT gateway in each zone",
    )
    multi_region_key: bool = Field(
        False,
        description="true or false: one multi-Region key and its replica instead of a key for "
        "each Region; fixed once deployed",
    )
    enable_flow_logs: bool = Field(
        False, description="true or false: record all traffic of the VPC, for 30 days"
    )
    packet_drops: Literal["flow_log", "nat", "none"] = Field(
        "flow_log",
        description='what the dashboard counts as dropped packets: "flow_log" (rejected ones), '
        '"nat" (those of the NAT gateways, with private_subnets = true) or "none"',
    )
    bucket_access_logs: bool = Field(
        False,
        description="true or false: record every request to the buckets, for 90 days",
    )
    tiered_sgs: bool = Field(
        False,
        description="true or false: security groups for the tiers web, app, database and ssh",
    )
    ssh_cidr: Cidr = Field(
        "10.0.0.0/8", description="an IPv4 CIDR block: who may use ssh, with tiered_sgs = true"
    )
    extra_buckets: bool = Field(
        False,
        description="true or false: buckets for an application and its logs, and a backup bucket "
        "in the replication Region",
    )
    enable_cross_region_replication: bool = Field(
        True,
        description="true or false: copy the application's bucket to the backup bucket, with "
        "extra_buckets = true",
    )
    extra_log_groups: bool = Field(
        False,
        description="true or false: log groups for applications and infrastructure, 30 days each",
    )
    cpu_alarm: bool = Field(
        False,
        description="true or false: an alarm for an instance that is above 80 % CPU for 10 minutes",
    )
    cpu_alarm_instance: str | None = Field(
        None,
        description='the id of the instance that cpu_alarm watches, such as "i-0123456789abcdef0"',
        pattern=r"^i-[0-9a-f]{8,17}$",
        validate_default=True,
    )
    alarm_email: str | None = Field(
        None,
        description="an e-mail address that is told of alarms, once it has confirmed",
        pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    )
    cloudtrail: bool = Field(
        False, description="true or false: a trail of every call in the account, in all Regions"
    )
    aws_config: bool = Field(
        False,
        description="true or false: AWS Config's recorder; only where the Region has none yet",
    )
    postgres: bool = Field(
        False,
        description="true or false: a PostgreSQL database in two zones with a replica in the "
        "replication Region; needs private_subnets and tiered_sgs",
    )
    service_roles: bool = Field(
        False, description="true or false: roles for instances and for RDS monitoring"
    )

    @field_validator("replication_region")
    @classmethod
    def _is_another_region(cls, region: str, info: ValidationInfo) -> str:
        why = "is the home Region; a copy must live in another"
        return other_region(region, info, "home_region", why)

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        return start_of_names(name, reserved=RESERVED, prefix=prefix_of(name))

    @field_validator("name")
    @classmethod
    def _leaves_room_in_bucket_names(cls, name: str, info: ValidationInfo) -> str:
        regions = [info.data.get(key, "") for key in ("home_region", "replication_region")]
        return fits_bucket_names(name, _longest_bucket_name(prefix_of(name), *regions))

    @field_validator("environment")
    @classmethod
    def _is_a_path_segment(cls, environment: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", environment):
            raise ValueError("cannot be part of a log group's name")
        return environment

    @field_validator("packet_drops")
    @classmethod
    def _has_something_to_count(cls, packet_drops: str, info: ValidationInfo) -> str:
        if packet_drops == "nat" and info.data.get("private_subnets") is False:
            raise ValueError("private_subnets is false, so there is no NAT gateway to count at")
        return packet_drops

    @field_validator("cpu_alarm_instance")
    @classmethod
    def _is_there_to_be_watched(cls, instance: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("cpu_alarm") and instance is None:
            raise ValueError("missing, and cpu_alarm is true: an alarm watches one instance")
        return instance

    @field_validator("postgres")
    @classmethod
    def _has_a_place(cls, postgres: bool, info: ValidationInfo) -> bool:
        missing = [key for key in ("private_subnets", "tiered_sgs") if not info.data.get(key)]
        if postgres and missing:
            raise ValueError(
                f"{' and '.join(missing)} must be true: the database stands in private subnets, "
                "in the group of its tier"
            )
        return postgres

    @property
    def prefix(self) -> str:
        """How the names of resources start: the name without a trailing "-stack"."""
        return prefix_of(self.name)

    @property
    def tags(self) -> Mapping[str, str]:
        """The system's own tags, on everything that takes tags."""
        return {
            "environment": self.environment,
            "project": self.name,
            "managed-by": "tapcfn",
        }

    @property
    def primary_bucket(self) -> str:
        """The base of the primary bucket's name."""
        return f"{self.prefix}-primary-bucket"

    @property
    def destination_bucket(self) -> str:
        """The base of the destination bucket's name."""
        return f"{self.prefix}-destination-bucket"

    @property
    def access_log_bucket(self) -> str:
        """The base of the access-log buckets' names; empty where there are none."""
        return f"{self.prefix}-access-logs" if self.bucket_access_logs else ""

    @property
    def metric(self) -> tuple[str, str]:
        """Namespace and name of the metric that counts rejected packets."""
        pascal = "".join(word.capitalize() for word in self.name.split("-"))
        return f"{pascal}/Network", "RejectedPackets"

    @property
    def flow_logs(self) -> tuple[FlowLog, ...]:
        """The flow logs that the options ask for."""
        rejects = FlowLog(
            "RejectFlowLog", "REJECT", f"/aws/{self.name}/flow-rejects", 14, self.metric
        )
        everything = FlowLog("FlowLog", "ALL", self.infrastructure_group, EXTRA_DAYS)
        return (
            *([rejects] if self.packet_drops == "flow_log" else []),
            *([everything] if self.enable_flow_logs else []),
        )

    @property
    def infrastructure_group(self) -> str:
        """The name of the log group that flow logs go to; with extra_log_groups always there."""
        return f"/aws/infrastructure/{self.prefix}/{self.environment}"

    @property
    def application_group(self) -> str:
        """The name of the log group of extra_log_groups that applications write to."""
        return f"/aws/application/{self.prefix}/{self.environment}"

    @property
    def trail(self) -> str:
        """The name of the trail; its key's policy names it."""
        return f"{self.prefix}-trail"

    @property
    def log_group(self) -> str:
        """The name of the application's log group."""
        return f"/aws/{self.name}/application"

    @property
    def log_groups(self) -> tuple[str, ...]:
        """The names of every log group at home: those that the key must serve."""
        named = {self.log_group, *(flow_log.group for flow_log in self.flow_logs)}
        extra = {self.application_group, self.infrastructure_group}
        return tuple(sorted(named | (extra if self.extra_log_groups else set())))


def prefix_of(name: str) -> str:
    """Return how the names of a system's resources start."""
    return name.removesuffix("-stack")


def _longest_bucket_name(prefix: str, home: str, away: str) -> int:
    """Return the length of the longest computed bucket name. (C-2)

    The names of the options' buckets are shorter than the primary bucket's in the same Region.
    """
    names = (f"{prefix}-primary-bucket--{home}", f"{prefix}-destination-bucket--{away}")
    return max(map(len, names)) + ACCOUNT_DIGITS
