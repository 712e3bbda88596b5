"""A move to another Region while somebody writes: nothing that was acknowledged is lost."""

from __future__ import annotations

import pytest

from tests.drills.test_many_stacks import measured


@pytest.mark.drill
def test_nothing_is_lost_and_next_to_nothing_refused_while_traffic_moves() -> None:
    """S3-21, S3-24: items and objects, in both Regions, back and forth and to the end. (O-11)"""
    figures = measured("zero_downtime.py", "120")

    assert 0 == figures["exit_code"]
    assert 0 == figures["lost"]
    assert figures["longest_refusal"] <= 5
    assert figures["written_in_the_source"] > 0
    assert figures["items"] + figures["objects"] > figures["written_in_the_source"]
