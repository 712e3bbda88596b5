"""Which targets a request names, and their Regions' order."""

from __future__ import annotations

import pytest

from tapcfn.local.stack_sets.model import Target
from tapcfn.local.stack_sets.targets import by_region, rectangle


def test_every_account_in_every_region_once():
    """The targets are a set of pairs, however often something is named."""
    assert (
        Target("1", "a"),
        Target("2", "a"),
        Target("1", "b"),
        Target("2", "b"),
    ) == rectangle(["1", "2", "1"], ["a", "b", "a"])


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([], ["b", "a", "c"]),
        (["c"], ["c", "b", "a"]),
        (["a", "c", "b"], ["a", "c", "b"]),
        (["nowhere", "a", "a"], ["a", "b", "c"]),
    ],
)
def test_the_order_comes_first(order, expected):
    """Regions of RegionOrder come first, the others follow as they were named."""
    named = rectangle(["1"], ["b", "a", "c"])

    assert expected == [region for region, _ in by_region(named, order)]


def test_a_region_has_only_its_own_accounts():
    """Instances need not be a rectangle."""
    named = [Target("2", "a"), Target("1", "b"), Target("1", "a")]

    assert (("a", ("2", "1")), ("b", ("1",))) == by_region(named, [])
