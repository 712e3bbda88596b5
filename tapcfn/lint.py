"""Ask cfn-lint about each template, for all the Regions that it goes to, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tapcfn.model import Finding, Severity, Stack, StackSet, TemplateBody

_SEVERITY = {"E": Severity.ERROR, "W": Severity.WARNING, "I": Severity.INFO}


def lint(stacks: Iterable[Stack], sets: Iterable[StackSet] = ()) -> tuple[Finding, ...]:
    """Return every error and warning, each template once with all of its Regions."""
    regions: dict[TemplateBody, set[str]] = {}
    for stack in stacks:
        regions.setdefault(stack.template, set()).add(stack.target.region)
    for each in sets:
        regions.setdefault(each.template, set()).update(each.regions)
    return tuple(
        finding
        for template, where in regions.items()
        for finding in _lint_one(template, sorted(where))
    )


def _lint_one(template: TemplateBody, regions: list[str]) -> Iterator[Finding]:
    from cfnlint.api import lint as cfn_lint
    from cfnlint.config import ManualArgs

    matches = cfn_lint(template.text, config=ManualArgs(regions=regions))
    for match in sorted(matches, key=lambda each: (str(each.rule.id), str(each.message))):
        yield _finding(template, match)


def _finding(template: TemplateBody, match: Any) -> Finding:
    path = [str(part) for part in getattr(match, "path", None) or ()]
    logical_id = path[1] if len(path) > 1 and path[0] == "Resources" else ""
    return Finding(
        rule=match.rule.id,
        severity=_SEVERITY.get(match.rule.id[0], Severity.ERROR),
        stack=template.layer,
        logical_id=logical_id,
        message=f"{match.message} ({'/'.join(path)})" if path else match.message,
        source=template.source.get(logical_id),
        origin="lint",
    )
