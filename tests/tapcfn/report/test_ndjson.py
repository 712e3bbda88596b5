"""The stream of lines that programs read: version 1 only grows."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    InstancesMoved,
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
from tapcfn.gates import GateStatus, Sample, Verdict
from tapcfn.model import (
    ApprovalCheck,
    Comparison,
    Detail,
    Ending,
    Finding,
    Gate,
    MetricCheck,
    Replacement,
    Severity,
    SourceLine,
    StackEvent,
)
from tapcfn.report.ndjson import LONGEST_VALUE, line
from tests.fakes import AWAY, HOME, a_change, a_change_set

TS = "2026-01-02T03:04:05.678Z"
LINE = SourceLine("layers/storage.py", 7)
UNIT = {"unit": "storage", "account": "111111111111", "region": "us-east-1"}

FAILED = StackEnded(
    "storage", HOME, Ending.FAILED, "Bucket: name taken", "ROLLBACK_COMPLETE", 1.5, 1
)

# One event of each class, and what it says beyond the envelope.
SAID: list[tuple[Event, dict[str, Any]]] = [
    (
        MoveStarted("shift-10", "10 % to the target"),
        {"type": "move.start", "move": "shift-10", "says": "10 % to the target", "back": False},
    ),
    (
        MoveEnded("shift-10", passed=False, cause="gate errors: bad", back=True),
        {
            "type": "move.end",
            "move": "shift-10",
            "passed": False,
            "cause": "gate errors: bad",
            "back": True,
        },
    ),
    (
        ActionStarted("storage", HOME, "compare buckets", "t1", adopted=True),
        {
            "type": "op.start",
            **UNIT,
            "kind": "action",
            "action": "compare buckets",
            "operation_id": None,
            "token": "t1",
            "adopted": True,
        },
    ),
    (
        ActionEnded("storage", HOME, "t1", "failed", 1.5, "3 are missing", {"compared": "9"}),
        {
            "type": "op.end",
            **UNIT,
            "kind": "action",
            "operation_id": None,
            "status": "FAILED",
            "duration_ms": 1500,
            "succeeded": 0,
            "failed": 1,
            "cancelled": 0,
            "skipped": 0,
            "causes": [{"reason": "3 are missing", "count": 1, "first": "storage"}],
            "text": "3 are missing",
            "facts": {"compared": "9"},
            "unchanged": False,
        },
    ),
    (
        WaveStarted("storage", HOME, "canary", 2),
        {"type": "wave.start", **UNIT, "wave": "canary", "pairs": 2},
    ),
    (
        WaveEnded("storage", HOME, "canary", 1),
        {"type": "wave.end", **UNIT, "wave": "canary", "failed": 1},
    ),
    (
        SetOperationStarted("storage", HOME, "update", "op1", frozenset({HOME, AWAY}), usual=2.5),
        {
            "type": "op.start",
            **UNIT,
            "kind": "stack_set",
            "action": "update",
            "operation_id": "op1",
            "token": "op1",
            "adopted": False,
            "pairs": 2,
            "usual_ms": 2500,
        },
    ),
    (
        InstanceMoved(
            "storage", HOME, "op1", "OUTDATED", "FAILED", "no quota", "arn:1", "ou-1", "Topic: x"
        ),
        {
            "type": "instance.status",
            **UNIT,
            "stack_set": "storage",
            "operation_id": "op1",
            "status": "OUTDATED",
            "detailed_status": "FAILED",
            "reason": "no quota",
            "cause": "Topic: x",
            "stack_id": "arn:1",
        },
    ),
    (
        SetOperationEnded(
            "storage", HOME, "UPDATE", "op1", "FAILED", 1.5, 3, 1, 2, 1, (Cause("no", 1, "x"),)
        ),
        {
            "type": "op.end",
            **UNIT,
            "kind": "stack_set",
            "action": "UPDATE",
            "operation_id": "op1",
            "status": "FAILED",
            "duration_ms": 1500,
            "succeeded": 3,
            "failed": 1,
            "cancelled": 2,
            "skipped": 1,
            "causes": [{"reason": "no", "count": 1, "first": "x"}],
        },
    ),
    (
        RunStarted("apply", "d1", (HOME, AWAY), "shop", "live", "aws", "r0"),
        {
            "type": "run.start",
            "command": "apply",
            "tool_version": __version__,
            "plan_digest": "d1",
            "targets": ["111111111111/us-east-1", "111111111111/us-west-2"],
            "blueprint": "shop",
            "stage": "live",
            "backend": "aws",
            "resumes": "r0",
        },
    ),
    (
        StackPlanned(
            "storage",
            HOME,
            "base",
            1,
            "update",
            "tags differ",
            "arn:1",
            {"add": 1},
            ("keys",),
            {"CAPABILITY_IAM": ("Role",)},
            "storage",
            {"AWS::S3::Bucket": 2},
        ),
        {
            "type": "plan.unit",
            **UNIT,
            "phase": "base",
            "wave": 1,
            "verb": "update",
            "reason": "tags differ",
            "change_set_id": "arn:1",
            "counts": {"add": 1},
            "needs": ["keys"],
            "capabilities": {"CAPABILITY_IAM": ["Role"]},
            "kind": "stack",
            "layer": "storage",
            "contents": {"AWS::S3::Bucket": 2},
        },
    ),
    (
        ChangePlanned(
            "storage",
            HOME,
            a_change(
                replacement=Replacement.TRUE,
                policy_action="ReplaceAndDelete",
                details=(
                    Detail("/Name", "a", "b", "Always", "Static", "DirectModification", ""),
                    Detail("/Key", None, "k", "Never", "Dynamic", "", "Key.Arn"),
                ),
                nested=a_change_set(stack="inner"),
            ),
            LINE,
        ),
        {
            "type": "plan.change",
            **UNIT,
            "logical_id": "Bucket",
            "physical_id": "my-bucket",
            "resource_type": "AWS::S3::Bucket",
            "action": "Modify",
            "replacement": "True",
            "policy_action": "ReplaceAndDelete",
            "path": "/Name",
            "before": "a",
            "after": "b",
            "evaluation": "Static",
            "cause": "DirectModification",
            "details": [
                {
                    "path": "/Name",
                    "before": "a",
                    "after": "b",
                    "recreation": "Always",
                    "evaluation": "Static",
                    "cause": "DirectModification",
                },
                {
                    "path": "/Key",
                    "before": None,
                    "after": "k",
                    "recreation": "Never",
                    "evaluation": "Dynamic",
                    "cause": "Key.Arn",
                },
            ],
            "nested": None,
            "source": {"file": "layers/storage.py", "line": 7},
        },
    ),
    (
        FindingRaised(
            Finding("TAP001", Severity.ERROR, "storage", "Bucket", "data lost", LINE), HOME
        ),
        {
            "type": "finding",
            **UNIT,
            "rule": "TAP001",
            "severity": "error",
            "message": "data lost",
            "logical_id": "Bucket",
            "path": None,
            "source": {"file": "layers/storage.py", "line": 7},
            "origin": "guard",
            "allowed_by": None,
            "nested": None,
        },
    ),
    (
        OperationStarted("storage", HOME, "update", "tapcfn-1", adopted=True, usual=90.5),
        {
            "type": "op.start",
            **UNIT,
            "kind": "stack",
            "action": "update",
            "operation_id": None,
            "token": "tapcfn-1",
            "adopted": True,
            "usual_ms": 90500,
        },
    ),
    (
        ResourceMoved(
            "storage",
            HOME,
            StackEvent(
                *("e1", "Bucket", "AWS::S3::Bucket", "CREATE_FAILED", "name taken", "b", "t"),
                time="2026-01-02T03:04:05+00:00",
            ),
            LINE,
        ),
        {
            "type": "stack.event",
            **UNIT,
            "logical_id": "Bucket",
            "resource_type": "AWS::S3::Bucket",
            "resource_status": "CREATE_FAILED",
            "reason": "name taken",
            "event_id": "e1",
            "at": "2026-01-02T03:04:05+00:00",
            "source": {"file": "layers/storage.py", "line": 7},
        },
    ),
    (
        StackMoved("storage", HOME, "UPDATE_IN_PROGRESS"),
        {
            "type": "stack.status",
            **UNIT,
            "status": "UPDATE_IN_PROGRESS",
            "updated": None,
            "protected": None,
        },
    ),
    (
        StackMoved("storage", HOME, "UPDATE_COMPLETE", "t1", True),
        {
            "type": "stack.status",
            **UNIT,
            "status": "UPDATE_COMPLETE",
            "updated": "t1",
            "protected": True,
        },
    ),
    (
        FAILED,
        {
            "type": "op.end",
            **UNIT,
            "operation_id": None,
            "status": "ROLLBACK_COMPLETE",
            "ending": "failed",
            "duration_ms": 1500,
            "succeeded": 0,
            "failed": 1,
            "cancelled": 0,
            "skipped": 0,
            "causes": [{"reason": "Bucket: name taken", "count": 1, "first": "storage"}],
        },
    ),
    (
        GateJudged(
            "storage",
            HOME,
            "lag",
            Verdict(
                GateStatus.FAILED,
                "bad: lag is 7",
                (Sample(60.00001, None, None, "no data", 60.0), Sample(120.0, False, 7.0, "lag")),
            ),
            Gate(
                "lag",
                MetricCheck(HOME, "AWS/RDS", "ReplicaLag", (), "Maximum", Comparison.AT_MOST, 5.0),
                hold=120.0,
            ),
            120.25,
        ),
        {
            "type": "gate",
            "open_ms": 120250,
            **UNIT,
            "name": "lag",
            "verdict": "failed",
            "reason": "bad: lag is 7",
            "samples": [
                {"at": 60.0, "value": None, "good": None, "text": "no data"},
                {"at": 120.0, "value": 7.0, "good": False, "text": "lag"},
            ],
            "check": "metric",
            "metric": "ReplicaLag Maximum",
            "comparison": "<=",
            "threshold": 5.0,
            "hold_ms": 120000,
            "timeout_ms": 600000,
        },
    ),
    (
        GateJudged(
            "storage",
            None,
            "word",
            Verdict(GateStatus.WAITING, "no sample yet"),
            Gate("word", ApprovalCheck("Go on?")),
        ),
        {
            "type": "gate",
            "unit": "storage",
            "account": None,
            "region": None,
            "name": "word",
            "verdict": "waiting",
            "reason": "no sample yet",
            "samples": [],
            "open_ms": 0,
            "check": "approval",
            "metric": None,
            "comparison": None,
            "threshold": None,
            "hold_ms": 0,
            "timeout_ms": 600000,
        },
    ),
    (
        InstancePlanned("storage", HOME, "override"),
        {"type": "plan.instance", **UNIT, "verb": "override"},
    ),
    (
        Waiting(("a", "b"), 30.0),
        {
            "type": "heartbeat",
            "waiting_on": ["a", "b"],
            "elapsed_ms": 30000,
            "left_ms": None,
        },
    ),
    (OutputsKnown({"Url": "https://x"}), {"type": "outputs", "values": {"Url": "https://x"}}),
    (
        OutputsKnown({"vpcs.us-east-1": "vpc-1", "vpcs.us-west-2": "vpc-2", "url": "x.y"}),
        {
            "type": "outputs",
            "values": {"vpcs": {"us-east-1": "vpc-1", "us-west-2": "vpc-2"}, "url": "x.y"},
        },
    ),
    (Answered("schema", {"schema": {"a": 1}}), {"type": "schema", "schema": {"a": 1}}),
    (
        Diagnosed("warning", "careful", "Throttling", "wait", "r1"),
        {
            "type": "diagnostic",
            "level": "warning",
            "code": "Throttling",
            "message": "careful",
            "hint": "wait",
            "retryable": None,
            "request_id": "r1",
        },
    ),
    (
        Summarised(
            "failed",
            1,
            Outcome((FAILED,)),
            "python deploy.py apply x",
            *(12, 3, 2.5, 1.2),
            ways=(("back", "python deploy.py apply x --back-to base"),),
        ),
        {
            "type": "summary",
            "status": "failed",
            "exit_code": 1,
            "counts": {"failed": 1},
            "units": [
                {
                    "unit": "storage",
                    "ending": "failed",
                    "cause": "Bucket: name taken",
                    "warnings": [],
                }
            ],
            "resume": "python deploy.py apply x",
            "ways": [{"says": "back", "command": "python deploy.py apply x --back-to base"}],
            "api_calls": 12,
            "throttles": 3,
            "longest_wait_ms": 1200,
            "duration_ms": 2500,
        },
    ),
]


def said(event: Event) -> dict[str, Any]:
    """Return a line as a reader sees it."""
    text = line(event, seq=4, ts=TS, run="r1")
    assert "\n" not in text
    document: dict[str, Any] = json.loads(text)
    return document


def test_every_class_of_event_has_a_line() -> None:
    """A new one must be entered in the table above. A bundle of moves is told move by move."""
    assert set(get_args(Event)) - {InstancesMoved} <= {type(event) for event, _ in SAID}


@pytest.mark.parametrize(("event", "fields"), SAID, ids=lambda each: type(each).__name__)
def test_every_event_says_what_is_frozen(event: Event, fields: dict[str, Any]) -> None:
    """The envelope, and exactly the fields of version 1."""
    assert {"v": 1, "seq": 4, "ts": TS, "run": "r1", **fields} == said(event)


@pytest.mark.parametrize(
    "event", [event for event, _ in SAID], ids=lambda each: type(each).__name__
)
def test_the_envelope_comes_first(event: Event) -> None:
    """In an order that a person reads at a glance, and without blanks."""
    text = line(event, seq=0, ts=TS, run="r1")

    assert text.startswith('{"v":1,"seq":0,"ts":"2026-01-02T03:04:05.678Z","run":"r1","type":"')


@pytest.mark.parametrize(
    ("event", "unknown"),
    [
        (
            RunStarted("schema", None, ()),
            ["plan_digest", "blueprint", "stage", "backend", "resumes"],
        ),
        (StackPlanned("s", HOME, "p", 1, "none", "r"), ["change_set_id", "layer"]),
        (
            ChangePlanned("s", HOME, a_change(physical_id="")),
            [
                "physical_id", "replacement", "policy_action", "path", "before", "after",
                "evaluation", "cause", "source",
            ],
        ),
        (
            FindingRaised(Finding("TAP001", Severity.INFO, "s", "", "m")),
            ["account", "region", "logical_id", "path", "source", "allowed_by"],
        ),
        (ResourceMoved("s", HOME, StackEvent("1", "L", "T", "S")), ["reason", "at", "source"]),
        (Diagnosed("info", "m"), ["code", "hint", "retryable", "request_id"]),
        (Summarised("ok", 0), ["resume"]),
    ],
)  # fmt: skip
def test_what_is_unknown_is_null(event: Event, unknown: list[str]) -> None:
    """Never missing, never empty."""
    document = said(event)

    assert [None] * len(unknown) == [document[key] for key in unknown]


@pytest.mark.parametrize(
    ("ending", "flags"),
    [
        (Ending.DONE, (1, 0, 0)),
        (Ending.UNCHANGED, (1, 0, 0)),
        (Ending.FAILED, (0, 1, 0)),
        (Ending.SKIPPED, (0, 0, 1)),
        (Ending.BLOCKED, (0, 0, 0)),
        (Ending.RUNNING, (0, 0, 0)),
    ],
)
def test_an_end_is_counted_as_what_it_is(ending: Ending, flags: tuple[int, int, int]) -> None:
    """Without a status of CloudFormation's, the ending stands for it."""
    document = said(StackEnded("s", HOME, ending))

    assert flags == tuple(document[key] for key in ("succeeded", "failed", "skipped"))
    assert ending.upper() == document["status"]


@pytest.mark.parametrize("ending", [Ending.FAILED, Ending.BLOCKED, Ending.SKIPPED, Ending.RUNNING])
def test_an_end_that_is_no_success_says_why(ending: Ending) -> None:
    """A guard's objection is as good a reason as a failure."""
    document = said(StackEnded("s", HOME, ending, "because"))

    assert [{"reason": "because", "count": 1, "first": "s"}] == document["causes"]


def test_letters_are_kept() -> None:
    """UTF-8, not escapes; a line break in a value is no line break in the stream."""
    text = line(Diagnosed("info", "grün\nund blau"), seq=0, ts=TS, run="r1")

    assert '"message":"grün\\nund blau"' in text


# Long values --------------------------------------------------------------------------------------

LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("length", "truncated"), [(LONGEST_VALUE, None), (LONGEST_VALUE + 1, True)]
)
def test_a_long_value_is_cut_and_said_to_be(length: int, truncated: bool | None) -> None:
    """The limit itself is not cut, and then nothing is said."""
    document = said(Diagnosed("info", "x" * length))

    assert min(length, LONGEST_VALUE) == len(document["message"])
    assert truncated is document.get("truncated")


MANY_DETAILS = tuple(Detail(f"/P{number}", "ä" * 5_000, "y" * 9_000) for number in range(60))


@pytest.mark.parametrize(
    "event",
    [
        ChangePlanned("s", HOME, a_change(details=MANY_DETAILS)),
        ChangePlanned("s", HOME, a_change(details=MANY_DETAILS * 20)),
        OutputsKnown({f"Output{number}": LONG for number in range(200)}),
        StackEnded("s", HOME, Ending.FAILED, LONG),
        StackEnded("s", HOME, Ending.FAILED, "\U0001f600" * 100_000),
        Summarised(
            "failed",
            1,
            Outcome(
                tuple(StackEnded(f"s{n}", HOME, Ending.FAILED, "z" * 900) for n in range(2_000))
            ),
        ),
        GateJudged(
            "s",
            None,
            "g",
            Verdict(GateStatus.PASSED, LONG, tuple(Sample(n, True, 1.0, LONG) for n in range(500))),
        ),
        Waiting(tuple(f"stack-{number}" for number in range(20_000)), 1.0),
        Answered("schema", {"schema": {"a": [LONG, {"b": LONG}] * 10}}),
        RunStarted("apply", None, (HOME, AWAY) * 5_000),
        Diagnosed("error", "\x00" * 100_000, hint="\x00" * 100_000),
    ],
    ids=lambda each: type(each).__name__,
)
def test_no_line_reaches_64_kib(event: Event) -> None:
    """However deep the long values lie and however many there are; it is said to be cut."""
    text = line(event, seq=0, ts=TS, run="r1")
    document = json.loads(text)

    assert len(text.encode()) < 64 * 1024
    assert document["truncated"] is True


def test_what_is_cut_keeps_its_fields() -> None:
    """Only values get shorter: a reader finds every key, and the exit code as it is."""
    small = said(Summarised("failed", 1, Outcome((FAILED,))))
    ended = tuple(StackEnded(f"s{n}", HOME, Ending.FAILED, "z" * 900) for n in range(3_000))
    large = said(Summarised("failed", 1, Outcome(ended)))

    assert {*small, "truncated"} == set(large)
    assert (1, {"failed": 3_000}) == (large["exit_code"], large["counts"])


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_makes_a_valid_line(message: str, hint: str) -> None:
    """Quotes, control characters and separators of Unicode alike."""
    document = said(Diagnosed("info", message, hint=hint))

    assert message == document["message"]
    assert (hint or None) == document["hint"]
