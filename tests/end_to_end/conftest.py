"""One local cloud for the whole folder, and for each test an account of its own in it."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from tapcfn.cli.app import run as run_command
from tapcfn.local import server
from tests.machine import read_lines

SETTINGS = """\
backend = "local"
account = "{account}"
keep_data = {keep_data}
termination_protection = {protection}
allowed_cidr = "{cidr}"
"""

_ACCOUNTS = itertools.count(1)


@dataclass(frozen=True)
class Result:
    """What one command said, and how it ended."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        """Hold what programs are told against the schema, whether or not a test reads it."""
        if self.out.startswith('{"v":'):
            read_lines(self.out)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return read_lines(self.out)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == kind]


@dataclass
class Bench:
    """A folder with a local cloud, and settings for one account in it."""

    root: Path
    url: str
    account: str
    file: Path
    capture: Callable[[], tuple[str, str]]
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def settings(
        self,
        extra: str = "",
        *,
        cidr: str = "10.0.0.0/8",
        keep_data: str = "false",
        protection: str = "false",
    ) -> None:
        text = SETTINGS.format(
            account=self.account, cidr=cidr, keep_data=keep_data, protection=protection
        )
        self.file.write_text(text + extra)

    def run(self, command: str, *arguments: str) -> Result:
        return self.of("replicated_storage", command, *arguments)

    def of(self, blueprint: str, command: str, *arguments: str) -> Result:
        """Run a command on a blueprint with the bench's settings file."""
        self.capture()
        words = [command, blueprint, "--settings", str(self.file), *arguments]
        code = run_command("templates.blueprints", words)
        out, err = self.capture()
        return Result(code, out, err)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        if (service, region) not in self.clients:
            self.clients[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=self.account,
                aws_secret_access_key="local",
            )
        return self.clients[service, region]

    def stack(self, layer: str, region: str = "us-east-1") -> Mapping[str, Any]:
        name = f"local-replicated-storage-{layer}"
        stacks = self.client("cloudformation", region).describe_stacks(StackName=name)
        return dict(stacks["Stacks"][0])

    def stack_names(self) -> set[str]:
        return {
            stack["StackName"]
            for region in ("us-east-1", "us-west-2")
            for page in self.client("cloudformation", region)
            .get_paginator("describe_stacks")
            .paginate()
            for stack in page["Stacks"]
        }

    def bucket(self, base: str, region: str) -> str:
        return f"tap-{base}-bucket-{self.account}-{region}"


@pytest.fixture(scope="session")
def cloud_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose local cloud answers at once."""
    root = tmp_path_factory.mktemp("cloud")
    server.start(root, speed=0)
    yield root
    server.stop(root, settle=0)


@pytest.fixture
def bench(
    cloud_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Bench:
    """A bench whose account nobody else uses."""
    monkeypatch.chdir(cloud_root)
    monkeypatch.delenv("CI", raising=False)
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "0")) or 0)
    account = f"{worker + 1:04d}{next(_ACCOUNTS):08d}"
    found = server.find(cloud_root)
    assert found is not None
    made = Bench(
        cloud_root,
        found.url,
        account,
        tmp_path / "settings.toml",
        lambda: tuple(capfd.readouterr()),
    )
    made.settings()
    return made
