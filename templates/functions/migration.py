"""Keeps the state of a move between Regions: who may take which step, and when it was taken."""

from __future__ import annotations

import os
import time
from typing import Any

import boto3

# What a migration must be for a step to be taken, and what it is afterwards.
STEPS = {
    "initiate": (("new", "rolled_back"), "initiated"),
    "validate": (("initiated", "validated"), "validated"),
    "complete": (("validated",), "completed"),
    "rollback": (("initiated", "validated"), "rolled_back"),
}

dynamodb = boto3.resource("dynamodb")
states = dynamodb.Table(os.environ["STATE_TABLE"])


def handler(event: dict[str, str], _context: object) -> dict[str, Any]:
    """Take one step, or tell the state: {"action": "validate", "migration_id": "..."}."""
    action, migration = event["action"], event["migration_id"]
    if action == "status":
        return told(migration)
    if action not in STEPS:
        raise ValueError("unknown action: " + str(action))
    if action == "validate":
        require_replicas()
    return step(migration, *STEPS[action])


def step(migration: str, before: tuple[str, ...], after: str) -> dict[str, Any]:
    """Change the state if it is one of those `before`; of two callers at once one fails."""
    found = told(migration)["state"]
    if found not in before:
        raise ValueError(migration + " is " + found + ", and must be " + " or ".join(before))
    condition = "attribute_not_exists(migration_id)" if found == "new" else "#state = :found"
    names = {} if found == "new" else {"ExpressionAttributeNames": {"#state": "state"}}
    values = {} if found == "new" else {"ExpressionAttributeValues": {":found": found}}
    item = {"migration_id": migration, "state": after, "changed": int(time.time())}
    states.put_item(Item=item, ConditionExpression=condition, **names, **values)
    return item


def told(migration: str) -> dict[str, Any]:
    """Return what is known of a migration, as JSON has it; one never heard of is new."""
    found = states.get_item(Key={"migration_id": migration}, ConsistentRead=True).get("Item")
    if found is None:
        return {"migration_id": migration, "state": "new"}
    return {**found, "changed": int(found["changed"])}


def require_replicas() -> None:
    """Raise unless the table and every replica of it serve."""
    name = os.environ["DYNAMODB_TABLE"]
    found = dynamodb.meta.client.describe_table(TableName=name)["Table"]
    seen = {found["TableStatus"]}
    seen |= {each["ReplicaStatus"] for each in found.get("Replicas", [])}
    if seen != {"ACTIVE"}:
        raise RuntimeError(name + " is not ready: " + ", ".join(sorted(seen)))
