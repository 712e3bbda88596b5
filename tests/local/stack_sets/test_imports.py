"""Imports: stacks that are there join a stack set."""

from __future__ import annotations

import pytest

from tests.local.stack_sets.fleet import (
    NAME,
    Fleet,
    create_set,
    ended,
    instance,
    instances,
    operate,
    operation,
    outcome,
    parameters,
    reasons,
    stacks,
    state,
    topics,
    with_parameters,
)
from tests.local.stack_sets.realm import create_set as create_managed_set
from tests.local.stack_sets.realm import realm
from tests.local.stack_sets.test_stack_sets import refused
from tests.local_cloud import AWAY, HOME, deploy, resource, template, until

BODY = with_parameters(Size="1")
SECRET = template(
    {"Topic": resource("SNS::Topic")},
    Parameters={"Word": {"Type": "String", "NoEcho": True, "Default": "x"}},
)


def made(fleet: Fleet, account: str, body: str = BODY, region: str = HOME, **values: str) -> str:
    """Make a stack in an account and return its id."""
    cloudformation = fleet.of(account).client("cloudformation", region)
    return str(deploy(cloudformation, "plain", body, Parameters=values)["StackId"])


def take_in(fleet: Fleet, *stack_ids: str, **request: object) -> str:
    """Begin an import and return its operation."""
    told = fleet.cfn.import_stacks_to_stack_set(
        StackSetName=NAME, StackIds=list(stack_ids), **request
    )
    return str(told["OperationId"])


def test_stacks_are_taken_in(pair):
    """As they are; what they say otherwise are overrides, and updates reach them from then on."""
    one, two = pair.accounts
    there = [made(pair, one), made(pair, two, region=AWAY, Size="2")]
    create_set(pair, BODY)
    done = ended(pair, take_in(pair, *there))

    assert ("CREATE", "SUCCEEDED") == (done["Action"], done["Status"])
    assert there == [instance(pair, *each)["StackId"] for each in ((one, HOME), (two, AWAY))]
    assert ("CURRENT", "SUCCEEDED") == state(pair, two, AWAY)
    assert [] == instance(pair, one)["ParameterOverrides"]
    assert parameters({"Size": "2"}) == instance(pair, two, AWAY)["ParameterOverrides"]
    operate(
        pair, "update_stack_set", UsePreviousTemplate=True, Parameters=parameters({"Size": "3"})
    )
    sizes = [pair.stack(*each)["Outputs"][0]["OutputValue"] for each in ((one, HOME), (two, AWAY))]
    assert ["3", "2"] == sizes


def test_what_was_retained_comes_back(pair):
    """Only this way: a new creation would make another stack."""
    one, _ = pair.accounts
    only = {"Accounts": [one], "Regions": [HOME]}
    create_set(pair, topics())
    operate(pair, "create_stack_instances", **only)
    stack = instance(pair, one)["StackId"]
    operate(pair, "delete_stack_instances", **only, RetainStacks=True)
    ended(pair, take_in(pair, stack))

    assert stack == instance(pair, one)["StackId"]
    assert 1 == len(stacks(pair, one))


def test_what_cannot_be_taken_in(pair):
    """Another template, secrets, and what belongs to another set; the instance tells."""
    one, two = pair.accounts
    create_set(pair, SECRET)
    secret, other = made(pair, one, SECRET), made(pair, two, BODY)
    first = take_in(pair, secret, other, OperationPreferences={"FailureToleranceCount": 2})
    done = ended(pair, first)
    told = reasons(pair, first, "FAILED")

    assert ("SUCCEEDED", 2) == (done["Status"], done["StatusDetails"]["FailedStackInstancesCount"])
    assert ["NoEcho" in told[0], "template" in told[1]] == [True, True]
    assert ("OUTDATED", "FAILED_IMPORT") == state(pair, one)
    assert "StackId" not in instance(pair, one)


def test_a_stack_belongs_to_one_set(pair):
    """Its set is named, and a deletion of the failed instance leaves the stack alone."""
    one, _ = pair.accounts
    stack = made(pair, one)
    create_set(pair, BODY)
    ended(pair, take_in(pair, stack))
    pair.cfn.create_stack_set(StackSetName="second", TemplateBody=BODY)
    asked = {"StackSetName": "second"}
    begun = pair.cfn.import_stacks_to_stack_set(**asked, StackIds=[stack])["OperationId"]

    def failed() -> list[str]:
        told = pair.cfn.list_stack_set_operation_results(**asked, OperationId=begun)["Summaries"]
        return [each["StatusReason"] for each in told if each["Status"] == "FAILED"]

    (reason,) = until(failed)
    assert f"belongs to stack set {NAME}:" in reason
    pair.cfn.delete_stack_instances(**asked, Accounts=[one], Regions=[HOME], RetainStacks=False)
    until(lambda: not pair.cfn.list_stack_instances(**asked)["Summaries"])
    assert [stack] == [each["StackId"] for each in stacks(pair, one)]


def test_a_set_is_made_after_a_stack(pair):
    """With its template and its parameters; the stack joins by an import of its own."""
    one, _ = pair.accounts
    stack = made(pair, one, Size="7")
    pair.cfn.create_stack_set(StackSetName=NAME, StackId=stack)
    told = pair.cfn.describe_stack_set(StackSetName=NAME)["StackSet"]

    assert (BODY, parameters({"Size": "7"})) == (told["TemplateBody"], told["Parameters"])
    assert [] == instances(pair)
    ended(pair, take_in(pair, stack))
    assert [] == instance(pair, one)["ParameterOverrides"]
    secret = made(pair, pair.accounts[1], SECRET)
    with refused("ValidationError", "NoEcho"):
        pair.cfn.create_stack_set(StackSetName="other", StackId=secret)
    with refused("ValidationError", "Either Template URL"):
        pair.cfn.create_stack_set(StackSetName="other", StackId=stack, TemplateBody=BODY)


def test_stacks_from_a_file(pair):
    """More than ten come from a bucket."""
    one, _ = pair.accounts
    stack = made(pair, one)
    s3 = pair.of(pair.admin).client("s3")
    s3.create_bucket(Bucket=f"stacks-{pair.admin}")
    s3.put_object(Bucket=f"stacks-{pair.admin}", Key="list", Body=f'["{stack}"]'.encode())
    create_set(pair, BODY)
    begun = pair.cfn.import_stacks_to_stack_set(
        StackSetName=NAME, StackIdsUrl=f"s3://stacks-{pair.admin}/list"
    )["OperationId"]

    assert "SUCCEEDED" == ended(pair, begun)["Status"]
    assert {(one, HOME): "SUCCEEDED"} == outcome(pair, begun)


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({"StackIds": ["arn:x"]}, "StackNotFoundException", "arn:x"),
        ({"StackIds": ["x"] * 11}, "ValidationError", "At most 10"),
        ({}, "ValidationError", "Either StackIds or StackIdsUrl"),
        (
            {"StackIds": ["x"], "OrganizationalUnitIds": ["ou-abcd-12345678"]},
            "ValidationError",
            "OrganizationalUnitIds",
        ),
    ],
)
def test_wrong_imports_are_refused(pair, request_, code, message):
    """Before anything begins."""
    create_set(pair, BODY)
    with refused(code, message):
        pair.cfn.import_stacks_to_stack_set(StackSetName=NAME, **request_)


def test_units_of_imported_stacks(local_cloud):
    """A service-managed set is told by which unit each stack is its own."""
    org = realm(local_cloud)
    stack = made(org.fleet, org.accounts["d"])
    create_managed_set(org, BODY)
    with refused("ValidationError", "none of the organizational units"):
        take_in(org.fleet, stack, OrganizationalUnitIds=[org.units["apps"]])
    begun = take_in(org.fleet, stack, OrganizationalUnitIds=[org.units["data"]])

    assert "SUCCEEDED" == ended(org.fleet, begun)["Status"]
    assert org.units["data"] == instance(org.fleet, org.accounts["d"])["OrganizationalUnitId"]
    assert "CREATE" == operation(org.fleet, begun)["Action"]
