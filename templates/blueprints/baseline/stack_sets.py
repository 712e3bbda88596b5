"""The baseline's two stack sets: the accounts in their home Region, then all of their Regions."""

from __future__ import annotations

from pathlib import Path

from tapcfn.model import Phase, Rollout, StackSet, Target
from tapcfn.templating import Template, body
from templates.blueprints._stacks import Stacks
from templates.blueprints.baseline import parts
from templates.blueprints.baseline.settings import Settings

NAME = "baseline"


def rollout(settings: Settings, stage: str) -> Rollout:
    """Return the phases: who did what is recorded before anything else is there."""
    account = _stack_set(settings, stage, "account", parts.of_account(settings), settings.home)
    region = _stack_set(settings, stage, "region", parts.of_region(settings), *settings.regions)
    return Rollout(
        NAME, stage, (Phase("accounts", (), (account,)), Phase("regions", (), (region,)))
    )


def _stack_set(
    settings: Settings, stage: str, layer: str, template: Template, *regions: str
) -> StackSet:
    stacks = Stacks(NAME, stage, settings)
    told = {"HomeRegion": settings.home} if "HomeRegion" in template.parameters else {}
    return settings.of_set(regions).stack_set(
        stacks.name(layer, settings.home),
        Target(settings.account_id, settings.home),
        body(layer, template),
        told,
        stacks.tags(layer),
        Path(),
    )
