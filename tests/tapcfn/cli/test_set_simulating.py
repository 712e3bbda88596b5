"""stackset simulate: organizational units from a file, so that no cloud is asked. (D-11)"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tapcfn.cli.app import run
from tests.machine import read_lines

HOME, ONE, TWO, ASLEEP = "111111111111", "222222222222", "333333333333", "444444444444"
APPS = "ou-ab12-aaaaaaaa"

SETTINGS = f"""
backend = "aws"
account = "{HOME}"
accounts = ["{HOME}"]
region = "us-east-1"

[stack_sets.base]
template = "base.json"
TARGETS
[stack_sets.base.preferences]
concurrent = 5
tolerance = 4

[[stack_sets.base.waves]]
name = "canary"
count = 1
"""
UNITS = f"""
permission = "service-managed"
[stack_sets.base.targets]
organizational_units = ["{APPS}"]
regions = ["us-east-1", "eu-west-1"]
"""
PAIRS = f"""
[stack_sets.base.targets]
accounts = ["{ONE}"]
regions = ["us-east-1"]
"""
ACCOUNTS = f"""account,ou,name,status
{HOME},{APPS},management,
{ONE},{APPS},,
{TWO},{APPS},,
{ASLEEP},{APPS},payments,SUSPENDED
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a set for a unit; whoever asks a cloud fails for want of credentials."""
    monkeypatch.chdir(tmp_path)
    for name in "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE":
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    (tmp_path / "base.json").write_text(
        json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    )
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    wants(tmp_path, UNITS)
    return tmp_path


def wants(folder: Path, targets: str) -> None:
    (folder / "tapcfn.toml").write_text(SETTINGS.replace("TARGETS", targets))


def simulate(
    capfd: pytest.CaptureFixture[str], folder: Path, *words: str
) -> tuple[int, list[dict[str, Any]]]:
    code = run("there.is.none", ["stackset", "simulate", str(folder), *words, "--json"])
    return code, read_lines(capfd.readouterr().out)


def test_a_file_tells_the_accounts_of_units(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two accounts in two Regions: the management account and the suspended one are none."""
    code, lines = simulate(capfd, folder, "--accounts", str(folder / "accounts.csv"))

    (told,) = [each for each in lines if each["type"] == "stackset.simulation"]
    assert (0, 4, [1, 3]) == (code, told["pairs"], [each["pairs"] for each in told["waves"]])
    assert told["left_out"] == [{"account": ASLEEP, "name": "payments"}]


def test_a_file_without_the_unit_is_said(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It may be another organization's."""
    (folder / "accounts.csv").write_text(f"account,ou\n{ONE},ou-ab12-bbbbbbbb\n")

    code, lines = simulate(capfd, folder, "--accounts", str(folder / "accounts.csv"))

    (warning,) = [each for each in lines if each["type"] == "diagnostic"]
    assert (0, "warning") == (code, warning["level"])
    assert f"has no account under {APPS}" in warning["message"]


def test_a_file_for_a_set_of_pairs_is_refused(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """An option that would do nothing is a mistake."""
    wants(folder, PAIRS)

    code, lines = simulate(capfd, folder, "--accounts", str(folder / "accounts.csv"))

    assert code == 2
    assert "no stack set here is for organizational units" in str(lines)


def test_pairs_need_neither_file_nor_cloud(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As ever."""
    wants(folder, PAIRS)

    assert simulate(capfd, folder)[0] == 0


def test_where_nobody_may_ask_the_organization_a_file_is_offered(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Why it can't be asked, and what does as well."""
    code, lines = simulate(capfd, folder)

    (told,) = [each for each in lines if each["type"] == "diagnostic" and each["level"] == "error"]
    assert code == 1
    assert "credentials" in told["message"]
    assert told["message"].endswith(
        "a file of the accounts and their units does as well: --accounts FILE"
    )
