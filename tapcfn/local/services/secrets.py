"""Secrets Manager: replicas that come and go, versions without a value, and rotation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local import emulator, time
from tapcfn.local.services import rotation, table
from tapcfn.local.services.records import Record
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.table import Asked

_COMING = "_Coming"


def _remove_regions(record: Record, asked: Asked) -> Record:
    """Delete replicas; the statuses of the others are the answer."""
    gone = asked["RemoveReplicaRegions"]
    for region in gone:
        emulator.secrets.drop_replica(record, region)
    kept = [each for each in record["ReplicationStatus"] if each["Region"] not in gone]
    record["ReplicationStatus"] = kept
    return {"ARN": record["ARN"], "ReplicationStatus": kept}


def _add_regions(record: Record, asked: Asked) -> None:
    """Let replicas take their time; the emulator makes them."""
    for each in asked["AddReplicaRegions"]:
        name = f"{emulator.place()}/{record['Name']}/{each['Region']}"
        record.setdefault(_COMING, {})[each["Region"]] = time.span("ReplicateSecret", name)


def _more(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a description says besides: dates of rotation, and replicas on their way."""
    known, coming = record.get("ReplicationStatus") or (), record.get(_COMING, {})
    told = [_as_of_now(each, coming) for each in known]
    return {**rotation.dates(record), **({"ReplicationStatus": told} if told else {})}


def _as_of_now(status: Record, coming: Mapping[str, tuple[float, float]]) -> Record:
    span = coming.get(status["Region"])
    if span is None or time.share(*span) == 1.0:
        return status
    return {name: status[name] for name in ("Region", "KmsKeyId") if name in status} | {
        "Status": "InProgress"
    }


# Installation -------------------------------------------------------------------------------------


def _of(act: Callable[[Record, Asked], Record | None]) -> table.Act:
    def find(asked: Asked) -> Record | None:
        record = emulator.secrets.secret(str(asked.get("SecretId", "")))
        if record is None:
            message = "Secrets Manager can't find the specified secret."
            raise RefusedError("ResourceNotFoundException", message)
        return act(record, asked)

    return find


_ACTIONS: Mapping[str, table.Act] = {
    "CancelRotateSecret": _of(rotation.cancel),
    "GetSecretValue": _of(rotation.refuse_empty),
    "RemoveRegionsFromReplication": _of(_remove_regions),
    "ReplicateSecretToRegions": _of(_add_regions),
    "RotateSecret": _of(rotation.rotate),
}


def install() -> None:
    """Put the actions before the emulator's, and let descriptions say what is on its way."""
    table.install("secretsmanager", _ACTIONS)
    emulator.secrets.tell_more(_more)
