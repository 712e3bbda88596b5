"""Unknown and missing properties, found where the service finds them in 2026.

A change set ends FAILED and DescribeEvents tells why. CreateStack and UpdateStack are accepted;
the stack then fails in pre-deployment validation, before any resource is touched. With
DisableValidation, and for what only becomes known on the way, the resource itself fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tapcfn.local import change_sets, emulator, schemas, taken
from tapcfn.local.emulator import Action, Answer, Params
from tapcfn.local.faults import validation
from tapcfn.local.faults.table import Finding

CHECK = "PROPERTY_VALIDATION"


class WrongPropertiesError(Exception):
    """Properties that a resource type does not take; its text is the reason of the event."""


def install() -> None:
    """Look at properties when a change set is made, when a stack begins and at each resource."""
    emulator.steps.validate_also(_before_deploying)
    emulator.steps.wrap_operations(_looking)
    emulator.engine.wrap_action("CreateChangeSet", _validated)


def _validated(do: Action) -> Action:
    def act(params: Params) -> Answer:
        answer = do(params)
        made = change_sets.made(answer)
        if made is not None and made["Status"] == "CREATE_COMPLETE" and not _unwanted(params):
            holds = emulator.engine.holding(made["_template"], made["_resolved_params"])
            resources = made["_template"].get("Resources") or {}
            findings = tuple(
                Finding(name, reason, path, logical_id=logical_id, type=kind)
                for logical_id, kind, name, path, reason in _found(resources, holds)
            )
            validation.object_to(made, findings)
        return answer

    return act


def _unwanted(params: Params) -> bool:
    return emulator.parameter(params, "DisableValidation").lower() == "true"


def _before_deploying(
    resources: Mapping[str, Any], _: Any, holds: Mapping[str, bool]
) -> list[tuple[str, str, str, str, str]]:
    return list(_found(resources, holds))


def _found(
    resources: Mapping[str, Any], holds: Mapping[str, bool]
) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield logical id, type, check, path and reason of every misfit in a template."""
    counted = taken.branches({"Resources": dict(resources)}, holds)["Resources"]
    for logical_id, body in counted.items():
        kind = str(body.get("Type", ""))
        for misfit in schemas.misfits(kind, body.get("Properties")):
            path = "/".join(["/Resources", logical_id, "Properties", *misfit.path])
            yield logical_id, kind, CHECK, path, misfit.early


def _looking(operation: str, do: Callable[..., Any]) -> Callable[..., Any]:
    """Look at what a resource is really to be created or updated with."""

    def create(kind: str, logical_id: str, properties: Any, *rest: Any) -> Any:
        _refuse(kind, logical_id, properties)
        return do(kind, logical_id, properties, *rest)

    def update(kind: str, physical_id: str, old: Any, new: Any, stack: str, *rest: Any) -> Any:
        if old != new and rest:
            _refuse(kind, rest[0], new)
        return do(kind, physical_id, old, new, stack, *rest)

    looking: dict[str, Callable[..., Any]] = {"create": create, "update": update}
    return looking.get(operation, do)


def _refuse(kind: str, logical_id: str, properties: Any) -> None:
    wrong = [misfit.late for misfit in schemas.misfits(kind, properties)]
    if not wrong:
        return
    lines = [f"#: {len(wrong)} schema violations found", *wrong] if len(wrong) > 1 else wrong
    told = "\n".join(lines)
    raise WrongPropertiesError(
        f"Properties validation failed for resource {logical_id} with message:\n{told}"
    )
