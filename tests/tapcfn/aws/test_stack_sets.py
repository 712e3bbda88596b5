"""The port as a whole: what its reads ask and tell, and on whose behalf each call is made."""

from __future__ import annotations

import pytest
from botocore import xform_name

from tapcfn.aws.stack_sets import AwsSets
from tapcfn.errors import CloudError, UnknownStatusError
from tapcfn.model import (
    AutoDeployment,
    DeployedSet,
    DetailedStatus,
    Instance,
    InstanceStatus,
    Preferences,
    ResultStatus,
    SelfManaged,
    ServiceManaged,
    SetOperation,
    SetOperationStatus,
    SetResult,
    Share,
    Target,
)
from tapcfn.stack_sets.calls import Act
from tapcfn.stack_sets.ports import InstanceDrift, SetDrift
from tapcfn.waits import Patience
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.sets import (
    ARN,
    BOTH,
    CAREFUL,
    CAREFULLY,
    ONE,
    PAIR,
    SET_ID,
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
from tests.tapcfn.aws.wire import HERE, MORNING, TOKEN

NAMED = {"StackSetName": "baseline"}
LISTED = {**NAMED, "MaxResults": 100}
OF_ONE = {**NAMED, "StackInstanceAccount": ONE, "StackInstanceRegion": "us-east-1"}


@pytest.fixture
def sets(wires):
    return AwsSets(wires, Patience(FakeClock()))


# On whose behalf ----------------------------------------------------------------------------------

# Every call of the port, with what is answered to the calls that it makes, in their order.
READS = {
    "stack_set": (lambda sets, one: sets.stack_set(one), {"describe_stack_set": a_told_set()}),
    "instances": (lambda sets, one: sets.instances(one), {"list_stack_instances": {}}),
    "known_sets": (lambda sets, one: sets.known_sets(one), {"list_stack_sets": {}}),
    "instance": (
        lambda sets, one: sets.instance(one, PAIR),
        {"describe_stack_instance": {"StackInstance": a_told_instance()}},
    ),
    "operations": (lambda sets, one: sets.operations(one), {"list_stack_set_operations": {}}),
    "operation": (
        lambda sets, one: sets.operation(one, TOKEN),
        {"describe_stack_set_operation": {"StackSetOperation": a_told_operation()}},
    ),
    "results": (
        lambda sets, one: sets.results(one, TOKEN),
        {"list_stack_set_operation_results": {}},
    ),
    "stop": (lambda sets, one: sets.stop(one, TOKEN), {"stop_stack_set_operation": {}}),
    "access": (
        lambda sets, one: sets.access(HERE, delegated=one.permission.delegated),
        {"describe_organizations_access": {"Status": "ENABLED"}},
    ),
    "detect_drift": (
        lambda sets, one: sets.detect_drift(one, TOKEN),
        {"detect_stack_set_drift": {}},
    ),
    "drift": (lambda sets, one: sets.drift(one), {"describe_stack_set": a_told_set()}),
    "instance_drifts": (
        lambda sets, one: sets.instance_drifts(one, PAIR, TOKEN),
        {"list_stack_instance_resource_drifts": {}},
    ),
    "auto_deployment_targets": (
        lambda sets, one: sets.auto_deployment_targets(one),
        {"list_stack_set_auto_deployment_targets": {}},
    ),
}
WRITES = {
    Act.CREATE: {"create_stack_set": {}},
    Act.UPDATE: {"update_stack_set": {}},
    Act.ADD: {"create_stack_instances": {}},
    Act.OVERRIDE: {"update_stack_instances": {}},
    Act.REMOVE: {"list_stack_instances": {}, "delete_stack_instances": {}},
    Act.DELETE: {"delete_stack_set": {}},
    Act.IMPORT: {"import_stacks_to_stack_set": {}},
}
EVERY_CALL = {
    **READS,
    **{
        act: (lambda sets, one, act=act: sets.send(a_set_request(act, BOTH, of=one)), answers)
        for act, answers in WRITES.items()
    },
}


@pytest.mark.parametrize("delegated", [True, False])
@pytest.mark.parametrize("name", EVERY_CALL)
def test_a_delegated_administrator_says_so_in_every_call(sets, cfn, name, delegated):
    """And nobody else says anything. A call that forgot it would find no set. (DS-2)"""
    act, answers = EVERY_CALL[name]
    for call, answer in answers.items():
        cfn.says(call, answer)

    with overheard(cfn) as asked:
        act(sets, a_managed_set(permission=ServiceManaged(delegated=delegated)))

    said = "DELEGATED_ADMIN" if delegated else None
    assert list(answers) == [xform_name(operation) for operation, _ in asked]
    assert [said] * len(answers) == [request.get("CallAs") for _, request in asked]


def test_every_call_on_stack_sets_is_in_the_table(cfn):
    """Each takes CallAs: the model says so, and would say so of one that is missing here."""
    model = cfn.client.meta.service_model
    tabled = {call for _, answers in EVERY_CALL.values() for call in answers}
    takes = {
        xform_name(name)
        for name in model.operation_names
        if "CallAs" in (getattr(model.operation_model(name).input_shape, "members", None) or {})
    }
    not_ours = {"get_template_summary"}
    registry = {call for call in takes if "type" in call}

    assert tabled == takes - not_ours - registry


def test_a_self_managed_set_is_nobody_elses(sets, cfn):
    """CallAs is for the other kind."""
    cfn.answers("describe_stack_set", a_told_set(), **NAMED)

    sets.stack_set(a_set())


# Sets ---------------------------------------------------------------------------------------------


def test_a_set_is_read_with_all_that_it_says(sets, cfn):
    """Its template is canonical, as ours are."""
    told = a_told_set(
        Description="d",
        Parameters=[
            {"ParameterKey": "Size", "ParameterValue": "small"},
            {"ParameterKey": "Bare"},
        ],
        Tags=[{"Key": "team", "Value": "a"}],
        Capabilities=["CAPABILITY_IAM"],
        AdministrationRoleARN="arn:aws:iam::111122223333:role/A",
        ExecutionRoleName="E",
        ManagedExecution={"Active": True},
        StackSetDriftDetectionDetails={"DriftStatus": "DRIFTED"},
    )
    cfn.answers("describe_stack_set", told, **NAMED)

    assert DeployedSet(
        "baseline",
        SET_ID,
        '{"a":2,"b":1}',
        ARN,
        "d",
        {"Size": "small", "Bare": ""},
        {"team": "a"},
        ("CAPABILITY_IAM",),
        SelfManaged("arn:aws:iam::111122223333:role/A", "E"),
        queues=True,
        drift="DRIFTED",
    ) == sets.stack_set(a_set())


def test_a_yaml_template_stays_as_it_was_sent(sets, cfn):
    """It is never equal to one of ours."""
    cfn.says("describe_stack_set", a_told_set(TemplateBody="Resources: {}"))

    assert "Resources: {}" == sets.stack_set(a_set()).template


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({}, None),
        ({"Enabled": False}, None),
        ({"Enabled": True, "RetainStacksOnAccountRemoval": True}, AutoDeployment(retain=True)),
        (
            {"Enabled": True, "DependsOn": [ARN, ARN.replace("baseline:", "a:")]},
            AutoDeployment(after=("a", "baseline")),
        ),
        ({"Enabled": True, "DependsOn": [ARN]}, AutoDeployment(after=("baseline",))),
    ],
)
def test_a_service_managed_set_is_read_as_it_is_wanted(sets, cfn, told, found):
    """By names, not ARNs; in our order, since the service's says nothing."""
    wanted = AutoDeployment(after=("a", "baseline"))
    stack_set = a_managed_set(permission=ServiceManaged(delegated=True, auto=wanted))
    answer = a_told_set(
        PermissionModel="SERVICE_MANAGED", AutoDeployment=told, OrganizationalUnitIds=list(UNITS)
    )
    cfn.says("describe_stack_set", answer)

    deployed = sets.stack_set(stack_set)

    assert ServiceManaged(delegated=True, auto=found) == deployed.permission
    assert UNITS == deployed.units


def test_a_set_that_is_not_there_is_none(sets, cfn):
    """By the service's word, or because it was deleted."""
    cfn.refuses("describe_stack_set", "StackSetNotFoundException", **NAMED)
    cfn.answers("describe_stack_set", a_told_set(Status="DELETED"), **NAMED)

    assert sets.stack_set(a_set()) is None
    assert sets.stack_set(a_set()) is None


def test_what_may_not_be_read_is_no_absence(sets, cfn):
    """It is told in one line."""
    cfn.refuses("describe_stack_set", "AccessDenied", 403, **NAMED)

    with pytest.raises(CloudError, match=r"^stack set baseline \(111122223333/eu-west-1\): Descr"):
        sets.stack_set(a_set())


# Instances ----------------------------------------------------------------------------------------


def test_instances_are_read_to_the_last_page(sets, cfn):
    """An empty page among them; sorted, each once."""
    last = a_told_instance(
        ONE,
        "us-east-1",
        Status="OUTDATED",
        StackInstanceStatus={"DetailedStatus": "FAILED"},
        StatusReason="no luck",
        StackId="arn:stack",
        LastOperationId=TOKEN,
        OrganizationalUnitId=UNITS[0],
        DriftStatus="IN_SYNC",
    )
    pages = [[a_told_instance(TWO), a_told_instance(ONE)], [], [last]]
    for number, page in enumerate(pages, 1):
        before = {"NextToken": str(number - 1)} if number > 1 else {}
        after = {"NextToken": str(number)} if number < len(pages) else {}
        cfn.answers("list_stack_instances", {"Summaries": page, **after}, **LISTED, **before)

    first, second = sets.instances(a_set())

    assert first == Instance(
        Target(ONE, "us-east-1"),
        InstanceStatus.OUTDATED,
        DetailedStatus.FAILED,
        "no luck",
        "arn:stack",
        TOKEN,
        UNITS[0],
        "IN_SYNC",
    )
    assert (TWO, True) == (second.target.account, second.is_well)


def test_instances_of_an_operation_are_filtered_by_the_service(sets, cfn):
    """One paged call for each look."""
    filters = [{"Name": "LAST_OPERATION_ID", "Values": TOKEN}]
    cfn.answers(
        "list_stack_instances", {"Summaries": [a_told_instance()]}, **LISTED, Filters=filters
    )

    assert [PAIR] == [each.target for each in sets.instances(a_set(), TOKEN)]


@pytest.mark.parametrize(
    ("status", "detailed"), [("OUTDATED", "PENDING"), ("INOPERABLE", "INOPERABLE")]
)
def test_an_instance_without_a_detailed_status_is_not_well(sets, cfn, status, detailed):
    """The service may tell none."""
    cfn.says(
        "list_stack_instances",
        {"Summaries": [a_told_instance(Status=status, StackInstanceStatus={})]},
    )

    (found,) = sets.instances(a_set())
    assert (detailed, False) == (found.detailed.value, found.is_well)


def test_one_instance_is_read_with_its_overrides(sets, cfn):
    """The only read that tells them."""
    overrides = [{"ParameterKey": "Size", "ParameterValue": "big"}]
    told = {"StackInstance": a_told_instance(ParameterOverrides=overrides)}
    cfn.answers("describe_stack_instance", told, **OF_ONE)

    assert {"Size": "big"} == sets.instance(a_set(), PAIR).overrides


@pytest.mark.parametrize("code", ["StackInstanceNotFoundException", "StackSetNotFoundException"])
def test_an_instance_that_is_not_there_is_none(sets, cfn, code):
    """Nor one of a set that is not there."""
    cfn.refuses("describe_stack_instance", code, **OF_ONE)

    assert sets.instance(a_set(), PAIR) is None


# Operations ---------------------------------------------------------------------------------------


def test_operations_are_told_newest_first(sets, cfn):
    """Whatever the service's order."""
    old = a_told_operation("SUCCEEDED", "old", CreationTimestamp=MORNING)
    new = a_told_operation("QUEUED", "new", CreationTimestamp=MORNING.replace(hour=9))
    cfn.answers("list_stack_set_operations", {"Summaries": [old], "NextToken": "2"}, **LISTED)
    cfn.answers("list_stack_set_operations", {"Summaries": [new, old]}, **LISTED, NextToken="2")

    assert ["new", "old"] == [each.operation_id for each in sets.operations(a_set())]


def test_an_operation_is_read_with_all_that_it_says(sets, cfn):
    """When, how many failed, whether stacks stay, and how it goes about."""
    told = a_told_operation(
        "FAILED",
        Action="DELETE",
        StatusReason="no luck",
        EndTimestamp=MORNING.replace(hour=4),
        RetainStacks=True,
        StatusDetails={"FailedStackInstancesCount": 3},
        OperationPreferences=CAREFULLY,
    )
    cfn.answers(
        "describe_stack_set_operation", {"StackSetOperation": told}, **NAMED, OperationId=TOKEN
    )

    assert SetOperation(
        TOKEN,
        "DELETE",
        SetOperationStatus.FAILED,
        "no luck",
        "2026-01-02T03:04:05+00:00",
        "2026-01-02T04:04:05+00:00",
        retain=True,
        failed=3,
        preferences=CAREFUL,
    ) == sets.operation(a_set(), TOKEN)


def test_preferences_of_an_operation_that_names_none_are_the_usual_ones(sets, cfn):
    """So are its counts read, where it names those."""
    told = {"FailureToleranceCount": 2, "MaxConcurrentPercentage": 50}
    for preferences in ({}, told):
        answer = a_told_operation(OperationPreferences=preferences)
        cfn.says("describe_stack_set_operation", {"StackSetOperation": answer})

    assert Preferences() == sets.operation(a_set(), TOKEN).preferences
    assert Preferences(tolerance=Share(2), concurrent=Share(50, percent=True)) == (
        sets.operation(a_set(), TOKEN).preferences
    )


@pytest.mark.parametrize("code", ["OperationNotFoundException", "StackSetNotFoundException"])
def test_an_operation_that_is_not_there_is_none(sets, cfn, code):
    """It was never begun, or is forgotten."""
    cfn.refuses("describe_stack_set_operation", code, **NAMED, OperationId=TOKEN)

    assert sets.operation(a_set(), TOKEN) is None


def test_results_are_told_with_what_the_gate_said(sets, cfn):
    """All, or those of one status; sorted."""
    well = {"Account": TWO, "Region": "us-east-1", "Status": "SUCCEEDED"}
    badly = {
        "Account": ONE,
        "Region": "us-east-1",
        "Status": "FAILED",
        "StatusReason": "no luck",
        "AccountGateResult": {"Status": "FAILED", "StatusReason": "closed"},
        "OrganizationalUnitId": UNITS[0],
    }
    asked = {**LISTED, "OperationId": TOKEN}
    filters = [{"Name": "OPERATION_RESULT_STATUS", "Values": "FAILED"}]
    call = "list_stack_set_operation_results"
    cfn.answers(call, {"Summaries": [well], "NextToken": "2"}, **asked)
    cfn.answers(call, {"Summaries": [badly]}, **asked, NextToken="2")
    cfn.answers(call, {"Summaries": [badly]}, **asked, Filters=filters)

    failed = SetResult(PAIR, ResultStatus.FAILED, "no luck", "FAILED", "closed", UNITS[0])
    succeeded = SetResult(Target(TWO, "us-east-1"), ResultStatus.SUCCEEDED)
    assert (failed, succeeded) == sets.results(a_set(), TOKEN)
    assert (failed,) == sets.results(a_set(), TOKEN, ResultStatus.FAILED)


def test_sets_that_were_deleted_are_remembered(sets, cfn):
    """Both pages; a name that is used again is there."""
    rows = [("old", "DELETED"), ("again", "DELETED"), ("again", "ACTIVE"), ("here", "ACTIVE")]
    told = [{"StackSetName": name, "Status": status} for name, status in rows]
    cfn.answers("list_stack_sets", {"Summaries": told[:2], "NextToken": "2"}, MaxResults=100)
    cfn.answers("list_stack_sets", {"Summaries": told[2:]}, MaxResults=100, NextToken="2")

    assert {"old": False, "again": True, "here": True} == sets.known_sets(a_set())


# Words that are unknown ---------------------------------------------------------------------------

NEWS = {
    "set": ("stack_set", a_told_set(Status="FROZEN")),
    "permission model": ("stack_set", a_told_set(PermissionModel="FROZEN")),
    "detection": (
        "drift",
        a_told_set(StackSetDriftDetectionDetails={"DriftDetectionStatus": "FROZEN"}),
    ),
    "instance": ("instances", {"Summaries": [a_told_instance(Status="FROZEN")]}),
    "detailed": (
        "instances",
        {"Summaries": [a_told_instance(StackInstanceStatus={"DetailedStatus": "FROZEN"})]},
    ),
    "operation": ("operation", {"StackSetOperation": a_told_operation("FROZEN")}),
    "operations": ("operations", {"Summaries": [a_told_operation("FROZEN")]}),
    "result": (
        "results",
        {"Summaries": [{"Account": ONE, "Region": "us-east-1", "Status": "FROZEN"}]},
    ),
    "access": ("access", {"Status": "FROZEN"}),
}


@pytest.mark.parametrize("what", NEWS)
def test_an_unknown_word_stops_us(sets, cfn, what):
    """It may be a failure that we do not know yet. (X-37)"""
    name, answer = NEWS[what]
    act, answers = READS[name]
    (call,) = answers
    cfn.says(call, answer)

    with pytest.raises(UnknownStatusError, match="CloudFormation says FROZEN, which is unknown"):
        act(sets, a_managed_set())


@pytest.mark.parametrize(
    ("shape", "known"),
    [
        ("StackSetOperationStatus", SetOperationStatus),
        ("StackSetOperationResultStatus", ResultStatus),
        ("StackInstanceStatus", InstanceStatus),
        ("StackInstanceDetailedStatus", DetailedStatus),
    ],
)
def test_every_word_of_the_service_is_known(cfn, shape, known):
    """QUEUED among them. (DS-7)"""
    model = cfn.client.meta.service_model

    assert set(model.shape_for(shape).enum) == {each.value for each in known}


# Drift --------------------------------------------------------------------------------------------


def test_drift_is_told_by_number_of_instances(sets, cfn):
    """None where nobody has looked yet."""
    details = {
        "DriftStatus": "DRIFTED",
        "DriftDetectionStatus": "PARTIAL_SUCCESS",
        "TotalStackInstancesCount": 7,
        "DriftedStackInstancesCount": 1,
        "InSyncStackInstancesCount": 3,
        "InProgressStackInstancesCount": 1,
        "FailedStackInstancesCount": 2,
    }
    never = {"DriftStatus": "NOT_CHECKED", "TotalStackInstancesCount": 0}
    for told in (details, never):
        cfn.answers("describe_stack_set", a_told_set(StackSetDriftDetectionDetails=told), **NAMED)
    cfn.refuses("describe_stack_set", "StackSetNotFoundException", **NAMED)

    assert SetDrift("PARTIAL_SUCCESS", "DRIFTED", 7, 1, 3, 1, 2) == sets.drift(a_set())
    assert sets.drift(a_set()) is None
    assert sets.drift(a_set()) is None


def test_drift_in_an_instance_is_told_property_by_property(sets, cfn):
    """Both pages; a resource that is gone, in sync or can't be checked has one line."""
    resource = {
        "StackId": "arn:stack",
        "LogicalResourceId": "Role",
        "PhysicalResourceId": "x",
        "ResourceType": "AWS::IAM::Role",
        "StackResourceDriftStatus": "MODIFIED",
        "Timestamp": MORNING,
    }
    path = {"ExpectedValue": "1", "ActualValue": "2", "DifferenceType": "NOT_EQUAL"}
    pages = [
        {**resource, "PropertyDifferences": [{"PropertyPath": p, **path} for p in ("/B", "/A")]},
        {**resource, "LogicalResourceId": "Key", "StackResourceDriftStatus": "DELETED"},
        {**resource, "LogicalResourceId": "Own", "StackResourceDriftStatus": "UNSUPPORTED"},
        {**resource, "LogicalResourceId": "Well", "StackResourceDriftStatus": "IN_SYNC"},
    ]
    asked = {
        **OF_ONE,
        "MaxResults": 100,
        "OperationId": TOKEN,
    }
    call = "list_stack_instance_resource_drifts"
    cfn.answers(call, {"Summaries": pages[:1], "NextToken": "2"}, **asked)
    cfn.answers(call, {"Summaries": pages[1:]}, **asked, NextToken="2")

    assert (
        InstanceDrift(PAIR, "Key", "AWS::IAM::Role", "DELETED", physical_id="x"),
        InstanceDrift(PAIR, "Own", "AWS::IAM::Role", "UNSUPPORTED", physical_id="x"),
        InstanceDrift(PAIR, "Role", "AWS::IAM::Role", "MODIFIED", "/A", "1", "2", "x"),
        InstanceDrift(PAIR, "Role", "AWS::IAM::Role", "MODIFIED", "/B", "1", "2", "x"),
        InstanceDrift(PAIR, "Well", "AWS::IAM::Role", "IN_SYNC", physical_id="x"),
    ) == sets.instance_drifts(a_set(), PAIR, TOKEN)


def test_targets_of_automatic_deployment_are_told_by_unit(sets, cfn):
    """Both pages."""
    call = "list_stack_set_auto_deployment_targets"
    rows = [{"OrganizationalUnitId": unit, "Regions": ["us-west-2", "us-east-1"]} for unit in UNITS]
    cfn.answers(call, {"Summaries": rows[1:], "NextToken": "2"}, **LISTED)
    cfn.answers(call, {"Summaries": rows[:1]}, **LISTED, NextToken="2")

    found = sets.auto_deployment_targets(a_set())

    assert dict.fromkeys(UNITS, ("us-east-1", "us-west-2")) == found
    assert list(UNITS) == list(found)


# Patience -----------------------------------------------------------------------------------------


def test_a_read_that_is_throttled_is_asked_again(sets, cfn):
    """As long as the run has time. (X-9)"""
    cfn.refuses("list_stack_instances", "Throttling", **LISTED)
    cfn.says("list_stack_instances", {"Summaries": [a_told_instance()]})

    assert [PAIR] == [each.target for each in sets.instances(a_set())]


def test_a_run_without_time_asks_once(wires, cfn):
    """What the service says is told."""
    cfn.refuses("list_stack_instances", "Throttling", **LISTED)

    with pytest.raises(CloudError, match="Throttling"):
        AwsSets(wires, Patience(FakeClock(), 0.0)).instances(a_set())


def test_who_watches_an_operation_looks_once(sets, cfn):
    """It looks again by itself, and says in between what is wrong."""
    cfn.refuses("describe_stack_set_operation", "Throttling", **NAMED, OperationId=TOKEN)

    with pytest.raises(CloudError) as error:
        sets.operation(a_set(), TOKEN)

    assert error.value.passing
