"""Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import secretsmanager as _secrets

from tapcfn.local.emulator.core import Answer, account_id


def secret(identifier: str) -> dict[str, Any] | None:
    """Return Secrets Manager's record of a name or an ARN of this account and Region."""
    found: dict[str, Any] | None = _secrets._resolve(identifier)[1]
    return found


def tell_more(more: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Let the description of a secret say also what `more` makes of its record."""
    describe = _secrets._describe_secret

    def tell(asked: Mapping[str, Any]) -> Answer:
        status, headers, body = describe(asked)
        record = secret(str(asked.get("SecretId", "")))
        if record is None:
            return status, headers, body
        return status, headers, json.dumps({**json.loads(body), **more(record)}).encode()

    _secrets._describe_secret = tell


def drop_replica(record: dict[str, Any], region: str) -> None:
    """Delete the replica that a secret has in a Region."""
    name, account = record["Name"], account_id()
    replica = _secrets._secrets.pop_scoped(account, region, name, None)
    if replica is not None:
        _secrets._resource_policies.pop_scoped(account, region, replica["ARN"], None)
