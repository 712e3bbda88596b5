"""What an import sends: the deployed template and the new resources, and nothing else of it.

"During an import, you can't change other resources or outputs": so the template is the deployed
one with the named resources put in. The next apply brings the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tapcfn.errors import BlockedError
from tapcfn.kept import KEEPING
from tapcfn.model import Deployed, Stack, canonical

# Most resources that one import may name.
MOST = 200

# What a resource may point at besides other resources.
_SHARED = ("Parameters", "Mappings", "Conditions")


def importing(
    stack: Stack, deployed: Deployed | None, template: str, names: Iterable[str]
) -> Stack:
    """Return the stack as an import sends it; `template` is the deployed one, empty for none.

    Raises `BlockedError` for what the service would refuse or the import would not say.
    """
    named = sorted(names)
    wanted = stack.template.document
    there = _deployed(stack, template)
    if faults := list(_faults(stack, wanted["Resources"], there, named)):
        raise BlockedError("; ".join(faults))
    document: dict[str, Any] = dict(there) or {
        key: value for key, value in wanted.items() if key not in {"Outputs", "Resources"}
    }
    for section in _SHARED:
        merged = {**wanted.get(section, {}), **document.get(section, {})}
        if merged:
            document[section] = merged
    document["Resources"] = {
        **document.get("Resources", {}),
        **{name: wanted["Resources"][name] for name in named},
    }
    tags = deployed.tags if there and deployed else stack.tags
    body = replace(stack.template, text=canonical(document))
    return replace(stack, template=body, tags=tags, adopt=False)


def values(stack: Stack, deployed: Deployed | None, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of an import: those that the stack has, and the new ones."""
    known = {} if deployed is None or deployed.status.is_absent else deployed.parameters
    there = {**wanted, **known}
    return {key: there[key] for key in stack.template.parameters if key in there}


def _deployed(stack: Stack, template: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(template or "{}")
    except ValueError as error:
        raise BlockedError(
            f"{stack.name}: its deployed template is YAML, which an import cannot be put into; "
            "apply it from here first"
        ) from error
    return found


def _faults(
    stack: Stack, wanted: Mapping[str, Any], there: Mapping[str, Any], named: list[str]
) -> Iterator[str]:
    """Yield why these resources cannot be imported into the stack."""
    deployed = there.get("Resources", {})
    if len(named) > MOST:
        yield f"{stack.name}: {len(named)} resources; an import takes {MOST}"
    for name in named:
        place = f"{stack.name}/{name}"
        if name in deployed:
            yield f"{place}: is in the deployed stack already"
        elif name not in wanted:
            missing = sorted(wanted.keys() - deployed.keys())
            yield f"{place}: is not in the template (to import: {', '.join(missing) or 'nothing'})"
        elif wanted[name].get("DeletionPolicy", "") not in KEEPING | {"Delete"}:
            yield f"{place}: has no DeletionPolicy, which an import asks for; add Retain"
    if not there and (others := sorted(wanted.keys() - set(named))):
        yield (
            f"{stack.name}: is not deployed, so an import makes it of all its resources; name "
            f"{', '.join(others)} too, or apply it without them first"
        )
