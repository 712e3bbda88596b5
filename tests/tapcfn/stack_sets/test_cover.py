"""Any set of pairs in few calls: exactly these, each once. (R-21)"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapcfn.errors import UsageError
from tapcfn.model import Member, Organization, Target
from tapcfn.stack_sets.calls import Rectangle
from tapcfn.stack_sets.cover import MOST_UNITS, cover, cover_of_members, meant, prove

CALM = settings(deadline=None, max_examples=50)  # machines differ

pairs = st.sets(st.builds(Target, st.sampled_from("123456"), st.sampled_from("abcde")))
UNITS = Organization(units=("ou-b", "ou-a"), regions=("a", "b"))
MEMBERS = (Member("1", "ou-a"), Member("2", "ou-a"), Member("3", "ou-b"))


def grid(accounts: str, regions: str) -> frozenset[Target]:
    return frozenset(Target(account, region) for account in accounts for region in regions)


@CALM
@given(pairs)
def test_calls_name_each_pair_once_and_no_other(wanted: set[Target]) -> None:
    """A pair too many would be a stack too many."""
    named = [pair for each in cover(wanted) for pair in each.pairs]

    assert Counter(wanted) == Counter(named)


@CALM
@given(pairs)
def test_calls_are_never_more_than_accounts_or_regions(wanted: set[Target]) -> None:
    most = min(len({each.account for each in wanted}), len({each.region for each in wanted}))

    assert len(cover(wanted)) <= most


@CALM
@given(pairs, st.integers(1, 7))
def test_parts_keep_to_the_limit(wanted: set[Target], most: int) -> None:
    """Still the same pairs, each once, however small a call has to be."""
    parts = cover(wanted, most)

    assert Counter(wanted) == Counter(pair for each in parts for pair in each.pairs)
    assert all(1 <= len(each.pairs) <= most for each in parts)


def test_what_is_alike_goes_together() -> None:
    """Accounts with equal Regions, or Regions with equal accounts: whichever are fewer calls."""
    by_accounts = cover(grid("12", "ab") | grid("3", "a"))
    by_regions = cover(grid("123", "a") | grid("12", "b") | grid("4", "cd"))
    steps = cover(grid("1", "abc") | grid("2", "ab") | grid("3", "a") | grid("4", "b"))

    assert (Rectangle(("1", "2"), ("a", "b")), Rectangle(("3",), ("a",))) == by_accounts
    assert 3 == len(by_regions)
    assert [each.regions for each in steps] == [("c",), ("a",), ("b",)]


def test_accounts_are_divided_before_regions() -> None:
    """So that the order of the Regions holds within a call."""
    parts = cover(grid("123", "ab"), 4)

    assert (Rectangle(("1", "2"), ("a", "b")), Rectangle(("3",), ("a", "b"))) == parts


@pytest.mark.parametrize("accounts", ["123", "12", "3"])
def test_only_everyone_is_named_by_units(accounts: str) -> None:
    """The calls touch exactly the pairs, seen from the organization's side."""
    wanted = grid(accounts, "ab")

    (call,) = cover_of_members(wanted, MEMBERS, UNITS)

    assert (("ou-a", "ou-b") if accounts == "123" else ()) == call.units
    assert wanted == call.pairs == meant(call, MEMBERS)


def test_uneven_pairs_are_named_partly_by_units() -> None:
    """Region a has everyone, the others have some."""
    members = (*MEMBERS, Member("4", "ou-b"))
    wanted = grid("1234", "a") | grid("12", "b") | grid("23", "c")

    calls = cover_of_members(wanted, members, UNITS)

    assert {("a",): ("ou-a", "ou-b"), ("b",): (), ("c",): ()} == {
        each.regions: each.units for each in calls
    }


def test_a_unit_with_a_suspended_account_is_not_named_as_a_whole() -> None:
    """That account is not among the pairs, so the others are named one by one."""
    members = (*MEMBERS, Member("4", "ou-b", suspended=True))

    (call,) = cover_of_members(grid("123", "ab"), members, UNITS)

    assert () == call.units
    assert grid("123", "ab") == meant(call, members)


@CALM
@given(pairs, st.sets(st.sampled_from("123456")))
def test_service_managed_calls_touch_exactly_the_pairs(
    wanted: set[Target], suspended: set[str]
) -> None:
    """Whichever accounts are suspended, and whatever the shape of the pairs."""
    members = tuple(Member(each, "ou-a", each in suspended) for each in "123456")
    active = {each for each in wanted if each.account not in suspended}

    calls = cover_of_members(active, members, UNITS)

    assert Counter(active) == Counter(pair for each in calls for pair in meant(each, members))


@pytest.mark.parametrize(
    ("accounts", "members", "units", "fault"),
    [
        ("19", MEMBERS, UNITS, "none of the organizational units: 9; name a unit"),
        ("1", (Member("1", "ou-a", suspended=True),), UNITS, "suspended .* a target: 1"),
        (
            "1",
            MEMBERS,
            Organization(tuple(f"ou-{each}" for each in range(MOST_UNITS + 1)), ("a",)),
            "51 organizational units are named and a call takes at most 50",
        ),
    ],
)
def test_what_no_call_can_say_is_refused(
    accounts: str, members: tuple[Member, ...], units: Organization, fault: str
) -> None:
    with pytest.raises(UsageError, match=fault):
        cover_of_members(grid(accounts, "a"), members, units)


def test_who_joined_meanwhile_is_noticed() -> None:
    """The proof can be asked for again: units may have got another account, or lost one."""
    wanted = grid("123", "a")
    calls = cover_of_members(wanted, MEMBERS, UNITS)

    prove(wanted, calls, MEMBERS)
    with pytest.raises(UsageError, match="exactly the targets: also 4/a$"):
        prove(wanted, calls, (*MEMBERS, Member("4", "ou-a")))
    with pytest.raises(UsageError, match="exactly the targets: not 3/a$"):
        prove(wanted, calls, MEMBERS[:2])
    with pytest.raises(UsageError, match="exactly the targets: also 1/a$"):
        prove(wanted, (*calls, Rectangle(("1",), ("a",))), MEMBERS)
