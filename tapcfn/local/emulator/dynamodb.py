"""DynamoDB."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from ministack.services import dynamodb as _dynamodb


def tables() -> MutableMapping[str, dict[str, Any]]:
    """Return the DynamoDB tables of the current account and Region."""
    return _dynamodb._tables  # type: ignore[no-any-return]


def tell_more_of_tables(more: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let every answer about a DynamoDB table be what `more` makes of its description."""
    describe = _dynamodb._table_description
    _dynamodb._table_description = lambda name: more(describe(name))


def wrap_backups_of_tables(wrap: Callable[[str, Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace how continuous backups are set and described by what `wrap` makes of it."""
    update, describe = _dynamodb._update_continuous_backups, _dynamodb._describe_continuous_backups
    _dynamodb._update_continuous_backups = wrap("update", update)
    _dynamodb._describe_continuous_backups = wrap("describe", describe)
