"""The Regions as one stack set, and the two roles that CloudFormation needs for it. (S1-1)

The roles are the system's own: the usual ones are an account's, and may be another system's. Their
names must be known before they are there, so that these two have some.
"""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import GetAtt

from tapcfn.intrinsics import partition_of
from tapcfn.model import OutputOf, Preferences, SelfManaged, Stack, StackSet, Target
from tapcfn.stack_set_roles import Delivery, add_administration, add_execution
from tapcfn.templating import Template, body
from templates.blueprints._stacks import Stacks
from templates.blueprints.private_api import regional
from templates.blueprints.private_api.settings import Settings
from templates.blueprints.private_api.told import common, own
from templates.layers._tags import tagged

LAYER = "regional"
ROLES = "stackset-roles"


@dataclass(frozen=True, slots=True)
class Spread:
    """The system's settings, and how its stacks are called."""

    settings: Settings
    stacks: Stacks

    @property
    def name(self) -> str:
        """The stack set's name: that of a regional stack, without a Region."""
        return f"{self.stacks.stage}-{self.stacks.blueprint.replace('_', '-')}-{LAYER}"

    @property
    def permission(self) -> SelfManaged:
        """The two roles."""
        settings = self.settings
        partition = partition_of(settings.home)
        prefix = f"arn:{partition}:iam::{settings.account_id}:role"
        role = f"{settings.name}-stackset"
        return SelfManaged(f"{prefix}/{role}-administration", f"{role}-execution")

    def roles(self) -> Stack:
        """Return the stack of the roles, which may do what the resources of a Region need."""
        settings, permission = self.settings, self.permission
        template = Template("The roles by which CloudFormation deploys the Regions")
        administration = add_administration(
            template,
            role=permission.administration_role.rpartition("/")[2],
            executions=[permission.execution_role],
            regions=settings.regions,
            tags=tagged(settings.all_tags),
        )
        add_execution(
            template,
            Delivery((self.name,), (body(LAYER, regional.build(settings)),)),
            role=permission.execution_role,
            administrator=GetAtt(administration, "Arn"),
            tags=tagged(settings.all_tags),
        )
        return self.stacks.stack(ROLES, settings.home, template)

    def stack_set(self) -> StackSet:
        """Return the stack set: the first Region before the others, and none may fail."""
        settings, template = self.settings, regional.build(self.settings)
        pairs = {region: self._pair(region) for region in settings.regions}
        return StackSet(
            self.name,
            self._pair(settings.home),
            body(LAYER, template),
            frozenset(pairs.values()),
            parameters=common(settings, template),
            overrides={pair: own(settings, region) for region, pair in pairs.items()},
            tags=self.stacks.tags(LAYER),
            permission=self.permission,
            preferences=Preferences(region_order=settings.regions),
            queues=True,
        )

    def output(self, region: str, key: str) -> OutputOf:
        """Return what a Region's instance puts out."""
        return OutputOf(self.name, key, self._pair(region))

    def _pair(self, region: str) -> Target:
        return Target(self.settings.account_id, region)
