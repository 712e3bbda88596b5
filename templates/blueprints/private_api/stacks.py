"""The stacks of private_api: what the account has one of, the first Region, then the others.

Or, if that is wanted, one stack set over the Regions in the place of the last two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tapcfn.model import OutputOf, Phase, Rollout, Stack
from templates.blueprints._stacks import Stacks
from templates.blueprints.private_api import regional, spread
from templates.blueprints.private_api.regional import Out
from templates.blueprints.private_api.settings import Settings
from templates.blueprints.private_api.told import common, own
from templates.layers import account

NAME = "private_api"

REGIONAL = frozenset({"api-account", "regional"})

# What people ask for, by the name that the system gives it. (S1-15)
OUTPUTS: Mapping[str, Out] = {
    "vpcs": Out.VPC,
    "securityGroups": Out.SECURITY_GROUP,
    "kmsKeys": Out.KEY,
    "kmsAliases": Out.KEY_ALIAS,
    "apiGateways": Out.API,
    "vpcEndpoints": Out.ENDPOINT,
    "cloudWatchLogGroups": Out.LOG_GROUP,
    "subnets": Out.SUBNETS,
    "routeTables": Out.ROUTE_TABLES,
    "internetGateways": Out.INTERNET_GATEWAY,
    "s3Buckets": Out.BUCKET,
}


def rollout(settings: Settings, stage: str) -> Rollout:
    """Return the phases: a Region shows that the template works before the others get it."""
    system = _System(settings, Stacks(NAME, stage, settings, REGIONAL))
    if settings.rollout == "stackset":
        one = spread.Spread(settings, system.stacks)
        account = (*system.account(), one.roles())
        phases = [Phase("account", account), Phase("regions", (), (one.stack_set(),))]
    else:
        first, *others = system.regional()
        phases = [
            Phase("account", tuple(system.account())),
            Phase("first", (first,)),
            Phase("regions", tuple(others)),
        ]
    used = tuple(phase for phase in phases if phase.names)
    return Rollout(NAME, stage, used, dict(system.outputs()))


@dataclass(frozen=True, slots=True)
class _System:
    """The system's settings, and how its stacks are called."""

    settings: Settings
    stacks: Stacks

    def account(self) -> Iterator[Stack]:
        """Yield the stacks of what an account has one of: in all Regions, or in each."""
        settings = self.settings
        if settings.password_function:
            template = account.build_password_policy(
                account.PasswordPolicy(password_reuse_prevention=settings.password_reuse),
                name=settings.password_function,
                tags=settings.all_tags,
                keep_data=settings.keep_data,
            )
            yield self.stacks.stack("account", settings.home, template)
        if settings.manage_api_account:
            template = account.build_api_account(tags=settings.all_tags)
            for region in settings.regions:
                yield self.stacks.stack("api-account", region, template)

    def regional(self) -> Iterator[Stack]:
        """Yield the stack of each Region, the first one first; all have one template. (S1-1)"""
        template = regional.build(self.settings)
        for region in self.settings.regions:
            told = {**common(self.settings, template), **own(self.settings, region)}
            yield self.stacks.stack("regional", region, template, told)

    def outputs(self) -> Iterator[tuple[str, OutputOf]]:
        """Yield what people ask the system for, by its name and the Region. (S1-15)"""
        output, settings = self.stacks.output, self.settings
        for name, key in OUTPUTS.items():
            for region in settings.regions:
                yield f"{name}.{region}", self._of_region(region, key)
        if settings.manage_api_account:
            for region in settings.regions:
                role = output("api-account", region, account.Out.API_ROLE_ARN)
                yield f"iamRoles.{region}", role

    def _of_region(self, region: str, key: str) -> OutputOf:
        if self.settings.rollout == "stackset":
            return spread.Spread(self.settings, self.stacks).output(region, key)
        return self.stacks.output(spread.LAYER, region, key)
