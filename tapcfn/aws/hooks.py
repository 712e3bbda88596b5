"""What Hooks found wrong with a change set, point by point: their annotations, with the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from tapcfn.aws.paging import Answer, rows
from tapcfn.remark import Remark

_FAILED = frozenset({"HOOK_COMPLETE_FAILED", "HOOK_FAILED"})

# Results of which the annotations are read, a call for each.
_MOST = 10


def noted(client: Any, arn: str, places: Mapping[str, str]) -> tuple[Remark, ...]:
    """Return what the Hooks that failed for a change set annotated.

    `places` has the logical ID that a Hook is known to object to, by the Hook's name.
    """
    ask = partial(_unsized, client.list_hook_results, TargetType="CHANGE_SET", TargetId=arn)
    failed = [each for each in rows(ask, "HookResults", most=0) if each.get("Status") in _FAILED]
    results = [client.get_hook_result(HookResultId=each["HookResultId"]) for each in failed[:_MOST]]
    if any(_faults(each) and each.get("TypeName") not in places for each in results):
        places = _places(client, arn) | dict(places)
    return tuple(
        _remark(result, note, places.get(result.get("TypeName", ""), ""))
        for result in results
        for note in _faults(result)
    )


def _unsized(ask: Callable[..., Answer], *, MaxResults: int, **request: Any) -> Answer:  # noqa: N803
    """Ask for a page; these lists have no size to ask for."""
    del MaxResults
    return ask(**request)


def _faults(result: Answer) -> list[Answer]:
    return [each for each in result.get("Annotations", ()) if each.get("Status") == "FAILED"]


def _places(client: Any, arn: str) -> dict[str, str]:
    """Return the resource that each Hook looks at, where it is one and no other."""
    ask = partial(_unsized, client.describe_change_set_hooks, ChangeSetName=arn)
    seen: dict[str, set[str]] = {}
    for name, logical_id in _looked_at(rows(ask, "Hooks", most=0)):
        seen.setdefault(name, set()).add(logical_id)
    return {name: next(iter(found)) for name, found in seen.items() if len(found) == 1}


def _looked_at(hooks: list[Answer]) -> Iterator[tuple[str, str]]:
    for each in hooks:
        about = each.get("TargetDetails", {}).get("ResourceTargetDetails", {})
        if logical_id := about.get("LogicalResourceId"):
            yield each.get("TypeName", ""), logical_id


def _remark(result: Answer, note: Answer, logical_id: str) -> Remark:
    """Return one annotation: what, how grave, what mends it and where that is explained."""
    warns = result.get("FailureMode") == "WARN"
    subject = f"{logical_id}: " if logical_id else ""
    what = note.get("StatusMessage") or "no reason given"
    grave = f" ({note['SeverityLevel']})" if note.get("SeverityLevel") else ""
    mend = "".join(
        f"; {word}: {note[key]}"
        for word, key in (("to mend it", "RemediationMessage"), ("see", "RemediationLink"))
        if note.get(key)
    )
    tags = ", ".join(
        part for part in (result.get("TypeName", ""), note.get("AnnotationName", "")) if part
    )
    text = f"{subject}{what}{grave}{mend} [{tags}{', a warning' if warns else ''}]"
    return Remark(logical_id, text, warns, origin="hook")
