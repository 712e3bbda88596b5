"""Where stack sets, instances and operations stand, as a person reads it and as programs do."""

from __future__ import annotations

from dataclasses import replace

from tapcfn.model import (
    DeployedSet,
    DetailedStatus,
    Instance,
    InstanceStatus,
    Member,
    Preferences,
    ResultStatus,
    SetOperation,
    SetOperationStatus,
    SetResult,
    Target,
)
from tapcfn.report.set_answers import simulation_fields, stopped_text
from tapcfn.report.standings import (
    inoperable_lines,
    instances_text,
    operation_text,
    results_fields,
    standing_fields,
    standing_text,
)
from tapcfn.stack_sets.causes import cancelled, cluster
from tapcfn.stack_sets.simulation import simulate
from tapcfn.stack_sets.standing import Standing, told_of
from tests.tapcfn.stack_sets.examples import EAST, WEST, A, B, C, a_set, pairs

HERE = Target(A, EAST)
RUNNING = SetOperation("two", "UPDATE", SetOperationStatus.RUNNING, created="10:00")
DONE = SetOperation("one", "CREATE", SetOperationStatus.SUCCEEDED, created="9:00", ended="9:30")
GOOD = (InstanceStatus.CURRENT, DetailedStatus.SUCCEEDED)


def a_standing() -> Standing:
    """Return a set with an operation at work, a pair that is missing and one that is unwanted."""
    stack_set = a_set()
    deployed = DeployedSet("baseline", "baseline:1", stack_set.template.text)
    outdated = (InstanceStatus.OUTDATED, DetailedStatus.PENDING)
    instances = {
        HERE: Instance(HERE, *GOOD, operation="two"),
        Target(A, WEST): Instance(Target(A, WEST), *outdated, operation="two"),
        Target(B, EAST): Instance(Target(B, EAST), *GOOD, operation="one"),
        Target(C, EAST): Instance(Target(C, EAST), *GOOD, operation="one"),
    }
    return Standing(stack_set, stack_set.pairs, deployed, instances, (RUNNING, DONE))


def test_a_set_says_what_is_missing_and_what_is_at_work() -> None:
    """All that a person asks first."""
    assert standing_text(a_standing()).splitlines() == [
        "baseline  stack set in 111111111111/us-east-1",
        "  template   as wanted",
        "  instances  3 CURRENT/SUCCEEDED, 1 OUTDATED/PENDING",
        "  missing    1: 222222222222/us-west-2",
        "  unwanted   1: 333333333333/us-east-1",
        "  at work    two UPDATE RUNNING, since 10:00, 1 of 2 done",
        "  last       one CREATE SUCCEEDED, ended 9:30",
    ]


def test_an_account_that_gets_nothing_is_named() -> None:
    """By its id, and by the name that people know it by. (R-25)"""
    asleep = (Member(C, "ou-1", suspended=True, name="payments"),)
    standing = replace(a_standing(), left_out=asleep)

    assert f"  left out   {C} (payments): suspended" in standing_text(standing).splitlines()
    assert standing_fields(standing)["left_out"] == [{"account": C, "name": "payments"}]


def test_another_template_and_no_set_at_all_are_said() -> None:
    """The settings are the measure."""
    newer = replace(a_standing(), stack_set=a_set(version="2"))

    assert "not that of the settings" in standing_text(newer)
    assert not standing_fields(newer)["template_as_wanted"]
    assert standing_text(Standing(a_set(), a_set().pairs)).endswith("not deployed; 4 pairs wanted")


def test_an_instance_shows_what_is_its_own_and_what_it_is_told_all_in_all() -> None:
    """R-20: the override stands beside the whole."""
    deployed = DeployedSet("baseline", "1", "{}", parameters={"Size": "1", "Days": "7"})
    instance = Instance(HERE, *GOOD, operation="one", overrides={"Size": "9"})

    line = instances_text([instance], {HERE: told_of(instance, deployed)}).splitlines()[1]

    assert line.endswith("Size=9     Days=7, Size=9")


def results() -> list[SetResult]:
    failed = [Target(A, EAST), Target(B, EAST)]
    return [
        *(SetResult(each, ResultStatus.FAILED, f"{each.account} is full") for each in failed),
        SetResult(Target(C, EAST), ResultStatus.CANCELLED, "too many failures"),
        SetResult(Target(A, WEST), ResultStatus.SUCCEEDED),
    ]


def test_an_operation_says_its_cause_once_and_what_was_cancelled_apart() -> None:
    """D-4: a consequence is no cause."""
    told = results()
    clusters = cluster((each.target, each.reason) for each in told[:2])
    after = cancelled(told, Preferences())
    operation = replace(DONE, status=SetOperationStatus.FAILED)

    text = operation_text(operation, told, clusters, after)
    fields = results_fields("baseline", operation, told, clusters, after)

    assert "2 instances: {account} is full (first 111111111111/us-east-1)" in text
    assert "1 cancelled as a consequence" in text
    assert fields["counts"] == {"SUCCEEDED": 1, "FAILED": 2, "CANCELLED": 1}
    assert fields["cancelled"] == ["333333333333/us-east-1"]
    assert fields["tripped"] == ["111111111111/us-east-1"]


def test_a_gate_that_said_no_is_the_reason() -> None:
    """X-27: the result itself may say nothing."""
    result = SetResult(HERE, ResultStatus.FAILED, gate="FAILED", gate_reason="not today")

    text = operation_text(DONE, [result], (), cancelled([result], Preferences()))

    assert "account gate FAILED: not today" in text


def test_what_is_inoperable_comes_with_the_exact_call() -> None:
    """To be typed as it stands: the stack stays."""
    stuck = Instance(
        HERE, InstanceStatus.INOPERABLE, DetailedStatus.INOPERABLE, "protected", "arn:stack"
    )

    lines = list(inoperable_lines("baseline", WEST, [stuck]))

    assert "protected" in lines[0]
    assert (
        "aws cloudformation delete-stack-instances --stack-set-name baseline --accounts "
        "111111111111 --regions us-east-1 --retain-stacks --region us-west-2"
    ) in [each.strip() for each in lines]
    assert lines[-1].strip() == "arn:stack"


def test_what_was_stopped_says_what_was_never_begun() -> None:
    """Done, cancelled, not started."""
    stopped = replace(DONE, status=SetOperationStatus.STOPPED)

    assert stopped_text(stopped, results(), 3) == (
        "one CREATE is STOPPED: 1 succeeded, 2 failed, 1 cancelled, 3 not started"
    )


def test_a_simulation_says_null_for_what_is_not_known() -> None:
    """5.3: unknown is null."""
    unknown = simulation_fields("baseline", simulate(pairs(), Preferences()))
    known = simulation_fields("baseline", simulate(pairs(), Preferences(), (3.0, 5.0)))

    assert (unknown["likely_ms"], unknown["pairs"], unknown["batches"]) == (None, 4, 4)
    assert (known["minimum_ms"], known["likely_ms"]) == (12_000, 16_000)
