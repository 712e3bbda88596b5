"""What two templates tell of a stack that can't be asked about yet, and what is held against it."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.model import Change, Detail, Ending, OutputOf, Replacement
from tapcfn.offline import LATER, expected
from tapcfn.preview import Deferred
from tapcfn.surprises import surprises
from tests.fakes import World, a_change, a_change_set, a_deployed, a_rollout, a_stack, a_template
from tests.fakes.world import endings

VPC = OutputOf("network", "Id")
T, F, C = Replacement.TRUE, Replacement.FALSE, Replacement.CONDITIONAL


def a_topic(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": properties}


def app(resources: dict[str, Any], **more: Any) -> Any:
    body = a_template("app", resources=resources, parameters=["Vpc"])
    return a_stack("app", template=body, parameters={"Vpc": VPC}, **more)


def told(before: dict[str, Any], after: dict[str, Any], *unknown: OutputOf) -> dict[str, Change]:
    """Return the expected changes by logical ID."""
    found = expected(app(after), with_template(before), unknown)
    return {each.logical_id: each for each in found.changes}


def with_template(resources: dict[str, Any]) -> Any:
    old = app(resources)
    return a_deployed(old, template=old.template.text)


def test_what_comes_and_goes_is_known() -> None:
    """A removal says what its policy does."""
    kept = {**a_topic(), "DeletionPolicy": "Retain"}

    changes = told({"Old": a_topic(), "Kept": kept, "Same": a_topic()}, {"Same": a_topic(),
                   "New": a_topic()})  # fmt: skip

    assert {"New": "Add", "Old": "Remove", "Kept": "Remove"} == {
        key: each.action for key, each in changes.items()
    }
    assert [("Delete", True), ("Retain", False)] == [
        (changes[key].policy_action, changes[key].loses) for key in ("Old", "Kept")
    ]


def test_what_takes_an_unknown_input_may_change() -> None:
    """And so may what refers to that; the placeholder says that nobody knows."""
    resources = {
        "Near": a_topic(DisplayName={"Fn::Sub": "in ${Vpc}"}),
        "Far": a_topic(DisplayName={"Fn::GetAtt": ["Near", "TopicName"]}),
        "Apart": a_topic(DisplayName="fixed"),
    }

    changes = told(resources, resources, VPC)

    assert {"Near", "Far"} == set(changes)
    (near,), (far,) = changes["Near"].details, changes["Far"].details
    assert ("/Properties/DisplayName", LATER, "Dynamic", "Vpc") == (
        near.path,
        near.after,
        near.evaluation,
        near.cause,
    )
    assert ("Near", F) == (far.cause, changes["Far"].replacement)


@pytest.mark.parametrize(
    ("name", "replacement"),
    [("fixed-2", T), ({"Ref": "Vpc"}, C)],
    ids=["certain", "if it changes"],
)
def test_a_property_that_makes_a_new_resource_says_so(name: Any, replacement: Replacement) -> None:
    """The provider schemas know; without the value it is only possible."""
    changes = told({"A": a_topic(TopicName="fixed")}, {"A": a_topic(TopicName=name)}, VPC)

    assert replacement is changes["A"].replacement
    assert "Always" == changes["A"].details[0].recreation


def test_what_is_beside_the_properties_is_compared() -> None:
    """A dropped policy is a change."""
    kept = {**a_topic(), "DeletionPolicy": "Retain"}

    assert (Detail("/DeletionPolicy", "Retain", None),) == told({"A": kept}, {"A": a_topic()})[
        "A"
    ].details


# At apply -----------------------------------------------------------------------------------------


def deferred_world(actual: Change) -> tuple[World, Any]:
    """Return a rollout whose app waits for a network that is made anew, and what it will do."""
    world = World()
    network = a_stack("network")
    resources = {"Topic": a_topic(DisplayName={"Ref": "Vpc"}), "Other": a_topic()}
    world.has(app(resources), parameters={"Vpc": "old"}, template=app(resources).template.text)
    world.cloud.changes["app"] = (actual,)
    return world, a_rollout(network, app(resources))


@pytest.mark.parametrize(
    ("actual", "ending"),
    [
        (a_change("Topic", "Modify", "AWS::SNS::Topic", F), Ending.DONE),
        (a_change("Topic", "Modify", "AWS::SNS::Topic", T), Ending.BLOCKED),
        (a_change("Other", "Modify", "AWS::SNS::Topic", F), Ending.BLOCKED),
        (a_change("Topic", "Remove", "AWS::SNS::Topic"), Ending.BLOCKED),
        (a_change("Late", "Add", "AWS::SNS::Topic"), Ending.DONE),
    ],
)
def test_at_apply_no_more_than_that_is_carried_out(actual: Change, ending: Ending) -> None:
    """What was agreed to came from the templates; what was done upstream stays. (D-15)"""
    world, rollout = deferred_world(actual)
    previews = world.preview(rollout)
    (waiting,) = [each for each in previews if isinstance(each, Deferred)]

    outcome = world.apply(rollout, previews=previews, strict=True)

    assert ["Topic"] == [each.logical_id for each in waiting.expected.changes]
    assert {"network": Ending.DONE, "app": ending} == endings(outcome)
    if ending is Ending.BLOCKED:
        assert 6 == outcome.exit_code


def test_an_import_in_the_place_of_an_addition_is_no_surprise_offline() -> None:
    """Templates do not tell what an earlier destroy has kept."""
    adds, imports = (a_change_set(a_change("A", action)) for action in ("Add", "Import"))

    assert () == surprises(adds, imports, asked=False)
    assert ("A: Import",) == surprises(adds, imports)


def test_surprises_are_known_by_their_way_through_nested_stacks() -> None:
    """The same logical ID in two nested stacks is two resources. (R-11)"""

    def nested(inner: str, change: Change) -> Change:
        kind = "AWS::CloudFormation::Stack"
        return a_change(inner, "Modify", kind, nested=a_change_set(change))

    small, big = a_change("B", "Modify"), a_change("B", "Modify", replacement=T)
    reviewed = a_change_set(nested("One", big), nested("Two", small))

    assert () == surprises(reviewed, reviewed)
    assert ("Two/B: Modify with replacement",) == surprises(
        reviewed, a_change_set(nested("One", small), nested("Two", big))
    )
    assert ("Three: Modify",) == surprises(reviewed, a_change_set(nested("Three", small)))
