"""Stacks that exist become instances: refused by name, ten at a time, as they are. (D-24)"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.errors import UsageError
from tapcfn.model import FoundSet, StackSet, StackStatus, Target
from tapcfn.stack_sets.adopting import Candidate, faults, place_of, plan_adoption
from tapcfn.stack_sets.calls import Act
from tapcfn.stack_sets.finding import resolve_set
from tapcfn.stack_sets.owners import Owners
from tapcfn.stack_sets.running import run
from tapcfn.stack_sets.spread import Wanted
from tests.tapcfn.stack_sets.examples import EAST, WEST, A, B, a_set
from tests.tapcfn.stack_sets.test_reverting import secret_set
from tests.tapcfn.stack_sets.test_running import Room

MANY = [Target(f"{number:012d}", EAST) for number in range(1, 26)]


def a_candidate(
    pair: Target, stack_set: StackSet, name: str = "legacy", **how: object
) -> Candidate:
    """Return a stack like the set's own."""
    stack_id = f"arn:aws:cloudformation:{pair.region}:{pair.account}:stack/{name}/1-2-3"
    usual = Candidate(
        stack_id,
        pair,
        name,
        StackStatus.CREATE_COMPLETE,
        stack_set.template.text,
        {"Size": "1"},
    )
    return replace(usual, **how)  # type: ignore[arg-type]


def wanted(stack_set: StackSet) -> Wanted:
    return resolve_set(stack_set, {}, FoundSet())[0]


def said(stack_set: StackSet, *candidates: Candidate, **how: object) -> list[str]:
    found = how.pop("found", FoundSet())
    owners = Owners(("blue", "test"), **how)  # type: ignore[arg-type]
    return list(faults(wanted(stack_set), candidates, found, owners))  # type: ignore[arg-type]


def test_the_set_is_made_and_takes_them_in_ten_at_a_time() -> None:
    """25 stacks are three calls; each pair once."""
    room = Room()
    stack_set = a_set(*MANY)
    stacks = [a_candidate(pair, stack_set) for pair in MANY]

    spread = plan_adoption(wanted(stack_set), stacks, FoundSet())

    assert run(spread, room.means()).exit_code == 0
    assert [each.call.act for each in room.sets.sent] == [Act.CREATE] + [Act.IMPORT] * 3
    taken = [stack_id for each in room.sets.sent for stack_id in each.call.stack_ids]
    assert [len(each.call.stack_ids) for each in room.sets.sent] == [0, 10, 10, 5]
    assert sorted(taken) == sorted(each.stack_id for each in stacks)


def test_a_second_run_goes_on_where_the_first_has_failed() -> None:
    """What has been adopted is passed over; the third batch alone is sent again."""
    room = Room()
    stack_set = a_set(*MANY)
    stacks = [a_candidate(pair, stack_set) for pair in MANY]
    here = room.sets.there.setdefault("baseline", {})
    room.sets.has(stack_set)
    for pair in MANY[20:]:
        del here[pair]
    for each in stacks[:20]:
        here[each.target] = replace(here[each.target], stack_id=each.stack_id)
    found = FoundSet(room.sets.deployed["baseline"], dict(here))

    assert said(stack_set, *stacks, found=found) == []
    spread = plan_adoption(wanted(stack_set), stacks, found)

    assert run(spread, room.means()).exit_code == 0
    assert [len(each.call.stack_ids) for each in room.sets.sent] == [5]
    whole = FoundSet(room.sets.deployed["baseline"], dict(here))
    assert not plan_adoption(wanted(stack_set), stacks, whole).has_work


def test_what_differs_in_a_stack_is_its_override() -> None:
    """A parameter that says what the set says is none."""
    stack_set = a_set()
    odd = a_candidate(Target(A, EAST), stack_set, parameters={"Size": "7"})
    usual = a_candidate(Target(B, EAST), stack_set)

    told = plan_adoption(wanted(stack_set), (odd, usual), FoundSet()).wanted.overrides

    assert told == {Target(A, EAST): {"Size": "7"}, Target(B, EAST): {}}


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"template": "{}"}, "its template is not that of baseline"),
        ({"parent": "arn:the-parent"}, "is nested in arn:the-parent"),
        ({"status": StackStatus.UPDATE_FAILED}, "is UPDATE_FAILED"),
        ({"target": Target("999999999999", EAST)}, "is no target of baseline"),
        (
            {"name": "StackSet-other-8948c924-6883-4eb8-9925-bc94c555550a"},
            "belongs to stack set other",
        ),
    ],
)
def test_a_stack_that_can_not_be_adopted_is_named_with_the_reason(
    how: dict[str, object], why: str
) -> None:
    """Before anything is written."""
    stack_set = a_set()
    good = a_candidate(Target(B, WEST), stack_set, "good")

    (fault,) = said(stack_set, a_candidate(Target(A, EAST), stack_set, **how), good)

    assert why in fault
    assert not fault.startswith("good")


def test_a_stack_of_another_set_is_refused() -> None:
    """By the StackId that the other set knows."""
    stack_set = a_set()
    stack = a_candidate(Target(A, EAST), stack_set)

    assert said(stack_set, stack, instances={stack.stack_id: "network"}) == [
        "legacy: belongs to stack set network"
    ]


def test_a_stack_that_the_set_has_left_behind_comes_back() -> None:
    """Retained stacks come back only by an import."""
    stack_set = a_set()
    name = "StackSet-baseline-8948c924-6883-4eb8-9925-bc94c555550a"
    stack = a_candidate(Target(A, EAST), stack_set, name)

    assert said(stack_set, stack, sets={"baseline": True}) == []


def test_two_stacks_in_one_pair_and_a_pair_that_is_taken_are_refused() -> None:
    """A pair is one stack."""
    room = Room()
    stack_set = a_set()
    here, there = Target(A, EAST), Target(B, EAST)
    room.sets.has(stack_set, there)
    found = FoundSet(room.sets.deployed["baseline"], dict(room.sets.there["baseline"]))
    stacks = [
        a_candidate(here, stack_set, "one"),
        a_candidate(here, stack_set, "two"),
        a_candidate(there, stack_set, "three"),
    ]

    told = said(stack_set, *stacks, found=found)

    assert [each.partition(":")[0] for each in told] == ["two", "three"]


def test_no_secret_can_be_imported() -> None:
    """The service refuses them, after it has begun."""
    stack_set = secret_set("1")

    assert "NoEcho" in said(stack_set)[0]


def test_only_a_stack_id_says_where_a_stack_is() -> None:
    """A name could be anywhere."""
    stack_id = f"arn:aws:cloudformation:{EAST}:{A}:stack/legacy/0-1"

    assert place_of(stack_id) == (Target(A, EAST), "legacy")
    with pytest.raises(UsageError, match="no StackId"):
        place_of("legacy")
