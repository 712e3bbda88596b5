"""Whatever happens on the way, a stack set ends in exactly the wanted pairs, as they are wanted.

A model of what is wanted and what is there: random targets, templates, overrides and waves;
failures, stops, deaths, lost answers and other people's operations; and again and again an apply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tapcfn.errors import StillRunningError
from tapcfn.model import Share, StackSet, Target, Wave, digest_of
from tapcfn.stack_sets.calls import Act
from tests.tapcfn.stack_sets.examples import EAST, EU, WEST, A, B, C, a_set
from tests.tapcfn.stack_sets.test_running import Room

ACCOUNTS = (A, B, C, "444444444444")
PAIRS = st.builds(Target, st.sampled_from(ACCOUNTS), st.sampled_from([EAST, WEST, EU]))
SOME = st.frozensets(PAIRS, min_size=1, max_size=8)


class DiedError(BaseException):
    """The process is gone."""


class Rollouts(RuleBasedStateMachine):
    """One stack set, and everybody who works on it."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room(at_a_look=2)
        self.wanted: StackSet = a_set(Target(A, EAST))
        self.foreign = 0

    # What is wanted ------------------------------------------------------------------------------

    @rule(pairs=SOME, version=st.sampled_from("123"), told=st.frozensets(PAIRS, max_size=3))
    def want(self, pairs: frozenset[Target], version: str, told: frozenset[Target]) -> None:
        """Other pairs, perhaps another template, and other values for some pairs."""
        overrides = {pair: {"Size": "9"} for pair in sorted(told & pairs)}
        self.wanted = a_set(*pairs, version=version, overrides=overrides)

    @rule(pairs=SOME, version=st.sampled_from("123"))
    def want_it_in_waves(self, pairs: frozenset[Target], version: str) -> None:
        """One pair first."""
        canary = (Wave("canary", Share(1)),) if len(pairs) > 1 else ()
        self.wanted = a_set(*pairs, version=version, waves=canary)

    # What goes wrong -----------------------------------------------------------------------------

    @rule(pairs=SOME, tolerance=st.integers(0, 2))
    def let_fail(self, pairs: frozenset[Target], tolerance: int) -> None:
        """Some pairs fail from now on."""
        self.room.sets.failing = dict.fromkeys(pairs, "no quota")
        self.room.sets.tolerance = tolerance

    @rule()
    def mend(self) -> None:
        """What failed would succeed now."""
        self.room.sets.failing = {}

    @rule(act=st.sampled_from([Act.UPDATE, Act.ADD, Act.OVERRIDE, Act.REMOVE, Act.CREATE]))
    def lose_an_answer(self, act: Act) -> None:
        """The next call of a kind takes effect, and its answer never comes."""
        self.room.sets.lost.add(act)

    @rule(looks=st.integers(1, 6))
    def somebody_works(self, looks: int) -> None:
        """Somebody else has an operation at work."""
        if "baseline" in self.room.sets.deployed:
            self.foreign += 1
            token = f"foreign-{self.foreign}"
            self.room.sets.somebody_works(self.wanted, looks, token)

    @rule(version=st.sampled_from("456"))
    def somebody_changes_the_set(self, version: str) -> None:
        """Somebody else puts another template into it."""
        if "baseline" in self.room.sets.deployed:
            self.room.sets.redefine("baseline", a_set(version=version).template.text)

    # What is done --------------------------------------------------------------------------------

    @rule()
    def apply(self) -> None:
        """Bring it to what is wanted, as far as that goes today."""
        self.try_to_apply()

    @rule(seconds=st.floats(0.0, 3.0))
    def apply_and_interrupt(self, seconds: float) -> None:
        """Ctrl-C on the way."""
        self.room.clock.at(
            self.room.clock.now() + seconds, lambda: setattr(self.room, "is_interrupted", True)
        )
        self.try_to_apply()
        self.room.clock.sleep(5.0)
        self.room.is_interrupted = False

    @rule(calls=st.integers(0, 12))
    def apply_and_die(self, calls: int) -> None:
        """The process is killed before one of its calls."""
        sets, left = self.room.sets, [calls]
        names = ("send", "operation", "instances", "results")
        whole = {name: getattr(sets, name) for name in names}
        for name, call in whole.items():
            setattr(sets, name, _counted(call, left))
        try:
            self.try_to_apply()
        except DiedError:
            pass
        finally:
            for name, call in whole.items():
                setattr(sets, name, call)

    def try_to_apply(self) -> None:
        """Apply; what is still at work is left at work."""
        try:
            outcome = self.room.apply(self.wanted, timeout=200)
        except StillRunningError:
            return
        if outcome.exit_code == 0:
            self.check()

    # What must hold ------------------------------------------------------------------------------

    def check(self) -> None:
        """Exactly the wanted pairs are there, with the wanted template and parameters."""
        deployed, there = self.room.sets.deployed["baseline"], self.room.sets.there["baseline"]
        assert digest_of(deployed.template) == self.wanted.template.digest
        assert there.keys() == self.wanted.pairs
        assert all(each.is_well for each in there.values())
        told = {pair: dict(each.overrides or {}) for pair, each in there.items()}
        assert told == {pair: dict(self.wanted.overrides.get(pair, {})) for pair in there}

    def teardown(self) -> None:
        """Once nothing goes wrong any more, a few applies are enough; nothing was begun twice."""
        self.room.sets.failing, self.room.sets.lost = {}, set()
        codes = [self.room.apply(self.wanted).exit_code for _ in range(3)]
        assert codes[-1] == 0
        self.check()
        ids = [each.operation.operation_id for each in self.room.sets.works.get("baseline", [])]
        assert len(ids) == len(set(ids))


def _counted(call: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    def do(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise DiedError
        return call(*args, **kwargs)

    return do


def test_it_converges_whatever_happens() -> None:
    """A seeded slice of the drill."""
    run_state_machine_as_test(
        Rollouts,
        settings=settings(max_examples=60, stateful_step_count=15, deadline=None, derandomize=True),
    )


@pytest.mark.drill
def test_it_converges_whatever_happens_for_long() -> None:
    """Many more, and longer ones."""
    run_state_machine_as_test(
        Rollouts, settings=settings(max_examples=3000, stateful_step_count=30, deadline=None)
    )
