"""Elastic Load Balancing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from ministack.services import alb as _alb

from tapcfn.local.emulator.core import Action

ACTIONS: MutableMapping[str, Action] = _alb._ACTION_MAP


def store(name: str) -> MutableMapping[str, Any]:
    """Return one of Elastic Load Balancing's stores, as the current account and Region see it."""
    return getattr(_alb, name)  # type: ignore[no-any-return]


def write_actions(write: Callable[[Mapping[str, Any]], str]) -> None:
    """Let `write` turn what a listener or a rule does into XML."""
    _alb._action_xml = write
