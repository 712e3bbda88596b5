"""The workflows of this repository: what `pipeline init` writes, held to the rules for CI. (W-1 to
W-9)"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tapcfn.cli.app import run
from tapcfn.config import load
from tapcfn.pipelines.writing import ACTIONS
from templates.blueprints.serverless_api import Settings, rollout

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPTS = sorted((ROOT / ".github" / "scripts").glob("*.sh"))
BIN = Path(sys.executable).parent

# What the committed files are the output of: `make render` writes them.
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORDS = re.findall(r"^PIPELINES := ((?:.*\\\n)*.*)", MAKEFILE, re.MULTILINE)[0].split()
WORDS = [word for word in WORDS if word != "\\"]

Job = Mapping[str, Any]


@cache
def read(path: Path) -> dict[str, Any]:
    """Return a workflow; YAML takes its `on` for a yes."""
    document: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in document.items()}


def workflow(name: str) -> dict[str, Any]:
    return read(ROOT / ".github" / "workflows" / f"{name}.yml")


def jobs() -> Iterator[tuple[str, str, Job]]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield path.stem, name, job


def steps() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for file, name, job in jobs():
        for step in job.get("steps", ()):
            yield f"{file}/{name}/{step['name']}", step


def test_the_committed_files_are_what_the_command_writes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody changes them by hand; where moves have changed, `make render` writes them anew."""
    code = run(
        "templates.blueprints", ["pipeline", "init", *WORDS, "--folder", str(ROOT), "--check"]
    )

    assert code == 0, capsys.readouterr().out
    assert {path.stem for path in WORKFLOWS} == {
        *("blue-green", "deploy", "migration", "nightly", "pull-request", "system"),
    }


# Linters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["actionlint", "-shellcheck=", *map(str, WORKFLOWS)],
        ["zizmor", "--offline", "--quiet", "--no-progress", str(ROOT / ".github")],
        ["shellcheck", *map(str, SCRIPTS)],
    ],
    ids=lambda words: str(words[0]),
)
def test_the_linters_have_nothing_to_say(words: list[str]) -> None:
    """Syntax and expressions, security, shell: no finding, nothing that is only informational."""
    if (tool := shutil.which(words[0], path=str(BIN))) is None:
        pytest.skip(f"{words[0]} is not installed beside this Python: make setup installs it")
    done = subprocess.run([tool, *words[1:]], capture_output=True, text=True, cwd=ROOT, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


# What runs ----------------------------------------------------------------------------------------


def test_actions_are_named_by_commit_and_no_others_are_used() -> None:
    """W-8: a tag can be moved; a commit cannot."""
    own = "./.github/workflows/system.yml"
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    used = set(re.findall(r"uses: (\S+@\S+ # \S+)", text))
    by_commit = {each.partition("@")[2] for each in used}

    assert by_commit == set(ACTIONS.values())
    assert all(re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in by_commit)
    assert len(re.findall("uses: ", text)) == len(re.findall(r"uses: \S+@[0-9a-f]{40} #", text)) + (
        text.count(f"uses: {own}")
    )


def test_every_run_is_a_script_that_a_person_can_run() -> None:
    """No expression is in a script, and none in a line that a shell reads."""
    runs = {where: step["run"] for where, step in steps() if "run" in step}

    assert {
        run for run in runs.values() if not re.fullmatch(r"\.github/scripts/[a-z-]+\.sh", run)
    } == set()
    assert {ROOT / run for run in runs.values()} == {
        path for path in SCRIPTS if path.name != "common.sh"
    }
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        assert "${{" not in text
        if path.name != "common.sh":
            assert path.stat().st_mode & 0o111
            assert text.startswith("#!/usr/bin/env bash\n")
            assert "\nset -euo pipefail\n" in text


def test_checkouts_leave_no_token_behind() -> None:
    found = [step for _, step in steps() if "actions/checkout" in step.get("uses", "")]

    assert found
    assert all(step["with"]["persist-credentials"] is False for step in found)


# Who may what -------------------------------------------------------------------------------------


def test_every_job_says_what_it_may_and_when_it_ends() -> None:
    """W-8: a workflow has no permissions, and each job the least that it needs."""
    for path in WORKFLOWS:
        assert read(path)["permissions"] == {}, path.name
    for file, name, job in jobs():
        allowed = job["permissions"]
        assert set(allowed) <= {"actions", "contents", "id-token", "pull-requests"}, (file, name)
        assert allowed["contents"] == "read"
        assert "timeout-minutes" in job or "uses" in job
    writing = {(file, name) for file, name, job in jobs() if "pull-requests" in job["permissions"]}
    assert writing == {("pull-request", "comment")}


def test_only_jobs_that_speak_to_aws_get_a_token_and_none_of_them_runs_a_forks_code() -> None:
    """W-5, W-3: a fork is linted, tested and compared, and gets neither credentials nor comment."""
    for file, name, job in jobs():
        roles = [
            step["with"]["role-to-assume"]
            for step in job.get("steps", ())
            if "configure-aws-credentials" in step.get("uses", "")
        ]
        has_token = job["permissions"].get("id-token") == "write"
        assert has_token == bool(roles or "uses" in job), (file, name)
        if "${{ vars.AWS_DEPLOY_ROLE }}" in roles:
            assert job["environment"], (file, name)
        else:
            assert "environment" not in job, (file, name)
    asked = workflow("pull-request")["jobs"]
    assert "head.repo.full_name == github.repository" in asked["plan"]["if"]
    assert asked["comment"]["needs"] == "plan"
    assert "needs.plan.result != 'skipped'" in asked["comment"]["if"]
    for name in ("lint", "test", "diff"):
        assert "if" not in asked[name]


def test_the_only_secret_is_slacks() -> None:
    """W-5: no key of AWS's is kept in GitHub."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)

    assert set(re.findall(r"secrets\.(\w+)", text)) == {"SLACK_WEBHOOK_URL"}
    assert "secrets: inherit" not in text


# What comes after what ----------------------------------------------------------------------------


def test_jobs_wait_for_jobs_that_there_are() -> None:
    for path in WORKFLOWS:
        found = read(path)["jobs"]
        needs = {name: job.get("needs", []) for name, job in found.items()}
        graph = {name: [each] if isinstance(each, str) else each for name, each in needs.items()}
        assert set(TopologicalSorter(graph).static_order()) == set(found), path.name


def test_pushes_and_pull_requests_to_the_branch_start_them() -> None:
    """S0-16, S2-20: a pull request is planned, a push is deployed after lint and test."""
    assert workflow("pull-request")["on"] == {"pull_request": {"branches": ["main"]}}
    assert workflow("deploy")["on"] == {"push": {"branches": ["main"]}}
    assert workflow("deploy")["jobs"]["system"]["needs"] == ["lint", "test"]
    found = {
        each["slug"]: each["environment"]
        for each in workflow("deploy")["jobs"]["system"]["strategy"]["matrix"]["include"]
    }
    assert found["regional-web"] == "prod"
    assert found["replicated-storage"] == "production"


def test_a_system_is_deployed_by_one_job_at_a_time_and_never_stopped_half_way() -> None:
    """W-1: pushes, moves and migrations of one system in one environment wait for each other."""
    groups = {
        "deploy": workflow("deploy")["jobs"]["system"]["concurrency"],
        "blue-green": workflow("blue-green")["concurrency"],
        "migration": workflow("migration")["concurrency"],
    }

    assert {each["cancel-in-progress"] for each in groups.values()} == {False}
    assert groups["deploy"]["group"] == "deploy-${{ matrix.slug }}-${{ matrix.environment }}"
    assert groups["blue-green"]["group"] == "deploy-serverless-api-production"
    assert groups["migration"]["group"] == "deploy-region-migration-production"
    assert "concurrency" not in workflow("system")  # it is called by who has it already


def test_what_is_deployed_is_the_artifact_that_was_approved() -> None:
    """W-4, W-8: one name, kept for 90 days, held against the digest that the plan said."""
    plan, deploy = (workflow("system")["jobs"][name] for name in ("plan", "deploy"))
    kept = next(each for each in plan["steps"] if each["name"] == "Keep the artifact")
    fetched = next(each for each in deploy["steps"] if "download-artifact" in each.get("uses", ""))
    applied = next(each for each in deploy["steps"] if each.get("id") == "deploy")

    assert kept["with"]["name"] == fetched["with"]["name"]
    assert (kept["with"]["retention-days"], kept["with"]["if-no-files-found"]) == (90, "error")
    assert applied["env"]["DIGEST"] == "${{ needs.plan.outputs.digest }}"
    assert (deploy["needs"], deploy["environment"]) == ("plan", "${{ inputs.environment }}")
    assert deploy["if"] == "needs.plan.outputs.changes == 'true'"


def test_what_is_deployed_is_there_to_go_back_to() -> None:
    """W-7, W-8: the bundle of each deployment, and of each plan that found nothing to do."""
    steps = [each for job in workflow("system")["jobs"].values() for each in job["steps"]]
    kept = [each for each in steps if each.get("with", {}).get("name") == "${{ env.DEPLOYED }}"]

    assert len(kept) == 2
    assert {each["with"]["retention-days"] for each in kept} == {90}
    assert {each["with"]["path"] for each in kept} == {"delivery/bundle"}
    assert kept[0]["if"] == "steps.plan.outputs.changes == 'false'"


def test_what_fails_is_rolled_back_before_anybody_is_told() -> None:
    """S0-17, W-6, W-7: after the deployment, whatever became of it, in this order."""
    names = [each["name"] for each in workflow("system")["jobs"]["deploy"]["steps"]]
    found = {each["name"]: each for each in workflow("system")["jobs"]["deploy"]["steps"]}

    order = ["Apply exactly that", "Keep the bundle that is deployed now", "Roll back", "Notify"]
    assert [name for name in names if name in order] == order
    assert "failure() || cancelled()" in found["Roll back"]["if"]
    assert "always()" in found["Notify"]["if"]


def test_a_move_has_the_stages_and_figures_of_its_system() -> None:
    """S3-24, W-9: green, replication, 10, 50 and 100 percent, watch, cut-over; and back."""
    found = workflow("blue-green")["jobs"]

    assert list(found) == [
        *("green", "sync", "shift", "monitor", "for-good-give-up-source", "roll-back"),
    ]
    chain = [found[name]["needs"] for name in list(found)[1:5]]
    assert chain == ["green", "sync", "shift", "monitor"]
    environments = [found[name].get("environment") for name in list(found)[1:]]
    assert environments == [*["production"] * 3, "production-for-good", "production"]
    back = {
        name: step["env"]["MOVE_BACK_TO"]
        for name, job in found.items()
        for step in job.get("steps", ())
        if step["name"] == "Take the moves back"
    }
    assert back == {"shift": "sync", "monitor": "sync", "roll-back": "base"}
    settings = load(ROOT / "templates/settings/serverless_api.move.toml", Settings)
    moved = {move.name: move.bake for move in rollout(settings, "move").moves}
    assert [name for name in moved if name.startswith("shift")] == [
        *("shift-10", "shift-50", "shift-100"),
    ]
    assert (moved["shift-10"], moved["monitor"]) == (600.0, 600.0)


def test_a_migration_asks_before_each_stretch() -> None:
    """Each job waits for its environment; what is for good for the second one."""
    found = workflow("migration")["jobs"]
    legs = {name: job for name, job in found.items() if name not in {"green", "roll-back"}}
    for_good = {name for name, job in legs.items() if job["environment"] == "production-for-good"}

    assert for_good == {
        *("for-good-first-write-in-target", "for-good-give-up-the-source"),
    }
    assert all(job["environment"].startswith("production") for job in legs.values())
    options = {
        step["env"]["MOVE_OPTIONS"]
        for job in legs.values()
        for step in job["steps"]
        if step["name"].startswith("Go on to stop-writes")
    }
    assert len(options) == 1
    assert options.pop().startswith("--approve ")
