"""How a stack set's instances must change, and in which calls: the values of a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tapcfn.model import EMPTY, FoundSet, Gate, Member, StackSet, Target, digest_of
from tapcfn.stack_sets.calls import Rectangle, SetCall

Cover = Callable[[frozenset[Target]], tuple[Rectangle, ...]]


class SpreadReason(StrEnum):
    """Why a set has something to do. For people; no code branches on one."""

    NOT_THERE = "no such stack set yet"
    TEMPLATE_DIFFERS = "the template differs"
    PARAMETERS_DIFFER = "parameters differ"
    TAGS_DIFFER = "tags differ"
    ROLES_DIFFER = "its roles or its managed execution differ"
    AUTOMATIC_DIFFERS = "automatic deployment differs"
    PAIRS_DIFFER = "other targets"
    OVERRIDES_DIFFER = "parameter overrides differ"
    VALUES_MOVED = "values that the template points at have changed"
    NOT_WELL = "instances are outdated or failed"
    NOT_WANTED = "the rollout is to be destroyed"
    RETRIED = "instances of an operation are to be tried again"
    REVERTED = "an operation is to be taken back"
    ADOPTED = "stacks are to become its instances"
    AS_WANTED = "deployed as wanted"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A set with everything resolved: its pairs, parameters, and each pair's overrides."""

    stack_set: StackSet
    pairs: frozenset[Target]
    parameters: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    overrides: Mapping[Target, Mapping[str, str]] = field(default_factory=lambda: EMPTY)

    def overrides_of(self, pair: Target) -> Mapping[str, str]:
        """Return what a pair puts in the place of the set's parameters."""
        return self.overrides.get(pair, EMPTY)

    def effective(self, pair: Target) -> Mapping[str, str]:
        """Return what a pair's stack is told, all in all. (R-20)"""
        return {**self.parameters, **self.overrides_of(pair)}


@dataclass(frozen=True, slots=True)
class SpreadWave:
    """Calls that are made one after another, and what must hold after the last."""

    name: str
    calls: tuple[SetCall, ...]
    gates: tuple[Gate, ...] = ()
    bake: float = 0.0

    @property
    def pairs(self) -> frozenset[Target]:
        """All pairs that the wave touches."""
        return frozenset(pair for call in self.calls for pair in call.pairs)


@dataclass(frozen=True, slots=True)
class Spread:
    """How a set's instances must change, and in which calls.

    `update` gets the set's template and parameters, `override` other parameters of its own;
    `passed_over` are instances that are INOPERABLE, which nothing touches but a deletion, and
    `suspended` those in accounts that are, where nothing can be done until they are back. (X-27)
    `left_out` are accounts that are no targets as long as they are suspended. (R-25) `retries` or
    `reverts` is the operation that is done again or taken back.
    """

    wanted: Wanted
    found: FoundSet
    reason: SpreadReason
    add: frozenset[Target] = frozenset()
    update: frozenset[Target] = frozenset()
    override: frozenset[Target] = frozenset()
    remove: frozenset[Target] = frozenset()
    passed_over: frozenset[Target] = frozenset()
    waves: tuple[SpreadWave, ...] = ()
    suspended: frozenset[Target] = frozenset()
    left_out: tuple[Member, ...] = ()
    retries: str = ""
    reverts: str = ""

    @property
    def stack_set(self) -> StackSet:
        """The set that is meant."""
        return self.wanted.stack_set

    @property
    def has_work(self) -> bool:
        """Whether anything would be written."""
        return any(wave.calls for wave in self.waves)

    @property
    def renews(self) -> bool:
        """Whether the set itself changes."""
        return any(call.renews for wave in self.waves for call in wave.calls)

    @property
    def base(self) -> str:
        """What the calls are written against: the set's template and each instance's last word."""
        deployed = self.found.deployed
        if deployed is None:
            return "absent"
        last = sorted(
            f"{each.target}:{each.operation}:{each.status}:{each.detailed}"
            for each in self.found.instances.values()
        )
        return digest_of("\n".join([deployed.set_id, digest_of(deployed.template), *last]))


def is_secret(stack_set: StackSet, parameter: str) -> bool:
    """Whether a parameter is never shown (NoEcho)."""
    return str(stack_set.template.parameters[parameter].get("NoEcho", "")).lower() == "true"


def value_of(wanted: Wanted, parameter: str) -> str:
    """Return what the set says of a parameter: its value, or the template's default."""
    declared = wanted.stack_set.template.parameters[parameter]
    return wanted.parameters.get(parameter, str(declared.get("Default", "")))
