"""Objections to change sets: each rule with what it refuses and what it lets pass."""

from __future__ import annotations

import re

import pytest

from tapcfn import guard
from tapcfn.guard import RULES, blocks, review, surprises
from tapcfn.model import (
    STATEFUL,
    Change,
    ChangeSet,
    Finding,
    Replacement,
    Severity,
    SourceLine,
)
from tests.fakes import a_change, a_change_set, a_stack

T, F, C = Replacement.TRUE, Replacement.FALSE, Replacement.CONDITIONAL
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
STORAGE = a_stack("storage", resources={"Bucket": "AWS::S3::Bucket"})


def weights(*changes: Change, allowed: frozenset[str] = frozenset()) -> list[tuple[str, Severity]]:
    """Return rule and weight of every objection to these changes."""
    found = review(a_change_set(*changes), STORAGE, allowed)
    return [(each.rule, each.severity) for each in found]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        # TAP001: data would be lost
        (a_change(action="Remove"), [("TAP001", ERROR)]),
        (a_change(action="Remove", policy_action="Delete"), [("TAP001", ERROR)]),
        (a_change(replacement=T), [("TAP001", ERROR)]),
        (a_change(replacement=T, policy_action="ReplaceAndDelete"), [("TAP001", ERROR)]),
        (a_change(replacement=C, policy_action="ReplaceAndDelete"), [("TAP001", ERROR)]),
        (a_change(action="Remove", policy_action="Snapshot"), []),
        (a_change(replacement=T, policy_action="ReplaceAndSnapshot"), []),
        (a_change(action="Remove", resource_type="AWS::SNS::Topic"), []),
        (a_change(replacement=T, resource_type="AWS::SNS::Topic"), []),
        # TAP002: data might be lost
        (a_change(replacement=C), [("TAP002", WARNING)]),
        (a_change(replacement=F), []),
        (a_change(), []),
        (a_change(replacement=C, resource_type="AWS::SNS::Topic"), []),
        # TAP003: nobody can say
        (a_change(action="Dynamic"), [("TAP003", ERROR)]),
        (a_change(action="Dynamic", resource_type="AWS::SNS::Topic"), []),
        # TAP004: something goes on existing, whatever it is
        (a_change(action="Remove", policy_action="Retain"), [("TAP004", WARNING)]),
        (a_change(replacement=T, policy_action="ReplaceAndRetain"), [("TAP004", WARNING)]),
        (
            a_change(action="Remove", policy_action="Retain", resource_type="AWS::SNS::Topic"),
            [("TAP004", WARNING)],
        ),
        # and what is no change for the worse at all
        (a_change(action="Add"), []),
        (a_change(action="Import"), []),
    ],
)
def test_each_rule_knows_wrong_from_right(
    change: Change, found: list[tuple[str, Severity]]
) -> None:
    """Exactly the rule that is meant objects, with the weight that is meant."""
    assert found == weights(change)


@pytest.mark.parametrize("kind", sorted(STATEFUL))
def test_everything_that_holds_data_is_guarded(kind: str) -> None:
    """Each type of the list, when it would be removed."""
    assert [("TAP001", ERROR)] == weights(a_change(action="Remove", resource_type=kind))


def test_each_rule_has_an_id_of_its_own() -> None:
    """The docstring opens with it, and it is the one that its findings have."""
    ids = [str(rule.__doc__).partition(":")[0] for rule in RULES]

    assert ["TAP001", "TAP002", "TAP003", "TAP004"] == ids
    assert all(re.search(f'"{name}"', str(guard.__loader__.get_source("tapcfn.guard")))  # type: ignore[union-attr]
               for name in ids)  # fmt: skip


def test_an_objection_says_what_is_lost_and_how_to_allow_it() -> None:
    """Physical id, the exact allowance, and the line that wrote the resource down. (D-18)"""
    (finding,) = review(a_change_set(a_change(action="Remove")), STORAGE)

    assert (
        Finding(
            "TAP001",
            ERROR,
            "storage",
            "Bucket",
            "AWS::S3::Bucket my-bucket would be removed and its data lost; "
            "to allow it: --allow-loss storage/Bucket",
            SourceLine("layers/storage.py", 10),
        )
        == finding
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            a_change(replacement=T),
            "AWS::S3::Bucket my-bucket would be replaced and its data lost; "
            "to allow it: --allow-loss storage/Bucket",
        ),
        (a_change(replacement=C), "AWS::S3::Bucket my-bucket may be replaced"),
        (
            a_change(action="Dynamic"),
            "CloudFormation cannot say what happens to AWS::S3::Bucket my-bucket; "
            "to allow it: --allow-loss storage/Bucket",
        ),
        (
            a_change(action="Remove", policy_action="Retain"),
            "AWS::S3::Bucket my-bucket leaves the stack and is kept",
        ),
    ],
)
def test_the_words_of_each_objection(change: Change, message: str) -> None:
    """For a person who has to decide."""
    assert [message] == [each.message for each in review(a_change_set(change), STORAGE)]


@pytest.mark.parametrize(
    ("allowance", "weight"),
    [
        ("storage/Bucket", INFO),
        ("storage/Other", ERROR),
        ("other/Bucket", ERROR),
        ("Bucket", ERROR),
        ("storage/*", ERROR),
    ],
)
def test_only_an_exact_allowance_lets_data_go(allowance: str, weight: Severity) -> None:
    """Stack and logical id, both; there is no global switch."""
    for change in (a_change(action="Remove"), a_change(action="Dynamic")):
        assert [weight] == [each for _, each in weights(change, allowed=frozenset({allowance}))]


def test_an_allowance_leaves_warnings_warnings() -> None:
    """What needs no allowance is shown as before."""
    allowed = frozenset({"storage/Bucket"})

    assert [("TAP002", WARNING)] == weights(a_change(replacement=C), allowed=allowed)


def test_objections_come_in_the_order_of_the_rules() -> None:
    """All of one kind together, whatever the order of the changes."""
    changes = (
        a_change("A", replacement=C),
        a_change("B", action="Remove"),
        a_change("C", action="Remove", policy_action="Retain"),
        a_change("D", action="Remove"),
    )

    assert ["TAP001", "TAP001", "TAP002", "TAP004"] == [rule for rule, _ in weights(*changes)]


@pytest.mark.parametrize(
    ("severities", "stops"),
    [((), False), ((INFO, WARNING), False), ((WARNING, ERROR), True)],
)
def test_only_errors_stop_a_stack(severities: tuple[Severity, ...], stops: bool) -> None:
    """Warnings are shown with the approval."""
    findings = tuple(Finding("TAP001", each, "s", "B", "m") for each in severities)

    assert stops is blocks(findings)


# Nested stacks ------------------------------------------------------------------------------------


def nested(*changes: Change) -> Change:
    """Return the change of a nested stack with these changes inside."""
    inside = ChangeSet("arn:nested", "Inner", "", changes)
    return a_change("Inner", resource_type="AWS::CloudFormation::Stack", nested=inside)


def test_nested_stacks_are_looked_into() -> None:
    """However deep: the guard sees what the display shows. (R-11)"""
    deep = nested(nested(a_change(action="Remove")))

    assert [("TAP001", ERROR)] == weights(deep)


def test_what_is_nested_is_allowed_by_the_nested_stacks_name() -> None:
    """The objection names the allowance that it takes."""
    change = nested(a_change(action="Remove"))
    (finding,) = review(a_change_set(change), STORAGE)

    assert finding.message.endswith("--allow-loss Inner/Bucket")
    assert [("TAP001", INFO)] == weights(change, allowed=frozenset({"Inner/Bucket"}))


def test_what_is_nested_is_not_found_at_a_line_of_the_outer_template() -> None:
    """A resource of the same logical id stands in both; the line of the outer one is wrong."""
    change = nested(a_change(action="Remove"))
    (finding,) = review(a_change_set(change), STORAGE)

    assert finding.source is None


def test_what_is_nested_points_at_the_line_of_the_nested_stack() -> None:
    """That is the line of ours that made it."""
    outer = a_stack("outer", resources={"Inner": "AWS::CloudFormation::Stack"})
    (finding,) = review(a_change_set(nested(a_change(action="Remove"))), outer)

    assert SourceLine("layers/outer.py", 10) == finding.source


# What was not reviewed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "actual", "more"),
    [
        # the same, or milder
        ([], [], ()),
        ([a_change(replacement=T)], [a_change(replacement=T)], ()),
        ([a_change(replacement=T)], [a_change(replacement=C)], ()),
        ([a_change(replacement=C)], [a_change(replacement=F)], ()),
        ([a_change(replacement=F)], [a_change()], ()),
        ([a_change("A"), a_change("B")], [a_change("B")], ()),
        # more
        ([], [a_change()], ("Bucket: Modify",)),
        ([], [a_change(action="Add")], ("Bucket: Add",)),
        ([a_change("A")], [a_change("A"), a_change("B", "Add")], ("B: Add",)),
        ([a_change()], [a_change(action="Remove")], ("Bucket: Remove",)),
        ([a_change(action="Add")], [a_change()], ("Bucket: Modify",)),
        ([a_change(replacement=F)], [a_change(replacement=C)], ("Bucket: Modify",)),
        (
            [a_change(replacement=C)],
            [a_change(replacement=T)],
            ("Bucket: Modify with replacement",),
        ),
        # a worse policy
        (
            [a_change(action="Remove", policy_action="Retain")],
            [a_change(action="Remove", policy_action="Delete")],
            ("Bucket: Remove",),
        ),
        (
            [a_change(action="Remove", policy_action="Delete")],
            [a_change(action="Remove", policy_action="Retain")],
            (),
        ),
    ],
)
def test_only_what_goes_beyond_the_review_is_a_surprise(
    expected: list[Change], actual: list[Change], more: tuple[str, ...]
) -> None:
    """Same resources, no worse action, replacement or policy. (D-15)"""
    assert more == surprises(a_change_set(*expected), a_change_set(*actual))


@pytest.mark.parametrize(
    ("change", "more"),
    [
        (a_change(action="Add"), ()),
        (a_change(action="Import"), ()),
        (a_change(), ("Bucket: Modify",)),
        (a_change(action="Remove"), ("Bucket: Remove",)),
        (a_change(action="Dynamic"), ("Bucket: Dynamic",)),
    ],
)
def test_where_nothing_could_be_reviewed_only_new_things_are_expected(
    change: Change, more: tuple[str, ...]
) -> None:
    """A stack that waited for another's outputs is made, not remade."""
    assert more == surprises(None, a_change_set(change))


def test_a_nested_surprise_is_one() -> None:
    """What happens inside of a nested stack has to have been reviewed as well. (R-11)"""
    expected, actual = nested(a_change(replacement=F)), nested(a_change(replacement=T))

    assert ("Inner/Bucket: Modify with replacement",) == surprises(
        a_change_set(expected), a_change_set(actual)
    )
