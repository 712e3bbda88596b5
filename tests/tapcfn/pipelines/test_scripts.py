"""The scripts of the workflows: what they call, what they tell later steps, and how they end.

`tapcfn` and `gh` are programs that note what they are called with, and end as they are told; the
drill runs the scripts with the real one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[3] / ".github" / "scripts"

# Notes its words, says what `<command>.out` holds, and ends as `<command>.code` says.
PROGRAM = """\
#!{python}
import os, signal, sys, time
from pathlib import Path
from typing import Any

here, words = Path({store!r}), sys.argv[1:]
with (here / "calls").open("a") as file:
    file.write(" ".join([{name!r}, *words]) + "\\n")
key = "-".join(word for word in words[:2] if word.replace("-", "").isalnum())
for each in (key, words[0]):
    if (here / f"{{each}}.out").is_file():
        print((here / f"{{each}}.out").read_text(), end="")
        break
if (here / "slow").exists() and words[0] == "apply":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    (here / "ready").touch()
    time.sleep(60)
if "--out" in words and words[0] == "bundle":
    folder = Path(words[words.index("--out") + 1])
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{{}}")
if "--dir" in words:
    Path(words[words.index("--dir") + 1]).mkdir(parents=True)
code = here / f"{{words[0]}}.code"
sys.exit(int(code.read_text()) if code.is_file() else 0)
"""


@dataclass
class Runner:
    """A folder with the scripts, and programs that note what they are called with."""

    root: Path

    def says(self, command: str, out: str = "", code: int = 0) -> None:
        (self.root / "store" / f"{command}.out").write_text(out)
        (self.root / "store" / f"{command}.code").write_text(str(code))

    @property
    def calls(self) -> list[str]:
        file = self.root / "store" / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def outputs(self) -> dict[str, str]:
        file = self.root / "output"
        lines = file.read_text().splitlines() if file.exists() else []
        return dict(line.split("=", 1) for line in lines)

    def environment(self, **variables: str) -> dict[str, str]:
        return {
            "PATH": os.pathsep.join([str(self.root / "bin"), os.environ["PATH"]]),
            "GITHUB_OUTPUT": str(self.root / "output"),
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_REF_NAME": "main",
            "TAPCFN_BLUEPRINT": "shop",
            "TAPCFN_STAGE": "prod",
            **variables,
        }

    def start(self, script: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.root / ".github" / "scripts" / script)],
            cwd=self.root,
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, script: str, **variables: str) -> tuple[int, str]:
        started = self.start(script, **variables)
        said, _ = started.communicate(timeout=30)
        return started.returncode, said

    def artifact(self) -> str:
        """Make what a plan leaves, and return its digest."""
        folder = self.root / "delivery"
        (folder / "bundle").mkdir(parents=True)
        (folder / "plan.json").write_text("{}")
        line = f"{hashlib.sha256(b'{}').hexdigest()}  ./plan.json\n"
        (folder / "SHA256SUMS").write_text(line)
        return hashlib.sha256(line.encode()).hexdigest()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    shutil.copytree(SCRIPTS, tmp_path / ".github" / "scripts")
    for name in ("bin", "store"):
        (tmp_path / name).mkdir()
    for name in ("tapcfn", "gh", "make"):
        program = tmp_path / "bin" / name
        text = PROGRAM.format(python=sys.executable, store=str(tmp_path / "store"), name=name)
        program.write_text(text)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    return Runner(tmp_path)


@pytest.mark.parametrize(("code", "changes"), [(0, "false"), (10, "true")])
def test_a_plan_says_whether_there_is_anything_to_approve(runner: Runner, code: int, changes: str):
    """And which digest the artifact has; it is planned from the bundle that is deployed."""
    runner.says("plan", code=code)

    ended, said = runner.run("plan.sh", GITHUB_SHA="abc")

    assert ended == 0, said
    assert runner.outputs["changes"] == changes
    sums = (runner.root / "delivery" / "SHA256SUMS").read_bytes()
    assert runner.outputs["digest"] == hashlib.sha256(sums).hexdigest()
    assert b"./bundle/manifest.json" in sums
    build, plan, page = runner.calls
    assert build == "tapcfn bundle build shop --stage prod --out delivery/bundle --commit abc"
    assert plan.startswith("tapcfn plan --from-bundle delivery/bundle --detailed-exitcode")
    assert page == "tapcfn report --out delivery/report.html"


def test_settings_of_another_role_are_named_by_a_pattern(runner: Runner):
    """One variable serves all systems of a repository."""
    runner.says("plan", code=10)
    settings = "settings/plan/{blueprint}.{stage}.toml"

    assert runner.run("plan.sh", GITHUB_SHA="abc", TAPCFN_SETTINGS=settings)[0] == 0
    assert all("--settings settings/plan/shop.prod.toml" in call for call in runner.calls[:2])


@pytest.mark.parametrize("code", [1, 4])
def test_a_plan_that_is_refused_leaves_nothing_to_approve(runner: Runner, code: int):
    runner.says("plan", code=code)

    assert runner.run("plan.sh", GITHUB_SHA="abc")[0] == code
    assert runner.outputs == {}


@pytest.mark.parametrize(
    ("code", "rollback"),
    [
        *((0, "false"), (1, "true"), (2, "false"), (4, "false")),
        *((5, "true"), (6, "false"), (7, "true"), (130, "true")),
    ],
)
def test_a_deployment_says_whether_there_is_anything_to_roll_back(
    runner: Runner, code: int, rollback: str
):
    """What is refused before a write has changed nothing."""
    runner.says("apply", code=code)
    runs = (
        '{"runs": [{"name": "r2", "command": "drift"}, {"name": "r1", "command": "apply"}]}\n{}\n'
    )
    runner.says("runs", runs)

    ended, said = runner.run("deploy.sh", DIGEST=runner.artifact())

    assert ended == code, said
    assert runner.outputs == {"code": str(code), "run": "r1", "rollback": rollback}
    applied = next(call for call in runner.calls if call.startswith("tapcfn apply"))
    assert "--plan delivery/plan.json --from-bundle delivery/bundle" in applied
    assert "--cancel-on-interrupt" in applied


def test_another_artifact_than_the_approved_one_is_not_applied(runner: Runner):
    """Neither one with another digest, nor one with a file that is not what its digest says."""
    digest = runner.artifact()

    assert runner.run("deploy.sh", DIGEST="0" * 64)[0] == 6
    (runner.root / "delivery" / "plan.json").write_text("{ }")
    assert runner.run("deploy.sh", DIGEST=digest)[0] == 6
    assert (runner.calls, runner.outputs["rollback"]) == ([], "false")


def test_a_page_that_cannot_be_made_changes_nothing_of_a_deployment(runner: Runner):
    runner.says("report", code=1)
    runner.says("runs", "{}\n")

    ended, said = runner.run("deploy.sh", DIGEST=runner.artifact())

    assert (ended, runner.outputs["code"]) == (0, "0")
    assert "::warning::the page of the run could not be made" in said


@pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGTERM])
def test_a_job_that_is_cancelled_lets_the_deployment_clear_up(
    runner: Runner, signalled: signal.Signals
):
    """The script waits for it, and tells how it ended: a rollback follows."""
    runner.says("runs", "{}\n")
    (runner.root / "store" / "slow").touch()

    started = runner.start("deploy.sh", DIGEST=runner.artifact())
    deadline = time.monotonic() + 20
    while not (runner.root / "store" / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    started.send_signal(signalled)
    said, _ = started.communicate(timeout=20)

    assert (started.returncode, runner.outputs["rollback"]) == (130, "true"), said


def test_going_back_takes_what_is_stuck_then_what_was_good(runner: Runner):
    """Only a rollback that is stuck is gone on with by itself; the rest is for people."""
    told = '{{"type": "diagnosis", "unit": "{}", "cure": "{}"}}\n'
    runner.says("recover", told.format("one", "continue") + told.format("two", "delete"))
    runner.says("api", "42\n")

    ended, said = runner.run("rollback.sh", DEPLOY_CODE="1", DEPLOY_RUN="r1", DEPLOYED="deployed-x")

    assert ended == 0, said
    calls = runner.calls
    assert [call for call in calls if "--execute" in call] == [
        "tapcfn recover --from-bundle delivery/bundle --stack one --execute --no-input"
    ]
    assert (
        "gh run download 42 --repo acme/shop --name deployed-x --dir .tapcfn/bundles/downloaded"
        in calls
    )
    assert calls[-1] == "tapcfn apply --from-bundle .tapcfn/bundles/downloaded --yes --no-input"
    assert not any("resume" in call for call in calls)


def test_going_back_from_a_deadline_stops_what_still_runs(runner: Runner):
    runner.says("api", "")

    ended, said = runner.run("rollback.sh", DEPLOY_CODE="7", DEPLOY_RUN="r1", DEPLOYED="deployed-x")

    assert (ended, runner.calls[0]) == (0, "tapcfn resume r1 --yes --no-input")
    assert "There is no earlier deployment to go back to." in said


def test_what_cannot_be_told_fails_nothing(runner: Runner):
    """The deployment went as it went."""
    runner.says("notify", code=2)

    ended, said = runner.run("notify.sh", JOB_STATUS="failure", GITHUB_RUN_ID="9")

    assert (ended, "::warning::nobody was told" in said) == (0, True)
    assert runner.calls == [
        "tapcfn notify shop --stage prod --job failure "
        "--link https://github.com/acme/shop/actions/runs/9"
    ]


@pytest.mark.parametrize(
    ("drift", "skew", "ended"), [(0, 0, 0), (10, 0, 10), (0, 10, 10), (1, 10, 1)]
)
def test_a_night_finds_drift_and_skew(runner: Runner, drift: int, skew: int, ended: int):
    """Both are looked for, whatever the first one finds."""
    runner.says("drift", code=drift)
    runner.says("stackset", "two versions\n", code=skew)

    assert runner.run("nightly.sh")[0] == ended
    assert len(runner.calls) == 2


@pytest.mark.parametrize(("code", "back"), [(0, "false"), (1, "true"), (2, "false"), (130, "true")])
def test_a_move_says_whether_it_is_to_be_taken_back(runner: Runner, code: int, back: str):
    runner.says("apply", code=code)
    options = "--confirm-point-of-no-return give-up --lift-protection"

    assert runner.run("move.sh", MOVE_UNTIL="retire", MOVE_OPTIONS=options)[0] == code
    assert runner.outputs == {"code": str(code), "back": back}
    assert runner.calls == [
        "tapcfn apply shop --stage prod --until retire --yes --no-input --cancel-on-interrupt "
        + options
    ]


def test_moves_are_taken_back_by_their_name(runner: Runner):
    assert runner.run("back.sh", MOVE_BACK_TO="base")[0] == 0
    assert runner.calls == ["tapcfn apply shop --stage prod --back-to base --yes --no-input"]
    assert runner.outputs == {"code": "0"}


def test_lint_asks_about_each_system_and_tests_are_the_repositorys_own(runner: Runner):
    """By its Makefile, if it has these targets; a folder of templates has no stage."""
    systems = "orders:prod shop/:"

    assert runner.run("lint.sh", SYSTEMS=systems)[0] == 0
    assert runner.run("test.sh")[1].startswith("There is no target test")
    (runner.root / "Makefile").write_text("lint: x\ntest: x\nsetup: x\n")
    assert runner.run("lint.sh", SYSTEMS="")[0] == 0
    assert runner.run("test.sh")[0] == 0
    assert runner.run("install.sh")[0] == 0
    assert runner.calls == [
        *("tapcfn check orders --stage prod", "tapcfn check shop/"),
        *("make lint", "make test", "make setup"),
    ]


def test_a_comment_is_written_once_and_then_changed(runner: Runner):
    """It is found by its first line; a job without a comment writes none."""
    runner.says("api", "7\n8\n")
    for name in ("comment-a", "comment-b"):
        (runner.root / "comments" / name).mkdir(parents=True)
    (runner.root / "comments" / "comment-a" / "comment.md").write_text("<!-- a -->\ntext\n")

    ended, said = runner.run("comment.sh", PULL_REQUEST="3")

    assert ended == 0, said
    _, change = (call for call in runner.calls if call.startswith("gh api"))
    assert change == (
        "gh api --silent --method PATCH repos/acme/shop/issues/comments/7 "
        "--field body=@comments/comment-a/comment.md"
    )


# What is asked of GitHub --------------------------------------------------------------------------


def asked(script: str, document: object, **variables: str) -> list[str]:
    """Return what a script's own question picks from GitHub's answer."""
    jq = shutil.which("jq")
    if jq is None:
        pytest.skip("jq is not installed: GitHub's runners have it, here it only reads the filters")
    found = re.search(r"--jq \\\n\s+'(.*?)'\)\"", (SCRIPTS / script).read_text(), re.DOTALL)
    assert found is not None
    done = subprocess.run(
        [jq, "-r", found[1]],
        input=json.dumps(document),
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def artifact(run: int, day: int, **keys: Any) -> dict[str, Any]:
    made = {"id": run, "head_branch": "main", "head_repository_id": 1, "repository_id": 1}
    return {
        "expired": keys.pop("expired", False),
        "created_at": f"2030-01-{day:02}T00:00:00Z",
        "workflow_run": {**made, **keys},
    }


def test_only_what_the_branch_has_deployed_is_gone_back_to() -> None:
    """The newest: not one of a pull request, of a fork, or one that is gone."""
    found = [
        artifact(5, 1),
        artifact(7, 2),
        artifact(9, 3, head_branch="mine"),
        artifact(11, 4, expired=True),
        artifact(13, 5, head_repository_id=2),
    ]

    assert asked("rollback.sh", {"artifacts": found}, GITHUB_REF_NAME="main") == ["7"]
    assert asked("rollback.sh", {"artifacts": []}, GITHUB_REF_NAME="main") == []


def test_only_a_comment_of_the_workflows_own_is_changed() -> None:
    """Anybody may write the first line of one."""
    comments = [
        {"id": 1, "user": {"login": "somebody"}, "body": "<!-- m -->\ntext"},
        {"id": 2, "user": {"login": "github-actions[bot]"}, "body": "<!-- m -->\ntext"},
        {"id": 3, "user": {"login": "github-actions[bot]"}, "body": "<!-- n -->\ntext"},
    ]

    assert asked("comment.sh", comments, MARKER="<!-- m -->") == ["2"]
