"""Master passwords that RDS manages: each is a real secret in Secrets Manager."""

from __future__ import annotations

import json
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.services.wire import Value

LENGTH = 28
DAYS = 7  # RDS rotates what it manages every week


def manage(record: dict[str, Any], key: str) -> None:
    """Make a secret for the master user and say so on the record."""
    api = calls.client("secretsmanager")
    password = api.get_random_password(PasswordLength=LENGTH, ExcludeCharacters="\"@/\\' ")
    value = {"username": record["MasterUsername"], "password": password["RandomPassword"]}
    made = api.create_secret(
        Name=f"rds!db-{emulator.new_id()}",
        Description="The secret associated with the primary RDS DB instance: "
        + record["DBInstanceArn"],
        SecretString=json.dumps(value),
        Tags=[
            {"Key": "aws:rds:primaryDBInstanceArn", "Value": record["DBInstanceArn"]},
            {"Key": "aws:secretsmanager:owningService", "Value": "rds"},
        ],
        **({"KmsKeyId": key} if key else {}),
    )
    secret = emulator.secrets.secret(made["ARN"])
    if secret is not None:
        secret |= {"RotationEnabled": True, "RotationRules": {"AutomaticallyAfterDays": DAYS}}
    told = {"SecretArn": made["ARN"], "SecretStatus": "active"}
    record["MasterUserSecret"] = told | ({"KmsKeyId": key} if key else {})


def change(record: dict[str, Any], asked: Value) -> None:
    """Let RDS take the password over, let go of it, or use another key for it."""
    wanted, key = asked.get("ManageMasterUserPassword"), asked.get("MasterUserSecretKmsKeyId", "")
    managed = record.get("MasterUserSecret")
    if wanted is False:
        forget(record)
    elif wanted and not managed:
        manage(record, key)
    elif managed and key:
        arn = managed["SecretArn"]
        calls.client("secretsmanager").update_secret(SecretId=arn, KmsKeyId=key)
        managed["KmsKeyId"] = key


def opens(asked: Value) -> Value:
    """Tell whether a password is the one of an instance: nothing runs that could be asked."""
    with emulator.request_scope(asked["account"], asked["region"]):
        record = emulator.rds.store("_instances").get(asked["database"])
        return {"opens": bool(record and record["_MasterUserPassword"] == asked["password"])}


def forget(record: dict[str, Any]) -> None:
    """Delete the secret of an instance, if RDS made one."""
    managed = record.pop("MasterUserSecret", None)
    if managed and emulator.secrets.secret(managed["SecretArn"]) is not None:
        calls.client("secretsmanager").delete_secret(
            SecretId=managed["SecretArn"], ForceDeleteWithoutRecovery=True
        )
