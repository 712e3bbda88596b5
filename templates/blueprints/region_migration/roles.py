"""The operator's role: what a person or a script may do while the migration runs. (S4-2)

The instances have a role of their own, with nothing of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from awacs import ec2 as ec2_actions
from awacs import kms
from awacs import rds as rds_actions
from awacs import s3 as s3_actions
from awacs.aws import Action, Allow, Condition, ConditionElement, Statement, StringEquals
from troposphere import GetAtt, Output, Ref, Sub, iam

from tapcfn.templating import Template
from templates.blueprints import _parameters as parameters
from templates.blueprints.region_migration.settings import Settings
from templates.layers import _iam
from templates.layers._parameters import bucket_arn, key_arn
from templates.layers._tags import tagged

TAG = "Migration"
TAG_VALUE = "cross-region"

# The ARNs of the buckets, as texts for `Fn::Sub`: the source's is known by its name alone.
BUCKETS = (
    "arn:${AWS::Partition}:s3:::${SourceBucketName}",
    "${TargetBucketArn}",
    "${BackupBucketArn}",
)

# Both Regions of the migration, as texts for `Fn::Sub`.
_REGIONS = ("${SourceRegion}", "${AWS::Region}")


class Out(StrEnum):
    """What people ask this for."""

    OPERATOR_ROLE_ARN = "OperatorRoleArn"
    OPERATOR_PROFILE = "OperatorProfileName"


def build(settings: Settings) -> Template:
    """Return the operator's role, and a profile to use it on an instance."""
    template = Template("What the migration's operator may do")
    parameters.take(template, "SourceBucketName", "Name of the bucket that is copied")
    for title in ("TargetBucketArn", "BackupBucketArn"):
        template.add_parameter(bucket_arn(title, "ARN of a bucket of the migration"))
    source = ["SourceKeyArn"] if settings.source_key_arn else []
    for title in ("BucketKeyArn", "DatabaseKeyArn", *source):
        template.add_parameter(key_arn(title, "ARN of a key of the migration"))
    parameters.take(template, "SourceRegion", "Region that is left")
    parameters.take(template, "SourceDatabaseId", "Identifier of the database that is copied")
    role = template.add(_role(settings))
    profile = template.add(iam.InstanceProfile("OperatorProfile", Roles=[Ref(role)]))
    for key, about, found in (
        (Out.OPERATOR_ROLE_ARN, "ARN of the operator's role", GetAtt(role, "Arn")),
        (Out.OPERATOR_PROFILE, "Profile for an operator's instance", Ref(profile)),
    ):
        template.add_output(Output(key, Description=about, Value=found))
    return template


def _role(settings: Settings) -> iam.Role:
    return iam.Role(
        "OperatorRole",
        Description="What the migration's operator may do",
        AssumeRolePolicyDocument=_iam.document(
            # EC2 sends no source account when it assumes a role for an instance.
            *_iam.trust("ec2.amazonaws.com").Statement,
            *_iam.trust(
                "rds.amazonaws.com", StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))
            ).Statement,
        ),
        Policies=[
            iam.Policy(
                PolicyName="migrate",
                PolicyDocument=_iam.document(
                    *_moves_objects(settings), *_moves_database(settings), *_moves_instances()
                ),
            )
        ],
        Tags=tagged(settings.tags),
    )


def _allow(
    sid: str,
    actions: Sequence[Action],
    resources: Sequence[Ref | Sub],
    condition: Condition | None = None,
) -> Statement:
    statement = {"Sid": sid, "Effect": Allow, "Action": list(actions), "Resource": list(resources)}
    return Statement(**statement, **({"Condition": condition} if condition else {}))


# Objects ------------------------------------------------------------------------------------------


def _moves_objects(settings: Settings) -> tuple[Statement, ...]:
    """Read and write the three buckets, under the keys that encrypt them."""
    return (
        _allow(
            "MoveObjects",
            [s3_actions.GetObject, s3_actions.PutObject, s3_actions.DeleteObject],
            [Sub(f"{each}/*") for each in BUCKETS],
        ),
        _allow(
            "LookIntoBuckets",
            [
                s3_actions.ListBucket,
                s3_actions.GetBucketVersioning,
                s3_actions.PutBucketVersioning,
            ],
            [Sub(each) for each in BUCKETS],
        ),
        _allow(
            "EncryptObjects",
            [kms.Decrypt, kms.GenerateDataKey],
            [Ref("BucketKeyArn")],
            Condition(_through("s3")),
        ),
        *_source_key(settings),
    )


def _source_key(settings: Settings) -> tuple[Statement, ...]:
    """Use the key of the source bucket: one that is named, or the one that the migration tags."""
    conditions: list[ConditionElement] = [_through("s3", "${SourceRegion}")]
    key: Ref | Sub
    if settings.source_key_arn:
        key = Ref("SourceKeyArn")
    elif settings.source_bucket == "create":
        key = Sub("arn:${AWS::Partition}:kms:${SourceRegion}:${AWS::AccountId}:key/*")
        conditions.append(StringEquals(f"aws:ResourceTag/{TAG}", TAG_VALUE))
    else:
        return ()
    actions = [kms.Decrypt, kms.GenerateDataKey]
    return (_allow("EncryptSourceObjects", actions, [key], Condition(conditions)),)


def _through(service: str, region: str = "${AWS::Region}") -> StringEquals:
    """Ask that a service of a Region uses the key, and not the operator."""
    return StringEquals("kms:ViaService", Sub(f"{service}.{region}.${{AWS::URLSuffix}}"))


# Database -----------------------------------------------------------------------------------------


def _rds(kind: str, region: str = "${AWS::Region}") -> Sub:
    return Sub(f"arn:${{AWS::Partition}}:rds:{region}:${{AWS::AccountId}}:{kind}")


def _moves_database(settings: Settings) -> tuple[Statement, ...]:
    """Snapshot and copy the source, promote the replica, and restore beside it.

    Groups of subnets and parameters have names that CloudFormation made up, and hold no data.
    """
    names = settings.names
    replica = _rds(f"db:{names.target_database}")
    source = _rds("db:${SourceDatabaseId}", "${SourceRegion}")
    snapshots = [_rds(f"snapshot:{names.of('*')}", region) for region in _REGIONS]
    if settings.manual_snapshot:
        snapshots += [_rds(f"snapshot:{names.manual_snapshot}", region) for region in _REGIONS]
    groups = [_rds(f"{kind}:*") for kind in ("og", "pg", "subgrp")]
    return (
        _allow("SnapshotDatabase", [rds_actions.CreateDBSnapshot], [source, replica, *snapshots]),
        _allow(
            "RestoreBeside",
            [rds_actions.RestoreDBInstanceFromDBSnapshot],
            [_rds(f"db:{names.of('restored-*')}"), *snapshots, *groups],
        ),
        _allow("Replicate", [rds_actions.CreateDBInstanceReadReplica], [source, replica, *groups]),
        _allow("Promote", [rds_actions.PromoteReadReplica], [replica]),
        _allow(
            "LetRdsUseTheKey",
            [kms.CreateGrant, kms.DescribeKey],
            [Ref("DatabaseKeyArn")],
            Condition(_through("rds")),
        ),
    )


# Instances ----------------------------------------------------------------------------------------


def _ec2(kind: str, region: str, *, owned: bool = True) -> Sub:
    """Return the ARN of all of one kind in a Region; images and snapshots name no account."""
    account = "${AWS::AccountId}" if owned else ""
    return Sub(f"arn:${{AWS::Partition}}:ec2:{region}:{account}:{kind}/*")


_OURS = StringEquals(f"aws:ResourceTag/{TAG}", TAG_VALUE)
_TAGGED = StringEquals(f"aws:RequestTag/{TAG}", TAG_VALUE)
_HERE = "${AWS::Region}"
_COPIES = [_ec2(kind, region, owned=False) for kind in ("image", "snapshot") for region in _REGIONS]
_LAUNCHED = [_ec2(kind, _HERE) for kind in ("instance", "volume")]


def _moves_instances() -> tuple[Statement, ...]:
    """Copy tagged volumes and instances of both Regions; launch and end tagged ones in this one.

    What is made must get the tag as it is made: this alone lets it be tagged.
    """
    return (
        *_copies_instances(),
        *_launches_instances(),
        _allow(
            "TagWhatIsMade",
            [ec2_actions.CreateTags],
            [*_COPIES, *_LAUNCHED],
            Condition(
                StringEquals("ec2:CreateAction", ["CreateSnapshot", "CreateImage", "RunInstances"])
            ),
        ),
    )


def _copies_instances() -> tuple[Statement, ...]:
    actions = [ec2_actions.CreateSnapshot, ec2_actions.CreateImage]
    sources = [_ec2(kind, region) for kind in ("instance", "volume") for region in _REGIONS]
    return (
        _allow("CopyFromOurs", actions, sources, Condition(_OURS)),
        _allow("CopyToTagged", actions, _COPIES, Condition(_TAGGED)),
    )


def _launches_instances() -> tuple[Statement, ...]:
    run, interfaces = [ec2_actions.RunInstances], [_ec2("network-interface", _HERE)]
    sources = [
        *(_ec2(kind, _HERE, owned=False) for kind in ("image", "snapshot")),
        *(_ec2(kind, _HERE) for kind in ("launch-template", "security-group", "subnet")),
    ]
    ended = [_ec2("instance", _HERE)]
    return (
        _allow("LaunchFromOurs", run, sources, Condition(_OURS)),
        _allow("LaunchTagged", run, _LAUNCHED, Condition(_TAGGED)),
        # An interface is made with its instance, and has no tag at that moment.
        _allow("LaunchWithInterface", run, interfaces),
        _allow("EndOurs", [ec2_actions.TerminateInstances], ended, Condition(_OURS)),
    )
