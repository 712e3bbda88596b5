"""One stack set over 200 accounts in five Regions: what it asks, and what the waiting takes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drills.test_many_stacks import measured


@pytest.mark.drill
def test_a_thousand_instances_cost_pages_and_little_else() -> None:
    """Failures that are tolerated are exit 5, and only they are done again. (D-19, R-1)"""
    figures: dict[str, Any] = dict(measured("stack_sets.py", "200", "10"))
    runs = [figures[each] for each in ("create", "update", "again")]

    assert [0, 5, 0] == [each["exit_code"] for each in runs]
    assert [[1000], [1000], [15]] == [each["pairs"] for each in runs]
    for each in runs:
        assert each["pages"] <= (each["looks"] + 5) * 10
        assert each["cpu_share"] <= 0.25
