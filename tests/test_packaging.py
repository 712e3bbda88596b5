"""What is built from this tree: a wheel of tapcfn alone, and an sdist of everything."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapcfn import __version__

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Wheel and sdist, built from a copy of the tree with what is installed here."""
    root = tmp_path_factory.mktemp("build")
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in names:
        if (PROJECT / name).is_file():
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


def test_the_wheel_ships_tapcfn_alone(dist: Path):
    """Nobody who installs tapcfn gets a top-level package called templates or tests."""
    (wheel,) = dist.glob("*.whl")

    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {"tapcfn", f"tapcfn-{__version__}.dist-info"} == tops
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"tapcfn/py.typed", "tapcfn/cli/app.py", "tapcfn/local/server.py"} <= names
    assert "tapcfn/report/ndjson.schema.json" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_sdist_ships_everything(dist: Path):
    """Templates, tests, Makefile and pins are there for whoever builds from source."""
    (sdist,) = dist.glob("*.tar.gz")

    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "Makefile",
        "constraints.txt",
        "deploy.py",
        "examples/plain/tapcfn.toml",
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
def test_the_installed_command_needs_no_blueprints_for_plain_templates(dist: Path, tmp_path: Path):
    """The wheel, unpacked somewhere else, plans a folder of templates where nothing else lies."""
    (wheel,) = dist.glob("*.whl")
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    work = tmp_path / "work"
    shutil.copytree(PROJECT / "examples" / "plain", work / "plain")
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site)}

    def command(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from tapcfn.cli import main; main()", *words],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        assert "Stacks: 3 to create." in command("plan", "plain")
    finally:
        command("local", "stop")


def test_pyproject_holds_the_build_system_and_ruff_only():
    """Everything else stands in setup.cfg, once."""
    document = tomllib.loads((PROJECT / "pyproject.toml").read_text())

    assert ({"build-system", "tool"}, {"ruff"}) == (set(document), set(document["tool"]))
