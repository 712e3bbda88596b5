"""A system's moves as jobs: who is asked, what is said besides, and what is taken back."""

from __future__ import annotations

from tapcfn.model import ApprovalCheck, Gate, Move, Phase, Rollout, Target
from tapcfn.pipelines import Leg, system
from tests.fakes import a_stack


def made(*moves: Move) -> tuple[Leg, ...]:
    stack = a_stack("one", target=Target("111111111111", "eu-west-1"))
    rollout = Rollout("shop", "prod", (Phase("all", (stack,)),), moves=moves)
    return system(rollout, "shop", "prod", "production").legs


SYNC = Move("sync", "wait")
SHIFTS = tuple(Move(f"shift-{n}", f"{n} %", falls_back=True, minutes=11) for n in (10, 50, 100))


def test_the_steps_of_a_shift_are_one_job() -> None:
    """It goes back to where the shift began; what waits only has nothing to take back."""
    sync, shift = made(SYNC, *SHIFTS)

    assert (sync.name, sync.after, sync.until, sync.back_to) == ("sync", "green", "sync", "")
    assert (shift.name, shift.after, shift.until, shift.back_to) == (
        *("shift", "sync", "shift-100", "sync"),
    )
    assert shift.title == "shift-10 to shift-100"
    assert shift.limit == 60 + 2 * 33


def test_a_shift_without_anything_before_goes_back_to_the_base() -> None:
    assert made(*SHIFTS)[0].back_to == "base"


def test_what_is_for_good_asks_somebody_else_and_is_agreed_to_by_name() -> None:
    """Two moves across one point are one job; its needs stand there once."""
    ends = [
        Move(name, name, forever="it is gone", confirm="give-up", needs=("--lift-protection",))
        for name in ("close", "retire")
    ]
    _, last = made(SYNC, *ends)

    assert last.environment == "production-for-good"
    assert last.until == "retire"
    assert last.options == "--confirm-point-of-no-return give-up --lift-protection"
    assert last.back_to == ""


def test_a_question_is_answered_by_the_approval_of_the_job() -> None:
    """In a pipeline nobody can be asked once it runs."""
    gate = Gate("writes-stopped", ApprovalCheck("have writes stopped?"))

    assert made(Move("stop-writes", "stop", gates=(gate,)))[0].options == "--approve writes-stopped"


def test_no_job_is_longer_than_github_allows() -> None:
    assert made(Move("watch", "watch", minutes=1_000))[0].limit == 350


def test_a_system_is_named_where_hyphens_only_are_allowed() -> None:
    rollout = Rollout("shop", "prod", ())

    assert system(rollout, "examples/my_shop", "", "production").slug == "examples-my-shop"
    assert system(rollout, "shop", "prod", "production").journey == ""
