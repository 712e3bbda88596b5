"""Values of a stack set's parameters, and what single instances put in their place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tapcfn.local.stack_sets.refusals import invalid

Given = Sequence[Mapping[str, Any]]


def resolved(
    declared: Mapping[str, Any], given: Given, previous: Mapping[str, str]
) -> dict[str, str]:
    """Return a value for every declared parameter: the given, the previous or the default one."""
    known(declared, given)
    told = {each["Key"]: each for each in given}
    values, missing = {}, []
    for name, about in declared.items():
        value = _value(name, told.get(name), previous, about.get("Default"))
        if value is None:
            missing.append(name)
        else:
            values[name] = value
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    return values


def _value(
    name: str, told: Mapping[str, Any] | None, previous: Mapping[str, str], default: Any
) -> str | None:
    if told is not None and not told["UsePreviousValue"]:
        return str(told["Value"])
    if told is not None and name in previous:
        return previous[name]
    return None if default is None else str(default)


def overridden(
    given: Given | None, previous: Mapping[str, str], declared: Collection[str]
) -> dict[str, str]:
    """Return an instance's overrides after a request.

    None, a list that was not sent, leaves all as they are; a key that a list leaves out goes back
    to the set's value; a previous value that there never was is no override.
    """
    if given is None:
        return dict(previous)
    known(declared, given)
    kept = {each["Key"]: each for each in given}
    return {
        name: previous[name] if each["UsePreviousValue"] else str(each["Value"])
        for name, each in kept.items()
        if not each["UsePreviousValue"] or name in previous
    }


def effective(values: Mapping[str, str], overrides: Mapping[str, str]) -> dict[str, str]:
    """Return what a stack gets: the set's parameters, with the instance's values where it has."""
    return {name: overrides.get(name, value) for name, value in values.items()}


def known(declared: Collection[str], given: Given) -> None:
    """Refuse parameters that are not declared, and those with a value and the previous one."""
    unknown = [each["Key"] for each in given if each["Key"] not in declared]
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    for each in given:
        if each["UsePreviousValue"] and each["Value"]:
            raise invalid(
                f"Invalid input for parameter key {each['Key']}. "
                "Cannot specify usePreviousValue as true and non empty value for a parameter"
            )
