"""Answers a load balancer: the health check is well, and nothing else is there yet."""

from __future__ import annotations

import json
from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request of the load balancer."""
    if event["path"] == "/health":
        return answer(200, "200 OK", {"status": "healthy"})
    return answer(404, "404 Not Found", {"error": "not found"})


def answer(code: int, status: str, body: dict[str, str]) -> dict[str, Any]:
    """Return an answer as a load balancer wants it."""
    return {
        "statusCode": code,
        "statusDescription": status,
        "isBase64Encoded": False,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body),
    }
