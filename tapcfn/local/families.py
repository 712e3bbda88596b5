"""Change sets that belong together: what they tell of each other, and what goes with them.

A nested change set lives as long as its root. When the root is deleted, used up or was never
carried out to the end, the nested ones that were not executed go too, and with them the stacks in
review that were made to hold them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tapcfn.local import change_sets, emulator, values
from tapcfn.local.change_sets import ChangeSet
from tapcfn.local.emulator import Action, Answer, Params

REVIEW = "REVIEW_IN_PROGRESS"
GLANCE_SECONDS = 0.02
_OVER = frozenset({"EXECUTE_COMPLETE", "EXECUTE_FAILED"})


def install() -> None:
    """Tell who belongs to whom, let families go together, and let values come later."""
    emulator.engine.let_values_come_later(values.LATER)
    emulator.engine.wrap_action("DescribeChangeSet", _described)
    emulator.engine.wrap_action("ListChangeSets", _listed)
    for name in ("DeleteChangeSet", "DeleteStack"):
        emulator.engine.wrap_action(name, _sweeping)
    emulator.engine.wrap_action("ExecuteChangeSet", _executing)


# What they tell -----------------------------------------------------------------------------------


def _described(do: Action) -> Action:
    """Name the nested change set in each change, and the parent and the root of this one."""

    def act(params: Params) -> Answer:
        status, headers, body = do(params)
        change_set = change_sets.asked_for(params)
        if change_set is None or status != 200:
            return status, headers, body
        text = re.sub(
            "<ResourceChange>.*?</ResourceChange>",
            lambda found: _with_nested(found.group(0), change_set),
            body.decode(),
            flags=re.DOTALL,
        )
        told = f"{_relations(change_set)}</DescribeChangeSetResult>"
        return status, headers, text.replace("</DescribeChangeSetResult>", told).encode()

    return act


def _with_nested(text: str, change_set: ChangeSet) -> str:
    nested = {
        each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"].get("ChangeSetId")
        for each in change_set["Changes"]
    }
    name = re.search("<LogicalResourceId>(.*?)</LogicalResourceId>", text)
    arn = nested.get(name.group(1)) if name else None
    end = "</ResourceChange>"
    return text.replace(end, f"<ChangeSetId>{arn}</ChangeSetId>{end}") if arn else text


def _listed(do: Action) -> Action:
    def act(params: Params) -> Answer:
        status, headers, body = do(params)
        told = re.sub(r"<ChangeSetId>(.*?)</ChangeSetId>", _relations_after, body.decode())
        return status, headers, told.encode()

    return act


def _relations_after(found: re.Match[str]) -> str:
    change_set = emulator.engine.change_sets().get(found.group(1))
    return found.group(0) + (_relations(change_set) if change_set else "")


def _relations(change_set: Mapping[str, Any]) -> str:
    asked = str(change_set.get("IncludeNestedStacks", False)).lower()
    return f"<IncludeNestedStacks>{asked}</IncludeNestedStacks>" + "".join(
        f"<{name}>{change_set[name]}</{name}>"
        for name in ("ParentChangeSetId", "RootChangeSetId")
        if name in change_set
    )


# What goes with them ------------------------------------------------------------------------------


def _sweeping(do: Action) -> Action:
    def act(params: Params) -> Answer:
        answer = do(params)
        _sweep()
        return answer

    return act


def _executing(do: Action) -> Action:
    """Sweep once other change sets are gone, and again when this one has ended."""

    def act(params: Params) -> Answer:
        change_set = change_sets.asked_for(params)
        answer = do(params)
        if emulator.succeeded(answer) and change_set is not None:
            _sweep()
            stack = emulator.engine.stacks()[change_set["StackName"]]
            if change_set.get("IncludeNestedStacks"):
                emulator.steps.create_stack_task(_sweep_after(change_set), stack)
        return answer

    return act


async def _sweep_after(change_set: ChangeSet) -> None:
    while change_set["ExecutionStatus"] == "EXECUTE_IN_PROGRESS" and _is_there(change_set):
        await asyncio.sleep(GLANCE_SECONDS)
    _sweep()


def _is_there(change_set: ChangeSet) -> bool:
    return change_set["ChangeSetId"] in emulator.engine.change_sets()


def _sweep() -> None:
    """Remove every nested change set that nobody can execute any more, and its stack in review."""
    for each in list(_left_over()):
        del emulator.engine.change_sets()[each["ChangeSetId"]]
        stack = emulator.engine.stacks().get(each["StackName"])
        if stack is not None and stack["StackStatus"] == REVIEW:
            del emulator.engine.stacks()[each["StackName"]]
            emulator.engine.stack_events().pop(stack["StackId"], None)


def _left_over() -> Iterator[ChangeSet]:
    known = emulator.engine.change_sets()
    for each in known.values():
        if "RootChangeSetId" not in each:
            continue
        root = known.get(each["RootChangeSetId"])
        used = str(each["ExecutionStatus"]).startswith("EXECUTE_")
        if root is None or (root["ExecutionStatus"] in _OVER and not used):
            yield each
