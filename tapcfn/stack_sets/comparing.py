"""Compare a stack set with what is deployed of it, pair by pair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tapcfn.model import (
    DeployedSet,
    FoundSet,
    InstanceStatus,
    SelfManaged,
    ServiceManaged,
    StackSet,
    Target,
    digest_of,
)
from tapcfn.stack_sets.calls import Act, SetCall, administration_role_of
from tapcfn.stack_sets.carving import carved, covered
from tapcfn.stack_sets.finding import left_out
from tapcfn.stack_sets.spread import (
    Cover,
    Spread,
    SpreadReason,
    SpreadWave,
    Wanted,
    is_secret,
    value_of,
)


def plan_spread(wanted: Wanted, found: FoundSet, cover: Cover) -> Spread:
    """Return what brings the set's instances to what is wanted."""
    there = frozenset(found.instances)
    inoperable = frozenset(
        pair for pair, each in found.instances.items() if each.status is InstanceStatus.INOPERABLE
    )
    kept = (wanted.pairs & there) - inoperable
    asleep = frozenset(each.account for each in found.members if each.suspended)
    suspended = frozenset(pair for pair in there if pair.account in asleep)
    difference = _set_differs(wanted, found.deployed)
    spread = Spread(
        wanted,
        found,
        SpreadReason.AS_WANTED,
        add=wanted.pairs - there,
        update=kept if difference else _unwell(kept, found) | (found.moved & kept),
        override=frozenset(pair for pair in kept if _override_differs(pair, wanted, found)),
        remove=there - wanted.pairs - suspended,
        passed_over=inoperable,
        suspended=suspended,
        left_out=left_out(wanted.stack_set, found.members),
    )
    return _with_calls(spread, difference, cover)


def plan_removal(stack_set: StackSet, found: FoundSet, cover: Cover) -> Spread:
    """Return what takes the set away, with the stacks of its instances unless it retains them."""
    pairs = frozenset(found.instances)
    calls = [SetCall(Act.REMOVE, each, retain=stack_set.retain) for each in covered(pairs, cover)]
    if found.deployed is not None:
        calls.append(SetCall(Act.DELETE))
    return Spread(
        Wanted(stack_set, frozenset()),
        found,
        SpreadReason.NOT_WANTED,
        remove=pairs,
        waves=(SpreadWave("leave", tuple(calls)),) if calls else (),
    )


def _set_differs(wanted: Wanted, deployed: DeployedSet | None) -> SpreadReason | None:
    """Return in what the set itself differs; what is secret is passed over, as it is not told."""
    stack_set = wanted.stack_set
    if deployed is None:
        return SpreadReason.NOT_THERE
    if digest_of(deployed.template) != stack_set.template.digest:
        return SpreadReason.TEMPLATE_DIFFERS
    open_to_all = [key for key in stack_set.template.parameters if not is_secret(stack_set, key)]
    told = {key: value_of(wanted, key) for key in open_to_all}
    if told != {key: deployed.parameters.get(key, "") for key in open_to_all}:
        return SpreadReason.PARAMETERS_DIFFER
    if dict(stack_set.tags) != dict(deployed.tags):
        return SpreadReason.TAGS_DIFFER
    if _roles_differ(stack_set, deployed):
        return SpreadReason.ROLES_DIFFER
    return None


def _roles_differ(stack_set: StackSet, deployed: DeployedSet) -> bool:
    if stack_set.queues != deployed.queues:
        return True
    mine, theirs = stack_set.permission, deployed.permission
    if isinstance(mine, SelfManaged) and isinstance(theirs, SelfManaged):
        named = administration_role_of(stack_set) == theirs.administration_role
        return not named or mine.execution_role != theirs.execution_role
    if isinstance(mine, ServiceManaged) and isinstance(theirs, ServiceManaged):
        return mine.delegated != theirs.delegated
    return True


def _automatic_differs(stack_set: StackSet, deployed: DeployedSet | None) -> bool:
    """Whether accounts that join or leave are to be treated in another way."""
    mine = stack_set.permission
    theirs = deployed.permission if deployed else None
    if not isinstance(mine, ServiceManaged) or not isinstance(theirs, ServiceManaged):
        return False
    return mine.auto != theirs.auto


def _unwell(pairs: Iterable[Target], found: FoundSet) -> frozenset[Target]:
    return frozenset(pair for pair in pairs if not found.instances[pair].is_well)


def _override_differs(pair: Target, wanted: Wanted, found: FoundSet) -> bool:
    there = found.instances[pair].overrides
    return there is not None and dict(there) != dict(wanted.overrides_of(pair))


def _with_calls(spread: Spread, difference: SpreadReason | None, cover: Cover) -> Spread:
    """Return the spread with its reason, and its calls in waves."""
    automatic = _automatic_differs(spread.stack_set, spread.found.deployed)
    reason = difference or _reason(spread)
    if reason is SpreadReason.AS_WANTED and automatic:
        reason = SpreadReason.AUTOMATIC_DIFFERS
    if reason is SpreadReason.AS_WANTED:
        return spread
    waves = carved(spread, cover, renews=difference is not None, automatic=automatic)
    return replace(spread, reason=reason, waves=waves)


def _reason(spread: Spread) -> SpreadReason:
    if spread.add or spread.remove:
        return SpreadReason.PAIRS_DIFFER
    if spread.override:
        return SpreadReason.OVERRIDES_DIFFER
    if spread.update & spread.found.moved:
        return SpreadReason.VALUES_MOVED
    return SpreadReason.NOT_WELL if spread.update else SpreadReason.AS_WANTED
