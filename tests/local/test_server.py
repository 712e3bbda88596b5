"""The life cycle of the local cloud."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tapcfn.errors import LocalCloudError
from tapcfn.local import record, server
from tests.local_cloud import (
    Aws,
    deploy,
    resource,
    settled,
    template,
    until,
)

RACE = "import sys; from tapcfn.local import server; print(server.start(sys.argv[1], speed=0).pid)"
CHECKOUT = Path(server.__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Return an empty folder, and end whatever runs in it afterwards."""
    yield tmp_path
    server.stop(tmp_path, settle=0)


def buckets(cloud: server.LocalCloud) -> list[str]:
    found = Aws(cloud.url, server.DEFAULT_ACCOUNT).client("s3").list_buckets()["Buckets"]
    return [bucket["Name"] for bucket in found]


def make_bucket(cloud: server.LocalCloud, name: str = "kept-bucket") -> None:
    Aws(cloud.url, server.DEFAULT_ACCOUNT).client("s3").create_bucket(Bucket=name)


def stacks(cloud: server.LocalCloud) -> Any:
    return Aws(cloud.url, server.DEFAULT_ACCOUNT).client("cloudformation")


def test_nothing_runs_at_first(root):
    """A folder in which nothing was started has no local cloud, and none to stop."""
    assert server.find(root) is None
    assert server.stop(root) is False
    assert server.status(root) == server.Status(running=False, state=record.home_of(root))


def test_started_twice_is_the_same(root, local_cloud, monkeypatch):
    """The second start returns the cloud that runs already, and may change its speed.

    Credentials and profiles of the person's shell never reach it. A stop ends exactly that process;
    the one of another folder goes on.
    """
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AUTH", "true")
    first = server.start(root, speed=0)
    environment = Path(f"/proc/{first.pid}/environ").read_text()

    assert "AWS_" not in environment
    assert "AUTH=" not in environment

    assert server.start(root) == first
    assert server.find(root) == first
    assert first.url.startswith("http://127.0.0.1:")
    assert server.status(root).speed == 0

    server.start(root, speed=120)

    assert server.status(root).speed == 120
    assert (first.pid == local_cloud.pid, first.url == local_cloud.url) == (False, False)
    assert server.stop(root) is True
    with pytest.raises(ProcessLookupError):
        os.kill(first.pid, 0)
    assert server.find(root) is None
    assert server.find(local_cloud.state.parents[1]) == local_cloud


def test_a_stale_record_is_ignored(root):
    """A record of a process that is gone, or of somebody else's, is not believed."""
    home = record.home_of(root)
    home.mkdir(parents=True)
    for pid in (os.getpid(), 2**22 - 1):
        (home / "server.json").write_text(json.dumps({"pid": pid, "port": 9, "token": "x"}))

        assert server.find(root) is None
    assert server.stop(root) is False


def test_a_foreign_server_is_not_taken_for_ours(root, local_cloud):
    """A process that answers on the port with another token is never touched."""
    home = record.home_of(root)
    home.mkdir(parents=True)
    port = int(local_cloud.url.rpartition(":")[2])
    claimed = {"pid": local_cloud.pid, "port": port, "token": "another"}
    (home / "server.json").write_text(json.dumps(claimed))

    assert server.find(root) is None
    assert server.stop(root) is False
    os.kill(local_cloud.pid, 0)


@pytest.mark.drill
def test_a_killed_server_can_be_started_again(root):
    """After a SIGKILL there is none, and a new one still knows the stacks that had settled."""
    killed = server.start(root, speed=0)
    made = deploy(stacks(killed), "stack", template({"Topic": resource("SNS::Topic")}))
    saved = killed.state / "state" / "cloudformation.json"
    until(lambda: saved.is_file() and made["StackId"] in saved.read_text())
    os.killpg(killed.pid, 9)
    until(lambda: server.find(root) is None)
    again = server.start(root, speed=0)

    assert again.pid != killed.pid
    assert settled(stacks(again), made["StackId"])["StackStatus"] == "CREATE_COMPLETE"


def test_a_race_gives_one_server(root):
    """Two commands that start at once get the same cloud."""
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(root)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        )
        for _ in range(2)
    ]
    pids = {command.communicate(timeout=30)[0].strip() for command in commands}
    running = server.find(root)

    assert running is not None
    assert pids == {str(running.pid)}


def test_a_port_that_is_taken(root, local_cloud):
    """Whoever asks for a port that is taken is told so."""
    taken = int(local_cloud.url.rpartition(":")[2])

    with pytest.raises(LocalCloudError, match=f"port {taken} is not to be had"):
        server.start(root, port=taken)


def test_a_child_that_dies_is_explained_by_its_log(root, monkeypatch):
    """The end of the log is in the error."""
    monkeypatch.setenv("PYTHONHOME", "/nowhere")

    with pytest.raises(LocalCloudError, match=r"did not start; the end of .*server\.log"):
        server.start(root, speed=0)
    assert server.find(root) is None


def test_what_is_missing_is_named(root):
    """Without the extra, the error says how to install it."""
    told = subprocess.run(
        [sys.executable, "-S", "-c", RACE, str(root)],  # -S: no installed packages at all
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(CHECKOUT)},
    )

    assert "LocalCloudError: the local cloud needs ministack" in told.stderr
    assert "pip install 'tapcfn[local]'" in told.stderr


def test_status_tells_accounts_and_types(local_cloud):
    """Status names the accounts in use and what can be deployed, as plain JSON too."""
    Aws(local_cloud.url, "123456789012").client("s3").create_bucket(Bucket="somewhere")
    told = server.status(local_cloud.state.parents[1])

    assert (told.running, told.pid, told.url) == (True, local_cloud.pid, local_cloud.url)
    assert {server.DEFAULT_ACCOUNT, "123456789012"} <= set(told.accounts)
    assert {"AWS::EC2::NatGateway", "AWS::S3::Bucket"} <= set(told.supported)
    assert json.loads(json.dumps(told.to_dict()))["running"] is True


def test_the_door_needs_no_emulator():
    """The module that the command line imports loads neither the emulator nor boto3."""
    code = (
        "import sys; import tapcfn.local; "
        "print([m for m in ('ministack', 'boto3', 'botocore', 'hypercorn') if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )

    assert told.stdout.strip() == "[]"
