"""S0: a bucket whose every object is copied to another Region, beside a small VPC for its users.

Order comes from the outputs alone: each Region's key, then the destination bucket, then the bucket
that copies to it; the network and the dashboard wait for nothing but the key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from tapcfn.config import Cidr, Common, Region
from tapcfn.model import (
    EMPTY,
    STATEFUL,
    OutputOf,
    ParameterValue,
    Phase,
    Rollout,
    Stack,
    Target,
    TemplateBody,
    ZoneOf,
)
from tapcfn.templating import body
from templates.layers import flow_logs, monitoring, network, replication, security, storage

NAME = "replicated_storage"

VPC_CIDR = "10.0.0.0/16"
PUBLIC_CIDRS = ("10.0.1.0/24", "10.0.2.0/24")
PRIVATE_CIDRS = ("10.0.10.0/24", "10.0.11.0/24")

# Layers that go to both Regions; the others are at home alone.
REGIONAL = frozenset({"security", "storage"})

MAX_BUCKET_NAME = 63
ACCOUNT_DIGITS = 12

# Beginnings that S3 keeps for itself, and the one that EC2 refuses in a security group's name.
RESERVED = ("sthree-", "amzn-s3-demo-", "sg-")


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

    @field_validator("replication_region")
    @classmethod
    def _is_another_region(cls, region: str, info: ValidationInfo) -> str:
        if region == info.data.get("home_region"):
            raise ValueError("is the home Region; a copy must live in another")
        return region

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z](-?[a-z0-9])*", name):
            raise ValueError("cannot start the names of buckets")
        for start in RESERVED:
            if f"{prefix_of(name)}-".startswith(start):
                raise ValueError(f'AWS reserves names that start with "{start}"')
        return name

    @field_validator("name")
    @classmethod
    def _leaves_room_in_bucket_names(cls, name: str, info: ValidationInfo) -> str:
        regions = [info.data.get(key, "") for key in ("home_region", "replication_region")]
        longest = _longest_bucket_name(prefix_of(name), *regions)
        if (excess := longest - MAX_BUCKET_NAME) > 0:
            raise ValueError(
                f"makes a bucket name of {longest} characters, and S3 takes {MAX_BUCKET_NAME}; "
                f"name may have at most {len(name) - excess} characters here"
            )
        return name

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
    def flow_logs(self) -> tuple[flow_logs.FlowLog, ...]:
        """The flow logs that the options ask for."""
        rejects = flow_logs.FlowLog(
            "RejectFlowLog", "REJECT", f"/aws/{self.name}/flow-rejects", 14, self.metric
        )
        everything = flow_logs.FlowLog(
            "FlowLog", "ALL", f"/aws/infrastructure/{self.prefix}/{self.environment}", 30
        )
        return (
            *([rejects] if self.packet_drops == "flow_log" else []),
            *([everything] if self.enable_flow_logs else []),
        )

    @property
    def log_group(self) -> monitoring.LogGroup:
        """The application's log group."""
        return monitoring.LogGroup(f"/aws/{self.name}/application", f"{self.prefix}-log-group", 14)

    @property
    def log_groups(self) -> tuple[str, ...]:
        """The names of every log group at home: those that the key must serve."""
        return (self.log_group.name, *(flow_log.group for flow_log in self.flow_logs))


def prefix_of(name: str) -> str:
    """Return how the names of a system's resources start."""
    return name.removesuffix("-stack")


def _longest_bucket_name(prefix: str, home: str, away: str) -> int:
    """Return the length of the longest computed bucket name. (C-2)

    The access logs' names are shorter than the primary bucket's in the same Region.
    """
    names = (f"{prefix}-primary-bucket--{home}", f"{prefix}-destination-bucket--{away}")
    return max(map(len, names)) + ACCOUNT_DIGITS


def rollout(settings: Settings, stage: str) -> Rollout:
    """Return the one phase that provisions both Regions; the outputs are those of S0-15."""
    stacks = (
        _security(settings, stage),
        _security_replica(settings, stage),
        _storage_replica(settings, stage),
        _storage(settings, stage),
        _network(settings, stage),
        _monitoring(settings, stage),
    )
    return Rollout(NAME, stage, (Phase("provision", stacks),), _outputs(settings, stage))


def _outputs(settings: Settings, stage: str) -> Mapping[str, OutputOf]:
    home, away = settings.home_region, settings.replication_region
    return {
        "vpc_id": _output(stage, "network", home, network.Out.VPC_ID),
        "subnet_ids": _output(stage, "network", home, network.Out.SUBNET_IDS),
        "security_group_id": _output(stage, "network", home, network.Out.SECURITY_GROUP_ID),
        "primary_bucket_name": _output(stage, "storage", home, storage.Out.BUCKET_NAME),
        "destination_bucket_name": _output(stage, "storage", away, storage.Out.BUCKET_NAME),
        "log_group_name": _output(stage, "monitoring", home, monitoring.Out.LOG_GROUP_NAME),
        "kms_key_id": _output(stage, "security", home, security.Out.KEY_ID),
    }


# One function for each stack --------------------------------------------------------------------


def _security(settings: Settings, stage: str) -> Stack:
    template = security.build(
        alias=settings.name,
        tags=settings.tags,
        keep_data=settings.keep_data,
        log_groups=settings.log_groups,
        multi_region=settings.multi_region_key,
    )
    return _stack(settings, stage, layer="security", template=body("security", template))


def _security_replica(settings: Settings, stage: str) -> Stack:
    """Return the key of the replication Region, where no log group needs it."""
    build = security.build_replica if settings.multi_region_key else security.build
    template = build(alias=settings.name, tags=settings.tags, keep_data=settings.keep_data)
    primary = _key(stage, settings.home_region)
    return _stack(
        settings,
        stage,
        layer="security",
        region=settings.replication_region,
        template=body("security-replica", template),
        parameters={"PrimaryKeyArn": primary} if settings.multi_region_key else EMPTY,
    )


def _storage_replica(settings: Settings, stage: str) -> Stack:
    region = settings.replication_region
    template = storage.build(
        title="DestinationBucket",
        base=settings.destination_bucket,
        tags=settings.tags,
        keep_data=settings.keep_data,
        access_logs=settings.access_log_bucket,
    )
    return _stack(
        settings,
        stage,
        layer="storage",
        region=region,
        template=body("storage-replica", template),
        parameters={"KeyArn": _key(stage, region)},
    )


def _storage(settings: Settings, stage: str) -> Stack:
    """Return the primary bucket; what it copies to comes from the replica's outputs. (L-3)"""
    home, away = settings.home_region, settings.replication_region
    template = storage.build(
        title="PrimaryBucket",
        base=settings.primary_bucket,
        tags=settings.tags,
        keep_data=settings.keep_data,
        copies=replication.Rule("ReplicateEverything", "STANDARD_IA"),
        access_logs=settings.access_log_bucket,
    )
    return _stack(
        settings,
        stage,
        layer="storage",
        template=body("storage", template),
        parameters={
            "KeyArn": _key(stage, home),
            "DestinationBucketArn": _output(stage, "storage", away, storage.Out.BUCKET_ARN),
            "DestinationKeyArn": _output(stage, "storage", away, storage.Out.KEY_ARN),
            "DestinationRegion": away,
        },
    )


def _network(settings: Settings, stage: str) -> Stack:
    template = network.build(
        prefix=settings.prefix,
        vpc_cidr=VPC_CIDR,
        subnets=network.Subnets(PUBLIC_CIDRS, PRIVATE_CIDRS if settings.private_subnets else ()),
        tags=settings.tags,
        keep_data=settings.keep_data,
        recorded=settings.flow_logs,
    )
    parameters: dict[str, ParameterValue] = {"AllowedCidr": settings.allowed_cidr}
    for index in range(len(PUBLIC_CIDRS)):
        parameters[f"AvailabilityZone{index}"] = ZoneOf(index)
    if settings.flow_logs:
        parameters["KeyArn"] = _key(stage, settings.home_region)
    return _stack(
        settings,
        stage,
        layer="network",
        template=body("network", template),
        parameters=parameters,
    )


def _monitoring(settings: Settings, stage: str) -> Stack:
    home = settings.home_region
    template = monitoring.build(
        log_group=settings.log_group,
        dashboard=_dashboard(settings),
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    parameters: dict[str, ParameterValue] = {"KeyArn": _key(stage, home)}
    if settings.packet_drops == "nat":
        parameters["NatGatewayIds"] = _output(stage, "network", home, network.Out.NAT_GATEWAY_IDS)
    return _stack(
        settings,
        stage,
        layer="monitoring",
        template=body("monitoring", template),
        parameters=parameters,
    )


def _dashboard(settings: Settings) -> monitoring.Dashboard:
    drops = settings.packet_drops
    shown = "bucket size" if drops == "none" else "bucket size and packet drops"
    return monitoring.Dashboard(
        name=f"{settings.name}-monitoring",
        title=f"{settings.name}: {shown}",
        bucket=storage.bucket_name(settings.primary_bucket),
        metric=settings.metric if drops == "flow_log" else None,
        nat_gateways=len(PRIVATE_CIDRS) if drops == "nat" else 0,
    )


def _stack(
    settings: Settings,
    stage: str,
    *,
    layer: str,
    template: TemplateBody,
    region: str = "",
    parameters: Mapping[str, ParameterValue] = EMPTY,
) -> Stack:
    """Return one stack, at home where no Region is named."""
    region = region or settings.home_region
    return Stack(
        name=_stack_name(stage, layer, region),
        target=Target(settings.account_id, region),
        template=template,
        parameters=parameters,
        tags={"tapcfn:blueprint": NAME, "tapcfn:layer": layer, "tapcfn:stage": stage},
        protect=settings.termination_protection
        and not STATEFUL.isdisjoint(template.resources.values()),
        adopt=settings.keep_data,
    )


def _stack_name(stage: str, layer: str, region: str) -> str:
    """Return a stack's name, with the Region where the layer goes to more than one."""
    name = f"{stage}-{NAME.replace('_', '-')}-{layer}"
    return f"{name}-{region}" if layer in REGIONAL else name


def _output(stage: str, layer: str, region: str, key: str) -> OutputOf:
    return OutputOf(_stack_name(stage, layer, region), key)


def _key(stage: str, region: str) -> OutputOf:
    """Return the ARN of a Region's key."""
    return _output(stage, "security", region, security.Out.KEY_ARN)
