"""Past runs in a word."""

from __future__ import annotations

import pytest

from tapcfn.cli.app import STATUSES
from tapcfn.report.past import outcome_of
from tapcfn.runs import Run


@pytest.mark.parametrize(
    ("code", "word"),
    [(None, "no last word"), (0, "done"), (1, "failed"), (5, "partial"), (10, "changes")],
)
def test_a_run_is_called_by_how_it_ended(code: int | None, word: str) -> None:
    """A plan that has found changes has not failed."""
    assert outcome_of(Run("run-1", "plan", exit_code=code)) == word


def test_no_exit_code_but_one_is_called_failed() -> None:
    words = {code: outcome_of(Run("run-1", "apply", exit_code=code)) for code in STATUSES}

    assert [code for code, word in words.items() if word == "failed"] == [1]
