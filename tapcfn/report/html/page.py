"""The page: what a run's lines say, poured into a template.

Everything is inside it, and its Content-Security-Policy allows no request at all: of the one style
and the one script only these very bytes may run.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined

from tapcfn.report.html.changes import rounds_of
from tapcfn.report.html.fleets import fleets_of
from tapcfn.report.html.gating import gates_of, moves_of
from tapcfn.report.html.picture import picture_of
from tapcfn.report.html.telling import (
    drifts_of,
    findings_of,
    losses_of,
    messages_of,
    outputs_of,
    resources_of,
)
from tapcfn.report.html.timeline import timeline_of
from tapcfn.report.html.units import units_of
from tapcfn.report.html.verdict import verdict_of
from tapcfn.report.recorded import Recorded


def html(run: Recorded) -> str:
    """Return the page of a run: the same lines give the same bytes."""
    units, fleets, moves = units_of(run), fleets_of(run), moves_of(run)
    style, script = _part("page.css"), _part("page.js")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            verdict=verdict_of(run, units, fleets, moves),
            units=units,
            picture=picture_of(units, fleets),
            rounds=rounds_of(run, units),
            timeline=timeline_of(run, units),
            fleets=fleets,
            moves=moves,
            gates=gates_of(run),
            findings=findings_of(run),
            drifts=drifts_of(run),
            losses=losses_of(run),
            outputs=outputs_of(run),
            messages=messages_of(run),
            resources=resources_of(run),
            tool=run.start.get("tool_version", ""),
            run=run.run,
            lines=len(run.lines),
            style=style,
            script=script,
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


def _hash(text: str) -> str:
    """Return the source expression of Content-Security-Policy for a text between its tags."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@lru_cache
def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


@lru_cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_part),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
