"""Rules of a template: what they assert of its parameters, before anything is made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import Aws, deploy, exists, resource, settled, template

SMALL = {"Fn::Contains": [["s", "m"], {"Ref": "Size"}]}
IN_PRODUCTION = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
SUBNETS = {"Type": "List<AWS::EC2::Subnet::Id>"}


def ruled(assertion: Any, condition: Any = None, **parameters: Any) -> str:
    """Return a template with one rule of one assertion."""
    rule = {"Assertions": [{"Assert": assertion, "AssertDescription": "It must fit"}]}
    declared = {
        "Size": {"Type": "String", "Default": "s"},
        "Stage": {"Type": "String", "Default": "dev"},
        "Names": {"Type": "CommaDelimitedList", "Default": "a, b"},
    }
    return template(
        {"Topic": resource("SNS::Topic", {"DisplayName": {"Ref": "Size"}})},
        Parameters=declared | parameters,
        Rules={"Fits": rule | ({"RuleCondition": condition} if condition else {})},
    )


def create(aws: Aws, body: str, **parameters: str) -> str:
    """Create a stack and return what became of it, or why it was refused."""
    cloudformation = aws.client("cloudformation")
    given = [{"ParameterKey": key, "ParameterValue": text} for key, text in parameters.items()]
    try:
        cloudformation.create_stack(StackName="stack", TemplateBody=body, Parameters=given)
    except ClientError as error:
        return str(error).partition("operation: ")[2]
    return str(settled(cloudformation, "stack")["StackStatus"])


@pytest.mark.parametrize(
    ("assertion", "condition", "parameters", "fits"),
    [
        (SMALL, None, {"Size": "m"}, True),
        (SMALL, None, {"Size": "xl"}, False),
        (SMALL, IN_PRODUCTION, {"Size": "xl"}, True),
        (SMALL, IN_PRODUCTION, {"Size": "xl", "Stage": "prod"}, False),
        ({"Fn::EachMemberIn": [{"Ref": "Names"}, ["a", "b", "c"]]}, None, {}, True),
        ({"Fn::EachMemberIn": [{"Ref": "Names"}, ["a"]]}, None, {}, False),
        ({"Fn::EachMemberEquals": [{"Ref": "Names"}, "a"]}, None, {"Names": "a,a"}, True),
        ({"Fn::EachMemberEquals": [{"Ref": "Names"}, "a"]}, None, {}, False),
        ({"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}, None, {}, True),
        ({"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "dev"]}]}, None, {}, False),
    ],
)
def test_an_assertion_holds_or_refuses(
    aws: Aws, assertion: Any, condition: Any, parameters: dict[str, str], fits: bool
):
    """With its description; where the rule's condition does not hold, nobody asks."""
    ended = create(aws, ruled(assertion, condition), **parameters)

    expected = "CREATE_COMPLETE" if fits else "Template error: rule Fits failed: It must fit"
    assert expected == ended


def test_an_assertion_may_ask_what_is_there(aws: Aws):
    """Subnets of one VPC, by the attributes of what the parameters name."""
    ec2 = aws.client("ec2")
    vpcs = [ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(2)]
    one, two = (
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"] for vpc in vpcs
    )
    inside = {"Fn::EachMemberEquals": [{"Fn::ValueOf": ["Subnets", "VpcId"]}, vpcs[0]]}
    known = {"Fn::EachMemberIn": [{"Ref": "Subnets"}, {"Fn::RefAll": "AWS::EC2::Subnet::Id"}]}
    zones = {"Fn::Contains": [{"Fn::ValueOfAll": ["AWS::EC2::Subnet::Id", "VpcId"]}, vpcs[1]]}
    ec2.create_key_pair(KeyName="mine")
    key = {"Fn::Contains": [{"Fn::RefAll": "AWS::EC2::KeyPair::KeyName"}, "mine"]}
    body = ruled({"Fn::And": [inside, known, zones, key]}, Subnets=SUBNETS)

    refused = create(aws, body, Subnets=f"{one},{two}")
    assert refused.endswith("It must fit")
    assert not exists(aws.client("cloudformation"), "stack")
    assert "CREATE_COMPLETE" == create(aws, body, Subnets=one)


def test_updates_and_change_sets_are_refused_as_well(aws: Aws):
    """Before anything is staged or begun."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", ruled(SMALL))
    wrong = [{"ParameterKey": "Size", "ParameterValue": "xl"}]
    request = {"StackName": "stack", "TemplateBody": ruled(SMALL), "Parameters": wrong}

    with pytest.raises(ClientError, match="It must fit"):
        cloudformation.update_stack(**request)
    for name, kind in (("stack", "UPDATE"), ("other", "CREATE")):
        with pytest.raises(ClientError, match="It must fit"):
            cloudformation.create_change_set(
                **request | {"StackName": name}, ChangeSetName="c", ChangeSetType=kind
            )
    assert not exists(cloudformation, "other")


@pytest.mark.parametrize(
    ("assertion", "lacking"),
    [
        (
            {"Fn::Contains": [{"Fn::RefAll": "AWS::Route53::HostedZone::Id"}, "x"]},
            "AWS::Route53::HostedZone::Id",
        ),
        ({"Fn::Equals": [{"Fn::ValueOf": ["Size", "VpcId"]}, "x"]}, "String"),
        (
            {"Fn::Contains": [{"Fn::ValueOfAll": ["AWS::EC2::VPC::Id", "Owner"]}, "x"]},
            "Owner of AWS::EC2::VPC::Id",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(aws: Aws, assertion: Any, lacking: str):
    """A rule is never passed over."""
    refused = create(aws, ruled(assertion))

    assert "The local cloud does not provide what rule Fits asks for" in refused
    assert lacking in refused
    assert "CREATE_COMPLETE" == create(
        aws, json.dumps({**json.loads(ruled(assertion)), "Rules": {}})
    )
