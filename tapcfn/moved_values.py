"""Which instances of a stack set would change though nothing of the set has. (X-38)

A template may point at values: SSM-typed parameters, dynamic references, outputs of other stacks.
They change without a word in the set, and only the service can say what would come of it. So each
instance's own stack is asked, as a preview does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import replace

from tapcfn.instance_previews import offline_note, preview_set
from tapcfn.model import FoundSet, Snapshot, StackSet, Target
from tapcfn.plan import outputs_of
from tapcfn.ports import Cloud, Ledger
from tapcfn.stack_sets.finding import Outputs
from tapcfn.stack_sets.spread import Spread
from tapcfn.stack_sets.steps import plan_set


def with_moved_values(
    snapshot: Snapshot,
    stack_sets: Iterable[StackSet],
    cloud: Cloud,
    ledger: Ledger,
    pool: Executor,
    *,
    sample: int | None = None,
    warn: Callable[[str], None],
) -> Snapshot:
    """Return what is deployed with the instances of each set that point at other values by now.

    With a `sample` all of them, if one of it does. A change set for each instance, and none where
    the template points at nothing, or the set changes anyway. `warn` is told who can't be asked.
    """
    outputs, sets = outputs_of(snapshot), dict(snapshot.sets)
    for stack_set in stack_sets:
        asked = _asked(stack_set, sets[stack_set.name], outputs)
        if asked is None or not asked.update:
            continue
        preview = preview_set(asked, cloud, ledger, pool, sample=sample)
        if note := offline_note(preview):
            warn(f"{stack_set.name}: whether values that it points at have changed: {note}")
        moved = frozenset(
            each.target
            for each in preview.instances
            if not each.unasked and (each.refused or not each.change_set.empty)
        )
        moved = asked.update if moved and preview.left_out else moved
        sets[stack_set.name] = replace(sets[stack_set.name], moved=moved)
    return replace(snapshot, sets=sets)


def _asked(stack_set: StackSet, found: FoundSet, outputs: Outputs) -> Spread | None:
    """Return an update of all instances that nothing is done to otherwise; None for no need."""
    if found.deployed is None or not stack_set.template.may_change_by_itself:
        return None
    spread = plan_set(stack_set, found, outputs).spread
    if spread is None:
        return None
    nothing: frozenset[Target] = frozenset()
    return replace(spread, update=_quiet(spread, found), override=nothing, remove=nothing)


def _quiet(spread: Spread, found: FoundSet) -> frozenset[Target]:
    """Return the wanted instances that nothing is done to otherwise."""
    busy = spread.update | spread.override | spread.passed_over | spread.suspended
    return spread.wanted.pairs & frozenset(found.instances) - busy
