"""Events as lines of JSON, version 1: the machine-readable stream. (frozen; it only grows)"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import singledispatch
from importlib import resources
from itertools import islice
from typing import Any

from tapcfn import __version__
from tapcfn.events import (
    ActionEnded,
    ActionStarted,
    Answered,
    Cause,
    ChangePlanned,
    Diagnosed,
    Event,
    FindingRaised,
    GateJudged,
    InstanceMoved,
    InstancePlanned,
    MoveEnded,
    MoveStarted,
    OperationStarted,
    Outcome,
    OutputsKnown,
    ResourceMoved,
    RunStarted,
    SetOperationEnded,
    SetOperationStarted,
    StackEnded,
    StackMoved,
    StackPlanned,
    Summarised,
    Waiting,
    WaveEnded,
    WaveStarted,
)
from tapcfn.model import Change, Ending, Gate, MetricCheck, SourceLine, Target

# A line stays below 64 KiB, so a long value is cut to this many characters; where that is not
# enough, values get shorter and at last lists too.
LONGEST_LINE = 64 * 1024 - 2
LONGEST_VALUE = 8_000
_SHORTEST_CUT = 125


def line(event: Event, *, seq: int, ts: str, run: str, place: tuple[str, int] | None = None) -> str:
    """Return one line, without its end. `ts` is UTC in RFC 3339 with milliseconds and a Z.

    `place` is the phase and the wave of the event's unit in the plan, where there is one.
    """
    fields = _fields(event)
    kind = fields.pop("type")
    if place is not None:
        fields = {"phase": place[0], "wave": place[1]} | fields
    envelope = {"v": 1, "seq": seq, "ts": ts, "run": run, "type": kind}
    whole = _json(envelope | fields)
    if len(whole) <= LONGEST_VALUE:
        return whole
    longest, most = LONGEST_VALUE, len(whole)
    while True:
        text = _json(envelope | {key: _cut(value, longest, most) for key, value in fields.items()})
        if text != whole:
            text = text[:-1] + ',"truncated":true}'
        if len(text.encode(errors="replace")) <= LONGEST_LINE:
            return text
        if longest > _SHORTEST_CUT:
            longest //= 2
        else:
            most = min(most, 4096) // 2


def stream_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of every line."""
    text = resources.files(__package__).joinpath("ndjson.schema.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


# What is told of a stack or a stack set while it is worked on. (phase and wave are the plan's)
_OF_UNITS = (
    OperationStarted,
    ResourceMoved,
    StackMoved,
    StackEnded,
    ChangePlanned,
    InstancePlanned,
    SetOperationStarted,
    SetOperationEnded,
    InstanceMoved,
)


def unit_of(event: Event) -> str:
    """Return the unit of the plan that an event is about, or nothing."""
    if not isinstance(event, _OF_UNITS):
        return ""
    return str(_fields(event)["unit"])


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _cut(value: Any, longest: int, most: int) -> Any:
    """Shorten texts, lists and mappings, however deep they lie."""
    if isinstance(value, str):
        return value[:longest]
    if isinstance(value, Mapping):
        return {key: _cut(value[key], longest, most) for key in islice(value, most)}
    if isinstance(value, list | tuple):
        return [_cut(each, longest, most) for each in islice(value, most)]
    return value


@singledispatch
def _fields(event: Event) -> dict[str, Any]:
    """Return what an event says; each class has a function of its own below."""
    raise TypeError(f"{type(event).__name__} has no line")


@_fields.register
def _run(event: RunStarted) -> dict[str, Any]:
    return {
        "type": "run.start",
        "command": event.command,
        "tool_version": __version__,
        "plan_digest": event.plan_digest,
        "targets": [str(target) for target in event.targets],
        "blueprint": event.blueprint or None,
        "stage": event.stage or None,
        "backend": event.backend or None,
        "resumes": event.resumes or None,
    }


@_fields.register
def _stack_planned(event: StackPlanned) -> dict[str, Any]:
    return _of_unit("plan.unit", event.stack, event.target) | {
        "phase": event.phase,
        "wave": event.wave,
        "verb": event.verb,
        "reason": event.reason,
        "change_set_id": event.change_set,
        "counts": dict(event.counts),
        "needs": list(event.needs),
        "capabilities": {key: list(needing) for key, needing in event.capabilities.items()},
        "kind": "stack" if event.wave else "stack_set",
        "layer": event.layer or None,
        "contents": dict(event.contents),
    }


@_fields.register
def _instance_planned(event: InstancePlanned) -> dict[str, Any]:
    return _of_unit("plan.instance", event.stack_set, event.target) | {"verb": event.verb}


@_fields.register
def _change_planned(event: ChangePlanned) -> dict[str, Any]:
    return _of_unit("plan.change", event.stack, event.target) | _change(
        event.change, event.source, event.nested
    )


@_fields.register
def _finding(event: FindingRaised) -> dict[str, Any]:
    finding = event.finding
    return _of_unit("finding", finding.stack, event.target) | {
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
        "logical_id": finding.logical_id or None,
        "path": finding.path or None,
        "source": _source(finding.source),
        "origin": finding.origin,
        "allowed_by": finding.allowed_by or None,
        "nested": finding.nested or None,
    }


@_fields.register
def _operation(event: OperationStarted) -> dict[str, Any]:
    return _begun("stack", event.stack, event, event.action) | {
        "token": event.token,
        "usual_ms": _ms(event.usual),
    }


@_fields.register
def _resource_moved(event: ResourceMoved) -> dict[str, Any]:
    moved = event.event
    return _of_unit("stack.event", event.stack, event.target) | {
        "logical_id": moved.logical_id,
        "resource_type": moved.resource_type,
        "resource_status": moved.status,
        "reason": moved.reason or None,
        "event_id": moved.event_id,
        "at": moved.time or None,
        "source": _source(event.source),
    }


@_fields.register
def _stack_moved(event: StackMoved) -> dict[str, Any]:
    return _of_unit("stack.status", event.stack, event.target) | {
        "status": event.status,
        "updated": event.updated or None,
        "protected": event.protected,
    }


@_fields.register
def _stack_ended(event: StackEnded) -> dict[str, Any]:
    return _of_unit("op.end", event.stack, event.target) | _ended(event)


@_fields.register
def _wave_started(event: WaveStarted) -> dict[str, Any]:
    return _of_unit("wave.start", event.stack_set, event.target) | {
        "wave": event.wave,
        "pairs": event.pairs,
    }


@_fields.register
def _wave_ended(event: WaveEnded) -> dict[str, Any]:
    return _of_unit("wave.end", event.stack_set, event.target) | {
        "wave": event.wave,
        "failed": event.failed,
    }


@_fields.register
def _set_operation_started(event: SetOperationStarted) -> dict[str, Any]:
    return _begun("stack_set", event.stack_set, event, event.action) | {
        "operation_id": event.operation_id,
        "token": event.operation_id,
        "pairs": len(event.pairs),
        "usual_ms": _ms(event.usual),
    }


@_fields.register
def _instance_moved(event: InstanceMoved) -> dict[str, Any]:
    return _of_unit("instance.status", event.stack_set, event.target) | {
        "stack_set": event.stack_set,
        "operation_id": event.operation_id,
        "status": event.status,
        "detailed_status": event.detailed,
        "reason": event.reason or None,
        "cause": event.cause or None,
        "stack_id": event.stack_id or None,
    }


@_fields.register
def _set_operation_ended(event: SetOperationEnded) -> dict[str, Any]:
    return (
        _of_unit("op.end", event.stack_set, event.target)
        | {"kind": "stack_set", "action": event.action}
        | _over(event.operation_id, event.status, event.seconds, event.causes)
        | {
            "succeeded": event.succeeded,
            "failed": event.failed,
            "cancelled": event.cancelled,
            "skipped": event.skipped,
        }
    )


@_fields.register
def _gate(event: GateJudged) -> dict[str, Any]:
    return (
        _of_unit("gate", event.unit, event.target)
        | {
            "name": event.gate,
            "verdict": event.verdict.status,
            "reason": event.verdict.reason,
            "samples": [
                {"at": round(each.at, 3), "value": each.value, "good": each.good, "text": each.text}
                for each in event.verdict.samples
            ],
            "open_ms": _ms(event.seconds),
        }
        | (_gate_fields(event.asked) if event.asked else {})
    )


def _gate_fields(gate: Gate) -> dict[str, Any]:
    metric = gate.check if isinstance(gate.check, MetricCheck) else None
    return {
        "check": type(gate.check).__name__.removesuffix("Check").lower(),
        "metric": f"{metric.metric} {metric.statistic}" if metric else None,
        "comparison": metric.comparison if metric else None,
        "threshold": metric.threshold if metric else None,
        "hold_ms": _ms(gate.hold),
        "timeout_ms": _ms(gate.timeout),
    }


@_fields.register
def _move_started(event: MoveStarted) -> dict[str, Any]:
    return {"type": "move.start", "move": event.move, "says": event.says, "back": event.back}


@_fields.register
def _move_ended(event: MoveEnded) -> dict[str, Any]:
    return {
        "type": "move.end",
        "move": event.move,
        "passed": event.passed,
        "cause": event.cause or None,
        "back": event.back,
    }


@_fields.register
def _action_started(event: ActionStarted) -> dict[str, Any]:
    return _begun("action", event.action, event, event.says) | {"token": event.token}


@_fields.register
def _action_ended(event: ActionEnded) -> dict[str, Any]:
    done = event.status == "done"
    causes = () if done else (Cause(event.text, 1, event.action),)
    return (
        _of_unit("op.end", event.action, event.target)
        | {"kind": "action"}
        | _over("", event.status.upper(), event.seconds, causes)
        | {"succeeded": int(done), "failed": int(not done)}
        | {"text": event.text or None, "facts": dict(event.facts), "unchanged": event.unchanged}
    )


@_fields.register
def _waiting(event: Waiting) -> dict[str, Any]:
    return {
        "type": "heartbeat",
        "waiting_on": list(event.waiting_on),
        "elapsed_ms": round(event.seconds * 1000),
        "left_ms": _ms(event.left),
    }


@_fields.register
def _outputs(event: OutputsKnown) -> dict[str, Any]:
    return {"type": "outputs", "values": _grouped(event.values)}


@_fields.register
def _answered(event: Answered) -> dict[str, Any]:
    return {"type": event.type, **event.fields}


@_fields.register
def _diagnosed(event: Diagnosed) -> dict[str, Any]:
    return {
        "type": "diagnostic",
        "level": event.level,
        "code": event.code or None,
        "message": event.message,
        "hint": event.hint or None,
        "retryable": event.retryable,
        "request_id": event.request_id or None,
    }


def _grouped(values: Mapping[str, str]) -> dict[str, Any]:
    """Return outputs by name, and those of several Regions (`vpcs.us-east-1`) by Region below."""
    grouped: dict[str, Any] = {}
    for key, value in values.items():
        name, _, region = key.partition(".")
        if region:
            grouped.setdefault(name, {})[region] = value
        else:
            grouped[name] = value
    return grouped


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _of_unit(kind: str, stack: str, target: Target | None) -> dict[str, Any]:
    return {
        "type": kind,
        "unit": stack,
        "account": target.account if target else None,
        "region": target.region if target else None,
    }


def _source(source: SourceLine | None) -> dict[str, Any] | None:
    return {"file": source.file, "line": source.line} if source else None


def _change(change: Change, source: SourceLine | None, nested: str) -> dict[str, Any]:
    first = change.details[0] if change.details else None
    return {
        "logical_id": change.logical_id,
        "physical_id": change.physical_id or None,
        "resource_type": change.resource_type,
        "action": change.action,
        "replacement": change.replacement,
        "policy_action": change.policy_action or None,
        "path": first.path if first else None,
        "before": first.before if first else None,
        "after": first.after if first else None,
        "evaluation": first.evaluation if first else None,
        "cause": (first.cause or first.source or None) if first else None,
        "details": [
            {
                "path": detail.path,
                "before": detail.before,
                "after": detail.after,
                "recreation": detail.recreation,
                "evaluation": detail.evaluation,
                "cause": detail.cause or detail.source or None,
            }
            for detail in change.details
        ],
        "nested": nested or None,
        "source": _source(source),
    }


def _begun(
    kind: str, unit: str, event: OperationStarted | SetOperationStarted | ActionStarted, action: str
) -> dict[str, Any]:
    """Return what all that begins has in common; only a stack set's operation has an id yet."""
    return _of_unit("op.start", unit, event.target) | {
        "kind": kind,
        "action": action,
        "operation_id": None,
        "adopted": event.adopted,
    }


def _ended(event: StackEnded) -> dict[str, Any]:
    is_told = event.cause and not event.succeeded
    causes = (Cause(event.cause, 1, event.stack),) if is_told else ()
    status = event.status or event.ending.upper()
    return _over(event.operation_id, status, event.seconds, causes) | {
        "ending": event.ending,
        "succeeded": int(event.succeeded),
        "failed": int(event.ending is Ending.FAILED),
        "skipped": int(event.ending is Ending.SKIPPED),
    }


def _over(
    operation_id: str, status: str, seconds: float, causes: tuple[Cause, ...]
) -> dict[str, Any]:
    """Return what all that ends has in common; its counts are the event's own."""
    return {
        "operation_id": operation_id or None,
        "status": status,
        "duration_ms": round(seconds * 1000),
        "succeeded": 0,
        "failed": 0,
        "cancelled": 0,
        "skipped": 0,
        "causes": [
            {"reason": each.reason, "count": each.count, "first": each.first} for each in causes
        ],
    }


@_fields.register
def _summary(event: Summarised) -> dict[str, Any]:
    outcome = event.outcome
    return {
        "type": "summary",
        "status": event.status,
        "exit_code": event.exit_code,
        "counts": counts_of(outcome),
        "units": [
            {
                "unit": each.stack,
                "ending": each.ending,
                "cause": each.cause or None,
                "warnings": list(each.warnings),
            }
            for each in outcome.endings
        ],
        "resume": event.resume,
        "ways": [{"says": says, "command": command} for says, command in event.ways],
        "api_calls": event.calls,
        "throttles": event.throttles,
        "longest_wait_ms": round(event.longest_wait * 1000),
        "duration_ms": round(event.seconds * 1000),
    }


def counts_of(outcome: Outcome) -> dict[str, int]:
    """Return how many stacks ended each way, the ways that occurred only."""
    return {str(ending): len(outcome.ended(ending)) for ending in Ending if outcome.ended(ending)}
