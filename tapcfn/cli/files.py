"""Files that a command writes: whole, or as they were."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from tapcfn.errors import TapcfnError


def write_whole(path: Path, document: object) -> None:
    """Write a document as JSON in the place of whatever is there; raise where that can't be."""
    write_text_whole(path, json.dumps(document, indent=2) + "\n")


def write_text_whole(path: Path, text: str) -> None:
    """Write a text in the place of whatever is there; raise where that can't be."""
    half = path.with_name(f".{path.name}.{os.getpid()}.half")
    try:
        half.write_text(text, encoding="utf-8", errors="replace")
        half.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
        raise TapcfnError(f"{path}: cannot be written: {error.strerror}") from error


def why_not_writable(path: Path) -> str:
    """Return why a file could not be written there, as far as can be told without writing."""
    if path.is_dir():
        return f"{path}: is a folder"
    if not path.parent.is_dir():
        return f"{path}: there is no folder {path.parent}"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"{path}: nothing may be written to {path.parent}"
    return ""
