"""`pipeline init` for a repository of somebody's own, and `pipeline comment`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tapcfn.cli.app import run
from tests.machine import read_lines

EXAMPLE = Path(__file__).parents[3] / "examples" / "plain"
REPOSITORY = ["--repository", "somebody/shop"]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a folder of templates, and none of tapcfn's own packages in it."""
    shutil.copytree(EXAMPLE, tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*words: str) -> int:
    return run("there.are.none", ["pipeline", "init", *words])


def test_a_folder_of_templates_gets_workflows(repository: Path) -> None:
    """It says its stage itself; where it has no moves there is no workflow for them."""
    assert init("shop/:staging", *REPOSITORY, "--branch", "trunk") == 0

    found = {path.name for path in (repository / ".github" / "workflows").iterdir()}
    assert found == {"deploy.yml", "nightly.yml", "pull-request.yml", "system.yml"}
    text = (repository / ".github" / "workflows" / "deploy.yml").read_text()
    (matrix,) = yaml.safe_load(text)["jobs"]["system"]["strategy"]["matrix"]["include"]
    assert (matrix["blueprint"], matrix["stage"], matrix["environment"]) == ("shop/", "", "staging")
    assert "branches: [trunk]" in text
    assert "github.repository == 'somebody/shop'" in text


def test_what_somebody_has_changed_is_not_written_over(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless it is said; what is as it would be is left alone."""
    assert init("shop/", *REPOSITORY) == 0
    file = repository / ".github" / "scripts" / "deploy.sh"
    file.write_text("mine\n")
    capsys.readouterr()

    assert init("shop/", *REPOSITORY) == 2
    assert ".github/scripts/deploy.sh: there already" in capsys.readouterr().err
    assert file.read_text() == "mine\n"
    assert init("shop/", *REPOSITORY, "--check") == 1
    assert capsys.readouterr().out == ".github/scripts/deploy.sh: differs\n"
    assert init("shop/", *REPOSITORY, "--force") == 0
    assert file.read_text() != "mine\n"
    assert file.stat().st_mode & 0o111
    assert init("shop/", *REPOSITORY, "--check") == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["shop/", "--repository", "shop"], 'repository "shop": allowed: OWNER/NAME'),
        (["shop/:pro d", *REPOSITORY], 'environment "pro d": allowed: letters'),
        (["shop/", "shop/", *REPOSITORY], "two of the systems are called alike"),
        (["shop/", *REPOSITORY, "--branch", "a]b"], 'branch "a]b": allowed: '),
        (["nowhere/", *REPOSITORY], "nowhere"),
    ],
)
def test_what_would_be_no_workflow_is_refused(
    repository: Path, words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, and nothing is written."""
    assert init(*words) == 2
    assert why in capsys.readouterr().err
    assert not (repository / ".github").exists()


def test_programs_are_told_in_lines_of_json(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was written, what differs, and the comment; held against the schema."""
    title = ["pipeline", "comment", "--title", "Shop", "--json"]

    assert init("shop/", *REPOSITORY, "--json") == 0
    written = read_lines(capsys.readouterr().out)[0]
    assert init("shop/", *REPOSITORY, "--check", "--json") == 0
    checked = read_lines(capsys.readouterr().out)[0]
    assert run("there.are.none", title) == 0
    told = read_lines(capsys.readouterr().out)[0]

    assert (written["type"], written["environments"]) == ("pipeline.written", ["production"])
    assert ".github/workflows/deploy.yml" in written["changed"]
    assert (checked["type"], checked["changed"]) == ("pipeline.checked", [])
    assert (told["type"], told["text"]) == ("pipeline.comment", "## Shop\n")


def test_a_comment_is_printed(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From files that other commands have written."""
    (repository / "plan.md").write_text("### tapcfn plan: done\n")
    words = ["--title", "Shop", "--plan", "plan.md", "--marker", "shop"]

    assert run("there.are.none", ["pipeline", "comment", *words]) == 0
    assert capsys.readouterr().out == "<!-- shop -->\n\n## Shop\n\n### tapcfn plan: done\n"
