"""The stacks of replicated_storage.

Order comes from the outputs alone: each Region's key, then the destination bucket, then the bucket
that copies to it; the network and the dashboard wait for nothing but the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from troposphere import GetAtt, Output, Parameter, Ref, Select

from tapcfn.model import EMPTY, OutputOf, ParameterValue, Phase, Rollout, Stack, ZoneOf
from tapcfn.templating import Template
from templates.blueprints._stacks import Stacks
from templates.blueprints.replicated_storage.settings import Settings
from templates.layers import (
    dashboards,
    flow_logs,
    key_grants,
    log_groups,
    network,
    replication,
    security,
    security_groups,
    storage,
)
from templates.layers._parameters import cidr, key_arn
from templates.layers._values import Value

NAME = "replicated_storage"

VPC_CIDR = "10.0.0.0/16"
PUBLIC_CIDRS = ("10.0.1.0/24", "10.0.2.0/24")
PRIVATE_CIDRS = ("10.0.10.0/24", "10.0.11.0/24")

LOG_DAYS = 14

# Layers that go to both Regions; the others are at home alone.
REGIONAL = frozenset({"security", "storage"})

SECURITY_GROUP_ID = "SecurityGroupId"
LOG_GROUP_NAME = "LogGroupName"


def rollout(settings: Settings, stage: str) -> Rollout:
    """Return the one phase that provisions both Regions; the outputs are those of S0-15."""
    system = _System(settings, Stacks(NAME, stage, settings, REGIONAL))
    stacks = (
        system.security(),
        system.security_replica(),
        system.storage_replica(),
        system.storage(),
        system.network(),
        system.monitoring(),
    )
    return Rollout(NAME, stage, (Phase("provision", stacks),), system.outputs())


@dataclass(frozen=True, slots=True)
class _System:
    """The system's settings, and how its stacks are called."""

    settings: Settings
    stacks: Stacks

    @property
    def home(self) -> str:
        return self.settings.home_region

    @property
    def away(self) -> str:
        return self.settings.replication_region

    def key(self, region: str) -> OutputOf:
        """Return the ARN of a Region's key."""
        return self.stacks.output("security", region, security.Out.KEY_ARN)

    def outputs(self) -> Mapping[str, OutputOf]:
        """Return what people ask the system for. (S0-15)"""
        output, home = self.stacks.output, self.home
        return {
            "vpc_id": output("network", home, network.Out.VPC_ID),
            "subnet_ids": output("network", home, network.Out.SUBNET_IDS),
            "security_group_id": output("network", home, SECURITY_GROUP_ID),
            "primary_bucket_name": output("storage", home, storage.Out.BUCKET_NAME),
            "destination_bucket_name": output("storage", self.away, storage.Out.BUCKET_NAME),
            "log_group_name": output("monitoring", home, LOG_GROUP_NAME),
            "kms_key_id": output("security", home, security.Out.KEY_ID),
        }

    # One method for each stack ------------------------------------------------------------------

    def security(self) -> Stack:
        """Return the key at home."""
        settings = self.settings
        template = security.build(
            alias=settings.name,
            tags=settings.tags,
            keep_data=settings.keep_data,
            grants=key_grants.logs(settings.log_groups),
            multi_region=settings.multi_region_key,
        )
        return self.stacks.stack("security", self.home, template)

    def security_replica(self) -> Stack:
        """Return the key of the replication Region, where no log group needs it."""
        settings = self.settings
        build = security.build_replica if settings.multi_region_key else security.build
        template = build(alias=settings.name, tags=settings.tags, keep_data=settings.keep_data)
        primary = {"PrimaryKeyArn": self.key(self.home)} if settings.multi_region_key else EMPTY
        return self.stacks.stack("security", self.away, template, primary, variant="replica")

    def storage_replica(self) -> Stack:
        """Return the bucket that gets the copies."""
        settings = self.settings
        template = storage.build(
            title="DestinationBucket",
            base=settings.destination_bucket,
            tags=settings.tags,
            keep_data=settings.keep_data,
            access_logs=settings.access_log_bucket,
        )
        parameters = {"KeyArn": self.key(self.away)}
        return self.stacks.stack("storage", self.away, template, parameters, variant="replica")

    def storage(self) -> Stack:
        """Return the primary bucket; what it copies to comes from the replica's outputs. (L-3)"""
        settings = self.settings
        template = storage.build(
            title="PrimaryBucket",
            base=settings.primary_bucket,
            tags=settings.tags,
            keep_data=settings.keep_data,
            copies=replication.Rule("ReplicateEverything", "STANDARD_IA"),
            access_logs=settings.access_log_bucket,
        )
        output = self.stacks.output
        parameters: dict[str, ParameterValue] = {
            "KeyArn": self.key(self.home),
            "DestinationBucketArn": output("storage", self.away, storage.Out.BUCKET_ARN),
            "DestinationKeyArn": output("storage", self.away, storage.Out.KEY_ARN),
            "DestinationRegion": self.away,
        }
        return self.stacks.stack("storage", self.home, template, parameters)

    def network(self) -> Stack:
        """Return the VPC, its security group and its flow logs."""
        settings = self.settings
        template = _network(settings)
        parameters: dict[str, ParameterValue] = {"AllowedCidr": settings.allowed_cidr}
        for index in range(len(PUBLIC_CIDRS)):
            parameters[f"AvailabilityZone{index}"] = ZoneOf(index)
        if settings.flow_logs:
            parameters["KeyArn"] = self.key(self.home)
        return self.stacks.stack("network", self.home, template, parameters)

    def monitoring(self) -> Stack:
        """Return the application's log group and the dashboard."""
        parameters: dict[str, ParameterValue] = {"KeyArn": self.key(self.home)}
        if self.settings.packet_drops == "nat":
            parameters["NatGatewayIds"] = self.stacks.output(
                "network", self.home, network.Out.NAT_GATEWAY_IDS
            )
        return self.stacks.stack("monitoring", self.home, _monitoring(self.settings), parameters)


# The templates that are made of several layers ----------------------------------------------------


def _network(settings: Settings) -> Template:
    template = Template("A VPC with public subnets and a security group for the web")
    tiers = [network.public(PUBLIC_CIDRS)]
    if settings.private_subnets:
        tiers.append(network.private(PRIVATE_CIDRS))
    made = network.add(
        template,
        name=f"{settings.prefix}-vpc",
        vpc_cidr=VPC_CIDR,
        tiers=tiers,
        tags=settings.tags,
    )
    network.publish(template, made)
    _web_group(template, settings, Ref(made.vpc))
    if settings.flow_logs:
        key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
        for each in settings.flow_logs:
            flow_logs.add(
                template,
                each,
                vpc=Ref(made.vpc),
                key=key,
                tags=settings.tags,
                keep_data=settings.keep_data,
            )
    return template


def _web_group(template: Template, settings: Settings, vpc: Value) -> None:
    """Add the group that lets one block of addresses reach the web ports. (S0-5)"""
    allowed = template.add_parameter(
        cidr("AllowedCidr", "IPv4 block that may reach ports 443 and 80")
    )
    group = security_groups.add(
        template,
        "SecurityGroup",
        vpc=vpc,
        description="HTTPS and HTTP from the allowed block",
        ingress=[
            security_groups.from_block(443, "HTTPS from the allowed block", allowed),
            security_groups.from_block(80, "HTTP from the allowed block", allowed),
        ],
        tags=settings.tags,
        name=f"{settings.prefix}-security-group",
        label=f"{settings.prefix}-sg",
    )
    template.add_output(
        Output(
            SECURITY_GROUP_ID,
            Description="Id of the security group",
            Value=GetAtt(group, "GroupId"),
        )
    )


def _monitoring(settings: Settings) -> Template:
    template = Template("The application's log group and its dashboard")
    key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
    group = log_groups.add(
        template,
        "LogGroup",
        name=settings.log_group,
        days=LOG_DAYS,
        key=key,
        tags=settings.tags,
        keep_data=settings.keep_data,
        label=f"{settings.prefix}-log-group",
    )
    template.add_output(
        Output(LOG_GROUP_NAME, Description="Name of the log group", Value=Ref(group))
    )
    dashboards.add(
        template,
        "Dashboard",
        name=f"{settings.name}-monitoring",
        widgets=[_widget(settings)],
        tags=settings.tags,
        values=_nat_gateways(template) if settings.packet_drops == "nat" else None,
    )
    return template


def _widget(settings: Settings) -> dashboards.Widget:
    """Return the one widget: the primary bucket's size, and dropped packets if asked for."""
    shown = "bucket size" if settings.packet_drops == "none" else "bucket size and packet drops"
    return dashboards.Widget(
        title=f"{settings.name}: {shown}",
        lines=[_bucket_size(settings), *_dropped_packets(settings)],
        width=dashboards.ROW,
        height=8,
        axes={"left": {"label": "Bytes"}, "right": {"label": "Packets"}},
    )


def _bucket_size(settings: Settings) -> dashboards.Line:
    """Return the line of the bucket's size, with a period of its own: S3 measures once a day."""
    bucket = storage.bucket_name(settings.primary_bucket)
    return dashboards.Line(
        ("AWS/S3", "BucketSizeBytes"),
        {"BucketName": bucket, "StorageType": "StandardStorage"},
        {"label": "Primary bucket size", "period": dashboards.DAY, "yAxis": "left"},
    )


def _dropped_packets(settings: Settings) -> list[dashboards.Line]:
    label = "VPC packet drops"
    if settings.packet_drops == "flow_log":
        options = {"label": f"{label} (rejected)", "yAxis": "right"}
        return [dashboards.Line(settings.metric, options=options)]
    if settings.packet_drops == "nat":
        return [
            dashboards.Line(
                ("AWS/NATGateway", "PacketsDropCount"),
                {"NatGatewayId": f"${{NatGatewayId{index}}}"},
                {"label": f"{label} (NAT gateway {index})", "yAxis": "right"},
            )
            for index in range(len(PRIVATE_CIDRS))
        ]
    return []


def _nat_gateways(template: Template) -> dict[str, Value]:
    """Declare the parameter with the NAT gateways' ids, and return each of them by its name."""
    ids = template.add_parameter(
        Parameter(
            "NatGatewayIds",
            Type="CommaDelimitedList",
            Description="Ids of the NAT gateways, in the order of the zones",
        )
    )
    return {f"NatGatewayId{index}": Select(index, Ref(ids)) for index in range(len(PRIVATE_CIDRS))}
