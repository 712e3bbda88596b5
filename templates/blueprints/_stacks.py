"""How a blueprint's stacks are called, tagged and wired to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tapcfn.config import Common
from tapcfn.model import EMPTY, STATEFUL, OutputOf, ParameterValue, Stack, Target, TemplateBody
from tapcfn.templating import Template, body


@dataclass(frozen=True, slots=True)
class Stacks:
    """The stacks of one blueprint for one stage.

    A stack is called `<stage>-<blueprint>-<layer>`, and has its Region behind that where the
    layer is one of `regional`: those that go to more than one Region.
    """

    blueprint: str
    stage: str
    settings: Common
    regional: frozenset[str] = frozenset()

    def name(self, layer: str, region: str) -> str:
        """Return a stack's name."""
        name = f"{self.stage}-{self.blueprint.replace('_', '-')}-{layer}"
        return f"{name}-{region}" if layer in self.regional else name

    def stack(
        self,
        layer: str,
        region: str,
        template: Template,
        parameters: Mapping[str, ParameterValue] = EMPTY,
        *,
        variant: str = "",
    ) -> Stack:
        """Return one stack.

        `variant` sets a layer's second template apart in the rendered files, such as that of the
        Region that only holds copies.
        """
        made = body(f"{layer}-{variant}" if variant else layer, template)
        return self.of(layer, region, made, parameters)

    def of(
        self,
        layer: str,
        region: str,
        made: TemplateBody,
        parameters: Mapping[str, ParameterValue] = EMPTY,
    ) -> Stack:
        """Return one stack of a template that is rendered already: it may go to many Regions."""
        return Stack(
            name=self.name(layer, region),
            target=Target(self.settings.account_id, region),
            template=made,
            parameters=parameters,
            tags=self.tags(layer),
            protect=self.settings.termination_protection
            and not STATEFUL.isdisjoint(made.resources.values()),
            adopt=self.settings.keep_data,
        )

    def tags(self, layer: str) -> dict[str, str]:
        """Return the tags by which a layer's stacks are known again."""
        return {
            "tapcfn:blueprint": self.blueprint,
            "tapcfn:layer": layer,
            "tapcfn:stage": self.stage,
        }

    def output(self, layer: str, region: str, key: str) -> OutputOf:
        """Return what becomes the value of another stack's output."""
        return OutputOf(self.name(layer, region), str(key))
