"""What a plan file says of one stack: what was reviewed, and against what it was written. (D-14)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from tapcfn.model import EMPTY, ChangeSet, Deployed, Finding, canonical, digest_of
from tapcfn.plan import Step, Verb
from tapcfn.preview import Deferred, Preview, Previewed

# What a stack holds that its deletion takes or leaves: logical ID, type, physical ID, and which.
Holdings: TypeAlias = Mapping[str, tuple[tuple[str, str, str, bool], ...]]


def unit_of(step: Step, preview: Preview | None) -> dict[str, Any]:
    """Return a step as it was reviewed: names, digests and verdicts, and no value."""
    stack, deployed = step.stack, _standing(step)
    unit: dict[str, Any] = {
        "account": stack.target.account,
        "region": stack.target.region,
        "verb": step.verb,
        "reason": step.reason,
        "stack_id": deployed.stack_id if deployed else None,
        "updated": deployed.updated if deployed else None,
        "operations": operations(step),
        "base": base(step),
        "template": stack.template.digest,
        "parameters": _parameters(step),
        "change_set": None,
    }
    if isinstance(preview, Previewed):
        unit |= {
            "change_set": preview.staged.change_set.arn,
            "stack_id": preview.staged.change_set.stack_id,
            "guard": [_decision(each) for each in preview.findings],
            "empty": preview.staged.change_set.empty,
            "token": preview.staged.token,
            "intent": preview.staged.intent,
            "provisional": [[each.stack, each.key] for each in preview.provisional],
            "nested": dict(nested(preview.staged.change_set)),
        }
    if isinstance(preview, Deferred):
        unit["deferred"] = [[each.stack, each.key] for each in preview.unknown]
    return unit


def held(step: Step, holdings: Holdings) -> dict[str, Any]:
    """Return what a deletion takes and leaves; other steps have their change sets for that."""
    if step.verb is not Verb.DELETE:
        return {}
    return {"holdings": [list(each) for each in holdings.get(step.stack.name, ())]}


def _decision(finding: Finding) -> Mapping[str, Any]:
    """Return what a guard came to, without its words."""
    path = "/".join(part for part in (finding.nested, finding.logical_id) if part)
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "resource": path or None,
        "property": finding.path or None,
        "allowed_by": finding.allowed_by or None,
    }


def _parameters(step: Step) -> str:
    """Return a digest of the parameters that are wanted: what is wired by where it comes from."""
    values = step.stack.parameters.items()
    return digest_of(canonical({key: [type(each).__name__, str(each)] for key, each in values}))


def operations(step: Step) -> Mapping[str, str]:
    """Return the last operation of each type that changes a stack; staging does not.

    The service may forget the older ones, so one that is missing later says nothing.
    """
    deployed = _standing(step)
    done = deployed.operations if deployed else EMPTY
    return {kind: done[kind] for kind in sorted(done) if kind != "CREATE_CHANGESET"}


def nested(change_set: ChangeSet, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the ARN of each nested change set by the way to it."""
    for change in change_set.changes:
        if change.nested:
            path = f"{above}{change.logical_id}"
            yield path, change.nested.arn
            yield from nested(change.nested, f"{path}/")


def _standing(step: Step) -> Deployed | None:
    """Return what is deployed; a shell that was only reviewed is nothing."""
    deployed = step.deployed
    return None if deployed is None or deployed.status.is_absent else deployed


def base(step: Step) -> str:
    """Return a digest of the stack and the moment that a change set was written against."""
    return digest_of(step.deployed.base if step.deployed else "absent")
