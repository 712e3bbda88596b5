"""Make, find, carry out and remove change sets, and never the same one twice by accident."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from tapcfn.aws.calls import code_of, passes, told
from tapcfn.aws.changes import read, reasons, says_nothing_to_do, text_of
from tapcfn.aws.firmly import patiently
from tapcfn.aws.paging import pages, whole
from tapcfn.aws.stacks import name_of
from tapcfn.errors import CloudError, StackError, StaleError, StillRunningError
from tapcfn.model import EMPTY, ChangeSet, Target
from tapcfn.ports import OURS, ChangeRequest, Purpose
from tapcfn.stack_options import StackOptions
from tapcfn.waits import Pace, Patience, settle

_UNWRITTEN = frozenset({"CREATE_PENDING", "CREATE_IN_PROGRESS"})
_GONE = frozenset({"DELETE_PENDING", "DELETE_IN_PROGRESS", "DELETE_COMPLETE", "DELETE_FAILED"})
_EXECUTED = frozenset({"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"})
_USED_UP = _EXECUTED | {"OBSOLETE"}
_USABLE = "AVAILABLE"

# What ExecuteChangeSet answers where an earlier call, or somebody else, came first.
_ALREADY = frozenset({"TokenAlreadyExists", "InvalidChangeSetStatus", "ChangeSetNotFound"})

# Seconds in which a change set that was made may still be unknown.
_APPEARS_WITHIN = 60.0


def stage(
    client: Any,
    request: ChangeRequest,
    body: Mapping[str, str],
    patience: Patience,
    pace: Pace | None = None,
    acknowledged: Mapping[str, str] = EMPTY,
) -> ChangeSet | None:
    """Make the change set and wait until it is written; adopt the one that the token made.

    The capabilities are those `acknowledged`; without any, those that the template tells. None
    says that an earlier attempt has used the token up. What was begun is removed where the run's
    patience ends before it is written.
    """
    stack = request.stack
    with told(stack.name, stack.target):
        adopted = False
        try:
            order = _order(request, body)
            if acknowledged:
                order["Capabilities"] = list(acknowledged)
            made = client.create_change_set(**order)
            arn = made["Id"]
        except ClientError as error:
            if code_of(error) != "AlreadyExists":
                raise
            found = _describe(client, StackName=stack.name, ChangeSetName=request.token)
            if found is None or not _is_usable(found, request):
                return None
            adopted, arn = True, found["ChangeSetId"]
        try:
            written = _written(client, arn, stack.name, patience, pace)
        except StillRunningError:
            if not adopted:
                _discard_quietly(client, ChangeSet(arn, stack.name, made["StackId"]), stack.target)
            raise
        return patiently(patience, lambda: _judge(client, written, request, adopted=adopted))


def _order(request: ChangeRequest, body: Mapping[str, str]) -> dict[str, Any]:
    """Return the whole request: what is left out would be dropped from the stack."""
    stack = request.stack
    order: dict[str, Any] = {
        "StackName": stack.name,
        "ChangeSetName": request.token,
        "ClientToken": request.token,
        "ChangeSetType": "CREATE" if request.create else "UPDATE",
        "Description": request.description,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in sorted(request.parameters.items())
        ],
        "Capabilities": list(stack.template.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(stack.tags.items())],
        "NotificationARNs": sorted(stack.options.notification_arns),
        "RollbackConfiguration": _triggers(stack.options),
        "IncludeNestedStacks": True,
        **body,
    }
    if stack.options.service_role:
        order["RoleARN"] = stack.options.service_role
    if request.create:
        order["OnStackFailure"] = stack.options.on_failure.upper()
    if stack.adopt:
        order["ImportExistingResources"] = True
    return _for_its_purpose(order, request.purpose)


def _triggers(options: StackOptions) -> dict[str, Any]:
    """Return the whole configuration: without it the stack would keep the triggers of before."""
    return {
        "RollbackTriggers": [
            {"Arn": arn, "Type": "AWS::CloudWatch::Alarm"} for arn in options.rollback_alarms
        ],
        "MonitoringTimeInMinutes": options.rollback_minutes,
    }


def _for_its_purpose(order: dict[str, Any], purpose: Purpose) -> dict[str, Any]:
    """Return the request as an import or a reversal of drift wants it, without nested stacks.

    (CDK turns their expansion off for both)
    """
    if purpose.imports:
        order["ChangeSetType"] = "IMPORT"
        order.pop("OnStackFailure", None)
        order["ResourcesToImport"] = [
            {
                "ResourceType": each.resource_type,
                "LogicalResourceId": each.logical_id,
                "ResourceIdentifier": dict(each.identifier),
            }
            for each in purpose.imports
        ]
    if purpose.revert_drift:
        order["DeploymentMode"] = "REVERT_DRIFT"
    if purpose.words:
        order["IncludeNestedStacks"] = False
    return order


def _is_usable(found: Mapping[str, Any], request: ChangeRequest) -> bool:
    """Whether a change set says that it wants what we want, and has not been carried out."""
    if found.get("Description") != request.description:
        return False
    if found["Status"] == "CREATE_COMPLETE":
        return found.get("ExecutionStatus") == _USABLE
    return found["Status"] == "FAILED" or found["Status"] in _UNWRITTEN


def _written(
    client: Any, arn: str, stack: str, patience: Patience, pace: Pace | None
) -> Mapping[str, Any]:
    """Wait until the change set is written; a fault that passes by itself ends no wait."""
    started = patience.clock.now()

    def seen() -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = client.describe_change_set(ChangeSetName=arn)
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            appearing = patience.clock.now() - started < _APPEARS_WITHIN
            if passes(error) or (_is_absence(error) and appearing):
                return {"Status": "CREATE_PENDING"}
            raise
        return answer

    return settle(
        f"change set of {stack}",
        read=seen,
        settled=lambda answer: answer["Status"] not in _UNWRITTEN,
        patience=patience,
        pace=pace,
    )


def _judge(
    client: Any, written: Mapping[str, Any], request: ChangeRequest, *, adopted: bool
) -> ChangeSet | None:
    """Return a written change set; an empty one or a refused one is removed first."""
    target = request.stack.target
    plain = ChangeSet(
        written["ChangeSetId"],
        request.stack.name,
        written["StackId"],
        may_leave_shell=request.create or bool(request.purpose.imports),
    )
    if written["Status"] == "CREATE_COMPLETE":
        return _whole(client, plain, written, target)
    if written["Status"] in _GONE:
        return None
    if written["Status"] != "FAILED":
        raise CloudError(
            f"{plain.stack}: CloudFormation says that the change set is {written['Status']}, "
            "which is unknown here"
        )
    if says_nothing_to_do(written):
        discard(client, plain, target)
        return replace(plain, empty=True)
    said = reasons(client, written)
    _discard_quietly(client, plain, target)
    if adopted:
        return None
    raise StackError(text_of(said) or "the change set failed without a reason", said)


def _whole(
    client: Any, plain: ChangeSet, written: Mapping[str, Any], target: Target
) -> ChangeSet | None:
    """Return the change set with its changes, or None if it can't be carried out any more.

    The service answers a token that it knows with the change set of then, however that ended. Any
    other word than that it can be carried out is no success. (X-37)
    """
    status = written.get("ExecutionStatus", "UNAVAILABLE")
    if status in _USED_UP:
        return None
    if status != _USABLE:
        _discard_quietly(client, plain, target)
        what = "" if status == "UNAVAILABLE" else ", which is unknown here"
        raise CloudError(f"{plain.stack}: the change set is written, and {status}{what}")
    try:
        return read(client, plain, written)
    except StackError:
        _discard_quietly(client, plain, target)
        raise


def find(client: Any, arn: str, target: Target) -> tuple[ChangeSet, str] | None:
    """Return a change set by ARN and its ExecutionStatus, or None when it is gone or going."""
    with told(name_of(arn), target):
        seen = _describe(client, ChangeSetName=arn)
        if seen is None or seen["Status"] in _GONE:
            return None
        change_set = ChangeSet(arn, seen["StackName"], seen["StackId"])
        return read(client, change_set, seen), seen.get("ExecutionStatus", "UNAVAILABLE")


def execute(
    client: Any, change_set: ChangeSet, target: Target, token: str, *, updates: bool = False
) -> None:
    """Carry out a change set. A token that was sent before is no error.

    An update says that it is rolled back, whatever the default may be; a creation has said so
    with its change set. Raises `StaleError` where the change set can no longer be carried out.
    """
    order: dict[str, Any] = {
        "ChangeSetName": change_set.arn,
        "ClientRequestToken": token,
        "RetainExceptOnCreate": True,
    }
    if updates:
        order["DisableRollback"] = False
    with told(change_set.stack, target):
        try:
            client.execute_change_set(**order)
        except ClientError as error:
            if code_of(error) not in _ALREADY:
                raise
            _check_executing(client, change_set, error)


def _check_executing(client: Any, change_set: ChangeSet, error: ClientError) -> None:
    """Return if the change set is being or has been carried out; else it is stale."""
    seen = _describe(client, ChangeSetName=change_set.arn) or {"ExecutionStatus": "gone"}
    status = seen.get("ExecutionStatus", "UNAVAILABLE")
    if status not in _EXECUTED:
        raise StaleError(f"{change_set.stack}: the change set is {status}; plan again") from error


def discard(client: Any, change_set: ChangeSet, target: Target) -> None:
    """Remove a change set, and the empty stack if nobody else has staged anything in it."""
    with told(change_set.stack, target):
        try:
            client.delete_change_set(ChangeSetName=change_set.arn)
        except ClientError as error:
            if not _is_absence(error):
                raise
        if change_set.may_leave_shell and _is_shell(client, change_set):
            client.delete_stack(StackName=change_set.stack_id)


def withdraw(client: Any, stack: str, target: Target, token: str) -> bool:
    """Discard the change set that a token made, found by its name; whether it still stood."""
    with told(stack, target):
        try:
            found = _describe(client, StackName=stack, ChangeSetName=token)
        except ClientError as error:
            if code_of(error) != "ValidationError":  # the service's word for "no such stack"
                raise
            return False
        if found is None or found.get("ExecutionStatus") in _EXECUTED:
            return False
        if not str(found.get("Description", "")).startswith(OURS):
            return False
    discard(client, ChangeSet(found["ChangeSetId"], stack, found["StackId"]), target)
    return True


def _discard_quietly(client: Any, change_set: ChangeSet, target: Target) -> None:
    """Remove a failed change set; why it failed matters more than that it stays."""
    with suppress(CloudError):
        discard(client, change_set, target)


def _is_shell(client: Any, change_set: ChangeSet) -> bool:
    """Whether the stack was never deployed, and holds no other change set."""
    try:
        seen = client.describe_stacks(StackName=change_set.stack_id)["Stacks"][0]
    except ClientError as error:
        if code_of(error) == "ValidationError":  # the service's word for "no such stack"
            return False
        raise
    if seen["StackStatus"] != "REVIEW_IN_PROGRESS":
        return False
    return not whole(
        lambda: any(
            each["ChangeSetId"] != change_set.arn and each["Status"] not in _GONE
            for page in pages(client, "list_change_sets", StackName=change_set.stack_id)
            for each in page["Summaries"]
        )
    )


def _describe(client: Any, **names: str) -> Mapping[str, Any] | None:
    """Return a change set's first page, or None if there is no such change set."""
    try:
        found: Mapping[str, Any] = client.describe_change_set(**names)
    except ClientError as error:
        if _is_absence(error):
            return None
        raise
    return found


def _is_absence(error: Exception) -> bool:
    return isinstance(error, ClientError) and code_of(error) == "ChangeSetNotFound"
