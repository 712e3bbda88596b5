"""Relational databases: private, encrypted and backed up; and replicas in other Regions. (L-21)

Identifiers are fixed on purpose: CloudFormation refuses to replace a resource with a name of its
own, so that a change which would need another database fails instead of making an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from troposphere import GetAtt, Parameter, Ref, rds, secretsmanager

from tapcfn.model import EMPTY
from tapcfn.templating import Template
from templates.layers import secrets, service_roles
from templates.layers._retention import snapshotted
from templates.layers._tags import tagged
from templates.layers._values import Value, value

MYSQL = "8.4.11"
POSTGRES = "15.19"

# What RDS offers and supports. (cfn-lint's list without those that it calls deprecated)
MYSQL_VERSIONS = frozenset(
    {*(f"8.4.{patch}" for patch in range(5, 12)), *(f"8.0.{patch}" for patch in range(42, 47))}
)

# The logical ID of a database, where a stack has one.
DATABASE = "Database"

PORTS: Mapping[str, int] = {"mysql": 3306, "postgres": 5432}

# Clients must speak TLS.
_TLS: Mapping[str, Mapping[str, str]] = {
    "mysql": {"require_secure_transport": "1"},
    "postgres": {"rds.force_ssl": "1"},
}

MONITORING_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine with its full version: the parameter group's family follows from it. (C-7)"""

    name: str
    version: str

    @property
    def family(self) -> str:
        """The family of parameters: the version's first number, for MySQL the first two."""
        parts = self.version.split(".")
        return self.name + ".".join(parts[: 2 if self.name == "mysql" else 1])

    @property
    def title(self) -> str:
        """The family in a logical ID: a group's family cannot be changed."""
        return "".join(each for each in self.family.capitalize() if each.isalnum())


@dataclass(frozen=True, slots=True)
class Instance:
    """What a database is made of, its copies and its guards.

    `protected` makes RDS refuse the deletion; `insights` shows queries and the operating system.
    `parameters` join those that make every client speak TLS.
    """

    engine: Engine
    instance_class: str = "db.t3.micro"
    storage_type: str = "gp2"
    storage_gb: int = 20
    most_storage_gb: int = 100
    multi_az: bool = True
    protected: bool = False
    minor_upgrades: bool = False
    insights: bool = False
    maintenance: str = "sun:04:00-sun:05:00"
    parameters: Mapping[str, Value] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Backups:
    """For how many days RDS can go back to any second, and when it takes its daily snapshot.

    `outlive` keeps these backups, for their days, even where no last snapshot is left.
    """

    days: int = 7
    window: str = "03:00-04:00"
    outlive: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """The database's name and its first user; without a secret RDS makes and rotates one.

    `key` is the ARN of that secret's key. A database that feeds replicas needs a secret of its
    own: RDS refuses them where it manages the password itself. (L-21)
    """

    database: str
    user: str
    secret: secretsmanager.Secret | None = None
    key: Parameter | Value | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database stands: private subnets, its security group, and its disk's key."""

    subnets: Value | Sequence[Value]
    group: Value
    key: Parameter | Value


@dataclass(frozen=True, slots=True)
class _Names:
    identifier: Value
    title: str
    tags: Mapping[str, str]


def add(
    template: Template,
    title: str = "Database",
    *,
    identifier: Value,
    instance: Instance,
    backups: Backups,
    login: Login,
    place: Place,
    tags: Mapping[str, str],
    keep_data: bool,
) -> rds.DBInstance:
    """Add a database with its subnet and parameter groups; `keep_data` leaves a last snapshot."""
    made = _instance(template, _Names(identifier, title, tags), instance, place)
    made.AllocatedStorage = str(instance.storage_gb)
    made.MaxAllocatedStorage = instance.most_storage_gb
    made.StorageType = instance.storage_type
    made.EngineVersion = instance.engine.version
    made.DBName = login.database
    made.MasterUsername = login.user
    made.BackupRetentionPeriod = backups.days
    made.PreferredBackupWindow = backups.window
    made.DeleteAutomatedBackups = not (keep_data or backups.outlive)
    _authenticate(made, login)
    return template.add(snapshotted(made, keep_data))


def _authenticate(made: rds.DBInstance, login: Login) -> None:
    if login.secret is not None:
        made.MasterUserPassword = secrets.password(login.secret)
        return
    made.ManageMasterUserPassword = True
    if login.key is not None:
        made.MasterUserSecret = rds.MasterUserSecret(KmsKeyId=value(login.key))


def add_replica(
    template: Template,
    title: str = DATABASE,
    *,
    identifier: Value,
    source: Parameter | Value | None,
    instance: Instance,
    place: Place,
    tags: Mapping[str, str],
    keep_data: bool,
    promoted: Backups | None = None,
) -> rds.DBInstance:
    """Add a replica of a database of another Region, named by its ARN.

    User, password, storage and backups are the source's. Without a source the replica stands on
    its own from then on, with backups as `promoted`: RDS promotes it in place. (L-14)

    RDS wants `StorageEncrypted` beside a key, and the linter's rule E3020 wants it away from a
    source; the rule is silenced on this one resource.
    """
    made = _instance(template, _Names(identifier, title, tags), instance, place)
    if source is not None:
        made.SourceDBInstanceIdentifier = value(source)
        made.Metadata = {"cfn-lint": {"config": {"ignore_checks": ["E3020"]}}}
    if promoted is not None:
        made.BackupRetentionPeriod = promoted.days
        made.PreferredBackupWindow = promoted.window
    # troposphere's own checks know neither a replica in two zones nor one that was promoted.
    return template.add(snapshotted(made.no_validation(), keep_data))


def _instance(
    template: Template, names: _Names, instance: Instance, place: Place
) -> rds.DBInstance:
    """Return what a database and a replica have in common."""
    subnets, parameters = _groups(template, names, instance, place.subnets)
    made = rds.DBInstance(
        names.title,
        DBInstanceIdentifier=names.identifier,
        Engine=instance.engine.name,
        DBInstanceClass=instance.instance_class,
        StorageEncrypted=True,
        KmsKeyId=value(place.key),
        MultiAZ=instance.multi_az,
        DBSubnetGroupName=Ref(subnets),
        VPCSecurityGroups=[place.group],
        PubliclyAccessible=False,
        DBParameterGroupName=Ref(parameters),
        PreferredMaintenanceWindow=instance.maintenance,
        AutoMinorVersionUpgrade=instance.minor_upgrades,
        CopyTagsToSnapshot=True,
        DeletionProtection=instance.protected,
        Tags=tagged(names.tags),
    )
    if instance.insights:
        _watch(template, names, made, place)
    return made


def add_groups(
    template: Template,
    title: str = "Database",
    *,
    subnets: Value | Sequence[Value],
    instance: Instance,
    tags: Mapping[str, str],
) -> None:
    """Add the subnet and parameter groups of a database that is not there."""
    _groups(template, _Names("", title, tags), instance, subnets)


def _groups(
    template: Template, names: _Names, instance: Instance, subnets: Value | Sequence[Value]
) -> tuple[rds.DBSubnetGroup, rds.DBParameterGroup]:
    return (
        _subnet_group(template, names, subnets),
        _parameter_group(template, names, instance),
    )


def _subnet_group(
    template: Template, names: _Names, subnets: Value | Sequence[Value]
) -> rds.DBSubnetGroup:
    return template.add(
        rds.DBSubnetGroup(
            f"{names.title}SubnetGroup",
            DBSubnetGroupDescription="The private subnets of the database",
            SubnetIds=subnets,
            Tags=tagged(names.tags),
        )
    )


def _parameter_group(template: Template, names: _Names, instance: Instance) -> rds.DBParameterGroup:
    """Add the parameters; the family cannot change, so that it stands in the logical ID."""
    engine = instance.engine
    return template.add(
        rds.DBParameterGroup(
            f"{names.title}Parameters{engine.title}",
            Family=engine.family,
            Description=f"Parameters for {engine.family}",
            Parameters={**_TLS[engine.name], **instance.parameters},
            Tags=tagged(names.tags),
        )
    )


def _watch(template: Template, names: _Names, made: rds.DBInstance, place: Place) -> None:
    """Turn on Performance Insights and, by a role, the operating system's own figures."""
    role = service_roles.add_rds_monitoring(
        template, f"{names.title}MonitoringRole", tags=names.tags
    )
    made.MonitoringInterval = MONITORING_SECONDS
    made.MonitoringRoleArn = GetAtt(role, "Arn")
    made.EnablePerformanceInsights = True
    made.PerformanceInsightsKMSKeyId = value(place.key)
