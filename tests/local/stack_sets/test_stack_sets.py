"""Stack sets themselves: made, described, listed, updated, deleted, refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.stack_sets.fleet import (
    ADMINISTRATION,
    EXECUTION,
    NAME,
    create_set,
    ending,
    groups,
    instance,
    make_administration_role,
    operate,
    parameters,
    topics,
    with_parameters,
)
from tests.local_cloud import AWAY, HOME, outputs, resource, template

IAM = template({"Role": resource("IAM::Role", {"AssumeRolePolicyDocument": {}})})
BROKEN = template({"Topic": resource("SNS::Topic", {"TopicName": {"Ref": "Nobody"}})})


def refused(code: str, message: str = "") -> Any:
    """Expect a refusal with a code."""
    return pytest.raises(ClientError, match=rf"\({code}\).*{message}")


def described(fleet: Any, name: str = NAME) -> dict[str, Any]:
    """Return the stack set."""
    return dict(fleet.cfn.describe_stack_set(StackSetName=name)["StackSet"])


def test_a_new_set_is_described(pair):
    """Everything that it was made from is told, and the roles that nobody named."""
    body = with_parameters(Size="1", Name=None)
    made = create_set(
        pair,
        body,
        Description="first <light>",
        Parameters=parameters({"Name": "n"}),
        Tags=[{"Key": "team", "Value": "red & blue"}],
        Capabilities=["CAPABILITY_IAM"],
    )
    told = described(pair)

    assert made == told["StackSetId"]
    assert {
        "StackSetName": NAME,
        "StackSetId": made,
        "Description": "first <light>",
        "Status": "ACTIVE",
        "TemplateBody": body,
        "Parameters": parameters({"Size": "1", "Name": "n"}),
        "Capabilities": ["CAPABILITY_IAM"],
        "Tags": [{"Key": "team", "Value": "red & blue"}],
        "StackSetARN": f"arn:aws:cloudformation:{HOME}:{pair.admin}:stackset/{made}",
        "AdministrationRoleARN": f"arn:aws:iam::{pair.admin}:role/{ADMINISTRATION}",
        "ExecutionRoleName": EXECUTION,
        "OrganizationalUnitIds": [],
        "PermissionModel": "SELF_MANAGED",
        "ManagedExecution": {"Active": False},
        "Regions": [],
        "StackSetDriftDetectionDetails": {
            "DriftStatus": "NOT_CHECKED",
            "TotalStackInstancesCount": 0,
            "DriftedStackInstancesCount": 0,
            "InSyncStackInstancesCount": 0,
            "InProgressStackInstancesCount": 0,
            "FailedStackInstancesCount": 0,
        },
    } == told
    assert told == described(pair, made)


def test_a_secret_is_never_shown(pair):
    """NoEcho parameters are covered in the set and in an instance's overrides."""
    body = template(
        {"Topic": resource("SNS::Topic")},
        Parameters={"Word": {"Type": "String", "NoEcho": True}},
    )
    create_set(pair, body, Parameters=parameters({"Word": "open"}))
    operate(pair, "create_stack_instances", ParameterOverrides=parameters({"Word": "other"}))
    covered = [{"ParameterKey": "Word", "ParameterValue": "****"}]

    assert covered == described(pair)["Parameters"]
    assert covered == instance(pair, pair.accounts[0])["ParameterOverrides"]


def test_a_name_is_taken_once(pair):
    """Another request of that name is refused; the same one, sent again, is answered the same."""
    first = create_set(pair, groups(), ClientRequestToken="token-1")
    again = create_set(pair, groups(), ClientRequestToken="token-1")

    assert first == again
    with refused("NameAlreadyExistsException"):
        create_set(pair, groups())
    with refused("CreatedButModifiedException"):
        create_set(pair, topics(), ClientRequestToken="token-1")


def test_each_region_has_its_own_sets(pair):
    """A set is known in the account and Region in which it was made, and nowhere else."""
    create_set(pair, groups())
    away = pair.of(pair.admin).client("cloudformation", AWAY)

    assert [] == away.list_stack_sets()["Summaries"]
    with refused("StackSetNotFoundException"):
        away.describe_stack_set(StackSetName=NAME)


def test_sets_are_listed_in_pages(pair):
    """Deleted ones can be left out; a page's token leads to the next page of the same list."""
    names = [f"set-{number}" for number in range(5)]
    for name in names:
        pair.cfn.create_stack_set(StackSetName=name, TemplateBody=groups())
    pair.cfn.delete_stack_set(StackSetName="set-3")
    paginate = pair.cfn.get_paginator("list_stack_sets").paginate
    pages = list(paginate(Status="ACTIVE", PaginationConfig={"PageSize": 3}))

    assert [3, 1] == [len(page["Summaries"]) for page in pages]
    assert [
        "set-0",
        "set-1",
        "set-2",
        "set-4",
    ] == [each["StackSetName"] for page in pages for each in page["Summaries"]]
    assert ["set-3"] == [
        each["StackSetName"] for each in pair.cfn.list_stack_sets(Status="DELETED")["Summaries"]
    ]
    assert 5 == len(pair.cfn.list_stack_sets()["Summaries"])
    with refused("ValidationError", "NextToken"):
        pair.cfn.list_stack_sets(NextToken=pages[0]["NextToken"], Status="DELETED")
    with refused("ValidationError", "NextToken"):
        pair.cfn.list_stack_sets(NextToken="never given")


def test_a_set_with_instances_stays(pair):
    """It can be deleted when it is empty; its name is free then, and its id still readable."""
    first = create_set(pair, topics())
    operate(pair, "create_stack_instances")
    with refused("StackSetNotEmptyException"):
        pair.cfn.delete_stack_set(StackSetName=NAME)
    operate(pair, "delete_stack_instances")
    pair.cfn.delete_stack_set(StackSetName=NAME)
    with refused("StackSetNotFoundException"):
        described(pair)
    with refused("StackSetNotFoundException"):
        pair.cfn.delete_stack_set(StackSetName=NAME)
    second = create_set(pair, topics())

    assert first != second
    assert "DELETED" == described(pair, first)["Status"]


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({}, "ValidationError", "Either Template URL or Template Body"),
        ({"TemplateBody": "{"}, "ValidationError", "Template format error"),
        ({"TemplateBody": BROKEN}, "ValidationError", r"Unresolved resource dependencies \[Nobody"),
        ({"TemplateBody": IAM}, "InsufficientCapabilitiesException", "CAPABILITY_IAM"),
        (
            {"TemplateBody": with_parameters(Name=None)},
            "ValidationError",
            r"Parameters: \[Name\] must have values",
        ),
        (
            {"TemplateBody": groups(), "Parameters": parameters({"X": "1"})},
            "ValidationError",
            r"Parameters: \[X\] do not exist",
        ),
        ({"TemplateBody": groups(), "StackSetName": "0bad"}, "ValidationError", "StackSetName"),
        ({"TemplateBody": "x" * 51_201}, "ValidationError", "templateBody"),
    ],
)
def test_a_wrong_set_is_refused(idle, request_, code, message):
    """What no stack would take makes no stack set."""
    with refused(code, message):
        idle.cfn.create_stack_set(**{"StackSetName": NAME, **request_})

    assert [] == idle.cfn.list_stack_sets()["Summaries"]


def test_a_template_from_a_bucket(pair):
    """A template that is too long for a request comes from S3, and reaches every instance."""
    long = json.loads(topics()) | {"Metadata": {"Words": ["word" * 10] * 1500}}
    s3 = pair.of(pair.admin).client("s3")
    s3.create_bucket(Bucket=f"templates-{pair.admin}")
    s3.put_object(Bucket=f"templates-{pair.admin}", Key="long.json", Body=json.dumps(long))
    url = f"https://s3.amazonaws.com/templates-{pair.admin}/long.json"
    pair.cfn.create_stack_set(StackSetName=NAME, TemplateURL=url)
    done = operate(pair, "create_stack_instances")
    account = pair.accounts[0]
    cloudformation = pair.of(account).client("cloudformation")
    stack = instance(pair, account)["StackId"]

    assert ("SUCCEEDED", 0) == ending(done)
    assert long == json.loads(described(pair)["TemplateBody"])
    assert long == cloudformation.get_template(StackName=stack)["TemplateBody"]
    assert [] == pair.of(account).client("s3").list_buckets()["Buckets"]


# Updates ------------------------------------------------------------------------------------------


def test_an_update_says_one_template(pair):
    """A body, a URL or the previous one: none or two are refused."""
    create_set(pair, groups())
    update = pair.cfn.update_stack_set
    with refused("ValidationError", "Exactly one"):
        update(StackSetName=NAME)
    with refused("ValidationError", "Exactly one"):
        update(StackSetName=NAME, TemplateBody=groups(), UsePreviousTemplate=True)
    with refused("ValidationError", "Accounts and Regions"):
        update(StackSetName=NAME, UsePreviousTemplate=True, Accounts=list(pair.accounts))
    with refused("StackInstanceNotFoundException"):
        update(StackSetName=NAME, UsePreviousTemplate=True, Accounts=["1" * 12], Regions=[HOME])

    assert [] == pair.cfn.list_stack_set_operations(StackSetName=NAME)["Summaries"]


def test_parameters_of_an_update(pair):
    """Previous values must be asked for; what is left out falls back to its default."""
    create_set(
        pair, with_parameters(One="1", Two="2"), Parameters=parameters({"One": "a", "Two": "b"})
    )
    operate(pair, "create_stack_instances")
    operate(
        pair, "update_stack_set", UsePreviousTemplate=True, Parameters=parameters({"One": None})
    )

    assert parameters({"One": "a", "Two": "2"}) == described(pair)["Parameters"]
    assert {"One": "a", "Two": "2"} == outputs(pair.stack(pair.accounts[1], AWAY))


def test_tags_and_description_of_an_update(pair):
    """Left out, they stay; a list of tags replaces them, an empty one removes them, also below."""
    tags = [{"Key": "team", "Value": "red"}]
    create_set(pair, topics(), Tags=tags, Description="first")
    operate(pair, "create_stack_instances")
    before = pair.stack(pair.accounts[0], HOME)["Tags"]
    operate(pair, "update_stack_set", UsePreviousTemplate=True)
    kept = described(pair)
    operate(pair, "update_stack_set", UsePreviousTemplate=True, Tags=[], Description="last")
    after = described(pair)

    assert (kept["Tags"], kept["Description"]) == (tags, "first")
    assert ([], "last") == (after["Tags"], after["Description"])
    assert (before, pair.stack(pair.accounts[0], HOME)["Tags"]) == (tags, [])


def test_capabilities_reach_the_stacks(pair):
    """An update must acknowledge again what it makes."""
    create_set(pair, IAM, Capabilities=["CAPABILITY_IAM"])
    operate(pair, "create_stack_instances", Regions=[HOME])

    assert ["CAPABILITY_IAM"] == pair.stack(pair.accounts[0], HOME)["Capabilities"]
    with refused("InsufficientCapabilitiesException"):
        pair.cfn.update_stack_set(StackSetName=NAME, UsePreviousTemplate=True)


def test_a_customized_administrator_is_named_again(pair):
    """As the service asks for; the execution role stays without being named."""
    make_administration_role(pair, name="Boss")
    boss = f"arn:aws:iam::{pair.admin}:role/Boss"
    create_set(pair, topics(), AdministrationRoleARN=boss)
    with refused("ValidationError", "AdministrationRoleARN must be specified"):
        pair.cfn.update_stack_set(StackSetName=NAME, UsePreviousTemplate=True)
    done = operate(pair, "update_stack_set", UsePreviousTemplate=True, AdministrationRoleARN=boss)

    assert "SUCCEEDED" == done["Status"]
    assert boss == done["AdministrationRoleARN"]
