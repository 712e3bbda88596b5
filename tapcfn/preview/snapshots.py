"""What is deployed of a rollout: one sweep for each account and Region, all at once."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

from tapcfn import orphans, policing
from tapcfn.errors import BlockedError
from tapcfn.model import Deployed, Rollout, Snapshot, Stack, Target, ZoneOf, digest_of
from tapcfn.ports import Cloud
from tapcfn.preview.pooled import each_of


def take_snapshot(
    rollout: Rollout, cloud: Cloud, pool: Executor, *, to_plan: bool = True
) -> Snapshot:
    """Return what is deployed of the rollout: one sweep for each target, all at once.

    Templates and zones are read only `to_plan`. Raises `BlockedError` where the credentials speak
    for another account than the target's.
    """
    accounts = {target.account: target for target in rollout.targets}
    each_of(pool, lambda target: _check_caller(target, cloud), accounts.values())
    names = frozenset(stack.name for stack in rollout.stacks)
    tags = orphans.tags_of(rollout)
    sweeps = each_of(pool, lambda target: cloud.stacks(target, names, tags), rollout.targets)
    found = dict(zip(rollout.targets, sweeps, strict=True))
    strays = orphans.among(rollout, found)
    stacks = [
        (stack, deployed)
        for stack in rollout.stacks
        if (deployed := found[stack.target].get(stack.name)) is not None
    ]
    if not to_plan:
        return Snapshot({stack.name: deployed for stack, deployed in stacks}, orphans=strays)
    complete = each_of(pool, lambda pair: _with_template(cloud, *pair), stacks)
    asking = sorted({stack.target for stack in rollout.stacks if _asks_for_zones(stack)})
    zones = dict(zip(asking, each_of(pool, cloud.zones, asking), strict=True))
    return Snapshot({each.name: each for each in complete}, zones, strays)


def _check_caller(target: Target, cloud: Cloud) -> None:
    caller = cloud.caller(target)
    if caller != target.account:
        raise BlockedError(
            f"account {target.account}: the credentials are for account {caller}; "
            "nothing was written"
        )


def _asks_for_zones(stack: Stack) -> bool:
    return any(isinstance(value, ZoneOf) for value in stack.parameters.values())


def _with_template(cloud: Cloud, stack: Stack, deployed: Deployed) -> Deployed:
    """Return the stack with its template's digest, where there is a template to compare."""
    if not deployed.status.is_updatable:
        return deployed
    text = cloud.template(deployed.stack_id, stack.target)
    policy = policing.read(stack, deployed, cloud)
    return replace(deployed, template_digest=digest_of(text), template=text, policy=policy)
