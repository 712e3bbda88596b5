"""The port as a whole: what each of its calls sends, and that no boto3 error crosses it."""

import pytest
from botocore.exceptions import EndpointConnectionError, ProfileNotFound
from botocore.parsers import ResponseParserError

from tapcfn.aws.calls import told
from tapcfn.aws.cloud import AwsCloud
from tapcfn.aws.session import Clients
from tapcfn.errors import BlockedError, CloudError
from tapcfn.model import ChangeSet, StackStatus
from tests.fakes.builders import a_stack
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.test_stage import ORDER
from tests.tapcfn.aws.wire import (
    ARN,
    HERE,
    MORNING,
    STACK_ID,
    a_request,
    described,
    summary,
)

PLAIN = ChangeSet(ARN, "network", STACK_ID)


@pytest.fixture
def cloud(wires):
    return AwsCloud(wires, FakeClock())


def zone(name, **more):
    usable = {"State": "available", "OptInStatus": "opt-in-not-required"}
    return {"ZoneName": name, "ZoneType": "availability-zone", **usable, **more}


def test_the_caller_is_an_account(cloud, wires):
    """The one that the credentials speak for."""
    wires.to("sts").answers("get_caller_identity", {"Account": "999988887777"})

    assert "999988887777" == cloud.caller(HERE)


def test_zones_are_sorted_and_plain(cloud, wires):
    """No Local Zone, none that needs opting in, none that is out of order."""
    wires.to("ec2").answers(
        "describe_availability_zones",
        {
            "AvailabilityZones": [
                zone("eu-west-1c"),
                zone("eu-west-1a"),
                zone("eu-west-1-far-1a", ZoneType="local-zone", OptInStatus="opted-in"),
                zone("eu-west-1d", OptInStatus="not-opted-in"),
                zone("eu-west-1e", State="impaired"),
                {"ZoneName": "eu-west-1b"},
            ]
        },
    )

    assert ("eu-west-1a", "eu-west-1b", "eu-west-1c") == cloud.zones(HERE)


def test_reading_goes_to_cloudformation_in_the_target(cloud, cfn):
    """A sweep, one stack, its template, what moves, what it holds, what happened."""
    cfn.answers("describe_stacks", {"Stacks": [summary("CREATE_COMPLETE")]})
    cfn.answers("describe_stacks", {"Stacks": [summary("CREATE_COMPLETE")]}, StackName=STACK_ID)
    cfn.answers(
        "get_template", {"TemplateBody": "a: 1"}, StackName=STACK_ID, TemplateStage="Original"
    )
    moving = [status.value for status in StackStatus if status.is_moving]
    cfn.answers("list_stacks", {"StackSummaries": []}, StackStatusFilter=moving)
    cfn.answers("list_stack_resources", {"StackResourceSummaries": []}, StackName=STACK_ID)
    cfn.answers("describe_stack_events", {"StackEvents": []}, StackName=STACK_ID)

    assert ["network"] == list(cloud.stacks(HERE))
    assert "network" == cloud.stack(STACK_ID, HERE).name
    assert "a: 1" == cloud.template(STACK_ID, HERE)
    assert {} == cloud.moving(HERE)
    assert {} == cloud.resources(STACK_ID, HERE)
    assert () == cloud.events(STACK_ID, HERE, "ours")


def test_a_change_set_goes_through_its_life(cloud, cfn):
    """Staged with the template in the request, found again, carried out; another is discarded."""
    request = a_request()
    cfn.answers(
        "create_change_set",
        {"Id": ARN},
        **ORDER | {"TemplateBody": request.stack.template.text},
    )
    for _ in "stage", "find":
        cfn.answers("describe_change_set", described(), ChangeSetName=ARN)
    cfn.answers(
        "execute_change_set",
        {},
        ChangeSetName=ARN,
        ClientRequestToken="tapcfn-x",
        RetainExceptOnCreate=True,
    )
    cfn.answers("delete_change_set", {}, ChangeSetName=ARN)
    cfn.answers("describe_stacks", {"Stacks": [summary("CREATE_COMPLETE")]}, StackName=STACK_ID)

    assert PLAIN == cloud.stage(request)
    assert (PLAIN, "AVAILABLE") == cloud.change_set(ARN, HERE)
    assert cloud.execute(PLAIN, HERE, "tapcfn-x") is None
    assert cloud.discard(PLAIN, HERE) is None


@pytest.mark.parametrize("on", [True, False])
def test_protection_is_set_by_stack_id(cloud, cfn, on):
    """Either way."""
    cfn.answers(
        "update_termination_protection",
        {"StackId": STACK_ID},
        StackName=STACK_ID,
        EnableTerminationProtection=on,
    )

    assert cloud.protect(STACK_ID, HERE, on=on) is None


def test_deleting_and_emptying_go_to_their_services(cloud, cfn, wires):
    """A stack by its id and token; a bucket by its name."""
    cfn.answers("delete_stack", {}, StackName=STACK_ID, ClientRequestToken="tapcfn-d")
    s3 = wires.to("s3")
    s3.answers("list_object_versions", {}, Bucket="logs", MaxKeys=1)
    s3.answers("list_object_versions", {}, Bucket="logs")
    s3.answers("list_multipart_uploads", {}, Bucket="logs")

    assert cloud.delete(STACK_ID, HERE, "tapcfn-d") is None
    assert not cloud.holds_objects("logs", HERE)
    assert 0 == cloud.empty("logs", HERE)


@pytest.mark.parametrize(
    ("call", "operation", "subject"),
    [
        (lambda cloud: cloud.stacks(HERE), "describe_stacks", "stacks"),
        (lambda cloud: cloud.stack(STACK_ID, HERE), "describe_stacks", "network"),
        (lambda cloud: cloud.template(STACK_ID, HERE), "get_template", "network"),
        (lambda cloud: cloud.moving(HERE), "list_stacks", "stacks in progress"),
        (lambda cloud: cloud.resources(STACK_ID, HERE), "list_stack_resources", "network"),
        (lambda cloud: cloud.events(STACK_ID, HERE, "t"), "describe_stack_events", "network"),
        (
            lambda cloud: cloud.protect(STACK_ID, HERE, on=True),
            "update_termination_protection",
            "network",
        ),
        (lambda cloud: cloud.zones(HERE), "describe_availability_zones", "Availability Zones"),
        (lambda cloud: cloud.caller(HERE), "get_caller_identity", "credentials"),
    ],
)
def test_a_refusal_is_one_line_that_names_its_subject(cloud, wires, call, operation, subject):
    """Whichever call was refused: subject, target, operation, words, code and request."""
    services = {"describe_availability_zones": "ec2", "get_caller_identity": "sts"}
    wire = wires.to(services.get(operation, "cloudformation"))
    wire.fails(operation, "AccessDenied", "not\nyou", RequestId="r-1")

    with pytest.raises(CloudError) as error:
        call(cloud)

    assert str(error.value).startswith(f"{subject} (111122223333/eu-west-1): ")
    assert str(error.value).endswith("was refused: not you [AccessDenied, request r-1]")
    assert "AccessDenied" == error.value.code


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        (
            EndpointConnectionError(endpoint_url="https://x", error="no\nroute"),
            'x (111122223333/eu-west-1): Could not connect to the endpoint URL: "https://x"',
        ),
        (ResponseParserError("broken\nXML"), "x (111122223333/eu-west-1): broken XML"),
    ],
)
def test_no_answer_at_all_is_one_line_too(raised, line):
    """Connections that fail and answers that cannot be read are not the caller's to catch."""
    with pytest.raises(CloudError) as error, told("x", HERE):
        raise raised

    assert line == str(error.value)
    assert type(raised).__name__ == error.value.code


def test_a_refusal_without_words_says_so(cloud, cfn):
    """Some answers have a code and nothing else."""
    cfn.fails("describe_stacks", "Odd", "")

    with pytest.raises(CloudError, match=r"was refused: no reason given \[Odd\]$"):
        cloud.stacks(HERE)


@pytest.mark.parametrize(
    ("raised", "seen"),
    [(ProfileNotFound(profile="x"), CloudError), (BlockedError("no"), BlockedError)],
)
def test_a_client_that_cannot_be_made_is_told_like_a_refused_call(raised, seen):
    """Wherever in the port it is asked for."""

    def connect(service, target):
        raise raised

    cloud = AwsCloud(Clients(connect), FakeClock())
    calls = [
        lambda: cloud.stacks(HERE),
        lambda: cloud.caller(HERE),
        lambda: cloud.empty("logs", HERE),
        lambda: cloud.discard(PLAIN, HERE),
        lambda: cloud.stage(a_request(a_stack(target=HERE))),
    ]

    for call in calls:
        with pytest.raises(seen):
            call()


def test_a_creation_time_is_all_the_base_that_a_new_stack_has(cloud, cfn):
    """Its base is the stack at that moment."""
    cfn.answers("describe_stacks", {"Stacks": [summary("CREATE_COMPLETE")]}, StackName=STACK_ID)

    assert f"{STACK_ID}@{MORNING.isoformat()}" == cloud.stack(STACK_ID, HERE).base
