"""Compare a database with its copy by what RDS tells of both, which is nothing of rows. (O-9)"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tapcfn.acting import ActionState
from tapcfn.aws.actions import database_instances as databases
from tapcfn.aws.actions.door import Door, Facts, done, failed
from tapcfn.model import CompareDatabases, Target

# What must be the same, where both tell it: an engine that has no such thing tells nothing.
_SAME = ("Engine", "DBName", "MasterUsername", "StorageEncrypted")

# What every copy has a value of its own for, or is compared by other means.
_OWN_PARAMETERS = frozenset({"read_only"})

NOT_COMPARED = "rows, users and grants: RDS tells of none"
_REPLICATION = "read replication"


def look(door: Door, action: CompareDatabases, _token: str) -> ActionState:
    """Return DONE for a copy that can take the database's place as far as RDS can tell."""
    ours = databases.the(door, action.target, str(action.database_id))
    theirs = databases.the(door, action.other, str(action.other_database_id))
    wrong = [*_faults(ours, theirs), *_stopped(theirs)]
    facts = {**_facts(ours, theirs), "not compared": NOT_COMPARED}
    differing = sorted(_differing(door, action, ours, theirs))
    if differing:
        facts["parameters that differ"] = ", ".join(differing)
    if wrong:
        return failed("; ".join(wrong), facts)
    hint = f", {len(differing)} parameters differ" if differing else ""
    return done(f"alike by what RDS tells{hint}; rows are not compared", facts)


def _faults(ours: databases.Instance, theirs: databases.Instance) -> Iterator[str]:
    for name in _SAME:
        told = ours.get(name), theirs.get(name)
        if None not in told and told[0] != told[1]:
            yield f"{name} is {told[1]}, not {told[0]}"
    if _version(theirs) < _version(ours):
        yield f"EngineVersion is {theirs['EngineVersion']}, below {ours['EngineVersion']}"
    if theirs["AllocatedStorage"] < ours["AllocatedStorage"]:
        yield f"AllocatedStorage is {theirs['AllocatedStorage']}, below {ours['AllocatedStorage']}"


def _stopped(theirs: databases.Instance) -> Iterator[str]:
    """Yield why a replica no longer follows; a database that stands alone follows nobody."""
    if not theirs.get(databases.SOURCE):
        return
    for each in theirs.get("StatusInfos", ()):
        if each.get("StatusType") == _REPLICATION and not each.get("Normal"):
            yield f"replication is {each.get('Status')}: {each.get('Message') or 'no reason given'}"


def _version(found: databases.Instance) -> tuple[int, ...]:
    """Return an engine's version as numbers, as far as it has some."""
    return tuple(int(part) for part in str(found["EngineVersion"]).split(".") if part.isdigit())


def _facts(ours: databases.Instance, theirs: databases.Instance) -> Facts:
    facts = {}
    for side, found in (("source", ours), ("copy", theirs)):
        facts[f"{side} version"] = str(found["EngineVersion"])
        facts[f"{side} GiB"] = str(found["AllocatedStorage"])
        facts[f"{side} restorable until"] = str(found.get("LatestRestorableTime", "no backup yet"))
    return facts


# Parameters ---------------------------------------------------------------------------------------


def _differing(
    door: Door, action: CompareDatabases, ours: databases.Instance, theirs: databases.Instance
) -> Iterator[str]:
    """Yield the parameters that one of the two groups sets, and the other does not, or otherwise.

    The copy has a group of its own: that is for a person to judge.
    """
    sides = (_set(door, action.target, ours), _set(door, action.other, theirs))
    for name in {*sides[0], *sides[1]} - _OWN_PARAMETERS:
        if sides[0].get(name) != sides[1].get(name):
            yield name


def _set(door: Door, target: Target, found: databases.Instance) -> dict[str, Any]:
    """Return what the groups of a database set; the engine's own sets nothing."""
    groups = [str(each["DBParameterGroupName"]) for each in found.get("DBParameterGroups", ())]
    pages = (
        page
        for group in groups
        if not group.startswith("default.")
        for page in door("rds", target)
        .get_paginator("describe_db_parameters")
        .paginate(DBParameterGroupName=group, Source="user")
    )
    rows = (each for page in pages for each in page["Parameters"])
    return {each["ParameterName"]: each.get("ParameterValue") for each in rows}
