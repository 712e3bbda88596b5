"""A ClientRequestToken names one operation for ever."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import Aws, destroy, resource, settled, stage, template

TAKEN = "TokenAlreadyExistsException"


def body(days: int) -> str:
    return template({"Group": resource("Logs::LogGroup", {"RetentionInDays": days})})


def refused(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**request)
    return str(error.value.response["Error"]["Code"])


def created(cloudformation: Any, token: str = "first") -> str:
    made = cloudformation.create_stack(
        StackName="stack", TemplateBody=body(7), ClientRequestToken=token
    )
    settled(cloudformation, made["StackId"])
    return str(made["StackId"])


def test_each_operation_refuses_a_token_that_it_knows(aws: Aws):
    """Create, update and delete, whether the operation runs or has ended."""
    cloudformation = aws.client("cloudformation")
    first = {"StackName": "stack", "TemplateBody": body(7), "ClientRequestToken": "first"}
    stack = cloudformation.create_stack(**first)["StackId"]

    assert refused(cloudformation.create_stack, **first) == TAKEN
    settled(cloudformation, stack)
    assert refused(cloudformation.create_stack, **first) == TAKEN

    second = {"StackName": stack, "TemplateBody": body(14), "ClientRequestToken": "second"}
    cloudformation.update_stack(**second)
    settled(cloudformation, stack)

    assert refused(cloudformation.update_stack, **second) == TAKEN
    assert refused(cloudformation.delete_stack, StackName="stack", ClientRequestToken="second")

    destroy(cloudformation, stack, ClientRequestToken="third")

    assert refused(cloudformation.delete_stack, StackName=stack, ClientRequestToken="third")
    assert refused(cloudformation.create_stack, **first) == TAKEN


def test_a_change_set_is_executed_once_per_token(aws: Aws):
    """The second request says that the first arrived, not that the change set is in use."""
    cloudformation = aws.client("cloudformation")
    staged = stage(cloudformation, "stack", body(7), ChangeSetType="CREATE")
    order = {"ChangeSetName": staged["ChangeSetId"], "ClientRequestToken": "go"}
    cloudformation.execute_change_set(**order)

    assert refused(cloudformation.execute_change_set, **order) == TAKEN
    settled(cloudformation, staged["StackId"])
    assert refused(cloudformation.execute_change_set, **order) == TAKEN
    other = {"ChangeSetName": staged["ChangeSetId"], "ClientRequestToken": "again"}
    assert refused(cloudformation.execute_change_set, **other) == "InvalidChangeSetStatus"


def test_a_refused_request_uses_no_token_up(aws: Aws):
    """What was not accepted can be asked for again with the same token."""
    cloudformation = aws.client("cloudformation")
    created(cloudformation)
    request = {"StackName": "stack", "ClientRequestToken": "second"}

    assert refused(cloudformation.update_stack, TemplateBody=body(7), **request) == (
        "ValidationError"
    )
    assert cloudformation.update_stack(TemplateBody=body(30), **request)["OperationId"]


def test_the_name_of_a_deleted_stack_knows_no_token(aws: Aws):
    """Deleting what is not there succeeds, with whatever token."""
    cloudformation = aws.client("cloudformation")
    destroy(cloudformation, created(cloudformation), ClientRequestToken="gone")

    cloudformation.delete_stack(StackName="stack", ClientRequestToken="gone")


def test_answers_name_the_operation_that_they_began(aws: Aws):
    """CreateStack and UpdateStack return the id that LastOperations lists first."""
    cloudformation = aws.client("cloudformation")
    made = cloudformation.create_stack(StackName="stack", TemplateBody=body(7))
    stack = settled(cloudformation, made["StackId"])

    assert stack["LastOperations"] == [
        {"OperationType": "CREATE_STACK", "OperationId": made["OperationId"]}
    ]
