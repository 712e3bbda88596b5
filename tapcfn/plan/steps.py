"""What a plan is made of: what is done to each stack, in which order, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tapcfn.model import Deployed, Rollout, Stack
from tapcfn.stack_sets.steps import SetStep


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
