"""The pages of docs/reference, written from the code: `make documents` writes them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.pages import DOCS
from tests.reference import machine, python, settings
from tests.reference.commands import commands

FOLDER = DOCS / "reference"


def reference() -> Mapping[str, str]:
    """Return the text of each page by its name."""
    return {
        "commands.md": commands(),
        "settings.md": settings.settings(),
        "gates-and-actions.md": settings.gates_and_actions(),
        "findings.md": machine.findings(),
        "exit-codes.md": machine.exit_codes(),
        "ndjson.md": machine.ndjson(),
        "environment.md": machine.environment(),
        "python.md": python.python(),
    }


def write() -> None:
    """Write every page anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in reference().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
