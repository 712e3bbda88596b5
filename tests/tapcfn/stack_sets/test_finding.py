"""Which pairs a set is meant for, by the accounts of its organization. (R-25)"""

from __future__ import annotations

import pytest

from tapcfn.model import AccountFilter, Member, Organization, Target
from tapcfn.stack_sets.finding import left_out, pairs_of
from tests.tapcfn.stack_sets.examples import a_set

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
MEMBERS = (Member(ONE, "ou-a"), Member(TWO, "ou-a", suspended=True), Member(THREE, "ou-a"))


@pytest.mark.parametrize(
    ("how", "named", "wanted"),
    [
        (AccountFilter.NONE, set(), {ONE, THREE}),
        (AccountFilter.INTERSECTION, {ONE, TWO}, {ONE}),
        (AccountFilter.DIFFERENCE, {ONE}, {THREE}),
    ],
)
def test_suspended_accounts_are_left_out(
    how: AccountFilter, named: set[str], wanted: set[str]
) -> None:
    """Nothing can be deployed there, whatever the filter says."""
    units = Organization(("ou-a",), ("us-east-1",), how, frozenset(named))

    pairs = pairs_of(a_set(organization=units), MEMBERS)

    assert {Target(each, "us-east-1") for each in wanted} == pairs


@pytest.mark.parametrize(
    ("how", "named", "missing"),
    [
        (AccountFilter.NONE, set(), [TWO]),
        (AccountFilter.INTERSECTION, {ONE}, []),
        (AccountFilter.INTERSECTION, {ONE, TWO}, [TWO]),
        (AccountFilter.DIFFERENCE, {TWO}, []),
    ],
)
def test_only_who_would_be_a_target_is_said_to_be_left_out(
    how: AccountFilter, named: set[str], missing: list[str]
) -> None:
    """An account that the filter takes out is nobody's business."""
    units = Organization(("ou-a",), ("us-east-1",), how, frozenset(named))

    assert missing == [each.account for each in left_out(a_set(organization=units), MEMBERS)]
    assert left_out(a_set(), MEMBERS) == ()
