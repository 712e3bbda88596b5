"""Secrets Manager: what is attached to a secret: a database, a rotation, a policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    document,
    flag,
    gone_is_fine,
)


def _api() -> Any:
    return calls.client("secretsmanager")


def _made(arn: str) -> Made:
    return Made(arn, {"Id": arn})


# Target attachment --------------------------------------------------------------------------------

_CONNECTION = ("engine", "host", "port", "dbname", "dbInstanceIdentifier")


def _attach(wanted: Wanted) -> Made:
    """Write the database's address into the secret, whose value must be a JSON object."""
    arn = _api().describe_secret(SecretId=wanted["SecretId"])["ARN"]
    _rewrite(arn, _connection(wanted))
    return _made(arn)


def _connection(wanted: Wanted) -> dict[str, Any]:
    kind = wanted["TargetType"]
    if kind != "AWS::RDS::DBInstance":
        raise ResourceRefusedError(f"the local cloud does not attach secrets to {kind}")
    found = calls.client("rds").describe_db_instances(DBInstanceIdentifier=wanted["TargetId"])
    record = found["DBInstances"][0]
    told = {
        "engine": record["Engine"],
        "host": record["Endpoint"]["Address"],
        "port": record["Endpoint"]["Port"],
        "dbInstanceIdentifier": record["DBInstanceIdentifier"],
    }
    return told | ({"dbname": record["DBName"]} if record.get("DBName") else {})


def _rewrite(arn: str, connection: Mapping[str, Any]) -> None:
    value = _api().get_secret_value(SecretId=arn).get("SecretString", "")
    try:
        kept = {key: each for key, each in json.loads(value).items() if key not in _CONNECTION}
    except (AttributeError, ValueError):
        raise ResourceRefusedError("the secret value is not a JSON object") from None
    _api().put_secret_value(SecretId=arn, SecretString=json.dumps(kept | dict(connection)))


def _detach(wanted: Wanted) -> None:
    with gone_is_fine():
        _rewrite(wanted.physical_id, {})


# Rotation -----------------------------------------------------------------------------------------


def _rotate(wanted: Wanted) -> Made:
    """Set the function and the rules; the first rotation is at once unless told otherwise."""
    for prop in ("HostedRotationLambda", "ExternalSecretRotationMetadata"):
        if wanted.get(prop):
            raise ResourceRefusedError(
                f"the local cloud does not model {prop}: it needs a transform; name a function "
                "with RotationLambdaARN"
            )
    function = wanted.get("RotationLambdaARN")
    if not function:
        message = "No Lambda rotation function ARN is associated with this secret."
        raise ResourceRefusedError(message)
    calls.client("lambda").get_function(FunctionName=function)
    rules = dict(wanted.get("RotationRules") or {})
    if "AutomaticallyAfterDays" in rules:
        rules["AutomaticallyAfterDays"] = int(rules["AutomaticallyAfterDays"])
    arn = _api().rotate_secret(
        SecretId=wanted["SecretId"],
        RotationLambdaARN=function,
        RotateImmediately=flag(wanted.get("RotateImmediatelyOnUpdate", True)),
        **({"RotationRules": rules} if rules else {}),
    )["ARN"]
    return _made(arn)


def _stop_rotating(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().cancel_rotate_secret(SecretId=wanted.physical_id)


# Policy -------------------------------------------------------------------------------------------


def _put_policy(wanted: Wanted) -> Made:
    policy = document(wanted["ResourcePolicy"])
    if flag(wanted.get("BlockPublicPolicy", True)):
        _refuse_public(policy)
    arn = _api().put_resource_policy(SecretId=wanted["SecretId"], ResourcePolicy=policy)["ARN"]
    return _made(arn)


def _refuse_public(policy: str) -> None:
    statements = json.loads(policy).get("Statement", [])
    for each in [statements] if isinstance(statements, dict) else statements:
        public = each.get("Principal") in ("*", {"AWS": "*"})
        if public and each["Effect"] == "Allow" and not each.get("Condition"):
            raise ResourceRefusedError(
                "The BlockPublicPolicy parameter is set to true, and the resource policy did not "
                "prevent broad access to the secret."
            )


def _drop_policy(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_resource_policy(SecretId=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::SecretsManager::SecretTargetAttachment",
        create=_attach,
        update=_attach,
        delete=_detach,
        create_only=("SecretId",),
    ),
    Provisioner(
        "AWS::SecretsManager::RotationSchedule",
        create=_rotate,
        update=_rotate,
        delete=_stop_rotating,
        create_only=("SecretId",),
    ),
    Provisioner(
        "AWS::SecretsManager::ResourcePolicy",
        create=_put_policy,
        update=_put_policy,
        delete=_drop_policy,
        create_only=("SecretId",),
    ),
)
