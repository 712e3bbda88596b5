"""Decide what to do with each stack, in which order, and say why. Pure: values in, a plan out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from tapcfn.data_policy import is_missing
from tapcfn.errors import BlockedError, TemplateError
from tapcfn.literal import body_of
from tapcfn.model import (
    Deployed,
    FoundSet,
    OutputOf,
    Phase,
    Rollout,
    Snapshot,
    Stack,
    StackStatus,
    ZoneOf,
    canonical,
    digest_of,
)
from tapcfn.references import weak_needs
from tapcfn.stack_sets.steps import SetStep, check_sets, plan_set, plan_set_removal


class Verb(StrEnum):
    """What a step does to its stack."""

    CREATE = "create"
    UPDATE = "update"
    RECREATE = "recreate"
    PROTECT = "protect"
    DELETE = "delete"
    NONE = "none"


class Reason(StrEnum):
    """Why. For people; no code branches on one."""

    NOT_DEPLOYED = "no such stack yet"
    ONLY_REVIEWED = "a change set was staged but never executed"
    TEMPLATE_DIFFERS = "the template differs"
    PARAMETERS_DIFFER = "parameters differ"
    HIDDEN_VALUE = "a NoEcho value cannot be compared, so CloudFormation is asked"
    TAGS_DIFFER = "tags differ"
    NOTIFICATIONS_DIFFER = "notification ARNs differ"
    ROLE_DIFFERS = "the service role differs"
    INPUTS_MAY_DIFFER = "what it takes from other stacks may change"
    OUTSIDE_VALUES = "it points at values outside the template; the change set will tell"
    PROTECTION_DIFFERS = "termination protection differs"
    POLICY_DIFFERS = "the stack policy differs"
    CREATION_ROLLED_BACK = "its creation was rolled back, so it can only be deleted"
    AS_WANTED = "deployed as wanted"
    NOT_WANTED = "the rollout is to be destroyed"
    ORPHANED = "the rollout no longer has it"
    DRIFTED = "it was changed behind CloudFormation's back"
    IMPORTED = "existing resources are to be taken over"
    ALREADY_GONE = "no such stack any more"


@dataclass(frozen=True, slots=True)
class Step:
    """One stack, what will be done to it, why, and which other steps must have ended before."""

    stack: Stack
    verb: Verb
    reason: Reason
    needs: frozenset[str] = frozenset()
    deployed: Deployed | None = None

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.stack.name


@dataclass(frozen=True, slots=True)
class PlannedPhase:
    """The steps of one phase, in waves: how a plan reads, not how it runs."""

    name: str
    waves: tuple[tuple[Step, ...], ...]
    sets: tuple[SetStep, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps of the phase, in reading order."""
        return tuple(step for wave in self.waves for step in wave)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will be done for one rollout, and the steps that nobody asked for."""

    rollout: Rollout
    phases: tuple[PlannedPhase, ...]
    left_out: tuple[Step | SetStep, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps of all phases, in reading order."""
        return tuple(step for phase in self.phases for step in phase.steps)

    @property
    def sets(self) -> tuple[SetStep, ...]:
        """The steps of all stack sets, in reading order."""
        return tuple(step for phase in self.phases for step in phase.sets)

    @property
    def has_work(self) -> bool:
        """Whether any step would write."""
        stacks = any(step.verb is not Verb.NONE for step in self.steps)
        return stacks or any(step.has_work for step in self.sets)

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to write and nothing to complain of."""
        return not self.has_work and not any(step.stuck for step in self.sets)


def digest(rollout: Rollout) -> str:
    """Return the SHA-256 of all that the rollout wants: equal wants, equal digests."""
    return digest_of(
        canonical(
            [
                [
                    phase.name,
                    stack.name,
                    str(stack.target),
                    stack.template.digest,
                    {
                        key: [type(value).__name__, str(value)]
                        for key, value in stack.parameters.items()
                    },
                    dict(stack.tags),
                    stack.protect,
                    stack.adopt,
                    stack.options.facts,
                    stack.options.stack_policy,
                ]
                for phase in rollout.phases
                for stack in phase.stacks
            ]
            + [[phase.name, *each.facts] for phase in rollout.phases for each in phase.stack_sets]
            + [move.facts for move in rollout.moves]
            + [repr(action) for action in rollout.actions]
        )
    )


def plan(rollout: Rollout, snapshot: Snapshot, chosen: frozenset[str] | None = None) -> Plan:
    """Return the steps that bring what is deployed to what is wanted.

    Raises `TemplateError` where the rollout contradicts itself, and `BlockedError` naming every
    stack whose state a person must settle first; of the `chosen` ones, if only some are wanted.
    """
    _check(rollout)
    stuck = [
        f"{stack.name}: is {deployed.status}; {advice(deployed) or 'settle it before planning'}; "
        f"`recover --stack {stack.name}` says why"
        for stack in rollout.stacks
        if (chosen is None or stack.name in chosen)
        and (deployed := snapshot.stacks.get(stack.name)) is not None
        and is_stuck(deployed.status)
    ]
    if stuck:
        raise BlockedError("\n".join(stuck))
    weak = weak_needs(rollout)
    changing: set[str] = set()
    return Plan(
        rollout,
        tuple(_plan_phase(phase, snapshot, changing, weak) for phase in rollout.phases),
    )


def plan_destroy(rollout: Rollout, snapshot: Snapshot, reason: Reason = Reason.NOT_WANTED) -> Plan:
    """Return the steps that take the rollout away: dependants first, phases in reverse."""
    _check(rollout)
    weak = weak_needs(rollout)
    phases = []
    for phase in reversed(rollout.phases):
        needed_by: dict[str, set[str]] = {stack.name: set() for stack in phase.stacks}
        for stack in phase.stacks:
            for need in (stack.needs | weak.get(stack.name, frozenset())) & needed_by.keys():
                needed_by[need].add(stack.name)
        for each in phase.stack_sets:
            for need in each.needs & needed_by.keys():
                needed_by[need].add(each.name)
        steps = {
            stack.name: _removal(stack, snapshot, frozenset(needed_by[stack.name]), reason)
            for stack in phase.stacks
        }
        sets = tuple(
            plan_set_removal(each, _found(each.name, snapshot)) for each in phase.stack_sets
        )
        phases.append(PlannedPhase(phase.name, _waves(steps), sets))
    return Plan(rollout, tuple(phases))


def resolve(
    stack: Stack,
    outputs: Mapping[str, Mapping[str, str]],
    deployed: Deployed | None,
    zones: tuple[str, ...],
) -> tuple[dict[str, str], tuple[OutputOf, ...]]:
    """Return the parameter values that can be known, and the inputs that cannot be yet."""
    values: dict[str, str] = {}
    unknown: list[OutputOf] = []
    for key, value in sorted(stack.parameters.items()):
        if isinstance(value, OutputOf):
            known = outputs.get(value.stack, {}).get(value.key)
            if known is None:
                unknown.append(value)
            else:
                values[key] = known
        elif isinstance(value, ZoneOf):
            values[key] = _zone(stack, key, value, deployed, zones)
        else:
            values[key] = value
    return values, tuple(unknown)


def _zone(
    stack: Stack, key: str, value: ZoneOf, deployed: Deployed | None, zones: tuple[str, ...]
) -> str:
    """Return the zone that the stack has, or the one that it is to get."""
    if deployed and not deployed.status.is_absent and key in deployed.parameters:
        return deployed.parameters[key]
    if value.index >= len(zones):
        raise BlockedError(
            f"{stack.name}: {key} wants {value}, and {stack.target.region} has {len(zones)} zones"
        )
    return zones[value.index]


def _check(rollout: Rollout) -> None:
    """Refuse a rollout that names a stack twice or asks for an output that nobody gives."""
    stacks = {stack.name: stack for stack in rollout.stacks}
    if len(stacks) != len(rollout.stacks):
        names = [stack.name for stack in rollout.stacks]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise TemplateError(f"{rollout.blueprint}: two stacks are called {', '.join(twice)}")
    phase_of = {
        stack.name: number for number, phase in enumerate(rollout.phases) for stack in phase.stacks
    }
    wrong = [
        f"{stack.name}: {key} asks for {value}, which {fault}"
        for stack in rollout.stacks
        for key, value in sorted(stack.parameters.items())
        if isinstance(value, OutputOf)
        and (fault := _what_is_wrong(value, stacks, phase_of, phase_of[stack.name]))
    ]
    wrong += [
        f"{rollout.blueprint}: output {name} asks for {value}, which {fault}"
        for name, value in rollout.outputs.items()
        if (
            fault := _wrong_of_instance(value, rollout)
            if value.target
            else _what_is_wrong(value, stacks, phase_of, len(rollout.phases))
        )
    ]
    wrong += [fault for stack in rollout.stacks for fault in _parameter_faults(stack)]
    if wrong:
        raise TemplateError("; ".join(wrong))
    check_sets(rollout)


def _wrong_of_instance(value: OutputOf, rollout: Rollout) -> str:
    """Say why an output of an instance can't be had, or nothing."""
    found = {each.name: each for each in rollout.stack_sets}.get(value.stack)
    if found is None:
        return "is no stack set of the rollout"
    if found.organization is None and value.target not in found.pairs:
        return "has no such target"
    return "" if value.key in found.template.outputs else "has no such output"


def _what_is_wrong(
    value: OutputOf, stacks: Mapping[str, Stack], phase_of: Mapping[str, int], asking: int
) -> str:
    """Say why an output can't be had in the phase with this number, or nothing."""
    if value.stack not in stacks or value.target:
        return "is not part of the rollout"
    if value.key not in stacks[value.stack].template.outputs:
        return "has no such output"
    return "comes in a later phase" if phase_of[value.stack] > asking else ""


def _parameter_faults(stack: Stack) -> Iterable[str]:
    declared = stack.template.parameters
    for key in sorted(stack.parameters.keys() - declared.keys()):
        yield f"{stack.name}: {key} is no parameter of the template"
    for key, declaration in sorted(declared.items()):
        if "Default" not in declaration and key not in stack.parameters:
            yield f"{stack.name}: parameter {key} has no value"


# What to do with a stack that is stuck.
ADVICE: Mapping[StackStatus, str] = {
    StackStatus.CREATE_FAILED: "its creation failed and was not rolled back; "
    "`aws cloudformation rollback-stack` or `delete-stack`",
    StackStatus.ROLLBACK_FAILED: "`aws cloudformation delete-stack`, keeping what cannot go",
    StackStatus.UPDATE_FAILED: "`aws cloudformation rollback-stack`",
    StackStatus.UPDATE_ROLLBACK_FAILED: "`aws cloudformation continue-update-rollback`",
    StackStatus.DELETE_FAILED: "see why with `events`, then "
    "`aws cloudformation delete-stack`, keeping what cannot go",
    StackStatus.IMPORT_ROLLBACK_FAILED: "a person must look at it",
}

# What becomes of the ones above that RollbackStack would help, in EXPRESS mode.
_EXPRESS = frozenset({StackStatus.CREATE_FAILED, StackStatus.UPDATE_FAILED})


def advice(deployed: Deployed) -> str:
    """Say what to do with a stack that is stuck, or nothing where it is not."""
    if deployed.express and deployed.status in _EXPRESS:
        return (
            "in EXPRESS mode, which takes no rollback-stack; deploy its last good template by "
            "hand: `aws cloudformation update-stack --deployment-config Mode=EXPRESS`"
        )
    return ADVICE.get(deployed.status, "")


def is_stuck(status: StackStatus) -> bool:
    """Whether a person must settle a stack in this state before anything can be planned."""
    return not (status.is_absent or status.must_be_recreated or status.is_updatable)


def _plan_phase(
    phase: Phase, snapshot: Snapshot, changing: set[str], weak: Mapping[str, frozenset[str]]
) -> PlannedPhase:
    """Decide the phase's steps in order, so that a change reaches whoever depends on it."""
    names = {stack.name: stack for stack in phase.stacks}
    needs = {
        key: (stack.needs | weak.get(key, frozenset())) & names.keys()
        for key, stack in names.items()
    }
    steps: dict[str, Step] = {}
    for name in _order(needs):
        stack = names[name]
        deployed = snapshot.stacks.get(name)
        verb, reason = _decide(stack, snapshot, changing)
        if verb not in {Verb.NONE, Verb.PROTECT}:
            changing.add(name)
        steps[name] = Step(stack, verb, reason, needs[name], deployed)
    outputs = outputs_of(snapshot)
    sets = (
        plan_set(each, _found(each.name, snapshot), outputs, changing) for each in phase.stack_sets
    )
    return PlannedPhase(phase.name, _waves(steps), tuple(sets))


def _found(stack_set: str, snapshot: Snapshot) -> FoundSet:
    return snapshot.sets.get(stack_set) or FoundSet()


def _decide(stack: Stack, snapshot: Snapshot, changing: set[str]) -> tuple[Verb, Reason]:
    deployed = snapshot.stacks.get(stack.name)
    if deployed is None or deployed.status is StackStatus.DELETE_COMPLETE:
        return Verb.CREATE, Reason.NOT_DEPLOYED
    if deployed.status is StackStatus.REVIEW_IN_PROGRESS:
        return Verb.CREATE, Reason.ONLY_REVIEWED
    if deployed.status.must_be_recreated:
        return Verb.RECREATE, Reason.CREATION_ROLLED_BACK
    return _decide_update(stack, deployed, snapshot, changing)


def _decide_update(
    stack: Stack, deployed: Deployed, snapshot: Snapshot, changing: set[str]
) -> tuple[Verb, Reason]:
    """Compare a deployed stack with what is wanted of it."""
    if difference := differs(stack, deployed, outputs_of(snapshot), snapshot):
        return Verb.UPDATE, difference
    if stack.needs & changing:
        return Verb.UPDATE, Reason.INPUTS_MAY_DIFFER
    if stack.protect != deployed.protected:
        return Verb.PROTECT, Reason.PROTECTION_DIFFERS
    if is_missing(stack, deployed):
        return Verb.PROTECT, Reason.POLICY_DIFFERS
    return Verb.NONE, Reason.AS_WANTED


def differs(
    stack: Stack,
    deployed: Deployed,
    outputs: Mapping[str, Mapping[str, str]],
    snapshot: Snapshot,
) -> Reason | None:
    """Return in what a deployed stack differs from what is wanted, or None.

    A stack whose last update was rolled back is compared like any other: it has its former
    template and parameters again.
    """
    if deployed.template_digest != body_of(stack).digest:
        return Reason.TEMPLATE_DIFFERS
    zones = snapshot.zones.get(stack.target, ())
    values, unknown = resolve(stack, outputs, deployed, zones)
    if unknown:
        return Reason.INPUTS_MAY_DIFFER
    differing = _differing(with_defaults(stack, values), deployed.parameters)
    if differing - stack.template.secret_parameters:
        return Reason.PARAMETERS_DIFFER
    if dict(stack.tags) != dict(deployed.tags):
        return Reason.TAGS_DIFFER
    return _options_differ(stack, deployed) or _cannot_tell(stack, hidden=bool(differing))


def _cannot_tell(stack: Stack, *, hidden: bool) -> Reason | None:
    """Return why only the service knows whether the stack differs, where that is so."""
    if hidden:
        return Reason.HIDDEN_VALUE
    return Reason.OUTSIDE_VALUES if stack.template.may_change_by_itself else None


def _differing(wanted: Mapping[str, str], told: Mapping[str, str]) -> set[str]:
    """Return the parameters that are not told as they are wanted; NoEcho values never are."""
    return {key for key in wanted.keys() | told.keys() if wanted.get(key) != told.get(key)}


def _options_differ(stack: Stack, deployed: Deployed) -> Reason | None:
    """Return in which option a stack differs.

    A service role can't be taken off a stack, so one that is not wanted is no difference.
    """
    if set(stack.options.notification_arns) != deployed.notified:
        return Reason.NOTIFICATIONS_DIFFER
    if stack.options.service_role not in {"", deployed.role}:
        return Reason.ROLE_DIFFERS
    return None


def with_defaults(stack: Stack, values: Mapping[str, str]) -> dict[str, str]:
    """Return what CloudFormation will report as the stack's parameters."""
    return {
        key: values[key] if key in values else str(declaration.get("Default", ""))
        for key, declaration in stack.template.parameters.items()
    }


def outputs_of(snapshot: Snapshot) -> dict[str, Mapping[str, str]]:
    """Return the outputs of every stack that is deployed."""
    return {
        name: deployed.outputs
        for name, deployed in snapshot.stacks.items()
        if deployed.status.is_updatable
    }


def _removal(stack: Stack, snapshot: Snapshot, needs: frozenset[str], reason: Reason) -> Step:
    deployed = snapshot.stacks.get(stack.name)
    if deployed is None or deployed.status is StackStatus.DELETE_COMPLETE:
        return Step(stack, Verb.NONE, Reason.ALREADY_GONE, needs, deployed)
    return Step(stack, Verb.DELETE, reason, needs, deployed)


def _order(needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    return tuple(name for wave in _sorted_waves(needs) for name in wave)


def _waves(steps: Mapping[str, Step]) -> tuple[tuple[Step, ...], ...]:
    """Group steps so that each comes after everything that it needs."""
    needs = {name: step.needs for name, step in steps.items()}
    return tuple(tuple(steps[name] for name in wave) for wave in _sorted_waves(needs))


def _sorted_waves(needs: Mapping[str, Iterable[str]]) -> Iterable[tuple[str, ...]]:
    sorter: TopologicalSorter[str] = TopologicalSorter(
        {name: sorted(each) for name, each in sorted(needs.items())}
    )
    try:
        sorter.prepare()
    except CycleError as error:
        raise TemplateError("stacks need each other: " + " -> ".join(error.args[1])) from error
    while sorter.is_active():
        ready = tuple(sorted(sorter.get_ready()))
        yield ready
        sorter.done(*ready)
