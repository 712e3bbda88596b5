"""What DynamoDB tells and the emulator's leaves out: recovery periods and the keys of replicas."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tapcfn.local import emulator

DAYS = 35  # how far back point-in-time recovery goes, unless told otherwise

_KEPT = "_recovery_days"


def install() -> None:
    """Let tables and their continuous backups be described in full."""
    emulator.dynamodb.tell_more_of_tables(_with_keys)
    emulator.dynamodb.wrap_backups_of_tables(_with_days)


def _with_keys(description: dict[str, Any]) -> dict[str, Any]:
    """Name the customer's key of each replica."""
    for replica in description.get("Replicas", ()):
        with emulator.request_scope(emulator.account_id(), replica["RegionName"]):
            table = emulator.dynamodb.tables().get(description["TableName"]) or {}
        key = (table.get("SSEDescription") or {}).get("KMSMasterKeyArn", "")
        if ":key/" in key:
            replica["KMSMasterKeyId"] = key
    return description


def _with_days(operation: str, do: Callable[..., Any]) -> Callable[..., Any]:
    def act(asked: dict[str, Any]) -> Any:
        status, headers, body = do(asked)
        table = emulator.dynamodb.tables().get(str(asked.get("TableName", "")).rpartition("/")[2])
        if status != 200 or table is None:
            return status, headers, body
        if operation == "update":
            wanted = asked["PointInTimeRecoverySpecification"]
            table[_KEPT] = wanted.get("RecoveryPeriodInDays", DAYS)
        told = json.loads(body)
        about = told["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        if about["PointInTimeRecoveryStatus"] == "ENABLED":
            about["RecoveryPeriodInDays"] = table.get(_KEPT, DAYS)
        return status, headers, json.dumps(told).encode()

    return act
