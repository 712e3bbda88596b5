"""What a person reads can be acted on: each hint works as it is printed."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tapcfn.cli.app import run as run_command
from tapcfn.local import server
from tests.end_to_end.conftest import Bench, Result

SETTINGS = """\
backend = "local"
account = "{account}"
termination_protection = false

[stacks.shop]
template = "shop.json"
region = "us-east-1"
"""
SHOP = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"Arn": {"Value": {"Ref": "Topic"}}},
}
STUCK = """
[[fault]]
do = "fail"
type = "AWS::SNS::Topic"
during = "create"
reason = "no"

[[fault]]
do = "fail"
type = "AWS::SNS::Topic"
during = "rollback"
reason = "no"
"""

Run = Callable[..., Result]


@pytest.fixture
def folder(bench: Bench, tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    (made / "tapcfn.toml").write_text(SETTINGS.format(account=bench.account))
    (made / "shop.json").write_text(json.dumps(SHOP))
    return made


@pytest.fixture
def run(bench: Bench) -> Run:
    def command(*words: str) -> Result:
        bench.capture()
        return Result(run_command("there.are.none", list(words)), *bench.capture())

    return command


def test_a_plan_of_a_folder_says_which_folder(run: Run, folder: Path, tmp_path: Path) -> None:
    """And the command that it tells is the right one."""
    saved = str(tmp_path / "p.json")
    assert 0 == run("plan", str(folder), "--out", saved).code

    refused = run("apply", "--plan", saved)

    assert 2 == refused.code
    assert f"is a plan for the templates of {folder}" in refused.err
    words = refused.err.partition(" apply ")[2].split("\n")[0].split()
    assert 0 == run("apply", *words).code


def test_nothing_deployed_is_said(run: Run, folder: Path) -> None:
    """An empty answer is no answer."""
    assert "No events: mine is not deployed." in run("events", str(folder)).err
    assert "No events: shop is not deployed." in run("events", str(folder), "--stack", "shop").err
    outputs = run("outputs", str(folder))
    assert ("", "No outputs: nothing that has any is deployed.\n") == (outputs.out, outputs.err)


def test_recover_names_itself_as_it_can_be_typed(bench: Bench, run: Run, folder: Path) -> None:
    """A folder of templates is not found by a stack's name."""
    server.inject(bench.root, STUCK)
    try:
        assert 1 == run("apply", str(folder)).code
    finally:
        server.inject(bench.root, "")

    told = run("recover", str(folder))
    words = told.out.partition(" recover ")[2].split("\n")[0].split()

    assert [str(folder), "--stack", "shop", "--execute"] == words
    assert 0 == run("recover", *words).code


def test_a_missing_folder_and_a_missing_file_show_a_sample(run: Run, tmp_path: Path) -> None:
    """On lines of its own, as TOML wants it."""
    (tmp_path / "empty").mkdir()

    told = run("plan", str(tmp_path / "empty"))

    assert 2 == told.code
    assert f"{tmp_path}/empty/tapcfn.toml: does not exist; it names the stacks" in told.err
    assert '\n  [stacks.network]\n  template = "network.yaml"\n  region = "us-east-1"\n' in told.err
    assert "does not exist; a tapcfn.toml there names" in run("plan", str(tmp_path / "none")).err


def test_the_run_that_is_at_work_is_named(bench: Bench, run: Run, folder: Path) -> None:
    """By its name and its process; a lock that was let go of says nothing."""
    lock = bench.root / ".tapcfn/run.lock"
    assert 0 == run("plan", str(folder)).code
    assert "" == lock.read_text()
    with open(lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(f"run x-1, process {os.getpid()}")
        held.flush()
        refused = run("plan", str(folder))

    assert 4 == refused.code
    assert f"in this folder: run x-1, process {os.getpid()}; wait until" in refused.err
    lock.write_text("")


def test_a_stack_with_a_secret_says_why_it_is_asked_about(run: Run, folder: Path) -> None:
    """Nothing differs that can be seen; and there is no bundle to go back to, with the reason."""
    folder = folder.rename(folder.with_name("secretive"))
    body = {**SHOP, "Parameters": {"Word": {"Type": "String", "NoEcho": True}}}
    (folder / "shop.json").write_text(json.dumps(body))
    with (folder / "tapcfn.toml").open("a") as file:
        file.write('parameters = { Word = "hunter2-hunter2" }\n')
    assert 0 == run("apply", str(folder)).code

    planned = run("plan", str(folder))

    assert "(a NoEcho value cannot be compared, so CloudFormation is asked)" in planned.out
    back = run("rollback", str(folder))
    assert 2 == back.code
    assert "was not kept: a NoEcho parameter has its value in the settings" in back.err


HOOKED = """
[[fault]]
do = "hook"
hook = "Private::Guard::Owners"
target = "change_set"
reason = "one fault"

[[fault.annotations]]
name = "Owner"
message = "nobody owns it"
severity = "HIGH"
remedy = "add the tag owner"
link = "https://guard.example/owner"
"""


def test_what_a_hook_noted_is_told_with_its_remedy(bench: Bench, run: Run, folder: Path) -> None:
    """As a finding of its own; where the role may not ask, that is told instead. (X-12, X-29)"""
    denied = '\n[[fault]]\ndo = "error"\noperation = "ListHookResults"\ncode = "AccessDenied"\n'
    try:
        server.inject(bench.root, HOOKED)
        told = run("plan", str(folder), "--json")
        server.inject(bench.root, HOOKED + denied)
        blind = run("plan", str(folder), "--json")
    finally:
        server.inject(bench.root, "")

    assert (1, 1) == (told.code, blind.code)
    assert [
        "Hook failed with message: one fault [Private::Guard::Owners]",
        "nobody owns it (HIGH); to mend it: add the tag owner; see: https://guard.example/owner "
        "[Private::Guard::Owners, Owner]",
    ] == [each["message"] for each in told.of_type("finding")]
    assert {"hook"} == {each["origin"] for each in told.of_type("finding")}
    objection, warning = blind.of_type("finding")
    assert ("error", "warning") == (objection["severity"], warning["severity"])
    assert "what the Hooks noted in detail could not be read: ListHookResults" in warning["message"]
