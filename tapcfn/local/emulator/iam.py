"""IAM."""

from __future__ import annotations

from typing import Any

from ministack.services import iam as _iam


def role(name: str) -> dict[str, Any] | None:
    """Return IAM's record of a role of the current account."""
    found: dict[str, Any] | None = _iam._roles.get(name)
    return found
