"""Allowances: one resource each, by name, and for as long as they say. (D-18)"""

from __future__ import annotations

from datetime import date

import pytest

from tapcfn.allowances import FORM, Loss, check_stacks, covering, in_force, parse
from tapcfn.errors import UsageError
from tests.fakes import AWAY, HOME


@pytest.mark.parametrize(
    ("text", "stack", "path", "region", "action", "until"),
    [
        ("storage/Bucket", "storage", "Bucket", "", "", None),
        ("storage/Inner/Bucket", "storage", "Inner/Bucket", "", "", None),
        ("s-1/Bucket@eu-west-1", "s-1", "Bucket", "eu-west-1", "", None),
        ("s/Bucket:remove", "s", "Bucket", "", "remove", None),
        ("s/Bucket:until=2030-01-31", "s", "Bucket", "", "", date(2030, 1, 31)),
        (
            "s/A/B@us-gov-west-1:policy:until=2030-01-31",
            "s",
            "A/B",
            "us-gov-west-1",
            "policy",
            date(2030, 1, 31),
        ),
    ],
)
def test_every_form_is_read(
    text: str, stack: str, path: str, region: str, action: str, until: date | None
) -> None:
    """Stack and resource always; Region, action and day where they are given."""
    found = parse(text)

    assert (stack, path, region, action, until) == (
        found.stack,
        found.path,
        found.region,
        found.action,
        found.until,
    )


@pytest.mark.parametrize(
    "text",
    [
        "Bucket",
        "storage/",
        "/Bucket",
        "storage/*",
        "*/Bucket",
        "storage/Bucket:destroy",
        "storage/Bucket:remove@eu-west-1",
        "storage/Bucket:until=soon",
        "storage/Bucket ",
    ],
)
def test_anything_else_is_refused_with_the_form(text: str) -> None:
    """No pattern means many resources, and a typo allows nothing."""
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert f'"{text}" is no allowance' in str(refused.value)
    assert FORM in str(refused.value)


def test_a_day_that_there_is_not_is_refused() -> None:
    """The 30th of February."""
    with pytest.raises(UsageError, match="until=2030-02-30 is no day"):
        parse("s/B:until=2030-02-30")


@pytest.mark.parametrize(
    ("text", "covers"),
    [
        ("s/B", True),
        ("s/B@us-east-1", True),
        ("s/B@us-east-1:remove", True),
        ("s/B:remove", True),
        ("s/B:replace", False),
        ("s/B@us-west-2", False),
        ("t/B", False),
        ("s/C", False),
        ("s/A/B", False),
    ],
)
def test_an_allowance_covers_what_it_names(text: str, covers: bool) -> None:
    """What it leaves open is open; what it says has to be so."""
    assert covers is (covering({text}, "s", HOME, "B", Loss.REMOVE) == text)


def test_the_same_name_in_another_region_is_another_resource() -> None:
    """An allowance with a Region counts there alone."""
    allowed = {"s/B@us-west-2:delete"}

    assert None is covering(allowed, "s", HOME, "B", Loss.DELETE)
    assert "s/B@us-west-2:delete" == covering(allowed, "s", AWAY, "B", Loss.DELETE)


def test_an_allowance_holds_to_the_end_of_its_day() -> None:
    """And is named when it has run out."""
    allowed = {"s/A", "s/B:until=2030-01-31", "s/C:until=2030-01-30"}

    holding, over = in_force(allowed, date(2030, 1, 31))

    assert {"s/A", "s/B:until=2030-01-31"} == holding
    assert ("s/C:until=2030-01-30",) == over


def test_an_allowance_for_no_stack_of_the_plan_is_refused() -> None:
    """With the nearest name."""
    with pytest.raises(UsageError, match="no such stack in the plan; did you mean storage"):
        check_stacks({"storag/Bucket"}, frozenset({"storage", "network"}))
    check_stacks({"storage/Bucket"}, frozenset({"storage"}))
