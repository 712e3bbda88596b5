"""The one stack behind an instance: create, update and delete it with the plain stack actions.

Everything here runs on the emulator's loop, in the scope of the instance's account and Region.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tapcfn.local import checks, emulator, ledger
from tapcfn.local.emulator import Answer, Params
from tapcfn.local.stack_sets import upload
from tapcfn.local.stack_sets.model import Tag
from tapcfn.local.stack_sets.wire import message

FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.05
GONE = "DELETE_COMPLETE"
STACK = "AWS::CloudFormation::Stack"
NO_UPDATES = "No updates are to be performed."

# What a stack may be left in that can only be deleted, by a creation or a deletion that failed.
TO_REPLACE = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
HEALTHY = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stack is to be made from."""

    template: str
    parameters: Mapping[str, str]
    tags: Sequence[Tag]
    capabilities: Sequence[str]


class FailedError(Exception):
    """A stack that did not become what it should, with the service's reason."""


def is_there(stack_id: str) -> bool:
    """Tell whether a stack exists and was not deleted."""
    return _status(stack_id) not in ("", GONE)


def is_to_be_replaced(stack_id: str) -> bool:
    """Tell whether a stack can only be deleted."""
    return _status(stack_id) in TO_REPLACE


async def create(name: str, wanted: Wanted, begun: Callable[[str], None]) -> None:
    """Create a stack, tell its id once it has one, and see it through; a failed one is deleted."""
    request = _request(name, wanted) | {"OnFailure": ["DELETE"]}
    answer = await _deploy("CreateStack", request, wanted)
    found = re.search(r"<StackId>(.*?)</StackId>", answer[2].decode())
    stack_id = html.unescape(found.group(1)) if found else name
    begun(stack_id)
    await _until(lambda: _status(stack_id) in {*HEALTHY, GONE, "DELETE_FAILED", ""})
    _judge(stack_id, 0, _status(stack_id) in HEALTHY)


async def update(stack_id: str, wanted: Wanted) -> None:
    """Update a stack and see it through; one that is as it should be is left alone."""
    before = len(_events(stack_id))
    try:
        await _deploy("UpdateStack", _request(stack_id, wanted), wanted)
    except FailedError as refused:
        if str(refused) == NO_UPDATES:
            return
        raise
    await _until(lambda: not _moves(stack_id))
    _judge(stack_id, before, _status(stack_id) in HEALTHY)


async def delete(stack_id: str) -> None:
    """Delete a stack and see it through; one that is gone already is fine."""
    if not is_there(stack_id):
        return
    await _until(lambda: not _moves(stack_id))
    before = len(_events(stack_id))
    _accepted(emulator.engine.ACTIONS["DeleteStack"]({"StackName": [stack_id]}))
    await _until(lambda: len(_events(stack_id)) != before and not _moves(stack_id))
    _judge(stack_id, before, not is_there(stack_id))


# The plain actions --------------------------------------------------------------------------------


def _request(stack: str, wanted: Wanted) -> dict[str, Any]:
    """Return the parameters of a request to create or update a stack."""
    asked = {"StackName": [stack], "TemplateBody": [wanted.template], "Tags": [""]}
    for number, (key, value) in enumerate(wanted.parameters.items(), 1):
        asked[f"Parameters.member.{number}.ParameterKey"] = [key]
        asked[f"Parameters.member.{number}.ParameterValue"] = [value]
    for number, tag in enumerate(wanted.tags, 1):
        asked[f"Tags.member.{number}.Key"] = [tag["Key"]]
        asked[f"Tags.member.{number}.Value"] = [tag["Value"]]
    for number, capability in enumerate(wanted.capabilities, 1):
        asked[f"Capabilities.member.{number}"] = [capability]
    return asked


async def _deploy(action: str, request: Params, wanted: Wanted) -> Answer:
    """Ask for it; a template that is too long for a request goes by way of a bucket."""
    if len(wanted.template.encode()) <= checks.MAX_BODY_BYTES:
        return _accepted(emulator.engine.ACTIONS[action](request))
    short = {name: value for name, value in request.items() if name != "TemplateBody"}
    async with upload.lent(wanted.template) as url:
        return _accepted(emulator.engine.ACTIONS[action](short | {"TemplateURL": [url]}))


def _accepted(answer: Answer) -> Answer:
    if emulator.succeeded(answer):
        return answer
    raise FailedError(message(answer))


# What became of it --------------------------------------------------------------------------------


def _status(stack_id: str) -> str:
    return str((emulator.engine.resolve_stack(stack_id) or {}).get("StackStatus", ""))


def _moves(stack_id: str) -> bool:
    stack = emulator.engine.resolve_stack(stack_id)
    return stack is not None and (ledger.is_moving(stack) or bool(stack.get("_to_delete")))


def _events(stack_id: str) -> list[dict[str, Any]]:
    return emulator.engine.stack_events().get(stack_id) or []


def _judge(stack_id: str, before: int, is_well: bool) -> None:
    """Raise the first failure that the stack's events tell since there were so many."""
    if is_well:
        return
    failed = [each for each in _events(stack_id)[before:] if _tells_failure(each)]
    of_resources = [each for each in failed if each["ResourceType"] != STACK]
    first = next(iter([*of_resources, *_refused_before(stack_id, failed), *failed]), None)
    if first is None:
        raise FailedError(f"Stack {stack_id} is {_status(stack_id) or 'gone'}")
    reason = str(first.get("ValidationStatusReason") or first.get("ResourceStatusReason", ""))
    raise FailedError(
        f"ResourceLogicalId:{first['LogicalResourceId']}, ResourceType:{first['ResourceType']}, "
        f"ResourceStatusReason:{reason.rstrip('.')}."
    )


def _tells_failure(event: Mapping[str, Any]) -> bool:
    return str(event["ResourceStatus"]).endswith("_FAILED")


def _refused_before(stack_id: str, failed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what validation found, if this is why the stack failed before its first resource."""
    if not any(each.get("DetailedStatus") == "VALIDATION_FAILED" for each in failed):
        return []
    found = (emulator.engine.resolve_stack(stack_id) or {}).get("_operation_events") or []
    return [each for each in found if each["EventType"] == "VALIDATION_ERROR"]


async def _until(true: Callable[[], bool]) -> None:
    pause = FIRST_PAUSE
    while not true():
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 1.5)
