"""Secrets that nobody has to think of: generated, encrypted, copied to other Regions, rotated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from awacs import kms
from awacs import secretsmanager as secret_actions
from awacs.aws import Allow, Condition, Statement, StringEquals
from troposphere import GetAtt, Parameter, Ref, Sub, awslambda, rds, secretsmanager

from tapcfn.templating import Template
from templates.layers._retention import retained
from templates.layers._tags import tagged
from templates.layers._values import Value, value

LENGTH = 32
ROTATION_DAYS = 30

# What database engines and connection strings stumble over.
EXCLUDED = "\"@/\\'"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the secret in another Region than its own, under a key of that Region."""

    region: Value
    key: Value


def add(
    template: Template,
    title: str = "Secret",
    *,
    name: Value,
    description: str,
    key: Parameter | Value,
    tags: Mapping[str, str],
    keep_data: bool,
    user: str = "",
    copies: Sequence[Copy] = (),
) -> secretsmanager.Secret:
    """Add a secret with a generated `password` of 32 characters, beside a `username` if given.

    No value of it is ever in a template or a parameter: see `password`.
    """
    secret = secretsmanager.Secret(
        title,
        Name=name,
        Description=description,
        KmsKeyId=value(key),
        GenerateSecretString=secretsmanager.GenerateSecretString(
            SecretStringTemplate=json.dumps({"username": user} if user else {}),
            GenerateStringKey="password",
            PasswordLength=LENGTH,
            ExcludeCharacters=EXCLUDED,
        ),
        Tags=tagged(tags),
    )
    if copies:
        secret.ReplicaRegions = [
            secretsmanager.ReplicaRegion(Region=copy.region, KmsKeyId=copy.key) for copy in copies
        ]
    return template.add(retained(secret, keep_data))


def password(secret: secretsmanager.Secret) -> Sub:
    """Return what CloudFormation replaces by the secret's password when it makes a resource."""
    return Sub(f"{{{{resolve:secretsmanager:${{{secret.title}}}:SecretString:password}}}}")


def attach(
    template: Template, secret: secretsmanager.Secret, database: rds.DBInstance
) -> secretsmanager.SecretTargetAttachment:
    """Write the database's address into its secret: what a client needs to connect."""
    return template.add(
        secretsmanager.SecretTargetAttachment(
            f"{secret.title}Attachment",
            SecretId=Ref(secret),
            TargetId=Ref(database),
            TargetType="AWS::RDS::DBInstance",
        )
    )


def rotate(
    template: Template,
    secret: secretsmanager.Secret,
    function: awslambda.Function,
    *,
    days: int = ROTATION_DAYS,
) -> secretsmanager.RotationSchedule:
    """Have a function change the secret every so many days, the first time after as many."""
    permission = template.add(
        awslambda.Permission(
            f"{secret.title}RotationPermission",
            Action="lambda:InvokeFunction",
            FunctionName=GetAtt(function, "Arn"),
            Principal="secretsmanager.amazonaws.com",
            SourceAccount=Ref("AWS::AccountId"),
            SourceArn=Ref(secret),
        )
    )
    return template.add(
        secretsmanager.RotationSchedule(
            f"{secret.title}Rotation",
            SecretId=Ref(secret),
            RotationLambdaARN=GetAtt(function, "Arn"),
            RotationRules=secretsmanager.RotationRules(AutomaticallyAfterDays=days),
            RotateImmediatelyOnUpdate=False,
            DependsOn=[permission.title],
        )
    )


def changed_by(name: str, key: Parameter | Value) -> tuple[Statement, ...]:
    """Return what the role of a function may do that changes the secret of this name.

    `name` is text for `Fn::Sub`; Secrets Manager adds six characters to it. A random password is
    nobody's resource.
    """
    arn = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret"
    return (
        Statement(
            Sid="ChangeSecret",
            Effect=Allow,
            Action=[
                secret_actions.DescribeSecret,
                secret_actions.GetSecretValue,
                secret_actions.PutSecretValue,
                secret_actions.UpdateSecretVersionStage,
            ],
            Resource=[Sub(f"{arn}:{name}-??????")],
        ),
        Statement(
            Sid="DrawPassword",
            Effect=Allow,
            Action=[secret_actions.GetRandomPassword],
            Resource=["*"],
        ),
        Statement(
            Sid="EncryptSecret",
            Effect=Allow,
            Action=[kms.Decrypt, kms.GenerateDataKey],
            Resource=[value(key)],
            Condition=Condition(
                StringEquals(
                    "kms:ViaService", Sub("secretsmanager.${AWS::Region}.${AWS::URLSuffix}")
                )
            ),
        ),
    )
