"""What two bundles differ in, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from tapcfn.bundle import Difference
from tapcfn.model import canonical
from tapcfn.replacement import Effect, effect

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_LONGEST = 60


def compared_text(differences: Iterable[Difference]) -> str:
    """Return the differences, those of one template or stack together."""
    lines: list[str] = []
    for where, group in groupby(differences, key=lambda each: each.where):
        lines += [where, *(f"  {line}" for each in group for line in _lines(each))]
    return "\n".join(lines) if lines else "No differences."


def compared_fields(difference: Difference) -> Mapping[str, Any]:
    """Return one difference as the fields of an event."""
    return {
        "where": difference.where,
        "kind": difference.kind,
        "path": list(difference.path),
        "resource_type": difference.resource_type,
        "before": difference.before,
        "after": difference.after,
        "effect": str(_effect(difference) or "") or None,
        "source": str(difference.source) if difference.source else None,
    }


def _lines(difference: Difference) -> Iterator[str]:
    sign = _SIGNS[difference.kind]
    path = ".".join(difference.path) or "the whole of it"
    kind = f" ({difference.resource_type})" if difference.resource_type else ""
    line = f" — {difference.source}" if difference.source else ""
    yield f"{sign} {path}{kind}{line}"
    if (
        difference.kind == "changed"
        or difference.before is not None
        or difference.after is not None
    ):
        then = _effect(difference)
        yield (
            f"    {_shown(difference.before)} → {_shown(difference.after)}"
            + (f"   {then}" if then else "")
        )


def _effect(difference: Difference) -> Effect | None:
    """Return what a changed property does to its resource, if it is one."""
    if not difference.resource_type or difference.path[1:2] != ("Properties",):
        return None
    return effect(difference.resource_type, difference.path[2:])


def _shown(value: Any) -> str:
    text = "nothing" if value is None else canonical(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
