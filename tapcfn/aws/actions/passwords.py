"""Give a database the password of its secret. (O-15, S4-11)

The value passes from Secrets Manager to RDS in memory only: no text, fact or token of ours holds
it. Which version was given stands in a tag of the database, so that it is given once.
"""

from __future__ import annotations

import json
from contextlib import suppress

from tapcfn.acting import ActionState
from tapcfn.aws.actions import database_instances as databases
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, running
from tapcfn.errors import BlockedError
from tapcfn.model import ResetPassword, Target

TAG = "tapcfn:password"
_PENDING = "MasterUserPassword"
_CURRENT = "AWSCURRENT"


def look(door: Door, action: ResetPassword, _token: str) -> ActionState:
    """Return DONE once the database has the secret's current version; its value is not read."""
    found = databases.the(door, action.target, str(action.database_id))
    if broken := databases.breakage(found):
        return broken
    version = _current(door, action)
    if databases.tag_of(found, TAG) != version:
        return ABSENT
    status = str(found["DBInstanceStatus"])
    if status != databases.AVAILABLE or _PENDING in found.get("PendingModifiedValues", {}):
        return running(f"{action.database_id} is {status}")
    return done("", {"secret": str(action.secret_arn), "version": version})


def begin(door: Door, action: ResetPassword, _token: str) -> Facts:
    """Give the password, then note which: after a crash between the two it is given again."""
    found = databases.the(door, action.target, str(action.database_id))
    client = door("secretsmanager", _home(action))
    told = client.get_secret_value(SecretId=str(action.secret_arn), VersionStage=_CURRENT)
    rds = door("rds", action.target)
    rds.modify_db_instance(
        DBInstanceIdentifier=str(action.database_id),
        MasterUserPassword=_password(action, told.get("SecretString", "")),
        ApplyImmediately=True,
    )
    rds.add_tags_to_resource(
        ResourceName=found["DBInstanceArn"], Tags=[{"Key": TAG, "Value": told["VersionId"]}]
    )
    return {"version": str(told["VersionId"])}


def _home(action: ResetPassword) -> Target:
    """Return where the secret is: its ARN says in which Region, a name is one of the target's."""
    parts = str(action.secret_arn).split(":")
    region = parts[3] if parts[0] == "arn" else action.target.region
    return Target(action.target.account, region)


def _current(door: Door, action: ResetPassword) -> str:
    told = door("secretsmanager", _home(action)).describe_secret(SecretId=str(action.secret_arn))
    stages = told.get("VersionIdsToStages", {})
    for version, names in stages.items():
        if _CURRENT in names:
            return str(version)
    raise BlockedError(f"{action.name}: secret {action.secret_arn} has no current version")


def _password(action: ResetPassword, value: str) -> str:
    """Return the password of a secret's value: the key `password`, or the text as a whole."""
    told: object = value
    with suppress(ValueError):
        told = json.loads(value)
    password = told.get("password") if isinstance(told, dict) else value
    if not isinstance(password, str) or not password:
        raise BlockedError(f"{action.name}: secret {action.secret_arn} holds no password")
    return password
