"""How long nobody can write while a Region is left: `python -m benchmarks.refused_writes SPEED`.

A writer writes objects all the time, to the side that takes writes; where none does, it waits.
Prints figures as JSON and exits with 1 where an object that was acknowledged is not in the target.
What this machine takes for itself counts too, multiplied by the speed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tapcfn.local import server
from tests.end_to_end.conftest import Bench, Result
from tests.end_to_end.migration import FIRST_WRITE, Migration, Writer

ACCOUNT = "000000000042"
MOVES = ("backfill", "verify", "freeze", "promote", "password", "dial-100", "open")


def main(speed: float) -> int:
    """Lead a migration until the target takes writes; return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        os.chdir(root)
        url = server.start(root, speed=speed).url
        try:
            return _measured(Bench(root, url, ACCOUNT, root / "s.toml", _nothing), speed)
        finally:
            server.stop(root)


def _nothing() -> tuple[str, str]:
    return "", ""


def _measured(bench: Bench, speed: float) -> int:
    migration, took = Migration.begin(bench), {}
    migration.settings()
    _quietly(migration.apply)
    with Writer(migration) as writer:
        for move in MOVES:
            began = time.monotonic()
            code = _quietly(partial(migration.until, move, *FIRST_WRITE))
            took[move] = round((time.monotonic() - began) * (speed or 1), 1)
            if code:
                sys.stdout.write(f"{move}: exit {code}\n")
                return 1
        time.sleep(1.0)
    lost = writer.acknowledged.keys() - migration.copies().keys()
    figures = {
        "speed": speed,
        "refused_seconds": round(writer.refused * (speed or 1), 1),
        "moves_seconds": took,
        "acknowledged": len(writer.acknowledged),
        "lost": len(lost),
        "faults": [str(each) for each in writer.faults],
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 1 if lost or writer.faults else 0


def _quietly(do: Callable[[], Result]) -> int:
    with contextlib.redirect_stdout(io.StringIO()):
        return do().code


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
