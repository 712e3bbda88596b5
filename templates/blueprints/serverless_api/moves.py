"""The moves of serverless_api: traffic to the target, or an API to its new deployment.

Traffic is O-10, O-11 and O-13, a deployment O-12.
All that moves is a parameter of a stack, or a stack as other settings would have it: template and
reality stay equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tapcfn.model import (
    STATEFUL,
    CompareObjects,
    Gate,
    Move,
    PromoteCanary,
    ReplicateObjects,
    Stack,
    Target,
)
from templates.blueprints.serverless_api import app, shift, signals, watch
from templates.blueprints.serverless_api.settings import Settings
from templates.blueprints.serverless_api.system import System, system, without_canary

# Seconds that the end of a shift, or of a canary's trial, is watched. (S3-24)
WATCH = 600.0

# What a person types to give the source up, and to end the trial of a deployment.
GIVE_UP = "give-up-source"
PROMOTE = "promote-the-canary"

MINUTE = 60.0


def moves(settings: Settings, stage: str, *, trial: bool) -> tuple[Move, ...]:
    """Return the moves: by a canary if there is a `trial`, by weights of DNS, or none."""
    made = system(settings, stage)
    if trial:
        return tuple(_to_deployment(made, stage))
    blue_green = settings.migration_mode == "blue_green" and settings.hosted_zone_id
    if blue_green and settings.enable_cross_region_replication:
        return tuple(_to_target(made, stage))
    return ()


def _minutes(bake: float, settings: Settings) -> float:
    """Return how long a watched move takes: its bake, or what its alarms need."""
    needed = watch.noticed_within(settings) if settings.enable_monitoring else 0.0
    return max(bake, needed) / MINUTE


def _variant(stack: Stack, name: str) -> Stack:
    """Return a stack whose template is told apart from the one before its move."""
    layer = f"{stack.template.layer}-{name}"
    return replace(stack, template=replace(stack.template, layer=layer))


# Traffic to the target ----------------------------------------------------------------------------


def _to_target(made: System, stage: str) -> Iterator[Move]:
    yield _sync(made)
    dns = made.dns()
    gates = tuple(signals.of_target(made))
    for step in shift.steps(made.settings, made.settings.target_weight):
        minutes = _minutes(step.minutes * MINUTE, made.settings)
        yield _shifted(dns, step, gates, minutes)
    yield Move(
        "monitor",
        "watch the target, which has all the traffic; the source still takes it back",
        gates=(*gates, signals.items_behind(made, made.target, made.source)),
        bake=WATCH,
        falls_back=True,
        look="errors and latency of the target; whether anybody still calls the source",
        minutes=_minutes(WATCH, made.settings),
    )
    yield from _retired(made, system(_alone(made.settings), stage))


def _sync(made: System) -> Move:
    """Return the wait until the target has what the source has. (O-9, O-10)"""
    gates = [signals.items_behind(made, made.source, made.target)]
    if made.settings.target_weight:
        gates.append(signals.items_behind(made, made.target, made.source))
    gates.append(signals.objects_behind(made))
    return Move(
        "sync",
        "wait until the target has every item and every object of the source",
        before=(_replicated(made), _compared(made)),
        gates=tuple(gates),
        look="a table to which nobody writes has no latency, and does not pass",
        minutes=10.0,
    )


def _replicated(made: System) -> ReplicateObjects:
    bucket = made.app_output(made.source, app.Out.BUCKET_NAME)
    role = made.app_output(made.source, app.Out.BATCH_ROLE_ARN)
    return ReplicateObjects("old-objects", made.place(made.source), bucket, role, bucket)


def _compared(made: System) -> CompareObjects:
    return CompareObjects(
        "compare-objects",
        made.place(made.source),
        made.app_output(made.source, app.Out.BUCKET_NAME),
        made.place(made.target),
        made.app_output(made.target, app.Out.BUCKET_NAME),
    )


def _shifted(dns: Stack, step: shift.Step, gates: tuple[Gate, ...], minutes: float) -> Move:
    share = step.after.target
    return Move(
        f"shift-{share}",
        f"{share} % of the traffic goes to the target",
        (replace(dns, parameters={**dns.parameters, **step.after.parameters()}),),
        gates=gates,
        bake=step.minutes * MINUTE,
        falls_back=True,
        look="errors and latency of the target",
        minutes=minutes,
    )


def _alone(settings: Settings) -> Settings:
    """Return the settings of the target without a source."""
    return settings.model_copy(update={"enable_cross_region_replication": False})


def _retired(made: System, alone: System) -> Iterator[Move]:
    """Yield the end of the source: what serves first, and its copy of the table in the next update.

    One replica goes at a time, and an update that takes one away does nothing else. (L-20, O-13)
    """
    settings, source = made.settings, made.app_source()
    going = [source]
    if settings.manage_api_account:
        going += [each for each in made.api_accounts() if each.target.region == made.source]
    stacks = [_variant(each, "alone") for each in (alone.app_target(), alone.dns())]
    if settings.dashboard:
        stacks.append(_variant(alone.dashboard(), "alone"))
    if settings.termination_protection:
        stacks.append(_variant(made.data(source_leaves=True), "leaving"))
    yield Move(
        "close-source",
        "DNS knows the target alone; the source's API, function and website go",
        tuple(stacks),
        removes=tuple(each.name for each in going),
        before=(_compared(made),),
        forever="the source's API, its name and its keys are not given again; its bucket stays "
        "with keep_data",
        confirm=GIVE_UP,
        allow=() if settings.keep_data else tuple(_lost(source)),
        look="nobody calls the source any more",
        minutes=15.0,
        needs=tuple(_needed(made, source)),
    )
    yield Move(
        "retire",
        f"the table's copy in {made.source} goes, by an update of its own",
        (_variant(alone.data(), "alone"),),
        forever="DynamoDB deletes the source's copy of the table",
        confirm=GIVE_UP,
        look="the table has one replica, in the target",
        minutes=10.0,
    )


def _needed(made: System, source: Stack) -> Iterator[str]:
    """Yield what the command that deletes the source has to be told besides."""
    settings = made.settings
    if settings.termination_protection:
        yield "--lift-protection"
    if not settings.keep_data:
        bucket = f"{settings.source_bucket}-{settings.account_id}-{made.source}"
        yield f"--empty-buckets {bucket}"
        yield from (
            f"--allow-loss {source.name}/{title}@{made.source}:delete"
            for title, kind in source.template.resources.items()
            if kind == "AWS::S3::Bucket"
        )


def _lost(stack: Stack) -> Iterator[str]:
    """Yield what goes with a stack without `keep_data`; a bucket has to be named by a person."""
    for title, kind in stack.template.resources.items():
        if kind in STATEFUL and kind != "AWS::S3::Bucket":
            yield f"{stack.name}/{title}@{stack.target.region}:delete"


# An API to its new deployment ---------------------------------------------------------------------


def _to_deployment(made: System, stage: str) -> Iterator[Move]:
    """Yield a canary's way in both Regions: a share, a longer look, everything, and promotion.

    All the requests go through the canary before the stage takes its deployment: then nothing
    changes for anybody at that moment. A canary begins and ends with no requests: no template takes
    one off, and what a killed run leaves then does no harm.
    """
    apps = [_variant(each, "canary") for each in made.apps()]
    gates = tuple(signals.quiet(made, region) for region in made.settings.regions)
    share = made.settings.traffic_shift_percentage
    yield Move(
        "place-canary",
        "the new deployment stands beside the one that is served, and gets no requests",
        _shared(apps, 0),
        before=tuple(made.removals()),
        look="each stage has a canary of 0 %",
        minutes=2.0,
    )
    yield _tried("canary", made.settings, apps, share, gates)
    yield Move(
        "watch",
        f"watch the new deployment with {share} % of the requests",
        gates=gates,
        bake=WATCH,
        falls_back=True,
        look="errors and latency; CloudWatch does not tell a canary's requests from the others",
        minutes=_minutes(WATCH, made.settings),
    )
    if share < shift.WHOLE:
        yield _tried("canary-100", made.settings, apps, shift.WHOLE, gates)
    yield _promoted(made, system(_promoted_settings(made.settings), stage), apps)


def _tried(
    name: str, settings: Settings, apps: Sequence[Stack], share: int, gates: tuple[Gate, ...]
) -> Move:
    return Move(
        name,
        f"{share} % of each Region's requests get the new deployment",
        _shared(apps, share),
        gates=gates,
        bake=settings.traffic_shift_interval * MINUTE,
        falls_back=True,
        look="errors and latency",
        minutes=_minutes(settings.traffic_shift_interval * MINUTE, settings),
    )


def _shared(apps: Sequence[Stack], share: int) -> tuple[Stack, ...]:
    """Return the applications with such a share for their canaries."""
    told = {"CanaryPercent": str(share)}
    return tuple(replace(each, parameters={**each.parameters, **told}) for each in apps)


def _promoted(made: System, after: System, apps: Sequence[Stack]) -> Move:
    """Return the promotion: the service's own patch first, then the template that says the same.

    A stage takes no other deployment while it has a canary; the patch makes the canary's the
    stage's, and the update takes the canary off.
    """
    return Move(
        "promote",
        "each stage serves the new deployment, without a canary",
        tuple(_variant(each, "promoted") for each in after.apps()),
        before=tuple(_promotion(made, each.target) for each in apps),
        forever="the stages serve the new deployment; the old one is gone. To serve its routes "
        "again, deploy them again",
        confirm=PROMOTE,
        look="each stage's deployment is the output api_deployment, and it has no canary",
        minutes=5.0,
    )


def _promotion(made: System, target: Target) -> PromoteCanary:
    api, canary = (made.app_output(target.region, key) for key in (app.Out.API_ID, app.Out.CANARY))
    return PromoteCanary(f"promote-{target.region}", target, api, made.settings.environment, canary)


def _promoted_settings(settings: Settings) -> Settings:
    """Return the settings that a promotion leads to: the newest deployment, and no canary."""
    return without_canary(settings).model_copy(update={"baseline_deployment": ""})
