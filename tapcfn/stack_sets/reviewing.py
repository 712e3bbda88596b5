"""What a plan file says of a stack set: its pairs, and what calls are written against. (D-14)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.stack_sets.steps import SetStep


def set_unit(step: SetStep) -> dict[str, Any]:
    """Return a set's part of a plan file: pairs by what is done to them, and digests."""
    unit: dict[str, Any] = {
        "account": step.stack_set.home.account,
        "region": step.stack_set.home.region,
        "verb": step.verb,
        "reason": str(step.reason),
        "template": step.stack_set.template.digest,
        "needs": sorted(step.needs),
    }
    if step.spread is None:
        return unit | {"deferred": [[each.stack, each.key] for each in step.unknown]}
    spread = step.spread
    return unit | {
        "base": spread.base,
        "pairs": {
            "add": sorted(map(str, spread.add)),
            "update": sorted(map(str, spread.update)),
            "override": sorted(map(str, spread.override)),
            "remove": sorted(map(str, spread.remove)),
        },
        "retain": step.stack_set.retain,
    }


def set_fault(step: SetStep, unit: Mapping[str, Any] | None, *, begun: bool) -> str:
    """Say why a set is not as it was when the plan was saved, or nothing.

    One that a run of this plan has `begun` goes on with whatever of the reviewed pairs is left.
    """
    if unit is None:
        return "was not part of the plan"
    now = set_unit(step)
    if begun:
        return _more_than_reviewed(now, unit)
    if ("deferred" in unit) != ("deferred" in now):
        return "its inputs are known now and were not when the plan was saved"
    if unit.get("base") != now.get("base"):
        return "the stack set or its instances have changed since the plan was saved"
    if unit.get("pairs") != now.get("pairs"):
        return "other instances would be touched than were reviewed"
    return ""


def _more_than_reviewed(now: Mapping[str, Any], unit: Mapping[str, Any]) -> str:
    """Say what is left to do beyond what was reviewed; an instance that failed may be updated."""
    before = {pair for pairs in unit.get("pairs", {}).values() for pair in pairs}
    extra = {pair for pairs in now.get("pairs", {}).values() for pair in pairs} - before
    if "deferred" in unit or not extra:
        return ""
    return f"was begun, and now {', '.join(sorted(extra)[:5])} would be touched, too"
