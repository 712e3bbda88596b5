"""The database in the target Region: a replica, then a database of its own; and who promotes it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from awacs import rds as rds_actions
from awacs.aws import Allow, Statement
from troposphere import GetAtt, Output, Parameter, Ref, Sub, rds, secretsmanager

from tapcfn.templating import Template
from templates.blueprints import _parameters as parameters
from templates.blueprints.region_migration.settings import Settings
from templates.layers import databases, functions, secrets
from templates.layers._parameters import REGION_PATTERN, key_arn
from templates.layers._values import Value

USER = "admin"

# S4-8. The braces are RDS's own: they must not pass through `Fn::Sub`.
PARAMETERS: Mapping[str, Value] = {
    "innodb_buffer_pool_size": "{DBInstanceClassMemory*3/4}",
    "read_only": Ref("ReadOnly"),
}

# Whether the database refuses writes: while it is a replica, which is RDS's own way, or always.
WHILE_REPLICA = "{TrueIfReplica}"
ALWAYS = "1"

# S4-9: what the database has from its promotion on.
BACKUPS = databases.Backups(days=7, window="03:00-04:00")

FUNCTION_SECONDS = 300
FUNCTION_MEMORY = 128
FUNCTION_LOG_DAYS = 30


class Out(StrEnum):
    """What other stacks, and people, may ask these for."""

    DATABASE_ID = "DatabaseId"
    DATABASE_ARN = "DatabaseArn"
    DATABASE_ENDPOINT = "DatabaseEndpoint"
    SECRET_ARN = "SecretArn"  # noqa: S105 - the name of an output
    FUNCTION_ARN = "FunctionArn"


def engine(settings: Settings) -> databases.Engine:
    """Return the engine of source and target."""
    return databases.Engine("mysql", settings.db_engine_version)


def build(settings: Settings) -> Template:
    """Return the replica, or what it becomes when `promoted` drops its source. (S4-7 to S4-11)

    The promotion takes the source away and adds backups: whatever else it changed might make
    CloudFormation replace the database. The password comes in an update of its own.
    """
    template = _template()
    place = _place(template)
    secret = _secret(template, settings)
    made = databases.add_replica(
        template,
        identifier=settings.names.target_database,
        source=None if settings.promoted else _source(template),
        instance=_instance(settings),
        place=place,
        tags=settings.tags,
        keep_data=settings.keep_data,
        promoted=BACKUPS if settings.promoted else None,
    )
    if settings.password_reset:
        made.MasterUserPassword = secrets.password(secret)
        secrets.attach(template, secret, made)
    _publish(template, made, secret)
    return template


def build_kept(settings: Settings) -> Template:
    """Return the replica, whose stack leaves it behind: before it is promoted by a call. (O-15)"""
    template = build(settings)
    database = template.resources[databases.DATABASE]
    database.DeletionPolicy = database.UpdateReplacePolicy = "Retain"
    return template


def build_away(settings: Settings) -> Template:
    """Return the same stack without the database: on the way back from a promotion.

    What was promoted can't be a replica again, only make place for one of the same name. The names
    that others were told stay as they are.
    """
    template = _template()
    subnets = Ref(parameters.subnets(template, "PrivateSubnetIds", "private"))
    databases.add_groups(
        template, subnets=subnets, instance=_instance(settings), tags=settings.tags
    )
    secret = _secret(template, settings)
    name = settings.names.target_database
    arn = Sub(f"arn:${{AWS::Partition}}:rds:${{AWS::Region}}:${{AWS::AccountId}}:db:{name}")
    _tell(template, Out.DATABASE_ID, "Identifier of the database", name)
    _tell(template, Out.DATABASE_ARN, "ARN of the database", arn)
    _tell(template, Out.DATABASE_ENDPOINT, "Its host name", "none")
    _tell(template, Out.SECRET_ARN, "ARN of the secret", Ref(secret))
    return template


def _template() -> Template:
    template = Template("The migrated database, and the secret for its time after the promotion")
    template.add_parameter(
        Parameter(
            "ReadOnly",
            Type="String",
            Description="Whether the database refuses writes: while it is a replica, or always",
            AllowedValues=[WHILE_REPLICA, ALWAYS],
        )
    )
    return template


def _publish(template: Template, made: rds.DBInstance, secret: secretsmanager.Secret) -> None:
    _tell(template, Out.DATABASE_ID, "Identifier of the database", Ref(made))
    _tell(template, Out.DATABASE_ARN, "ARN of the database", GetAtt(made, "DBInstanceArn"))
    _tell(template, Out.DATABASE_ENDPOINT, "Its host name", GetAtt(made, "Endpoint.Address"))
    _tell(template, Out.SECRET_ARN, "ARN of the secret", Ref(secret))


def _secret(template: Template, settings: Settings) -> secretsmanager.Secret:
    return secrets.add(
        template,
        name=settings.names.secret,
        description="Password of the migrated database's first user",
        key=parameters.key(template),
        user=USER,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )


def _instance(settings: Settings) -> databases.Instance:
    return databases.Instance(
        engine(settings),
        "db.t3.medium",
        multi_az=False,
        protected=settings.termination_protection,
        parameters=PARAMETERS,
    )


def _place(template: Template) -> databases.Place:
    group = parameters.group(template, "DatabaseGroupId", "the database")
    key = template.add_parameter(key_arn("DatabaseKeyArn", "ARN of the database's key"))
    return databases.Place(
        Ref(parameters.subnets(template, "PrivateSubnetIds", "private")), Ref(group), key
    )


def _source(template: Template) -> Value:
    """Return the ARN of the source, which must name its Region: a name alone is of this one."""
    parameters.take(template, "SourceDatabaseId", "Identifier of the database that is copied")
    template.add_parameter(
        Parameter(
            "SourceRegion",
            Type="String",
            Description="Region of the database that is copied",
            AllowedPattern=REGION_PATTERN,
            ConstraintDescription="must be the name of a Region",
        )
    )
    return Sub("arn:${AWS::Partition}:rds:${SourceRegion}:${AWS::AccountId}:db:${SourceDatabaseId}")


# Promotion by a call (S4-X2) ----------------------------------------------------------------------


def build_promotion(settings: Settings) -> Template:
    """Return a function that promotes the replica, and nothing else."""
    template = Template("A function that promotes the migrated database")
    database = parameters.take(template, "DatabaseArn", "ARN of the database that it may promote")
    function = functions.add(
        template,
        functions.Function(
            title="Promotion",
            name=settings.names.function,
            description="Promotes the replica that the event names",
            code="promotion",
            runtime=settings.runtime,
            memory=FUNCTION_MEMORY,
            seconds=FUNCTION_SECONDS,
            log_days=FUNCTION_LOG_DAYS,
            environment={
                "BACKUP_DAYS": str(BACKUPS.days),
                "BACKUP_WINDOW": BACKUPS.window,
            },
            may=(_promotes(Ref(database)),),
        ),
        key=parameters.key(template),
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    _tell(template, Out.FUNCTION_ARN, "ARN of the function", GetAtt(function, "Arn"))
    return template


def _promotes(database: Value) -> Statement:
    return Statement(
        Sid="PromoteReplica",
        Effect=Allow,
        Action=[rds_actions.PromoteReadReplica],
        Resource=[database],
    )


def _tell(template: Template, key: Out, about: str, found: Value) -> None:
    template.add_output(Output(key, Description=about, Value=found))
