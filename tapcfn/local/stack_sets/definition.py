"""What a stack set's instances are made from, read from a request and checked as a stack's is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.local import checks, emulator
from tapcfn.local.emulator import Params
from tapcfn.local.stack_sets import adoption, parameters
from tapcfn.local.stack_sets.model import (
    ADMINISTRATION_ROLE,
    EXECUTION_ROLE,
    SERVICE_MANAGED,
    Definition,
    StackSet,
    Tag,
)
from tapcfn.local.stack_sets.refusals import RefusedError, invalid
from tapcfn.local.stack_sets.wire import is_given, is_true, message, strings, text

_SOURCES = ("TemplateBody", "TemplateURL")
_ROLES = ("AdministrationRoleARN", "ExecutionRoleName")
_NESTED = "AWS::CloudFormation::Stack"


def created(params: Params, permission_model: str) -> Definition:
    """Return the definition that a CreateStackSet asks for."""
    if sum(bool(text(params, each)) for each in (*_SOURCES, "StackId")) != 1:
        raise invalid("Either Template URL or Template Body must be specified.")
    blank = Definition(
        description="",
        template="",
        parameters={},
        secret=[],
        tags=[],
        capabilities=[],
        administration_role=default_administration_role(),
        execution_role=EXECUTION_ROLE,
    )
    if not text(params, "StackId"):
        return _checked(params, blank, _template(params), permission_model)
    stack = _stack(text(params, "StackId"))
    taken = blank | {"parameters": adoption.parameters_of(stack)}
    return _checked(_keeping(params, taken), taken, adoption.template_of(stack), permission_model)


def _stack(stack_id: str) -> Mapping[str, Any]:
    """Return the stack that a set is made after; its template holds no secrets."""
    stack = adoption.find(stack_id)
    if stack is None:
        raise RefusedError("StackNotFoundException", f"Stack {stack_id} does not exist", 404)
    secret = adoption.secrets_in(_parsed(adoption.template_of(stack)))
    if secret:
        raise invalid(f"Stack {stack_id} has NoEcho parameters: {', '.join(secret)}")
    return stack


def _keeping(params: Params, taken: Definition) -> Params:
    """Return a request that asks for the previous value wherever it gives none."""
    given = {each["Key"] for each in emulator.engine.extract_members(params, "Parameters")}
    kept = dict(params)
    left = [name for name in taken["parameters"] if name not in given]
    for number, name in enumerate(left, len(given) + 1):
        kept[f"Parameters.member.{number}.ParameterKey"] = [name]
        kept[f"Parameters.member.{number}.UsePreviousValue"] = ["true"]
    return kept


def updated(params: Params, before: Definition, permission_model: str) -> Definition:
    """Return the definition that an UpdateStackSet asks for; what it leaves out mostly stays.

    Parameters that it leaves out go back to their defaults, and capabilities are not kept.
    """
    previous = is_true(params, "UsePreviousTemplate")
    if sum(bool(text(params, each)) for each in _SOURCES) + previous != 1:
        raise invalid(
            "Exactly one of TemplateBody, TemplateURL and UsePreviousTemplate must be specified."
        )
    own = before["administration_role"] != default_administration_role()
    if own and permission_model != SERVICE_MANAGED and not text(params, "AdministrationRoleARN"):
        raise invalid(
            "AdministrationRoleARN must be specified, because the stack set has a customized one."
        )
    template = before["template"] if previous else _template(params)
    return _checked(params, before, template, permission_model)


def is_changed(params: Params, before: Definition, after: Definition) -> bool:
    """Tell whether an update makes every instance OUTDATED: a template, or other parameters."""
    return not is_true(params, "UsePreviousTemplate") or before["parameters"] != after["parameters"]


def shown(stack_set: StackSet, values: Mapping[str, str]) -> list[dict[str, str]]:
    """Return parameters as the service shows them, secrets covered."""
    secret = stack_set["definition"]["secret"]
    return [
        {"ParameterKey": name, "ParameterValue": "****" if name in secret else value}
        for name, value in values.items()
    ]


def default_administration_role() -> str:
    """Return the administration role of a set that names none."""
    return f"arn:aws:iam::{emulator.account_id()}:role/{ADMINISTRATION_ROLE}"


# Checks -------------------------------------------------------------------------------------------


def _checked(
    params: Params, before: Definition, template: str, permission_model: str
) -> Definition:
    """Read the rest of the request, and refuse a template that no stack would take."""
    parsed = _parsed(template)
    if permission_model == SERVICE_MANAGED:
        _refuse_unmanageable(params, parsed)
    declared = parsed.get("Parameters") or {}
    given = emulator.engine.extract_members(params, "Parameters")
    after = Definition(
        description=text(params, "Description") or before["description"],
        template=template,
        parameters=parameters.resolved(declared, given, before["parameters"]),
        secret=adoption.secrets_in(parsed),
        tags=_tags(params) if is_given(params, "Tags") else before["tags"],
        capabilities=strings(params, "Capabilities"),
        administration_role=text(params, "AdministrationRoleARN") or before["administration_role"],
        execution_role=text(params, "ExecutionRoleName") or before["execution_role"],
    )
    _refuse(after, parsed)
    return after


def _refuse_unmanageable(params: Params, parsed: Mapping[str, Any]) -> None:
    """Refuse what service-managed sets can't have: roles of one's own, macros, nested stacks."""
    roles = [each for each in _ROLES if text(params, each)]
    if roles:
        raise invalid(f"{roles[0]} can't be specified for SERVICE_MANAGED stack sets")
    if parsed.get("Transform"):
        raise invalid("Stack sets with service-managed permissions don't support macros")
    found = (parsed.get("Resources") or {}).values()
    if any(isinstance(each, dict) and each.get("Type") == _NESTED for each in found):
        raise invalid("Stack sets with service-managed permissions don't support nested stacks")


def _template(params: Params) -> str:
    body, refused = emulator.engine.resolve_template(params)
    if refused:
        raise invalid(message(refused))
    return body


def _parsed(template: str) -> dict[str, Any]:
    try:
        return emulator.engine.parse_template(template)
    except Exception as error:  # whatever is wrong with it, in the parser's words
        raise invalid(f"Template format error: {error}") from error


def _refuse(definition: Definition, parsed: dict[str, Any]) -> None:
    """Run the checks of a new stack, but for its name and the size that a request may have."""
    values = definition["parameters"].items()
    given = [{"Key": key, "Value": value, "UsePreviousValue": False} for key, value in values]
    try:
        template = emulator.engine.apply_transforms(parsed, given)
    except Exception as error:  # whatever a transform finds wrong, in its words
        raise invalid(f"Template format error: {error}") from error
    request = checks.Request(_as_params(definition), None, template)
    for check in checks.CHECKS["CreateStack"]:
        refusal = check(request)
        if refusal is not None:
            raise RefusedError(refusal.code, refusal.message)


def _as_params(definition: Definition) -> Params:
    """Return what a request to create such a stack would say, besides its template."""
    params = {
        f"Capabilities.member.{number}": [each]
        for number, each in enumerate(definition["capabilities"], 1)
    }
    for number, (name, value) in enumerate(definition["parameters"].items(), 1):
        params[f"Parameters.member.{number}.ParameterKey"] = [name]
        params[f"Parameters.member.{number}.ParameterValue"] = [value]
    return params


def _tags(params: Params) -> list[Tag]:
    found = emulator.engine.extract_members(params, "Tags")
    return [Tag(Key=each["Key"], Value=each["Value"]) for each in found]
