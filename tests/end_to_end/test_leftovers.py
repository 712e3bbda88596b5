"""Stacks that a folder of templates no longer has, and plan files that take them away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tapcfn.cli.app import run
from tests.end_to_end.conftest import Bench, Result
from tests.end_to_end.test_repairs import STACK, Place


@pytest.fixture
def place(bench: Bench, tmp_path: Path) -> Place:
    """A folder that has deployed two stacks, and now has one."""
    made = Place(bench, tmp_path / "plain")
    made.add("other")
    assert 0 == made.run("apply").code
    made.edit("tapcfn.toml", STACK.format(name="other"), "")
    return made


def test_a_stack_that_the_folder_no_longer_has_goes_by_a_saved_plan(place: Place, tmp_path: Path):
    """Without a tag of ours it is known by the folder's runs; it goes as it was reviewed, once."""
    out = str(tmp_path / "plan.json")
    words = ["--remove-orphan", "other", "--out", out]
    seen = [place.run(command) for command in ("plan", "status")]
    blocked = place.run("plan", *words)
    allowed = [word for word in blocked.err.split() if word.startswith(("--allow-loss", "other/"))]
    planned = place.run("plan", *words, *allowed, "--detailed-exitcode")
    left = place.run("status")

    for each in seen:
        assert "other: warning TAP009" in each.out
        assert "--remove-orphan other@us-east-1" in each.out
    assert (4, 10) == (blocked.code, planned.code), planned.err
    assert ["--allow-loss", "other/Data@us-east-1:delete"] == allowed
    assert "TAP009" in left.out

    applied, again = (place.run("apply", "--plan", out) for _ in range(2))

    assert (0, 6) == (applied.code, again.code), applied.err
    assert "other@us-east-1: is gone since the plan was saved" in again.err
    assert "TAP009" not in place.run("plan").out
    with pytest.raises(ClientError, match="does not exist"):
        place.client("cloudformation").describe_stacks(StackName="other")


def test_an_orphan_that_has_changed_since_is_not_taken_away(place: Place, tmp_path: Path):
    """Exit 6, and it is still there."""
    out = str(tmp_path / "plan.json")
    words = ["--remove-orphan", "other", "--out", out, "--allow-loss", "other/Data"]
    assert 0 == place.run("plan", *words).code
    place.client("cloudformation").update_stack(
        StackName="other",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "Name", "UsePreviousValue": True},
            {"ParameterKey": "Text", "ParameterValue": "another"},
        ],
    )
    place.client("cloudformation").get_waiter("stack_update_complete").wait(
        StackName="other", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )

    refused = place.run("apply", "--plan", out)

    assert 6 == refused.code
    assert "other@us-east-1: has changed since the plan was saved" in refused.err
    assert place.client("cloudformation").describe_stacks(StackName="other")["Stacks"]


def test_stacks_in_an_account_that_the_file_has_left_are_found(place: Place):
    """With what speaks for that account; another file's stacks are its own. (D-17)"""
    former = place.bench.account
    moved = f"9{former[1:]}"
    place.edit("tapcfn.toml", former, moved)
    other = place.folder / "other.toml"
    other.write_text((place.folder / "tapcfn.toml").read_text())

    planned = place.run("plan", "--json")
    place.bench.capture()
    code = run("none.such", ["plan", str(other), "--json"])
    apart = Result(code, *place.bench.capture())

    assert 0 == planned.code, planned.out
    assert [("other", former), ("storage", former)] == [
        (line["unit"], line["account"])
        for line in planned.of_type("finding")
        if line["rule"] == "TAP009"
    ]
    assert [] == [line for line in apart.of_type("finding") if line["rule"] == "TAP009"]


def test_a_plan_file_runs_out_and_says_itself_what_goes(place: Place, tmp_path: Path):
    """Exit 6 for one that is too old; what it says is not to be said beside it."""
    out = tmp_path / "plan.json"
    saved = place.run("plan", "--out", str(out), "--expires", "0s")
    late = place.run("apply", "--plan", str(out))
    more = place.run("apply", "--plan", str(out), "--remove-orphan", "other")
    alone = place.run("plan", "--expires", "2h")
    idle = place.run("plan", "--empty-buckets", "mine")

    assert (0, 6, 2, 2, 2) == (saved.code, late.code, more.code, alone.code, idle.code)
    assert f"Saved: {out}, good until {json.loads(out.read_text())['expires']}" in saved.err
    assert "the plan has run out: it was good until" in late.err
    assert "a plan file says itself what goes and what may be lost" in more.err
    assert "--expires is for a plan file" in alone.err
    assert "name them with --remove-orphan" in idle.err
