"""CloudFormation's records, and what its engine makes of a template."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from ministack.core import responses as _responses
from ministack.services import cloudformation as _cloudformation
from ministack.services.cloudformation import changesets as _changesets
from ministack.services.cloudformation import engine as _engine
from ministack.services.cloudformation import handlers as _handlers
from ministack.services.cloudformation import helpers as _helpers
from ministack.services.cloudformation import stacks as _stacks

from tapcfn.local.emulator.core import Action, Answer, Params, account_id, region

# The emulator reads this table at every call: what is put in is used from then on.
ACTIONS: MutableMapping[str, Action] = _handlers._ACTION_HANDLERS

_WRITE_EVENT: Callable[..., None] = _stacks._add_event
_FIND_STACK = _handlers._resolve_stack

parse_template: Callable[[str], dict[str, Any]] = _engine._parse_template
apply_transforms: Callable[..., dict[str, Any]] = _engine._apply_transforms
extract_members: Callable[[Params, str], list[dict[str, str]]] = _helpers._extract_members
extract_strings: Callable[[Params, str], list[str]] = _helpers._extract_string_members
resolve_template: Callable[[Params], tuple[str, Answer | None]] = _helpers._resolve_template
resolve_parameters: Callable[..., dict[str, Any]] = _engine._resolve_parameters
error: Callable[..., Answer] = _helpers._error
find_change_set: Callable[..., tuple[str | None, dict[str, Any] | None]] = (
    _changesets._find_change_set
)


def wrap_action(name: str, wrap: Callable[[Action], Action]) -> None:
    """Replace one of CloudFormation's actions by what `wrap` makes of it."""
    ACTIONS[name] = wrap(ACTIONS[name])


def document(url: str) -> str | None:
    """Return the text of an object in S3, or None if there is none at that address."""
    place = url.replace("s3://", "https://s3.amazonaws.com/", 1)
    body, refused = _helpers._resolve_document({"Url": [place]}, "Body", "Url", "Document")
    return None if refused else str(body)


def conditions(params: Params, template: dict[str, Any], previous: Any) -> dict[str, bool]:
    """Return which of a template's conditions hold for the request's parameters."""
    given = _engine._resolve_parameters(template, extract_members(params, "Parameters"), previous)
    return dict(_engine._evaluate_conditions(template, given))


def resolve_stack(name: str) -> dict[str, Any] | None:
    """Return the stack of a name or an id, or None; only the id of an earlier one is searched."""
    if not name.startswith("arn:"):
        return stacks().get(name)
    current = stacks().get(name.split("/")[1]) if "/" in name else None
    if current is not None and current["StackId"] == name:
        return current
    found: dict[str, Any] | None = _FIND_STACK(name)
    return found


def find_stacks_faster() -> None:
    """Let the emulator find stacks by their ids as quickly as by their names.

    Where it looks through a whole store, it asks for the current account and Region once, and not
    for each key: with thousands of stacks that is most of what an action costs.
    """
    _handlers._resolve_stack = resolve_stack
    store = _responses.AccountRegionScopedDict
    store.__iter__ = lambda self: iter([key for key, _ in _mine(self)])
    store.keys = lambda self: [key for key, _ in _mine(self)]
    store.values = lambda self: [value for _, value in _mine(self)]
    store.items = _mine


def know_the_place_in_conditions() -> None:
    """Let conditions compare with `AWS::Region` and its like: the emulator takes their names."""
    evaluate = _engine._evaluate_conditions

    def evaluated(template: dict[str, Any], params: Mapping[str, Any]) -> dict[str, bool]:
        return dict(evaluate(template, {**_place(), **params}))

    for module in (_changesets, _engine, _handlers, _stacks):
        module._evaluate_conditions = evaluated


def _place() -> dict[str, dict[str, str]]:
    """Return the pseudo parameters that depend on the account and the Region alone."""
    place = {
        "AWS::AccountId": account_id(),
        "AWS::Partition": "aws",
        "AWS::Region": region(),
        "AWS::URLSuffix": "amazonaws.com",
    }
    return {name: {"Value": text} for name, text in place.items()}


def _mine(store: Any) -> list[tuple[Any, Any]]:
    """Return what a store holds for the current account and Region."""
    account, here = account_id(), region()
    found = list(store._data.items())
    return [(key[2], value) for key, value in found if key[1] == here and key[0] == account]


def let_values_come_later(mark: str) -> None:
    """Let change sets take `mark` for any parameter's value: only the operation will know it.

    Neither its type nor a rule of the template is looked at until then.
    """
    resolve, check = _changesets._resolve_parameters, _changesets.validate_template_support

    def resolved(template: dict[str, Any], given: list[dict[str, Any]], *more: Any) -> Any:
        later = {each["Key"] for each in given if mark in str(each.get("Value", ""))}
        declared = {
            name: {**_echo(about), "Type": "String"} if name in later else about
            for name, about in (template.get("Parameters") or {}).items()
        }
        return resolve({**template, "Parameters": declared}, given, *more)

    def supported(template: Any, holds: Any, params: Mapping[str, Any]) -> None:
        known = all(mark not in each["Value"] for each in params.values())
        check(template, holds, params=params if known else None)

    _changesets._resolve_parameters, _changesets.validate_template_support = resolved, supported


def _echo(about: Mapping[str, Any]) -> dict[str, Any]:
    return {"NoEcho": about["NoEcho"]} if "NoEcho" in about else {}


def listed_in_rules(kind: str) -> frozenset[str] | None:
    """Return the attributes that rules can ask of a type of parameter, or None of no such type."""
    found = _engine._RULE_ACCOUNT_TYPES.get(kind)
    return frozenset(found[1]) if found else None


def type_in_rules(declared: str) -> str:
    """Return the type of what a parameter names, one or several of them."""
    return str(_engine._rule_inner_type(declared)[0])


def list_more_in_rules() -> None:
    """Let rules ask for more of what the account has."""
    _engine._RULE_ACCOUNT_TYPES |= {
        "AWS::EC2::Instance::Id": ("_instances", {}),
        "AWS::EC2::KeyPair::KeyName": ("_key_pairs", {}),
        "AWS::EC2::Volume::Id": ("_volumes", {}),
    }


def holding(template: dict[str, Any], resolved: Any) -> dict[str, bool]:
    """Return which of a template's conditions hold for resolved parameters."""
    return dict(_engine._evaluate_conditions(template, resolved))


def resolved(value: Any, template: Mapping[str, Any], stack: Mapping[str, Any]) -> Any:
    """Return a part of a template with its functions replaced by what they come to.

    `stack` holds the resources, parameters and conditions that count, under the engine's names.
    """
    found = _engine._resolve_refs(
        copy.deepcopy(value),
        *(stack["_resources"], stack["_resolved_params"], stack["_conditions"]),
        *(template.get("Mappings", {}), stack["StackName"], stack["StackId"]),
    )
    return None if found is _engine._NO_VALUE else found


def running_template(stack: str) -> dict[str, Any]:
    """Return the template that a stack is being brought to; the record has it as text so far."""
    return parse_template(stacks()[stack]["_template_body"])


def tell_attributes(stack: str, physical_id: str, attributes: Mapping[str, Any]) -> None:
    """Let what GetAtt returns for a resource follow what another one has done to it."""
    for resource in stacks()[stack].get("_resources", {}).values():
        if resource["PhysicalResourceId"] == physical_id:
            resource["Attributes"] = {**resource.get("Attributes", {}), **attributes}


def stacks() -> MutableMapping[str, dict[str, Any]]:
    """Return the stacks of the account and Region of the current request, by name."""
    return _cloudformation._stacks  # type: ignore[no-any-return]


def stack_events() -> MutableMapping[str, list[dict[str, Any]]]:
    """Return the events of the account and Region of the current request, by stack id."""
    return _cloudformation._stack_events  # type: ignore[no-any-return]


def change_sets() -> MutableMapping[str, dict[str, Any]]:
    """Return the change sets of the account and Region of the current request, by id."""
    return _cloudformation._change_sets  # type: ignore[no-any-return]


def exports() -> MutableMapping[str, dict[str, Any]]:
    """Return the exports of the account and Region of the current request, by name."""
    return _cloudformation._exports  # type: ignore[no-any-return]


def imported_names(stack: Mapping[str, Any]) -> set[str]:
    """Return the names of the exports that a stack's template imports."""
    return set(_handlers._imported_export_names(stack, stack["StackName"]))


def every_stack() -> list[tuple[str, str, dict[str, Any]]]:
    """Return (account, Region, stack) of every stack there is."""
    return [(key[0], key[1], stack) for key, stack in list(_cloudformation._stacks._data.items())]


def add_event(stack: Mapping[str, Any], status: str, reason: str) -> None:
    """Record an event of the stack itself."""
    name, identifier = stack["StackName"], stack["StackId"]
    _stacks._add_event(
        identifier, name, name, "AWS::CloudFormation::Stack", status, reason, identifier
    )


def watch_events(note: Callable[[Mapping[str, Any]], None]) -> None:
    """Have `note` told of each event once it is written; before anybody else wraps that."""
    global _WRITE_EVENT  # noqa: PLW0603
    write = _WRITE_EVENT

    def written(stack_id: str, *more: Any, **named: Any) -> None:
        write(stack_id, *more, **named)
        note(stack_events()[stack_id][-1])

    _WRITE_EVENT = written
    for module in (_changesets, _handlers, _stacks):
        module._add_event = written


def write_event(
    stack: Mapping[str, Any],
    logical_id: str,
    resource_type: str,
    status: str,
    physical_id: str,
    reason: str = "",
) -> None:
    """Record an event of one of the stack's resources, as it is."""
    _WRITE_EVENT(
        *(stack["StackId"], stack["StackName"], logical_id, resource_type, status, reason),
        physical_id=physical_id,
    )
