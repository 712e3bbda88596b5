"""What shells are offered, asked as their scripts ask it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tapcfn.cli import names
from tapcfn.cli.app import cli
from tapcfn.cli.completing import SHELLS, VARIABLE
from tapcfn.cli.console import Console
from tapcfn.cli.options import Session
from tapcfn.cli.workplace import Workplace
from tapcfn.config import Common
from tapcfn.model import Move
from tests.fakes import a_rollout, a_stack

PROJECT = Path(__file__).parents[3]
STATE = Path(".tapcfn")

Offered = Callable[..., list[str]]


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Offered:
    """Return what is offered for a command line, its last word begun, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def ask(*words: str, shell: str = "bash") -> list[str]:
        monkeypatch.setenv("COMP_WORDS", " ".join(("tapcfn", *words)))
        monkeypatch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words)))
        session = Session("templates.blueprints", Console("r", json=False, color=False))
        side = SHELLS[shell](cli, {"obj": session}, "tapcfn", VARIABLE)
        found = side.get_completions(*side.get_completion_args())
        return [each.value if each.type == "plain" else f"<{each.type}>" for each in found]

    return ask


def keep(*stacks: str, blueprint: str = "shop", stage: str = "prod", plain: str = "") -> None:
    """Write down what a command on a rollout would."""
    rollout = a_rollout(phases={"base": [a_stack(each) for each in stacks], "rest": []})
    moves = (Move("shift", "a tenth"), Move("promote", "over", confirm="no-way-back"))
    rollout = replace(rollout, moves=moves)
    settings = Common(backend="local")
    names.keep(STATE, Workplace(blueprint, stage, settings, rollout, plain=plain))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pl",), ["plan"]),
        (("stackset", "re"), ["retry", "revert"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("plan", "repl"), ["replicated_storage"]),
        (("plan", "x", "--st"), ["--stage"]),
        (("plan", "replicated_storage", "--stage", "l"), ["local"]),
        (("plan", "--stage", "examp"), ["example"]),
        (("schema", "regional"), ["regional_web"]),
        (("notify", "x", "--job", "f"), ["failure"]),
        (("plan", "./folder"), ["<file>"]),
        (("plan", "x", "--out", ""), ["<file>"]),
    ],
)
def test_words_that_are_always_there(
    offered: Offered, words: tuple[str, ...], told: list[str]
) -> None:
    """Commands, options, blueprints, stages and choices."""
    assert told == offered(*words)


def test_folders_of_templates_stand_beside_blueprints(offered: Offered) -> None:
    """Those that lie here."""
    Path("regional_shop").mkdir()
    Path("regional_shop/tapcfn.toml").touch()

    assert ["regional_web", "regional_shop"] == offered("plan", "regional_")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("plan", "shop", "--stage", "prod", "--only", ""), ["prod-app", "prod-db"]),
        (("destroy", "shop", "--stage", "prod", "--force-delete", "prod-a"), ["prod-app"]),
        (("plan", "shop", "--stage", "prod", "--phase", ""), ["base", "rest"]),
        (("plan", "shop", "--stage", "=", "prod", "--only", ""), ["prod-app", "prod-db"]),
        (("apply", "shop", "--stage", "prod", "--until", ""), ["base", "rest", "shift", "promote"]),
        (("apply", "shop", "--stage", "prod", "--back-to", ""), ["base", "shift", "promote"]),
        (("apply", "shop", "--confirm-point-of-no-return", ""), ["no-way-back"]),
        (("plan", "shop", "--stage", "other", "--only", ""), []),
        (("plan", "other", "--stage", "prod", "--only", ""), []),
        (("plan", "plain", "--only", ""), ["plain-topic"]),
        (("plan", "plain/tapcfn.toml", "--only", ""), ["plain-topic"]),
    ],
)
def test_names_are_those_that_the_last_command_saw(
    offered: Offered, words: tuple[str, ...], told: list[str]
) -> None:
    """Of the blueprint and the stage that are named, or of the folder."""
    keep("prod-app", "prod-db")
    keep("plain-topic", blueprint="plain", stage="main", plain="plain")

    assert told == offered(*words)


def test_runs_are_offered_newest_first(offered: Offered) -> None:
    """With what they did, where a shell shows that; a torn file takes nothing away."""
    (STATE / "runs").mkdir(parents=True)
    for run, command in (("1-a", "apply"), ("2-b", "destroy")):
        about = {"kind": "run", "command": command, "blueprint": "shop", "stage": "prod"}
        (STATE / "runs" / f"{run}.ndjson").write_text(json.dumps(about) + "\n")

    assert ["2-b", "1-a"] == offered("resume", "")
    assert ["2-b", "1-a", "shop"] == offered("runs", "")


@pytest.mark.parametrize("words", [("plan", "shop", "--only", ""), ("resume", "")])
def test_what_is_broken_offers_nothing(offered: Offered, words: tuple[str, ...]) -> None:
    """And says nothing either."""
    for folder in ("runs", "names"):
        (STATE / folder).mkdir(parents=True)
        (STATE / folder / "x.ndjson").write_text("{torn")
        (STATE / folder / "x.json").write_text("[]{torn")

    assert [] == offered(*words)


@pytest.mark.parametrize(
    ("shell", "words", "told"),
    [
        ("bash", ("plan", "x", "--stage", "=", "loc"), ["local"]),
        ("bash", ("notify", "x", "--job", "="), ["success", "failure", "cancelled"]),
        ("bash", ("plan", "replicated_storage", "--stage", "=", "local", "--ti"), ["--timeout"]),
        ("zsh", ("plan", "x", "--stage=loc"), ["--stage=local"]),
        ("fish", ("notify", "x", "--job=f"), ["--job=failure"]),
    ],
)
def test_a_value_may_follow_an_equals_sign(
    offered: Offered, shell: str, words: tuple[str, ...], told: list[str]
) -> None:
    """Bash has split such a word in three; others put what is offered in place of all of it."""
    assert told == offered(*words, shell=shell)


def test_names_are_written_only_when_they_are_news(offered: Offered) -> None:
    """Most commands see what is written already."""
    keep("prod-app")
    (path,) = (STATE / "names").iterdir()
    before = path.stat().st_mtime_ns, path.stat().st_ino
    keep("prod-app")
    same = path.stat().st_mtime_ns, path.stat().st_ino
    keep("prod-app", "prod-db")

    assert before == same
    assert ["prod-app", "prod-db"] == json.loads(path.read_text())["stacks"]


def test_names_that_cannot_be_written_are_not_missed(offered: Offered) -> None:
    """A completion is not worth an error."""
    STATE.write_text("a file where the folder should be")

    keep("prod-app")

    assert [] == offered("plan", "shop", "--only", "")


def test_a_completion_imports_nothing_heavy() -> None:
    """People wait for each: what takes its time to import stays out."""
    code = (
        "import os, sys\n"
        f"os.environ.update({{'{VARIABLE}': 'bash_complete', 'COMP_CWORD': '5',"
        " 'COMP_WORDS': 'tapcfn plan replicated_storage --stage local --only'})\n"
        "from tapcfn.cli.app import run\n"
        "try:\n"
        "    run('templates.blueprints', [])\n"
        "finally:\n"
        "    heavy = {'boto3', 'botocore', 'troposphere', 'cfnlint', 'pydantic', 'rich',"
        " 'slack_sdk', 'tapcfn.model'}\n"
        "    print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )

    assert (0, "plain,--only", "[]") == (
        done.returncode,
        done.stdout.strip(),
        done.stderr.strip(),
    )
