"""AWS Config."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from ministack.services import config as _config


def store(name: str) -> MutableMapping[str, dict[str, Any]]:
    """Return one of AWS Config's stores, as the current account and Region see it."""
    return getattr(_config, name)  # type: ignore[no-any-return]
