"""Serves the items of one table: GET lists a page of them, POST stores one, GET /health is well."""

from __future__ import annotations

import json
import os
import time
import traceback
from decimal import Decimal
from typing import Any

import boto3

HEADERS = {"Access-Control-Allow-Origin": "*", "Content-Type": "application/json"}

table = boto3.resource("dynamodb").Table(os.environ["DYNAMODB_TABLE"])


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request of API Gateway; a failure is told in the log, never to the caller."""
    try:
        return answer(*respond(event))
    except Exception:
        traceback.print_exc()
        return answer(500, {"error": "internal error"})


def respond(event: dict[str, Any]) -> tuple[int, Any]:
    """Return the status and the body for a request. The health check asks no table."""
    method = event["httpMethod"]
    if event.get("resource") == "/health" and method == "GET":
        return 200, {"status": "ok"}
    if method == "GET":
        return 200, listed(event.get("queryStringParameters") or {})
    if method == "POST":
        return stored(event.get("body") or "{}")
    return 405, {"error": "method not allowed"}


def listed(query: dict[str, str]) -> dict[str, Any]:
    """Return one page, of at most a megabyte; `next` is what `?after=` gets the next one by."""
    start = {"ExclusiveStartKey": {"id": query["after"]}} if query.get("after") else {}
    page = table.scan(**start)
    found = {"items": page["Items"]}
    if "LastEvaluatedKey" in page:
        found["next"] = page["LastEvaluatedKey"]["id"]
    return found


def stored(body: str) -> tuple[int, Any]:
    """Store an item; without an id of its own it is known by its time, in microseconds."""
    try:
        wanted = json.loads(body, parse_float=Decimal)
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        return 400, {"error": "the body must be a JSON object"}
    now = time.time_ns() // 1000
    item = {
        "id": str(wanted.get("id") or now),
        "data": wanted.get("data"),
        "timestamp": now,
    }
    table.put_item(Item=item)
    return 201, item


def answer(status: int, body: Any) -> dict[str, Any]:
    """Return what API Gateway makes a response of."""
    text = json.dumps(body, default=plain)
    return {"statusCode": status, "headers": HEADERS, "body": text}


def plain(number: Decimal) -> float:
    """Return a number of DynamoDB as JSON has it."""
    return int(number) if number == number.to_integral_value() else float(number)
