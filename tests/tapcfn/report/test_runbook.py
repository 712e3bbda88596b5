"""The runbook says what the rollout does, step by step, with every command and the way back."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tapcfn.journey import backward, forward
from tapcfn.report.journeys import (
    begun_text,
    legs_text,
    phases_text,
    points_text,
    standing_text,
)
from tapcfn.report.runbook import runbook_html, runbook_markdown
from tests.tapcfn.test_journey import ROLLOUT

TEXT = runbook_markdown(ROLLOUT, "tapcfn", "shop --stage prod")


def section(name: str) -> str:
    """Return the part of one step."""
    (found,) = [part for part in TEXT.split("\n## ") if part.split("\n")[0].endswith(f" {name}")]
    return found


@pytest.mark.parametrize("move", ROLLOUT.moves, ids=lambda move: move.name)
def test_every_step_has_its_command(move) -> None:
    """The one that takes it, with the word that crosses its point of no return."""
    wanted = f"tapcfn apply shop --stage prod --until {move.name}"

    assert wanted in section(move.name)


def test_every_step_says_the_way_back_or_why_there_is_none() -> None:
    """Before the point of no return there is always one."""
    assert "tapcfn apply shop --stage prod --back-to shift-50" in section("shift-100")
    assert "--back-to base" in section("sync")
    assert "**No way back:** it is deleted." in section("retire")
    assert "--back-to" not in section("retire")


def test_a_step_says_what_changes_and_what_it_waits_for() -> None:
    """In the words of what is carried out."""
    text = section("shift-50")

    assert "- update `dns` (Weight = 50)" in text
    assert "- **errors**: a person says yes: ok? (given up after 10 min 00 s)" in text


def test_the_page_needs_nothing_else() -> None:
    """No script, no picture, no font from anywhere."""
    page = runbook_html(TEXT, "Runbook: <shop>")
    fetched = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            fetched.extend(name for name, _ in attrs if name in {"src", "href"})

    Links().feed(page)
    assert fetched == []
    assert "<title>Runbook: &lt;shop&gt;</title>" in page
    assert "<table>" in page


def test_the_same_rollout_gives_the_same_bytes() -> None:
    """No time and no chance in it."""
    assert TEXT == runbook_markdown(ROLLOUT, "tapcfn", "shop --stage prod")


def test_phases_say_what_is_done_and_how_far_it_can_go_back() -> None:
    """At a glance."""
    lines = phases_text(ROLLOUT, 2, ("shift-50",)).splitlines()

    assert [line.split()[:2] for line in lines if line[:1] not in {"", " "}][:3] == [
        ["done", "base"],
        ["done", "sync"],
        ["here", "shift-50"],
    ]
    assert "stands at shift-50; can be taken back to base" == lines[-1]
    assert any(line.startswith("next  shift-100") for line in lines)


def test_the_way_is_told_before_it_is_gone() -> None:
    """Each leg with what it changes; the way back with what stays."""
    there = legs_text(ROLLOUT, forward(ROLLOUT, 1, 3, ("sync",)))
    back = legs_text(ROLLOUT, backward(ROLLOUT, 3, 1))

    assert "      dns: Weight=50" in there.splitlines()
    assert [line.split()[1] for line in back.splitlines()] == ["shift-100", "shift-50"]


def test_the_end_says_how_to_go_on_and_back() -> None:
    """With commands that can be copied."""
    text = standing_text(ROLLOUT, 3, "tapcfn apply shop")

    assert "on:   tapcfn apply shop --until retire" in text
    assert "back: tapcfn apply shop --back-to shift-50" in text
    assert "back" not in standing_text(ROLLOUT, 4, "tapcfn apply shop")


def test_a_command_has_all_that_its_move_needs() -> None:
    """On paper, before the way, and where it stands: nobody finds out half way."""
    command = "--until retire --confirm-point-of-no-return give-up --lift-protection"

    assert f"tapcfn apply shop --stage prod {command}" in section("retire")
    legs = legs_text(ROLLOUT, forward(ROLLOUT, 3, 4, ("shift-100",)))
    assert "      needs: --lift-protection" in legs.splitlines()
    assert "--until retire --lift-protection" in standing_text(ROLLOUT, 3, "tapcfn apply shop")


def test_a_leg_that_stopped_says_what_it_left_and_both_ways() -> None:
    """A freeze that nobody thaws is the worst of them."""
    (leg,) = forward(ROLLOUT, 1, 2, ("sync",))
    frozen = replace(leg, move=replace(leg.move, look="nobody can write"))
    (back,) = backward(ROLLOUT, 2, 1)
    last = forward(ROLLOUT, 3, 4, ("shift-100",))[0]

    assert begun_text(ROLLOUT, frozen, "apply").splitlines() == [
        "shift-50 was begun and is not over: nobody can write",
        "  on:   apply --until shift-50",
        "  back: apply --back-to sync",
    ]
    assert begun_text(ROLLOUT, back, "apply").splitlines() == [
        "shift-50 is not wholly taken back",
        "  on:   apply --back-to sync",
    ]
    assert "--back-to" not in begun_text(ROLLOUT, last, "apply")


def test_a_move_whose_gates_nobody_saw_hold_is_not_called_done() -> None:
    """Nor is one that has passed doubted."""
    assert phases_text(ROLLOUT, 2).endswith(
        "shift-50 was not seen to be over: its gates are held again first"
    )
    assert "not seen" not in phases_text(ROLLOUT, 2, ("shift-50",))
    assert "not seen" not in phases_text(ROLLOUT, 0)


def test_points_of_no_return_are_named_while_they_are_ahead() -> None:
    """In one line."""
    assert points_text(ROLLOUT, 0) == "points of no return ahead: retire (give-up)"
    assert points_text(ROLLOUT, 4) == ""
