"""The source Region: the bucket that is copied, who copies it, a database to rehearse with."""

from __future__ import annotations

from enum import StrEnum

from troposphere import GetAtt, Output, Ref, s3
from troposphere.kms import Key

from tapcfn.templating import Template
from templates.blueprints import _parameters as parameters
from templates.blueprints.region_migration.data import USER, engine
from templates.blueprints.region_migration.foundation import PRIVATE_CIDRS, VPC_CIDR
from templates.blueprints.region_migration.settings import Settings
from templates.layers import (
    databases,
    network,
    replication,
    secrets,
    security,
    security_groups,
    storage,
)
from templates.layers._parameters import key_arn
from templates.layers._retention import retained
from templates.layers._tags import tagged
from templates.layers._values import Value


class Out(StrEnum):
    """What other stacks, and people, may ask these for."""

    ROLE_ARN = "ReplicationRoleArn"
    REPLICATION = "ReplicationConfiguration"
    DATABASE_ID = "DatabaseId"
    DATABASE_ENDPOINT = "DatabaseEndpoint"
    PARAMETER_GROUP = "DatabaseParameterGroup"
    BATCH_ROLE_ARN = "BatchRoleArn"


RULE = "MigrateEverything"

# The name of a bucket of others, as text for `Fn::Sub`.
SOURCE_BUCKET = "${SourceBucketName}"


def build(settings: Settings) -> Template:
    """Return the role that copies the bucket, and the bucket with its rule if it is ours. (S4-5)

    What the rule of a bucket of others must be is an output, for the operation that puts it.
    """
    template = Template("What copies the source bucket to another Region")
    key = _key(template, settings) if settings.has_source_key else None
    if settings.source_key_arn:
        template.add_parameter(key_arn("SourceKeyArn", "ARN of the source bucket's key"))
    bucket = _bucket(template, settings, key)
    copies = replication.add_role(
        template,
        source=_arn(settings),
        key=_bucket_key(settings, key),
        tags=settings.tags,
        encrypted=True,
        given_role=bool(settings.source_role_arn),
    )
    batch = replication.add_batch_role(
        template,
        source=_arn(settings),
        key=_bucket_key(settings, key),
        tags=settings.tags,
    )
    rule = replication.Rule(RULE, "STANDARD", settings.rtc, measured=True)
    if bucket is not None and settings.enable_replication:
        bucket.ReplicationConfiguration = replication.configuration(rule, copies)
    _tell(template, Out.ROLE_ARN, "ARN of the role that copies", copies.role_arn)
    about = "ARN of the role that copies what is older than the rule"
    _tell(template, Out.BATCH_ROLE_ARN, about, GetAtt(batch, "Arn"))
    _tell(
        template,
        Out.REPLICATION,
        "What PutBucketReplication takes",
        replication.request(rule, copies),
    )
    return template


def build_return_key(settings: Settings) -> Template:
    """Return the key of what comes back to the source bucket, which may have none of its own."""
    return security.build(
        alias=settings.names.of("return-key"), tags=settings.tags, keep_data=settings.keep_data
    )


def _key(template: Template, settings: Settings) -> Key:
    key = security.add(
        template,
        alias=f"alias/{settings.names.of('source-key')}",
        tags=settings.tags,
        keep_data=settings.keep_data,
        purpose="Encrypts what the migration made in this Region",
    )
    security.publish(template, key)
    return key


def _bucket_key(settings: Settings, key: Key | None) -> Value | None:
    """Return the ARN of the key of the source bucket, if it has one."""
    if settings.source_bucket == "create" and key is not None:
        return GetAtt(key, "Arn")
    return Ref("SourceKeyArn") if settings.source_key_arn else None


def _arn(settings: Settings) -> str:
    """Return the ARN of the source bucket, as text for `Fn::Sub`."""
    if settings.source_bucket == "create":
        return storage.bucket_arn(settings.names.of("source"))
    name = settings.source_bucket_name if settings.source_bucket == "import" else SOURCE_BUCKET
    return f"arn:${{AWS::Partition}}:s3:::{name}"


# The bucket: of others, imported, or made ---------------------------------------------------------


def _bucket(template: Template, settings: Settings, key: Key | None) -> s3.Bucket | None:
    if settings.source_bucket == "create" and key is not None:
        return _made(template, settings, key)
    if settings.source_bucket == "import":
        return _imported(template, settings)
    parameters.take(template, "SourceBucketName", "Name of the bucket that is copied")
    return None


def _imported(template: Template, settings: Settings) -> s3.Bucket:
    """Declare what the migration needs of the bucket, and nothing that others decided. (S4-5)

    An import changes nothing of a bucket: what is said here counts from the next update on. It is
    never deleted. CloudFormation finds it by a name that stands in the template itself.
    """
    bucket = s3.Bucket(
        "SourceBucket",
        BucketName=settings.source_bucket_name,
        VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
        Tags=tagged(settings.tags),
    )
    return template.add(retained(bucket, keep_data=True))


def _made(template: Template, settings: Settings, key: Key) -> s3.Bucket:
    return storage.add(
        template,
        storage.Bucket("SourceBucket", settings.names.of("source")),
        key=GetAtt(key, "Arn"),
        tags=settings.tags,
        keep_data=settings.keep_data,
    )


# A database to rehearse with (S4-X5) --------------------------------------------------------------


def build_database(settings: Settings) -> Template:
    """Return a small database with a network of its own."""
    template = Template("A small database to rehearse a migration with")
    key = parameters.key(template)
    place = databases.Place(*_network(template, settings), key)
    secret = secrets.add(
        template,
        name=settings.names.secret,
        description="Password of the rehearsal's database",
        key=key,
        user=USER,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    made = databases.add(
        template,
        identifier=settings.names.small_database,
        instance=databases.Instance(engine(settings), multi_az=False),
        backups=databases.Backups(),
        login=databases.Login("migrationdb", USER, secret),
        place=place,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    secrets.attach(template, secret, made)
    _tell(template, Out.DATABASE_ID, "Identifier of the database", Ref(made))
    _tell(template, Out.DATABASE_ENDPOINT, "Its host name", GetAtt(made, "Endpoint.Address"))
    _tell(template, Out.PARAMETER_GROUP, "Its parameters", made.DBParameterGroupName)
    return template


def _network(template: Template, settings: Settings) -> tuple[list[Value], Value]:
    """Add a VPC that nothing leads out of; return its subnets and the database's group."""
    made = network.add(
        template,
        name=settings.names.of("source-vpc"),
        vpc_cidr=VPC_CIDR,
        tiers=[network.private(PRIVATE_CIDRS, network.Way.NONE)],
        tags=settings.tags,
    )
    group = security_groups.add(
        template,
        "DatabaseGroup",
        vpc=Ref(made.vpc),
        description="MySQL from inside the VPC",
        ingress=[
            security_groups.from_block(
                databases.PORTS["mysql"], "MySQL from inside the VPC", VPC_CIDR
            )
        ],
        egress=security_groups.NOTHING_OUT,
        tags=settings.tags,
    )
    return [Ref(each) for each in made.subnets["Private"]], GetAtt(group, "GroupId")


def _tell(template: Template, key: Out, about: str, found: Value) -> None:
    template.add_output(Output(key, Description=about, Value=found))
