"""Let the databases of a parameter group refuse writes, by `read_only`, and take them again. (O-15)

The parameter is dynamic in MySQL and MariaDB: it holds at once, without a reboot. Accounts with
CONNECTION_ADMIN or SUPER may write all the same. It is drift in the stack of the group until it
is set back.

What the group said before stands in a tag of its own, from before it is changed until it is set
back: so whoever takes it back, from whatever machine, finds it.
"""

from __future__ import annotations

from typing import Any

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, running
from tapcfn.errors import BlockedError
from tapcfn.model import RestoreReadOnly, SetReadOnly

PARAMETER = "read_only"
TAG = "tapcfn:read-only-before"
REFUSED = "1"

# How the tag says that the group left it to the engine; it can't hold the braces of a formula.
_DEFAULT = "engine-default"
_ENGINE = "the engine's default"
_IMMEDIATE = {"ParameterName": PARAMETER, "ApplyMethod": "immediate"}

Either = SetReadOnly | RestoreReadOnly


# Writes stop --------------------------------------------------------------------------------------


def look(door: Door, action: SetReadOnly, _token: str) -> ActionState:
    """Return DONE once the group says so and no database is still taking it over."""
    users = _users(door, action)
    return _taken_over(users, REFUSED) if _value(door, action) == REFUSED else ABSENT


def begin(door: Door, action: SetReadOnly, _token: str) -> Facts:
    """Note what the group says, then set the parameter. A note that stands is an earlier try's."""
    _users(door, action)
    before, arn = _before(door, action), _arn(door, action)
    rds = door("rds", action.target)
    if before is None:
        before = _value(door, action)
        tag = {"Key": TAG, "Value": before.strip("{}") or _DEFAULT}
        rds.add_tags_to_resource(ResourceName=arn, Tags=[tag])
    _set(door, action, REFUSED)
    return {f"{PARAMETER} before": before or _ENGINE}


# And go on ----------------------------------------------------------------------------------------


def look_at_end(door: Door, action: RestoreReadOnly, _token: str) -> ActionState:
    """Return DONE for a group without a note: it says what it said, or was never changed."""
    users = _users(door, action)
    if _before(door, action) is not None:
        return ABSENT
    return _taken_over(users, _value(door, action))


def restore(door: Door, action: RestoreReadOnly, _token: str) -> Facts:
    """Set the parameter as the note says, and only then take the note off."""
    before = _before(door, action)
    if before is None:
        return {}
    _set(door, action, before)
    rds = door("rds", action.target)
    rds.remove_tags_from_resource(ResourceName=_arn(door, action), TagKeys=[TAG])
    return {PARAMETER: before or _ENGINE}


# The parameter group ------------------------------------------------------------------------------


def _set(door: Door, action: Either, value: str) -> None:
    """Let the group say a value, or leave it to the engine."""
    rds, group = door("rds", action.target), str(action.parameter_group)
    if value:
        row = _IMMEDIATE | {"ParameterValue": value}
        rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[row])
    else:
        rds.reset_db_parameter_group(DBParameterGroupName=group, Parameters=[_IMMEDIATE])


def _value(door: Door, action: Either) -> str:
    """Return what the group itself says; nothing where it leaves it to the engine."""
    pages = (
        door("rds", action.target)
        .get_paginator("describe_db_parameters")
        .paginate(DBParameterGroupName=str(action.parameter_group), Source="user")
    )
    found = (each for page in pages for each in page["Parameters"])
    named = (each for each in found if each["ParameterName"] == PARAMETER)
    return next((str(each.get("ParameterValue", "")) for each in named), "")


def _before(door: Door, action: Either) -> str | None:
    """Return what the group said before writes were stopped; None where nobody noted it."""
    told = door("rds", action.target).list_tags_for_resource(ResourceName=_arn(door, action))
    noted = (str(each["Value"]) for each in told["TagList"] if each["Key"] == TAG)
    value = next(noted, None)
    if value is None or value.isdigit():
        return value
    return "" if value == _DEFAULT else f"{{{value}}}"


def _arn(door: Door, action: Either) -> str:
    group = str(action.parameter_group)
    told = door("rds", action.target).describe_db_parameter_groups(DBParameterGroupName=group)
    return str(told["DBParameterGroups"][0]["DBParameterGroupArn"])


# Its databases ------------------------------------------------------------------------------------


def _taken_over(users: dict[str, str], value: str) -> ActionState:
    late = [name for name, status in users.items() if status == "applying"]
    if late:
        return running(f"{', '.join(late)}: applying")
    return done(f"{PARAMETER}={value or _ENGINE} for {', '.join(users)}")


def _users(door: Door, action: Either) -> dict[str, str]:
    """Return how far each database of the group has taken it over.

    A group that nobody uses would stop nothing, and the engine's own takes no change.
    """
    group = str(action.parameter_group)
    if group.startswith("default."):
        raise BlockedError(
            f"{action.name}: {group} ({action.target}) is the engine's default parameter group, "
            "which nobody can change: give the database a group of its own"
        )
    pages = door("rds", action.target).get_paginator("describe_db_instances").paginate()
    users = {
        str(found["DBInstanceIdentifier"]): status
        for page in pages
        for found in page["DBInstances"]
        for status in _statuses(found, group)
    }
    if not users:
        raise BlockedError(
            f"{action.name}: no database uses parameter group {group} ({action.target})"
        )
    return users


def _statuses(found: dict[str, Any], group: str) -> list[str]:
    return [
        str(each.get("ParameterApplyStatus", ""))
        for each in found.get("DBParameterGroups", ())
        if each["DBParameterGroupName"] == group
    ]
