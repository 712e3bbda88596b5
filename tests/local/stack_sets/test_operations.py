"""Operations: states, tolerance, concurrency, stopping, one at a time, ids, filters and pages."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.local.stack_sets.fleet import (
    BOTH,
    NAME,
    begin,
    counted,
    create_set,
    ended,
    ending,
    groups,
    instances,
    make_execution_role,
    operate,
    operation,
    outcome,
    reasons,
    results,
    state,
    states,
    take_group,
    topics,
)
from tests.local.stack_sets.test_stack_sets import refused
from tests.local_cloud import AWAY, HOME, fresh_account, until

ALL = {"FailureTolerancePercentage": 100}
SOFT = {"ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"}
PARALLEL = {"RegionConcurrencyType": "PARALLEL"}
OTHER = {"Regions": [HOME]}


# Tolerance ----------------------------------------------------------------------------------------


def test_success_may_hide_failures(pair):
    """Within the tolerance, an operation SUCCEEDED although targets FAILED; the count tells."""
    one, _ = pair.accounts
    take_group(pair, one, HOME)
    create_set(pair, groups())
    done = operate(pair, "create_stack_instances", preferences={"FailureToleranceCount": 1})

    assert "SUCCEEDED" == done["Status"]
    assert "StatusReason" not in done
    assert 1 == done["StatusDetails"]["FailedStackInstancesCount"]
    assert {"SUCCEEDED": 3, "FAILED": 1} == counted(pair, done["OperationId"])
    assert ("OUTDATED", "FAILED") == state(pair, one)


def test_tolerance_is_of_each_region(pair):
    """One failure in each Region is within a tolerance of one."""
    one, _ = pair.accounts
    for region in BOTH:
        take_group(pair, one, region)
    create_set(pair, groups())
    done = operate(pair, "create_stack_instances", preferences={"FailureTolerancePercentage": 50})

    assert ("SUCCEEDED", 2) == ending(done)


def test_a_percentage_rounds_down(pair):
    """Of two accounts, 49 percent is none."""
    take_group(pair, pair.accounts[0], HOME)
    create_set(pair, groups())
    done = operate(pair, "create_stack_instances", preferences={"FailureTolerancePercentage": 49})

    assert "FAILED" == done["Status"]


def test_later_regions_are_cancelled(pair):
    """Where the tolerance is exceeded the operation ends, there and in later Regions."""
    one, two = pair.accounts
    take_group(pair, one, AWAY)
    create_set(pair, groups())
    done = operate(pair, "create_stack_instances", preferences={"RegionOrder": [AWAY, HOME]})[
        "OperationId"
    ]

    assert {
        (one, AWAY): "FAILED",
        (two, AWAY): "CANCELLED",
        (one, HOME): "CANCELLED",
        (two, HOME): "CANCELLED",
    } == outcome(pair, done)
    assert {"Cancelled since failure tolerance has exceeded"} == set(
        reasons(pair, done, "CANCELLED")
    )


def test_parallel_regions_are_counted_apart(pair):
    """A Region that exceeds its tolerance stops only itself; the operation FAILED all the same."""
    one, two = pair.accounts
    take_group(pair, one, HOME)
    create_set(pair, groups())
    done = operate(pair, "create_stack_instances", preferences=PARALLEL)

    assert "FAILED" == done["Status"]
    assert {
        (one, HOME): "FAILED",
        (two, HOME): "CANCELLED",
        (one, AWAY): "SUCCEEDED",
        (two, AWAY): "SUCCEEDED",
    } == outcome(pair, done["OperationId"])


def test_preferences_are_told(pair):
    """What is in force is part of the operation, also where the request said nothing."""
    create_set(pair, topics())
    asked = {
        "RegionOrder": [AWAY],
        "FailureTolerancePercentage": 30,
        "MaxConcurrentPercentage": 50,
        **PARALLEL,
        **SOFT,
    }
    silent = operate(pair, "create_stack_instances", **OTHER)
    loud = operate(pair, "create_stack_instances", preferences=asked)

    assert asked == loud["OperationPreferences"]
    assert {
        "RegionConcurrencyType": "SEQUENTIAL",
        "RegionOrder": [],
        "FailureToleranceCount": 0,
        "MaxConcurrentCount": 1,
        "ConcurrencyMode": "STRICT_FAILURE_TOLERANCE",
    } == silent["OperationPreferences"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"FailureToleranceCount": 1, "FailureTolerancePercentage": 10},
        {"MaxConcurrentCount": 1, "MaxConcurrentPercentage": 10},
    ],
)
def test_a_count_excludes_a_percentage(pair, wrong):
    """Nothing is begun, and nothing is made."""
    create_set(pair, topics())
    with refused("ValidationError", "but not both"):
        begin(pair, "create_stack_instances", preferences=wrong)

    assert [] == instances(pair)


# Concurrency --------------------------------------------------------------------------------------


def most_at_once(fleet, operation_id: str) -> int:
    """Watch an operation to its end, and return how many targets were seen running at once."""
    seen = []

    def look() -> bool:
        seen.append(counted(fleet, operation_id)["RUNNING"])
        return operation(fleet, operation_id)["Status"] != "RUNNING"

    until(look)
    return max(seen)


@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        ({"MaxConcurrentCount": 4}, 1),
        ({"MaxConcurrentCount": 6, "FailureToleranceCount": 2}, 3),
        ({"MaxConcurrentPercentage": 70, **SOFT}, 4),
    ],
)
def test_effective_concurrency(slow, preferences, expected):
    """Strict: the tolerance and one at most; soft: what was asked for, of six accounts."""
    create_set(slow, topics())
    begun = begin(slow, "create_stack_instances", **OTHER, preferences=preferences)

    assert expected == most_at_once(slow, begun)
    assert "SUCCEEDED" == ended(slow, begun)["Status"]


def test_parallel_regions_run_at_once(slow):
    """Each Region with its own concurrency."""
    create_set(slow, topics())
    begun = begin(
        slow, "create_stack_instances", Accounts=list(slow.accounts[:2]), preferences=PARALLEL
    )

    assert 2 == most_at_once(slow, begun)


# While it runs ------------------------------------------------------------------------------------


def test_progress_is_seen(slow):
    """Results and instances go from PENDING over RUNNING, the operation ends after the last."""
    create_set(slow, topics())
    begun = begin(slow, "create_stack_instances", Accounts=list(slow.accounts[:2]), **OTHER)
    one, two = slow.accounts[:2]
    until(lambda: outcome(slow, begun)[one, HOME] == "RUNNING")
    moving, of_two = operation(slow, begun), outcome(slow, begun)[two, HOME]
    seen = state(slow, one), state(slow, two)
    done = ended(slow, begun)

    assert ("RUNNING", "PENDING") == (moving["Status"], of_two)
    assert (("OUTDATED", "RUNNING"), ("OUTDATED", "PENDING")) == seen
    assert "EndTimestamp" not in moving
    assert isinstance(done["EndTimestamp"], datetime)
    assert done["CreationTimestamp"] < done["EndTimestamp"]
    assert {("CURRENT", "SUCCEEDED"): 2} == states(slow)


def test_one_operation_at_a_time(slow):
    """Whatever else is asked for meanwhile is refused, with the id of what runs."""
    create_set(slow, topics())
    begun = begin(slow, "create_stack_instances", **OTHER)
    busy = refused("OperationInProgressException", f"is in progress: {begun}")
    with busy:
        begin(slow, "create_stack_instances")
    with busy:
        begin(slow, "update_stack_set", TemplateBody=groups())
    with busy:
        begin(slow, "update_stack_instances", **OTHER)
    with busy:
        begin(slow, "delete_stack_instances", **OTHER)
    with busy:
        slow.cfn.delete_stack_set(StackSetName=NAME)
    told = slow.cfn.describe_stack_set(StackSetName=NAME)["StackSet"]
    slow.cfn.stop_stack_set_operation(StackSetName=NAME, OperationId=begun)

    assert topics() == told["TemplateBody"]
    assert "STOPPED" == ended(slow, begun)["Status"]


def test_stopping_lets_the_running_end(slow):
    """What has not begun is cancelled at once; what runs comes to its end; then it is STOPPED."""
    create_set(slow, topics())
    begun = begin(
        slow,
        "create_stack_instances",
        preferences={"MaxConcurrentCount": 2, "FailureToleranceCount": 1},
    )
    until(lambda: counted(slow, begun)["RUNNING"] == 2)
    slow.cfn.stop_stack_set_operation(StackSetName=NAME, OperationId=begun)
    stopping, meanwhile = operation(slow, begun)["Status"], counted(slow, begun)
    slow.cfn.stop_stack_set_operation(StackSetName=NAME, OperationId=begun)
    done = ended(slow, begun)

    assert "STOPPING" == stopping
    assert {"RUNNING": 2, "CANCELLED": 10} == meanwhile
    assert "STOPPED" == done["Status"]
    assert {"SUCCEEDED": 2, "CANCELLED": 10} == counted(slow, begun)
    assert {("CURRENT", "SUCCEEDED"): 2, ("OUTDATED", "CANCELLED"): 10} == states(slow)
    with refused("InvalidOperationException", "STOPPED"):
        slow.cfn.stop_stack_set_operation(StackSetName=NAME, OperationId=begun)


def test_what_ended_cannot_be_stopped(pair):
    """Nor what never was."""
    create_set(pair, topics())
    done = operate(pair, "create_stack_instances", **OTHER)["OperationId"]
    with refused("InvalidOperationException", "SUCCEEDED"):
        pair.cfn.stop_stack_set_operation(StackSetName=NAME, OperationId=done)
    with refused("OperationNotFoundException"):
        pair.cfn.stop_stack_set_operation(StackSetName=NAME, OperationId="none")
    with refused("OperationNotFoundException"):
        operation(pair, "none")
    with refused("OperationNotFoundException"):
        results(pair, "none")
    with refused("StackSetNotFoundException"):
        pair.cfn.list_stack_set_operations(StackSetName="none")


# Ids ----------------------------------------------------------------------------------------------


def test_an_operation_id_is_used_once(pair):
    """Sent again, with the same action or another, it is known; the work is done once."""
    create_set(pair, topics())
    begun = begin(pair, "create_stack_instances", OperationId="mine", **OTHER)
    known = refused("OperationIdAlreadyExistsException", "mine")
    with known:
        begin(pair, "create_stack_instances", OperationId="mine", **OTHER)
    ended(pair, begun)
    with known:
        begin(pair, "create_stack_instances", OperationId="mine", **OTHER)
    with known:
        begin(pair, "update_stack_set", OperationId="mine", TemplateBody=groups())

    assert "mine" == begun
    assert topics() == pair.cfn.describe_stack_set(StackSetName=NAME)["StackSet"]["TemplateBody"]
    assert 1 == len(pair.cfn.list_stack_set_operations(StackSetName=NAME)["Summaries"])


def test_an_old_operation_id_is_stale(pair):
    """Another operation has changed the set since, so that the first must not be done again."""
    create_set(pair, topics())
    operate(pair, "create_stack_instances", OperationId="first", **OTHER)
    operate(pair, "update_stack_set", OperationId="second", UsePreviousTemplate=True)
    with refused("StaleRequestException", "first"):
        begin(pair, "create_stack_instances", OperationId="first", **OTHER)
    with refused("OperationIdAlreadyExistsException", "second"):
        begin(pair, "create_stack_instances", OperationId="second", **OTHER)


def test_operations_of_another_set_may_have_the_same_id(pair):
    """Ids are known to their stack set alone."""
    create_set(pair, topics())
    operate(pair, "create_stack_instances", OperationId="mine", **OTHER)
    pair.cfn.create_stack_set(StackSetName="other", TemplateBody=topics())
    begun = pair.cfn.update_stack_set(
        StackSetName="other", OperationId="mine", UsePreviousTemplate=True
    )

    assert "mine" == begun["OperationId"]


# Lists --------------------------------------------------------------------------------------------


def test_results_by_status_and_in_pages(pair):
    """Every result is shown once, in the order of the targets."""
    more = [fresh_account() for _ in range(3)]
    accounts = [pair.accounts[0], *more]
    make_execution_role(pair, more[1])
    create_set(pair, topics())
    done = operate(pair, "create_stack_instances", Accounts=accounts, **OTHER, preferences=ALL)[
        "OperationId"
    ]
    pages = list(
        pair.cfn.get_paginator("list_stack_set_operation_results").paginate(
            StackSetName=NAME, OperationId=done, PaginationConfig={"PageSize": 3}
        )
    )
    failed = [{"Name": "OPERATION_RESULT_STATUS", "Values": "FAILED"}]

    assert [3, 1] == [len(page["Summaries"]) for page in pages]
    assert accounts == [each["Account"] for page in pages for each in page["Summaries"]]
    assert [more[0], more[2]] == [each["Account"] for each in results(pair, done, Filters=failed)]


def test_operations_are_listed_newest_first(pair):
    """In pages, which a new operation does not disturb."""
    create_set(pair, topics())
    for number in range(4):
        operate(pair, "update_stack_set", OperationId=f"o-{number}", UsePreviousTemplate=True)

    def page(**request):
        return pair.cfn.list_stack_set_operations(StackSetName=NAME, MaxResults=3, **request)

    first = page()
    operate(pair, "update_stack_set", OperationId="o-4", UsePreviousTemplate=True)
    second = page(NextToken=first["NextToken"])
    told = first["Summaries"][0]

    assert ["o-3", "o-2", "o-1"] == [each["OperationId"] for each in first["Summaries"]]
    assert ["o-0"] == [each["OperationId"] for each in second["Summaries"]]
    assert ("UPDATE", "SUCCEEDED") == (told["Action"], told["Status"])
    assert 0 == told["StatusDetails"]["FailedStackInstancesCount"]
