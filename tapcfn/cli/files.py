"""Files that a command writes: whole, or as they were."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tapcfn.errors import TapcfnError


def write_whole(path: Path, document: object) -> None:
    """Write a document as JSON in the place of whatever is there; raise where that can't be."""
    half = path.with_name(f".{path.name}.{os.getpid()}.half")
    try:
        half.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise TapcfnError(f"{path}: cannot be written: {error.strerror}") from error
