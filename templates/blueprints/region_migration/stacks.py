"""The stacks of region_migration, and the order that their outputs leave open. (S4)

All of them are there before anything is promoted or anybody is led elsewhere: those are moves of
the same stacks with other settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tapcfn.model import OutputOf, ParameterValue, Phase, Rollout, Stack, ZoneOf
from tapcfn.templating import Template
from templates.blueprints._buckets import bucket_arn
from templates.blueprints._stacks import Stacks
from templates.blueprints.region_migration import (
    app,
    data,
    edge,
    foundation,
    monitoring,
    moves,
    outputs,
    requests,
    roles,
    source,
)
from templates.blueprints.region_migration.settings import Settings
from templates.layers import network, security

NAME = "region_migration"

Given = dict[str, ParameterValue]


def rollout(settings: Settings, stage: str) -> Rollout:
    """Return the phases: the target's foundation, what copies to it, what will serve there.

    The last waits for the image's copy: without `ami_id` there is no such phase. (O-14)
    """
    system = System(settings, Stacks(NAME, stage, settings))
    phases = (
        Phase("prepare", tuple(system.foundation())),
        Phase("replicate", tuple(system.copies())),
        Phase("stand-by", tuple(system.serving())),
    )
    present = tuple(phase for phase in phases if phase.stacks)
    return Rollout(
        NAME,
        stage,
        present,
        outputs.of(settings, system.output),
        moves.of(system),
        tuple(requests.of(system, stage)),
    )


@dataclass(frozen=True, slots=True)
class System:
    """The system's settings, and how its stacks are called."""

    settings: Settings
    stacks: Stacks

    def foundation(self) -> Iterator[Stack]:
        """Yield what the target Region must have first."""
        yield self.security()
        if self.settings.has_return_key:
            yield self.return_key()
        yield self.network()
        yield self.storage()
        yield self.logs()
        yield self.roles()

    def copies(self) -> Iterator[Stack]:
        """Yield what brings the data over."""
        settings = self.settings
        yield self.source()
        if settings.small_db:
            yield self.small_database()
        yield self.replica()
        if settings.promotion_function:
            yield self.promotion()
        if settings.aws_backup:
            yield self.backup()

    def serving(self) -> Iterator[Stack]:
        """Yield what visitors will meet in the target Region."""
        if not self.settings.ami_id:
            return
        yield self.app()
        if self.settings.global_accelerator:
            yield self.accelerator()
        yield self.monitoring()

    def with_settings(self, settings: Settings) -> System:
        """Return the same system with other settings: as a move wants its stacks."""
        return replace(self, settings=settings)

    # How they are put together --------------------------------------------------------------------

    def here(self, layer: str, template: Template, given: Given, variant: str = "") -> Stack:
        """Return a stack of the target Region."""
        region = self.settings.target_region
        return self.stacks.stack(layer, region, template, given, variant=variant)

    def name(self, layer: str, region: str) -> str:
        """Return the name of a stack."""
        return self.stacks.name(layer, region)

    def output(self, layer: str, key: str) -> OutputOf:
        """Return an output of a stack, whose layer is in one of the Regions only."""
        return self.stacks.output(layer, self.settings.target_region, key)

    @property
    def key(self) -> OutputOf:
        """The ARN of the migration's key."""
        return self.output("security", security.Out.KEY_ARN)

    def named(self, layer: str, *keys: str) -> Given:
        """Return outputs of a stack as parameters of the same names."""
        return {str(key): self.output(layer, key) for key in keys}

    # The target's foundation ----------------------------------------------------------------------

    def security(self) -> Stack:
        """Return the keys."""
        return self.here("security", foundation.build_security(self.settings), {})

    def return_key(self) -> Stack:
        """Return the key of what comes back to the source, in its Region."""
        settings = self.settings
        template = source.build_return_key(settings)
        return self.stacks.stack("return-key", settings.source_region, template, {})

    def network(self) -> Stack:
        """Return the network and its security groups."""
        settings, existing = self.settings, self.settings.vpc_fallback
        given: Given = {"SshCidr": settings.ssh_cidr}
        if existing:
            given["VpcId"] = existing.vpc_id
            given["SubnetIds"] = ",".join(existing.subnet_ids)
            given["PrivateSubnetIds"] = ",".join(existing.private)
        else:
            given |= _zones()
        template = foundation.build_network(settings)
        return self.here("network", template, given, "existing" if existing else "")

    def storage(self, *, back: bool = False) -> Stack:
        """Return the buckets; with `back` one of them copies to the source's, too."""
        settings = self.settings
        given: Given = {"KeyArn": self.output("security", foundation.Out.BUCKET_KEY_ARN)}
        if back:
            source = settings.source_region
            given["DestinationBucketArn"] = bucket_arn(settings.copied_bucket, source)
            given["DestinationRegion"] = source
            given["DestinationKeyArn"] = settings.source_key_arn or self.output(
                "return-key", security.Out.KEY_ARN
            )
        template = foundation.build_storage(settings, back=back)
        return self.here("storage", template, given, "back" if back else "")

    def logs(self) -> Stack:
        """Return the log group."""
        return self.here("logs", foundation.build_logs(self.settings), {"KeyArn": self.key})

    def roles(self) -> Stack:
        """Return the operator's role; the source's names are known without its stacks."""
        settings = self.settings
        given: Given = {
            "SourceBucketName": settings.copied_bucket,
            "SourceRegion": settings.source_region,
            "SourceDatabaseId": settings.copied_database,
            **self.named(
                "storage", foundation.Out.TARGET_BUCKET_ARN, foundation.Out.BACKUP_BUCKET_ARN
            ),
            **self.named(
                "security", foundation.Out.BUCKET_KEY_ARN, foundation.Out.DATABASE_KEY_ARN
            ),
        }
        if settings.source_key_arn:
            given["SourceKeyArn"] = settings.source_key_arn
        return self.here("roles", roles.build(settings), given)

    # What brings the data over --------------------------------------------------------------------

    def source(self) -> Stack:
        """Return the role that copies the bucket, in the source Region."""
        settings = self.settings
        given: Given = {
            "DestinationBucketArn": self.output("storage", foundation.Out.TARGET_BUCKET_ARN),
            "DestinationKeyArn": self.output("security", foundation.Out.BUCKET_KEY_ARN),
            "DestinationRegion": settings.target_region,
        }
        if settings.source_bucket == "existing":
            given["SourceBucketName"] = settings.copied_bucket
        if settings.source_key_arn:
            given["SourceKeyArn"] = settings.source_key_arn
        if arn := settings.source_role_arn:
            given |= {"SourceRoleArn": arn, "SourceRoleName": arn.rpartition("/")[2]}
        return self.stacks.stack("source", settings.source_region, source.build(settings), given)

    def small_database(self) -> Stack:
        """Return the database of a rehearsal, in the source Region."""
        settings = self.settings
        given: Given = {"KeyArn": self.output("source", security.Out.KEY_ARN), **_zones()}
        template = source.build_database(settings)
        return self.stacks.stack("source-data", settings.source_region, template, given)

    def replica(self, *, read_only: bool = False, variant: str = "") -> Stack:
        """Return the replica, or the database that it has become; `read_only` by more than that."""
        settings = self.settings
        given: Given = {
            "KeyArn": self.key,
            "ReadOnly": data.ALWAYS if read_only else data.WHILE_REPLICA,
            **self.named("security", foundation.Out.DATABASE_KEY_ARN),
            **self.named(
                "network", network.Out.PRIVATE_SUBNET_IDS, foundation.Out.DATABASE_GROUP_ID
            ),
        }
        if not settings.promoted:
            given["SourceRegion"] = settings.source_region
            given["SourceDatabaseId"] = (
                self.output("source-data", source.Out.DATABASE_ID)
                if settings.small_db
                else settings.copied_database
            )
        return self.here("replica", data.build(settings), given, variant)

    def replica_of(
        self, template: Template, given: Mapping[str, ParameterValue], variant: str
    ) -> Stack:
        """Return that stack with another template, told what it asks for of `given`."""
        asked = template.to_dict()["Parameters"]
        told = {key: value for key, value in given.items() if key in asked}
        return self.here("replica", template, told, variant)

    def promotion(self) -> Stack:
        """Return the function that promotes."""
        given = {"KeyArn": self.key, **self.named("replica", data.Out.DATABASE_ARN)}
        return self.here("promotion", data.build_promotion(self.settings), given)

    def backup(self) -> Stack:
        """Return the vault and its plan."""
        given: Given = {
            "KeyArn": self.key,
            **self.named("replica", data.Out.DATABASE_ARN),
            **self.named(
                "storage", foundation.Out.TARGET_BUCKET_ARN, foundation.Out.BACKUP_BUCKET_ARN
            ),
        }
        return self.here("backup", edge.build_backup(self.settings), given)

    # What visitors meet ---------------------------------------------------------------------------

    def app(self) -> Stack:
        """Return the fleet."""
        given: Given = {
            "KeyArn": self.key,
            "ImageId": self.settings.ami_id,
            "KeyName": self.settings.key_name,
            **self.named(
                "network",
                network.Out.VPC_ID,
                network.Out.SUBNET_IDS,
                foundation.Out.WEB_GROUP_ID,
            ),
        }
        return self.here("app", app.build(self.settings), given)

    def accelerator(self, variant: str = "") -> Stack:
        """Return the fixed addresses."""
        settings = self.settings
        given: Given = {
            "TargetRegion": settings.target_region,
            "TargetBalancerArn": self.output("app", app.Out.BALANCER_ARN),
            "TargetDial": str(settings.dial_target),
        }
        if settings.source_alb_arn:
            given["SourceRegion"] = settings.source_region
            given["SourceBalancerArn"] = settings.source_alb_arn
            given["SourceDial"] = str(settings.dial_source)
        return self.here("accelerator", edge.build_accelerator(settings), given, variant)

    def monitoring(self) -> Stack:
        """Return the dashboard and the alarms."""
        given: Given = {
            "LoadBalancer": self.output("app", app.Out.BALANCER),
            "TargetGroup": self.output("app", app.Out.TARGET_GROUP),
            **self.named("app", app.Out.SCALING_GROUP),
            **self.named("replica", data.Out.DATABASE_ID),
            **self.named("storage", foundation.Out.TARGET_BUCKET),
        }
        return self.here("monitoring", monitoring.build(self.settings), given)


def _zones() -> Given:
    return {f"AvailabilityZone{index}": ZoneOf(index) for index in range(foundation.ZONES)}
