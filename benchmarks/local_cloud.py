"""How soon the local cloud answers, and how much memory it takes with so many small stacks.

    python benchmarks/local_cloud.py [STACKS]

Starts a cloud of its own in a temporary folder, deploys STACKS (2000) stacks of two resources each
through change sets, as `tapcfn` does, and ends it again. Prints the seconds to the first answer,
the time that the stacks take, and the resident memory on the way; fails above the limits.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tapcfn.local import server

MOST_STACKS = 5000
WORKERS = 4
STEPS = 4
PATIENCE = 60.0
LIMIT_SECONDS = 1.5
LIMIT_MEGABYTES = 300

TEMPLATE = json.dumps(
    {
        "Parameters": {"Days": {"Type": "Number", "Default": 7}},
        "Resources": {
            "Group": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {"RetentionInDays": {"Ref": "Days"}},
            },
            "Topic": {
                "Type": "AWS::SNS::Topic",
                "Properties": {"DisplayName": {"Ref": "AWS::StackName"}},
            },
        },
        "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}},
    }
)


def main() -> int:
    """Run once, print the figures, and return 1 if one is beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stacks", nargs="?", type=int, default=2000)
    stacks = min(parser.parse_args().stacks, MOST_STACKS)
    with tempfile.TemporaryDirectory() as folder, _cloud(Path(folder)) as (cloud, seconds):
        _say(f"first answer after      {seconds:6.2f} s")
        _say(f"memory without stacks   {_memory(cloud.pid, 'VmRSS'):6.0f} MB")
        _fill(cloud, stacks)
        now, most = (_memory(cloud.pid, name) for name in ("VmRSS", "VmHWM"))
        _say(f"memory with {stacks:4d} stacks {now:6.0f} MB, at most {most:.0f} MB")
    return int(seconds > LIMIT_SECONDS or most > LIMIT_MEGABYTES)


@contextmanager
def _cloud(root: Path) -> Iterator[tuple[server.LocalCloud, float]]:
    began = time.monotonic()
    cloud = server.start(root, speed=0)
    _client(cloud).list_stacks()
    try:
        yield cloud, time.monotonic() - began
    finally:
        server.stop(root, settle=5)


def _client(cloud: server.LocalCloud) -> Any:
    return boto3.client(
        "cloudformation",
        region_name="us-east-1",
        endpoint_url=cloud.url,
        aws_access_key_id=server.DEFAULT_ACCOUNT,
        aws_secret_access_key="local",  # noqa: S106 - nobody checks it
        config=Config(max_pool_connections=WORKERS, retries={"total_max_attempts": 1}),
    )


def _fill(cloud: server.LocalCloud, stacks: int) -> None:
    client, began = _client(cloud), time.monotonic()
    share = max(1, stacks // STEPS)
    for first in range(0, stacks, share):
        names = [f"stack-{number}" for number in range(first, min(first + share, stacks))]
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda name: _deploy(client, name), names))
        done, took = first + len(names), time.monotonic() - began
        _say(f"{done:5d} stacks {took:7.1f} s {_memory(cloud.pid, 'VmRSS'):6.0f} MB")


def _deploy(client: Any, name: str) -> None:
    made = client.create_change_set(
        StackName=name, ChangeSetName="new", ChangeSetType="CREATE", TemplateBody=TEMPLATE
    )
    client.execute_change_set(ChangeSetName=made["Id"])
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = client.describe_stacks(StackName=made["StackId"])["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
    if status != "CREATE_COMPLETE":
        raise SystemExit(f"{name}: {status}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _memory(pid: int, name: str) -> float:
    """Return a figure of a process in megabytes, as Linux tells it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
