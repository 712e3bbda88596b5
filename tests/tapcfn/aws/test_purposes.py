"""Requests for a purpose: an import, a reversal of drift, a deletion that leaves things behind."""

from __future__ import annotations

import pytest

from tapcfn.aws import change_sets, stacks
from tapcfn.ports import Imported, Leaving, Purpose
from tapcfn.waits import Patience
from tests.fakes.builders import a_stack
from tests.fakes.clock import FakeClock
from tests.tapcfn.aws.wire import ARN, HERE, STACK_ID, TOKEN, a_change, a_request, described

IMPORT = Purpose((Imported("Data", "AWS::S3::Bucket", (("BucketName", "mine"),)),))
BODY = {"TemplateBody": "{}"}

COMMON = {
    "StackName": "network",
    "ChangeSetName": TOKEN,
    "ClientToken": TOKEN,
    "Description": "tapcfn intent=i1 base=b1",
    "Parameters": [],
    "Capabilities": [],
    "Tags": [],
    "NotificationARNs": [],
    "RollbackConfiguration": {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0},
    "IncludeNestedStacks": False,
    **BODY,
}


def test_an_import_names_what_exists_and_asks_for_nothing_else(cfn):
    """ChangeSetType IMPORT with ResourcesToImport; nested stacks are left out."""
    cfn.answers(
        "create_change_set",
        {"Id": ARN, "StackId": STACK_ID},
        **COMMON,
        ChangeSetType="IMPORT",
        ResourcesToImport=[
            {
                "ResourceType": "AWS::S3::Bucket",
                "LogicalResourceId": "Data",
                "ResourceIdentifier": {"BucketName": "mine"},
            }
        ],
    )
    cfn.answers("describe_change_set", described(a_change("Data", "Import")), ChangeSetName=ARN)
    cfn.answers(
        "describe_change_set",
        described(a_change("Data", "Import")),
        ChangeSetName=ARN,
        IncludePropertyValues=True,
    )

    request = a_request(create=False, purpose=IMPORT)
    made = change_sets.stage(cfn.client, request, BODY, Patience(FakeClock()))

    assert [("Data", "Import")] == [(each.logical_id, each.action) for each in made.changes]


def test_drift_is_reverted_by_the_service(cfn):
    """DeploymentMode REVERT_DRIFT on an ordinary update; what it does is read like any other."""
    cfn.answers(
        "create_change_set",
        {"Id": ARN, "StackId": STACK_ID},
        **COMMON,
        ChangeSetType="UPDATE",
        DeploymentMode="REVERT_DRIFT",
    )
    change = a_change("Data", "SyncWithActual")
    cfn.answers("describe_change_set", described(change), ChangeSetName=ARN)
    cfn.answers(
        "describe_change_set", described(change), ChangeSetName=ARN, IncludePropertyValues=True
    )

    request = a_request(create=False, purpose=Purpose(revert_drift=True))
    made = change_sets.stage(cfn.client, request, BODY, Patience(FakeClock()))

    assert [("Data", "SyncWithActual")] == [(each.logical_id, each.action) for each in made.changes]


@pytest.mark.parametrize(
    ("leaving", "more"),
    [
        (None, {}),
        (Leaving(retain=("Data", "Key")), {"RetainResources": ["Data", "Key"]}),
        (Leaving(force=True), {"DeletionMode": "FORCE_DELETE_STACK"}),
    ],
)
def test_a_deletion_leaves_behind_only_what_is_named(cfn, leaving, more):
    """Neither parameter is sent unless it was asked for."""
    cfn.answers("delete_stack", {}, StackName=STACK_ID, ClientRequestToken="t", **more)

    stacks.delete(cfn.client, STACK_ID, HERE, "t", leaving)


def test_identifiers_are_those_that_the_service_names(cfn):
    """By logical ID; a type that cannot be imported is not among them."""
    cfn.answers(
        "get_template_summary",
        {
            "ResourceIdentifierSummaries": [
                {
                    "ResourceType": "AWS::S3::Bucket",
                    "LogicalResourceIds": ["Data", "Logs"],
                    "ResourceIdentifiers": ["BucketName"],
                }
            ]
        },
        TemplateBody="{}",
    )

    found = stacks.identifiers(cfn.client, a_stack(target=HERE), BODY)

    assert {"Data": ("BucketName",), "Logs": ("BucketName",)} == found
