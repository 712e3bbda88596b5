"""The stacks of replicated_storage.

Order comes from the outputs alone: each Region's key, then the destination bucket, then the bucket
that copies to it; the network and the dashboard wait for nothing but the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from awacs.aws import Statement

from tapcfn.model import (
    EMPTY,
    CompareObjects,
    LockDownDefaultGroup,
    OutputOf,
    ParameterValue,
    Phase,
    Rollout,
    Stack,
    Target,
    ZoneOf,
)
from templates.blueprints._stacks import Stacks
from templates.blueprints.replicated_storage import extras, monitoring, network
from templates.blueprints.replicated_storage.settings import Settings
from templates.layers import key_grants, replication, security, storage, tiered_groups, trail
from templates.layers.network import Out

NAME = "replicated_storage"

# Layers that go to both Regions; the others are at home alone.
REGIONAL = frozenset({"security", "storage", "buckets", "data"})


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
        *system.optional(),
    )
    outputs = {**system.outputs(), **_optional_outputs(system)}
    phases = (Phase("provision", stacks),)
    actions = (system.comparison(), system.closing())
    return Rollout(NAME, stage, phases, outputs, actions=actions)


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
            "vpc_id": output("network", home, Out.VPC_ID),
            "subnet_ids": output("network", home, Out.SUBNET_IDS),
            "security_group_id": output("network", home, network.SECURITY_GROUP_ID),
            "primary_bucket_name": output("storage", home, storage.Out.BUCKET_NAME),
            "destination_bucket_name": output("storage", self.away, storage.Out.BUCKET_NAME),
            "log_group_name": output("monitoring", home, monitoring.LOG_GROUP_NAME),
            "kms_key_id": output("security", home, security.Out.KEY_ID),
        }

    def comparison(self) -> CompareObjects:
        """Return what shows that all objects have arrived. (O-9)"""
        account, output = self.settings.account_id, self.stacks.output
        return CompareObjects(
            "compare-buckets",
            Target(account, self.home),
            output("storage", self.home, storage.Out.BUCKET_NAME),
            Target(account, self.away),
            output("storage", self.away, storage.Out.BUCKET_NAME),
        )

    def closing(self) -> LockDownDefaultGroup:
        """Return the end of the rules that EC2 puts into the default group of the VPC."""
        vpc = self.stacks.output("network", self.home, Out.VPC_ID)
        place = Target(self.settings.account_id, self.home)
        return LockDownDefaultGroup("close-default-group", place, vpc)

    # One method for each stack ------------------------------------------------------------------

    def security(self) -> Stack:
        """Return the key at home."""
        settings = self.settings
        template = security.build(
            alias=settings.name,
            tags=settings.tags,
            keep_data=settings.keep_data,
            grants=self.grants(),
            multi_region=settings.multi_region_key,
        )
        return self.stacks.stack("security", self.home, template)

    def grants(self) -> tuple[Statement, ...]:
        """Return what lets services use the key at home: those that the options bring along."""
        settings = self.settings
        return (
            *key_grants.logs(settings.log_groups),
            *((key_grants.alarms(),) if settings.cpu_alarm else ()),
            *(key_grants.trail(trail.arn(settings.trail)) if settings.cloudtrail else ()),
            *((key_grants.config_delivery(),) if settings.aws_config else ()),
        )

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
        """Return the VPC, its security groups and its flow logs."""
        settings = self.settings
        parameters: dict[str, ParameterValue] = {"AllowedCidr": settings.allowed_cidr, **_zones()}
        if settings.tiered_sgs:
            parameters["SshCidr"] = settings.ssh_cidr
        if network.needs_key(settings):
            parameters["KeyArn"] = self.key(self.home)
        return self.stacks.stack("network", self.home, network.build(settings), parameters)

    def monitoring(self) -> Stack:
        """Return the log groups, the dashboard and the alarm."""
        settings = self.settings
        parameters: dict[str, ParameterValue] = {"KeyArn": self.key(self.home)}
        if settings.packet_drops == "nat":
            parameters["NatGatewayIds"] = self.of_network(Out.NAT_GATEWAY_IDS)
        if settings.cpu_alarm and settings.cpu_alarm_instance:
            parameters["WatchedInstance"] = settings.cpu_alarm_instance
        if settings.cpu_alarm and settings.alarm_email:
            parameters["AlarmEmail"] = settings.alarm_email
        template = monitoring.build(settings)
        return self.stacks.stack("monitoring", self.home, template, parameters)

    # The options' stacks ------------------------------------------------------------------------

    def optional(self) -> tuple[Stack, ...]:
        """Return the stacks of the options that are on."""
        settings = self.settings
        return (
            *(self.buckets() if settings.extra_buckets else ()),
            *((self.audit(),) if settings.cloudtrail or settings.aws_config else ()),
            *(self.database() if settings.postgres else ()),
            *((self.roles(),) if settings.service_roles else ()),
        )

    def buckets(self) -> tuple[Stack, ...]:
        """Return the backup bucket, then those at home, which may copy to it."""
        settings = self.settings
        backup = self.stacks.stack(
            "buckets", self.away, extras.backup_bucket(settings), variant="replica"
        )
        parameters: dict[str, ParameterValue] = {}
        if settings.enable_cross_region_replication:
            parameters["DestinationBucketArn"] = self.stacks.output(
                "buckets", self.away, extras.Out.BACKUP_BUCKET_ARN
            )
        return backup, self.stacks.stack("buckets", self.home, extras.buckets(settings), parameters)

    def audit(self) -> Stack:
        """Return the trail and the recorder."""
        parameters = {"KeyArn": self.key(self.home)}
        return self.stacks.stack("audit", self.home, extras.audit(self.settings), parameters)

    def database(self) -> tuple[Stack, ...]:
        """Return the database, and its replica with a network of its own."""
        settings, output = self.settings, self.stacks.output
        primary = self.stacks.stack(
            "data",
            self.home,
            extras.database(settings),
            {
                "KeyArn": self.key(self.home),
                "SubnetIds": self.of_network(Out.PRIVATE_SUBNET_IDS),
                "DatabaseGroupId": self.of_network(tiered_groups.Out.DATABASE),
            },
        )
        place = self.stacks.stack(
            "replica-network", self.away, network.build_replica(settings), _zones()
        )
        replica = self.stacks.stack(
            "data",
            self.away,
            extras.database_replica(settings),
            {
                "KeyArn": self.key(self.away),
                "SourceDatabaseArn": output("data", self.home, extras.Out.DATABASE_ARN),
                "SubnetIds": output("replica-network", self.away, Out.SUBNET_IDS),
                "DatabaseGroupId": output("replica-network", self.away, tiered_groups.Out.DATABASE),
            },
            variant="replica",
        )
        return primary, place, replica

    def roles(self) -> Stack:
        """Return the roles for other services."""
        return self.stacks.stack("roles", self.home, extras.roles(self.settings))

    def of_network(self, key: str) -> OutputOf:
        """Return an output of the network at home."""
        return self.stacks.output("network", self.home, key)


def _zones() -> dict[str, ParameterValue]:
    return {f"AvailabilityZone{index}": ZoneOf(index) for index in range(network.ZONES)}


# Outputs of the options (S0-X11) ------------------------------------------------------------------


def _optional_outputs(system: _System) -> Mapping[str, OutputOf]:
    """Return the outputs that come with the options."""
    settings, output = system.settings, system.stacks.output
    home, away = system.home, system.away
    found: dict[str, OutputOf] = {}
    if settings.private_subnets:
        found["private_subnet_ids"] = system.of_network(Out.PRIVATE_SUBNET_IDS)
    if settings.tiered_sgs:
        found |= {
            "web_security_group_id": system.of_network(tiered_groups.Out.WEB),
            "app_security_group_id": system.of_network(tiered_groups.Out.APP),
            "db_security_group_id": system.of_network(tiered_groups.Out.DATABASE),
            "ssh_security_group_id": system.of_network(tiered_groups.Out.SSH),
        }
    if settings.extra_buckets:
        found |= {
            "app_bucket_name": output("buckets", home, extras.Out.APP_BUCKET),
            "logs_bucket_name": output("buckets", home, extras.Out.LOG_BUCKET),
            "backup_bucket_name": output("buckets", away, extras.Out.BACKUP_BUCKET),
        }
    if settings.extra_log_groups:
        found["application_log_group_name"] = output(
            "monitoring", home, monitoring.APPLICATION_GROUP_NAME
        )
        found["infrastructure_log_group_name"] = system.of_network(
            network.INFRASTRUCTURE_GROUP_NAME
        )
    if settings.postgres:
        found["database_endpoint"] = output("data", home, extras.Out.DATABASE_ENDPOINT)
        found["database_replica_endpoint"] = output("data", away, extras.Out.DATABASE_ENDPOINT)
    return found
