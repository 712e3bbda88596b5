"""serverless_api moves to another Region while somebody writes: is anything lost or refused?

A local cloud of its own, at the given speed. Writers ask the Region that DNS names, and believe the
answer for a minute of AWS, as its TTL says: each posts items to that Region's API and puts objects
into its bucket, one after another, and tries again what was refused. What was acknowledged must be
in the target in the end. Prints figures as JSON and exits with 1 above a limit.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tapcfn.cli.app import run
from tapcfn.local import server

PROJECT = Path(__file__).parents[1]
ACCOUNT = "000000000001"
SOURCE, TARGET = "us-east-1", "us-west-2"
TTL = 60.0
PAUSE = 0.05

SETTINGS = """\
backend = "local"
keep_data = true
termination_protection = true
team_name = "web"
environment = "local"
source_region = "us-east-1"
target_region = "us-west-2"
allowed_cidr = "127.0.0.0/8"
shift = "staged"
domain_name = "api.example.com"
"""

# Seconds of this machine that a write may be refused for.
MOST_REFUSED = 5.0


@dataclass
class World:
    """The local cloud, and what the writers know of it."""

    url: str
    speed: float
    zone: str = ""
    ended: threading.Event = field(default_factory=threading.Event)
    made: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str, region: str = SOURCE) -> Any:
        """Return a client, made once; boto3's are safe to share."""
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        if (service, region) not in self.made:
            self.made[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="local",  # noqa: S106 - the local cloud asks for any
                config=config,
            )
        return self.made[service, region]

    def bucket(self, region: str) -> str:
        """Return the name of a Region's bucket."""
        end = "" if region == SOURCE else "-target"
        return f"web-local-assets{end}-{ACCOUNT}-{region}"

    def resolve(self) -> str:
        """Return the Region that DNS names, by its weights."""
        found = self.client("route53").list_resource_record_sets(HostedZoneId=self.zone)
        weights = {
            each["SetIdentifier"]: each["Weight"]
            for each in found["ResourceRecordSets"]
            if "SetIdentifier" in each
        }
        (name,) = random.choices(list(weights), list(weights.values()))  # noqa: S311 - as DNS does
        return SOURCE if name == "old-region" else TARGET

    def api(self, region: str) -> str:
        """Return the URL of a Region's stage, as the local cloud answers for it."""
        (found,) = self.client("apigateway", region).get_rest_apis()["items"]
        return f"{self.url}/_aws/execute-api/{found['id']}/local"


class Writer(threading.Thread):
    """Writes one thing after another, and notes what was acknowledged and how long it took."""

    def __init__(self, world: World, name: str, write: Callable[[str, str], bool]) -> None:
        super().__init__(name=name, daemon=True)
        self._world, self._write = world, write
        self._region, self._believed = "", 0.0
        self.written: dict[str, str] = {}
        self.refusals, self.longest, self.slowest = 0, 0.0, 0.0

    def run(self) -> None:
        """Write until the move is over."""
        number = 0
        while not self._world.ended.is_set():
            number += 1
            self._until_written(f"{self.name}-{number}")
            time.sleep(PAUSE)

    def _until_written(self, what: str) -> None:
        began = time.monotonic()
        while not self._world.ended.is_set():
            region = self._resolved()
            if self._write(region, what):
                self.written[what] = region
                self.slowest = max(self.slowest, time.monotonic() - began)
                break
            self.refusals += 1
            self.longest = max(self.longest, time.monotonic() - began)
            self._believed = 0.0  # a client that is refused asks again
            time.sleep(PAUSE)

    def _resolved(self) -> str:
        now = time.monotonic()
        if now > self._believed:
            self._region = self._world.resolve()
            self._believed = now + TTL / self._world.speed
        return self._region


def writers(world: World, each: int) -> list[Writer]:
    """Return writers of items and of objects."""
    urls = {region: world.api(region) for region in (SOURCE, TARGET)}

    def post(region: str, what: str) -> bool:
        body = json.dumps({"id": what, "data": region}).encode()
        host, path = urls[region].removeprefix("http://").split("/", 1)
        connection = http.client.HTTPConnection(host, timeout=30)
        try:
            connection.request("POST", f"/{path}/items", body)
            return connection.getresponse().status == 201
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def put(region: str, what: str) -> bool:
        with contextlib.suppress(ClientError, BotoCoreError):
            client = world.client("s3", region)
            client.put_object(Bucket=world.bucket(region), Key=what, Body=what.encode())
            return True
        return False

    made = {"item": post, "object": put}
    return [Writer(world, f"{k}-{i}", write) for k, write in made.items() for i in range(each)]


def found(world: World) -> set[str]:
    """Return all that is in the target."""
    items = world.client("dynamodb", TARGET).get_paginator("scan")
    objects = world.client("s3", TARGET).get_paginator("list_objects_v2")
    return {
        *(
            each["id"]["S"]
            for page in items.paginate(TableName="web-local-items")
            for each in page["Items"]
        ),
        *(
            each["Key"]
            for page in objects.paginate(Bucket=world.bucket(TARGET))
            for each in page.get("Contents", ())
        ),
    }


@contextlib.contextmanager
def cloud(speed: float) -> Iterator[World]:
    """Run a local cloud in a folder of its own, with a zone in it."""
    with tempfile.TemporaryDirectory(prefix="tapcfn-moving-") as folder:
        root = Path(folder)
        os.chdir(root)
        try:
            world = World(server.start(root, speed=speed).url, speed)
            made = world.client("route53").create_hosted_zone(
                Name="example.com", CallerReference="zone"
            )
            world.zone = str(made["HostedZone"]["Id"]).rpartition("/")[2]
            (root / "settings.toml").write_text(
                f'account = "{ACCOUNT}"\nhosted_zone_id = "{world.zone}"\n{SETTINGS}'
            )
            yield world
        finally:
            server.stop(root, settle=0)
            os.chdir(PROJECT)


def apply(*words: str) -> int:
    """Apply, quietly."""
    told = ["apply", "serverless_api", "--settings", "settings.toml", "--json", *words]
    with open("out.txt", "a", encoding="utf-8") as out, contextlib.redirect_stdout(out):
        return run("templates.blueprints", told)


def measure(speed: float, each: int) -> dict[str, float]:
    """Move there, and return the figures."""
    with cloud(speed) as world:
        code = apply()
        at_work = writers(world, each)
        for writer in at_work:
            writer.start()
        began = time.monotonic()
        give_up = ("--confirm-point-of-no-return", "give-up-source", "--lift-protection")
        for words in (
            ("--until", "shift-50"),
            ("--back-to", "shift-10"),
            ("--until", "monitor"),
            ("--until", "retire", *give_up),
        ):
            code = code or apply(*words)
        took = time.monotonic() - began
        world.ended.set()
        for writer in at_work:
            writer.join()
        written = {what: region for writer in at_work for what, region in writer.written.items()}
        lost = written.keys() - found(world)
    return {
        "exit_code": code,
        "speed": speed,
        "seconds": round(took, 1),
        "items": sum(each.startswith("item") for each in written),
        "objects": sum(each.startswith("object") for each in written),
        "written_in_the_source": sum(region == SOURCE for region in written.values()),
        "lost": len(lost),
        "refused": sum(writer.refusals for writer in at_work),
        "longest_refusal": round(max(writer.longest for writer in at_work), 2),
        "slowest_write": round(max(writer.slowest for writer in at_work), 2),
    }


def main(speed: float = 120.0, each: int = 3) -> int:
    """Print the figures; return 1 if one is above its limit."""
    figures = measure(speed, each)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    good = (
        figures["exit_code"] == 0
        and figures["lost"] == 0
        and figures["longest_refusal"] <= MOST_REFUSED
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*(float(word) for word in sys.argv[1:2]), *(int(word) for word in sys.argv[2:])))
