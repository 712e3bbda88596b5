"""What a drift detection comes to, as an exit code. (D-13)"""

from __future__ import annotations

import pytest

from tapcfn.cli.set_steering import _code_of
from tapcfn.model import Target
from tapcfn.stack_sets.drifted import FleetDrift

HERE = Target("111111111111", "us-east-1")


@pytest.mark.parametrize(
    ("status", "drifted", "failed", "code"),
    [
        ("COMPLETED", 0, {}, 0),
        ("COMPLETED", 2, {}, 10),
        ("PARTIAL_SUCCESS", 2, {}, 5),
        ("COMPLETED", 0, {HERE: "no role"}, 5),
        ("FAILED", 2, {}, 1),
        ("STOPPED", 0, {}, 1),
        ("", 0, {}, 1),
    ],
)
def test_a_detection_that_failed_is_never_called_no_drift(
    status: str, drifted: int, failed: dict[Target, str], code: int
) -> None:
    """In part is 5; a word that nobody knows is no success. (X-37)"""
    assert _code_of(status, FleetDrift((), 3, drifted, 0, failed)) == code
