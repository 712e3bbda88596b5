"""The systems that are delivered: their settings and rollouts, and where these act."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from tapcfn.config import Common, load
from tapcfn.errors import ConfigError
from tapcfn.model import Rollout
from tapcfn.roles import Scope, scopes
from tapcfn.stack_set_roles import Delivery
from templates import blueprints

SETTINGS = Path(__file__).parents[2] / "settings"


@dataclass(frozen=True, slots=True)
class System:
    """One blueprint at one stage."""

    settings: Common
    rollout: Rollout

    @property
    def service_role(self) -> str:
        """The ARN of the role that CloudFormation works with, or nothing."""
        return (self.settings.service_role or "").replace("{account}", self.settings.account_id)

    @property
    def told(self) -> tuple[str, ...]:
        """The ARNs of the topic and the secret by which it is told how runs went."""
        wanted = self.settings.notifications
        return wanted.arns(self.rollout.home(self.settings.account_id)) if wanted else ()

    @property
    def resources(self) -> Delivery:
        """What its templates ask of whoever makes their resources."""
        moved = [stack.template for move in self.rollout.moves for stack in move.stacks]
        return Delivery((), (*(unit.template for unit in self.rollout.units), *moved))

    @property
    def stack_names(self) -> tuple[str, ...]:
        """A pattern for its stacks, and what does not follow it."""
        own = f"{self.rollout.stage}-{self.rollout.blueprint.replace('_', '-')}-"
        moved = (stack for move in self.rollout.moves for stack in (*move.stacks, *move.undone_by))
        names = {stack.name for stack in (*self.rollout.stacks, *moved)}
        return tuple(sorted({f"{own}*" if name.startswith(own) else name for name in names}))


def system(named: str, folder: Path = SETTINGS) -> System:
    """Return a system by `<blueprint>.<stage>`.

    Raises `ConfigError` where there is no such blueprint, or its settings are wrong.
    """
    blueprint, _, stage = named.partition(".")
    known = sorted(set(blueprints.BLUEPRINTS) - {"delivery"})
    if blueprint not in known:
        fault = f'systems = "{named}": there is no such blueprint; allowed: {", ".join(known)}'
        raise ConfigError("delivery", (fault,))
    module = import_module(blueprints.BLUEPRINTS[blueprint])
    settings = load(folder / f"{named}.toml", module.Settings)
    return System(settings, module.rollout(settings, stage))


def scope(systems: tuple[System, ...], account: str) -> Scope:
    """Return where all of them act in an account, as one.

    Raises `ConfigError` where they are of other accounts, or hand templates over in more than one
    bucket.
    """
    found = [
        each
        for system in systems
        for each in scopes(system.rollout, system.settings.artifact_bucket, system.told)
        if each.account == account
    ]
    elsewhere = sorted({each.settings.account_id for each in systems} - {account})
    buckets = sorted({each.bucket for each in found} - {""})
    faults = [f"systems: one is deployed to account {each}, not {account}" for each in elsewhere]
    if len(buckets) > 1:
        faults.append(f"systems: have {len(buckets)} artifact buckets ({', '.join(buckets)}); one")
    if faults:
        raise ConfigError("delivery", tuple(faults))
    return Scope(
        account,
        _all(name for system in systems for name in system.stack_names),
        _all(region for each in found for region in each.regions),
        buckets[0] if buckets else "",
        _all(system.service_role for system in systems if system.service_role),
        _all(name for each in found for name in each.stack_sets),
        _all(role for each in found for role in each.administration_roles),
        _all(act for each in found for act in each.actions),
        _all(arn for each in found for arn in each.told),
    )


def _all(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(found)))
