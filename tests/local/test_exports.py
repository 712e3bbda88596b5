"""Exports and imports between stacks."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import Aws, deploy, destroy, events, resource, settled, stage, template


def exporting(value: str = "one", name: str | None = "shared", about: str = "") -> str:
    said = {"Description": about} if about else {}
    parameter = resource("SSM::Parameter", {"Type": "String", "Value": value, **said})
    export = {"Export": {"Name": name}} if name else {}
    return template({"Parameter": parameter}, Outputs={"Out": {"Value": value, **export}})


def importing(name: Any = "shared", **more: Any) -> str:
    value = {"Fn::ImportValue": name}
    return template(
        {"Parameter": resource("SSM::Parameter", {"Type": "String", "Value": value})}, **more
    )


def reasons(cloudformation: Any, stack: str) -> list[str]:
    return [event.get("ResourceStatusReason", "") for event in events(cloudformation, stack)]


def exported(cloudformation: Any) -> dict[str, str]:
    found = cloudformation.list_exports()["Exports"]
    return {each["Name"]: each["Value"] for each in found}


def test_a_name_is_exported_once(aws: Aws):
    """The second stack rolls back and says who has the name; the first keeps it."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "first", exporting("one"))
    second = deploy(cloudformation, "second", exporting("two"))

    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Export with name shared is already exported by stack first" in reasons(
        cloudformation, "second"
    )
    assert exported(cloudformation) == {"shared": "one"}
    destroy(cloudformation, second["StackId"])
    assert exported(cloudformation) == {"shared": "one"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (exporting("two"), "Export shared cannot be updated as it is in use by user"),
        (
            exporting("one", "other", "new"),
            "Export shared cannot be deleted as it is in use by user",
        ),
        (exporting("one", None, "new"), "Export shared cannot be deleted as it is in use by user"),
    ],
)
def test_an_export_in_use_stays(aws: Aws, body: str, reason: str):
    """Its value can't change and it can't go: the update rolls back."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "owner", exporting())
    deploy(cloudformation, "user", importing())
    stack = deploy(cloudformation, "owner", body)

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert reason in reasons(cloudformation, "owner")
    assert exported(cloudformation) == {"shared": "one"}


def test_the_owner_of_an_export_in_use_is_not_deleted(aws: Aws):
    """DeleteStack is refused at once, until nobody imports any more."""
    cloudformation = aws.client("cloudformation")
    owner = deploy(cloudformation, "owner", exporting())["StackId"]
    user = deploy(cloudformation, "user", importing())["StackId"]

    with pytest.raises(ClientError, match="shared cannot be deleted as it is in use by user"):
        cloudformation.delete_stack(StackName=owner)
    destroy(cloudformation, user)
    assert destroy(cloudformation, owner)["StackStatus"] == "DELETE_COMPLETE"
    assert exported(cloudformation) == {}


def test_what_is_no_longer_exported_is_gone(aws: Aws):
    """An update without the export frees the name, and another stack may take it."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "owner", exporting())
    deploy(cloudformation, "owner", exporting("two", None))

    assert exported(cloudformation) == {}
    assert deploy(cloudformation, "next", exporting())["StackStatus"] == "CREATE_COMPLETE"


def test_an_import_of_nothing_fails(aws: Aws):
    """The change set ends FAILED, a stack rolls back, both with the name."""
    cloudformation = aws.client("cloudformation")
    staged = stage(cloudformation, "stack", importing("none"), ChangeSetType="CREATE")
    made = cloudformation.create_stack(StackName="other", TemplateBody=importing("none"))
    stack = settled(cloudformation, made["StackId"])

    assert (staged["Status"], staged["StatusReason"]) == (
        *("FAILED", "No export named none found"),
    )
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "No export named none found" in reasons(cloudformation, made["StackId"])


def test_an_import_that_is_not_taken_needs_no_export(aws: Aws):
    """Only the branch that counts is looked at; names may be put together."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "owner", exporting(name="eu-shared"))
    name = {"Fn::Sub": "${Place}-shared"}
    more = {
        "Parameters": {"Place": {"Type": "String", "Default": "eu"}},
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Outputs": {
            "Out": {"Value": {"Fn::If": ["Never", {"Fn::ImportValue": "none"}, "fine"]}},
            "Gone": {"Value": {"Fn::ImportValue": "none"}, "Condition": "Never"},
        },
    }

    assert deploy(cloudformation, "user", importing(name, **more))["StackStatus"] == (
        "CREATE_COMPLETE"
    )
