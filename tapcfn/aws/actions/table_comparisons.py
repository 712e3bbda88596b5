"""Count the items of a table's replicas in two Regions: what a copy has none of, or too many.

Somebody may write meanwhile, so the first is counted before and after the second, whose count has
to lie between. Every item is read for that, which DynamoDB bills; what is in them is not compared.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import Door, done, running
from tapcfn.aws.calls import told
from tapcfn.errors import StillRunningError
from tapcfn.model import CompareItems, Target

NOT_COMPARED = "what is in the items"


def look(door: Door, action: CompareItems, _token: str) -> ActionState:
    """Return DONE for tables with as many items; others may be on their way, and are looked at."""
    before = _count(door, action, action.target)
    there = _count(door, action, action.other)
    after = _count(door, action, action.target)
    facts = {"here": str(after), "there": str(there), "not compared": NOT_COMPARED}
    low, high = sorted((before, after))
    if low <= there <= high:
        return done(f"{there} items in both Regions", facts)
    return running(f"{there} items in {action.other.region}, {after} in {action.target.region}")


def _count(door: Door, action: CompareItems, target: Target) -> int:
    total, asked = 0, {"TableName": str(action.table), "Select": "COUNT"}
    while True:
        if door.patience.is_over:
            raise StillRunningError(f"{action.name}: {total} items counted in {target.region}")
        page = door.firmly.read(partial(_page, door, action, target, asked))
        total += int(page["Count"])
        if not page.get("LastEvaluatedKey"):
            return total
        asked = {**asked, "ExclusiveStartKey": page["LastEvaluatedKey"]}


def _page(door: Door, action: CompareItems, target: Target, asked: dict[str, Any]) -> Any:
    with told(action.name, target):
        return door("dynamodb", target).scan(**asked)
