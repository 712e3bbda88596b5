"""Stack sets of a thousand instances."""

from __future__ import annotations

import time

import pytest

from tests.local.stack_sets.fleet import (
    Fleet,
    begin,
    create_set,
    ending,
    fleet,
    groups,
    instances,
    operation,
    results,
    states,
)
from tests.local_cloud import until

REGIONS = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2"]
AT_ONCE = {
    "RegionConcurrencyType": "PARALLEL",
    "MaxConcurrentPercentage": 100,
    "FailureTolerancePercentage": 100,
}
GOOD = ("CURRENT", "SUCCEEDED")
# Each took 7 to 14 seconds on two cores that were busy with other things.
LONGEST_SECONDS = 90


def done(crowd: Fleet, action: str, **request: object) -> tuple[str, int]:
    """Carry an operation out in time, and return how it ended."""
    begun = begin(crowd, action, preferences=AT_ONCE, **request)
    until(lambda: operation(crowd, begun)["Status"] != "RUNNING", LONGEST_SECONDS)
    assert 1000 == len(results(crowd, begun))
    return ending(operation(crowd, begun))


@pytest.mark.drill
def test_a_thousand_instances(local_cloud):
    """Two hundred accounts in five Regions: made, updated, listed in ten pages, and deleted."""
    crowd = fleet(local_cloud, 200)
    create_set(crowd, groups(7))

    assert ("SUCCEEDED", 0) == done(crowd, "create_stack_instances", Regions=REGIONS)
    assert ("SUCCEEDED", 0) == done(crowd, "update_stack_set", TemplateBody=groups(30))
    began = time.monotonic()
    assert {GOOD: 1000} == states(crowd)
    assert time.monotonic() - began < 5
    assert ("SUCCEEDED", 0) == done(crowd, "delete_stack_instances", Regions=REGIONS)
    assert [] == instances(crowd)
