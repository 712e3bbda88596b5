"""What the template says: types that exist, references, conditions and an order."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from tapcfn.local import emulator, references
from tapcfn.local.checks.request import Refusal, Request

PSEUDO = "AWS::"


def types_are_supported(request: Request) -> Refusal | None:
    """Refuse types that the local cloud lacks, each by name and with the resource that wants it."""
    lacking = {
        name: str(body.get("Type", ""))
        for name, body in request.resources.items()
        if not _is_supported(str(body.get("Type", "")))
    }
    if not lacking or request.template.get("Transform"):
        return None
    holds = _conditions_that_hold(request)
    lacking = {
        name: kind
        for name, kind in lacking.items()
        if holds.get(request.resources[name].get("Condition", ""), True)
    }
    if not lacking:
        return None
    types = ", ".join(sorted(set(lacking.values())))
    wanted = ", ".join(f"{name} ({kind})" for name, kind in lacking.items())
    return Refusal(
        f"Template format error: Unrecognized resource types: [{types}]. "
        f"The local cloud does not provide what these resources ask for: {wanted}"
    )


def _conditions_that_hold(request: Request) -> Mapping[str, bool]:
    previous = (request.stack or {}).get("_resolved_params") or {}
    try:
        return emulator.engine.conditions(request.params, dict(request.template), previous)
    except ValueError:  # a wrong parameter; the checks that follow say which
        return {}


def _is_supported(resource_type: str) -> bool:
    return resource_type in emulator.handlers.RESOURCE_HANDLERS or resource_type.startswith(
        "Custom::"
    )


def references_resolve(request: Request) -> Refusal | None:
    """Refuse a Ref, GetAtt, Sub or DependsOn to something that is not in the template."""
    names = set(request.resources)
    known = names | set(request.template.get("Parameters") or {})
    for block in ("Resources", "Outputs"):
        wanted = set(references.references(request.template.get(block) or {}))
        missing = {
            name for name, attribute in wanted if name not in (names if attribute else known)
        }
        missing |= _bad_dependencies(request) if block == "Resources" else set()
        missing = {name for name in missing if not name.startswith(PSEUDO)}
        if missing:
            return Refusal(
                "Template format error: Unresolved resource dependencies "
                f"[{', '.join(sorted(missing))}] in the {block} block of the template"
            )
    return None


def _bad_dependencies(request: Request) -> set[str]:
    return {
        name
        for body in request.resources.values()
        for name in references.depends_on(body)
        if name not in request.resources
    }


def conditions_exist(request: Request) -> Refusal | None:
    """Refuse the name of a condition that the template does not declare."""
    declared = request.template.get("Conditions") or {}
    for block in ("Resources", "Outputs", "Conditions"):
        named = references.conditions(request.template.get(block) or {}, block)
        missing = set(named) - set(declared)
        if missing:
            return Refusal(
                f"Template format error: Unresolved condition dependency {min(missing)} "
                f"in the {block} block of the template"
            )
    return None


def order_exists(request: Request) -> Refusal | None:
    """Refuse resources that need each other."""
    needs = {
        name: {
            *(found for found, _ in references.references(body.get("Properties") or {})),
            *references.depends_on(body),
        }
        & set(request.resources)
        for name, body in request.resources.items()
    }
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = ", ".join(sorted(set(error.args[1])))
        return Refusal(f"Circular dependency between resources: [{circle}]")
    return None
