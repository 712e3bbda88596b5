"""Every output of every stack as JSON: by unit, account, Region and key."""

from __future__ import annotations

import json

from tapcfn.report.collected import Report


def outputs_file(report: Report) -> str:
    """Return the document; an empty one where nothing is deployed, or nothing is known."""
    found: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    for each in report.outputs.units if report.outputs else ():
        places = found.setdefault(each.stack, {}).setdefault(each.target.account, {})
        places[each.target.region] = dict(each.values)
    return json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
