"""The command line: the only place that prints, prompts and reads arguments and environment."""

from __future__ import annotations

import sys
from pathlib import Path


def main(blueprints: str | None = None) -> None:
    """Run a command and exit with its code.

    `blueprints` is the dotted name of a package with a `BLUEPRINTS` mapping. Without it, the
    current folder's `templates.blueprints` is taken if there is one.
    """
    try:
        code = _run(blueprints or "templates.blueprints")
    except KeyboardInterrupt:  # before the command has begun, while modules are imported
        sys.stderr.write("interrupted\n")
        code = 130
    sys.exit(code)


def _run(blueprints: str) -> int:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    from tapcfn.cli.app import run

    return run(blueprints, sys.argv[1:])
