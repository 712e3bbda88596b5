"""DynamoDB: global tables, with a replica in each Region that is a table of its own there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners import dynamodb_settings as settings
from tapcfn.local.provisioners import dynamodb_shapes as shapes
from tapcfn.local.provisioners.dynamodb_settings import Regional
from tapcfn.local.provisioners.resource import (
    Adoption,
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    flag,
    gone_is_fine,
)

GLOBAL = "AWS::DynamoDB::GlobalTable"

Replica = Mapping[str, Any]
Replicas = Mapping[str, Replica]

_MODELLED = frozenset(
    {"AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "Replicas"}
    | {"LocalSecondaryIndexes", "MultiRegionConsistency", "SSESpecification"}
    | {"StreamSpecification", "TableName", "TimeToLiveSpecification"}
)
_OF_A_REPLICA = frozenset({"Region"} | settings.SETTERS.keys() - {"TimeToLiveSpecification"})


def _adopt(identifier: Mapping[str, str]) -> Made:
    name = identifier["TableName"]
    return Made(name, settings.attributes_of(emulator.dynamodb.tables()[name]))


# Create -------------------------------------------------------------------------------------------


def _create(wanted: Wanted) -> Made:
    _refuse(wanted)
    name, replicas = wanted.name("TableName", longest=255), _replicas(wanted.properties)
    home = emulator.region()
    api = calls.client("dynamodb")
    api.create_table(TableName=name, **shapes.table(wanted.properties))
    try:
        for region in [home, *(each for each in replicas if each != home)]:
            _begin(Regional(name, region, _settings(wanted.properties, replicas[region])))
    except Exception:
        _undo(name)
        raise
    return _made(name)


def _begin(place: Regional) -> None:
    """Make the replica, unless it is the table of the stack's own Region, and set it up."""
    if place.region == emulator.region():
        settings.apply(place)
        return
    home = calls.client("dynamodb")
    change = {"Create": {"RegionName": place.region}}
    home.update_table(TableName=place.table, ReplicaUpdates=[change])
    if not place.now.get("SSESpecification"):
        place.update(SSESpecification={"Enabled": False})
    place.update(TableClass=place.now.get("TableClass") or "STANDARD")
    own = {name: value for name, value in place.now.items() if name != "TimeToLiveSpecification"}
    settings.apply(Regional(place.table, place.region, own))


def _settings(properties: Mapping[str, Any], replica: Replica) -> dict[str, Any]:
    """Return a replica's settings: its own, and what the table says for all."""
    made = {name: value for name, value in replica.items() if name != "Region"}
    own_key = made.pop("SSESpecification", None) or {}
    if properties.get("SSESpecification"):
        made["SSESpecification"] = {**properties["SSESpecification"], **own_key}
    if properties.get("TimeToLiveSpecification"):
        made["TimeToLiveSpecification"] = properties["TimeToLiveSpecification"]
    return made


def _replicas(properties: Mapping[str, Any]) -> dict[str, Replica]:
    return {each["Region"]: each for each in properties.get("Replicas") or ()}


# What is refused ----------------------------------------------------------------------------------


def _refuse(wanted: Wanted) -> None:
    unknown = sorted(wanted.properties.keys() - _MODELLED)
    for replica in wanted["Replicas"]:
        unknown += [f"Replicas/{name}" for name in sorted(replica.keys() - _OF_A_REPLICA)]
    if unknown:
        raise ResourceRefusedError(
            f"the local cloud does not model {GLOBAL} properties: {', '.join(unknown)}"
        )
    replicas = _replicas(wanted.properties)
    for wrong, reason in (
        (wanted.get("BillingMode", "PROVISIONED") != "PAY_PER_REQUEST", _NOT_ON_DEMAND),
        (wanted.get("MultiRegionConsistency", "EVENTUAL") != "EVENTUAL", _NOT_EVENTUAL),
        (len(replicas) != len(wanted["Replicas"]), "Replicas must be in distinct Regions"),
        (emulator.region() not in replicas, _NOT_AT_HOME),
        (len(replicas) > 1 and not wanted.get("StreamSpecification"), _NO_STREAM),
        (_keys(replicas) not in (0, len(replicas)), _SOME_KEYS),
        (_keys(replicas) and not _encrypts(wanted), _KEYS_FOR_NOTHING),
    ):
        if wrong:
            raise ResourceRefusedError(reason)


def _keys(replicas: Replicas) -> int:
    return sum(bool(each.get("SSESpecification")) for each in replicas.values())


def _encrypts(wanted: Wanted) -> bool:
    return flag((wanted.get("SSESpecification") or {}).get("SSEEnabled"))


_NOT_ON_DEMAND = (
    "the local cloud models global tables with BillingMode PAY_PER_REQUEST only (without one it is "
    "PROVISIONED)"
)
_NOT_EVENTUAL = "the local cloud models the MultiRegionConsistency EVENTUAL only"
_NOT_AT_HOME = "You must specify a replica in the Region in which the stack is deployed"
_NO_STREAM = "StreamSpecification must be specified for a table with more than one replica"
_SOME_KEYS = "KMSMasterKeyId must be specified for every replica or for none"
_KEYS_FOR_NOTHING = (
    "KMSMasterKeyId of a replica needs SSESpecification with SSEEnabled of the table"
)
_ONE_CHANGE = "You can add or remove only one replica or one index in a single update"
_FIXED_STREAM = "StreamSpecification cannot be changed for a table with more than one replica"


# Update -------------------------------------------------------------------------------------------


def _update(wanted: Wanted) -> Made:
    """Change what stays, then add or drop a replica: those that are there are what counts."""
    _refuse(wanted)
    name, now = wanted.physical_id, _replicas(wanted.properties)
    there = _regions(name)
    kept = [region for region in now if region in there]
    new = [region for region in now if region not in there]
    gone = [region for region in there if region not in now]
    _refuse_change(wanted, there, len(gone) + len(new))
    for region in kept:
        settings.change_table(Regional(name, region, wanted.properties))
    for region in kept:
        settings.apply(_between(wanted, region))
    for region in new:
        _begin(Regional(name, region, _settings(wanted.properties, now[region])))
    for region in gone:
        _drop(name, region)
    return _made(name)


def _between(wanted: Wanted, region: str) -> Regional:
    """Return one Region's settings before and after; expiry is set once, at home."""
    sides = [
        _settings(side, _replicas(side).get(region, {}))
        for side in (wanted.properties, wanted.before)
    ]
    if region != emulator.region():
        for side in sides:
            side.pop("TimeToLiveSpecification", None)
    return Regional(wanted.physical_id, region, *sides)


def _refuse_change(wanted: Wanted, there: list[str], replicas: int) -> None:
    told = Regional(wanted.physical_id, emulator.region(), wanted.properties).told()
    if replicas + len(shapes.index_change(wanted.properties, told)) > 1:
        raise ResourceRefusedError(_ONE_CHANGE)
    if len(there) > 1 and not settings.has_stream(told, wanted.properties):
        raise ResourceRefusedError(_FIXED_STREAM)


# Delete -------------------------------------------------------------------------------------------


def _delete(wanted: Wanted) -> None:
    """Delete the table everywhere, unless one replica is protected."""
    name = wanted.physical_id
    with gone_is_fine():
        for region in _regions(name):
            _refuse_protected(name, region)
        _remove(name)


def _undo(name: str) -> None:
    """Remove what a creation made before it failed, protected already or not."""
    for region in _regions(name):
        api = calls.client("dynamodb", region=region)
        api.update_table(TableName=name, DeletionProtectionEnabled=False)
    _remove(name)


def _regions(name: str) -> list[str]:
    told = calls.client("dynamodb").describe_table(TableName=name)["Table"]
    return [emulator.region(), *(each["RegionName"] for each in told.get("Replicas", ()))]


def _remove(name: str) -> None:
    home, *others = _regions(name)
    for region in others:
        _drop(name, region)
    calls.client("dynamodb", region=home).delete_table(TableName=name)


def _drop(name: str, region: str) -> None:
    _refuse_protected(name, region)
    change = {"Delete": {"RegionName": region}}
    calls.client("dynamodb").update_table(TableName=name, ReplicaUpdates=[change])


def _refuse_protected(name: str, region: str) -> None:
    told = calls.client("dynamodb", region=region).describe_table(TableName=name)["Table"]
    if told["DeletionProtectionEnabled"]:
        raise ResourceRefusedError(
            f"Resource cannot be deleted as it is currently protected against deletion in {region}."
            " Disable deletion protection first."
        )


def _made(name: str) -> Made:
    told = calls.client("dynamodb").describe_table(TableName=name)["Table"]
    return Made(name, settings.attributes_of(told))


PROVISIONERS = (
    Provisioner(
        GLOBAL,
        create=_create,
        update=_update,
        delete=_delete,
        adoption=Adoption("TableName", lambda name: name in emulator.dynamodb.tables(), _adopt),
        create_only=("KeySchema", "LocalSecondaryIndexes", "TableName"),
    ),
)
