"""A stack set's place in a plan: what will be done, why, and what must have ended before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

from tapcfn.errors import TemplateError
from tapcfn.model import (
    AccountFilter,
    FoundSet,
    Member,
    OutputOf,
    Permission,
    Rollout,
    SelfManaged,
    ServiceManaged,
    StackSet,
    Target,
)
from tapcfn.stack_sets.calls import Rectangle
from tapcfn.stack_sets.comparing import plan_removal, plan_spread
from tapcfn.stack_sets.cover import cover, cover_of_members
from tapcfn.stack_sets.finding import Outputs, left_out, present, resolve_set
from tapcfn.stack_sets.spread import Cover, Spread


@dataclass(frozen=True, slots=True)
class SetStep:
    """One stack set. `spread` is None as long as an input is `unknown`: it is made at its turn."""

    stack_set: StackSet
    found: FoundSet = field(repr=False)
    spread: Spread | None
    unknown: tuple[OutputOf, ...] = ()
    needs: frozenset[str] = frozenset()
    removes: bool = False

    @property
    def name(self) -> str:
        """The set's name."""
        return self.stack_set.name

    @property
    def left_out(self) -> tuple[Member, ...]:
        """The accounts that are no targets because they are suspended."""
        return () if self.removes else left_out(self.stack_set, self.found.members)

    @property
    def comes_after(self) -> frozenset[str]:
        """What must have ended before, in the same phase: stacks, and sets that it depends on.

        A set that goes comes after those that depend on it: they are what it `needs`.
        """
        return self.needs | frozenset(() if self.removes else _after(self.stack_set.permission))

    @property
    def verb(self) -> str:
        """What is done: spread, delete, deferred or none."""
        if self.spread is None:
            return "deferred"
        if not self.spread.has_work:
            return "none"
        return "delete" if self.removes else "spread"

    @property
    def reason(self) -> str:
        """Why."""
        return self.spread.reason if self.spread else "its inputs are known after other stacks"

    @property
    def has_work(self) -> bool:
        """Whether anything would be written, as far as can be told."""
        return self.spread is None or self.spread.has_work

    @property
    def stuck(self) -> frozenset[Target]:
        """The wanted instances that are INOPERABLE: no success, though nothing is done to them."""
        return self.spread.passed_over & self.spread.wanted.pairs if self.spread else frozenset()


def plan_set(
    stack_set: StackSet, found: FoundSet, outputs: Outputs, changing: Iterable[str] = ()
) -> SetStep:
    """Return the step for a set; inputs of stacks that are `changing` are known only after them."""
    wanted, unknown = resolve_set(stack_set, outputs, found)
    moving = set(changing)
    unknown += tuple(
        each for each in _inputs(stack_set) if each.stack in moving and each not in unknown
    )
    if unknown:
        return SetStep(stack_set, found, None, unknown, stack_set.needs)
    spread = plan_spread(wanted, found, cover_for(stack_set, found))
    return SetStep(stack_set, found, spread, (), stack_set.needs)


def plan_set_removal(
    stack_set: StackSet, found: FoundSet, needed_by: frozenset[str] = frozenset()
) -> SetStep:
    """Return the step that takes a set away, after the sets that it is `needed_by`."""
    spread = plan_removal(stack_set, found, cover_for(stack_set, found))
    return SetStep(stack_set, found, spread, needs=needed_by, removes=True)


def dependants(
    sets: Iterable[tuple[StackSet, FoundSet]],
) -> Mapping[str, frozenset[str]]:
    """Return which of the sets depend on each, as they are deployed: what goes follows that.

    The service takes no circle; one that it tells all the same binds nobody.
    """
    before = {
        each.name: _after(there.deployed.permission) if there.deployed else ()
        for each, there in sets
    }
    try:
        TopologicalSorter(before).prepare()
    except CycleError:
        before = dict.fromkeys(before, ())
    return {
        name: frozenset(other for other, those in before.items() if name in those)
        for name in before
    }


def in_turn(steps: Iterable[SetStep]) -> tuple[SetStep, ...]:
    """Return steps in the order in which they come, else in their own."""
    left = list(steps)
    found: list[SetStep] = []
    while left:
        names = {each.name for each in left}
        first = next((each for each in left if not each.comes_after & names), left[0])
        left.remove(first)
        found.append(first)
    return tuple(found)


def known_now(step: SetStep, outputs: Outputs) -> SetStep:
    """Return a deferred step with the inputs that there are by now."""
    return plan_set(step.stack_set, step.found, outputs) if step.spread is None else step


def outlook(step: SetStep) -> Spread:
    """Return what a deferred step may touch at most: all that stays, and what leaves."""
    wanted, _ = resolve_set(step.stack_set, {}, step.found)
    spread = plan_spread(wanted, step.found, cover_for(step.stack_set, step.found))
    stays = frozenset(step.found.instances) & wanted.pairs - spread.passed_over
    return replace(spread, update=stays)


def _after(permission: Permission) -> tuple[str, ...]:
    """Return the sets that an account gets before one with this permission."""
    auto = permission.auto if isinstance(permission, ServiceManaged) else None
    return auto.after if auto else ()


def _inputs(stack_set: StackSet) -> tuple[OutputOf, ...]:
    values = [*stack_set.parameters.values()]
    values += [value for told in stack_set.overrides.values() for value in told.values()]
    return tuple(dict.fromkeys(value for value in values if isinstance(value, OutputOf)))


def cover_for(stack_set: StackSet, found: FoundSet) -> Cover:
    """Return how pairs of this set are cut into calls.

    Accounts that stand under none of an organization's units any more are named on their own.
    """
    organization = stack_set.organization
    if organization is None:
        return cover
    members = present(found.members)

    def cut(pairs: frozenset[Target]) -> tuple[Rectangle, ...]:
        here = frozenset(pair for pair in pairs if pair.account in members)
        inside = cover_of_members(here, found.members, organization) if here else ()
        return (*inside, *(cover(pairs - here) if pairs - here else ()))

    return cut


def check_sets(rollout: Rollout) -> None:
    """Raise `TemplateError` where a stack set contradicts itself or the rest of the rollout."""
    faults = [
        fault
        for number, phase in enumerate(rollout.phases)
        for each in phase.stack_sets
        for fault in _faults(each, rollout, number)
    ]
    names = [each.name for each in rollout.stack_sets] + [each.name for each in rollout.stacks]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [f"two units are called {name}" for name in twice]
    faults += _order_faults(rollout)
    if faults:
        raise TemplateError("; ".join(faults))


def _faults(stack_set: StackSet, rollout: Rollout, number: int) -> Iterable[str]:
    name, declared = stack_set.name, stack_set.template.parameters
    told = {**stack_set.parameters}
    for pair, given in sorted(stack_set.overrides.items()):
        told |= given
        if stack_set.organization is None and pair not in stack_set.pairs:
            yield f"{name}: overrides for {pair}, which is no target of it"
    for key in sorted(told.keys() - declared.keys()):
        yield f"{name}: {key} is no parameter of the template"
    for key, declaration in sorted(declared.items()):
        if "Default" not in declaration and not _is_told(key, stack_set):
            yield f"{name}: parameter {key} has no value in every target"
    yield from _input_faults(stack_set, rollout, number)
    yield from _permission_faults(stack_set)


def _is_told(key: str, stack_set: StackSet) -> bool:
    """Whether every instance is told a parameter, by the set or for itself."""
    if key in stack_set.parameters:
        return True
    return bool(stack_set.pairs) and all(
        key in stack_set.overrides.get(pair, {}) for pair in stack_set.pairs
    )


def _input_faults(stack_set: StackSet, rollout: Rollout, number: int) -> Iterable[str]:
    phase_of: Mapping[str, int] = {
        stack.name: at for at, phase in enumerate(rollout.phases) for stack in phase.stacks
    }
    outputs = {stack.name: stack.template.outputs for stack in rollout.stacks}
    for value in _inputs(stack_set):
        if value.stack not in outputs:
            yield f"{stack_set.name}: asks for {value}, which is no stack of the rollout"
        elif value.key not in outputs[value.stack]:
            yield f"{stack_set.name}: asks for {value}, which has no such output"
        elif phase_of[value.stack] > number:
            yield f"{stack_set.name}: asks for {value}, which comes in a later phase"


def _order_faults(rollout: Rollout) -> Iterable[str]:
    """Yield dependences between sets that no order can meet."""
    phase_of = {
        each.name: at for at, phase in enumerate(rollout.phases) for each in phase.stack_sets
    }
    before = {
        each.name: [name for name in _after(each.permission) if name in phase_of]
        for each in rollout.stack_sets
    }
    for name, others in before.items():
        for other in others:
            if phase_of[other] > phase_of[name]:
                yield f"{name}: depends on {other}, which comes in a later phase"
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        yield f"stack sets depend on each other: {', '.join(sorted(set(error.args[1])))}"


def _permission_faults(stack_set: StackSet) -> Iterable[str]:
    """Yield contradictions of targets and permission model. (DS-8)"""
    own = isinstance(stack_set.permission, SelfManaged)
    if own and stack_set.organization is not None:
        yield f"{stack_set.name}: organizational units need a service-managed stack set"
    if stack_set.organization and stack_set.organization.filter is AccountFilter.UNION:
        yield f"{stack_set.name}: UNION is not taken when instances are made; name their units"
    if not own and stack_set.pairs:
        yield f"{stack_set.name}: a service-managed stack set names organizational units, no pairs"
    if not own and stack_set.organization is None:
        yield f"{stack_set.name}: a service-managed stack set names no organizational units"
