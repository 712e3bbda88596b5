"""Why an instance failed, from the history of its own stack. (D-3, D-4)"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tapcfn.errors import TapcfnError
from tapcfn.model import Instance, StackEvent, Target, reason_of
from tapcfn.stack_sets.means import SetMeans
from tapcfn.stack_sets.wording import normal

# How much of a reason must be the same: either text may be cut.
_TELLING = 60

_REASON = "ResourceStatusReason:"

# What a stack says of itself when an operation on it begins; a rollback has words of its own.
_BEGINNINGS = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
)

# A nested stack tells why it failed in a history of its own; so deep is one looked for.
_NESTED = "AWS::CloudFormation::Stack"
_DEEPEST = 5


def root_cause(stack_id: str, target: Target, reason: str, means: SetMeans, depth: int = 0) -> str:
    """Return the first failed event of a stack's last operation, or nothing. (X-12)

    `reason` is what the operation says of the instance. Where that names none of the failures, they
    are an earlier operation's: this one never came to the stack, or its events lag. (X-22) Of a
    nested stack that failed, its own first failure is told. (X-32)
    """
    if not stack_id:
        return ""
    try:
        events = means.histories.events(stack_id, target, "")
    except TapcfnError:
        return ""
    mine = _last_operation(events, stack_id)
    failed = _failures(mine, stack_id)
    if not any(_is_told_by(reason, each) for each in failed):
        return ""
    first = failed[0]
    if first.resource_type == _NESTED and depth < _DEEPEST:
        nested = (each.physical_id for each in events if each.logical_id == first.logical_id)
        inner = root_cause(next(filter(None, nested), ""), target, first.reason, means, depth + 1)
        if inner:
            return f"{first.logical_id}/{inner}"
    return f"{first.logical_id} ({first.resource_type}): {reason_of(first, mine)}"


def _failures(events: Sequence[StackEvent], stack_id: str) -> list[StackEvent]:
    return [each for each in events if each.is_failure and each.physical_id != stack_id]


def _last_operation(events: Sequence[StackEvent], stack_id: str) -> Sequence[StackEvent]:
    """Return the events of the last operation: by its token, and by where it began.

    Events of an instance's stack need not have a token. A creation that failed is cleaned up by a
    deletion in which nothing fails.
    """
    mine = [each for each in events if each.token == events[-1].token] if events else []
    while mine:
        start = max((at for at, each in enumerate(mine) if _begins(each, stack_id)), default=0)
        last = mine[start:]
        if _failures(last, stack_id) or not last[0].status.startswith("DELETE"):
            return last
        mine = mine[:start]
    return []


def _begins(event: StackEvent, stack_id: str) -> bool:
    return event.physical_id == stack_id and event.status in _BEGINNINGS


def _is_told_by(reason: str, event: StackEvent) -> bool:
    """Whether a reason is about this failure; one that says nothing may be about any."""
    if not reason:
        return True
    if not re.search(rf"\b{re.escape(event.logical_id)}\b", reason):
        return False
    _, _, why = reason.partition(_REASON)
    length = min(_TELLING, len(why.rstrip(". ")), len(event.reason))
    return why[:length] == event.reason[:length]


class RootCauses:
    """The causes of failures as they come: one history is read for those with the same reason."""

    def __init__(self, means: SetMeans) -> None:
        self._means = means
        self._known: dict[str, str] = {}

    def of(self, instance: Instance) -> str:
        """Return why the first instance failed that gave such a reason, or nothing."""
        kind = normal(instance.reason, instance.target)
        if kind not in self._known:
            self._known[kind] = root_cause(
                instance.stack_id, instance.target, instance.reason, self._means
            )
        return self._known[kind]
