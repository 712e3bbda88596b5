"""Take a stack back to where it was, once an operation of its own has left it half way."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tapcfn.aws.calls import code_of, told
from tapcfn.aws.stacks import name_of
from tapcfn.errors import UsageError
from tapcfn.model import Target


def rollback(client: Any, stack_id: str, target: Target, token: str) -> None:
    """Roll back to the last stable state; a stack that never had one loses all that it made."""
    _send(
        client.rollback_stack,
        target,
        StackName=stack_id,
        ClientRequestToken=token,
        RetainExceptOnCreate=True,
    )


def cancel(client: Any, stack_id: str, target: Target, token: str) -> None:
    """Cancel an update; the service takes it in UPDATE_IN_PROGRESS only."""
    _send(client.cancel_update_stack, target, StackName=stack_id, ClientRequestToken=token)


def continue_rollback(
    client: Any, stack_id: str, target: Target, token: str, *, skip: tuple[str, ...], force: bool
) -> None:
    """Go on with the rollback of an update; raise `UsageError` if botocore can't `force` one."""
    order: dict[str, Any] = {"StackName": stack_id, "ClientRequestToken": token}
    if skip:
        order["ResourcesToSkip"] = list(skip)
    if force:
        model = client.meta.service_model.operation_model("ContinueUpdateRollback")
        if "ForceRollback" not in model.input_shape.members:
            raise UsageError("--force: this botocore does not know ForceRollback; upgrade boto3")
        order["ForceRollback"] = True
    _send(client.continue_update_rollback, target, **order)


def _send(call: Any, target: Target, **order: Any) -> None:
    """Send an order. A token that was sent before is no error."""
    with told(name_of(order["StackName"]), target):
        try:
            call(**order)
        except ClientError as error:
            if code_of(error) != "TokenAlreadyExists":
                raise
