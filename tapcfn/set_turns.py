"""A stack set whose inputs were not there when it was planned, reviewed at its turn. (D-1, D-18)

The plan could only say what templates tell. Now that its inputs are known each instance is asked,
and the guard has its say before anything is begun.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from tapcfn.errors import BlockedError, StackError, StillRunningError, TapcfnError
from tapcfn.events import Diagnosed, FindingRaised, Notify, StackEnded
from tapcfn.instance_previews import (
    SetPreview,
    allowances_asked,
    blocks_set,
    offline_note,
    preview_set,
    sample_note,
)
from tapcfn.model import Ending, Severity
from tapcfn.operations import Means
from tapcfn.stack_sets.spread import Spread


def reviewed_first(
    spread: Spread,
    means: Means,
    allowed: frozenset[str],
    pool: Executor,
    work: Callable[[], StackEnded],
    sample: int | None = None,
) -> StackEnded:
    """Do a set's work if nobody objects to what would become of its instances.

    With a `sample` so many of each kind are asked about, and the templates tell of the others.
    """
    stack_set = spread.stack_set
    try:
        if spread.has_work:
            preview = preview_set(
                spread, means.cloud, means.ledger, pool, allowed=allowed, sample=sample
            )
            _tell(preview, means.tell)
            _check(preview)
    except TapcfnError as error:
        ending = Ending.RUNNING if isinstance(error, StillRunningError) else Ending.FAILED
        ending = Ending.BLOCKED if isinstance(error, BlockedError) else ending
        code = error.exit_code
        return StackEnded(stack_set.name, stack_set.home, ending, str(error), exit_code=code)
    return work()


def _tell(preview: SetPreview, notify: Notify) -> None:
    for target, finding in preview.findings:
        notify(FindingRaised(finding, target))
    if note := offline_note(preview):
        notify(Diagnosed("warning", f"{preview.name}: {note}"))
    if note := sample_note(preview):
        notify(Diagnosed("info", f"{preview.name}: {note}"))


def _check(preview: SetPreview) -> None:
    """Raise where the service refuses what would be sent, or a guard objects."""
    if refused := [each for each in preview.instances if each.refused]:
        raise StackError(f"{preview.name}: {refused[0].target}: {refused[0].refused}")
    if not blocks_set(preview):
        return
    told = [(pair, each) for pair, each in preview.findings if each.severity is Severity.ERROR]
    pair, first = told[0]
    asked = " ".join(allowances_asked(preview))
    raise BlockedError(
        f"{preview.name}: {len(told)} objections, the first in {pair}: {first.message}; nothing of "
        "the set was begun" + (f"; to allow all of it: {asked}" if asked else "")
    )
