"""Moves that stop in the middle of their work: what was begun is found, and taken back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tapcfn.local import server
from tests.end_to_end.conftest import Result
from tests.end_to_end.test_moves import Shop, moves, shop
from tests.machine import read_line

__all__ = ["shop"]

PROJECT = Path(__file__).parents[2]

FREEZES = '''
"""A shop whose customers must not write while traffic moves."""

from troposphere import Output, Parameter, Ref, rds, sns

from tapcfn.config import Common
from tapcfn.model import Move, OutputOf, Phase, Rollout, SetReadOnly, Stack, Target
from tapcfn.templating import Template, body


class Settings(Common):
    folder: str


def topic():
    template = Template("dns")
    share = template.add_parameter(Parameter("Weight", Type="String", Default="0"))
    template.add(sns.Topic("Topic", DisplayName=Ref(share)))
    return body("dns", template)


def database():
    template = Template("db")
    group = template.add(rds.DBParameterGroup("Group", Family="mysql8.4", Description="ours"))
    template.add(rds.DBInstance(
        "Database", Engine="mysql", EngineVersion="8.4.11", DBInstanceClass="db.t3.micro",
        AllocatedStorage="20", MasterUsername="admin", ManageMasterUserPassword=True,
        DBParameterGroupName=Ref(group), StorageEncrypted=True, DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
    ))
    template.add_output(Output("Name", Value=Ref(group)))
    return body("db", template)


def rollout(settings, stage):
    here = Target(settings.account_id, "us-east-1")

    def dns(weight):
        return Stack(f"{stage}-shop-dns", here, topic(), {"Weight": weight})

    freeze = SetReadOnly("freeze-source", here, OutputOf(f"{stage}-shop-db", "Name"))
    moves = (Move("shift", "all of it", (dns("100"),), before=(freeze,), falls_back=True),)
    db = Stack(f"{stage}-shop-db", here, database(), {})
    return Rollout("shop", stage, (Phase("provision", (db, dns("0"))),), moves=moves)
'''


def process(shop: Shop, *words: str) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    path = os.pathsep.join((str(PROJECT), str(shop.folder)))
    code = "import sys; from tapcfn.cli.app import run; sys.exit(run(sys.argv[1], sys.argv[2:]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, shop.package, "apply", "shop", "--json", *words],
        cwd=shop.bench.root,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def until(started: subprocess.Popen[str], kind: str, unit: str = "") -> str:
    """Read what a process tells until the first such line; return all of it."""
    assert started.stdout is not None
    told = ""
    for line in started.stdout:
        told += line
        said = read_line(line)
        if said["type"] == kind and said.get("unit", "").endswith(unit):
            return told
    raise AssertionError(f"no {kind} of {unit}: {told[-2000:]}")


def read_only(shop: Shop) -> str:
    """Return what the database's parameter group says of writes."""
    rds = shop.bench.client("rds")
    (found,) = rds.describe_db_instances()["DBInstances"]
    name = found["DBParameterGroups"][0]["DBParameterGroupName"]
    told = rds.describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"]
    return next(
        (each["ParameterValue"] for each in told if each["ParameterName"] == "read_only"), ""
    )


@pytest.mark.drill
def test_what_was_frozen_before_the_stacks_changed_thaws_on_the_way_back(shop: Shop) -> None:
    """The process died in between: no stack tells of it, the folder's notes do."""
    next(shop.folder.rglob("shop.py")).write_text(dedent(FREEZES))
    done = shop.apply()
    assert 0 == done.code, done.out[-2000:]
    dying = process(shop, "--until", "shift")
    until(dying, "op.end", "freeze-source")
    dying.kill()
    dying.communicate(timeout=60)
    assert ("1", "0") == (read_only(shop), shop.weight)

    back = shop.apply("--back-to", "base")

    assert (0, [("shift", True, True)]) == (back.code, moves(back))
    assert ("", "0") == (read_only(shop), shop.weight)
    assert [] == moves(shop.apply("--back-to", "base"))


@pytest.mark.drill
def test_an_interrupt_in_the_middle_of_an_update_falls_back(shop: Shop) -> None:
    """X-35: the update is cancelled, what was done before it taken back, and the exit is 130."""
    next(shop.folder.rglob("shop.py")).write_text(dedent(FREEZES))
    assert 0 == shop.apply().code
    server.start(shop.bench.root, speed=4)
    try:
        running = process(shop, "--until", "shift", "--cancel-on-interrupt")
        told = until(running, "op.start", "dns")
        running.send_signal(signal.SIGTERM)
        rest, _ = running.communicate(timeout=120)
    finally:
        server.start(shop.bench.root, speed=0)

    result = Result(running.returncode, told + rest, "")
    assert (130, "interrupted") == (result.code, result.lines[-1]["status"])
    assert [("shift", False, False), ("shift", True, True)] == moves(result)
    assert ("", "0") == (read_only(shop), shop.weight)
