"""Each folder of examples/ is deployed, found as wanted and taken away, as it stands."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapcfn.cli.app import run
from tests.end_to_end.conftest import Bench

EXAMPLES = Path(__file__).parents[2] / "examples"
# That one is deployed by test_plain.py.
ELSEWHERE = {"plain"}
FOLDERS = sorted({path.name for path in EXAMPLES.iterdir() if path.is_dir()} - ELSEWHERE)


@pytest.fixture(params=FOLDERS)
def folder(
    request: pytest.FixtureRequest, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A copy of an example, whose accounts nobody else has."""
    copy = tmp_path / request.param
    shutil.copytree(EXAMPLES / request.param, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for file in copy.rglob("*.toml"):
        text = re.sub(
            r"(\d)\1{11}", lambda found: f"9{found[1]}{bench.account[2:]}", file.read_text()
        )
        file.write_text(f'account = "{bench.account}"\n{text}')
    monkeypatch.syspath_prepend(copy)
    yield copy
    for name in [each for each in sys.modules if each.partition(".")[0] == "ours"]:
        del sys.modules[name]


@pytest.mark.drill
def test_an_example_comes_and_goes(bench: Bench, folder: Path):
    """A second plan finds nothing to do, and nothing is left at the end."""
    package, names = _what_is_in(folder)
    has_sets = any("[stack_sets." in each.read_text() for each in folder.rglob("*.toml"))

    def command(name: str, *words: str) -> int:
        return max(run(package, [name, each, *words]) for each in names)

    steps = [("bootstrap",)] * has_sets
    steps += [("apply",), ("plan", "--detailed-exitcode"), ("destroy",)]
    steps += [("bootstrap", "--remove")] * has_sets
    codes = {" ".join(step): command(*step) for step in steps}

    assert set(codes.values()) == {0}, (codes, bench.capture()[1])
    for region in ("us-east-1", "eu-west-1"):
        assert [] == bench.client("cloudformation", region).describe_stacks()["Stacks"]


@pytest.mark.drill
def test_an_example_has_no_finding(bench: Bench, folder: Path):
    """cfn-lint takes its templates as they are, for the Regions that they go to."""
    package, names = _what_is_in(folder)
    stage = [] if (folder / "tapcfn.toml").exists() else ["--stage=local"]

    assert {0} == {run(package, ["check", each, *stage]) for each in names}, bench.capture()[0]


def _what_is_in(folder: Path) -> tuple[str, list[str]]:
    """Return the package of an example's blueprints, and what is deployed: their names, or it."""
    if (folder / "tapcfn.toml").exists():
        return "there.are.none", [str(folder)]
    (package,) = re.findall(r'main\("(.+)"\)', (folder / "deploy.py").read_text())
    return package, list(importlib.import_module(package).BLUEPRINTS)
