"""What the request itself says: its template body, names, parameters and capabilities."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.checks.request import Refusal, Request

MAX_BODY_BYTES = 51_200
NAME = "[a-zA-Z][-a-zA-Z0-9]*"
LONGEST_NAME = 128
IAM_TYPES = frozenset(
    f"AWS::IAM::{kind}"
    for kind in (
        *("AccessKey", "Group", "InstanceProfile", "ManagedPolicy", "Policy", "Role", "User"),
        "UserToGroupAddition",
    )
)
IAM_NAMES = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}


def body_fits(request: Request) -> Refusal | None:
    """Refuse a template body that is too long to be sent inline."""
    if len(request["TemplateBody"].encode()) <= MAX_BODY_BYTES:
        return None
    return Refusal(
        "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
        f"Member must have length less than or equal to {MAX_BODY_BYTES}"
    )


def parameters_are_known(request: Request) -> Refusal | None:
    """Refuse parameters that the template does not declare."""
    if not request.template:
        return None
    declared = request.template.get("Parameters") or {}
    unknown = [name for name in _given(request) if name not in declared]
    return (
        Refusal(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        if (unknown)
        else None
    )


def parameters_have_values(request: Request) -> Refusal | None:
    """Refuse a template whose parameters have neither a value nor a default."""
    given, previous = _given(request), (request.stack or {}).get("_resolved_params") or {}
    declared = request.template.get("Parameters") or {}
    missing = [
        name
        for name, about in declared.items()
        if "Default" not in about and (name not in given or (given[name] and name not in previous))
    ]
    return Refusal(f"Parameters: [{', '.join(missing)}] must have values") if missing else None


def _given(request: Request) -> dict[str, bool]:
    """Return the parameters of the request, and of each whether it asks for the previous value."""
    found: dict[str, bool] = {}
    number = 1
    while name := request[f"Parameters.member.{number}.ParameterKey"]:
        use = request[f"Parameters.member.{number}.UsePreviousValue"]
        found[name] = use.lower() == "true"
        number += 1
    return found


def capabilities_are_acknowledged(request: Request) -> Refusal | None:
    """Refuse IAM resources that the request does not acknowledge."""
    given = set(emulator.engine.extract_strings(request.params, "Capabilities"))
    needed = _needed_capability(request.resources)
    if not needed or needed in given or (needed == "CAPABILITY_IAM" and _NAMED in given):
        return None
    return Refusal(f"Requires capabilities : [{needed}]", "InsufficientCapabilitiesException")


_NAMED = "CAPABILITY_NAMED_IAM"


def _needed_capability(resources: Mapping[str, Any]) -> str:
    iam = [body for body in resources.values() if body.get("Type") in IAM_TYPES]
    named = any((body.get("Properties") or {}).get(IAM_NAMES.get(body["Type"], "")) for body in iam)
    return _NAMED if named else "CAPABILITY_IAM" if iam else ""


def stack_name_fits(request: Request) -> Refusal | None:
    """Refuse a name that no stack may have; an ARN names one that is there."""
    name = request["StackName"]
    return None if name.startswith("arn:") else unfit("stackName", name)


def unfit(member: str, value: str) -> Refusal | None:
    """Refuse the name of a stack or change set that breaks the service's pattern or length."""
    faults = []
    if value and not re.fullmatch(NAME, value):
        faults.append(f"Member must satisfy regular expression pattern: {NAME}")
    if len(value) > LONGEST_NAME:
        faults.append(f"Member must have length less than or equal to {LONGEST_NAME}")
    if not faults:
        return None
    told = "; ".join(
        f"Value '{value}' at '{member}' failed to satisfy constraint: {fault}" for fault in faults
    )
    return Refusal(f"{len(faults)} validation error{'s'[: len(faults) - 1]} detected: {told}")
