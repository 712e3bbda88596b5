"""What the larger options of replicated_storage add: buckets, an audit, a database, roles."""

from __future__ import annotations

from enum import StrEnum

from troposphere import GetAtt, Output, Parameter, Ref

from tapcfn.templating import Template
from templates.blueprints.replicated_storage.settings import Settings
from templates.layers import (
    config_rules,
    databases,
    launch_templates,
    replication,
    secrets,
    service_roles,
    storage,
    trail,
)
from templates.layers._parameters import key_arn
from templates.layers._values import Value

LOG_DAYS = 90

POSTGRES = databases.Instance(
    engine=databases.Engine("postgres", databases.POSTGRES),
    storage_type="gp3",
    minor_upgrades=True,
    insights=True,
)


class Out(StrEnum):
    """What the rollout's outputs ask these stacks for."""

    APP_BUCKET = "AppBucketName"
    LOG_BUCKET = "LogBucketName"
    BACKUP_BUCKET = "BackupBucketName"
    BACKUP_BUCKET_ARN = "BackupBucketArn"
    DATABASE_ARN = "DatabaseArn"
    DATABASE_ENDPOINT = "DatabaseEndpoint"


# Buckets (S0-X4) ----------------------------------------------------------------------------------


def buckets(settings: Settings) -> Template:
    """Return the application's bucket and that of its logs, encrypted by S3's own keys."""
    template = Template("Buckets for an application and its logs")
    base = f"{settings.prefix}-app"
    app = storage.add(
        template,
        storage.Bucket("AppBucket", base),
        key=None,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    if settings.enable_cross_region_replication:
        app.ReplicationConfiguration = replication.add(
            template,
            replication.Rule("BackUpEverything", "STANDARD"),
            source=storage.bucket_arn(base),
            key=None,
            tags=settings.tags,
        )
    logs = storage.add(
        template,
        storage.Bucket(
            "LogBucket",
            f"{settings.prefix}-logs",
            versioned=False,
            lifecycle=(storage.expire("ExpireLogs", LOG_DAYS),),
        ),
        key=None,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    _tell(template, Out.APP_BUCKET, "Name of the application's bucket", Ref(app))
    _tell(template, Out.LOG_BUCKET, "Name of the bucket of logs", Ref(logs))
    return template


def backup_bucket(settings: Settings) -> Template:
    """Return the bucket that holds the copies of the application's bucket."""
    template = Template("A bucket for the copies of an application's bucket")
    backup = storage.add(
        template,
        storage.Bucket("BackupBucket", f"{settings.prefix}-backup"),
        key=None,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    _tell(template, Out.BACKUP_BUCKET, "Name of the bucket", Ref(backup))
    _tell(template, Out.BACKUP_BUCKET_ARN, "ARN of the bucket", GetAtt(backup, "Arn"))
    return template


# Audit (S0-X8) ------------------------------------------------------------------------------------


def audit(settings: Settings) -> Template:
    """Return the account's trail, AWS Config's recorder, or both."""
    template = Template("Who did what in the account, and what became of its resources")
    key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
    if settings.cloudtrail:
        trail.add(
            template,
            trail.Trail(settings.trail, f"{settings.prefix}-trail"),
            whole_account=True,
            key=key,
            tags=settings.tags,
            keep_data=settings.keep_data,
        )
    if settings.aws_config:
        config_rules.add_recorder(
            template,
            bucket=f"{settings.prefix}-config",
            global_types=True,
            key=key,
            tags=settings.tags,
            keep_data=settings.keep_data,
        )
    return template


# Database (S0-X9) ---------------------------------------------------------------------------------


def database(settings: Settings) -> Template:
    """Return the database in two zones, with a password that nobody has to know."""
    template = Template("A PostgreSQL database")
    key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
    secret = secrets.add(
        template,
        name=f"{settings.prefix}-db-password-{settings.environment}",
        description="Password of the database's first user",
        key=key,
        tags=settings.tags,
        keep_data=settings.keep_data,
        user="tapuser",
    )
    made = databases.add(
        template,
        identifier=f"{settings.prefix}-db",
        instance=POSTGRES,
        backups=databases.Backups(),
        login=databases.Login("tapdb", "tapuser", secret),
        place=_place(template, key),
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    secrets.attach(template, secret, made)
    _tell(template, Out.DATABASE_ARN, "ARN of the database", GetAtt(made, "DBInstanceArn"))
    _tell_endpoint(template, GetAtt(made, "Endpoint.Address"))
    return template


def database_replica(settings: Settings) -> Template:
    """Return the database's replica in the replication Region."""
    template = Template("A replica of a PostgreSQL database")
    key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
    source = template.add_parameter(
        Parameter(
            "SourceDatabaseArn",
            Type="String",
            Description="ARN of the database that is copied, in its own Region",
            AllowedPattern="^arn:[a-z-]+:rds:[a-z0-9-]+:[0-9]{12}:db:.+$",
            ConstraintDescription="must be the ARN of a database",
        )
    )
    made = databases.add_replica(
        template,
        identifier=f"{settings.prefix}-db-replica",
        source=source,
        instance=POSTGRES,
        place=_place(template, key),
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    _tell_endpoint(template, GetAtt(made, "Endpoint.Address"))
    return template


def _place(template: Template, key: Parameter) -> databases.Place:
    subnets = template.add_parameter(
        Parameter(
            "SubnetIds",
            Type="List<AWS::EC2::Subnet::Id>",
            Description="Private subnets in at least two zones",
        )
    )
    group = template.add_parameter(
        Parameter(
            "DatabaseGroupId",
            Type="AWS::EC2::SecurityGroup::Id",
            Description="Security group of the database",
        )
    )
    return databases.Place(Ref(subnets), Ref(group), key)


# Roles (S0-X10) -----------------------------------------------------------------------------------


def roles(settings: Settings) -> Template:
    """Return the roles for instances and for RDS; that of the replication stands by its bucket."""
    template = Template("Roles for instances and for RDS monitoring")
    launch_templates.add_role(
        template, managed=[launch_templates.CLOUDWATCH_AGENT], tags=settings.tags
    )
    service_roles.add_rds_monitoring(template, "RdsMonitoringRole", tags=settings.tags)
    return template


def _tell(template: Template, key: Out, description: str, told: Value) -> None:
    template.add_output(Output(key, Description=description, Value=told))


def _tell_endpoint(template: Template, address: Value) -> None:
    _tell(template, Out.DATABASE_ENDPOINT, "Address of the database", address)
