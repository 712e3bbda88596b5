"""Read stacks: what is deployed, what moves, what happened; and start to delete one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.aws.calls import code_of, told
from tapcfn.aws.paging import TokenOverError, pages, whole
from tapcfn.errors import BlockedError, CloudError, UnknownStatusError
from tapcfn.model import Deployed, Stack, StackEvent, StackStatus, Target, canonical
from tapcfn.ports import Leaving
from tapcfn.replacement import primary_identifier

# How a Hook ends that has objected, or could not be asked.
_HOOK_FAILED = frozenset({"HOOK_COMPLETE_FAILED", "HOOK_FAILED"})

_MOVING = [status.value for status in StackStatus if status.is_moving]


def stacks(
    client: Any,
    target: Target,
    names: frozenset[str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Mapping[str, Deployed]:
    """Return the stacks that are not deleted, by name, or those of these names or tags; all pages.

    A stack that nobody asked about may be in a state that we do not know.
    """
    with told("stacks", target):
        return whole(
            lambda: {
                each["StackName"]: _deployed(each)
                for page in pages(client, "describe_stacks")
                for each in page["Stacks"]
                if names is None or each["StackName"] in names or _has_tags(each, tags)
            }
        )


def _has_tags(each: Mapping[str, Any], tags: Mapping[str, str] | None) -> bool:
    found = {pair["Key"]: pair["Value"] for pair in each.get("Tags", ())}
    return bool(tags) and all(found.get(key) == value for key, value in (tags or {}).items())


def importers(client: Any, export: str, target: Target) -> tuple[str, ...]:
    """Return who imports an export; all pages. The service has an error for "nobody"."""
    with told(f"export {export}", target):
        try:
            found = whole(
                lambda: {
                    name
                    for page in pages(client, "list_imports", ExportName=export)
                    for name in page["Imports"]
                }
            )
            return tuple(sorted(found))
        except TokenOverError:
            raise
        except ClientError as error:
            if code_of(error) != "ValidationError":
                raise
            return ()


def stack(client: Any, stack_id: str, target: Target) -> Deployed:
    """Return one stack by StackId, deleted or not."""
    with told(name_of(stack_id), target):
        return _deployed(client.describe_stacks(StackName=stack_id)["Stacks"][0])


def moving(client: Any, target: Target) -> Mapping[str, StackStatus]:
    """Return the status of every stack in progress, by StackId; all pages."""
    with told("stacks in progress", target):
        return whole(
            lambda: {
                each["StackId"]: _status(each["StackName"], each["StackStatus"])
                for page in pages(client, "list_stacks", StackStatusFilter=_MOVING)
                for each in page["StackSummaries"]
            }
        )


def template(client: Any, stack_id: str, target: Target) -> str:
    """Return the template that was sent: canonical if it is JSON, however it was laid out.

    boto3 hands a YAML template over as text; that text is never equal to one of ours.
    """
    with told(name_of(stack_id), target):
        answer = client.get_template(StackName=stack_id, TemplateStage="Original")
    body = answer["TemplateBody"]
    return body if isinstance(body, str) else canonical(body)


def policy(client: Any, stack_id: str, target: Target) -> str:
    """Return the stack policy, or nothing."""
    with told(name_of(stack_id), target):
        return str(client.get_stack_policy(StackName=stack_id).get("StackPolicyBody") or "")


def identifiers(
    client: Any, stack: Stack, body: Mapping[str, str]
) -> Mapping[str, tuple[str, ...]]:
    """Return the properties that identify each resource of a template that can be imported.

    Where the service names none at all, as the local cloud does, what the schemas say.
    """
    with told(stack.name, stack.target):
        answer = client.get_template_summary(**body)
    named = {
        logical_id: tuple(each["ResourceIdentifiers"])
        for each in answer.get("ResourceIdentifierSummaries", ())
        for logical_id in each["LogicalResourceIds"]
    }
    kinds = stack.template.resources.items()
    return named or {key: found for key, kind in kinds if (found := primary_identifier(kind))}


def set_policy(client: Any, stack_id: str, target: Target, policy: str) -> None:
    """Put a stack policy in place; it can be replaced later, never removed."""
    with told(name_of(stack_id), target):
        client.set_stack_policy(StackName=stack_id, StackPolicyBody=policy)


def delete(
    client: Any, stack_id: str, target: Target, token: str, leaving: Leaving | None = None
) -> None:
    """Start to delete a stack. A token that was sent before is no error.

    Raises `BlockedError` where termination protection refuses. (X-33)
    """
    order: dict[str, Any] = {"StackName": stack_id, "ClientRequestToken": token}
    if leaving and leaving.retain:
        order["RetainResources"] = list(leaving.retain)
    if leaving and leaving.force:
        order["DeletionMode"] = "FORCE_DELETE_STACK"
    with told(name_of(stack_id), target):
        try:
            client.delete_stack(**order)
        except ClientError as error:
            if code_of(error) == "TokenAlreadyExists":
                return
            if code_of(error) == "ValidationError" and _is_protected(client, stack_id, target):
                raise BlockedError(
                    f"{name_of(stack_id)} ({target}): its TerminationProtection refuses the "
                    "deletion; --lift-protection takes it off"
                ) from error
            raise


def _is_protected(client: Any, stack_id: str, target: Target) -> bool:
    """Whether termination protection is why a deletion was refused; no, where it can't be read."""
    try:
        return stack(client, stack_id, target).protected
    except CloudError:
        return False


def resources(client: Any, stack_id: str, target: Target) -> Mapping[str, tuple[str, str]]:
    """Return (type, physical id) by logical ID of what was made and is not gone; all pages."""
    with told(name_of(stack_id), target):
        return whole(
            lambda: {
                each["LogicalResourceId"]: (
                    each["ResourceType"],
                    each.get("PhysicalResourceId", ""),
                )
                for page in pages(client, "list_stack_resources", StackName=stack_id)
                for each in page["StackResourceSummaries"]
                if each["ResourceStatus"] not in {"DELETE_COMPLETE", "CREATE_FAILED"}
            }
        )


def events(client: Any, stack_id: str, target: Target, token: str) -> tuple[StackEvent, ...]:
    """Return the events of one operation, oldest first; with an empty token, all of them.

    The service answers newest first, so reading stops after the page on which the operation began.
    """
    with told(name_of(stack_id), target):
        return whole(lambda: _history(client, stack_id, token))


def _history(client: Any, stack_id: str, token: str) -> tuple[StackEvent, ...]:
    found: dict[str, StackEvent] = {}
    for page in pages(client, "describe_stack_events", StackName=stack_id):
        history = [_event(each) for each in page["StackEvents"]]
        ours = [event for event in history if not token or event.token == token]
        for event in ours:
            found.setdefault(event.event_id, event)
        if found and history and not ours:
            break
    return tuple(reversed(found.values()))


def _event(each: Mapping[str, Any]) -> StackEvent:
    return StackEvent(
        event_id=each["EventId"],
        logical_id=each.get("LogicalResourceId", ""),
        resource_type=each.get("ResourceType", ""),
        status=each.get("ResourceStatus", ""),
        reason=each.get("ResourceStatusReason", ""),
        physical_id=each.get("PhysicalResourceId", ""),
        token=each.get("ClientRequestToken", ""),
        time=each["Timestamp"].isoformat(),
        objection=_objection(each),
    )


def _objection(event: Mapping[str, Any]) -> str:
    """Return what a Hook says that has failed; those that only warn do not let it fail."""
    if event.get("HookStatus") not in _HOOK_FAILED or event.get("HookFailureMode") == "WARN":
        return ""
    return f"{event.get('HookType', 'a Hook')}: {event.get('HookStatusReason', '')}".rstrip(": ")


def _deployed(each: Mapping[str, Any]) -> Deployed:
    updated = each.get("LastUpdatedTime") or each["CreationTime"]
    return Deployed(
        name=each["StackName"],
        stack_id=each["StackId"],
        status=_status(each["StackName"], each["StackStatus"]),
        reason=each.get("StackStatusReason", ""),
        updated=updated.isoformat(),
        parameters={
            pair["ParameterKey"]: pair.get("ParameterValue", "")
            for pair in each.get("Parameters", ())
        },
        outputs={pair["OutputKey"]: pair["OutputValue"] for pair in each.get("Outputs", ())},
        tags={pair["Key"]: pair["Value"] for pair in each.get("Tags", ())},
        exports={
            pair["OutputKey"]: pair["ExportName"]
            for pair in each.get("Outputs", ())
            if pair.get("ExportName")
        },
        protected=bool(each.get("EnableTerminationProtection", False)),
        notified=frozenset(each.get("NotificationARNs", ())),
        role=each.get("RoleARN", ""),
        express=each.get("DeploymentConfig", {}).get("Mode") == "EXPRESS",
        operations=_operations(each.get("LastOperations", ())),
        parent=each.get("ParentId", ""),
    )


def _operations(listed: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """Return the id of the last operation of each type; the service lists the newest first."""
    return {each["OperationType"]: each["OperationId"] for each in reversed(listed)}


def _status(name: str, word: str) -> StackStatus:
    """Return the status; one that we do not know is no success and stops us."""
    try:
        return StackStatus(word)
    except ValueError as error:
        raise UnknownStatusError(
            f"{name}: CloudFormation says {word}, which is unknown here"
        ) from error


def name_of(stack_id: str) -> str:
    """Return the stack's name out of its StackId (an ARN)."""
    return stack_id.split("/")[1] if "/" in stack_id else stack_id
