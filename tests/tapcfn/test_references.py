"""Who takes what from whom, read from templates and wiring alone. (D-16)"""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.errors import TemplateError
from tapcfn.intrinsics import text_of
from tapcfn.model import EMPTY, OutputOf, Snapshot, Stack, Target
from tapcfn.plan import plan, plan_destroy
from tapcfn.references import Edge, Kind, consumers, edges, exports_of, weak_needs
from tests.fakes import AWAY, HOME, a_rollout, a_stack


def exporting(name: str = "maker", export: Any = "shared-id", **more: Any) -> Stack:
    """Return a stack whose output Id is exported."""
    output = {"Id": {"Value": "v", "Export": {"Name": export}}}
    return a_stack(name, Outputs=output, **more)


def taking(value: Any, name: str = "taker", **more: Any) -> Stack:
    """Return a stack whose topic is called what a reference comes to."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": value}}
    return a_stack(name, resources={"Topic": topic}, **more)


PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/app/id", "Value": "v"}}
STACK_OUTPUT = {"Fn::GetStackOutput": {"StackName": "maker", "OutputName": "Id"}}


@pytest.mark.parametrize(
    ("maker", "taker", "kind", "key"),
    [
        (
            a_stack("maker"),
            a_stack("taker", parameters={"In": OutputOf("maker", "Id")}),
            Kind.OUTPUT,
            "Id",
        ),
        (exporting(), taking({"Fn::ImportValue": "shared-id"}), Kind.IMPORT, "Id"),
        (
            exporting(export={"Fn::Sub": "${AWS::StackName}-id"}),
            taking({"Fn::ImportValue": {"Fn::Join": ["-", ["maker", "id"]]}}),
            Kind.IMPORT,
            "Id",
        ),
        (a_stack("maker"), taking(STACK_OUTPUT), Kind.STACK_OUTPUT, "Id"),
        (
            a_stack("maker", target=AWAY),
            taking(
                {
                    "Fn::GetStackOutput": {
                        "StackName": "maker",
                        "OutputName": "Id",
                        "Region": AWAY.region,
                    }
                }
            ),
            Kind.STACK_OUTPUT,
            "Id",
        ),
        (
            a_stack("maker", resources={"P": PARAMETER}),
            taking("{{resolve:ssm:/app/id:3}}"),
            Kind.SSM,
            "/app/id",
        ),
        (
            a_stack("maker", resources={"P": PARAMETER}),
            a_stack(
                "taker",
                Parameters={
                    "In": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/app/id"}
                },
            ),
            Kind.SSM,
            "/app/id",
        ),
    ],
)
def test_every_way_that_a_value_travels_is_an_edge(
    maker: Stack, taker: Stack, kind: Kind, key: str
) -> None:
    """Named by producer, consumer and what is taken."""
    found = edges(a_rollout(taker, maker))

    assert (Edge("maker", "taker", kind, key),) == found
    assert ("taker",) == consumers(found, "maker", key)
    assert () == consumers(found, "maker", "Other")


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ({"Fn::ImportValue": "foreign"}, "foreign"),
        ({"Fn::ImportValue": {"Ref": "Unknown"}}, "?"),
        ({"Fn::GetStackOutput": {"StackName": "other", "OutputName": "Id"}}, "other.Id"),
        ("{{resolve:ssm:/foreign}}", "/foreign"),
    ],
)
def test_what_the_rollout_does_not_make_comes_from_outside(value: Any, key: str) -> None:
    """It is shown, and orders nothing."""
    rollout = a_rollout(exporting(), taking(value))

    assert ["outside"] == [edge.producer for edge in edges(rollout)]
    assert [key] == [edge.key for edge in edges(rollout)]
    assert {} == weak_needs(rollout)


def test_an_export_counts_in_its_own_account_and_region() -> None:
    """The same name elsewhere is another one."""
    rollout = a_rollout(exporting(target=AWAY), taking({"Fn::ImportValue": "shared-id"}))

    assert ["outside"] == [edge.producer for edge in edges(rollout)]


def test_who_imports_comes_after_who_exports_and_goes_before() -> None:
    """Nobody has to say so: plan and destroy read it from the templates."""
    taker, maker = taking({"Fn::ImportValue": "shared-id"}, "a-taker"), exporting("z-maker")
    rollout = a_rollout(taker, maker)

    made = plan(rollout, Snapshot(EMPTY))
    gone = plan_destroy(rollout, Snapshot(EMPTY))

    assert ["z-maker", "a-taker"] == [step.stack.name for step in made.steps]
    assert [frozenset(), frozenset({"z-maker"})] == [step.needs for step in made.steps]
    assert ["a-taker", "z-maker"] == [step.stack.name for step in gone.steps]


def test_a_circle_is_refused_with_its_path() -> None:
    """One reference is wired, the other one weak: neither alone would show it."""
    maker = exporting(parameters={"In": OutputOf("taker", "Id")})
    taker = taking({"Fn::ImportValue": "shared-id"})

    with pytest.raises(TemplateError, match=r"need each other: (maker -> taker|taker -> maker)"):
        plan(a_rollout(maker, taker), Snapshot(EMPTY))


def test_a_stack_that_reads_its_own_parameter_is_no_circle() -> None:
    """It needs nobody else."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "{{resolve:ssm:/app/id}}"}}
    alone = a_stack("alone", resources={"P": PARAMETER, "Topic": topic})

    assert {} == weak_needs(a_rollout(alone))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ({"Ref": "Name"}, "given"),
        ({"Ref": "Wired"}, None),
        ({"Ref": "Declared"}, "default"),
        ({"Fn::Sub": "${AWS::AccountId}-${AWS::Region}-${Name}-${!Kept}"}, None),
        ({"Fn::Sub": ["${A}-${Name}", {"A": {"Ref": "Declared"}}]}, "default-given"),
        ({"Fn::Sub": ["${A}", {"A": {"Ref": "Wired"}}]}, None),
        ({"Fn::Join": ["/", ["a", {"Ref": "Name"}]]}, "a/given"),
        ({"Fn::Join": ["/", ["a", {"Ref": "Wired"}]]}, None),
        ({"Fn::GetAtt": ["Topic", "Arn"]}, None),
        (7, None),
    ],
)
def test_names_are_computed_as_far_as_they_can_be(value: Any, text: str | None) -> None:
    """From what is known before anything is deployed."""
    stack = a_stack(
        parameters={"Name": "given", "Wired": OutputOf("other", "Id")},
        defaults={"Declared": "default", "Wired": "no"},
    )
    if "${!Kept}" in str(value):
        text = f"{HOME.account}-{HOME.region}-given-${{Kept}}"

    assert text == text_of(value, stack)


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_partition_follows_from_the_region(region: str, partition: str) -> None:
    """Names often have it in them."""
    stack = a_stack(target=Target(HOME.account, region))

    assert partition == text_of({"Ref": "AWS::Partition"}, stack)


def test_an_export_whose_name_cannot_be_known_is_left_out() -> None:
    """A name that takes another stack's output is known only once that is deployed."""
    stack = exporting(export={"Ref": "In"}, parameters={"In": OutputOf("other", "Id")})

    assert {} == exports_of(stack)
