"""A resume line says again what was said: every option but those that mean the place."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tapcfn.cli.console import Console
from tapcfn.cli.options import Session, common, fail_fast, options_given, program


@click.command()
@click.argument("blueprint")
@click.argument("resources", nargs=-1)
@click.option("--stage", default="local")
@click.option("--yes", is_flag=True)
@click.option("--allow-loss", multiple=True)
@click.option("--out")
@click.option("--width", type=int, default=3)
@fail_fast
@common
def command(**_: object) -> None:
    click.echo(" ".join(options_given()))


@pytest.mark.parametrize(
    ("words", "again"),
    [
        (["b"], ""),
        (["b", "--stage", "prod", "--out", "p"], ""),
        (["b", "--yes", "--width", "3"], "--yes --width 3"),
        (["b", "A=x", "B=y z", "--yes"], "A=x 'B=y z' --yes"),
        (
            ["b", "--allow-loss", "s/A:delete", "--allow-loss", "s/B x"],
            "--allow-loss s/A:delete --allow-loss 's/B x'",
        ),
        (["b", "--fail-fast", "--yes"], "--yes --fail-fast"),
        (["b", "--timeout", "5m", "--no-input", "--json"], ""),
    ],
)
def test_what_was_given_is_given_again(words: list[str], again: str):
    """In the order of the command's options, quoted for a shell; not how it is to be told."""
    session = Session("templates", Console("run", json=False, color=False))

    assert again == CliRunner().invoke(command, words, obj=session).output.strip()


def test_a_command_can_be_typed_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """From here where Python lies here, by name where that is the one, else whole and quoted."""
    here, there = tmp_path / "here", tmp_path / "over there"
    for folder in (here / ".venv/bin", there):
        folder.mkdir(parents=True)
        (folder / "python").touch(mode=0o755)
    monkeypatch.chdir(here)
    told = []
    for running, path in (
        (here / ".venv/bin/python", there),
        (there / "python3", there),
        (there / "python", here),
    ):
        monkeypatch.setattr("sys.executable", str(running))
        monkeypatch.setenv("PATH", str(path))
        told.append(program())

    assert [
        ".venv/bin/python deploy.py",
        "python deploy.py",
        f"'{there}/python' deploy.py",
    ] == told
