"""Stack events as CloudFormation writes them during an update.

The emulator says UPDATE for every resource of the template, changed or not, and says nothing of
what it deletes afterwards. Here a resource that does not change has no events, a new one has
CREATE events, and one that leaves the stack has DELETE events in the clean-up phase.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from tapcfn.local import emulator

STACK = "AWS::CloudFormation::Stack"
CLEANING = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"

# Resources of running updates: what their record said before, until the outcome is known.
_held: dict[tuple[str, str], dict[str, Any]] = {}
_created: set[tuple[str, str]] = set()

_written = 0


def written() -> int:
    """Return how many events have been written since the start."""
    return _written


def install() -> None:
    """Take over the writing of events, and watch what the engine does to resources."""
    emulator.steps.wrap_events(_corrected)
    emulator.steps.wrap_operations(_watched)


def _corrected(write: Callable[..., None]) -> Callable[..., None]:
    def add(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        resource_type: str,
        status: str,
        *more: Any,
        **named: Any,
    ) -> None:
        global _written  # noqa: PLW0603
        _written += 1
        key = (stack_id, logical_id)
        told = bool(more) or bool(named)
        if resource_type != STACK and status == "UPDATE_IN_PROGRESS" and not told:
            _hold(key, stack_name)
            return
        if key in _held and status == "UPDATE_COMPLETE":
            _leave_alone(key, stack_name)
            return
        if key in _created:
            status = status.replace("UPDATE_", "CREATE_")
            _mark_created(key, stack_name, status)
        _held.pop(key, None)
        write(stack_id, stack_name, logical_id, resource_type, status, *more, **named)

    return add


def _hold(key: tuple[str, str], stack_name: str) -> None:
    _held[key] = dict(_record(stack_name, key[1]))
    _created.discard(key)


def _record(stack_name: str, logical_id: str) -> MutableMapping[str, Any]:
    stack = emulator.engine.stacks().get(stack_name) or {}
    found: MutableMapping[str, Any] = stack.get("_resources", {}).get(logical_id, {})
    return found


def _leave_alone(key: tuple[str, str], stack_name: str) -> None:
    """Give an unchanged resource back the status and time that it had."""
    before = _held.pop(key)
    record = _record(stack_name, key[1])
    record.update(
        {name: before[name] for name in ("ResourceStatus", "Timestamp") if name in before}
    )


def _mark_created(key: tuple[str, str], stack_name: str, status: str) -> None:
    if status in ("CREATE_COMPLETE", "CREATE_FAILED"):
        _created.discard(key)
        record = _record(stack_name, key[1])
        if record:
            record["ResourceStatus"] = status


def _watched(operation: str, do: Callable[..., Any]) -> Callable[..., Any]:
    return {"create": _watch_create, "update": _watch_update, "delete": _watch_delete}[operation](
        do
    )


def _watch_create(do: Callable[..., Any]) -> Callable[..., Any]:
    def create(resource_type: str, logical_id: str, props: Any, stack_name: str) -> Any:
        _begin(stack_name, logical_id, resource_type, "CREATE_IN_PROGRESS")
        return do(resource_type, logical_id, props, stack_name)

    return create


def _watch_update(do: Callable[..., Any]) -> Callable[..., Any]:
    def update(
        resource_type: str, physical_id: str, old: Any, new: Any, stack_name: str, *rest: Any
    ) -> Any:
        if old != new and rest:
            _begin(stack_name, rest[0], resource_type, "UPDATE_IN_PROGRESS", physical_id)
        return do(resource_type, physical_id, old, new, stack_name, *rest)

    return update


def _begin(
    stack_name: str, logical_id: str, resource_type: str, status: str, physical_id: str = ""
) -> None:
    """Write the event that was held back, now that something really happens."""
    stack = emulator.engine.stacks().get(stack_name)
    key = (stack["StackId"], logical_id) if stack else ("", "")
    if stack is None or _held.pop(key, None) is None:
        return
    if status == "CREATE_IN_PROGRESS":
        _created.add(key)
    emulator.engine.write_event(stack, logical_id, resource_type, status, physical_id)


def _watch_delete(do: Callable[..., Any]) -> Callable[..., Any]:
    def delete(
        resource_type: str, physical_id: str, props: Any, stack_name: str = "", logical_id: str = ""
    ) -> Any:
        stack = emulator.engine.stacks().get(stack_name)
        if stack is None or stack["StackStatus"] not in ("UPDATE_IN_PROGRESS", CLEANING):
            return do(resource_type, physical_id, props, stack_name, logical_id)
        if stack["StackStatus"] != CLEANING:
            stack["StackStatus"] = CLEANING
            emulator.engine.add_event(stack, CLEANING, "")
        emulator.engine.write_event(
            stack, logical_id, resource_type, "DELETE_IN_PROGRESS", physical_id
        )
        done = do(resource_type, physical_id, props, stack_name, logical_id)
        emulator.engine.write_event(
            stack, logical_id, resource_type, "DELETE_COMPLETE", physical_id
        )
        return done

    return delete
