"""The command line: the only place that prints, prompts and reads arguments and environment."""

from __future__ import annotations

import sys
from pathlib import Path

from tapcfn.cli.interrupts import Interrupts


def main(blueprints: str | None = None) -> None:
    """Run a command and exit with its code.

    `blueprints` is the dotted name of a package with a `BLUEPRINTS` mapping. Without it, the
    current folder's `templates.blueprints` is taken if there is one.
    """
    interrupts = Interrupts()
    interrupts.hold()
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    from tapcfn.cli.app import run

    sys.exit(run(blueprints or "templates.blueprints", sys.argv[1:], interrupts))
