"""Whether somebody else came between what was reviewed and what we have done. (X-17)

With managed execution a call queues behind whoever is at work, and succeeds: what it was written
against is gone by then, and what the other one wanted with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tapcfn.errors import CloudError, StaleError
from tapcfn.events import Diagnosed
from tapcfn.model import SetOperation, StackSet, digest_of
from tapcfn.stack_sets.means import SetMeans
from tapcfn.stack_sets.spread import Spread
from tapcfn.trouble import LOST_AFTER

# What changes the template, the parameters or the overrides that were reviewed.
_UPDATE = "UPDATE"


def check_nobody_came_between(spread: Spread, known: Collection[str], means: SetMeans) -> None:
    """Raise `StaleError` where somebody else's update went before one of the calls we have sent.

    `known` are our operations, and those that we have waited for and compared the set after. (D-7)
    """
    _check_template(spread, means)
    theirs = list(_between(spread, known, means))
    if theirs:
        names = ", ".join(each.operation_id for each in theirs)
        raise StaleError(
            f"{spread.stack_set.name}: somebody else has changed the stack set after the plan and "
            f"before our operation, by {names}; what was reviewed stands there now, plan again"
        )


def last_operation(operations: Collection[SetOperation]) -> str:
    """Return the id of the newest operation of a set; empty where there was none."""
    return next((each.operation_id for each in operations), "")


def _between(spread: Spread, known: Collection[str], means: SetMeans) -> Iterator[SetOperation]:
    """Yield updates that nobody here began, newer than the plan and older than our last call.

    Nothing where the history does not reach back to the plan, or does not tell our calls yet.
    """
    last = spread.found.last_operation
    told = () if last is None else _operations(spread.stack_set, means)
    ids = [each.operation_id for each in told]
    ours = [at for at, each in enumerate(ids) if each in known]
    if not ours or (last and last not in ids):
        return
    until = ids.index(last) if last else len(ids)
    for each in told[ours[0] + 1 : until]:
        foreign = each.operation_id not in known and not means.ledger.is_ours(each.operation_id)
        if foreign and each.action == _UPDATE:
            yield each


def _operations(stack_set: StackSet, means: SetMeans) -> tuple[SetOperation, ...]:
    try:
        return means.sets.operations(stack_set)
    except CloudError as error:
        text = f"whether somebody else has changed it meanwhile can't be read: {error}"
        means.notify(Diagnosed("warning", f"{stack_set.name}: {text}"))
        return ()


def _check_template(spread: Spread, means: SetMeans) -> None:
    """Raise `StaleError` where the set has another template than ours.

    What is read may be stale at first, and say what was before. (X-20)
    """
    before = spread.found.deployed
    old = digest_of(before.template) if before else ""
    wanted = spread.stack_set.template.digest if spread.renews or not before else old
    limit, there = means.clock.now() + LOST_AFTER, _template_there(spread.stack_set, means)
    while wanted != there == old and means.clock.now() < limit:
        means.clock.sleep(means.pace.pause(0.0))
        there = _template_there(spread.stack_set, means)
    if there != wanted:
        raise StaleError(
            f"{spread.stack_set.name}: somebody else has changed the stack set meanwhile; plan "
            "again"
        )


def _template_there(stack_set: StackSet, means: SetMeans) -> str:
    """Return the digest of the set's template; nothing where there is no set."""
    deployed = means.sets.stack_set(stack_set)
    return digest_of(deployed.template) if deployed else ""
