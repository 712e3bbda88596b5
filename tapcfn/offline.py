"""What a stack's change set would say, as far as two templates tell it: nobody is asked. (D-15)

For a stack whose inputs are not there yet. Each unknown input stands as "known after apply", with
the type that its parameter has; what it reaches may change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tapcfn.intrinsics import walk
from tapcfn.kept import resources_of
from tapcfn.literal import body_of
from tapcfn.model import (
    Change,
    ChangeSet,
    Deployed,
    Detail,
    OutputOf,
    Replacement,
    Stack,
    canonical,
)
from tapcfn.replacement import Effect, effect

LATER = "(known after apply)"

_RECREATION = {Effect.REPLACES: "Always", Effect.MAY_REPLACE: "Conditionally"}


def expected(stack: Stack, deployed: Deployed | None, unknown: tuple[OutputOf, ...]) -> ChangeSet:
    """Return the changes that the templates tell, and those that the unknown inputs may make."""
    wanted: Mapping[str, Any] = body_of(stack).document["Resources"]
    there = resources_of(deployed.template) if deployed and not deployed.status.is_absent else {}
    later = frozenset(key for key, value in stack.parameters.items() if value in unknown)
    adds = [Change(key, each["Type"], "Add") for key, each in wanted.items() if key not in there]
    goes = [_removal(key, each) for key, each in there.items() if key not in wanted]
    both = {key: (there[key], each) for key, each in wanted.items() if key in there}
    stays = [_modified(key, wanted[key]["Type"], each) for key, each in _touched(both, later)]
    return ChangeSet("", stack.name, deployed.stack_id if deployed else "", (*adds, *goes, *stays))


def _removal(logical_id: str, resource: Mapping[str, Any]) -> Change:
    policy = str(resource.get("DeletionPolicy", "Delete"))
    policy_action = "Retain" if policy == "RetainExceptOnCreate" else policy
    return Change(logical_id, str(resource.get("Type", "")), "Remove", policy_action=policy_action)


def _touched(
    both: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]], later: frozenset[str]
) -> Iterator[tuple[str, tuple[Detail, ...]]]:
    """Yield what differs, and what takes a value that may: from inputs, then from each other."""
    found: dict[str, tuple[Detail, ...]] = {}
    reached = later
    while True:
        before = len(reached)
        for key, (old, new) in both.items():
            if details := tuple(_details(key, old, new, reached)):
                found[key] = details
        reached = reached | found.keys()
        if len(reached) == before:
            break
    yield from found.items()


def _details(
    logical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], reached: frozenset[str]
) -> Iterator[Detail]:
    before, after = old.get("Properties", {}), new.get("Properties", {})
    for name in sorted(before.keys() | after.keys()):
        was, is_now = _text(before, name), _text(after, name)
        causes = sorted((_names_in(after.get(name)) & reached) - {logical_id})
        if was == is_now and not causes:
            continue
        recreation = _RECREATION.get(effect(str(new["Type"]), (name,)), "Never")
        if causes:
            yield Detail(
                f"/Properties/{name}", was, LATER, recreation, "Dynamic", "", ", ".join(causes)
            )
        else:
            yield Detail(f"/Properties/{name}", was, is_now, recreation)
    for name in sorted((old.keys() | new.keys()) - {"Properties", "Type", "DependsOn"}):
        if _text(old, name) != _text(new, name):
            yield Detail(f"/{name}", _text(old, name), _text(new, name))


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return value if value is None or isinstance(value, str) else canonical(value)


def _names_in(value: Any) -> frozenset[str]:
    """Return the parameters and resources that a value refers to."""
    names: set[str] = set()
    for each in walk(value):
        match each:
            case {"Ref": str(name)}:
                names.add(name)
            case {"Fn::GetAtt": str(text)}:
                names.add(text.partition(".")[0])
            case {"Fn::GetAtt": [str(name), *_]}:
                names.add(name)
            case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), *_]}:
                names |= {part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:]}
    return frozenset(names)


def _modified(logical_id: str, kind: str, details: tuple[Detail, ...]) -> Change:
    certain = any(each.recreation == "Always" and each.evaluation == "Static" for each in details)
    possible = any(each.recreation != "Never" for each in details)
    replacement = Replacement.CONDITIONAL if possible else Replacement.FALSE
    return Change(
        logical_id,
        kind,
        "Modify",
        replacement=Replacement.TRUE if certain else replacement,
        details=details,
    )
