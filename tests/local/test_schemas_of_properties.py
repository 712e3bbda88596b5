"""Which properties a type knows and needs, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.local import schemas, taken

GOOD_RULE = {"Status": "Enabled", "ExpirationInDays": 1}


@pytest.mark.parametrize(
    ("kind", "properties", "late"),
    [
        ("AWS::SNS::Topic", None, []),
        ("AWS::SNS::Topic", {"Foo": 1}, ["#: extraneous key [Foo] is not permitted"]),
        ("AWS::SSM::Parameter", {"Type": "String"}, ["#: required key [Value] not found"]),
        (
            "AWS::S3::Bucket",
            {"LifecycleConfiguration": {"Rules": [GOOD_RULE, {"State": "On"}]}},
            [
                "#/LifecycleConfiguration/Rules/1: required key [Status] not found",
                "#/LifecycleConfiguration/Rules/1: extraneous key [State] is not permitted",
            ],
        ),
        ("AWS::S3::Bucket", {"LifecycleConfiguration": {"Ref": "Rules"}}, []),
        ("AWS::S3::Bucket", {"Fn::Transform": {"Name": "AWS::Include"}}, []),
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Anything": "goes"}}, []),
        ("AWS::CloudFormation::CustomResource", {"ServiceToken": "x", "Own": 1}, []),
        ("Custom::Mine", {"Own": 1}, []),
        ("AWS::Nobody::KnowsIt", {"Own": 1}, []),
    ],
)
def test_misfits(kind: str, properties: Any, late: list[str]):
    """Unknown and missing properties are found at every depth, and functions are let alone."""
    assert late == [each.late for each in schemas.misfits(kind, properties)]


def test_both_voices():
    """Validation before a deployment has other words than the resource operation."""
    found = schemas.misfits("AWS::SSM::Parameter", {"Type": "String", "Foo": 1})

    assert [each.early for each in found] == [
        "Required property [Value] not found",
        "Unsupported property [Foo]",
    ]


def test_the_files_are_those_of_cfn_lint():
    """What is read here without importing cfn-lint is what its manager returns."""
    manager = pytest.importorskip("cfnlint.schema.manager").PROVIDER_SCHEMA_MANAGER
    for kind in ("AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::EC2::Subnet", "AWS::KMS::Key"):
        schema = manager.get_resource_schema("us-east-1", kind).schema
        everything = {name: {"Ref": "X"} for name in schema["properties"]}

        assert schemas.misfits(kind, everything) == []
        missing = [each.key for each in schemas.misfits(kind, {})]
        assert missing == schema.get("required", [])


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, {"Fn::If": ["Yes", 3, 4]}]}, 3),
        ({"Fn::If": ["Other", 1, 2]}, {"Fn::If": ["Other", 1, 2]}),
        ({"A": {"Ref": "AWS::NoValue"}, "B": 1}, {"B": 1}),
        ([{"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, 2], [2]),
    ],
)
def test_branches(node: Any, expected: Any):
    """The branch that is taken stands in place of the If, and what is left out is gone."""
    assert expected == taken.branch(node, {"Yes": True, "No": False})


def test_what_a_condition_leaves_out():
    """Resources and outputs without their condition do not count."""
    template = {"Resources": {"A": {"Condition": "No"}, "B": {"Condition": "Yes"}}}

    assert list(taken.branches(template, {"Yes": True, "No": False})["Resources"]) == ["B"]
