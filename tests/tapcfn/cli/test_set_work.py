"""What is done to a set is guarded, whatever of it can be asked: secrets, inputs to come. (D-18)"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tapcfn.cli.console import Console
from tapcfn.cli.guarding import unused
from tapcfn.cli.set_work import do, plan_of
from tapcfn.cli.staged import code_of, durations, set_previews
from tapcfn.model import Phase, Rollout, StackSet
from tapcfn.report.outline import plan_text
from tests.fakes import a_template
from tests.tapcfn.stack_sets.examples import EAST
from tests.tapcfn.test_instance_previews import PAIRS, a_set
from tests.tapcfn.test_instance_previews import Fleet as Deployed
from tests.tapcfn.test_set_turns import NO_DATA, SAME_DATA
from tests.tapcfn.test_set_turns import Fleet as Waiting

KEY = {"Key": {"Type": "String", "NoEcho": True, "Default": "hush"}}


def desk(fleet: Deployed | Waiting, *stack_sets: StackSet) -> Any:
    """Return what a command works with; carrying anything out is a fault."""
    console = Console("run", json=False, color=False)
    world = fleet.world
    world.ledger.times = lambda action, unit: ()  # type: ignore[attr-defined]
    return SimpleNamespace(
        cloud=world.cloud,
        ledger=world.ledger,
        pool=world.pool,
        rollout=Rollout("blue", "test", (Phase("all", (), stack_sets),)),
        place=SimpleNamespace(is_local=True, settings=SimpleNamespace(allow_loss=())),
        session=SimpleNamespace(console=console, sample=None),
    )


def test_a_set_with_secrets_loses_no_data_by_a_revert(capsys: pytest.CaptureFixture[str]) -> None:
    """No change set tells what a secret does; the templates tell what goes. Exit 4, unbegun."""
    fleet = Deployed()
    wanted = a_set(*PAIRS, template=a_template("baseline", version="0", Parameters=KEY))

    code = do(desk(fleet, wanted), fleet.spread(wanted), "stackset revert", (), yes=True)

    assert code == 4
    told = capsys.readouterr()
    assert f"--allow-loss baseline/Bucket@{EAST}:remove" in told.out
    assert "values of NoEcho parameters are not known here" in told.out
    assert fleet.staged() == []


def test_a_set_without_secrets_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """A change set for each instance, and the same guard."""
    fleet = Deployed()
    wanted = a_set(*PAIRS, template=a_template("baseline", version="0"))

    assert do(desk(fleet, wanted), fleet.spread(wanted), "stackset retry", (), yes=True) == 4
    assert len(fleet.staged()) == 3
    assert "NoEcho" not in capsys.readouterr().out


def test_a_plan_is_blocked_by_what_a_set_that_waits_would_lose() -> None:
    """What the service alone can tell comes at its turn."""
    fleet = Waiting()

    def code(stack_set: StackSet, *allowed: str) -> int:
        planned, _ = fleet.planned(stack_set)
        here = desk(fleet, stack_set)
        return code_of((), set_previews(here, planned, frozenset(allowed)), applying=True)

    assert code(NO_DATA) == 4
    assert code(NO_DATA, f"baseline/Bucket@{EAST}:remove") == 0
    assert code(SAME_DATA) == 0


def test_an_allowance_for_a_set_that_waits_is_not_told_to_be_useless(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It may be needed at the set's turn."""
    fleet = Waiting()
    planned, _ = fleet.planned(SAME_DATA)
    allowed = frozenset({f"baseline/Bucket@{EAST}:replace"})
    here = desk(fleet, SAME_DATA)

    unused(here, planned, (), allowed, (), set_previews(here, planned, allowed))

    assert "allows nothing" not in capsys.readouterr().out


def test_a_saved_plan_says_how_long_its_sets_take() -> None:
    """As `plan` does, by what this folder has seen; nobody is asked for that. (D-11)"""
    fleet = Deployed()
    wanted = a_set(*PAIRS, template=a_template("baseline", version="2"))
    here = desk(fleet, wanted)
    here.ledger.times = lambda action, unit: (30.0, 40.0)
    planned = plan_of(here, fleet.spread(wanted), "apply")
    fleet.world.cloud.calls.clear()

    (told,) = durations(here, planned)

    assert "about 1 min 45 s" in plan_text(planned, (), 100, (told,))
    assert fleet.world.cloud.calls == []
