"""Copies of a bucket in another Region: the rule, the role behind it, and where they go. (L-3)"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from awacs import kms
from awacs import s3 as s3_actions
from awacs.aws import Allow, Condition, Statement, StringEquals, StringLike
from troposphere import GetAtt, Parameter, Ref, Sub, iam, s3

from tapcfn.templating import Template
from templates.layers import _iam
from templates.layers._parameters import REGION_PATTERN, bucket_arn, key_arn
from templates.layers._tags import tagged
from templates.layers._values import Value, value


@dataclass(frozen=True, slots=True)
class Rule:
    """The name of the one replication rule, and the storage class of the copies.

    With `timed` S3 promises copies within 15 minutes, measures what is behind, and bills for it;
    with `measured` it measures only.
    """

    name: str
    storage_class: str
    timed: bool = False
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Copies:
    """The bucket that gets the copies, its key if it has one, and who makes them."""

    role_arn: Value
    bucket: Parameter
    key: Parameter | None


def add(
    template: Template,
    rule: Rule,
    *,
    source: str,
    key: Parameter | Value | None,
    tags: Mapping[str, str],
) -> s3.ReplicationConfiguration:
    """Declare where the copies go, add the role that makes them, and return the configuration.

    `source` is the source bucket's ARN as text for `Fn::Sub`: a reference to the bucket, which
    itself refers to the role, would be a dependency cycle. `key` is the ARN of the source's key,
    or None where both buckets are encrypted by S3's own.
    """
    copies = add_role(template, source=source, key=key, tags=tags, encrypted=key is not None)
    return configuration(rule, copies)


def add_role(
    template: Template,
    *,
    source: str,
    key: Parameter | Value | None,
    tags: Mapping[str, str],
    encrypted: bool,
    given_role: bool = False,
) -> Copies:
    """Declare where the copies go, and add the role that makes them.

    `key` is that of the source, if it has one; `encrypted` says whether the copies have one. A role
    that the bucket is replicated by already (`given_role`, by parameters) gets what is needed: S3
    knows one.
    """
    bucket = template.add_parameter(
        bucket_arn("DestinationBucketArn", "ARN of the bucket that gets the copies")
    )
    statements = list(_reads_source(source))
    if key is not None:
        statements.append(_decrypts_source(source, value(key)))
    statements.append(_writes_copies(bucket))
    destination = _declared_key(template) if encrypted else None
    if destination:
        statements.append(_encrypts_copies(bucket, destination))
    told = tuple(statements)
    arn = _given(template, told) if given_role else GetAtt(template.add(_role(told, tags)), "Arn")
    return Copies(arn, bucket, destination.key if destination else None)


def _given(template: Template, statements: tuple[Statement, ...]) -> Value:
    """Give a role that is there what it needs besides, and return its ARN."""
    arn = template.add_parameter(
        Parameter(
            "SourceRoleArn",
            Type="String",
            Description="ARN of the role that replicates the bucket already",
            AllowedPattern="^arn:[a-z-]+:iam::[0-9]{12}:role/.+$",
            ConstraintDescription="must be the ARN of a role",
        )
    )
    name = Parameter("SourceRoleName", Type="String", Description="That role's name, without path")
    template.add(
        iam.PolicyType(
            "ReplicationPolicy",
            PolicyName=Sub("${AWS::StackName}"),
            PolicyDocument=_iam.document(*statements),
            Roles=[Ref(template.add_parameter(name))],
        )
    )
    return Ref(arn)


def configuration(rule: Rule, copies: Copies) -> s3.ReplicationConfiguration:
    """Return the configuration of a bucket that copies everything."""
    return s3.ReplicationConfiguration(
        Role=copies.role_arn,
        Rules=[_replicate_everything(rule, copies.bucket, copies.key)],
    )


def request(rule: Rule, copies: Copies) -> Sub:
    """Return the same configuration as the JSON that S3's own API takes, for a bucket of others."""
    return Sub(json.dumps(_spelled_out(configuration(rule, copies).to_dict()), sort_keys=True))


def _spelled_out(node: Any) -> Any:
    """Turn references into `${Name}`, and the one name that the API spells otherwise."""
    match node:
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case dict():
            return {"ID" if key == "Id" else key: _spelled_out(each) for key, each in node.items()}
        case list():
            return [_spelled_out(each) for each in node]
    return node


# What was there before the rule -------------------------------------------------------------------


def add_batch_role(
    template: Template,
    *,
    source: str,
    tags: Mapping[str, str],
    key: Parameter | Value | None = None,
) -> iam.Role:
    """Add the role by which S3 Batch replicates what was in the source before its rule. (O-9)

    S3 lists the objects itself and keeps no list; the report of what failed goes into the source,
    under the prefix `batch-replication/`; `key` is that of the source, if it has one.
    """
    statements = (
        Statement(
            Sid="ReadRule",
            Effect=Allow,
            Action=[s3_actions.GetReplicationConfiguration, s3_actions.PutInventoryConfiguration],
            Resource=[Sub(source)],
        ),
        Statement(
            Sid="ReplicateOldObjects",
            Effect=Allow,
            Action=[s3_actions.InitiateReplication],
            Resource=[Sub(f"{source}/*")],
        ),
        Statement(
            Sid="WriteReport",
            Effect=Allow,
            Action=[s3_actions.PutObject],
            Resource=[Sub(f"{source}/batch-replication/*")],
        ),
        *(() if key is None else (_encrypts_report(source, value(key)),)),
    )
    return template.add(
        iam.Role(
            "BatchRole",
            Description="Lets S3 Batch replicate what was in a bucket before its rule",
            AssumeRolePolicyDocument=_iam.trust("batchoperations.s3.amazonaws.com"),
            Policies=[
                iam.Policy(PolicyName="replicate", PolicyDocument=_iam.document(*statements))
            ],
            Tags=tagged(tags),
        )
    )


def _encrypts_report(source: str, key: Value) -> Statement:
    return Statement(
        Sid="EncryptReport",
        Effect=Allow,
        Action=[kms.GenerateDataKey, kms.Decrypt],
        Resource=[key],
        Condition=_through_s3("${AWS::Region}", [Sub(source), Sub(f"{source}/*")]),
    )


@dataclass(frozen=True, slots=True)
class _DestinationKey:
    """The key of the copies and its Region, both parameters."""

    key: Parameter
    region: Parameter


def _declared_key(template: Template) -> _DestinationKey:
    return _DestinationKey(
        template.add_parameter(
            key_arn(
                "DestinationKeyArn", "ARN of the key, in the destination's Region, of the copies"
            )
        ),
        template.add_parameter(
            Parameter(
                "DestinationRegion",
                Type="String",
                Description="Region of that bucket and of that key",
                AllowedPattern=REGION_PATTERN,
                ConstraintDescription="must be the name of a Region",
            )
        ),
    )


def _replicate_everything(
    rule: Rule, bucket: Parameter, key: Parameter | None
) -> s3.ReplicationConfigurationRules:
    """Return one rule for the whole bucket: encrypted objects and delete markers included."""
    destination = s3.ReplicationConfigurationRulesDestination(
        Bucket=Ref(bucket), StorageClass=rule.storage_class
    )
    made = s3.ReplicationConfigurationRules(
        Id=rule.name,
        Status="Enabled",
        Priority=1,
        Filter=s3.ReplicationRuleFilter(Prefix=""),
        DeleteMarkerReplication=s3.DeleteMarkerReplication(Status="Enabled"),
        Destination=destination,
    )
    if key is not None:
        destination.EncryptionConfiguration = s3.EncryptionConfiguration(ReplicaKmsKeyID=Ref(key))
        # S3 passes over every object encrypted by KMS unless it is told to select them.
        made.SourceSelectionCriteria = s3.SourceSelectionCriteria(
            SseKmsEncryptedObjects=s3.SseKmsEncryptedObjects(Status="Enabled")
        )
    if rule.timed:
        # S3 knows this one number of minutes, and wants both or none.
        limit = s3.ReplicationTimeValue(Minutes=15)
        destination.ReplicationTime = s3.ReplicationTime(Status="Enabled", Time=limit)
        destination.Metrics = s3.Metrics(Status="Enabled", EventThreshold=limit)
    elif rule.measured:
        destination.Metrics = s3.Metrics(Status="Enabled")
    return made


def _role(statements: tuple[Statement, ...], tags: Mapping[str, str]) -> iam.Role:
    """Return the role by which S3 copies objects: what `statements` say, and no more.

    The policy is inline, so that the role is complete before the bucket uses it. Its trust has no
    `aws:SourceArn`: that S3 sends one when it replicates is not documented.
    """
    return iam.Role(
        "ReplicationRole",
        Description="Lets S3 copy one bucket to another Region",
        AssumeRolePolicyDocument=_iam.trust("s3.amazonaws.com"),
        Policies=[iam.Policy(PolicyName="replicate", PolicyDocument=_iam.document(*statements))],
        Tags=tagged(tags),
    )


def _reads_source(source: str) -> tuple[Statement, ...]:
    """Read the versions of the source."""
    return (
        Statement(
            Sid="ReadSourceBucket",
            Effect=Allow,
            Action=[s3_actions.GetReplicationConfiguration, s3_actions.ListBucket],
            Resource=[Sub(source)],
        ),
        Statement(
            Sid="ReadSourceVersions",
            Effect=Allow,
            Action=[
                s3_actions.GetObjectVersionForReplication,
                s3_actions.GetObjectVersionAcl,
                s3_actions.GetObjectVersionTagging,
            ],
            Resource=[Sub(f"{source}/*")],
        ),
    )


def _decrypts_source(source: str, key: Value) -> Statement:
    """Decrypt the source where S3 of this Region asks for it."""
    return Statement(
        Sid="DecryptSource",
        Effect=Allow,
        Action=[kms.Decrypt],
        Resource=[key],
        Condition=_through_s3("${AWS::Region}", [Sub(source), Sub(f"{source}/*")]),
    )


def _writes_copies(bucket: Parameter) -> Statement:
    return Statement(
        Sid="WriteDestination",
        Effect=Allow,
        Action=[
            s3_actions.ReplicateObject,
            s3_actions.ReplicateDelete,
            s3_actions.ReplicateTags,
        ],
        Resource=[Sub(f"${{{bucket.title}}}/*")],
    )


def _encrypts_copies(bucket: Parameter, destination: _DestinationKey) -> Statement:
    """Encrypt the copies where S3 of their Region asks for it.

    Decrypt is there for the bucket key alone: S3 reads the destination's back before it uses it.
    """
    return Statement(
        Sid="EncryptDestination",
        Effect=Allow,
        Action=[kms.Encrypt, kms.GenerateDataKey, kms.Decrypt],
        Resource=[Ref(destination.key)],
        Condition=_through_s3(
            f"${{{destination.region.title}}}", [Ref(bucket), Sub(f"${{{bucket.title}}}/*")]
        ),
    )


def _through_s3(region: str, bucket_and_objects: list[Ref | Sub]) -> Condition:
    """Allow a key's use only by S3 of `region`, and only for this bucket.

    S3 names the object in the encryption context, or the bucket once a bucket key is in play.
    """
    return Condition(
        [
            StringEquals("kms:ViaService", Sub(f"s3.{region}.${{AWS::URLSuffix}}")),
            StringLike("kms:EncryptionContext:aws:s3:arn", bucket_and_objects),
        ]
    )
