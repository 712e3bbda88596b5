"""What a plan file says of the files that it was made from."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tapcfn.cli.console import Console
from tapcfn.cli.options import Removal, Session
from tapcfn.cli.saving import commit_of, read
from tapcfn.errors import StaleError, UsageError
from tapcfn.plan import Plan
from tapcfn.runs import Run
from tapcfn.saved import About, dump
from tests.fakes import a_rollout


def git(folder: Path, *words: str) -> str:
    """Do something in a repository, with nobody's own settings."""
    who = ["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"]
    found = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def test_a_folder_that_is_no_repository_has_no_commit(tmp_path: Path):
    """Nor has one that is not there."""
    assert commit_of(tmp_path) is None
    assert commit_of(tmp_path / "gone") is None


def test_the_commit_is_whole_and_marked_where_the_files_differ(tmp_path: Path):
    """An abbreviation may mean another commit one day; a tag is no commit."""
    file = tmp_path / "stacks.yaml"
    file.write_text("1")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    git(tmp_path, "tag", "-a", "v1", "-m", "v1")
    commit = git(tmp_path, "rev-parse", "HEAD")

    clean = commit_of(tmp_path)
    file.write_text("2")

    assert (commit, f"{commit}-dirty") == (clean, commit_of(tmp_path))


def an_old_file(folder: Path) -> Path:
    """Return a plan file that has run out."""
    file = folder / "plan.json"
    about = About("1", None, datetime(2020, 1, 1, tzinfo=UTC))
    file.write_text(dump(Plan(a_rollout(), ()), (), frozenset(), about))
    return file


def test_what_has_begun_may_end_though_its_plan_has_run_out(tmp_path: Path):
    """The time is for starting; a rollout that was left half done helps nobody."""
    session = Session("none", Console("run", json=False, color=False))
    file = an_old_file(tmp_path)

    with pytest.raises(StaleError, match="the plan has run out: it was good until 2020-01-01"):
        read(session, file, Removal(), ())
    session.resumes = Run("r1", "apply")

    found = read(session, file, Removal(), ())
    assert found is not None
    assert "blue" == found.blueprint


@pytest.mark.parametrize(
    ("removal", "allowed"),
    [
        (Removal(orphans=("old",)), ()),
        (Removal(buckets=frozenset({"b"})), ()),
        (Removal(lift_protection=True), ()),
        (Removal(), ("s/B",)),
    ],
)
def test_a_plan_file_is_not_widened_on_the_command_line(
    tmp_path: Path, removal: Removal, allowed: tuple[str, ...]
):
    """What was reviewed is what runs."""
    session = Session("none", Console("run", json=False, color=False))

    with pytest.raises(UsageError, match="says itself what goes and what may be lost"):
        read(session, an_old_file(tmp_path), removal, allowed)
