"""Auto Scaling."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from ministack.services import autoscaling as _autoscaling

from tapcfn.local.emulator.core import Action

ACTIONS: MutableMapping[str, Action] = _autoscaling._ACTION_MAP


def store(name: str) -> MutableMapping[str, Any]:
    """Return one of Auto Scaling's stores, as the current account and Region see it."""
    return getattr(_autoscaling, name)  # type: ignore[no-any-return]
