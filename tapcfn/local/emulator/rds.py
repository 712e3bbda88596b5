"""RDS."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from ministack.services import rds as _rds

from tapcfn.local.emulator.core import Action

ACTIONS: MutableMapping[str, Action] = _rds._ACTION_MAP


def store(name: str) -> MutableMapping[str, dict[str, Any]]:
    """Return one of RDS's stores, as the current account and Region see it."""
    return getattr(_rds, name)  # type: ignore[no-any-return]


def start_no_databases() -> None:
    """Let RDS keep records only, even where a container engine is at hand."""
    _rds._get_docker = lambda: None
