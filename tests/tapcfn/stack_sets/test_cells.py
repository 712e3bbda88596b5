"""Where instances stand, and how long the rest may take. (D-3)"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.model import DetailedStatus, Preferences, Share, Target
from tapcfn.stack_sets.cells import DELETED, Cell, Standing, seconds_left

SHORT = {
    "D": Cell("SUCCEEDED", 30.0),
    "d": Cell("SUCCEEDED", 50.0),
    "F": Cell("FAILED", 40.0),
    "R": Cell("RUNNING", 500.0),
    "P": Cell("PENDING"),
    "C": Cell("CANCELLED"),
}


def left(preferences: Preferences, **regions: str) -> float | None:
    return seconds_left(
        {
            Target(str(number), region): SHORT[letter]
            for region, letters in regions.items()
            for number, letter in enumerate(letters)
        },
        preferences,
    )


@pytest.mark.parametrize("status", DetailedStatus)
def test_every_status_has_a_word(status: DetailedStatus) -> None:
    """Only what succeeded is done; what is unknown is no success. (X-37)"""
    assert (status is DetailedStatus.SUCCEEDED) == (Cell(status).standing is Standing.DONE)
    assert Standing.DONE is Cell(DELETED).standing
    assert Standing.FAILED is Cell("SOMETHING_NEW").standing


def test_the_rest_takes_what_the_finished_took() -> None:
    """The median of those that ended, for each batch to come: two at once here."""
    two = Preferences(concurrent=Share(2), tolerance=Share(3))
    regions = {"a": "DdFPRP", "b": "PPPP"}

    assert 40.0 * (2 + 2) == left(two, **regions)
    assert 40.0 * 2 == left(replace(two, parallel=True), **regions)


def test_failures_leave_less_room() -> None:
    """Strict: with a tolerance of two and one failure, two at once instead of three."""
    assert 40.0 * 3 == left(Preferences(concurrent=Share(3), tolerance=Share(2)), a="FPPPPPP")


def test_nothing_can_be_said() -> None:
    """Nothing has ended yet, or nothing is left."""
    assert None is left(Preferences(), a="RPP")
    assert None is left(Preferences(), a="DFC")
    assert None is seconds_left({}, Preferences())
