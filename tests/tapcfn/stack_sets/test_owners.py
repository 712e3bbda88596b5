"""Whose a stack is already is found before it is adopted, and said by name. (D-24)"""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.errors import CloudError
from tapcfn.model import StackSet, Target
from tapcfn.stack_sets.owners import BLUEPRINT, STAGE, Owners, instances_of_others
from tests.fakes.pool import InlinePool
from tests.fakes.set_cloud import FakeSetCloud
from tests.tapcfn.stack_sets.examples import EAST, A, B, a_set

OURS = ("blue", "test")
HERE = Target(A, EAST)
ID = "8948c924-6883-4eb8-9925-bc94c555550a"


def owner(name: str = "legacy", tags: dict[str, str] | None = None, **known: Any) -> str:
    """Return whose a stack is."""
    return Owners(OURS, **known).owner("arn:1", (HERE, name), tags or {})


def test_what_nobody_has_is_free() -> None:
    """So is what this rollout has left behind: it has the rollout's tags, and no unit of it."""
    assert owner() == ""
    assert owner(tags={BLUEPRINT: "blue", STAGE: "test"}) == ""
    assert owner(tags={"team": "a"}) == ""


@pytest.mark.parametrize(
    ("how", "who"),
    [
        ({"instances": {"arn:1": "network"}}, "stack set network"),
        ({"units": {(HERE, "legacy")}}, "this rollout, as its stack legacy"),
        ({"tags": {BLUEPRINT: "blue", STAGE: "live"}}, "the rollout blue of stage live"),
        ({"tags": {BLUEPRINT: "red", STAGE: "test"}}, "the rollout red of stage test"),
        ({"made": {(HERE, "legacy"): "/there/tapcfn.toml"}}, "/there/tapcfn.toml"),
    ],
)
def test_the_owner_is_named(how: dict[str, Any], who: str) -> None:
    """A set by its instances, a rollout by its tags, a folder by what the ledger says."""
    assert owner(**how) == who


def test_the_same_name_elsewhere_is_another_stack() -> None:
    """In another account."""
    there = Target(B, EAST)

    assert owner(units={(there, "legacy")}, made={(there, "legacy"): "/x"}) == ""


def test_a_stack_that_a_known_set_has_left_may_come_back() -> None:
    """Retained stacks come back only this way. A set of a longer name is another one."""
    name = f"StackSet-base-{ID}"

    assert owner(name, sets={"base": True}) == ""
    assert owner(name, sets={"base": False}) == ""
    assert owner(name, sets={"baseline": True}).startswith("stack set base, which is another")
    assert owner(name, sets=None).startswith("stack set base, which is another")
    assert owner(name, sets={"base": True}, instances={"arn:1": "base"}) == "stack set base"


def test_every_other_set_of_the_administrator_is_asked() -> None:
    """Those of the rollout and all others; not the set itself, nor one that is gone."""
    sets, warned = FakeSetCloud(), []
    for name in ("another", "baseline", "gone"):
        sets.has(a_set(HERE, name=name))
    del sets.deployed["gone"]

    told, known = instances_of_others(a_set(HERE), sets, InlinePool(), warned.append)

    assert set(told.values()) == {"another"}
    assert known == {"another": True, "baseline": True, "gone": False}
    assert warned == []


def test_sets_that_may_not_be_listed_are_said() -> None:
    """And nothing is known of them then."""

    class Closed(FakeSetCloud):
        def known_sets(self, stack_set: StackSet) -> dict[str, bool]:
            raise CloudError("no", code="AccessDenied", lasting=True)

    warned: list[str] = []

    assert instances_of_others(a_set(), Closed(), InlinePool(), warned.append) == ({}, None)
    assert "other stack sets can't be listed" in warned[0]
