"""Write to stack sets, and say what it means where the service will not. (X-3, X-15, X-36)"""

from __future__ import annotations

from collections.abc import Mapping

from botocore.exceptions import ClientError

from tapcfn.aws import stack_set_orders as orders
from tapcfn.aws.behalf import Behalf
from tapcfn.aws.calls import code_of, told
from tapcfn.aws.stack_set_orders import Order
from tapcfn.aws.stack_set_reads import deployed, instances, operation, told_set
from tapcfn.errors import BlockedError, BusyError, CloudError, StaleError
from tapcfn.model import AutoDeployment, ServiceManaged, SetOperationStatus, StackSet
from tapcfn.stack_sets.calls import Act, SetRequest

_CALLS: Mapping[Act, str] = {
    Act.CREATE: "create_stack_set",
    Act.UPDATE: "update_stack_set",
    Act.ADD: "create_stack_instances",
    Act.OVERRIDE: "update_stack_instances",
    Act.REMOVE: "delete_stack_instances",
    Act.DELETE: "delete_stack_set",
    Act.IMPORT: "import_stacks_to_stack_set",
}

_SENT = "OperationIdAlreadyExists"
_GONE = "StackSetNotFound"

# Others have changed the set, or taken away an instance that the call names.
_STALE = frozenset({"StackInstanceNotFound", "StaleRequest"})
_LEAVING = frozenset({Act.REMOVE, Act.DELETE})


def subject_of(stack_set: StackSet) -> str:
    """Return what a refusal is about."""
    return f"stack set {stack_set.name}"


def send(behalf: Behalf, request: SetRequest, body: Mapping[str, str]) -> None:
    """Make the call. What an earlier one with this token has begun, and what is gone, is no error.

    Raises `BusyError` while another operation is at work, and `StaleError` where others have
    changed the set.
    """
    try:
        with told(subject_of(request.stack_set), request.stack_set.home):
            _send(behalf, request, body)
    except CloudError as error:
        raise _meaning(error) from error


def _send(behalf: Behalf, request: SetRequest, body: Mapping[str, str]) -> None:
    order = _order(behalf, request, body)
    try:
        behalf(_CALLS[request.call.act], **order)
    except ClientError as error:
        if not _is_done(behalf, request, code_of(error)):
            raise


def _order(behalf: Behalf, request: SetRequest, body: Mapping[str, str]) -> Order:
    stack_set = request.stack_set
    match request.call.act:
        case Act.CREATE:
            return orders.creation(request, body, _arns_before(behalf, stack_set))
        case Act.UPDATE:
            return {**orders.update(request, body), **_automatic(behalf, request)}
        case Act.DELETE:
            return {"StackSetName": stack_set.name}
        case Act.IMPORT:
            return orders.importing(request)
        case Act.REMOVE:
            return orders.instances(request, _units(behalf, request))
        case _:
            return orders.instances(request)


def _is_done(behalf: Behalf, request: SetRequest, code: str) -> bool:
    """Whether a refusal says that there is nothing left to do."""
    act = request.call.act
    if code == _GONE:
        return act in _LEAVING
    if code == "StackInstanceNotFound" and act is Act.REMOVE:
        left = {each.target for each in instances(behalf, request.stack_set.name, "")}
        return not left & request.call.pairs
    return code == _SENT


def _meaning(error: CloudError) -> Exception:
    if error.code == "OperationInProgress":
        return BusyError(str(error), code=error.code, request_id=error.request_id)
    return StaleError(f"{error}; plan again") if error.code in _STALE else error


# Service-managed sets -----------------------------------------------------------------------------


def _automatic(behalf: Behalf, request: SetRequest) -> Order:
    """Return the automatic deployment where it changes: only a call that names no targets may."""
    mine = request.stack_set.permission
    if not isinstance(mine, ServiceManaged) or request.call.rectangle is not None:
        return {}
    there = deployed(behalf, request.stack_set)
    if there is None or there.permission == mine:
        return {}
    auto = orders.automatic(mine.auto, _arns_before(behalf, request.stack_set))
    return {"AutoDeployment": auto}


def _arns_before(behalf: Behalf, stack_set: StackSet) -> tuple[str, ...]:
    """Return the ARNs of the sets whose instances an account gets before those of this one."""
    permission = stack_set.permission
    auto = permission.auto if isinstance(permission, ServiceManaged) else None
    return tuple(_arn(behalf, stack_set, name) for name in (auto or AutoDeployment()).after)


def _arn(behalf: Behalf, stack_set: StackSet, name: str) -> str:
    arn = (told_set(behalf, name) or {}).get("StackSetARN", "")
    if not arn:
        raise BlockedError(
            f"{stack_set.name}: is to follow the stack set {name}, which is not there"
        )
    return str(arn)


def _units(behalf: Behalf, request: SetRequest) -> tuple[str, ...]:
    """Return the units that named instances stand under: the set may have others by now."""
    call = request.call
    if not isinstance(request.stack_set.permission, ServiceManaged) or not call.rectangle:
        return ()
    if call.rectangle.units:
        return ()
    there = instances(behalf, request.stack_set.name, "")
    return tuple(sorted({each.unit for each in there if each.target in call.pairs} - {""}))


# Other writes -------------------------------------------------------------------------------------


def detect_drift(behalf: Behalf, stack_set: StackSet, token: str) -> None:
    """Start a drift detection over all instances; one that this token has started is no error."""
    try:
        with told(subject_of(stack_set), stack_set.home):
            behalf("detect_stack_set_drift", **orders.detection(stack_set, token))
    except CloudError as error:
        if error.code != _SENT:
            raise _meaning(error) from error


def stop(behalf: Behalf, stack_set: StackSet, operation_id: str) -> None:
    """Ask an operation to stop. One that has ended, or that stops already, is no error."""
    name = stack_set.name
    with told(subject_of(stack_set), stack_set.home):
        try:
            behalf("stop_stack_set_operation", StackSetName=name, OperationId=operation_id)
        except ClientError as error:
            if code_of(error) != "InvalidOperation":
                raise
            found = operation(behalf, name, operation_id)
            if found is None or found.status in _STOPPABLE:
                raise


_STOPPABLE = frozenset({SetOperationStatus.QUEUED, SetOperationStatus.RUNNING})
