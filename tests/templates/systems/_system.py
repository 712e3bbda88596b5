"""What the tests must know of a system to run over all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from types import ModuleType
from typing import Any

from tapcfn.config import Common, check
from tapcfn.model import EMPTY, Rollout

ACCOUNT = "111122223333"


@dataclass(frozen=True, slots=True)
class System:
    """A blueprint with the least settings that it takes, and its options.

    `options` holds, for each option, the settings that turn it on alone; `all_on` turns on all
    that go together; `more` are other combinations worth a look. `elsewhere` are settings that
    name other Regions, where nothing but parameters may differ. `tags` are the system's own tags
    under `minimal`. `always_deleted` names resources (layer, logical ID) that a row of the
    requirements wants deleted whatever `keep_data` says. `contradictory` names pairs of options
    that the settings refuse together.
    """

    module: ModuleType
    minimal: Mapping[str, Any]
    options: Mapping[str, Mapping[str, Any]]
    all_on: Mapping[str, Any]
    tags: Mapping[str, str]
    elsewhere: Mapping[str, Any]
    more: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: EMPTY)
    always_deleted: frozenset[tuple[str, str]] = frozenset()
    contradictory: frozenset[frozenset[str]] = frozenset()

    @property
    def name(self) -> str:
        """The blueprint's name."""
        name: str = self.module.NAME
        return name

    @property
    def choices(self) -> Mapping[str, Mapping[str, Any]]:
        """Every combination of options that the tests of all templates look at, by its name."""
        return {"off": {}, **self.options, **self.more, "all": self.all_on}

    @property
    def pairs(self) -> Mapping[frozenset[str], Mapping[str, Any]]:
        """The settings of every two options together, those that are refused included."""
        return {
            frozenset((one, other)): {**self.options[one], **self.options[other]}
            for one, other in combinations(self.options, 2)
        }

    def settings(self, **keys: Any) -> Common:
        """Return settings that are right but for `keys`."""
        settings: Common = check("test.toml", {**self.minimal, **keys}, self.module.Settings)
        return settings

    def rollout(self, **keys: Any) -> Rollout:
        """Return the rollout of stage prod for these settings, rendered once."""
        return _rollout(self.module, json.dumps({**self.minimal, **keys}, sort_keys=True))


@cache
def _rollout(module: ModuleType, document: str) -> Rollout:
    """Render a rollout; many tests look at the same one."""
    settings = check("test.toml", json.loads(document), module.Settings)
    rollout: Rollout = module.rollout(settings, "prod")
    return rollout
