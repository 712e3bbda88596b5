"""From nothing to stack sets in other accounts, and back, by the commands that a newcomer types."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tapcfn.cli.app import run
from tests.end_to_end.conftest import Bench

NO_PACKAGE = "there.are.no.blueprints"
EXECUTION = "AWSCloudFormationStackSetExecutionRole"
ADMINISTRATION = "AWSCloudFormationStackSetAdministrationRole"

GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/baseline"}}


@pytest.fixture
def folder(bench: Bench, tmp_path: Path) -> Path:
    """A folder with one stack set for two accounts of its own."""
    made = tmp_path / "sets"
    made.mkdir()
    (made / "groups.json").write_text(json.dumps({"Resources": {"Group": GROUP}}))
    (made / "tapcfn.toml").write_text(f"""
backend = "local"
account = "{bench.account}"
region = "us-east-1"

[stack_sets.groups]
template = "groups.json"
[stack_sets.groups.targets]
accounts = ["1{bench.account[1:]}", "2{bench.account[1:]}"]
regions = ["us-east-1"]
""")
    return made


def command(bench: Bench, folder: Path, *words: str) -> tuple[int, str, str]:
    """Run one command on the folder."""
    bench.capture()
    code = run(NO_PACKAGE, [words[0], str(folder), *words[1:]])
    return (code, *bench.capture())


@pytest.mark.drill
def test_a_newcomer_is_led_from_no_roles_to_stack_sets(bench: Bench, folder: Path):
    """apply says what is missing, bootstrap makes it, once; the local cloud checks all trust."""
    code, _, err = command(bench, folder, "apply")
    assert code == 4
    assert "`bootstrap` with the same arguments makes it" in err
    assert bench.client("cloudformation").list_stack_sets()["Summaries"] == []

    code, _, err = command(bench, folder, "bootstrap")
    assert code == 0, err
    code, out, err = command(bench, folder, "bootstrap")
    assert (code, "Nothing to do: all 3 stacks are deployed as wanted." in out) == (0, True), err

    code, _, err = command(bench, folder, "apply")
    assert code == 0, err
    assert "groups: SUCCEEDED" in err
    code, _, err = command(bench, folder, "bootstrap", "--remove")
    assert (code, "groups: still deployed" in err) == (4, True)
    assert 0 == command(bench, folder, "destroy")[0]
    code, _, err = command(bench, folder, "bootstrap", "--remove")
    assert code == 0, err
    assert bench.client("iam").list_roles()["Roles"] == []


def test_what_is_printed_is_written_nowhere(bench: Bench, folder: Path):
    """Stacks, templates and notes for a reviewer, and no call."""
    code, out, err = command(bench, folder, "bootstrap", "--print")
    said = json.loads(out)

    assert code == 0, err
    assert set(said["templates"]) == {f"administration-{bench.account}", "execution"}
    assert [each["template"] for each in said["stacks"]] == [
        f"administration-{bench.account}",
        "execution",
        "execution",
    ]
    assert "note: " in err
    assert bench.client("iam").list_roles()["Roles"] == []


def test_a_role_that_somebody_else_made_is_left_as_it_is(bench: Bench, folder: Path):
    """Only what is missing is made, and the rest is named."""
    iam = bench.client("iam")
    nobody = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName=ADMINISTRATION, AssumeRolePolicyDocument=nobody)

    code, _, err = command(bench, folder, "bootstrap")
    assert code == 0, err
    assert f"the role {ADMINISTRATION} is there already, and is left as it is" in err
    assert iam.get_role(RoleName=ADMINISTRATION)["Role"]["AssumeRolePolicyDocument"] == json.loads(
        nobody
    )

    code, _, err = command(bench, folder, "apply")
    assert (code, "its trust policy does not let cloudformation.amazonaws.com in" in err) == (
        4,
        True,
    )


@pytest.mark.drill
def test_a_rehearsal_makes_the_roles_in_its_own_cloud(bench: Bench, folder: Path):
    """A fresh cloud has none, and nobody could bootstrap it."""
    code, _, err = command(bench, folder, "rehearse", "--speed", "1000")

    assert code == 0, err
    assert bench.client("iam").list_roles()["Roles"] == []
