"""Runs that end early, by a signal, by a deadline or without a last word, and the runs after."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tapcfn.local import server
from tests.machine import read_line, read_lines

PROJECT = Path(__file__).parents[2]
PATIENCE = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project's templates with a local cloud that takes its time."""
    root = tmp_path_factory.mktemp("slow")
    shutil.copytree(PROJECT / "templates", root / "templates")
    shutil.copy(PROJECT / "deploy.py", root)
    server.start(root, speed=40)
    yield root
    server.stop(root)


@pytest.fixture(autouse=True)
def empty(folder: Path) -> None:
    """Each test begins with nothing deployed."""
    server.reset(folder)


def command(folder: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Start a command as a person would."""
    return subprocess.Popen(
        [sys.executable, "deploy.py", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until_started(process: subprocess.Popen[str], layer: str) -> None:
    """Read lines of JSON until CloudFormation is at work on this layer's stack."""
    assert process.stdout is not None
    wanted = {layer, f"local-replicated-storage-{layer}"}
    kind, unit = "", ""
    while kind != "op.start" or unit not in wanted:
        text = process.stdout.readline()
        assert text, f"{layer} was not started"
        line = read_line(text)
        kind, unit = line["type"], line.get("unit", "")


def starts(folder: Path) -> Counter[str]:
    """Return how many operations each stack has begun, by the tokens of its history."""
    cloud = server.find(folder)
    assert cloud is not None
    begun: Counter[str] = Counter()
    for region in ("us-east-1", "us-west-2"):
        client = boto3.client(
            "cloudformation",
            region_name=region,
            endpoint_url=cloud.url,
            aws_access_key_id="000000000000",
            aws_secret_access_key="local",
        )
        for stack in client.describe_stacks()["Stacks"]:
            events = client.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
            tokens = {event.get("ClientRequestToken") for event in events} - {None}
            begun[stack["StackName"]] = len(tokens)
    return begun


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.drill
def test_an_interrupt_ends_with_a_summary_and_the_next_run_adopts(folder: Path, number: int):
    """Exit 130 with a resume line; what runs is found at work, and nothing is started twice."""
    process = command(folder, "apply", "replicated_storage", "--json")
    read_until_started(process, "network")
    process.send_signal(number)
    out, _ = process.communicate(timeout=PATIENCE)
    summary = read_lines(out)[-1]

    assert (130, 130, "interrupted") == (
        process.returncode,
        summary["exit_code"],
        summary["status"],
    )
    assert "running" in {unit["ending"] for unit in summary["units"]}
    assert summary["resume"].endswith(f" deploy.py resume {summary['run']}")

    again = command(folder, *summary["resume"].partition("deploy.py ")[2].split(), "--json")
    lines = read_lines(again.communicate(timeout=PATIENCE)[0])

    assert (0, 0) == (again.returncode, lines[-1]["exit_code"])
    assert any(line["type"] == "op.start" and line["adopted"] for line in lines)
    assert {1} == set(starts(folder).values())


@pytest.mark.drill
def test_a_killed_run_is_taken_up_where_it_was(folder: Path):
    """Without a last word either: tokens on disk tell the next run what is its own."""
    process = command(folder, "apply", "replicated_storage", "--json")
    read_until_started(process, "network")
    process.kill()
    process.communicate(timeout=PATIENCE)

    again = command(folder, "apply", "replicated_storage", "--json")
    lines = read_lines(again.communicate(timeout=PATIENCE)[0])

    assert (0, "summary") == (again.returncode, lines[-1]["type"])
    assert [] == [line for line in lines if line["type"] == "diagnostic"]
    assert {1} == set(starts(folder).values())
    assert 6 == len(starts(folder))


@pytest.mark.drill
def test_the_deadline_ends_the_waiting_and_not_the_work(folder: Path):
    """Exit 7 with a resume line; the resumed run ends what went on without it."""
    late = command(folder, "apply", "replicated_storage", "--json", "--timeout", "2s")
    summary = read_lines(late.communicate(timeout=PATIENCE)[0])[-1]

    assert (7, 7, "running") == (late.returncode, summary["exit_code"], summary["status"])
    assert summary["resume"] is not None

    again = command(folder, *summary["resume"].partition("deploy.py ")[2].split())
    _, err = again.communicate(timeout=PATIENCE)

    assert again.returncode == 0, err
    assert {1} == set(starts(folder).values())


@pytest.mark.drill
def test_a_reader_that_goes_away_does_not_stop_the_deployment(folder: Path):
    """`apply | head -1` deploys all the same."""
    process = command(folder, "apply", "replicated_storage", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()

    assert process.wait(timeout=PATIENCE) == 0
    assert 6 == len(starts(folder))


PLAIN = """
backend = "local"
region = "us-east-1"
tags = {{ version = "{version}" }}

[stacks.topics]
template = "topics.json"
"""


@pytest.mark.drill
def test_an_interrupt_cancels_running_updates_where_that_is_asked_for(folder: Path):
    """Rolled back before its second resource, said, and 130; the resumed run deploys it. (X-35)"""
    plain = folder / "plain"
    plain.mkdir()
    topics = {"First": {}, "Second": {"DependsOn": "First"}, "Third": {"DependsOn": "Second"}}
    kind = {"Type": "AWS::SNS::Topic"}
    body = {"Resources": {name: kind | more for name, more in topics.items()}}
    (plain / "topics.json").write_text(json.dumps(body))
    (plain / "tapcfn.toml").write_text(PLAIN.format(version=1))
    first = command(folder, "apply", "plain")
    _, err = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, err
    (plain / "tapcfn.toml").write_text(PLAIN.format(version=2))
    server.start(folder, speed=4)
    process = command(folder, "apply", "plain", "--json", "--cancel-on-interrupt")
    read_until_started(process, "topics")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    server.start(folder, speed=40)
    lines = read_lines(out)

    assert (130, "interrupted") == (process.returncode, lines[-1]["status"])
    said = [line["message"] for line in lines if line["type"] == "diagnostic"]
    assert any("its update is cancelled" in each for each in said), said
    (unit,) = lines[-1]["units"]
    assert "cancelled, as the run was interrupted: UPDATE_ROLLBACK_COMPLETE" == unit["cause"]

    again = command(folder, *lines[-1]["resume"].partition("deploy.py ")[2].split())
    _, err = again.communicate(timeout=PATIENCE)
    assert again.returncode == 0, err
