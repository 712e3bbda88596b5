"""What a rollout can do on request is listed, done by its name, and says what it found."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import Bench


@pytest.mark.drill
def test_buckets_are_compared_on_request(bench: Bench) -> None:
    """All has arrived; and where something has not, it is named and the run fails. (O-9)"""
    bench.settings()
    assert 0 == bench.run("apply").code
    outputs = bench.run("outputs", "--json").of_type("outputs")[-1]["values"]
    here, there = outputs["primary_bucket_name"], outputs["destination_bucket_name"]
    for key in ("one", "two"):
        bench.client("s3").put_object(Bucket=here, Key=key, Body=b"text")

    listed = bench.run("act", "--json").of_type("actions")[-1]["actions"]
    assert ["compare-buckets", "close-default-group"] == [each["name"] for each in listed]
    assert "the rules are gone" in listed[1]["forever"]
    done = bench.run("act", "--json", "--name", "compare-buckets")
    assert 0 == done.code, done.out
    assert "DONE" == done.of_type("op.end")[-1]["status"]

    closed = bench.run("act", "--json", "--name", "close-default-group", "--yes")
    assert 0 == closed.code, closed.out
    assert "egress before" in closed.of_type("op.end")[-1]["facts"]

    bench.client("s3", "us-west-2").delete_object(Bucket=there, Key="two")
    failed = bench.run("act", "--json", "--name", "compare-buckets")
    assert 1 == failed.code
    assert "two" in failed.of_type("op.end")[-1]["text"]


def test_a_name_that_is_no_action_is_refused_with_those_that_there_are(bench: Bench) -> None:
    """Before anything is asked of the cloud."""
    bench.settings()

    refused = bench.run("act", "--name", "drill")

    assert 2 == refused.code
    assert 'no action is called "drill"' in refused.err
    assert "(there are: close-default-group, compare-buckets)" in refused.err
