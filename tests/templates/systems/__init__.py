"""The systems that the tests of all templates run over, each in its smallest and fullest shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.templates.systems import (
    baseline,
    delivery,
    private_api,
    region_migration,
    regional_web,
    replicated_storage,
    serverless_api,
)
from tests.templates.systems._system import ACCOUNT, System

SYSTEMS: tuple[System, ...] = (
    replicated_storage.SYSTEM,
    private_api.SYSTEM,
    regional_web.SYSTEM,
    serverless_api.SYSTEM,
    region_migration.SYSTEM,
    baseline.SYSTEM,
    delivery.SYSTEM,
)

__all__ = ["ACCOUNT", "SYSTEMS", "System", "choices", "every_choice", "every_system"]


def choices() -> Iterator[tuple[System, str, Mapping[str, Any]]]:
    """Yield every system with no option, with each alone, and with all."""
    for system in SYSTEMS:
        for choice, keys in system.choices.items():
            yield system, choice, keys


every_system = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)

every_choice = pytest.mark.parametrize(
    ("system", "keys"),
    [
        pytest.param(system, keys, id=f"{system.name}-{choice}")
        for system, choice, keys in choices()
    ],
)
