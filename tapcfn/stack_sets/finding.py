"""Read what there is of a stack set, and resolve what is wanted of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import replace

from tapcfn.errors import BlockedError, CloudError
from tapcfn.model import (
    EMPTY,
    FoundSet,
    Instance,
    Member,
    OutputOf,
    ParameterValue,
    SetOperation,
    StackSet,
    Target,
    ZoneOf,
)
from tapcfn.ports import Cloud
from tapcfn.stack_sets.between import last_operation
from tapcfn.stack_sets.ports import SetCloud
from tapcfn.stack_sets.spread import Wanted

Outputs = Mapping[str, Mapping[str, str]]
Warn = Callable[[str], None]


def find(
    stack_set: StackSet,
    sets: SetCloud,
    cloud: Cloud,
    pool: Executor,
    *,
    to_plan: bool = True,
    warn: Warn = lambda _: None,
) -> FoundSet:
    """Return the set as it stands; with overrides, members and zones `to_plan`.

    Overrides cost a call for each instance, as nothing else tells them, but where there is no
    parameter to override. `warn` is told of those that may not be read.
    """
    deployed = sets.stack_set(stack_set)
    last = _last_operation(stack_set, sets) if deployed and to_plan else ""
    listed = sets.instances(stack_set) if deployed else ()
    found = FoundSet(deployed, {each.target: each for each in listed})
    if not to_plan:
        return found
    if deployed and deployed.parameters:
        listed = _with_overrides(stack_set, listed, sets, pool, warn)
    else:
        listed = tuple(replace(each, overrides=EMPTY) for each in listed)
    units = stack_set.organization.units if stack_set.organization else ()
    asking = sorted(pair for pair, told in stack_set.overrides.items() if _asks_for_zones(told))
    zones = dict(zip(asking, pool.map(cloud.zones, asking), strict=True))
    return replace(
        found,
        instances={each.target: each for each in listed},
        members=sets.members(stack_set.home, units) if units else (),
        zones=zones,
        last_operation=last,
    )


def _last_operation(stack_set: StackSet, sets: SetCloud) -> str | None:
    """Return the id of a set's newest operation; None where that may not be read. (X-12)"""
    try:
        return last_operation(sets.operations(stack_set))
    except CloudError as error:
        if not error.lasting:
            raise
        return None


def moving_operations(stack_set: StackSet, sets: SetCloud) -> tuple[SetOperation, ...]:
    """Return the operations that are at work on a set, oldest first; none where there is no set."""
    if sets.stack_set(stack_set) is None:
        return ()
    found = (each for each in sets.operations(stack_set) if each.status.is_moving)
    return tuple(reversed(tuple(found)))


def _with_overrides(
    stack_set: StackSet,
    listed: Iterable[Instance],
    sets: SetCloud,
    pool: Executor,
    warn: Warn,
) -> tuple[Instance, ...]:
    """Return instances with their overrides; as they are where that is refused. (X-12)"""

    def whole(instance: Instance) -> Instance | str:
        try:
            return sets.instance(stack_set, instance.target) or instance
        except CloudError as error:
            if not error.lasting:
                raise
            return str(error)

    listed = tuple(listed)
    read = tuple(pool.map(whole, listed))
    if refused := [each for each in read if isinstance(each, str)]:
        warn(
            f"{stack_set.name}: the overrides of {len(refused)} instances can't be read, so that "
            f"it goes unseen where they differ: {refused[0]}"
        )
    pairs = zip(listed, read, strict=True)
    return tuple(each if isinstance(known, str) else known for each, known in pairs)


def _asks_for_zones(told: Mapping[str, ParameterValue]) -> bool:
    return any(isinstance(value, ZoneOf) for value in told.values())


def resolve_set(
    stack_set: StackSet, outputs: Outputs, found: FoundSet
) -> tuple[Wanted, tuple[OutputOf, ...]]:
    """Return the set with all that can be known filled in, and the inputs that cannot be yet."""
    unknown: list[OutputOf] = []
    pairs = pairs_of(stack_set, found.members)
    parameters: dict[str, str] = _resolved(stack_set.parameters, outputs, unknown)
    overrides = {
        pair: _resolved(_with_zones(stack_set, pair, told, found), outputs, unknown)
        for pair, told in sorted(stack_set.overrides.items())
        if pair in pairs
    }
    parameters |= _standing_in(stack_set, parameters, overrides, found)
    return Wanted(stack_set, pairs, parameters, overrides), tuple(dict.fromkeys(unknown))


def _standing_in(
    stack_set: StackSet,
    parameters: Mapping[str, str],
    overrides: Mapping[Target, Mapping[str, str]],
    found: FoundSet,
) -> dict[str, str]:
    """Return values for what every pair is told for itself, and only for itself.

    The service takes no set without a value for each parameter that has no default. Nobody ever
    gets this one: it is what the set has, or else what its first pair is told.
    """
    there = found.deployed.parameters if found.deployed else EMPTY
    first = overrides[min(overrides)] if overrides else EMPTY
    known = {**first, **there}
    return {
        key: known[key]
        for key, declared in stack_set.template.parameters.items()
        if "Default" not in declared and key not in parameters and key in first
    }


def _resolved(
    values: Mapping[str, ParameterValue], outputs: Outputs, unknown: list[OutputOf]
) -> dict[str, str]:
    known: dict[str, str] = {}
    for key, value in sorted(values.items()):
        if isinstance(value, str):
            known[key] = value
        elif isinstance(value, ZoneOf):
            raise BlockedError(f"{key}: a zone differs from Region to Region: override it by pair")
        elif (told := outputs.get(value.stack, {}).get(value.key)) is None:
            unknown.append(value)
        else:
            known[key] = told
    return known


def _with_zones(
    stack_set: StackSet, pair: Target, told: Mapping[str, ParameterValue], found: FoundSet
) -> Mapping[str, ParameterValue]:
    """Return overrides with zones by name: the one that an instance has, else by its index."""
    instance = found.instances.get(pair)
    deployed = (instance.overrides if instance else None) or EMPTY
    return {
        key: _zone(stack_set, pair, key, value, deployed, found)
        if isinstance(value, ZoneOf)
        else value
        for key, value in told.items()
    }


def _zone(
    stack_set: StackSet,
    pair: Target,
    key: str,
    value: ZoneOf,
    deployed: Mapping[str, str],
    found: FoundSet,
) -> str:
    if key in deployed:
        return deployed[key]
    if pair not in found.zones:  # nobody was asked: a rollout is only checked, without a cloud
        return str(value)
    zones = found.zones[pair]
    if value.index >= len(zones):
        raise BlockedError(
            f"{stack_set.name}: {key} of {pair} wants {value}, and there are {len(zones)} zones"
        )
    return zones[value.index]


# Organizations ------------------------------------------------------------------------------------


def pairs_of(stack_set: StackSet, members: Iterable[Member]) -> frozenset[Target]:
    """Return the pairs that are wanted: those of the settings, or of the units' present accounts.

    Accounts that are suspended are left out.
    """
    if stack_set.organization is None:
        return stack_set.pairs
    meant, regions = stack_set.organization.means, stack_set.organization.regions
    accounts = filter(meant, present(members))
    return frozenset(Target(account, region) for account in accounts for region in regions)


def left_out(stack_set: StackSet, members: Iterable[Member]) -> tuple[Member, ...]:
    """Return the accounts that would be targets if they were not suspended; sorted. (R-25)"""
    organization = stack_set.organization
    if organization is None:
        return ()
    found = (each for each in members if each.suspended and organization.means(each.account))
    return tuple(sorted(found, key=lambda each: each.account))


def present(members: Iterable[Member]) -> frozenset[str]:
    """Return the accounts of an organization that are not suspended. (R-25)"""
    return frozenset(each.account for each in members if not each.suspended)
