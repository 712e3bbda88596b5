"""A resume line says again what was said: every option but those that mean the place."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from tapcfn.cli.options import options_given


@click.command()
@click.argument("blueprint")
@click.argument("resources", nargs=-1)
@click.option("--stage", default="local")
@click.option("--yes", is_flag=True)
@click.option("--allow-loss", multiple=True)
@click.option("--out")
@click.option("--width", type=int, default=3)
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
    ],
)
def test_what_was_given_is_given_again(words: list[str], again: str):
    """In the order of the command's options, quoted for a shell."""
    assert again == CliRunner().invoke(command, words).output.strip()
