"""The workflows' scripts, one after another, from a clean clone to a deployment and back.

They are W-3, W-4, W-6 and W-7.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tapcfn.local import record, server
from tests.forge import Forge, Step
from tests.receiver import Receiver, receiving

ROOT = Path(__file__).parents[2]
SETTINGS = "templates/settings/replicated_storage.local.toml"
MONITORING = "templates/blueprints/replicated_storage/monitoring.py"
NAMES = "templates/blueprints/replicated_storage/settings.py"

FAILS = """
[[fault]]
do = "fail"
logical_id = "SecurityGroup"
during = "update"
reason = "no more of these"
"""


def git(folder: Path, *words: str) -> str:
    """Run git as a person with a name."""
    named = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    return subprocess.run(
        ["git", *named, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@dataclass
class House:
    """A repository, its forge, and one local cloud that all jobs speak to."""

    folder: Path
    origin: Path
    url: str
    forge: Forge
    slack: Receiver
    jobs: int = 0

    def job(self, ref: str = "main") -> Path:
        """Return what a runner has after `actions/checkout`: a fresh clone, and nothing else."""
        self.jobs += 1
        clone = self.folder / f"job-{self.jobs}"
        subprocess.run(["git", "clone", "-q", str(self.origin), str(clone)], check=True)
        git(clone, "checkout", "-q", ref)
        (clone / ".tapcfn").mkdir()
        (clone / ".tapcfn" / "local").symlink_to(self.folder / ".tapcfn" / "local")
        return clone

    def change(self, branch: str, old: str, new: str, file: str = SETTINGS) -> None:
        """Commit a change on a branch of its own."""
        git(self.origin, "checkout", "-q", "-B", branch, "main")
        text = (self.origin / file).read_text()
        assert old in text
        (self.origin / file).write_text(text.replace(old, new))
        git(self.origin, "commit", "-q", "-am", f"Change {branch}")
        git(self.origin, "checkout", "-q", "main")

    def merge(self, branch: str) -> None:
        git(self.origin, "merge", "-q", "--ff-only", branch)

    def planned(self) -> Step:
        """Run the job `plan` of what is on the branch, and keep its artifact."""
        self.forge.run_id += 1
        job = self.job()
        told = self.forge.step(job, "plan.sh")
        if told.outputs.get("changes") == "true":
            self.forge.keep("plan", job / "delivery")
        return told

    def deployed(self, digest: str) -> tuple[Path, Step]:
        """Run the first half of the job `deploy`: fetch the artifact, and apply it."""
        job = self.job()
        self.forge.fetch("plan", job / "delivery")
        told = self.forge.step(job, "deploy.sh", DIGEST=digest)
        if told.code == 0:
            self.forge.keep("deployed", job / "delivery" / "bundle")
        return job, told

    def asked(self, branch: str) -> Step:
        """Run the job of a pull request, and put its comment there; return how the plan ended."""
        job = self.job(f"origin/{branch}")
        compared = self.forge.step(job, "diff.sh", BASE="origin/main")
        assert compared.code == 0, compared.said
        planned = self.forge.step(job, "pull-request.sh")
        shutil.copytree(job / "delivery", job / "comments" / "comment-one")
        told = self.forge.step(job, "comment.sh", PULL_REQUEST="7")
        assert told.code == 0, told.said
        return planned

    def change_sets(self) -> list[str]:
        """Return the change sets that stand anywhere."""
        found = []
        for region in ("us-east-1", "us-west-2"):
            client = self.client("cloudformation", region)
            for stack in client.describe_stacks()["Stacks"]:
                listed = client.list_change_sets(StackName=stack["StackName"])["Summaries"]
                found += [
                    each["ChangeSetName"]
                    for each in listed
                    if each["ExecutionStatus"] == "AVAILABLE"
                ]
        return found

    def reuse(self, account: str) -> int:
        """Return how many old passwords an account remembers."""
        iam = self.client("iam", account=account)
        return int(iam.get_account_password_policy()["PasswordPolicy"]["PasswordReusePrevention"])

    def client(self, service: str, region: str = "us-east-1", account: str = "000000000000") -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=account,
            aws_secret_access_key="local",
        )

    def retention(self) -> int:
        (group,) = self.client("logs").describe_log_groups(
            logGroupNamePrefix="/aws/tap-stack/application"
        )["logGroups"]
        return int(group["retentionInDays"])

    def fault(self, table: str) -> None:
        record.ask(self.url, "/_tapcfn/faults", {"table": table})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    origin = tmp_path / "origin"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(origin)], check=True)
    git(origin, "checkout", "-q", "-B", "main")
    server.start(tmp_path, speed=0)
    found = server.find(tmp_path)
    assert found is not None
    variables = {"TAPCFN_BLUEPRINT": "replicated_storage", "TAPCFN_STAGE": "local"}
    with receiving() as slack:
        variables |= {"SLACK_WEBHOOK_URL": slack.url, "DEPLOYED": "deployed"}
        yield House(tmp_path, origin, found.url, Forge(tmp_path / "forge", variables), slack)
    server.stop(tmp_path, settle=0)


@pytest.mark.drill
def test_from_a_pull_request_to_a_deployment_and_back_from_one_that_fails(house: House) -> None:
    """S0-16, S0-17, S2-20: plan, comment, merge, approve, deploy, tell; fail, roll back, tell."""
    forge = house.forge

    # What is on the branch is deployed for the first time.
    planned = house.planned()
    assert (planned.code, planned.outputs["changes"]) == (0, "true"), planned.said
    job, done = house.deployed(planned.outputs["digest"])
    assert (done.code, done.outputs["rollback"]) == (0, "false"), done.said
    assert "### tapcfn apply: done" in done.summary
    assert "replicated_storage" in (job / "delivery" / "report.html").read_text()
    assert forge.step(job, "notify.sh", JOB_STATUS="success").code == 0
    told = house.slack.posts[-1].document
    assert "replicated_storage" in told["text"]
    assert "https://github.com/example/systems/actions/runs/101" in str(told["blocks"])

    # A pull request: the plan becomes a comment, and a second push changes that comment.
    house.change("ours", "10.0.0.0/8", "10.1.0.0/16")
    for _ in range(2):
        asked = house.asked("ours")
        assert asked.code == 0, asked.said
    (comment,) = forge.comments
    assert comment.startswith("<!-- tapcfn replicated_storage local -->\n")
    assert "10.1.0.0/16" in comment
    assert len(comment) < 60_000
    assert house.change_sets() == []

    # It is merged, planned, approved, and exactly that artifact is applied, once.
    house.merge("ours")
    planned = house.planned()
    _, done = house.deployed(planned.outputs["digest"])
    assert done.code == 0, done.said
    _, stale = house.deployed(planned.outputs["digest"])
    assert (stale.code, stale.outputs["rollback"]) == (6, "false"), stale.said
    _, other = house.deployed("0" * 64)
    assert (other.code, "is not the artifact" in other.said) == (6, True)
    assert house.planned().outputs["changes"] == "false"

    # One that fails half way: the group of logs is changed, the security group is not.
    house.change("theirs", "LOG_DAYS = 14", "LOG_DAYS = 30", MONITORING)
    house.merge("theirs")
    house.change("more", "10.1.0.0/16", "10.2.0.0/16")
    house.merge("more")
    planned = house.planned()
    house.fault(FAILS)
    job, failed = house.deployed(planned.outputs["digest"])
    assert (failed.code, failed.outputs["rollback"]) == (1, "true"), failed.said
    assert house.retention() == 30
    house.fault("")

    # Back to what was deployed whole before, and told with its cause.
    code, run = failed.outputs["code"], failed.outputs["run"]
    back = forge.step(job, "rollback.sh", DEPLOY_CODE=code, DEPLOY_RUN=run)
    assert back.code == 0, back.said
    assert house.retention() == 14
    assert forge.step(job, "notify.sh", JOB_STATUS="failure").code == 0
    told = str(house.slack.posts[-1].document)
    assert "no more of these" in told
    assert "went back to the last good bundle: done" in told
    assert len(house.slack.posts) == 2


@pytest.mark.drill
def test_a_pull_request_that_would_lose_data_fails_and_says_so(house: House) -> None:
    """W-3: the comment is written all the same, and no change set stays."""
    planned = house.planned()
    assert house.deployed(planned.outputs["digest"])[1].code == 0
    house.change("lost", "}-primary-bucket", "}-first-bucket", NAMES)

    asked = house.asked("lost")

    assert asked.code == 4, asked.said
    (comment,) = house.forge.comments
    assert "PrimaryBucket" in comment
    assert "TAP001" in comment
    assert "plan: blocked" in comment
    assert comment.count("its data lost") == 1
    assert house.change_sets() == []


SET_FAILS = """
[[fault]]
do = "fail_instance"
stack_set = "local-baseline-account"
instance = "2222*/us-*"
during = "update"
reason = "no more of these"
"""


@pytest.mark.drill
def test_a_stack_set_that_fails_gets_its_previous_template(house: House) -> None:
    """W-7: in the accounts that had the new one already, and in those where it failed."""
    house.forge.variables["TAPCFN_BLUEPRINT"] = "baseline"
    job = house.job()
    words = [sys.executable, "deploy.py", "bootstrap", "baseline", "--stage", "local"]
    subprocess.run(words, cwd=job, check=True, capture_output=True, timeout=300)
    planned = house.planned()
    assert house.deployed(planned.outputs["digest"])[1].code == 0

    settings = "templates/settings/baseline.local.toml"
    house.change("less", "keep_data = false", "keep_data = false\npassword_reuse = 5", settings)
    house.merge("less")
    planned = house.planned()
    house.fault(SET_FAILS)
    job, failed = house.deployed(planned.outputs["digest"])
    assert failed.outputs["rollback"] == "true", failed.said
    house.fault("")
    assert house.reuse("111111111111") == 5

    back = house.forge.step(job, "rollback.sh", DEPLOY_CODE=failed.outputs["code"])

    assert back.code == 0, back.said
    assert [house.reuse(account) for account in ("111111111111", "222222222222")] == [24, 24]
    night = house.forge.step(house.job(), "nightly.sh")
    assert "### Stack sets" in night.summary
    assert night.code in {0, 10}, night.said
