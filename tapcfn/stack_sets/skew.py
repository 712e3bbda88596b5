"""Which instance runs what: instances with equal templates, parameters and states. (D-12)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tapcfn.model import InstanceStatus, Target, canonical, digest_of


@dataclass(frozen=True, slots=True)
class Running:
    """What one instance's stack runs: digests of its template and of its effective parameters.

    Both are empty where the stack is gone or could not be read.
    """

    target: Target
    template: str
    parameters: str
    status: InstanceStatus


@dataclass(frozen=True, slots=True)
class Version:
    """Instances that run the same and are in the same state."""

    template: str
    parameters: str
    status: InstanceStatus
    pairs: tuple[Target, ...]


def parameters_digest(parameters: Mapping[str, str], overrides: Mapping[str, str]) -> str:
    """Return a digest of what a stack is told: the set's parameters under its own overrides."""
    return digest_of(canonical({**parameters, **overrides}))


def versions(running: Iterable[Running]) -> tuple[Version, ...]:
    """Return what is run, the version of most instances first."""
    groups: dict[tuple[str, str, InstanceStatus], list[Target]] = {}
    for each in running:
        groups.setdefault((each.template, each.parameters, each.status), []).append(each.target)
    found = [Version(*key, tuple(sorted(targets))) for key, targets in groups.items()]
    return tuple(
        sorted(
            found, key=lambda each: (-len(each.pairs), each.template, each.parameters, each.status)
        )
    )
