"""Names are spelled out for stacks that may adopt what an earlier destroy kept, and only there."""

from __future__ import annotations

import json

import pytest

from tapcfn.literal import body_of
from tapcfn.model import Stack, Target, TemplateBody, canonical

HERE = Target("111122223333", "eu-west-1")


def a_stack(name: object, *, adopt: bool = True, kind: str = "AWS::S3::Bucket") -> Stack:
    properties = {"BucketName": name, "TopicName": name}
    template = {"Resources": {"Thing": {"Type": kind, "Properties": properties}}}
    return Stack("s", HERE, TemplateBody("l", canonical(template)), adopt=adopt)


def name_in(stack: Stack) -> object:
    return json.loads(body_of(stack).text)["Resources"]["Thing"]["Properties"]["BucketName"]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (
            {"Fn::Sub": "logs-${AWS::AccountId}-${AWS::Region}"},
            "logs-111122223333-eu-west-1",
        ),
        ({"Fn::Sub": "${Prefix}-${AWS::Region}"}, {"Fn::Sub": "${Prefix}-${AWS::Region}"}),
        ({"Fn::Sub": "${AWS::StackName}"}, {"Fn::Sub": "${AWS::StackName}"}),
        ({"Ref": "Name"}, {"Ref": "Name"}),
        ("plain", "plain"),
    ],
)
def test_names_of_account_and_region_are_spelled_out(written: object, sent: object):
    """Both are known when a template is sent; whatever needs more is left to CloudFormation."""
    assert sent == name_in(a_stack(written))


def test_a_stack_that_adopts_nothing_is_sent_as_it_is():
    """Then the committed template is the deployed one, byte for byte."""
    stack = a_stack({"Fn::Sub": "logs-${AWS::Region}"}, adopt=False)

    assert stack.template is body_of(stack)


def test_other_types_keep_their_names():
    """What holds no data is never kept, and so never adopted."""
    stack = a_stack({"Fn::Sub": "${AWS::Region}"}, kind="AWS::SNS::Topic")

    assert {"Fn::Sub": "${AWS::Region}"} == name_in(stack)


def test_spelling_out_changes_nothing_else():
    """Source map, outputs and everything but the name stay."""
    stack = a_stack({"Fn::Sub": "x-${AWS::Region}"})
    sent = json.loads(body_of(stack).text)
    sent["Resources"]["Thing"]["Properties"]["BucketName"] = {"Fn::Sub": "x-${AWS::Region}"}

    assert dict(stack.template.document) == sent
