"""How many accounts of a Region may be worked on, and may fail."""

from __future__ import annotations

import pytest

from tapcfn.local.stack_sets.preferences import Limits, Preferences, Share, from_wire
from tapcfn.local.stack_sets.refusals import RefusedError

SOFT = {"ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"}


@pytest.mark.parametrize(
    ("told", "accounts", "expected"),
    [
        ({}, 12, Limits(0, 1, True)),
        ({"FailureToleranceCount": "3"}, 12, Limits(3, 1, True)),
        ({"FailureTolerancePercentage": "25"}, 12, Limits(3, 1, True)),
        ({"FailureTolerancePercentage": "24"}, 12, Limits(2, 1, True)),
        ({"FailureTolerancePercentage": "99"}, 1, Limits(0, 1, True)),
        ({"FailureTolerancePercentage": "100"}, 7, Limits(7, 1, True)),
        ({"MaxConcurrentCount": "5"}, 12, Limits(0, 5, True)),
        ({"MaxConcurrentPercentage": "50"}, 5, Limits(0, 2, True)),
        ({"MaxConcurrentPercentage": "1"}, 5, Limits(0, 1, True)),
        ({"MaxConcurrentPercentage": "100", **SOFT}, 5, Limits(0, 5, False)),
    ],
)
def test_limits_of_a_region(told, accounts, expected):
    """Percentages are of the Region's accounts and round down; one at a time is the least."""
    assert expected == from_wire(told).limits(accounts)


@pytest.mark.parametrize(
    ("tolerance", "maximum", "failed", "strict", "soft"),
    [
        (0, 1, 0, 1, 1),
        (0, 10, 0, 1, 10),
        (0, 10, 1, 0, 10),
        (5, 10, 0, 6, 10),
        (5, 10, 2, 4, 10),
        (5, 10, 5, 1, 10),
        (5, 10, 6, 0, 10),
        (5, 3, 2, 3, 3),
        (5, 3, 4, 2, 3),
    ],
)
def test_concurrency_follows_the_mode(tolerance, maximum, failed, strict, soft):
    """Strict: at most tolerance + 1, and less with each failure. Soft: what was asked for."""
    assert strict == Limits(tolerance, maximum, True).at_once(failed)
    assert soft == Limits(tolerance, maximum, False).at_once(failed)


@pytest.mark.parametrize(
    "told",
    [
        {"FailureToleranceCount": "1", "FailureTolerancePercentage": "10"},
        {"MaxConcurrentCount": "1", "MaxConcurrentPercentage": "10"},
        {"MaxConcurrentCount": "0"},
        {"MaxConcurrentPercentage": "0"},
        {"FailureTolerancePercentage": "101"},
        {"FailureToleranceCount": "-1"},
        {"FailureToleranceCount": "few"},
        {"RegionConcurrencyType": "SOMETIMES"},
        {"ConcurrencyMode": "LAX"},
    ],
)
def test_contradictions_are_refused(told):
    """A count excludes a percentage, and both have their ranges."""
    with pytest.raises(RefusedError) as refused:
        from_wire(told)

    assert "ValidationError" == refused.value.code


@pytest.mark.parametrize(
    "preferences",
    [
        Preferences(),
        Preferences(("a", "b"), True, Share(20, True), Share(7), False),
        Preferences((), False, Share(2), Share(50, True), True),
    ],
)
def test_what_is_in_force_is_told(preferences):
    """The form in which an operation keeps and shows its preferences reads back the same."""
    assert preferences == from_wire(preferences.to_wire())
