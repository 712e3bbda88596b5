"""Who goes first: named pairs, counts and percentages, and the rest. (D-9)"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapcfn.errors import UsageError
from tapcfn.model import Share, Target, Wave
from tapcfn.stack_sets.waves import split

PAIRS = frozenset(Target(account, region) for account in "12345" for region in "ab")
CANARY = frozenset({Target("3", "b")})


def shown(*waves: Wave, order: tuple[str, ...] = ()) -> list[tuple[str, list[str]]]:
    parts = split(PAIRS, waves, order)
    return [(name, [str(each) for each in sorted(pairs)]) for name, pairs, _ in parts]


def test_without_waves_all_go_together() -> None:
    assert (("all", PAIRS, None),) == split(PAIRS, ())
    assert () == split((), ())


def test_what_is_named_goes_first_and_what_is_left_last() -> None:
    canary = Wave("canary", CANARY, bake=60)

    assert (("canary", CANARY, canary), ("rest", PAIRS - CANARY, None)) == split(PAIRS, [canary])


def test_shares_are_of_all_pairs_by_region_and_account() -> None:
    """Two, then a quarter of ten, rounded down; a Region has it all before the next begins."""
    waves = (Wave("first", Share(2)), Wave("second", Share(25, percent=True)))

    assert [
        ("first", ["1/a", "2/a"]),
        ("second", ["3/a", "4/a"]),
        ("rest", ["1/b", "2/b", "3/b", "4/b", "5/a", "5/b"]),
    ] == shown(*waves)
    assert ("first", ["1/b", "2/b"]) == shown(*waves, order=("b",))[0]


def test_what_a_later_wave_names_is_left_to_it() -> None:
    waves = (Wave("most", Share(9)), Wave("last", frozenset({Target("1", "a")})))

    assert [("most", 9), ("last", 1)] == [(name, len(pairs)) for name, pairs in shown(*waves)]
    assert ["1/a"] == shown(*waves)[1][1]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.builds(Share, st.integers(1, 30), st.booleans()), max_size=4), st.data())
def test_each_pair_is_in_one_wave(sizes: list[Share], data: st.DataObject) -> None:
    """Whatever the waves, unless they ask for more than there is."""
    named = data.draw(st.sets(st.sampled_from(sorted(PAIRS)), max_size=3))
    waves = [Wave(str(number), size) for number, size in enumerate(sizes)]
    waves += [Wave("named", frozenset(named))] if named else []
    try:
        parts = split(PAIRS, waves)
    except UsageError:
        counts = [each.of(10) for each in sizes]
        assert sum(counts) + len(named) > 10 or 0 in counts
        return

    assert sorted(PAIRS) == sorted(pair for _, pairs, _ in parts for pair in pairs)
    assert all(pairs for _, pairs, _ in parts)


@pytest.mark.parametrize(
    ("waves", "fault"),
    [
        ([Wave("w", frozenset({Target("9", "a")}))], "wave w: 9/a is not among the set's pairs"),
        ([Wave("v", CANARY), Wave("w", CANARY)], "wave w: 3/b is in wave v as well"),
        ([Wave("w", frozenset())], "wave w: it names no pair"),
        ([Wave("w", Share(9, percent=True))], "wave w: 9 % of 10 pairs is none"),
        ([Wave("w", Share(11))], "wave w: 11 of 10 pairs is 11, but only 10 are left"),
        ([Wave("v", Share(9)), Wave("w", Share(20, percent=True))], "is 2, but only 1 are left"),
        ([Wave("w", Share(1)), Wave("w", Share(1))], "wave w: 2 waves have this name"),
        ([Wave("rest", Share(1))], "wave rest: that is the name of what no wave takes"),
    ],
)
def test_waves_that_make_no_sense_are_refused(waves: list[Wave], fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        split(PAIRS, waves)
