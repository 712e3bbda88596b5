"""Pairs from a file, and from accounts times Regions; every fault by its line. (R-21, R-23)"""

from __future__ import annotations

from pathlib import Path

import pytest

from tapcfn.errors import ConfigError, UsageError
from tapcfn.model import Target
from tapcfn.stack_sets.targets import NamedPairs, expand, read_pairs

ONE, TWO = "000000000001", "222222222222"
HERE, THERE = Target(ONE, "us-east-1"), Target(TWO, "eu-west-1")
WANTED = NamedPairs(frozenset({HERE, THERE}), {THERE: {"Size": "large"}})

CSV = f"account, region ,Size\n{ONE},us-east-1,\n\n{TWO},eu-west-1,large\n"
JSON = f"""[
  {{"account": "{ONE}", "region": "us-east-1"}},
  {{"account": "{TWO}", "region": "eu-west-1", "Size": "large"}}
]"""
TOML = f"""
[[targets]]
account = "{ONE}"
region = "us-east-1"

[[targets]]
account = "{TWO}"
region = "eu-west-1"
Size = "large"
"""


def read(folder: Path, ending: str, text: str, encoding: str = "utf-8") -> NamedPairs:
    path = folder / f"targets.{ending}"
    path.write_text(text, encoding=encoding)
    return read_pairs(path)


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        ("csv", CSV),
        ("CSV", CSV.replace("\n", "\r\n")),
        ("json", JSON),
        ("json", f'{{"targets": {JSON}}}'),
        ("toml", TOML),
    ],
)
def test_pairs_and_overrides_are_read(tmp_path: Path, ending: str, text: str) -> None:
    """Leading zeros stay; an empty cell overrides nothing."""
    assert WANTED == read(tmp_path, ending, text)


def test_a_spreadsheets_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    assert WANTED == read(tmp_path, "csv", CSV, "utf-8-sig")


@pytest.mark.parametrize(
    ("ending", "text", "faults"),
    [
        (
            "csv",
            "account,region\n1,us-east-1\n\n2.22E+11,nowhere\n",
            [
                'line 2: account = "1": is no account id; allowed: an AWS account id: 12 digits, '
                "in quotes",
                'line 4: account = "2.22E+11": is no account id (a spreadsheet drops leading zeros '
                "and rounds: format the column as text); allowed: an AWS account id: 12 digits, "
                "in quotes",
                'line 4: region = "nowhere": is no Region; allowed: the name of a Region, such as '
                '"us-east-1"',
            ],
        ),
        (
            "csv",
            f"account,region\n{ONE},us-east-1\n{TWO},us-east-1\n{ONE},us-east-1\n",
            [f"line 4: {ONE}/us-east-1 stands in line 2 already; each pair once"],
        ),
        (
            "csv",
            "account,Region\n",
            ["line 1: the header has account, Region; allowed: account,region,…, each once"],
        ),
        (
            "csv",
            "account,region,account\n",
            ["line 1: the header has account twice; allowed: account,region,…, each once"],
        ),
        ("csv", "", ["line 1: the header has nothing; allowed: account,region,…, each once"]),
        ("csv", "account,region\n", ["names no pair; allowed: at least 1"]),
        (
            "csv",
            f"account,region\n{ONE}\n",
            ["line 2: has 1 cells; allowed: 2, as the header"],
        ),
        (
            "json",
            f'[\n{{"region": "us-east-1",\n"account": 123456789012}},\n{{"account": "{ONE}"}}]',
            [
                "line 2: account = 123456789012: is no account id (a number loses its leading "
                "zeros); allowed: an AWS account id: 12 digits, in quotes",
                'line 4: region: missing; allowed: the name of a Region, such as "us-east-1"',
            ],
        ),
        (
            "json",
            "[\n 012]",
            [
                "is not JSON: Expecting ',' delimiter: line 2 column 3 (char 4); account ids "
                "stand in quotes"
            ],
        ),
        ("json", '{"pairs": []}', ["pairs: unknown key; allowed: targets"]),
        ("json", "3", ["targets: missing; allowed: a list of tables with account and region"]),
        ("json", "[3]", ["entry 1: 3: allowed: a table with account and region"]),
        (
            "toml",
            TOML.replace(f'"{TWO}"', "222222222222").replace('"large"', "3") + 'Not-One = "x"\n',
            [
                "line 6: account = 222222222222: is no account id (a number loses its leading "
                "zeros); allowed: an AWS account id: 12 digits, in quotes",
                "line 6: Size = 3: allowed: a text in quotes",
                'line 6: "Not-One": is no parameter; allowed: letters and digits',
            ],
        ),
        (
            "toml",
            'targets = [\n  { account = "1", region = "us-east-1" },\n]\n',
            [
                'line 2: account = "1": is no account id; allowed: an AWS account id: 12 digits, '
                "in quotes"
            ],
        ),
        ("xlsx", "", [".xlsx: allowed: .csv, .json, .toml"]),
    ],
)
def test_every_fault_is_named(tmp_path: Path, ending: str, text: str, faults: list[str]) -> None:
    """File, line, key, value, and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, ending, text)

    assert faults == list(caught.value.faults)
    assert str(tmp_path / f"targets.{ending}") == caught.value.where


def test_a_number_with_a_leading_zero_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not TOML: .*line 3.*; account ids stand in quotes"):
        read(tmp_path, "toml", TOML.replace(f'"{ONE}"', ONE))


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"account,region\n\xff\n")

    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_pairs(tmp_path / "none.csv")
    with pytest.raises(ConfigError, match="cannot be read: is not UTF-8"):
        read_pairs(tmp_path / "latin.csv")


def test_accounts_times_regions_less_exceptions() -> None:
    """An account may have Regions of its own. (R-21)"""
    pairs = expand(
        [ONE, TWO],
        ["us-east-1", "eu-west-1"],
        [Target(ONE, "eu-west-1")],
        {TWO: ["eu-west-1", "us-gov-west-1"]},
    )

    assert {HERE, THERE, Target(TWO, "us-gov-west-1")} == pairs


@pytest.mark.parametrize(
    ("accounts", "regions", "exceptions", "own", "fault"),
    [
        (["1"], ["us-east-1"], [], {}, 'account = "1": is no account id'),
        ([ONE], ["here"], [], {}, 'region = "here": is no Region'),
        ([ONE], ["us-east-1"], [], {ONE: ["there"]}, 'region = "there": is no Region'),
        ([ONE], ["us-east-1"], [THERE], {}, f"exception {THERE}: not among the targets"),
        ([ONE], ["us-east-1"], [], {TWO: ["us-east-1"]}, f"account {TWO} has Regions of its own"),
    ],
)
def test_what_contradicts_itself_is_refused(
    accounts: list[str],
    regions: list[str],
    exceptions: list[Target],
    own: dict[str, list[str]],
    fault: str,
) -> None:
    with pytest.raises(UsageError, match=fault):
        expand(accounts, regions, exceptions, own)
