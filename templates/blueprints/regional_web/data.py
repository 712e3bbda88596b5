"""Databases: MySQL in the first Region, its replicas in the others, PostgreSQL in all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from troposphere import GetAtt, Output, Parameter, Ref, Sub, ec2, rds, secretsmanager

from tapcfn.templating import Template
from templates.blueprints.regional_web import parameters
from templates.blueprints.regional_web.settings import Settings
from templates.layers import alarms, databases, metrics, secrets, security_groups
from templates.layers.databases import Backups, Engine, Instance, Login, Place

# S2-24
CPU_PERCENT = 80
LEAST_FREE_BYTES = 2 * 1024**3

# Seconds by which a replica may be behind.
MOST_LAG = 60

USER = "admin"


class Out(StrEnum):
    """What other stacks may ask this one for."""

    ID = "DatabaseId"
    ENDPOINT = "DatabaseEndpoint"
    ARN = "DatabaseArn"
    CREDENTIALS_ARN = "DatabaseCredentialsArn"


@dataclass(frozen=True, slots=True)
class _Around:
    """What the stacks of all databases have in common."""

    place: Place
    topic: Parameter


def build_mysql(settings: Settings) -> Template:
    """Return the one MySQL database. (S2-6, S2-17)

    RDS makes and rotates its password, unless it feeds replicas: then a secret of ours does.
    (L-21)
    """
    template = Template("The MySQL database of the first Region")
    around = _around(template, settings, settings.figures.database_ports)
    secret = _secret(template, settings, around) if settings.read_replicas else None
    made = databases.add(
        template,
        identifier=Sub(settings.names.database("mysql")),
        instance=Instance(Engine("mysql", settings.db_engine_version)),
        backups=Backups(
            settings.db_backup_retention_days, settings.backup_window, settings.keep_data
        ),
        login=Login("appdb", USER, secret, around.place.key),
        place=around.place,
        tags=settings.tags,
        keep_data=settings.keep_data and settings.final_snapshot,
    )
    if secret is not None:
        secrets.attach(template, secret, made)
    _watch(template, settings, around, made)
    _publish(template, made, secret)
    return template


def build_replica(settings: Settings) -> Template:
    """Return a replica of the MySQL database in another Region. (S2-X5)"""
    template = Template("A replica of the first Region's MySQL database")
    around = _around(template, settings, (databases.PORTS["mysql"],))
    made = databases.add_replica(
        template,
        identifier=Sub(settings.names.database("mysql")),
        source=parameters.take(template, "SourceArn", "ARN of the database to copy"),
        instance=Instance(Engine("mysql", settings.db_engine_version), multi_az=False),
        place=around.place,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    _watch(template, settings, around, made)
    lag = alarms.Alarm(
        "ReplicaLag",
        f"The replica is more than {MOST_LAG} seconds behind",
        metrics.replica_lag(Ref(made)),
        "Average",
        MOST_LAG,
        missing=alarms.Missing.IGNORE,
    )
    alarms.add(template, lag, tags=settings.tags, actions=[Ref(around.topic)])
    template.add_output(
        Output(Out.ENDPOINT, Description="Host name", Value=GetAtt(made, "Endpoint.Address"))
    )
    return template


def build_postgres(settings: Settings) -> Template:
    """Return the PostgreSQL database of a Region. (S2-X4)

    `managed` is the grown-up profile: a password under our own key, a standby in the primary
    Region (which a parameter tells), and no deletion by mistake.
    """
    template = Template("A Region's PostgreSQL database")
    around = _around(template, settings, (databases.PORTS["postgres"],))
    managed = settings.postgres == "managed"
    made = databases.add(
        template,
        identifier=Sub(settings.names.database("postgres")),
        instance=Instance(
            Engine("postgres", databases.POSTGRES),
            storage_type="gp3",
            multi_az=False,
            protected=managed and settings.keep_data,
            minor_upgrades=True,
            insights=True,
        ),
        backups=Backups(
            settings.snapshot_retention_days, settings.backup_window, settings.keep_data
        ),
        login=Login("tapdb", "tapuser", key=around.place.key if managed else None),
        place=around.place,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    if managed:
        made.MultiAZ = Ref(_multi_az(template))
    _watch(template, settings, around, made)
    _publish(template, made, None)
    return template


def _multi_az(template: Template) -> Parameter:
    return template.add_parameter(
        Parameter(
            "MultiAz",
            Type="String",
            AllowedValues=["true", "false"],
            Description="Whether the database has a standby in a second zone",
        )
    )


def _around(template: Template, settings: Settings, ports: Iterable[int]) -> _Around:
    """Declare where a database stands, and add the group that lets the instances in. (S2-6)"""
    key, topic = parameters.key(template), parameters.topic(template)
    subnets = parameters.subnets(template, "PrivateSubnetIds", "private")
    group = _group(template, settings, ports)
    return _Around(Place(Ref(subnets), GetAtt(group, "GroupId"), key), topic)


def _group(template: Template, settings: Settings, ports: Iterable[int]) -> ec2.SecurityGroup:
    instances = Ref(parameters.group(template, "InstanceGroupId", "the instances"))
    return security_groups.add(
        template,
        "DatabaseGroup",
        vpc=Ref(parameters.vpc(template)),
        description="The database from the instances, nothing out",
        ingress=[
            security_groups.from_group(port, "The database from the instances", instances)
            for port in ports
        ],
        egress=security_groups.NOTHING_OUT,
        tags=settings.tags,
        label=settings.names.label("db-sg"),
    )


def _secret(template: Template, settings: Settings, around: _Around) -> secretsmanager.Secret:
    return secrets.add(
        template,
        name=settings.names.label("mysql"),
        description="The first user of the MySQL database",
        key=around.place.key,
        user=USER,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )


def _watch(template: Template, settings: Settings, around: _Around, made: rds.DBInstance) -> None:
    """Tell of a busy database, and of one that runs full. (S2-24)"""
    busy = alarms.Alarm(
        "DatabaseCpu",
        f"The database's processors are above {CPU_PERCENT} percent",
        metrics.database_cpu(Ref(made)),
        "Average",
        CPU_PERCENT,
    )
    full = alarms.Alarm(
        "DatabaseStorage",
        "The database has less than 2 GiB of free storage",
        metrics.database_free_storage(Ref(made)),
        "Average",
        LEAST_FREE_BYTES,
        compare=alarms.Compare.BELOW,
    )
    for alarm in (busy, full):
        alarms.add(template, alarm, tags=settings.tags, actions=[Ref(around.topic)])


def _publish(
    template: Template, made: rds.DBInstance, secret: secretsmanager.Secret | None
) -> None:
    own = GetAtt(made, "MasterUserSecret.SecretArn")
    for key, about, found in (
        (Out.ID, "Identifier of the database", Ref(made)),
        (Out.ENDPOINT, "Host name of the database", GetAtt(made, "Endpoint.Address")),
        (Out.ARN, "ARN of the database", GetAtt(made, "DBInstanceArn")),
        (Out.CREDENTIALS_ARN, "ARN of its first user's secret", Ref(secret) if secret else own),
    ):
        template.add_output(Output(key, Description=about, Value=found))
