"""The name that was meant."""

from __future__ import annotations

import pytest

from tapcfn.nearest import hint, nearest

NAMES = ["prod-shop-network", "prod-shop-data", "prod-shop-data-copy"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("prod-shop-netwrk", "prod-shop-network"),
        ("network", "prod-shop-network"),
        ("data", ""),
        ("ne", ""),
        ("something", ""),
        ("", ""),
    ],
)
def test_a_name_is_recognised_by_its_spelling_or_by_a_part(name: str, meant: str) -> None:
    """By a part only where that fits one, and says something."""
    assert meant == nearest(name, NAMES)
    assert (f"; did you mean {meant}?" if meant else "") == hint(name, NAMES)
