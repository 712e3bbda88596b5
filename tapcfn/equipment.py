"""What the settings ask of every stack, put on the stacks of a rollout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tapcfn.config import Common
from tapcfn.data_policy import LONGEST, policy_of
from tapcfn.errors import ConfigError
from tapcfn.intrinsics import partition_of
from tapcfn.model import Rollout, Stack, Target
from tapcfn.stack_options import OnFailure, StackOptions

# The service takes no more triggers and topics.
_MOST = 5


def equipped(rollout: Rollout, settings: Common, where: str) -> Rollout:
    """Return the rollout with the settings' options on each stack.

    An ARN goes to the stacks whose Region and account it names, or to all by `{region}` and
    `{account}`. Raises `ConfigError` for one that no stack can use, and for what is too much.
    """
    phases = tuple(
        replace(phase, stacks=tuple(_equipped(stack, settings) for stack in phase.stacks))
        for phase in rollout.phases
    )
    moves = tuple(
        replace(move, stacks=tuple(_equipped(stack, settings) for stack in move.stacks))
        for move in rollout.moves
    )
    made = replace(rollout, phases=phases, moves=moves)
    if faults := tuple(_faults(made, settings)):
        raise ConfigError(where, faults)
    return made


def _equipped(stack: Stack, settings: Common) -> Stack:
    target = stack.target
    options = StackOptions(
        rollback_alarms=_fitting(settings.rollback_alarms, target, account=True),
        rollback_minutes=settings.rollback_minutes,
        notification_arns=_fitting(settings.notification_arns, target, account=False),
        service_role=_filled(settings.service_role or "", target),
        on_failure=OnFailure(settings.on_failure),
        stack_policy=settings.has_stack_policy,
    )
    return replace(stack, options=options)


def _filled(arn: str, target: Target) -> str:
    return (
        arn.replace("{account}", target.account)
        .replace("{region}", target.region)
        .replace("{partition}", partition_of(target.region))
    )


def _fitting(arns: tuple[str, ...], target: Target, *, account: bool) -> tuple[str, ...]:
    """Return the ARNs, filled in, that are in a target's Region, and in its account if need be."""
    filled = dict.fromkeys(_filled(arn, target) for arn in arns)
    return tuple(
        arn
        for arn in filled
        if arn.split(":")[3] == target.region
        and (not account or arn.split(":")[4] == target.account)
    )


def _faults(rollout: Rollout, settings: Common) -> Iterator[str]:
    stacks = rollout.stacks
    alarms = {arn for stack in stacks for arn in stack.options.rollback_alarms}
    topics = {arn for stack in stacks for arn in stack.options.notification_arns}
    places = ", ".join(str(target) for target in rollout.targets)
    for key, arns, used in (
        ("rollback_alarms", settings.rollback_alarms, alarms),
        ("notification_arns", settings.notification_arns, topics),
    ):
        for arn in arns:
            if not any(_filled(arn, stack.target) in used for stack in stacks):
                yield f'{key} = "{arn}": no stack can use it; the stacks are in {places}'
    for stack in stacks:
        yield from _faults_of(stack)


def _faults_of(stack: Stack) -> Iterator[str]:
    options = stack.options
    for key, arns in (
        ("rollback_alarms", options.rollback_alarms),
        ("notification_arns", options.notification_arns),
    ):
        if len(arns) > _MOST:
            yield f"{key}: {stack.name} would get {len(arns)}; allowed: at most {_MOST}"
    role = options.service_role
    if role and role.split(":")[4] != stack.target.account:
        yield (
            f'service_role = "{role}": {stack.name} is in account {stack.target.account}; '
            "allowed: a role of the stack's account, such as by {account}"
        )
    if options.stack_policy and (size := len(policy_of(stack).encode())) > LONGEST:
        yield (
            f"stack_policy: that of {stack.name} would have {size:,} bytes; allowed: at most "
            f"{LONGEST:,}; split the stack, or set it to false"
        )
