"""A table at work, without any cloud: what is counted, what is due, and how a bucket fills."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.local.faults import parse
from tapcfn.local.faults.asked import Call
from tapcfn.local.faults.models import page_of, rest_operation
from tapcfn.local.faults.state import Faults

CALL = Call("111122223333", "eu-west-1", "cloudformation", "DescribeStacks", "query", {})


class Clock:
    """A clock that is turned by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def happened(faults: Faults, calls: list[Call]) -> list[str]:
    """Return what happened to each call."""
    met = (faults.for_call(call, lambda _: True) for call in calls)
    return [fault.do if fault else "" for fault in met]


@pytest.mark.parametrize(
    ("nth", "expected"),
    [
        ("", ["drop", "drop", "drop", "drop"]),
        ("nth = 1", ["drop", "", "", ""]),
        ("nth = 3", ["", "", "drop", ""]),
        ("nth = [1, 3]", ["drop", "", "drop", ""]),
    ],
)
def test_a_fault_happens_to_its_nth_call(nth: str, expected: list[str]) -> None:
    """`nth` counts from one; without it every call is met."""
    assert expected == happened(Faults(parse(f'[[fault]]\ndo = "drop"\n{nth}')), [CALL] * 4)


@pytest.mark.parametrize(
    ("selector", "other"),
    [
        ('account = "111122223333"', {"account": "444455556666"}),
        ('region = "eu-west-1"', {"region": "us-east-1"}),
        ('service = "cloudformation"', {"service": "s3"}),
        ('operation = "DescribeStacks"', {"operation": "ListStacks"}),
    ],
)
def test_only_matching_calls_are_counted(selector: str, other: dict[str, str]) -> None:
    """A call that does not match neither suffers nor moves the count."""
    faults = Faults(parse(f'[[fault]]\ndo = "drop"\nnth = 2\n{selector}'))

    assert ["", "", "drop"] == happened(faults, [CALL, replace(CALL, **other), CALL])


def test_the_first_fault_that_is_due_wins_and_all_count() -> None:
    """Two lines about the same calls number them alike."""
    faults = Faults(
        parse('[[fault]]\ndo = "drop"\nnth = 2\n[[fault]]\ndo = "truncate"\nnth = [1, 2, 3]')
    )

    assert ["truncate", "drop", "truncate"] == happened(faults, [CALL] * 3)
    assert [
        {"do": "drop", "nth": (2,), "matched": 3, "done": 1},
        {"do": "truncate", "nth": (1, 2, 3), "matched": 3, "done": 2},
    ] == faults.told()["faults"]


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    """Ten at once, then one for every fifth of a second, never more than the burst."""
    clock = Clock()
    faults = Faults(parse("[throttle]\nrate = 5\nburst = 10"), clock)

    assert [True] * 10 + [False] == [faults.admits(CALL) for _ in range(11)]
    clock.now += 0.2
    assert [True, False] == [faults.admits(CALL) for _ in range(2)]
    clock.now += 0.1
    assert not faults.admits(CALL)
    clock.now += 3600
    assert [True] * 10 + [False] == [faults.admits(CALL) for _ in range(11)]
    assert 4 == faults.told()["throttled"]


def test_each_account_region_and_action_has_its_own_bucket() -> None:
    """What one caller spends is not taken from another."""
    faults = Faults(parse("[throttle]\nrate = 1\nburst = 1"), Clock())
    others = [
        replace(CALL, account="444455556666"),
        replace(CALL, region="us-east-1"),
        replace(CALL, operation="ListStacks"),
    ]

    assert [True, False] == [faults.admits(CALL), faults.admits(CALL)]
    assert [True] * 3 == [faults.admits(call) for call in others]
    assert [False] * 3 == [faults.admits(call) for call in others]


def test_a_bucket_can_be_shared_by_all_actions_of_a_service() -> None:
    """`per` says so; accounts and Regions still have their own."""
    faults = Faults(parse('[throttle]\nrate = 1\nburst = 1\nper = "service"'), Clock())
    others = [replace(CALL, operation="ListStacks"), replace(CALL, region="us-east-1")]

    assert [True, False, True] == [faults.admits(call) for call in (CALL, *others)]


def test_a_fault_can_begin_with_a_call() -> None:
    """`since` names it; that call itself meets nothing yet."""
    faults = Faults(parse('[[fault]]\ndo = "drop"\nsince = "ExecuteChangeSet"'))
    begin = replace(CALL, operation="ExecuteChangeSet")

    assert ["", "", "", "drop", "drop"] == happened(faults, [CALL, CALL, begin, CALL, begin])


def test_a_bucket_can_be_kept_for_some_calls() -> None:
    """`service` and `operation` narrow it."""
    table = '[throttle]\nrate = 1\nburst = 1\nservice = "cloudformation"\noperation = "ListStacks"'
    faults = Faults(parse(table), Clock())

    assert [True] * 3 == [faults.admits(CALL) for _ in range(3)]
    assert [True, False] == [faults.admits(replace(CALL, operation="ListStacks"))] * 1 + [
        faults.admits(replace(CALL, operation="ListStacks"))
    ]


@pytest.mark.parametrize(
    ("expected", "service", "request_"),
    [
        ("ListBuckets", "s3", ("GET", "/", [], [])),
        ("CreateBucket", "s3", ("PUT", "/b", [], [])),
        ("HeadBucket", "s3", ("HEAD", "/b", [], [])),
        ("PutBucketEncryption", "s3", ("PUT", "/b", ["encryption"], [])),
        ("ListObjectsV2", "s3", ("GET", "/b", ["list-type", "prefix"], [])),
        ("ListObjects", "s3", ("GET", "/b", ["prefix"], [])),
        ("PutObject", "s3", ("PUT", "/b/a/deep/key", [], ["content-length"])),
        ("CopyObject", "s3", ("PUT", "/b/key", [], ["x-amz-copy-source"])),
        ("UploadPart", "s3", ("PUT", "/b/key", ["partNumber", "uploadId"], [])),
        ("GetObject", "s3", ("GET", "/b/key", [], [])),
        ("DeleteObjects", "s3", ("POST", "/b", ["delete"], [])),
        ("ListFunctions", "lambda", ("GET", "/2015-03-31/functions/", [], [])),
        ("GetFunction", "lambda", ("GET", "/2015-03-31/functions/f", [], [])),
        ("GetHostedZone", "route53", ("GET", "/2013-04-01/hostedzone/Z1", [], [])),
        ("", "lambda", ("GET", "/nowhere", [], [])),
        ("", "no-such-service", ("GET", "/", [], [])),
    ],
)
def test_a_rest_request_is_known_by_its_action(
    expected: str, service: str, request_: tuple[str, str, list[str], list[str]]
) -> None:
    """Method, path, query and headers decide, as botocore's model has them."""
    method, path, query, headers = request_

    assert expected == rest_operation(service, method, path, query, headers)


def test_pages_are_known_from_the_model() -> None:
    """An action that takes and gives a token has pages, whether or not it has a paginator."""
    assert (("Stacks",), "NextToken") == _page("cloudformation", "DescribeStacks")
    assert (("logGroups",), "nextToken") == _page("logs", "DescribeLogGroups")
    assert (("vpcSet",), "nextToken") == _page("ec2", "DescribeVpcs")
    assert page_of("cloudformation", "DescribeStackResourceDrifts") is not None
    assert page_of("cloudformation", "CreateStack") is None
    assert page_of("cloudformation", "Unheard") is None


def _page(service: str, operation: str) -> tuple[tuple[str, ...], str]:
    page = page_of(service, operation)
    assert page is not None
    return page.members, page.token
