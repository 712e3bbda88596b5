"""Let the databases of a parameter group refuse or take writes, by `read_only`. (O-15)

The parameter is dynamic in MySQL and MariaDB: it holds at once, without a reboot. Accounts with
CONNECTION_ADMIN or SUPER may write all the same. It is drift in the stack of the group until it
is set back.
"""

from __future__ import annotations

from typing import Any

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import ABSENT, Door, Facts, done, running
from tapcfn.errors import BlockedError
from tapcfn.model import SetReadOnly

PARAMETER = "read_only"


def look(door: Door, action: SetReadOnly, _token: str) -> ActionState:
    """Return DONE once the group says so and no database is still taking it over."""
    users = _users(door, action)
    if _value(door, action) != _wanted(action):
        return ABSENT
    late = [name for name, status in users.items() if status == "applying"]
    if late:
        return running(f"{', '.join(late)}: applying")
    return done(f"{PARAMETER}={_wanted(action)} for {', '.join(users)}")


def begin(door: Door, action: SetReadOnly, _token: str) -> Facts:
    """Set the parameter; the facts say what the group said before, if anything."""
    _users(door, action)
    before = _value(door, action)
    row = {"ParameterName": PARAMETER, "ParameterValue": _wanted(action)}
    door("rds", action.target).modify_db_parameter_group(
        DBParameterGroupName=str(action.parameter_group),
        Parameters=[row | {"ApplyMethod": "immediate"}],
    )
    return {f"{PARAMETER} before": before or "the engine's default"}


def _wanted(action: SetReadOnly) -> str:
    return "1" if action.on else "0"


def _value(door: Door, action: SetReadOnly) -> str:
    """Return what the group itself says; nothing where it leaves it to the engine."""
    pages = (
        door("rds", action.target)
        .get_paginator("describe_db_parameters")
        .paginate(DBParameterGroupName=str(action.parameter_group), Source="user")
    )
    found = (each for page in pages for each in page["Parameters"])
    named = (each for each in found if each["ParameterName"] == PARAMETER)
    return next((str(each.get("ParameterValue", "")) for each in named), "")


def _users(door: Door, action: SetReadOnly) -> dict[str, str]:
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
