"""What is acknowledged: asked of the service where the template alone does not tell it."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.aws.cloud import AwsCloud
from tapcfn.model import TemplateBody
from tests.fakes.builders import a_stack, a_template
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.test_stage import ORDER
from tests.tapcfn.aws.wire import ARN, HERE, STACK_ID, Wire, Wires, a_request, described

NAMED, PLAIN, EXPAND = "CAPABILITY_NAMED_IAM", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"
SAYS = "The following resource(s) require capabilities: [AWS::CloudFormation::Stack]"
MACRO = a_template(Transform=["Our::Macro"])
NESTING = a_template(resources={"Inner": "AWS::CloudFormation::Stack"})


def summed_up(cfn: Wire, template: TemplateBody, *capabilities: str, why: str = SAYS) -> None:
    """Queue the service's word on a template."""
    told = {"Capabilities": list(capabilities), "CapabilitiesReason": why} if capabilities else {}
    cfn.answers("get_template_summary", told, TemplateBody=template.text)


def staged(wires: Wires, template: TemplateBody, *sent: str, cloud: Any = None) -> Any:
    """Stage a change set of this template, which must send these capabilities."""
    cfn = wires.to("cloudformation")
    order = ORDER | {"Capabilities": list(sent), "TemplateBody": template.text}
    cfn.answers("create_change_set", {"Id": ARN, "StackId": STACK_ID}, **order)
    cfn.answers("describe_change_set", described(), ChangeSetName=ARN)
    request = a_request(a_stack(target=HERE, template=template))
    made = (cloud or AwsCloud(wires, FakeClock())).stage(request)
    assert made is not None
    return made.acknowledged


def test_what_the_text_tells_is_not_asked(wires: Wires) -> None:
    """An ordinary template costs no call."""
    role = a_template(resources={"Role": "AWS::IAM::Role"})

    assert {} == staged(wires, role, PLAIN)


def test_nested_stacks_are_asked_about_once(wires: Wires) -> None:
    """Two stacks of one template, one question; its reason is kept for the plan. (3.1)"""
    summed_up(wires.to("cloudformation"), NESTING, NAMED, EXPAND)
    cloud = AwsCloud(wires, FakeClock())

    first = staged(wires, NESTING, NAMED, EXPAND, cloud=cloud)
    second = staged(wires, NESTING, NAMED, EXPAND, cloud=cloud)

    assert {NAMED: SAYS, EXPAND: SAYS} == first == second


def test_nothing_is_sent_that_the_service_does_not_ask_for(wires: Wires) -> None:
    """No blanket: where it wants one capability only, one is sent."""
    summed_up(wires.to("cloudformation"), NESTING, PLAIN)

    assert {PLAIN: SAYS} == staged(wires, NESTING, PLAIN)


def test_a_macro_of_the_root_needs_no_word_of_its_own(wires: Wires) -> None:
    """AUTO_EXPAND has no effect on a change set without nested stacks; IAM may come of it."""
    summed_up(wires.to("cloudformation"), MACRO, EXPAND, why="")

    assert {NAMED: "nobody can say before what Our::Macro makes"} == staged(wires, MACRO, NAMED)


def test_a_macro_whose_resources_are_known_gets_what_they_need(wires: Wires) -> None:
    """The service's own word goes before the guess."""
    summed_up(wires.to("cloudformation"), MACRO, PLAIN, EXPAND, why="AWS::IAM::Role")

    assert {PLAIN: "AWS::IAM::Role"} == staged(wires, MACRO, PLAIN)


def test_where_it_may_not_be_asked_the_guess_is_said_to_be_one(wires: Wires) -> None:
    """A denial stops nothing. (X-12)"""
    cfn = wires.to("cloudformation")
    cfn.refuses(
        "get_template_summary", "AccessDenied", 403, message="no way", TemplateBody=NESTING.text
    )

    told = staged(wires, NESTING, NAMED, EXPAND)

    assert {NAMED, EXPAND} == told.keys()
    assert told[NAMED].startswith("guessed, GetTemplateSummary could not be asked: network")
    assert "no way" in told[NAMED]


@pytest.mark.parametrize(
    ("transform", "capabilities"),
    [
        ("AWS::LanguageExtensions", ()),
        ("AWS::Serverless-2016-10-31", (PLAIN,)),
        (["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"], (PLAIN,)),
        ("Our::Macro", (NAMED,)),
        (["AWS::LanguageExtensions", "Our::Macro"], (NAMED,)),
    ],
)
def test_the_guess_knows_the_services_own_transforms(
    transform: Any, capabilities: tuple[str, ...]
) -> None:
    """One makes nothing, one makes roles without names, and of others nobody knows."""
    assert capabilities == a_template(Transform=transform).capabilities


def test_a_macro_inside_the_template_counts_too() -> None:
    """`Fn::Transform` may stand anywhere."""
    properties = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://x"}}}
    topic = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": properties}}

    assert (NAMED,) == a_template(resources=topic).capabilities
