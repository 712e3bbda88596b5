"""What a Region may have besides its web tier: secrets, a probe, sessions, records, copies."""

from __future__ import annotations

from awacs import ec2 as ec2_actions
from awacs.aws import Allow, Statement
from troposphere import GetAtt, Output, Ref, awslambda

from tapcfn.templating import Template
from templates.blueprints._buckets import bucket_arn
from templates.blueprints.regional_web import parameters
from templates.blueprints.regional_web.settings import Settings
from templates.layers import (
    config_rules,
    functions,
    replication,
    secrets,
    security_groups,
    storage,
    tables,
    trail,
)

APP_ARN = "AppArn"

# Python with the latest end of support that the linter knows. (C-8)
RUNTIME = "python3.14"


def build_secret(settings: Settings, *, copies: int) -> Template:
    """Return the application's secret, rotated, with copies in so many other Regions. (S2-X2)"""
    template = Template("A secret of the application, and the function that changes it")
    key = parameters.key(template)
    regions = parameters.numbered(template, "CopyRegion", copies, "Name")
    keys = parameters.numbered(template, "CopyKeyArn", copies, "ARN of the key")
    secret = secrets.add(
        template,
        name=settings.names.label("app"),
        description="What the application signs and connects with",
        key=key,
        tags=settings.tags,
        keep_data=settings.keep_data,
        copies=[
            secrets.Copy(Ref(region), Ref(each)) for region, each in zip(regions, keys, strict=True)
        ],
    )
    function = functions.add(
        template,
        functions.Function(
            title="Rotation",
            name=settings.names.of("rotation"),
            description="Changes the application's secret",
            code="rotate_password",
            runtime=RUNTIME,
            memory=128,
            seconds=30,
            log_days=settings.log_days,
            may=secrets.changed_by(settings.names.here("app"), key),
        ),
        key=key,
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    secrets.rotate(template, secret, function)
    template.add_output(Output(APP_ARN, Description="ARN of the secret", Value=Ref(secret)))
    return template


def build_probe(settings: Settings) -> Template:
    """Return a function in the VPC that tells whether an address can be reached. (S2-X12)"""
    template = Template("A function in the VPC that tests what can be reached")
    group = security_groups.add(
        template,
        "ProbeGroup",
        vpc=Ref(parameters.vpc(template)),
        description="Everything out, nothing in",
        ingress=[],
        tags=settings.tags,
        label=settings.names.label("probe-sg"),
    )
    host = parameters.take(template, "Host", "Host name that is tested unless another is asked for")
    made = functions.add(
        template,
        functions.Function(
            title="Probe",
            name=settings.names.of("probe"),
            description="Tells whether an address takes connections",
            code="probe",
            runtime=RUNTIME,
            memory=128,
            seconds=10,
            log_days=settings.log_days,
            environment={"HOST": Ref(host), "PORT": "80"},
            may=(_INTERFACES,),
        ),
        key=parameters.key(template),
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    made.VpcConfig = awslambda.VPCConfig(
        SubnetIds=Ref(parameters.subnets(template, "PrivateSubnetIds", "private")),
        SecurityGroupIds=[GetAtt(group, "GroupId")],
    )
    return template


# Lambda makes network interfaces by the function's role before it knows their ids, and asks for
# these actions on any resource.
_INTERFACES = Statement(
    Sid="JoinVpc",
    Effect=Allow,
    Action=[
        ec2_actions.CreateNetworkInterface,
        ec2_actions.DescribeNetworkInterfaces,
        ec2_actions.DeleteNetworkInterface,
    ],
    Resource=["*"],
)


def build_sessions(settings: Settings) -> Template:
    """Return the table of sessions: in every Region, owned by the first. (S2-X6, L-20)"""
    template = Template("A table of sessions with a replica in every Region")
    count = len(settings.regions)
    tables.add_global(
        template,
        tables.Table(
            "Sessions",
            settings.names.of("sessions"),
            key="id",
            indexes=(tables.Index("TimestampIndex", "timestamp", "N"),),
            expires="ttl",
        ),
        regions=[Ref(each) for each in parameters.numbered(template, "Region", count, "Name")],
        tags=settings.tags,
        keep_data=settings.keep_data,
        protected=settings.keep_data,
    )
    return template


def build_trail(settings: Settings) -> Template:
    """Return the trail of the whole account. (S2-23, S2-X7)"""
    template = Template("A trail of what is done in the account")
    trail.add(
        template,
        trail.Trail(settings.names.of("trail"), settings.names.bucket("trail")),
        whole_account=True,
        key=parameters.key(template),
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    return template


def build_config(settings: Settings, *, first: bool) -> Template:
    """Return a Region's recorder and its two rules; IAM's resources are the first's. (S2-X8)"""
    template = Template("A recorder of resources, and two rules for them")
    config_rules.add_recorder(
        template,
        bucket=settings.names.bucket("config"),
        global_types=first,
        key=parameters.key(template),
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
    for rule in _RULES:
        config_rules.add_rule(template, rule, after=config_rules.RECORDER)
    return template


_RULES = (
    config_rules.Rule(
        "EncryptedVolumes",
        "ENCRYPTED_VOLUMES",
        "Attached volumes are encrypted",
        types=("AWS::EC2::Volume",),
    ),
    config_rules.Rule(
        "BucketsOverTls",
        "S3_BUCKET_SSL_REQUESTS_ONLY",
        "Buckets refuse requests in the clear",
        types=("AWS::S3::Bucket",),
    ),
)


def build_bucket(settings: Settings) -> Template:
    """Return one of the two buckets that copy to each other. (S2-X14, L-3)"""
    rule = replication.Rule("ReplicateEverything", "STANDARD")
    return storage.build(
        title="DataBucket",
        base=settings.names.bucket("data"),
        tags=settings.tags,
        keep_data=settings.keep_data,
        copies=rule if settings.enable_replication else None,
    )


def data_bucket_arn(settings: Settings, region: str) -> str:
    """Return the ARN of the bucket in a Region; each names the other before it is there. (L-3)"""
    name = f"{settings.names.bucket('data')}-{settings.account_id}-{region}"
    return bucket_arn(name, region)
