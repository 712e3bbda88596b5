"""RDS: what an instance is busy with, for as long as it takes on AWS, divided by the speed.

The status is told and passes by itself; the record says `available` all the while. What a stack
asks for is over at once: its resource takes the time.
"""

from __future__ import annotations

import time as _clock
from typing import Any

from tapcfn.local import calls, emulator, time
from tapcfn.local.services.refusal import RefusedError

Record = dict[str, Any]

_STATUS, _BUSY = "DBInstanceStatus", "_busy"


def occupy(record: Record, task: str, status: str) -> float:
    """Let an instance be busy with a task of `time.TASKS`; return when that ends."""
    name = f"{emulator.place()}/{record['DBInstanceIdentifier']}"
    began, ends = time.span(task, name)
    ends = began if calls.is_inside() else ends
    record[_BUSY] = {"status": status, "ends": ends}
    return ends


def status_of(record: Record) -> str:
    """Return the status that is told of an instance now."""
    busy = record.get(_BUSY) or {}
    return str(busy["status"] if _clock.time() < busy.get("ends", 0.0) else record[_STATUS])


def refuse_busy(record: Record) -> None:
    """Refuse what only an instance that is available takes."""
    status = status_of(record)
    if status != "available":
        message = f"DBInstance {record['DBInstanceIdentifier']} is in {status} state but expected "
        raise RefusedError("InvalidDBInstanceState", message + "it to be one of available.")


def note(record: Record, message: str, category: str, at: float) -> None:
    """Write an event of an instance, which is told from that moment on."""
    emulator.rds.store("_events")[emulator.new_id()] = {
        "SourceIdentifier": record["DBInstanceIdentifier"],
        "SourceType": "db-instance",
        "SourceArn": record["DBInstanceArn"],
        "Message": message,
        "Date": at,
        "EventCategories": [category],
    }
