"""What a stale read answers: how things stood before the last write, or the last time.

DescribeStacks and DescribeChangeSet are asked before each write to the stack, so that the state
before it is known even if nobody looked. Every other read repeats its own previous answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable

from tapcfn.local.faults.asked import Call
from tapcfn.local.faults.replies import Reply

READS = ("Describe", "Get", "Head", "List")
_QUIET = (*READS, "Batch", "Detect", "Estimate", "Validate")
_NAMED_BY = {"DescribeStacks": "StackName", "DescribeChangeSet": "ChangeSetName"}

Aside = Callable[[str, dict[str, str]], Awaitable[Reply]]


class Memory:
    """The older answers of one process."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, ...], Reply] = {}
        self._last: dict[tuple[str, ...], Reply] = {}

    async def note_write(self, call: Call, aside: Aside) -> None:
        """Look how things stand, if the call is about to change a stack or a change set."""
        if call.service != "cloudformation" or call.operation.startswith(_QUIET):
            return
        stack = call.params.get("StackName", "")
        change_set = {
            key: call.params[key] for key in ("ChangeSetName", "StackName") if key in call.params
        }
        if "ChangeSetName" in change_set:
            seen = await aside("DescribeChangeSet", change_set)
            self._before[_named(call, "DescribeChangeSet", change_set["ChangeSetName"])] = seen
            stack = stack or _stack_in(seen)
        if stack:
            seen = await aside("DescribeStacks", {"StackName": stack})
            self._before[_named(call, "DescribeStacks", stack)] = seen

    def older(self, call: Call) -> Reply | None:
        """Return an older answer to a read, or None if there is none yet."""
        if not call.operation.startswith(READS):
            return None
        name = call.params.get(_NAMED_BY.get(call.operation, ""), "")
        if name:
            return self._before.get(_named(call, call.operation, name))
        return self._last.get(_same(call))

    def saw(self, call: Call, reply: Reply) -> None:
        """Keep a fresh answer to a read."""
        if call.operation.startswith(READS):
            self._last[_same(call)] = reply


def _named(call: Call, operation: str, name: str) -> tuple[str, ...]:
    """Return the key of a stack or change set, whether it is given by its name or its ARN."""
    short = name.split("/")[1] if name.startswith("arn:") and "/" in name else name
    return (call.account, call.region, operation, short)


def _same(call: Call) -> tuple[str, ...]:
    params = json.dumps(call.params, sort_keys=True, default=str)
    return (call.account, call.region, call.service, call.operation, params)


def _stack_in(seen: Reply) -> str:
    found = re.search(rb"<StackName>([^<]+)</StackName>", seen.body)
    return found.group(1).decode() if found else ""
