"""The scripts of workflows on the local cloud: a pull request, and a journey, job by job."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tapcfn.cli.app import run
from tapcfn.config import load
from tapcfn.pipelines import system
from templates.blueprints import serverless_api
from tests.end_to_end.conftest import Bench
from tests.end_to_end.test_serverless_moves import Api, api
from tests.forge import REPOSITORY, Forge, Step

__all__ = ["api"]

PROJECT = Path(__file__).parents[2]
EXAMPLE = PROJECT / "examples" / "plain"


def test_a_pull_request_gets_its_plan_as_a_comment(bench: Bench, tmp_path: Path):
    """W-3: real change sets, which are gone when the comment is there. The drill goes on."""
    checkout = tmp_path / "checkout"
    shutil.copytree(EXAMPLE, checkout / "shop")
    file = checkout / "shop" / "tapcfn.toml"
    file.write_text(f'account = "{bench.account}"\n' + file.read_text())
    (checkout / ".tapcfn").mkdir()
    (checkout / ".tapcfn" / "local").symlink_to(bench.root / ".tapcfn" / "local")
    words = [str(checkout / "shop"), "--repository", REPOSITORY, "--folder", str(checkout)]
    assert run("there.are.none", ["pipeline", "init", *words]) == 0
    forge = Forge(tmp_path / "forge", {"TAPCFN_BLUEPRINT": "shop"})

    planned = forge.step(checkout, "pull-request.sh")
    (checkout / "delivery").rename(checkout / "comments")
    told = forge.step(checkout, "comment.sh", PULL_REQUEST="7")

    assert (planned.code, told.code) == (0, 0), planned.said + told.said
    (comment,) = forge.comments
    assert comment.startswith("<!-- tapcfn shop -->\n\n## shop\n")
    assert "**Stacks: 2 to create, 1 to be asked about once others are deployed. " in comment
    assert "+ Vpc  AWS::EC2::VPC" in comment
    assert "### tapcfn plan: " in planned.summary
    assert bench.client("cloudformation").describe_stacks()["Stacks"] == []


class Jobs:
    """Jobs of one journey: each in a folder of its own, which has what was run before."""

    def __init__(self, bench: Bench, folder: Path, forge: Forge) -> None:
        self.bench, self.folder, self.forge = bench, folder, forge
        self.count = 0

    def run(self, script: str, **variables: str) -> Step:
        """Run one script as a job that is told what the jobs before it have run."""
        self.count += 1
        checkout = self.folder / f"job-{self.count}"
        (checkout / ".tapcfn").mkdir(parents=True)
        (checkout / ".tapcfn" / "local").symlink_to(self.bench.root / ".tapcfn" / "local")
        for name in (".github", "deploy.py", "tapcfn", "templates"):
            (checkout / name).symlink_to(PROJECT / name)
        runs = self.folder / "runs"
        if runs.is_dir():
            shutil.copytree(runs, checkout / ".tapcfn" / "runs")
        done = self.forge.step(checkout, script, **variables)
        shutil.copytree(checkout / ".tapcfn" / "runs", runs, dirs_exist_ok=True)
        return done


@pytest.mark.drill
def test_a_systems_moves_are_led_job_by_job_and_taken_back_where_one_fails(
    api: Api, tmp_path: Path
) -> None:
    """S3-24, W-9: with the words that the workflow has: a shift that fails, then all of it."""
    file = api.bench.file
    variables = {"TAPCFN_BLUEPRINT": "serverless_api", "TAPCFN_STAGE": "local"}
    forge = Forge(tmp_path / "forge", {**variables, "TAPCFN_SETTINGS": str(file)})
    jobs = Jobs(api.bench, tmp_path, forge)
    settings = load(file, serverless_api.Settings)
    rollout = serverless_api.rollout(settings, "local")
    legs = {leg.name: leg for leg in system(rollout, "serverless_api", "local", "here").legs}
    api.done()

    def lead(name: str) -> Step:
        return jobs.run("move.sh", MOVE_UNTIL=legs[name].until, MOVE_OPTIONS=legs[name].options)

    synced = lead("sync")
    assert synced.code == 0, synced.said
    api.script('alarm = "*ApiServerErrors*"\nregion = "us-west-2"\ncourse = [[0, "ALARM"]]')
    failed = lead("shift")
    assert (failed.code, failed.outputs["back"]) == (1, "true"), failed.said
    back = jobs.run("back.sh", MOVE_BACK_TO=legs["shift"].back_to)
    assert (back.code, api.weight) == (0, 0), back.said

    api.script()
    for name, weight in (("shift", 100), ("monitor", 100)):
        done = lead(name)
        assert (done.code, done.outputs["back"], api.weight) == (0, "false", weight), done.said
    done = lead("for-good-give-up-source")
    assert done.code == 0, done.said
    assert {"api-account-us-west-2", "data", "app-us-west-2", "dns"} == api.names
    refused = jobs.run("back.sh", MOVE_BACK_TO="base")
    assert (refused.code, "cannot be taken back" in refused.said) == (4, True)
