"""Reading stacks: what is deployed, what moves, what happened; and starting to delete one."""

import pytest

from tapcfn.aws import stacks
from tapcfn.errors import BlockedError, CloudError
from tapcfn.model import Deployed, StackStatus
from tests.tapcfn.aws.wire import HERE, MORNING, STACK_ID, summary

OTHER_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/other/bbbb-1"
MOVING = [
    "CREATE_IN_PROGRESS",
    "ROLLBACK_IN_PROGRESS",
    "DELETE_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_ROLLBACK_IN_PROGRESS",
]


# What is deployed --------------------------------------------------------------------------------


def test_every_stack_of_a_target_is_read_in_one_sweep(cfn):
    """All pages, an empty one among them; a stack that two pages mention is one stack."""
    other = {"StackName": "other", "StackId": OTHER_ID}
    first = summary("CREATE_COMPLETE")
    cfn.answers("describe_stacks", {"Stacks": [first], "NextToken": "2"})
    cfn.answers("describe_stacks", {"Stacks": [], "NextToken": "3"}, NextToken="2")
    cfn.answers(
        "describe_stacks", {"Stacks": [first, summary("UPDATE_COMPLETE", **other)]}, NextToken="3"
    )

    found = stacks.stacks(cfn.client, HERE)

    assert {"network": "CREATE_COMPLETE", "other": "UPDATE_COMPLETE"} == {
        name: each.status for name, each in found.items()
    }


def test_a_nested_stack_says_what_it_is_nested_in(cfn):
    """So that it is never taken for one that stands by itself. (D-24)"""
    nested = summary("CREATE_COMPLETE", ParentId=OTHER_ID, RootId=OTHER_ID)
    cfn.answers("describe_stacks", {"Stacks": [nested]}, StackName=STACK_ID)

    assert OTHER_ID == stacks.stack(cfn.client, STACK_ID, HERE).parent


@pytest.mark.parametrize(("mode", "express"), [("EXPRESS", True), ("STANDARD", False)])
def test_a_stack_says_in_which_mode_it_was_deployed(cfn, mode, express):
    """Not by us: but what cures it depends on it. (3.3)"""
    found = summary("UPDATE_FAILED", DeploymentConfig={"Mode": mode})
    cfn.answers("describe_stacks", {"Stacks": [found]}, StackName=STACK_ID)

    assert express is stacks.stack(cfn.client, STACK_ID, HERE).express


def test_a_stack_that_nobody_asked_about_may_be_in_any_state(cfn):
    """A word that is new to us stops those whom it concerns, and nobody else. (X-37)"""
    news = summary("HIBERNATING", StackName="theirs", StackId="arn:theirs")
    cfn.answers("describe_stacks", {"Stacks": [news, summary("CREATE_COMPLETE")]})

    assert ["network"] == list(stacks.stacks(cfn.client, HERE, frozenset({"network"})))


def test_a_page_that_fails_fails_the_sweep(cfn):
    """Nothing is decided on a partial list."""
    cfn.answers("describe_stacks", {"Stacks": [summary("CREATE_COMPLETE")], "NextToken": "2"})
    cfn.refuses("describe_stacks", "ExpiredToken", 403, NextToken="2")

    with pytest.raises(CloudError, match=r"^stacks \(111122223333/eu-west-1\): Describe.*Expired"):
        stacks.stacks(cfn.client, HERE)


def test_a_page_that_leads_to_itself_fails_the_sweep(cfn):
    """A token that comes again would never end."""
    cfn.answers("describe_stacks", {"Stacks": [], "NextToken": "2"})
    cfn.answers("describe_stacks", {"Stacks": [], "NextToken": "2"}, NextToken="2")

    with pytest.raises(CloudError, match="same next token"):
        stacks.stacks(cfn.client, HERE)


def test_a_stack_is_read_by_its_id_with_all_that_it_says(cfn):
    """Parameters, outputs, tags, protection, and the moment of its last change."""
    cfn.answers(
        "describe_stacks",
        {
            "Stacks": [
                summary(
                    "UPDATE_ROLLBACK_COMPLETE",
                    StackStatusReason="no luck",
                    LastUpdatedTime=MORNING.replace(hour=9),
                    Parameters=[
                        {"ParameterKey": "Cidr", "ParameterValue": "10.0.0.0/8"},
                        {"ParameterKey": "Bare"},
                    ],
                    Outputs=[{"OutputKey": "Id", "OutputValue": "vpc-1"}],
                    Tags=[{"Key": "team", "Value": "a"}],
                    EnableTerminationProtection=True,
                )
            ]
        },
        StackName=STACK_ID,
    )

    assert Deployed(
        "network",
        STACK_ID,
        StackStatus.UPDATE_ROLLBACK_COMPLETE,
        "no luck",
        "2026-01-02T09:04:05+00:00",
        {"Cidr": "10.0.0.0/8", "Bare": ""},
        {"Id": "vpc-1"},
        {"team": "a"},
        protected=True,
    ) == stacks.stack(cfn.client, STACK_ID, HERE)


def test_a_stack_that_says_little_was_last_changed_when_it_was_made(cfn):
    """Before the first update there is only a creation time."""
    cfn.answers("describe_stacks", {"Stacks": [summary("DELETE_COMPLETE")]}, StackName=STACK_ID)

    assert Deployed(
        "network", STACK_ID, StackStatus.DELETE_COMPLETE, "", "2026-01-02T03:04:05+00:00"
    ) == stacks.stack(cfn.client, STACK_ID, HERE)


def test_an_unknown_status_is_no_success(cfn):
    """A word that we do not know stops us."""
    cfn.answers("describe_stacks", {"Stacks": [summary("FROZEN")]}, StackName=STACK_ID)

    with pytest.raises(CloudError, match="^network: CloudFormation says FROZEN, which is unknown"):
        stacks.stack(cfn.client, STACK_ID, HERE)


def test_what_moves_is_known_in_one_sweep(cfn):
    """Every status in progress is asked for, a stack in review is not; all pages."""
    moved = {"CreationTime": MORNING}
    first = {"StackId": STACK_ID, "StackName": "network", "StackStatus": "CREATE_IN_PROGRESS"}
    second = {"StackId": OTHER_ID, "StackName": "other", "StackStatus": "DELETE_IN_PROGRESS"}
    cfn.answers(
        "list_stacks",
        {"StackSummaries": [first | moved], "NextToken": "2"},
        StackStatusFilter=MOVING,
    )
    cfn.answers(
        "list_stacks",
        {"StackSummaries": [first | moved, second | moved]},
        StackStatusFilter=MOVING,
        NextToken="2",
    )

    assert {
        STACK_ID: StackStatus.CREATE_IN_PROGRESS,
        OTHER_ID: StackStatus.DELETE_IN_PROGRESS,
    } == stacks.moving(cfn.client, HERE)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ('{ "B": 1,\n "A": [2] }', '{"A":[2],"B":1}'),
        ("Resources: {}\n", "Resources: {}\n"),
    ],
)
def test_a_json_template_is_read_in_canonical_form(cfn, sent, read):
    """However it was laid out; YAML is handed over as it was sent."""
    cfn.answers(
        "get_template", {"TemplateBody": sent}, StackName=STACK_ID, TemplateStage="Original"
    )

    assert read == stacks.template(cfn.client, STACK_ID, HERE)


def test_what_a_stack_holds_is_what_was_made_and_is_not_gone(cfn):
    """A resource that deletion skipped is still there; one that never came to be is not."""

    def listed(key, status, **more):
        return {
            "LogicalResourceId": key,
            "ResourceType": "AWS::S3::Bucket",
            "ResourceStatus": status,
            "LastUpdatedTimestamp": MORNING,
            **more,
        }

    cfn.answers(
        "list_stack_resources",
        {
            "StackResourceSummaries": [
                listed("Logs", "CREATE_COMPLETE", PhysicalResourceId="logs-1"),
                listed("Gone", "DELETE_COMPLETE", PhysicalResourceId="gone-1"),
            ],
            "NextToken": "2",
        },
        StackName=STACK_ID,
    )
    cfn.answers(
        "list_stack_resources",
        {
            "StackResourceSummaries": [
                listed("Kept", "DELETE_SKIPPED", PhysicalResourceId="kept-1"),
                listed("Never", "CREATE_FAILED"),
                listed("Soon", "CREATE_IN_PROGRESS"),
            ]
        },
        StackName=STACK_ID,
        NextToken="2",
    )

    assert {
        "Logs": ("AWS::S3::Bucket", "logs-1"),
        "Kept": ("AWS::S3::Bucket", "kept-1"),
        "Soon": ("AWS::S3::Bucket", ""),
    } == stacks.resources(cfn.client, STACK_ID, HERE)


# What happened -----------------------------------------------------------------------------------


def event(number, token=None, **more):
    return {
        "EventId": f"e{number}",
        "StackId": STACK_ID,
        "StackName": "network",
        "Timestamp": MORNING,
        **({"ClientRequestToken": token} if token else {}),
        **more,
    }


def history(cfn, *events, **request):
    token = {"NextToken": request.pop("then")} if "then" in request else {}
    page = {"StackEvents": list(events), **token}
    cfn.answers("describe_stack_events", page, StackName=STACK_ID, **request)


def ids(cfn, token):
    return [each.event_id for each in stacks.events(cfn.client, STACK_ID, HERE, token)]


def test_only_the_events_of_the_token_are_told_oldest_first(cfn):
    """Whatever an earlier or a later operation did is left out, whenever it was."""
    history(
        cfn, event(5, "later"), event(4, "ours"), event(3, "ours"), event(2, "earlier"), event(1)
    )

    assert ["e3", "e4"] == ids(cfn, "ours")


def test_an_event_of_another_token_in_between_ends_nothing(cfn):
    """The first cause may lie behind it."""
    history(cfn, event(3, "ours"), event(2), event(1, "ours"))

    assert ["e1", "e3"] == ids(cfn, "ours")


def test_reading_stops_after_the_page_on_which_the_operation_began(cfn):
    """A long history is not read to its end; neither an empty page nor a repeated one misleads."""
    history(cfn, event(9, "later"), then="2")
    history(cfn, event(8, "ours"), event(7, "ours"), then="3", NextToken="2")
    history(cfn, event(7, "ours"), then="4", NextToken="3")
    history(cfn, then="5", NextToken="4")
    history(cfn, event(6, "ours"), event(5, "earlier"), then="6", NextToken="5")
    history(cfn, event(4, "earlier"), then="7", NextToken="6")

    assert ["e6", "e7", "e8"] == ids(cfn, "ours")


def test_without_a_token_the_whole_history_is_told(cfn):
    """All pages, each event once."""
    history(cfn, event(3, "b"), event(2), then="2")
    history(cfn, event(2), event(1, "a"), NextToken="2")

    assert ["e1", "e2", "e3"] == ids(cfn, "")


@pytest.mark.parametrize(
    ("status", "mode", "told"),
    [
        ("HOOK_COMPLETE_FAILED", "FAIL", "Guard::Tags: owner is missing"),
        ("HOOK_FAILED", "FAIL", "Guard::Tags: owner is missing"),
        ("HOOK_COMPLETE_FAILED", "WARN", ""),
        ("HOOK_COMPLETE_SUCCEEDED", "FAIL", ""),
        ("HOOK_IN_PROGRESS", "FAIL", ""),
    ],
)
def test_a_hook_that_lets_a_resource_fail_says_why(cfn, status, mode, told):
    """The resource's own event only names it. (X-29)"""
    hook = {"HookType": "Guard::Tags", "HookStatus": status, "HookFailureMode": mode}
    history(cfn, event(1, "ours", HookStatusReason="owner is missing", **hook))

    assert [told] == [each.objection for each in stacks.events(cfn.client, STACK_ID, HERE, "ours")]


def test_an_event_is_kept_whole(cfn):
    """Who, what, why, when and for whom."""
    history(
        cfn,
        event(
            1,
            "ours",
            LogicalResourceId="Logs",
            PhysicalResourceId="logs-1",
            ResourceType="AWS::S3::Bucket",
            ResourceStatus="CREATE_FAILED",
            ResourceStatusReason="taken",
        ),
    )

    told = stacks.events(cfn.client, STACK_ID, HERE, "ours")[0]

    assert ("Logs", "AWS::S3::Bucket", "CREATE_FAILED", "taken", "logs-1", "ours") == (
        told.logical_id,
        told.resource_type,
        told.status,
        told.reason,
        told.physical_id,
        told.token,
    )
    assert "2026-01-02T03:04:05+00:00" == told.time


# Deletion ----------------------------------------------------------------------------------------

DELETION = {"StackName": STACK_ID, "ClientRequestToken": "tapcfn-d"}


def test_a_stack_is_deleted_by_its_id_with_a_token(cfn):
    """A name may mean another stack by now; an id never does."""
    cfn.answers("delete_stack", {}, **DELETION)

    assert stacks.delete(cfn.client, STACK_ID, HERE, "tapcfn-d") is None


def test_a_deletion_whose_answer_was_lost_goes_on(cfn):
    """The service knows the token: it is at work already."""
    cfn.refuses("delete_stack", "TokenAlreadyExistsException", **DELETION)

    assert stacks.delete(cfn.client, STACK_ID, HERE, "tapcfn-d") is None


def test_a_refused_deletion_is_an_error(cfn):
    """For other reasons than protection, or where the stack can't be read either."""
    for reading in (cfn.answers, cfn.refuses):
        cfn.refuses("delete_stack", "ValidationError", message="is at work", **DELETION)
        read = reading == cfn.answers
        answer = {"Stacks": [summary("CREATE_COMPLETE")]} if read else "AccessDenied"
        reading("describe_stacks", answer, StackName=STACK_ID)

        with pytest.raises(CloudError, match=r"^network \(.*\): DeleteStack was refused: is at wo"):
            stacks.delete(cfn.client, STACK_ID, HERE, "tapcfn-d")


def test_a_deletion_that_protection_refuses_is_blocked(cfn):
    """Told by the stack itself, not by the words; protection is never lifted here. (X-33)"""
    cfn.refuses("delete_stack", "ValidationError", message="no", **DELETION)
    protected = summary("CREATE_COMPLETE", EnableTerminationProtection=True)
    cfn.answers("describe_stacks", {"Stacks": [protected]}, StackName=STACK_ID)

    with pytest.raises(BlockedError, match=r"^network \(.*TerminationProtection refuses"):
        stacks.delete(cfn.client, STACK_ID, HERE, "tapcfn-d")


def test_who_imports_is_read_over_all_pages(cfn):
    """The service has an error for nobody."""
    cfn.answers("list_imports", {"Imports": ["b"], "NextToken": "2"}, ExportName="x")
    cfn.answers("list_imports", {"Imports": ["a"]}, ExportName="x", NextToken="2")
    cfn.refuses("list_imports", "ValidationError", ExportName="y")
    cfn.refuses("list_imports", "AccessDenied", ExportName="z")

    assert ("a", "b") == stacks.importers(cfn.client, "x", HERE)
    assert () == stacks.importers(cfn.client, "y", HERE)
    with pytest.raises(CloudError, match="export z"):
        stacks.importers(cfn.client, "z", HERE)


@pytest.mark.parametrize(("given", "name"), [(STACK_ID, "network"), ("network", "network")])
def test_a_stack_id_tells_the_name(given, name):
    """For messages only."""

    assert name == stacks.name_of(given)


# Page tokens that run out -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "key", "read"),
    [
        ("describe_stacks", "Stacks", lambda client: stacks.stacks(client, HERE)),
        ("list_stacks", "StackSummaries", lambda client: stacks.moving(client, HERE)),
        (
            "list_stack_resources",
            "StackResourceSummaries",
            lambda client: stacks.resources(client, STACK_ID, HERE),
        ),
        (
            "describe_stack_events",
            "StackEvents",
            lambda client: stacks.events(client, STACK_ID, HERE, ""),
        ),
        ("list_imports", "Imports", lambda client: stacks.importers(client, "e", HERE)),
    ],
)
def test_a_token_that_ran_out_begins_the_list_again(cfn, call, key, read):
    """From the first page; never a part of the list, nor "nobody". (X-21)"""
    cfn.says(call, {key: [], "NextToken": "2"})
    cfn.fails(call, "ValidationError", "Token already expired")
    cfn.says(call, {key: []})

    assert 0 == len(read(cfn.client))


def test_an_export_whose_importers_can_not_be_listed_has_not_none(cfn):
    """The service's word for "nobody" is its word for a bad token, too."""
    for _ in range(3):
        cfn.says("list_imports", {"Imports": ["shop"], "NextToken": "2"})
        cfn.fails("list_imports", "ValidationError", "Token already expired")

    with pytest.raises(CloudError, match="Token already expired"):
        stacks.importers(cfn.client, "e", HERE)
