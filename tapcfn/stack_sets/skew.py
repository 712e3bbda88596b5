"""Which instance runs what: instances with equal templates, parameters and states. (D-12)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tapcfn.model import InstanceStatus, Target, canonical, digest_of


class Stand(StrEnum):
    """How an instance's stack stands, as far as it can be known."""

    THERE = "there"
    GONE = "gone"  # the instance stays, and its stack was deleted
    NONE = "none"  # none was ever made
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Running:
    """What one instance's stack runs: digests of its template and of its effective parameters.

    Both are empty where the stack is not there or could not be read.
    """

    target: Target
    template: str
    parameters: str
    status: InstanceStatus
    stand: Stand = Stand.THERE


@dataclass(frozen=True, slots=True)
class Version:
    """Instances that run the same and are in the same state."""

    template: str
    parameters: str
    status: InstanceStatus
    pairs: tuple[Target, ...]
    stand: Stand = Stand.THERE


@dataclass(frozen=True, slots=True, order=True)
class Retained:
    """A stack that the set has made or taken in, and that no instance stands for any more."""

    target: Target
    stack: str
    stack_id: str
    template: str = ""
    parameters: str = ""


def parameters_digest(parameters: Mapping[str, str], overrides: Mapping[str, str]) -> str:
    """Return a digest of what a stack is told: the set's parameters under its own overrides."""
    return digest_of(canonical({**parameters, **overrides}))


def versions(running: Iterable[Running]) -> tuple[Version, ...]:
    """Return what is run, the version of most instances first."""
    groups: dict[tuple[str, str, InstanceStatus, Stand], list[Target]] = {}
    for each in running:
        key = (each.template, each.parameters, each.status, each.stand)
        groups.setdefault(key, []).append(each.target)
    found = [
        Version(template, parameters, status, tuple(sorted(targets)), stand)
        for (template, parameters, status, stand), targets in groups.items()
    ]
    return tuple(sorted(found, key=lambda each: (-len(each.pairs), *_what(each), each.status)))


def kinds(found: Iterable[Version]) -> int:
    """Return how many versions there are, whatever the instances' states; what is gone is one."""
    return len({_what(each) for each in found})


def _what(version: Version) -> tuple[str, str, str]:
    return version.template, version.parameters, version.stand
