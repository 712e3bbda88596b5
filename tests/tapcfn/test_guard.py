"""Objections to change sets: each rule with what it refuses and what it lets pass."""

from __future__ import annotations

import re

import pytest

from tapcfn import guard
from tapcfn.errors import UsageError
from tapcfn.guard import RULES, blocks, holds_data, review
from tapcfn.model import (
    STATEFUL,
    Change,
    ChangeSet,
    Detail,
    Finding,
    Replacement,
    Severity,
    SourceLine,
)
from tapcfn.surprises import surprises
from tests.fakes import a_change, a_change_set, a_deployed, a_stack

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
        (a_change(action="Remove", policy_action="Destroy"), [("TAP001", ERROR)]),
        (a_change(replacement=T, policy_action="Destroy"), [("TAP001", ERROR)]),
        (a_change(action="Remove", resource_type="Odd::Own::Type"), [("TAP001", ERROR)]),
        (a_change(action="Remove", resource_type="Custom::Thing"), []),
        (a_change(action="Remove", policy_action="Snapshot"), []),
        (a_change(replacement=T, policy_action="ReplaceAndSnapshot"), []),
        (a_change(action="Remove", resource_type="AWS::SNS::Topic"), []),
        (a_change(replacement=T, resource_type="AWS::SNS::Topic"), []),
        # TAP002: data might be lost
        (a_change(replacement=C), [("TAP002", ERROR)]),
        (a_change(replacement=C, policy_action="ReplaceAndDelete"), [("TAP002", ERROR)]),
        (a_change(replacement=C, policy_action="ReplaceAndSnapshot"), []),
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

    assert [f"TAP00{number}" for number in range(1, 7)] == ids
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
            "to allow it: --allow-loss storage/Bucket:remove",
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
            "to allow it: --allow-loss storage/Bucket:replace",
        ),
        (
            a_change(replacement=C),
            "AWS::S3::Bucket my-bucket may be replaced and its data lost; "
            "to allow it: --allow-loss storage/Bucket:replace",
        ),
        (
            a_change(action="Dynamic"),
            "CloudFormation cannot say what happens to AWS::S3::Bucket my-bucket; "
            "to allow it: --allow-loss storage/Bucket:dynamic",
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
        ("storage/Inner/Bucket", ERROR),
        ("other/Bucket", ERROR),
        ("storage/Bucket@us-east-1", INFO),
        ("storage/Bucket@us-west-2", ERROR),
        ("storage/Bucket:policy", ERROR),
    ],
)
def test_only_an_exact_allowance_lets_data_go(allowance: str, weight: Severity) -> None:
    """Stack and logical id, both; there is no global switch."""
    for change in (a_change(action="Remove"), a_change(action="Dynamic")):
        assert [weight] == [each for _, each in weights(change, allowed=frozenset({allowance}))]


def test_an_allowance_leaves_warnings_warnings() -> None:
    """What needs no allowance is shown as before."""
    kept = a_change(action="Remove", policy_action="Retain")

    assert [("TAP004", WARNING)] == weights(kept, allowed=frozenset({"storage/Bucket"}))


def test_what_is_allowed_says_by_what_and_no_longer_how() -> None:
    """The finding goes on telling what is lost."""
    allowed = frozenset({"storage/Bucket:remove"})
    (finding,) = review(a_change_set(a_change(action="Remove")), STORAGE, allowed)

    assert ("storage/Bucket:remove", INFO) == (finding.allowed_by, finding.severity)
    assert "AWS::S3::Bucket my-bucket would be removed and its data lost" == finding.message


def test_an_allowance_that_is_none_never_passes_unseen() -> None:
    """Commands refuse it earlier; here it would otherwise just allow nothing."""
    with pytest.raises(UsageError):
        weights(a_change(action="Remove"), allowed=frozenset({"storage/*"}))


def test_unknown_types_hold_data() -> None:
    """Neither the schemas nor the list know them; custom resources have a schema of their own."""
    known = ["AWS::SNS::Topic", "AWS::EC2::Subnet", "Custom::Thing"]
    assert [False, False, False] == [holds_data(kind) for kind in known]
    unknown = ["Odd::Own::Type", "AWS::Not::Yet", "AWS::S3::Bucket"]
    assert [True, True, True] == [holds_data(kind) for kind in unknown]


def test_cfn_lints_stateful_types_are_all_guarded() -> None:
    """Its list is where ours began; a newer version of it may know more."""
    import json
    from pathlib import Path

    import cfnlint

    path = Path(str(cfnlint.__file__)).parent / "data/AdditionalSpecs/StatefulResources.json"

    assert set() == set(json.loads(path.read_text())["ResourceTypes"]) - STATEFUL


def touched(path: str, recreation: str = "Conditionally", evaluation: str = "Static") -> Detail:
    """Return what a change set says of one property."""
    return Detail(path, "a", "b", recreation, evaluation)


@pytest.mark.parametrize(
    ("kind", "paths", "found"),
    [
        ("AWS::KMS::Key", ["/Properties/KeyPolicy/Statement"], []),
        ("AWS::KMS::Key", ["Tags", "Properties/KeyPolicy"], []),
        ("AWS::S3::Bucket", ["/Properties/BucketName"], ["TAP002"]),
        ("AWS::S3::Bucket", ["/Properties/Tags", "/Properties/BucketName"], ["TAP002"]),
        ("Odd::Own::Type", ["/Properties/Name"], ["TAP002"]),
        ("AWS::KMS::Key", [], ["TAP002"]),
    ],
)
def test_what_is_known_to_update_in_place_replaces_nothing(
    kind: str, paths: list[str], found: list[str]
) -> None:
    """CloudFormation says Conditional of a key's policy, which never makes a new key."""
    details = tuple(touched(path) for path in paths)
    for policy in ("", "ReplaceAndDelete"):
        change = a_change(resource_type=kind, replacement=C, details=details, policy_action=policy)
        assert found == [rule for rule, _ in weights(change)]


@pytest.mark.parametrize("name", ["KeySpec", "KeyUsage", "MultiRegion", "Origin"])
def test_a_change_that_the_service_refuses_is_refused_before(name: str) -> None:
    """Whatever is allowed: there is nothing to gain by trying. (KMS)"""
    detail = touched(f"/Properties/{name}", "Always")
    change = a_change("Key", resource_type="AWS::KMS::Key", replacement=T, details=(detail,))
    allowed = frozenset({"storage/Key"})

    (finding,) = review(a_change_set(change), STORAGE, allowed)

    assert ("TAP006", ERROR) == (finding.rule, finding.severity)
    assert f"{name} cannot be changed" in finding.message
    assert f"/Properties/{name}" == finding.path


def test_a_replacement_that_only_apply_will_know_is_told_as_one() -> None:
    """True may mean "known after apply": all that forces it is evaluated later."""
    later = touched("/Properties/BucketName", "Always", "Dynamic")
    now = touched("/Properties/BucketName", "Always")

    (maybe,) = review(a_change_set(a_change(replacement=T, details=(later,))), STORAGE)
    (surely,) = review(a_change_set(a_change(replacement=T, details=(later, now))), STORAGE)

    assert "TAP002" == maybe.rule
    assert "known after apply: whether BucketName changes" in maybe.message
    assert "TAP001" == surely.rule


KEPT = a_stack(
    "storage", resources={"Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}}
)


def test_a_deletion_policy_is_not_dropped_without_an_allowance() -> None:
    """Not even where the change set does not mention it: the templates are compared."""
    deployed = a_deployed(KEPT, template=KEPT.template.text)
    nothing = a_change_set()
    allowed = frozenset({"storage/Bucket:policy"})

    (finding,) = review(nothing, STORAGE, deployed=deployed)
    (informed,) = review(nothing, STORAGE, allowed, deployed=deployed)

    assert ("TAP005", ERROR, "Bucket") == (finding.rule, finding.severity, finding.logical_id)
    assert finding.message.endswith("to allow it: --allow-loss storage/Bucket:policy")
    assert INFO is informed.severity
    assert () == review(nothing, KEPT, deployed=deployed)


def test_a_dropped_policy_is_told_once() -> None:
    """Where the change set says it, the templates add nothing."""
    deployed = a_deployed(KEPT, template=KEPT.template.text)
    change = a_change(details=(Detail("DeletionPolicy", "Retain", "Delete"),))

    found = review(a_change_set(change), STORAGE, deployed=deployed)

    assert ["TAP005"] == [each.rule for each in found]
    assert "my-bucket would lose its DeletionPolicy Retain" in found[0].message


def test_what_the_stack_policy_denies_is_refused_before() -> None:
    """The update would fail half way. (X-33)"""
    policy = (
        '{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"},'
        '{"Effect":"Deny","Action":"Update:Replace","Principal":"*",'
        '"Resource":"LogicalResourceId/Topic"}]}'
    )
    topic = a_change("Topic", resource_type="AWS::SNS::Topic", replacement=T)

    (finding,) = review(a_change_set(topic), STORAGE, policy=policy)

    assert ("TAP008", ERROR) == (finding.rule, finding.severity)
    assert "stack policy denies Update:Replace of AWS::SNS::Topic my-topic" in finding.message
    assert () == review(a_change_set(topic), STORAGE)


def test_objections_come_in_the_order_of_the_rules() -> None:
    """All of one kind together, whatever the order of the changes."""
    changes = (
        a_change("A", action="Dynamic"),
        a_change("B", action="Remove"),
        a_change("C", action="Remove", policy_action="Retain"),
        a_change("D", action="Remove"),
    )

    assert ["TAP001", "TAP001", "TAP003", "TAP004"] == [rule for rule, _ in weights(*changes)]


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


def test_what_is_nested_is_allowed_by_its_whole_path() -> None:
    """The objection names the allowance; a resource of the same name elsewhere is another one."""
    change = nested(nested(a_change(action="Remove")))
    (finding,) = review(a_change_set(change), STORAGE)

    assert finding.message.endswith("--allow-loss storage/Inner/Inner/Bucket:remove")
    assert ("storage", "Inner/Inner", "Bucket") == (
        finding.stack,
        finding.nested,
        finding.logical_id,
    )
    assert [("TAP001", INFO)] == weights(change, allowed=frozenset({"storage/Inner/Inner/Bucket"}))
    for other in ("storage/Bucket", "storage/Inner/Bucket", "Inner/Bucket"):
        assert [("TAP001", ERROR)] == weights(change, allowed=frozenset({other}))


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
