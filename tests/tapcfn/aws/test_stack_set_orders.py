"""The requests that write to stack sets, word for word, each as the service's model wants it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from tapcfn.aws import stack_set_orders as orders
from tapcfn.model import (
    AccountFilter,
    AutoDeployment,
    Organization,
    Preferences,
    SelfManaged,
    ServiceManaged,
    Share,
)
from tapcfn.stack_sets.calls import Act, Rectangle
from tests.fakes.builders import a_template
from tests.tapcfn.aws.sets import (
    BOTH,
    CAREFUL,
    CAREFULLY,
    ONE,
    TWO,
    UNITS,
    a_managed_set,
    a_set,
    a_set_request,
)
from tests.tapcfn.aws.strict import faults
from tests.tapcfn.aws.wire import TOKEN

MODEL = botocore.session.Session().get_service_model("cloudformation")
SHAPES = {xform_name(name): MODEL.operation_model(name) for name in MODEL.operation_names}
BODY = {"TemplateBody": "{}"}
DEFINED = {
    "StackSetName": "baseline",
    "Description": "baseline 1",
    "Capabilities": ["CAPABILITY_NAMED_IAM"],
    "Tags": [{"Key": "cost", "Value": "1"}, {"Key": "team", "Value": "a"}],
}
SELF = {
    "PermissionModel": "SELF_MANAGED",
    "AdministrationRoleARN": "arn:aws:iam::111122223333:role/"
    "AWSCloudFormationStackSetAdministrationRole",
    "ExecutionRoleName": "AWSCloudFormationStackSetExecutionRole",
}
VALUES = [
    {"ParameterKey": "Days", "ParameterValue": "7"},
    {"ParameterKey": "Size", "ParameterValue": "small"},
]
EVERYWHERE = {"Accounts": [ONE, TWO], "Regions": ["us-east-1", "us-west-2"]}
OPERATION = {
    "StackSetName": "baseline",
    "OperationId": TOKEN,
    "OperationPreferences": CAREFULLY,
}


def sound(call: str, order: dict[str, Any]) -> dict[str, Any]:
    """Return an order that breaks nothing in the service's model."""
    assert [] == list(faults(SHAPES[call].input_shape, order, call))
    return order


# The set itself -----------------------------------------------------------------------------------


def test_a_new_set_says_everything():
    """Every parameter, also one that has the template's default; no operation preferences."""
    order = orders.creation(a_set_request(Act.CREATE), BODY, ())

    assert sound("create_stack_set", order) == {
        **DEFINED,
        **SELF,
        **BODY,
        "Parameters": VALUES,
        "ManagedExecution": {"Active": False},
        "ClientRequestToken": TOKEN,
    }


@pytest.mark.parametrize(
    ("auto", "told"),
    [
        (None, {"Enabled": False}),
        (AutoDeployment(), {"Enabled": True, "RetainStacksOnAccountRemoval": False}),
        (
            AutoDeployment(retain=True, after=("first",)),
            {"Enabled": True, "RetainStacksOnAccountRemoval": True, "DependsOn": ["arn:first"]},
        ),
    ],
)
def test_a_service_managed_set_names_no_role(auto, told):
    """What becomes of accounts that join or leave is said in either case."""
    stack_set = a_managed_set(permission=ServiceManaged(auto=auto), queues=True)
    after = ("arn:first",) if auto and auto.after else ()
    order = orders.creation(a_set_request(Act.CREATE, of=stack_set), BODY, after)

    assert sound("create_stack_set", order) == {
        **DEFINED,
        **BODY,
        "PermissionModel": "SERVICE_MANAGED",
        "Parameters": VALUES,
        "ManagedExecution": {"Active": True},
        "AutoDeployment": told,
        "ClientRequestToken": TOKEN,
    }


def test_an_update_that_renews_carries_everything():
    """And touches the pairs that it names."""
    order = orders.update(a_set_request(Act.UPDATE, BOTH, renews=True), BODY)

    assert sound("update_stack_set", order) == {
        **DEFINED,
        **SELF,
        **BODY,
        **OPERATION,
        **EVERYWHERE,
        "Parameters": VALUES,
        "ManagedExecution": {"Active": False},
    }


def test_what_the_set_once_acknowledged_is_acknowledged_again():
    """A macro asks for more than the text of a template tells."""
    more = ("CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
    order = orders.update(a_set_request(Act.UPDATE, BOTH, capabilities=more), {})

    assert sound("update_stack_set", order)["Capabilities"] == list(more)


def test_a_value_that_nobody_knows_stays_while_the_rest_is_renewed():
    """A secret of the set that is brought back: no default takes its place."""
    order = orders.update(a_set_request(Act.UPDATE, BOTH, renews=True, keeps=("Days",)), BODY)

    assert sound("update_stack_set", order)["Parameters"] == [
        {"ParameterKey": "Size", "ParameterValue": "small"},
        {"ParameterKey": "Days", "UsePreviousValue": True},
    ]


def test_an_update_that_renews_nothing_says_that_all_stays():
    """So that the instances that it does not name keep their status."""
    order = orders.update(a_set_request(Act.UPDATE, BOTH), {})

    assert sound("update_stack_set", order) == {
        **DEFINED,
        **SELF,
        **OPERATION,
        **EVERYWHERE,
        "UsePreviousTemplate": True,
        "Parameters": [
            {"ParameterKey": "Days", "UsePreviousValue": True},
            {"ParameterKey": "Size", "UsePreviousValue": True},
        ],
    }


def test_an_update_of_everyone_names_nobody():
    """No accounts and no Regions: the service takes all instances."""
    order = orders.update(a_set_request(Act.UPDATE, renews=True), BODY)

    assert not {"Accounts", "Regions", "DeploymentTargets", "AutoDeployment"} & set(order)
    assert CAREFULLY == sound("update_stack_set", order)["OperationPreferences"]


def test_no_tags_are_an_empty_list():
    """Left out, the set would keep those of before."""
    order = orders.update(a_set_request(Act.UPDATE, BOTH, of=a_set(tags={}), renews=True), BODY)

    assert [] == order["Tags"]


def test_roles_of_other_names_are_named_in_every_update():
    """The service forgets neither, and wants to hear them again."""
    role = "arn:aws:iam::111122223333:role/Admin"
    stack_set = a_set(permission=SelfManaged(role, "Execution"))
    order = orders.update(a_set_request(Act.UPDATE, BOTH, of=stack_set), {})

    assert (role, "Execution") == (order["AdministrationRoleARN"], order["ExecutionRoleName"])


def test_a_template_without_a_description_has_none():
    """The service takes no empty one, and none of more than 1024 characters."""
    long = a_set(template=a_template("baseline", Description="x" * 2000))
    none = a_set(template=a_template("baseline", Description=""))

    told = orders.creation(a_set_request(Act.CREATE, of=long), BODY, ())
    assert 1024 == len(sound("create_stack_set", told)["Description"])
    assert "Description" not in orders.creation(a_set_request(Act.CREATE, of=none), BODY, ())


# Instances ----------------------------------------------------------------------------------------


def test_instances_are_added_with_what_they_override():
    """By key; an addition that overrides nothing sends no list."""
    request = a_set_request(Act.ADD, BOTH, overrides={"Size": "big", "Days": "1"})
    told = [
        {"ParameterKey": "Days", "ParameterValue": "1"},
        {"ParameterKey": "Size", "ParameterValue": "big"},
    ]
    order = sound("create_stack_instances", orders.instances(request))

    assert {**OPERATION, **EVERYWHERE, "ParameterOverrides": told} == order
    assert {**OPERATION, **EVERYWHERE} == orders.instances(a_set_request(Act.ADD, BOTH))


def test_overrides_are_taken_back_by_an_empty_list():
    """A key that a list leaves out goes back to the set's value; no list would change nothing."""
    order = orders.instances(a_set_request(Act.OVERRIDE, BOTH, overrides={}))

    assert {**OPERATION, **EVERYWHERE, "ParameterOverrides": []} == sound(
        "update_stack_instances", order
    )


@pytest.mark.parametrize("retain", [True, False])
def test_a_removal_says_what_becomes_of_the_stacks(retain):
    """Always, either way."""
    order = orders.instances(a_set_request(Act.REMOVE, BOTH, retain=retain))

    assert {**OPERATION, **EVERYWHERE, "RetainStacks": retain} == sound(
        "delete_stack_instances", order
    )


def test_stacks_are_taken_in_under_the_units_of_the_set():
    """Self-managed sets have none."""
    ids = ("arn:aws:cloudformation:us-east-1:222222222222:stack/a/1",)
    plain = orders.importing(a_set_request(Act.IMPORT, stack_ids=ids))
    managed = orders.importing(a_set_request(Act.IMPORT, of=a_managed_set(), stack_ids=ids))

    assert {**OPERATION, "StackIds": list(ids)} == sound("import_stacks_to_stack_set", plain)
    assert {**plain, "OrganizationalUnitIds": list(UNITS)} == sound(
        "import_stacks_to_stack_set", managed
    )


# Targets of service-managed sets ------------------------------------------------------------------


def targets(rectangle: Rectangle, organization: Organization) -> dict[str, Any]:
    stack_set = a_managed_set(organization=organization)
    order = sound(
        "create_stack_instances",
        orders.instances(a_set_request(Act.ADD, rectangle, of=stack_set)),
    )
    assert "Accounts" not in order
    assert ["us-east-1", "us-west-2"] == order["Regions"]
    return order["DeploymentTargets"]


ALL = Organization(UNITS, ("us-east-1", "us-west-2"))


def test_accounts_are_named_within_the_units_of_the_organization():
    """INTERSECTION: a unit as an account, or an account beside a unit, is somebody else. (DS-8)"""
    told = {
        "OrganizationalUnitIds": list(UNITS),
        "Accounts": [ONE, TWO],
        "AccountFilterType": "INTERSECTION",
    }

    assert told == targets(BOTH, ALL)
    assert told == targets(
        BOTH, replace(ALL, filter=AccountFilter.UNION, accounts=frozenset({ONE}))
    )


@pytest.mark.parametrize(
    ("kind", "accounts"),
    [(AccountFilter.NONE, {}), (AccountFilter.DIFFERENCE, {"Accounts": [ONE, TWO]})],
)
def test_whole_units_go_with_the_filter_of_the_set(kind, accounts):
    """The accounts of a set that filters none are not sent."""
    organization = replace(ALL, filter=kind, accounts=frozenset({TWO, ONE}))
    rectangle = replace(BOTH, units=UNITS[:1])

    assert {
        "OrganizationalUnitIds": [UNITS[0]],
        "AccountFilterType": kind.value,
        **accounts,
    } == targets(rectangle, organization)


# Preferences --------------------------------------------------------------------------------------


def test_the_usual_preferences_are_said():
    """One Region after another, one account at a time, none may fail."""
    assert {
        "RegionConcurrencyType": "SEQUENTIAL",
        "ConcurrencyMode": "STRICT_FAILURE_TOLERANCE",
        "FailureToleranceCount": 0,
        "MaxConcurrentCount": 1,
    } == orders.preferences(Preferences())


def test_a_count_and_a_percentage_never_come_together():
    """The service refuses both."""
    wanted = replace(CAREFUL, tolerance=Share(3), concurrent=Share(25, percent=True))
    told = orders.preferences(wanted)

    assert (3, 25) == (told["FailureToleranceCount"], told["MaxConcurrentPercentage"])
    assert not {"FailureTolerancePercentage", "MaxConcurrentCount"} & set(told)


def test_the_order_of_regions_has_only_those_of_the_call():
    """A call may name fewer of them than the set has."""
    order = orders.instances(a_set_request(Act.ADD, Rectangle((ONE,), ("us-east-1",))))
    none = orders.instances(a_set_request(Act.ADD, Rectangle((ONE,), ("eu-west-1",))))

    assert ["us-east-1"] == order["OperationPreferences"]["RegionOrder"]
    assert "RegionOrder" not in none["OperationPreferences"]


def test_a_drift_detection_is_an_operation():
    """With an id of ours, and the preferences of the set."""
    assert OPERATION == sound("detect_stack_set_drift", orders.detection(a_set(), TOKEN))
