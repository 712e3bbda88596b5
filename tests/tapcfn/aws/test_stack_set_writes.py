"""Sending for stack sets: lost answers, other operations, and what is gone already."""

from __future__ import annotations

import pytest
from botocore.parsers import ResponseParserError

from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.aws.stack_sets import AwsSets
from tapcfn.errors import BlockedError, BusyError, CloudError, StaleError
from tapcfn.model import AutoDeployment, Organization, ServiceManaged
from tapcfn.stack_sets.calls import Act, Rectangle
from tapcfn.waits import Patience
from tests.fakes.builders import a_template
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.sets import (
    ARN,
    BOTH,
    ONE,
    TWO,
    UNITS,
    a_managed_set,
    a_set,
    a_set_request,
    a_told_instance,
    a_told_operation,
    a_told_set,
    overheard,
)
from tests.tapcfn.aws.wire import HERE, TOKEN

ROW = Rectangle((ONE, TWO), ("us-east-1",))
CALLS = {
    Act.CREATE: "create_stack_set",
    Act.UPDATE: "update_stack_set",
    Act.ADD: "create_stack_instances",
    Act.OVERRIDE: "update_stack_instances",
    Act.REMOVE: "delete_stack_instances",
    Act.IMPORT: "import_stacks_to_stack_set",
    Act.DELETE: "delete_stack_set",
}
OPERATIONS = [Act.UPDATE, Act.ADD, Act.OVERRIDE, Act.REMOVE, Act.IMPORT]
LISTED = {"StackSetName": "baseline", "MaxResults": 100}


@pytest.fixture
def sets(wires):
    return AwsSets(wires, Patience(FakeClock()))


# Sent before --------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", OPERATIONS)
def test_an_operation_that_its_token_began_is_under_way(sets, cfn, act):
    """The answer to the first call was lost; this one begins nothing. (X-3)"""
    cfn.fails(CALLS[act], "OperationIdAlreadyExistsException")

    sets.send(a_set_request(act, BOTH, overrides={}, stack_ids=("arn:a",)))


def test_a_broken_answer_is_asked_for_again_under_the_same_token(endpoint):
    """The service knows the token, and so do we. (X-10)"""
    broken = (200, "<UpdateStackSetResponse><Upd")
    known = (409, _error("OperationIdAlreadyExistsException"))
    endpoint.script += [broken, known]
    sets = AwsSets(Clients(on_local_cloud(endpoint.url)), Patience(FakeClock()))

    sets.send(a_set_request(Act.UPDATE, BOTH))

    assert [TOKEN, TOKEN] == [each.form["OperationId"] for each in endpoint.asked]


def _error(code):
    return (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message>"
        "</Error><RequestId>r-1</RequestId></ErrorResponse>"
    )


def test_a_broken_answer_is_no_answer_forever(endpoint):
    """Five times, and then it is told."""
    endpoint.script += [(200, "<CreateStackSetResponse><")] * 6
    sets = AwsSets(Clients(on_local_cloud(endpoint.url)), Patience(FakeClock()))

    with pytest.raises(CloudError) as error:
        sets.send(a_set_request(Act.CREATE))

    assert ResponseParserError.__name__ == error.value.code
    assert [TOKEN] * 5 == [each.form["ClientRequestToken"] for each in endpoint.asked]


# Others at work -----------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [*OPERATIONS, Act.DELETE])
def test_another_operation_is_at_work(sets, cfn, act):
    """Nothing was begun; who it is, the caller finds out. (X-15)"""
    cfn.fails(CALLS[act], "OperationInProgressException", "busy", RequestId="r-1")

    with pytest.raises(BusyError) as error:
        sets.send(a_set_request(act, BOTH))

    assert "OperationInProgress" == error.value.code
    assert str(error.value).startswith("stack set baseline (111122223333/eu-west-1): ")


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (Act.UPDATE, "StaleRequestException"),
        (Act.ADD, "StaleRequestException"),
        (Act.UPDATE, "StackInstanceNotFoundException"),
        (Act.OVERRIDE, "StackInstanceNotFoundException"),
    ],
)
def test_a_set_that_others_have_changed_is_stale(sets, cfn, act, code):
    """What was reviewed is no longer what would run."""
    cfn.fails(CALLS[act], code)

    with pytest.raises(StaleError, match=r"^stack set baseline .* plan again$"):
        sets.send(a_set_request(act, BOTH))


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (Act.CREATE, "NameAlreadyExistsException"),
        (Act.DELETE, "StackSetNotEmptyException"),
        (Act.ADD, "StackSetNotFoundException"),
        (Act.UPDATE, "StackSetNotFoundException"),
        (Act.ADD, "InvalidOperationException"),
        (Act.REMOVE, "AccessDenied"),
    ],
)
def test_a_refusal_is_a_refusal(sets, cfn, act, code):
    """A set of that name with another token, instances that are left, no permission."""
    cfn.fails(CALLS[act], code)

    with pytest.raises(CloudError) as error:
        sets.send(a_set_request(act, BOTH))

    assert code.removesuffix("Exception") == error.value.code
    assert not isinstance(error.value, BusyError)


# Gone already -------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [Act.DELETE, Act.REMOVE])
def test_a_set_that_is_gone_needs_no_deletion(sets, cfn, act):
    """Nor do its instances. (X-36)"""
    cfn.fails(CALLS[act], "StackSetNotFoundException")

    sets.send(a_set_request(act, None if act is Act.DELETE else BOTH))


def test_a_deletion_names_the_set_and_nothing_else(sets, cfn):
    """The call takes no token."""
    cfn.answers("delete_stack_set", {}, StackSetName="baseline")

    sets.send(a_set_request(Act.DELETE))


def test_instances_that_are_all_gone_need_no_removal(sets, cfn):
    """Instances of other pairs may be left."""
    cfn.fails("delete_stack_instances", "StackInstanceNotFoundException")
    other = a_told_instance(ONE, "us-west-2")
    cfn.answers("list_stack_instances", {"Summaries": [other]}, **LISTED)

    sets.send(a_set_request(Act.REMOVE, ROW))


def test_instances_of_which_some_are_gone_are_planned_again(sets, cfn):
    """What is left must be named without the others."""
    cfn.fails("delete_stack_instances", "StackInstanceNotFoundException")
    cfn.answers("list_stack_instances", {"Summaries": [a_told_instance(TWO)]}, **LISTED)

    with pytest.raises(StaleError):
        sets.send(a_set_request(Act.REMOVE, ROW))


# Service-managed sets -----------------------------------------------------------------------------


def test_a_removal_goes_to_the_units_that_the_instances_stand_under(sets, cfn):
    """The organization's units may be others by now, and would hold none of the accounts."""
    stack_set = a_managed_set(organization=Organization(UNITS[1:], ("us-east-1",)))
    there = [
        a_told_instance(ONE, OrganizationalUnitId=UNITS[0]),
        a_told_instance("444444444444", OrganizationalUnitId="ou-abcd-99999999"),
    ]
    said = {"CallAs": "DELEGATED_ADMIN"}
    cfn.answers("list_stack_instances", {"Summaries": there}, **LISTED, **said)
    cfn.answers(
        "delete_stack_instances",
        {"OperationId": TOKEN},
        StackSetName="baseline",
        OperationId=TOKEN,
        RetainStacks=True,
        Regions=["us-east-1"],
        DeploymentTargets={
            "OrganizationalUnitIds": [UNITS[0]],
            "Accounts": [ONE],
            "AccountFilterType": "INTERSECTION",
        },
        OperationPreferences={
            "RegionConcurrencyType": "PARALLEL",
            "RegionOrder": ["us-east-1"],
            "FailureTolerancePercentage": 10,
            "MaxConcurrentCount": 4,
            "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
        },
        **said,
    )

    row = Rectangle((ONE,), ("us-east-1",))
    sets.send(a_set_request(Act.REMOVE, row, of=stack_set, retain=True))


def sent(cfn, wires, stack_set, told, **call):
    """Send an update, and return what it asked for; `told` are the answers that come before."""
    for name, answer in told:
        cfn.says(name, answer)
    cfn.says("update_stack_set", {"OperationId": TOKEN})
    with overheard(cfn) as asked:
        AwsSets(wires, Patience(FakeClock())).send(a_set_request(Act.UPDATE, of=stack_set, **call))
    return asked[-1][1]


def managed(auto):
    enabled = {"Enabled": True, "RetainStacksOnAccountRemoval": auto.retain} if auto else {}
    return a_told_set(PermissionModel="SERVICE_MANAGED", AutoDeployment=enabled)


def test_automatic_deployment_is_said_where_it_changes(cfn, wires):
    """In a call that names no targets: the service takes it in no other."""
    stack_set = a_managed_set(permission=ServiceManaged(auto=AutoDeployment(retain=True)))
    before = ("describe_stack_set", managed(None))

    asked = sent(cfn, wires, stack_set, [before], renews=True)

    assert {"Enabled": True, "RetainStacksOnAccountRemoval": True} == asked["AutoDeployment"]
    assert not {"Accounts", "DeploymentTargets", "Regions"} & set(asked)


def test_automatic_deployment_is_left_alone_where_it_stays(cfn, wires):
    """An unchanged one would be a change of its own."""
    stack_set = a_managed_set(permission=ServiceManaged(auto=AutoDeployment()))
    before = ("describe_stack_set", managed(AutoDeployment()))

    assert "AutoDeployment" not in sent(cfn, wires, stack_set, [before], renews=True)


def test_automatic_deployment_is_never_said_beside_targets(cfn, wires):
    """Nobody is asked how it stands."""
    asked = sent(cfn, wires, a_managed_set(), [], rectangle=BOTH, renews=True)

    assert "AutoDeployment" not in asked
    assert "DeploymentTargets" in asked


def test_a_set_that_follows_another_names_its_arn(sets, cfn):
    """The settings have names; the service wants ARNs."""
    permission = ServiceManaged(auto=AutoDeployment(after=("first",)))
    cfn.answers("describe_stack_set", a_told_set(StackSetARN=ARN), StackSetName="first")
    cfn.says("create_stack_set", {"StackSetId": "x"})

    with overheard(cfn) as asked:
        sets.send(a_set_request(Act.CREATE, of=a_managed_set(permission=permission)))

    assert [ARN] == asked[-1][1]["AutoDeployment"]["DependsOn"]


def test_a_set_that_follows_one_that_is_not_there_is_blocked(sets, cfn):
    """Nothing is sent."""
    permission = ServiceManaged(auto=AutoDeployment(after=("first",)))
    cfn.fails("describe_stack_set", "StackSetNotFoundException")

    with pytest.raises(BlockedError, match="is to follow the stack set first"):
        sets.send(a_set_request(Act.CREATE, of=a_managed_set(permission=permission)))


# Large templates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [Act.CREATE, Act.UPDATE])
def test_a_large_template_goes_through_a_bucket_of_the_home_region(wires, cfn, act):
    """Above 51,200 bytes; a call that carries none uploads none. (DS-13)"""
    large = a_set(template=a_template("baseline", Metadata={"x": "x" * 51_200}))
    key = f"templates/{large.template.digest}.json"
    bucket = "artifacts-111122223333-eu-west-1"
    s3 = wires.to("s3")
    s3.answers("head_object", {}, Key=key, Bucket=bucket, ExpectedBucketOwner=HERE.account)
    cfn.says(CALLS[act], {"OperationId": TOKEN} if act is Act.UPDATE else {"StackSetId": "x"})
    cfn.says("update_stack_set", {"OperationId": TOKEN})
    sets = AwsSets(wires, Patience(FakeClock()), "artifacts-{account}-{region}")

    with overheard(cfn) as asked:
        sets.send(a_set_request(act, of=large, renews=act is Act.UPDATE))
        sets.send(a_set_request(Act.UPDATE, BOTH, of=large))

    assert asked[0][1]["TemplateURL"].endswith(key)
    assert not {"TemplateURL", "TemplateBody"} & set(asked[1][1])


def test_a_template_of_51200_bytes_goes_along(sets, cfn):
    """The last that fits into a request."""
    empty = a_template("baseline", Metadata={"x": ""})
    exact = a_template("baseline", Metadata={"x": "x" * (51_200 - empty.size)})
    cfn.says("create_stack_set", {"StackSetId": "x"})

    sets.send(a_set_request(Act.CREATE, of=a_set(template=exact)))

    assert 51_200 == exact.size


# Stop and drift -----------------------------------------------------------------------------------


STOP = {"StackSetName": "baseline", "OperationId": TOKEN}


def test_an_operation_is_asked_to_stop(sets, cfn):
    """By its id."""
    cfn.answers("stop_stack_set_operation", {}, **STOP)

    sets.stop(a_set(), TOKEN)


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "STOPPED", "STOPPING"])
def test_an_operation_that_has_ended_or_stops_needs_no_stop(sets, cfn, status):
    """The service calls that invalid."""
    cfn.refuses("stop_stack_set_operation", "InvalidOperationException", **STOP)
    cfn.answers(
        "describe_stack_set_operation", {"StackSetOperation": a_told_operation(status)}, **STOP
    )

    sets.stop(a_set(), TOKEN)


@pytest.mark.parametrize("status", ["RUNNING", "QUEUED"])
def test_an_operation_that_can_not_be_stopped_is_told(sets, cfn, status):
    """It goes on, against our will."""
    cfn.refuses("stop_stack_set_operation", "InvalidOperationException", **STOP)
    cfn.answers(
        "describe_stack_set_operation", {"StackSetOperation": a_told_operation(status)}, **STOP
    )

    with pytest.raises(CloudError, match="InvalidOperation"):
        sets.stop(a_set(), TOKEN)


def test_a_detection_that_was_started_is_under_way(sets, cfn):
    """A lost answer is no second detection."""
    cfn.fails("detect_stack_set_drift", "OperationIdAlreadyExistsException")

    sets.detect_drift(a_set(), TOKEN)


def test_a_detection_waits_for_other_operations(sets, cfn):
    """It is an operation like any other."""
    cfn.fails("detect_stack_set_drift", "OperationInProgressException")

    with pytest.raises(BusyError):
        sets.detect_drift(a_set(), TOKEN)
