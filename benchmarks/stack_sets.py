"""One stack set over hundreds of accounts: what a rollout asks, and what the waiting takes.

Prints figures as JSON and exits with 1 above a limit. Three runs on a local cloud of its own: a
set with one topic in each account and Region is made; it is updated while three accounts fail,
which is tolerated; and `apply` does again what failed, and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tapcfn.local import record, server

PROJECT = Path(__file__).parents[1]
HOME = "000000000000"
REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1")
FAILING = 3
PAGE = 100

# Of one core, by the process of the deployer, while an operation is at work.
MOST_CPU = 0.25

SETTINGS = """\
backend = "local"
account = "{home}"
region = "us-east-1"

[stack_sets.many]
template = "many.json"

[stack_sets.many.targets]
accounts = {accounts}
regions = {regions}

[stack_sets.many.preferences]
regions = "parallel"
concurrent_percent = 100
tolerance = {failing}
mode = "soft"
"""

# Counts the reads, and changes none of them.
COUNTED = """
[[fault]]
do = "throttle"
operation = "ListStackInstances"
nth = 1000000

[[fault]]
do = "throttle"
operation = "DescribeStackSetOperation"
nth = 1000000
"""
FAILS = """
[[fault]]
do = "fail_instance"
stack_set = "many"
instance = "{account}/*"
reason = "You have reached your quota of topics"
"""


@dataclass
class Run:
    """One command: how it ended, what it asked, and what its process took while it waited."""

    code: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    cpu: float = 0.0
    looks: int = 0
    pages: int = 0
    calls: int = 0
    cause: str = ""
    pairs: list[int] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The share of one core while an operation was at work."""
        return self.cpu / self.waited if self.waited else 0.0


def roles(url: str, accounts: list[str]) -> None:
    """Make the roles of a self-managed set."""
    config = Config(retries={"total_max_attempts": 1})
    session = boto3.Session(HOME, "local")
    keys = session.get_credentials()
    iam = session.client("iam", region_name="us-east-1", endpoint_url=url, config=config)
    name = "AWSCloudFormationStackSet{}Role"
    service = {"Service": "cloudformation.amazonaws.com"}
    iam.create_role(
        RoleName=name.format("Administration"), AssumeRolePolicyDocument=policy(Principal=service)
    )
    iam.put_role_policy(
        RoleName=name.format("Administration"),
        PolicyName="assume",
        PolicyDocument=policy(Resource="arn:aws:iam::*:role/*"),
    )
    for account in accounts:
        keys.access_key = account
        iam.create_role(
            RoleName=name.format("Execution"),
            AssumeRolePolicyDocument=policy(Principal={"AWS": HOME}),
        )


def policy(**statement: Any) -> str:
    """Return a document that allows sts:AssumeRole."""
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


def wants(folder: Path, accounts: list[str], version: str) -> None:
    """Write settings and template."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": version}}
    (folder / "many.json").write_text(json.dumps({"Resources": {"Topic": topic}}))
    text = SETTINGS.format(
        home=HOME,
        accounts=json.dumps(accounts),
        regions=json.dumps(REGIONS),
        failing=FAILING,
    )
    (folder / "tapcfn.toml").write_text(text)


def apply(root: Path, url: str, faults: str = "") -> Run:
    """Apply, and look at the process whenever an operation begins or ends."""
    record.ask(url, "/_tapcfn/faults", {"table": COUNTED + faults})
    run, began, since = Run(), time.monotonic(), (0.0, 0.0)
    process = subprocess.Popen(  # noqa: S603 - nothing of a user's is in it
        [sys.executable, str(PROJECT / "deploy.py"), "apply", "fleet", "--json"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for text in process.stdout:
        line = json.loads(text)
        if line["type"] == "op.start":
            since = (time.monotonic(), cpu_of(process.pid))
            run.pairs.append(line["pairs"])
        elif line["type"] == "op.end" and line["operation_id"]:
            run.waited += time.monotonic() - since[0]
            run.cpu += cpu_of(process.pid) - since[1]
        elif line["type"] == "summary":
            run.calls = line["api_calls"]
            run.cause = " ".join(str(each["cause"]) for each in line["units"] if each["cause"])
        elif line["type"] == "diagnostic" and line["level"] == "error":
            run.cause = line["message"]
    run.code, run.seconds = process.wait(), time.monotonic() - began
    told = record.ask(url, "/_tapcfn/faults")["faults"]
    run.pages, run.looks = (int(each["matched"]) for each in told[:2])
    return run


def cpu_of(pid: int) -> float:
    """Return the seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(count: int, speed: int) -> dict[str, Run]:
    """Make the three runs."""
    accounts = [f"{number:012d}" for number in range(1, count + 1)]
    with tempfile.TemporaryDirectory(prefix="tapcfn-sets-") as folder:
        root = Path(folder)
        (root / "fleet").mkdir()
        url = server.start(root, speed=speed).url
        try:
            roles(url, accounts)
            wants(root / "fleet", accounts, "first")
            runs = {"create": apply(root, url)}
            wants(root / "fleet", accounts, "second")
            failing = "".join(FAILS.format(account=each) for each in accounts[:FAILING])
            runs["update"] = apply(root, url, failing)
            runs["again"] = apply(root, url)
        finally:
            server.stop(root, settle=0)
    return runs


def figures_of(runs: dict[str, Run], pairs: int) -> dict[str, Any]:
    """Return what is printed: of each run, and whether all of it is within its limits."""
    pages = -(-pairs // PAGE)
    told: dict[str, Any] = {
        name: {
            "exit_code": run.code,
            "seconds": round(run.seconds, 1),
            "seconds_at_work": round(run.waited, 1),
            "cpu_share": round(run.share, 3),
            "looks": run.looks,
            "pages": run.pages,
            "api_calls": run.calls,
            "pairs": run.pairs,
            "cause": run.cause,
        }
        for name, run in runs.items()
    }
    told["good"] = (
        [run.code for run in runs.values()] == [0, 5, 0]
        and [run.pairs for run in runs.values()] == [[pairs], [pairs], [FAILING * len(REGIONS)]]
        # A look is one operation and the pages of its instances; some more stand around it.
        and all(run.pages <= (run.looks + 5) * pages for run in runs.values())
        and all(run.share <= MOST_CPU for run in runs.values())
    )
    return told


def main(accounts: int = 200, speed: int = 10) -> int:
    """Print the figures; return 1 if one is above its limit."""
    figures = figures_of(measure(accounts, speed), accounts * len(REGIONS))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["good"] else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
