"""Every requirement has a test that names it, and the table that says so is current."""

from __future__ import annotations

from tests.requirements import TABLE, named, rows, table


def test_the_table_is_current() -> None:
    """It is written by `make documents`, never by hand."""
    assert table() == TABLE.read_text(encoding="utf-8")


def test_every_requirement_is_held_by_a_test_or_says_what_it_waits_for() -> None:
    """A row that nobody tests is a row that nobody built."""
    assert [row.id for row in rows() if not row.tests and not row.waits_for] == []


def test_every_test_names_rows_that_exist() -> None:
    """A misspelt row would hold nothing."""
    assert set(named()) <= {row.id for row in rows()}
