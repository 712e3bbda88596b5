"""Secrets Manager: replicas that go, versions without a value, and rotation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tapcfn.local import emulator
from tapcfn.local.services import rotation, table
from tapcfn.local.services.records import Record
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.table import Asked


def _remove_regions(record: Record, asked: Asked) -> Record:
    """Delete replicas; the statuses of the others are the answer."""
    gone = asked["RemoveReplicaRegions"]
    for region in gone:
        emulator.secrets.drop_replica(record, region)
    kept = [each for each in record["ReplicationStatus"] if each["Region"] not in gone]
    record["ReplicationStatus"] = kept
    return {"ARN": record["ARN"], "ReplicationStatus": kept}


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
    "RotateSecret": _of(rotation.rotate),
}


def install() -> None:
    """Put the actions before the emulator's, and let it tell when secrets rotate."""
    table.install("secretsmanager", _ACTIONS)
    emulator.secrets.tell_more(rotation.dates)
