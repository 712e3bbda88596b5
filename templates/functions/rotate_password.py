"""Change the password of a secret: Secrets Manager asks for one step after the other.

The secret is the application's own, so that no other service must be told of the new password.
"""

import json
from typing import Any

import boto3

LENGTH = 32
EXCLUDED = "\"@/\\'"


def handler(event: dict[str, str], _context: object) -> None:
    """Do one step; a step that has been done before changes nothing."""
    client = boto3.client("secretsmanager")
    steps = {"createSecret": create, "testSecret": test, "finishSecret": finish}
    if event["Step"] != "setSecret":
        steps[event["Step"]](client, event["SecretId"], event["ClientRequestToken"])


def create(client: Any, secret: str, token: str) -> None:
    """Draw a new password and keep it as the pending version."""
    versions = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
    if "AWSPENDING" in versions.get(token, []) and holds(client, secret, token):
        return
    current = client.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")
    value = json.loads(current["SecretString"])
    drawn = client.get_random_password(PasswordLength=LENGTH, ExcludeCharacters=EXCLUDED)
    value["password"] = drawn["RandomPassword"]
    client.put_secret_value(
        SecretId=secret,
        ClientRequestToken=token,
        SecretString=json.dumps(value),
        VersionStages=["AWSPENDING"],
    )


def holds(client: Any, secret: str, token: str) -> bool:
    """Say whether the pending version has a value already."""
    try:
        client.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def test(client: Any, secret: str, token: str) -> None:
    """Refuse a pending version without a whole password."""
    pending = client.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
    if len(json.loads(pending["SecretString"]).get("password", "")) != LENGTH:
        raise ValueError("the pending version has no password")


def finish(client: Any, secret: str, token: str) -> None:
    """Make the pending version the current one."""
    versions = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
    (current,) = [version for version, stages in versions.items() if "AWSCURRENT" in stages]
    if current != token:
        client.update_secret_version_stage(
            SecretId=secret,
            VersionStage="AWSCURRENT",
            MoveToVersionId=token,
            RemoveFromVersionId=current,
        )
