"""Values of a set's parameters, and what instances put in their place."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.local.stack_sets.parameters import effective, overridden, resolved
from tapcfn.local.stack_sets.refusals import RefusedError

DECLARED = {"Size": {"Default": 1}, "Name": {"Type": "String"}}


def given(**values: str | None) -> list[dict[str, Any]]:
    """Return parameters as the emulator reads them; None asks for the previous value."""
    return [
        {"Key": name, "Value": value or "", "UsePreviousValue": value is None}
        for name, value in values.items()
    ]


@pytest.mark.parametrize(
    ("told", "previous", "expected"),
    [
        (given(Name="n"), {}, {"Size": "1", "Name": "n"}),
        (given(Name="n", Size="2"), {"Size": "7"}, {"Size": "2", "Name": "n"}),
        (given(Name=None, Size=None), {"Size": "7", "Name": "m"}, {"Size": "7", "Name": "m"}),
        (given(Name=None), {"Size": "7", "Name": "m"}, {"Size": "1", "Name": "m"}),
        (given(Name="", Size=None), {}, {"Size": "1", "Name": ""}),
    ],
)
def test_values_of_a_set(told, previous, expected):
    """Given, previous if asked for, else the default: what is left out falls back."""
    told = [{**each, "UsePreviousValue": each["UsePreviousValue"]} for each in told]

    assert expected == resolved(DECLARED, told, previous)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (given(), "Parameters: [Name] must have values"),
        (given(Name=None), "Parameters: [Name] must have values"),
        (given(Name="n", Colour="x"), "Parameters: [Colour] do not exist in the template"),
        (
            [{"Key": "Name", "Value": "n", "UsePreviousValue": True}],
            "Cannot specify usePreviousValue as true and non empty value",
        ),
    ],
)
def test_wrong_parameters_are_refused(told, message):
    """Each refusal says what is wrong."""
    with pytest.raises(RefusedError) as refused:
        resolved(DECLARED, told, {})

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, {"Size": "7"}),
        (given(), {}),
        (given(Size="8"), {"Size": "8"}),
        (given(Size=None), {"Size": "7"}),
        (given(Name="n"), {"Name": "n"}),
        (given(Name=None, Size=None), {"Size": "7"}),
    ],
)
def test_overrides(told, expected):
    """A value, the previous one, left out and so back to the set's, or no list and so unchanged."""
    assert expected == overridden(told, {"Size": "7"}, DECLARED)


def test_effective_values():
    """An override stands before the set's value; one whose parameter is gone counts for nothing."""
    values = {"Size": "1", "Name": "n"}

    assert {"Size": "7", "Name": "n"} == effective(values, {"Size": "7", "Gone": "x"})
