"""The values in DescribeChangeSet(IncludePropertyValues=True): what each change turns into what.

Each detail gets its path, both values and whether it adds, removes or modifies; each resource gets
both contexts. Texts and numbers stand as they are, structures as JSON. What only the operation will
know is KNOWN_AFTER_APPLY, and what a NoEcho parameter decides is never told. Values are worked out
when they are asked for: a change set that was executed has none any more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from tapcfn.local import change_sets, emulator, references, taken
from tapcfn.local.emulator import Action, Answer, Params

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
MASK = "****"

_ABSENT = object()
_NOTHING: Mapping[str, Any] = {"Tags": []}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a change: a template, and what its functions come to."""

    template: Mapping[str, Any]
    stack: Mapping[str, Any]
    unknown: frozenset[str] = frozenset()

    def resource(self, logical_id: str) -> Mapping[str, Any]:
        """Return a resource as the template has it where its conditions hold, or nothing."""
        found = (self.template.get("Resources") or {}).get(logical_id)
        return taken.branch(found, self.stack["_conditions"]) if isinstance(found, dict) else {}

    def counts(self, logical_id: str) -> bool:
        """Tell whether the condition of a resource holds, if it has one."""
        condition = str(self.template["Resources"][logical_id].get("Condition", ""))
        return bool(self.stack["_conditions"].get(condition, True))

    def value(self, node: Any) -> Any:
        """Return a node with every function replaced, by a placeholder if need be."""
        if isinstance(node, list):
            return [self.value(each) for each in node]
        if not isinstance(node, dict):
            return node
        if not _is_function(node):
            return {key: self.value(each) for key, each in node.items()}
        if any(name in self.unknown for name, _ in references.references(node)):
            return LATER
        try:
            return emulator.engine.resolved(node, self.template, self.stack)
        except (ValueError, KeyError, TypeError):
            return LATER


def install() -> None:
    """Add the values to the descriptions of change sets that ask for them."""
    emulator.engine.wrap_action("DescribeChangeSet", _valued)


def _valued(do: Action) -> Action:
    def act(params: Params) -> Answer:
        answer = do(params)
        change_set = change_sets.asked_for(params)
        wanted = emulator.parameter(params, "IncludePropertyValues").lower() == "true"
        if not wanted or change_set is None or change_set["ExecutionStatus"] != "AVAILABLE":
            return answer
        status, headers, body = answer
        return status, headers, _told(body.decode(), change_set).encode()

    return act


def _told(body: str, change_set: Mapping[str, Any]) -> str:
    """Add the values to each change of an answer; the changes stand in it in their order."""
    before, now = _before(change_set), after(change_set)
    changes = {
        each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"]
        for each in change_set["Changes"]
    }

    def change(found: re.Match[str]) -> str:
        text = found.group(0)
        name = re.search("<LogicalResourceId>(.*?)</LogicalResourceId>", text)
        return _with_values(text, changes[name.group(1)], before, now) if name else text

    return re.sub("<ResourceChange>.*?</ResourceChange>", change, body, flags=re.DOTALL)


def _with_values(text: str, change: Mapping[str, Any], before: Side, after: Side) -> str:
    details = iter(change.get("Details", ()))
    logical_id = str(change["LogicalResourceId"])

    def target(found: re.Match[str]) -> str:
        about = next(details)["Target"]
        told = "".join(_target(about, logical_id, before, after))
        return found.group(0).replace("</Target>", f"{told}</Target>")

    told = re.sub("<Target>.*?</Target>", target, text, flags=re.DOTALL)
    contexts = "".join(_contexts(logical_id, before, after))
    return told.replace("</ResourceChange>", f"{contexts}</ResourceChange>")


# One detail ---------------------------------------------------------------------------------------


def _target(about: Mapping[str, Any], logical_id: str, before: Side, after: Side) -> Iterator[str]:
    attribute, name = about["Attribute"], about.get("Name", "")
    yield f"<Path>{escape(f'/{attribute}/{name}' if name else f'/{attribute}')}</Path>"
    old, new = (_at(side, logical_id, attribute, name) for side in (before, after))
    if "_actual" in about:
        old = _ABSENT if about["_actual"] is None else about["_actual"]
    if old is not _ABSENT:
        yield f"<BeforeValue>{escape(_text(old))}</BeforeValue>"
    if new is not _ABSENT:
        yield f"<AfterValue>{escape(_text(new))}</AfterValue>"
    kind = "Add" if old is _ABSENT else "Remove" if new is _ABSENT else "Modify"
    yield f"<AttributeChangeType>{kind}</AttributeChangeType>"


def _at(side: Side, logical_id: str, attribute: str, name: str) -> Any:
    """Return a value of a resource, or the mark of one that is absent."""
    if attribute == "Tags":
        return side.stack["Tags"] or _ABSENT
    body = side.resource(logical_id)
    holder = (body.get("Properties") or {}) if name else body
    key = name or attribute
    value = side.value(holder[key]) if key in holder else None
    return _ABSENT if value is None else value


def _contexts(logical_id: str, before: Side, after: Side) -> Iterator[str]:
    for name, side in (("BeforeContext", before), ("AfterContext", after)):
        body = side.resource(logical_id)
        if body:
            told = {key: side.value(each) for key, each in body.items() if key in _SHOWN}
            yield f"<{name}>{escape(_text(told))}</{name}>"


_SHOWN = (
    *("Properties", "Metadata", "DeletionPolicy", "UpdateReplacePolicy", "CreationPolicy"),
    "UpdatePolicy",
)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _is_function(node: Mapping[str, Any]) -> bool:
    return len(node) == 1 and any(key == "Ref" or key.startswith("Fn::") for key in node)


# The two sides ------------------------------------------------------------------------------------


def _before(change_set: Mapping[str, Any]) -> Side:
    stack = emulator.engine.resolve_stack(change_set["StackId"]) or _NOTHING
    template = stack.get("_template") or {}
    return Side(template, _engine(stack, template, stack.get("_resolved_params") or {}))


def after(change_set: Mapping[str, Any], *, masked: bool = True) -> Side:
    """Return what will be; nobody knows yet what new and replaced resources will be called.

    What NoEcho parameters decide is told only where it goes no further than this process.
    """
    stack = emulator.engine.resolve_stack(change_set["StackId"]) or _NOTHING
    template = change_set["_template"]
    told = {**stack, "Tags": change_set["Tags"] or stack["Tags"]}
    unknown = {
        change["LogicalResourceId"]
        for change in (each["ResourceChange"] for each in change_set["Changes"])
        if change["Action"] == "Add" or change.get("Replacement", "False") != "False"
    }
    engine = _engine(told, template, change_set["_resolved_params"], masked=masked)
    return Side(template, engine, frozenset(unknown))


def _engine(
    stack: Mapping[str, Any],
    template: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    masked: bool = True,
) -> Mapping[str, Any]:
    """Return what the engine needs to work out values, without what must not be told."""
    shown = {
        name: {**about, "Value": MASK} if masked and about.get("NoEcho") else about
        for name, about in parameters.items()
    }
    return {
        "StackName": stack.get("StackName", ""),
        "StackId": stack.get("StackId", ""),
        "Tags": [{key: tag.get(key, "") for key in ("Key", "Value")} for tag in stack["Tags"]],
        "_resources": stack.get("_resources") or {},
        "_resolved_params": shown,
        "_conditions": emulator.engine.holding(dict(template), parameters),
    }
