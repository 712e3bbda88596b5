"""The system's settings and the names of its stacks: what the makers of all stacks share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tapcfn.model import EMPTY, OutputOf, ParameterValue, Stack, TemplateBody
from tapcfn.templating import Template, body
from templates.blueprints._existing_vpc import ExistingVpc
from templates.blueprints._stacks import Stacks
from templates.blueprints.regional_web import foundation
from templates.blueprints.regional_web.settings import Settings
from templates.layers import security

NAME = "regional_web"

# Layers that go to more than one Region.
REGIONAL = frozenset(
    {
        "security",
        "network",
        "compute",
        "monitoring",
        "postgres",
        "replica",
        "config",
        "probe",
        "secret",
        "bucket",
        "peering",
        "routes",
    }
)

Given = dict[str, ParameterValue]


@dataclass(frozen=True, slots=True)
class System:
    """One rollout while it is put together; a template that goes to many Regions is built once."""

    settings: Settings
    stage: str
    bodies: dict[str, TemplateBody] = field(default_factory=dict)

    @property
    def stacks(self) -> Stacks:
        """How the stacks are called."""
        return Stacks(NAME, self.stage, self.settings, REGIONAL)

    def stack(
        self,
        layer: str,
        region: str,
        build: Callable[[], Template],
        given: Mapping[str, ParameterValue] = EMPTY,
        *,
        variant: str = "",
    ) -> Stack:
        """Return one stack; layer and variant together are one template, wherever it goes."""
        name = f"{layer}-{variant}" if variant else layer
        if name not in self.bodies:
            self.bodies[name] = body(name, build())
        return self.stacks.of(layer, region, self.bodies[name], given)

    def output(self, layer: str, region: str, key: str) -> OutputOf:
        """Return what becomes the value of another stack's output."""
        return self.stacks.output(layer, region, key)

    def key(self, region: str) -> OutputOf:
        """Return the ARN of a Region's key."""
        return self.output("security", region, security.Out.KEY_ARN)

    def topic(self, region: str) -> OutputOf:
        """Return the ARN of a Region's topic."""
        return self.output("security", region, foundation.TOPIC_ARN)

    def from_network(self, region: str, *keys: str) -> Given:
        """Return outputs of a Region's network as parameters of the same names."""
        return {str(key): self.output("network", region, key) for key in keys}

    def existing(self, region: str) -> ExistingVpc | None:
        """Return the VPC that a Region has already, if it is to be used."""
        return self.settings.vpc_fallback.get(region)
