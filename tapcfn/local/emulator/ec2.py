"""EC2."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from ministack.services import ec2 as _ec2

from tapcfn.local.emulator.core import Action, Answer

ACTIONS: MutableMapping[str, Action] = _ec2._ACTION_MAP
error: Callable[[str, str, int], Answer] = _ec2._error


def store(name: str) -> MutableMapping[str, dict[str, Any]]:
    """Return one of EC2's stores, as the current account and Region see it."""
    return getattr(_ec2, name)  # type: ignore[no-any-return]


def instance_profile(**named: str) -> dict[str, Any] | None:
    """Return an instance profile of IAM by its name or ARN, or None."""
    found, _ = _ec2._resolve_iam_instance_profile(**named)
    return found  # type: ignore[no-any-return]
