"""Change sets that revert drift, as the service offers them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import Aws, deploy, resource, stage, template

BODY = template(
    {
        "Group": resource("Logs::LogGroup", {"LogGroupName": "/g", "RetentionInDays": 7}),
        "Other": resource("SSM::Parameter", {"Name": "/p", "Type": "String", "Value": "1"}),
    }
)


def proposed(aws: Aws, body: str = BODY, **more: Any) -> Any:
    """Make a change set that reverts drift, and return what it says."""
    more = {"DeploymentMode": "REVERT_DRIFT", **more}
    return stage(aws.client("cloudformation"), "stack", body, **more)


def test_it_changes_what_drifted_from_what_it_is_to_what_it_was(aws: Aws):
    """With both values; what did not drift is no part of it."""
    deploy(aws.client("cloudformation"), "stack", BODY)
    aws.client("logs").put_retention_policy(logGroupName="/g", retentionInDays=30)

    made = proposed(aws)["ChangeSetId"]
    (change,) = aws.client("cloudformation").describe_change_set(
        ChangeSetName=made, IncludePropertyValues=True
    )["Changes"]

    assert ("Modify", "Group") == tuple(
        change["ResourceChange"][key] for key in ("Action", "LogicalResourceId")
    )
    (detail,) = change["ResourceChange"]["Details"]
    target = detail["Target"]
    assert ("/Properties/RetentionInDays", "30", "7") == tuple(
        target[key] for key in ("Path", "BeforeValue", "AfterValue")
    )


def test_without_drift_it_changes_nothing(aws: Aws):
    """As any change set of the same template; a pending change is one all the same."""
    deploy(aws.client("cloudformation"), "stack", BODY)

    same = proposed(aws)
    other = proposed(aws, BODY.replace('"1"', '"2"'))

    assert ("FAILED", True) == (same["Status"], "didn't contain changes" in same["StatusReason"])
    assert ["Other"] == [each["ResourceChange"]["LogicalResourceId"] for each in other["Changes"]]


@pytest.mark.parametrize("kind", ["CREATE", "IMPORT"])
def test_it_is_for_stacks_that_are_there(aws: Aws, kind: str):
    """Nothing that is yet to be made has drifted."""
    with pytest.raises(ClientError, match="only for change sets of type UPDATE"):
        proposed(aws, ChangeSetType=kind)
