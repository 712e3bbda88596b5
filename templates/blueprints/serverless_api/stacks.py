"""What serverless_api wants for one stage.

Order comes from the outputs alone: the table, the application of the target, that of the source,
whose bucket is copied to the target's, and DNS, which knows both. The account's role for API
Gateway goes before them all.
"""

from __future__ import annotations

from tapcfn.model import Action, Phase, Rollout
from templates.blueprints.serverless_api.moves import moves
from templates.blueprints.serverless_api.settings import Settings
from templates.blueprints.serverless_api.system import NAME, is_trial, system, without_canary


def rollout(settings: Settings, stage: str) -> Rollout:
    """Return the phases: the account's settings, if they are ours, and then all the rest."""
    trial = is_trial(settings)
    made = system(without_canary(settings) if trial else settings, stage)
    accounts = tuple(made.api_accounts()) if settings.manage_api_account else ()
    stacks = [made.data(), made.app_target(), made.dns()]
    if settings.enable_cross_region_replication:
        stacks.insert(2, made.app_source())
    if settings.migration_state:
        stacks.append(made.migration())
    if settings.dashboard:
        stacks.append(made.dashboard())
    phases = (
        *([Phase("account", accounts)] if accounts else []),
        Phase("provision", tuple(stacks)),
    )
    way = moves(settings, stage, trial=trial)
    actions: tuple[Action, ...] = (*made.comparison(), *made.removals())
    return Rollout(NAME, stage, phases, made.outputs(), way, actions)
