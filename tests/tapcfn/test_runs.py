"""Past runs: which one is to be gone on with, and what it had begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapcfn.runs import Run, StackRun, begun_by, read, unfinished


def a_run(name: str, code: int | None, command: str = "apply", **more: object) -> Run:
    return Run(name, command, "blue", str(more.pop("stage", "test")), exit_code=code, **more)


STACK = StackRun("one", "1", "r", "create")


@pytest.mark.parametrize(
    ("code", "stacks", "is_over"),
    [
        (None, (), False),
        (0, (), True),
        (1, (), False),
        (2, (), True),
        (4, (), True),
        (6, (), True),
        (7, (), False),
        (130, (STACK,), False),
        (130, (), True),
    ],
)
def test_what_was_killed_stopped_or_failed_can_be_gone_on_with(
    code: int | None, stacks: tuple[StackRun, ...], is_over: bool
) -> None:
    """What was done, refused or declined can not."""
    assert is_over is a_run("r", code, stacks=stacks).is_over


@pytest.mark.parametrize("command", ["plan", "recover", "drift", ""])
def test_only_what_deploys_or_destroys_is_gone_on_with(command: str) -> None:
    """A plan that was killed leaves change sets, which the next one finds."""
    assert a_run("r", None, command).is_over


def test_the_newest_that_did_not_end_is_taken() -> None:
    """Runs come newest first."""
    known = (a_run("4", None, "plan"), a_run("3", 7), a_run("2", None), a_run("1", 0))

    assert "3" == getattr(unfinished(known), "name", None)


def test_a_later_run_that_did_all_settles_the_earlier_ones_of_its_place() -> None:
    """Another stage's are not touched by it."""
    known = (a_run("3", 0), a_run("2", 7, stage="other"), a_run("1", None))

    assert "2" == getattr(unfinished(known), "name", None)
    assert None is unfinished((known[0], known[2]))


def test_what_was_begun_is_counted_over_all_runs_that_went_on() -> None:
    """A resumed run that was resumed: the first one's stacks are still its own."""
    two = StackRun("two", "1", "r", "")
    known = (
        a_run("3", 7, resumes="2", stacks=(StackRun("three", "1", "r", "update"),)),
        a_run("2", 7, resumes="1", stacks=(two,)),
        a_run("1", 7, stacks=(STACK,)),
    )

    assert {"one", "three"} == begun_by(known, known[0])


@pytest.mark.parametrize("text", ["", "[]\n", '{"kind": "run"', '{"kind": "run", "words": 3}\n'])
def test_an_odd_file_is_a_run_of_which_little_is_known(tmp_path: Path, text: str) -> None:
    """The process was killed before it had written a line, or somebody else wrote it."""
    (tmp_path / "r1.ndjson").write_text(text)

    (run,) = read(tmp_path)

    assert ("r1", "", (), None) == (run.name, run.command, run.words, run.exit_code)
