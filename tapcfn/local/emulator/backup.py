"""AWS Backup."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from ministack.services import backup as _backup


def vaults() -> MutableMapping[str, dict[str, Any]]:
    """Return the backup vaults of the current account and Region."""
    return _backup._vaults  # type: ignore[no-any-return]
