"""Runs that pages are shown with: recorded from the local cloud, and what is drawn of them."""

from __future__ import annotations

from pathlib import Path

STREAMS = Path(__file__).parent / "streams"


def file(name: str) -> Path:
    """Return where a recorded run is kept."""
    return STREAMS / f"{name}.ndjson"


def stream(name: str) -> list[str]:
    """Return the lines of a recorded run."""
    return file(name).read_text(encoding="utf-8").splitlines()
