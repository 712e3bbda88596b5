"""Why instances failed: each cause once; what was cancelled is never a cause. (D-4)"""

from __future__ import annotations

import pytest

from tapcfn.model import Preferences, ResultStatus, SetResult, Share, Target
from tapcfn.stack_sets.causes import Cancelled, cancelled, cluster
from tapcfn.stack_sets.wording import normal

ONE = Target("111111111111", "eu-west-1")
OTHER = Target("222222222222", "us-gov-west-1")

HANDLER = (
    'ResourceLogicalId:Bucket, ResourceStatusReason:Resource handler returned message: "{0} exists"'
    " (RequestToken: {1}-5c5e-4d5a-9f6b-0f0d0c0b0a09, HandlerErrorCode: AlreadyExists)."
)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("role in 111111111111", "role in 222222222222", "role in {account}"),
        ("not for 333333333333", "not for 444444444444", "not for {account}"),
        ("logs-eu-west-1 exists", "logs-us-gov-west-1 exists", "logs-{region} exists"),
        ("no zone eu-west-1a", "no zone ap-southeast-2c", "no zone {region}"),
        (
            "arn:aws:iam::111111111111:user/a may not (iam:PassRole)",
            "arn:aws-us-gov:sts::222222222222:assumed-role/b/c may not (iam:PassRole)",
            "{arn} may not (iam:PassRole)",
        ),
        (
            HANDLER.format("logs", "470fe0b5"),
            HANDLER.format("logs", "00000000"),
            "ResourceLogicalId:Bucket, ResourceStatusReason:logs exists (AlreadyExists).",
        ),
        (
            "gone (Service: S3, Status Code: 409, Request ID: X1Y2, Extended Request ID: a/b+c=)",
            "gone (Service: S3, Status Code: 409, Request ID: Z9, Extended Request ID: d=)",
            "gone (Service: S3, Status Code: 409)",
        ),
        (
            "at 2026-11-22T10:00:00.123Z: too late",
            "at 2025-01-02 03:04:05 UTC: too late",
            "at {time}: too late",
        ),
        ("site-Bucket-1ABCDEFGHIJ2K is full", "site-Bucket-9xYzAbCdEf01 is full", None),
        ("vpc-0123456789abcdef0 in use", "vpc-deadbeef in use", "vpc-{id} in use"),
        ("stack  was\n deleted", "stack was deleted", "stack was deleted"),
        ("", "", "no reason given"),
    ],
)
def test_reasons_are_alike_but_for_place_and_moment(
    one: str, other: str, alike: str | None
) -> None:
    (found,) = cluster([(ONE, one), (OTHER, other)])

    assert (alike or "site-Bucket-{id} is full") == found.reason
    assert (2, ONE, one, (ONE, OTHER)) == (found.count, found.first, found.example, found.pairs)


@pytest.mark.parametrize(
    "text",
    [
        "Property CidrBlock cannot be empty",
        "my-application-1 is in the wrong state",
        "Template error: instance of Fn::GetAtt references undefined resource Role2",
        "quota of 10000 exceeded",
        "service-configuration is missing",
    ],
)
def test_what_tells_the_cause_stays(text: str) -> None:
    """Two causes must not become one."""
    assert text == normal(text, ONE)


def test_the_commonest_cause_comes_first() -> None:
    """By count, then by text; the first of each is the one that was told first."""
    late = Target("333333333333", "eu-west-1")

    found = cluster([(late, "b is wrong"), (ONE, "c is wrong"), (OTHER, "c is wrong"), (ONE, "a")])

    assert [("c is wrong", 2, ONE), ("a", 1, ONE), ("b is wrong", 1, late)] == [
        (each.reason, each.count, each.first) for each in found
    ]


def results(**words: str) -> list[SetResult]:
    """Return the results of Regions by the first letters of their accounts' statuses."""
    meant = {each[0]: each for each in ResultStatus}
    return [
        SetResult(Target(str(number), region), meant[letter])
        for region, letters in words.items()
        for number, letter in enumerate(letters, start=1)
    ]


def test_what_was_cancelled_has_the_failure_that_was_one_too_many() -> None:
    """With a tolerance of one it is the second, in the order in which they were seen."""
    told = results(a="FSFFC", b="FCCCC")
    preferences = Preferences(tolerance=Share(1))
    seen = (Target("4", "a"), Target("1", "b"), Target("3", "a"), Target("1", "a"))

    found = cancelled(told, preferences, seen)

    assert (Target("3", "a"),) == found.tripped
    assert 5 == len(found.pairs)
    assert (Target("3", "a"),) == cancelled(told, preferences).tripped  # by name, if none was seen


def test_each_region_is_tripped_by_its_own() -> None:
    """In parallel; percentages are of the Region's accounts and round down."""
    told = results(a="FFSC", b="FCSS", c="SSSS")

    found = cancelled(told, Preferences(parallel=True, tolerance=Share(49, True)))

    assert (Target("2", "a"),) == found.tripped
    assert (Target("2", "b"), Target("4", "a")) == tuple(sorted(found.pairs))


def test_nobody_tripped_what_someone_stopped() -> None:
    assert Cancelled((Target("2", "a"),), ()) == cancelled(results(a="SC"), Preferences())
    assert Cancelled((), ()) == cancelled(results(a="SF"), Preferences())
