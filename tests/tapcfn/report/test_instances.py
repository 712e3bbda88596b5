"""Instances that moved, as lines for a log. (D-3)"""

from __future__ import annotations

from tapcfn.events import InstanceMoved
from tapcfn.model import Target
from tapcfn.report.instances import instance_line, instance_lines


def moved(account: str, region: str, detailed: str, reason: str = "") -> InstanceMoved:
    return InstanceMoved("logs", Target(account, region), "op", "CURRENT", detailed, reason)


def test_a_line_for_each_instance() -> None:
    """A failure has its reason; a reason that is no failure's is left to the machines."""
    assert "logs: 1/a RUNNING" == instance_line(moved("1", "a", "RUNNING", "by someone"))
    assert "logs: 1/a FAILED: full" == instance_line(moved("1", "a", "FAILED", "full"))
    assert "logs: 1/a INOPERABLE: no reason given" == instance_line(moved("1", "a", "INOPERABLE"))


def test_many_at_once_are_counted_by_region_but_failures_are_not() -> None:
    events = [moved(str(number), "a", "SUCCEEDED") for number in range(9)]
    events += [moved("1", "b", "SUCCEEDED"), moved("2", "b", "FAILED", "full")]

    assert [instance_line(each) for each in events[:10]] == list(instance_lines(events[:10]))
    assert [
        "logs: 2/b FAILED: full",
        "logs: 9 instances SUCCEEDED in a",
        "logs: 1 instance SUCCEEDED in b",
    ] == list(instance_lines(events))
    assert 11 == len(list(instance_lines(events, most=11)))
