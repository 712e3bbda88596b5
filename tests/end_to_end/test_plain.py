"""The example folder of anybody's templates, from check to destroy, in a few commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tapcfn.cli.app import run
from tests.end_to_end.conftest import Bench
from tests.machine import read_lines

EXAMPLE = Path(__file__).parents[2] / "examples" / "plain"
NO_PACKAGE = "there.are.no.blueprints"


@pytest.fixture
def folder(bench: Bench, tmp_path: Path) -> Path:
    """A copy of the example for an account of its own."""
    copy = tmp_path / "plain"
    shutil.copytree(EXAMPLE, copy)
    file = copy / "tapcfn.toml"
    file.write_text(f'account = "{bench.account}"\n' + file.read_text())
    return copy


def test_the_example_is_deployed_and_taken_away(bench: Bench, folder: Path):
    """No blueprint anywhere: two templates, three stacks, two Regions, a value between them."""

    def command(*words: str) -> tuple[int, str, str]:
        code = run(NO_PACKAGE, [words[0], str(folder), *words[1:]])
        return (code, *bench.capture())

    assert 0 == command("check")[0]
    code, _, err = command("apply")
    assert code == 0, err
    assert {"plain-network-us-east-1", "plain-network-eu-west-1", "plain-storage"} == {
        stack["StackName"]
        for region in ("us-east-1", "eu-west-1")
        for stack in bench.client("cloudformation", region).describe_stacks()["Stacks"]
    }
    values = read_lines(command("outputs", "--json")[1])[1]["values"]
    (parameter,) = bench.client("ssm").describe_parameters()["Parameters"]
    text = bench.client("ssm").get_parameter(Name=parameter["Name"])["Parameter"]["Value"]
    assert f"{values['vpc']['eu-west-1']},{values['bucket']}" == text

    assert 0 == command("plan", "--detailed-exitcode")[0]
    code, out, err = command("status")
    assert (0, 3) == (code, out.count("CREATE_COMPLETE"))

    assert 0 == command("destroy")[0]
    assert 3 == command("status")[1].count("not deployed")


def test_a_saved_plan_and_a_bundle_of_plain_templates_are_applied(
    bench: Bench, folder: Path, tmp_path: Path
):
    """What is printed to go on with can be typed; the bundle no longer needs the folder."""
    saved, built = str(tmp_path / "p.json"), str(tmp_path / "bundle")
    code = run(NO_PACKAGE, ["plan", str(folder), "--out", saved])
    said = bench.capture()[1]
    assert code == 0, said
    assert f"apply {folder} --plan {saved}" in said
    assert 0 == run(NO_PACKAGE, ["bundle", "build", str(folder), "--out", built])
    assert 0 == run(NO_PACKAGE, ["apply", str(folder), "--plan", saved])
    shutil.rmtree(folder)

    assert 0 == run(NO_PACKAGE, ["plan", "--from-bundle", built, "--detailed-exitcode"])


def test_a_failure_points_at_the_line_of_the_file(bench: Bench, folder: Path):
    """The cause names the resource's line in the YAML. (R-7)"""
    file = folder / "network.yaml"
    text = file.read_text().replace("CidrBlock: !Select", "CidrBlock: 10.99.0.0/24 # !Select")
    file.write_text(text)
    line = text.splitlines().index("  Private:") + 1

    code = run(NO_PACKAGE, ["apply", str(folder)])

    assert code == 1
    assert f"{file}:{line}" in bench.capture()[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stage", "prod"], "--stage prod: {folder} has templates of its own"),
        (["--settings", "x.toml"], "--settings x.toml: {folder} has templates of its own"),
    ],
)
def test_a_stage_of_plain_templates_is_a_file(
    bench: Bench, folder: Path, words: list[str], said: str
):
    """Options that mean something else are refused, not passed over."""
    code = run(NO_PACKAGE, ["plan", str(folder), *words])

    assert code == 2
    assert said.format(folder=folder) in bench.capture()[1]


def test_a_folder_that_is_not_there_is_told(bench: Bench):
    """A path is never taken for a blueprint's name."""
    assert 2 == run(NO_PACKAGE, ["plan", "no/such"])
    assert "no/such: does not exist" in bench.capture()[1]


def lines_of(bench: Bench, *words: str) -> list[dict[str, Any]]:
    """Run a command with --json and return its lines."""
    bench.capture()
    code = run(NO_PACKAGE, [*words, "--json"])
    out, err = bench.capture()
    assert code == 0, out + err
    return read_lines(out)


def test_programs_are_told_what_people_are(bench: Bench, folder: Path, tmp_path: Path):
    """Which files were written, and when each stack changed and whether it is protected."""
    out = str(tmp_path / "out")
    (first,) = (each for each in lines_of(bench, "render", str(folder), "--out", out)
                if each["type"] == "render")  # fmt: skip
    (second,) = (each for each in lines_of(bench, "render", str(folder), "--out", out)
                 if each["type"] == "render")  # fmt: skip
    assert ["manifest.json", "network.json", "storage.json"] == first["wrote"]
    assert [] == second["wrote"]

    moved = [each for each in lines_of(bench, "status", str(folder))
             if each["type"] == "stack.status"]  # fmt: skip
    assert [(None, None)] * 3 == [(each["updated"], each["protected"]) for each in moved]


def test_roles_are_printed_for_the_deployer_and_for_what_it_deploys(bench: Bench, folder: Path):
    """As JSON that IAM takes, for the account of the settings."""
    (told,) = (each for each in lines_of(bench, "role", str(folder), "--deployer")
               if each["type"] == "role")  # fmt: skip
    assert {"plan", "apply"} == set(told["deployer"][bench.account])

    assert 0 == run(NO_PACKAGE, ["role", "--execution", str(folder)])
    out, err = bench.capture()
    (statement,) = json.loads(out)["execution"]["Statement"]
    assert {"s3:CreateBucket", "ec2:CreateSubnet", "ssm:PutParameter"} <= set(statement["Action"])
    assert "A superset" in err

    assert 0 == run(NO_PACKAGE, ["role", "--deployer"])
    assert ["*"] == list(json.loads(bench.capture()[0])["deployer"])
    assert 2 == run(NO_PACKAGE, ["role", "--execution"])
    assert 2 == run(NO_PACKAGE, ["role", str(folder)])
