"""What is built from this tree: a wheel of tapcfn alone, and an sdist of everything."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapcfn import __version__
from tests.machine import SCHEMA
from tests.walks import Reader, surroundings

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Wheel and sdist, built from a copy of the tree with what is installed here."""
    root = tmp_path_factory.mktemp("build")
    for name in _tracked():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, root / name)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(root / "dist")],
        cwd=root,
        check=True,
        capture_output=True,
        timeout=300,
    )
    return root / "dist"


def _tracked() -> list[str]:
    """Return the files of this tree, those that git does not ignore."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (PROJECT / name).is_file()]


def test_the_wheel_ships_tapcfn_alone(dist: Path):
    """Nobody who installs tapcfn gets a top-level package called templates or tests."""
    tops = {name.split("/")[0] for name in _names(dist)}

    assert {"tapcfn", f"tapcfn-{__version__}.dist-info"} == tops


def test_the_wheel_ships_all_of_tapcfn(dist: Path):
    """Each file of the package in the tree, modules and what lies beside them, and nothing else."""
    there = {name for name in _tracked() if name.startswith("tapcfn/")}

    assert there == {name for name in _names(dist) if name.startswith("tapcfn/")}


def test_the_wheel_says_what_it_is(dist: Path):
    """The command, the licence, the README, and each extra that setup.cfg has."""
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        info = f"tapcfn-{__version__}.dist-info"
        said = archive.read(f"{info}/METADATA").decode()
        commands = archive.read(f"{info}/entry_points.txt").decode()
        assert f"{info}/licenses/LICENSE" in archive.namelist()

    assert "tapcfn = tapcfn.cli:main" in commands.splitlines()
    fields = said.partition("\n\n")[0].splitlines()
    assert {"License-Expression: Apache-2.0", "Requires-Python: >=3.11"} <= set(fields)
    extras = {line.partition(": ")[2] for line in fields if line.startswith("Provides-Extra")}
    assert set(_setup()["options.extras_require"]) == extras
    assert "# tapcfn" in said


def test_the_runtime_needs_nothing_of_the_extras(dist: Path):
    """Who deploys to AWS installs no emulator, no tests and no site."""
    needs = {_project(each) for each in _setup()["options"]["install_requires"].split()}
    extras = {
        _project(line)
        for text in _setup()["options.extras_require"].values()
        for line in text.split()
    }

    assert set() == needs & extras


def test_every_pin_is_of_one_version():
    """constraints.txt says one version of each package, and has all that setup.cfg asks for."""
    lines = (PROJECT / "constraints.txt").read_text().splitlines()[1:]
    pins = [_project(line) for line in lines]
    asked = [*_setup()["options.extras_require"].values(), _setup()["options"]["install_requires"]]

    assert [] == [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[^=\s]+", line)]
    assert sorted(set(pins)) == sorted(pins)
    assert set() == {_project(each) for text in asked for each in text.split()} - set(pins)


def _names(dist: Path) -> list[str]:
    (wheel,) = dist.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def _setup() -> configparser.ConfigParser:
    setup = configparser.ConfigParser()
    setup.read(PROJECT / "setup.cfg")
    return setup


def _project(requirement: str) -> str:
    """Return the name of a package as registries compare it."""
    return re.split(r"[=<>\[]", requirement)[0].lower().replace("_", "-")


def test_the_sdist_ships_everything(dist: Path):
    """Templates, tests, Makefile and pins are there for whoever builds from source."""
    (sdist,) = dist.glob("*.tar.gz")

    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "CONTRIBUTING.md",
        "Makefile",
        "SECURITY.md",
        "constraints.txt",
        "deploy.py",
        "docs/tutorial.md",
        "examples/plain/tapcfn.toml",
        "mkdocs.yml",
        "templates/blueprints/replicated_storage/stacks.py",
        "templates/settings/replicated_storage.local.toml",
        "templates/rendered/replicated_storage/manifest.json",
        "tests/test_packaging.py",
    } <= names


def test_the_installed_command_finds_the_templates_of_its_folder(dist: Path, tmp_path: Path):
    """The wheel, unpacked somewhere else, renders the templates that lie where it is run."""
    (wheel,) = dist.glob("*.whl")
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    work = tmp_path / "work"
    shutil.copytree(PROJECT / "templates", work / "templates")

    done = subprocess.run(
        [sys.executable, "-c", "from tapcfn.cli import main; main()", "render", "--check"],
        cwd=work,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.drill
def test_the_wheel_in_an_empty_venv_is_a_working_tapcfn(dist: Path, tmp_path: Path):
    """pip installs it, with the pins; then a stranger walks through the tutorial with it."""
    (wheel,) = dist.glob("*.whl")
    bench = _Venv(tmp_path)
    bench.run(bench.python, "-m", "pip", "install", *PINNED, str(wheel))
    shutil.copytree(PROJECT / "examples" / "plain", bench.work / "plain")

    assert f"tapcfn {__version__}\n" == bench.run("tapcfn", "--version")
    assert "Commands:" in bench.run("tapcfn", "--help")
    assert SCHEMA == json.loads(bench.run("tapcfn", "schema", "--ndjson"))
    assert "clean" in bench.run("tapcfn", "check", "plain")
    assert "tapcfn[local]" in bench.run("tapcfn", "plan", "plain", code=1)

    bench.run(bench.python, "-m", "pip", "install", *PINNED, f"{wheel}[local]")
    reader = Reader(bench.work, bench.environment)
    try:
        reader.follow(PROJECT / "docs/tutorial.md")
    finally:
        bench.run("tapcfn", "local", "stop")


PINNED = ("--quiet", "--constraint", str(PROJECT / "constraints.txt"))


class _Venv:
    """An empty venv, and a folder to work in that has nothing of this tree."""

    def __init__(self, root: Path) -> None:
        self.work, programs = root / "work", root / "venv" / "bin"
        self.work.mkdir()
        venv.create(root / "venv", with_pip=True)
        self.python = str(programs / "python")
        self.environment = surroundings(root, programs)

    def run(self, *words: str, code: int = 0) -> str:
        """Return what a command says on either stream."""
        done = subprocess.run(
            words,
            cwd=self.work,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            executable=shutil.which(words[0], path=self.environment["PATH"]),
        )
        assert done.returncode == code, done.stdout
        return done.stdout


def test_pyproject_holds_the_build_system_and_ruff_only():
    """Everything else stands in setup.cfg, once."""
    document = tomllib.loads((PROJECT / "pyproject.toml").read_text())

    assert ({"build-system", "tool"}, {"ruff"}) == (set(document), set(document["tool"]))
