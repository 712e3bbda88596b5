"""What CloudFormation refuses before it does anything, and the emulator lets pass.

A check is a function that takes a `Request` and returns a `Refusal` or None; `CHECKS` says which
run for which action, in that order. Messages read like the service's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tapcfn.local import emulator, references
from tapcfn.local.emulator import Action, Answer, Params

MAX_BODY_BYTES = 51_200
PSEUDO = "AWS::"
REVIEW = "REVIEW_IN_PROGRESS"

# Statuses from which CloudFormation starts no update, besides those of a stack that moves.
NOT_UPDATABLE = frozenset(
    {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED", REVIEW}
)
# Statuses in which a name is free for a CREATE change set.
CREATABLE = frozenset({"DELETE_COMPLETE", REVIEW})

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

Template = Mapping[str, Any]
Stack = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that says no."""

    message: str
    code: str = "ValidationError"

    def answer(self) -> Answer:
        """Return the refusal as the service would send it."""
        return emulator.error(self.code, self.message)


@dataclass(frozen=True, slots=True)
class Request:
    """One request: what it says, the stack that it is about, and the template that it would run."""

    params: Params
    stack: Stack | None
    template: Template

    def __getitem__(self, name: str) -> str:
        return emulator.parameter(self.params, name)

    @property
    def resources(self) -> Mapping[str, Any]:
        """The template's resources, without what is no resource at all."""
        found = self.template.get("Resources") or {}
        return {name: body for name, body in found.items() if isinstance(body, dict)}


Check = Callable[[Request], Refusal | None]


def install() -> None:
    """Put the checks in front of the actions that they belong to."""
    for action, checks in CHECKS.items():
        emulator.ACTIONS[action] = _checked(emulator.ACTIONS[action], checks)


def _checked(do: Action, checks: tuple[Check, ...]) -> Action:
    def act(params: Params) -> Answer:
        request = _request(params)
        refusal = next(filter(None, (check(request) for check in checks)), None)
        return refusal.answer() if refusal else do(params)

    return act


def _request(params: Params) -> Request:
    stack = emulator.resolve_stack(_stack_name(params))
    if stack is not None and stack["StackStatus"] == "DELETE_COMPLETE":
        stack = None
    return Request(params, stack, _template(params, stack))


def _stack_name(params: Params) -> str:
    """Return the stack's name or id; a change set given by its ARN knows its stack."""
    change_set = emulator.parameter(params, "ChangeSetName")
    if change_set.startswith("arn:"):
        found = emulator.find_change_set(change_set)[1]
        return str(found["StackId"]) if found else ""
    return emulator.parameter(params, "StackName")


def _template(params: Params, stack: Stack | None) -> Template:
    """Return the template of the request, or an empty one where the emulator itself will refuse."""
    try:
        body, refused = emulator.resolve_template(params)
        if refused or not (body or stack):
            return {}
        if not body:
            return dict((stack or {}).get("_template") or {})
        parsed = emulator.parse_template(body)
        return emulator.apply_transforms(parsed, emulator.extract_members(params, "Parameters"))
    except Exception:  # whatever is wrong with it, the emulator says so in its own words
        return {}


# The stack ----------------------------------------------------------------------------------------


def may_be_updated(request: Request) -> Refusal | None:
    """Refuse to update a stack that moves or can only be deleted."""
    if request.stack is None or request["ChangeSetType"] in ("CREATE", "IMPORT"):
        return None
    status = str(request.stack["StackStatus"])
    if _moves(status) or status in NOT_UPDATABLE:
        return _in_state(request.stack, "can not be updated.")
    return None


def may_be_executed(request: Request) -> Refusal | None:
    """Refuse to execute another change set of a stack that moves."""
    if request.stack is None or not _moves(str(request.stack["StackStatus"])):
        return None
    found = emulator.find_change_set(request["ChangeSetName"], request.stack["StackName"])[1]
    if found is None or found["ExecutionStatus"] != "AVAILABLE":
        return None
    return _in_state(request.stack, "can not be updated.")


def may_be_created(request: Request) -> Refusal | None:
    """Refuse a CREATE change set for a stack that is there."""
    stack = request.stack
    if stack is None or request["ChangeSetType"] != "CREATE" or stack["StackStatus"] in CREATABLE:
        return None
    return Refusal(
        f"Stack [{stack['StackName']}] already exists and cannot be created again "
        f"with the changeSet [{request['ChangeSetName']}]."
    )


def is_new(request: Request) -> Refusal | None:
    """Refuse to create a stack whose name is taken, even by one that was rolled back."""
    if request.stack is None:
        return None
    name = request.stack["StackName"]
    return Refusal(f"Stack [{name}] already exists", "AlreadyExistsException")


def may_be_deleted(request: Request) -> Refusal | None:
    """Refuse to delete a stack that is being updated."""
    stack = request.stack
    if stack is None or not str(stack["StackStatus"]).startswith(("UPDATE_", "IMPORT_")):
        return None
    if not _moves(str(stack["StackStatus"])):
        return None
    return Refusal(
        f"Stack [{stack['StackName']}] cannot be deleted while in status {stack['StackStatus']}"
    )


def _moves(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and status != REVIEW


def _in_state(stack: Stack, consequence: str) -> Refusal:
    return Refusal(f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and {consequence}")


# The request --------------------------------------------------------------------------------------


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
    given = set(emulator.extract_strings(request.params, "Capabilities"))
    needed = _needed_capability(request.resources)
    if not needed or needed in given or (needed == "CAPABILITY_IAM" and _NAMED in given):
        return None
    return Refusal(f"Requires capabilities : [{needed}]", "InsufficientCapabilitiesException")


_NAMED = "CAPABILITY_NAMED_IAM"


def _needed_capability(resources: Mapping[str, Any]) -> str:
    iam = [body for body in resources.values() if body.get("Type") in IAM_TYPES]
    named = any((body.get("Properties") or {}).get(IAM_NAMES.get(body["Type"], "")) for body in iam)
    return _NAMED if named else "CAPABILITY_IAM" if iam else ""


# The template -------------------------------------------------------------------------------------


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
        return emulator.conditions(request.params, dict(request.template), previous)
    except ValueError:  # a wrong parameter; the checks that follow say which
        return {}


def _is_supported(resource_type: str) -> bool:
    return resource_type in emulator.RESOURCE_HANDLERS or resource_type.startswith("Custom::")


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


_TEMPLATE = (
    body_fits,
    references_resolve,
    conditions_exist,
    order_exists,
    parameters_are_known,
    parameters_have_values,
    types_are_supported,
    capabilities_are_acknowledged,
)
CHECKS: dict[str, tuple[Check, ...]] = {
    "CreateStack": (is_new, *_TEMPLATE),
    "UpdateStack": (may_be_updated, *_TEMPLATE),
    "CreateChangeSet": (may_be_created, may_be_updated, *_TEMPLATE),
    "ExecuteChangeSet": (may_be_executed,),
    "DeleteStack": (may_be_deleted,),
}
