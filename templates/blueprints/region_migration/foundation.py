"""What the target Region must have first: its keys, network, buckets and log group."""

from __future__ import annotations

from enum import StrEnum

from awacs.aws import Statement
from troposphere import GetAtt, Output, Parameter, Ref, ec2, s3
from troposphere.kms import Key

from tapcfn.templating import Template
from templates.blueprints import _parameters as parameters
from templates.blueprints.region_migration.settings import Settings
from templates.layers import (
    databases,
    existing_network,
    key_grants,
    log_exports,
    log_groups,
    network,
    replication,
    security,
    security_groups,
    storage,
)
from templates.layers._parameters import cidr
from templates.layers._values import Value

VPC_CIDR = "10.0.0.0/16"
PUBLIC_CIDRS = ("10.0.1.0/24", "10.0.2.0/24")
PRIVATE_CIDRS = ("10.0.3.0/24", "10.0.4.0/24")
ZONES = len(PUBLIC_CIDRS)

LOG_DAYS = 30

# S4-20
BACKUP_DAYS = 90
OLD_BACKUP_DAYS = 30

# S4-21: where the versions before the last go.
COLD_STEPS = (("STANDARD_IA", 30), ("GLACIER", 60))


class Out(StrEnum):
    """What other stacks, and people, may ask these for."""

    BUCKET_KEY_ID = "BucketKeyId"
    BUCKET_KEY_ARN = "BucketKeyArn"
    DATABASE_KEY_ARN = "DatabaseKeyArn"
    WEB_GROUP_ID = "WebGroupId"
    DATABASE_GROUP_ID = "DatabaseGroupId"
    TARGET_BUCKET = "TargetBucketName"
    TARGET_BUCKET_ARN = "TargetBucketArn"
    BACKUP_BUCKET = "BackupBucketName"
    BACKUP_BUCKET_ARN = "BackupBucketArn"
    BATCH_ROLE_ARN = "BatchRoleArn"
    LOG_GROUP = "LogGroupName"
    EXPORT_BUCKET = "ExportBucketName"


# Keys (S4-3, S4-X4) -------------------------------------------------------------------------------


def build_security(settings: Settings) -> Template:
    """Return the migration's key; with `three_keys` also those of the bucket and the database."""
    template = Template("The keys of the target Region")
    key = _key(template, settings, "Key", "migration-key", grants=_grants(settings))
    bucket, database = key, key
    if settings.three_keys:
        bucket = _key(template, settings, "BucketKey", "bucket-key")
        database = _key(template, settings, "DatabaseKey", "database-key")
    security.publish(template, key)
    _tell(template, Out.BUCKET_KEY_ID, "Id of the target bucket's key", Ref(bucket))
    _tell(template, Out.BUCKET_KEY_ARN, "ARN of the target bucket's key", GetAtt(bucket, "Arn"))
    _tell(template, Out.DATABASE_KEY_ARN, "ARN of the database's key", GetAtt(database, "Arn"))
    return template


def _key(
    template: Template,
    settings: Settings,
    title: str,
    alias: str,
    grants: tuple[Statement, ...] = (),
) -> Key:
    return security.add(
        template,
        title,
        alias=f"alias/{settings.names.of(alias)}",
        tags=settings.tags,
        keep_data=settings.keep_data,
        grants=grants,
        purpose="Encrypts what the migration brings to this Region",
    )


def _grants(settings: Settings) -> tuple[Statement, ...]:
    """Let in Logs, for each log group by its name, and Auto Scaling. (L-7, L-8)"""
    names = settings.names
    function = (f"/aws/lambda/{names.function}",) if settings.promotion_function else ()
    return (
        *key_grants.logs((names.log_group, *function)),
        *key_grants.auto_scaling(),
        *((key_grants.log_exports(),) if settings.log_export else ()),
    )


# Network (S4-7, S4-12) ----------------------------------------------------------------------------


def build_network(settings: Settings) -> Template:
    """Return a VPC with two public and two private subnets, or the groups in a VPC of others."""
    template = Template("The network of the target Region")
    vpc: Value
    if settings.vpc_fallback:
        vpc = Ref(existing_network.add(template))
    else:
        made = network.add(
            template,
            name=settings.names.of("vpc"),
            vpc_cidr=VPC_CIDR,
            tiers=[
                network.public(PUBLIC_CIDRS),
                network.private(PRIVATE_CIDRS, network.Way.NONE),
            ],
            tags=settings.tags,
        )
        network.publish(template, made)
        vpc = Ref(made.vpc)
    web = _web_group(template, settings, vpc)
    group = add_database_group(template, settings, vpc, GetAtt(web, "GroupId"))
    _tell(template, Out.WEB_GROUP_ID, "Id of the web group", GetAtt(web, "GroupId"))
    _tell(template, Out.DATABASE_GROUP_ID, "Id of the database group", GetAtt(group, "GroupId"))
    return template


def _web_group(template: Template, settings: Settings, vpc: Value) -> ec2.SecurityGroup:
    """Add the group of the balancer and of the instances."""
    ssh = template.add_parameter(cidr("SshCidr", "IPv4 block that may reach port 22"))
    return security_groups.add(
        template,
        "WebGroup",
        vpc=vpc,
        description="HTTP and HTTPS from anywhere, SSH from the allowed block",
        ingress=[
            *security_groups.from_anywhere(80, "HTTP from anywhere", ipv6=False),
            *security_groups.from_anywhere(443, "HTTPS from anywhere", ipv6=False),
            security_groups.from_block(22, "SSH from the allowed block", ssh),
        ],
        tags=settings.tags,
        label=settings.names.of("web-sg"),
    )


def add_database_group(
    template: Template, settings: Settings, vpc: Value, web: Value
) -> ec2.SecurityGroup:
    """Add the group of a database, for the members of the group `web`."""
    return security_groups.add(
        template,
        "DatabaseGroup",
        vpc=vpc,
        description="MySQL from the instances, nothing out",
        ingress=[
            security_groups.from_group(databases.PORTS["mysql"], "MySQL from the instances", web)
        ],
        egress=security_groups.NOTHING_OUT,
        tags=settings.tags,
        label=settings.names.of("db-sg"),
    )


# Buckets (S4-4, S4-20, S4-21) ---------------------------------------------------------------------


# The rule that copies back what is written to the target.
RULE_BACK = "CopyBack"


def build_storage(settings: Settings, *, back: bool = False) -> Template:
    """Return the bucket that gets the copies, and that of the backups.

    With `back`, what is written to the first is copied back to the source. (S4-1)
    """
    template = Template("The bucket that is moved to, and one for backups")
    key = parameters.key(template)
    target = storage.Bucket(
        "TargetBucket",
        settings.names.of("target"),
        lifecycle=(_cold(),) if settings.aws_backup else (),
    )
    backups = storage.Bucket(
        "BackupBucket", settings.names.of("backup"), lifecycle=(_backup_retention(),)
    )
    for bucket, name, arn in (
        (target, Out.TARGET_BUCKET, Out.TARGET_BUCKET_ARN),
        (backups, Out.BACKUP_BUCKET, Out.BACKUP_BUCKET_ARN),
    ):
        made = storage.add(
            template, bucket, key=key, tags=settings.tags, keep_data=settings.keep_data
        )
        _tell(template, name, "Name of the bucket", Ref(made))
        _tell(template, arn, "ARN of the bucket", GetAtt(made, "Arn"))
        if back and bucket is target:
            _copy_back(template, settings, made, key)
    return template


def _copy_back(template: Template, settings: Settings, bucket: s3.Bucket, key: Parameter) -> None:
    """Have the bucket copy to the source's, and let S3 Batch do so with what is there by then."""
    arn = storage.bucket_arn(settings.names.of("target"))
    rule = replication.Rule(RULE_BACK, "STANDARD", settings.rtc, measured=True)
    bucket.ReplicationConfiguration = replication.add(
        template, rule, source=arn, key=key, tags=settings.tags
    )
    batch = replication.add_batch_role(template, source=arn, key=key, tags=settings.tags)
    about = "ARN of the role that copies back what is older than the rule"
    _tell(template, Out.BATCH_ROLE_ARN, about, GetAtt(batch, "Arn"))


def _backup_retention() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        Id="backup-retention",
        Status="Enabled",
        ExpirationInDays=BACKUP_DAYS,
        NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=OLD_BACKUP_DAYS),
    )


def _cold() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        Id="old-versions-get-cold",
        Status="Enabled",
        NoncurrentVersionTransitions=[
            s3.NoncurrentVersionTransition(StorageClass=kind, TransitionInDays=days)
            for kind, days in COLD_STEPS
        ],
    )


# Logs (S4-19) -------------------------------------------------------------------------------------


def build_logs(settings: Settings) -> Template:
    """Return the instances' log group, and a bucket to export it to if it is wanted."""
    template = Template("The log group of the instances")
    key, names = parameters.key(template), settings.names
    group = log_groups.add(
        template,
        "LogGroup",
        name=names.log_group,
        days=LOG_DAYS,
        key=key,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    _tell(template, Out.LOG_GROUP, "Name of the log group", Ref(group))
    if settings.log_export:
        bucket = log_exports.add(
            template,
            "ExportBucket",
            base=names.of("export"),
            log_group=names.log_group,
            key=key,
            tags=settings.tags,
            keep_data=settings.keep_data,
        )
        _tell(template, Out.EXPORT_BUCKET, "Name of the bucket of exports", Ref(bucket))
    return template


def _tell(template: Template, key: Out, about: str, found: Value) -> None:
    template.add_output(Output(key, Description=about, Value=found))
