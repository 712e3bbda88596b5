"""Why an instance failed, from the history of its own stack. (D-3, D-4)"""

from __future__ import annotations

from tapcfn.errors import TapcfnError
from tapcfn.model import Instance, Target
from tapcfn.stack_sets.means import SetMeans
from tapcfn.stack_sets.wording import normal


def root_cause(stack_id: str, target: Target, means: SetMeans) -> str:
    """Return the first failed event of a stack's last operation, or nothing. (X-12)"""
    if not stack_id:
        return ""
    try:
        events = means.histories.events(stack_id, target, "")
    except TapcfnError:
        return ""
    token = events[-1].token if events else ""
    failed = (
        each
        for each in events
        if each.is_failure and each.token == token and each.physical_id != stack_id
    )
    first = next(failed, None)
    return f"{first.logical_id} ({first.resource_type}): {first.reason}" if first else ""


class RootCauses:
    """The causes of failures as they come: one history is read for those with the same reason."""

    def __init__(self, means: SetMeans) -> None:
        self._means = means
        self._known: dict[str, str] = {}

    def of(self, instance: Instance) -> str:
        """Return why the first instance failed that gave such a reason, or nothing."""
        kind = normal(instance.reason, instance.target)
        if kind not in self._known:
            self._known[kind] = root_cause(instance.stack_id, instance.target, self._means)
        return self._known[kind]
