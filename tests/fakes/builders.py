"""Small values to test with: a template, a stack, a rollout, a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tapcfn.model import (
    Change,
    ChangeSet,
    Deployed,
    Phase,
    Replacement,
    Rollout,
    SourceLine,
    Stack,
    StackStatus,
    Target,
    TemplateBody,
    canonical,
)

HOME = Target("111111111111", "us-east-1")
AWAY = Target("111111111111", "us-west-2")

TOPIC = {"Topic": "AWS::SNS::Topic"}


def a_template(
    layer: str = "network",
    *,
    resources: Mapping[str, Any] = TOPIC,
    parameters: Iterable[str] = (),
    defaults: Mapping[str, Any] | None = None,
    outputs: Iterable[str] = ("Id",),
    version: str = "1",
    **sections: Any,
) -> TemplateBody:
    """Return a template. A resource is given by its type, or whole; `version` changes its bytes."""
    document: dict[str, Any] = {
        "Description": f"{layer} {version}",
        "Resources": {
            key: {"Type": value} if isinstance(value, str) else value
            for key, value in resources.items()
        },
        "Parameters": {
            **{key: {"Type": "String"} for key in parameters},
            **{
                key: {"Type": "String", "Default": value} for key, value in (defaults or {}).items()
            },
        },
        "Outputs": {key: {"Value": {"Ref": next(iter(resources))}} for key in outputs},
        **sections,
    }
    lines = {key: SourceLine(f"layers/{layer}.py", 10 + at) for at, key in enumerate(resources)}
    return TemplateBody(layer, canonical(document), lines)


def a_stack(
    name: str = "network",
    *,
    target: Target = HOME,
    template: TemplateBody | None = None,
    tags: Mapping[str, str] | None = None,
    protect: bool = False,
    adopt: bool = False,
    parameters: Mapping[str, Any] | None = None,
    **of_template: Any,
) -> Stack:
    """Return a stack whose template declares the parameters that it is given."""
    values = dict(parameters or {})
    body = template or a_template(name, parameters=values, **of_template)
    return Stack(name, target, body, values, tags or {}, protect, adopt)


def a_rollout(*stacks: Stack, phases: Mapping[str, Iterable[Stack]] | None = None) -> Rollout:
    """Return a rollout of one phase, or of the phases that are given."""
    named = phases if phases is not None else {"all": stacks}
    return Rollout("blue", "test", tuple(Phase(name, tuple(each)) for name, each in named.items()))


def a_deployed(
    stack: Stack,
    status: StackStatus = StackStatus.CREATE_COMPLETE,
    *,
    parameters: Mapping[str, str] | None = None,
    outputs: Mapping[str, str] | None = None,
    updated: str = "t1",
    **differing: Any,
) -> Deployed:
    """Return `stack` as it stands in AWS when it is deployed as wanted, but for `differing`."""
    declared = stack.template.parameters
    known = {key: str(each.get("Default", "")) for key, each in declared.items()}
    known |= {key: each for key, each in stack.parameters.items() if isinstance(each, str)}
    return Deployed(
        **{
            "name": stack.name,
            "stack_id": f"arn:{stack.target}:stack/{stack.name}/1",
            "status": status,
            "updated": updated,
            "parameters": known | dict(parameters or {}),
            "outputs": {key: f"{stack.name}-{key}" for key in stack.template.outputs}
            if outputs is None
            else outputs,
            "tags": dict(stack.tags),
            "protected": stack.protect,
            "template_digest": stack.template.digest,
            **differing,
        }
    )


def a_change(
    logical_id: str = "Bucket",
    action: str = "Modify",
    resource_type: str = "AWS::S3::Bucket",
    replacement: Replacement | None = None,
    **more: Any,
) -> Change:
    """Return one line of a change set."""
    physical = more.pop("physical_id", f"my-{logical_id.lower()}")
    return Change(logical_id, resource_type, action, physical, replacement, **more)


def a_change_set(*changes: Change, stack: str = "storage", empty: bool = False) -> ChangeSet:
    """Return a change set of a stack."""
    return ChangeSet(f"arn:changeSet/{stack}", stack, f"arn:stack/{stack}/1", changes, empty)
