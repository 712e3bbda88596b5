"""Plans, progress and outcomes as the page that a person reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tapcfn.errors import StackError
from tapcfn.events import (
    Diagnosed,
    Event,
    GateJudged,
    OperationStarted,
    Outcome,
    OutputsKnown,
    ResourceMoved,
    StackEnded,
    Waiting,
)
from tapcfn.gates import GateStatus, Sample, Verdict
from tapcfn.model import (
    Detail,
    Ending,
    Finding,
    OutputOf,
    Replacement,
    Severity,
    Snapshot,
    SourceLine,
    StackEvent,
    StackStatus,
)
from tapcfn.plan import plan_destroy
from tapcfn.report.changes import change_counts, change_lines
from tapcfn.report.outline import plan_text
from tapcfn.report.text import (
    calls_text,
    ended_text,
    findings_text,
    moved_text,
    outcome_text,
    outputs_text,
    progress_line,
    samples_text,
    table,
)
from tapcfn.selection import narrowed
from tests.fakes import AWAY, HOME, World, a_change, a_change_set, a_rollout, a_stack, a_template

LINE = SourceLine("layers/storage.py", 7)
T, F, C = Replacement.TRUE, Replacement.FALSE, Replacement.CONDITIONAL


def text_of(world: World, rollout: Any) -> str:
    """Return the plan with its previews, as it would be printed."""
    snapshot = world.snapshot(rollout)
    planned = world.plan(rollout)
    return plan_text(planned, world.ask(planned, snapshot))


def test_a_plan_shows_what_changes_in_each_stack() -> None:
    """Everything at once: changed, objected to, refused, deferred, protected, empty, as wanted."""
    world = World()
    storage = a_stack("storage", resources={"Bucket": "AWS::S3::Bucket"})
    outside = a_stack("outside", template=a_template(Metadata={"a": "{{resolve:ssm:/a}}"}))
    wrong = a_stack("wrong")
    guarded = a_stack("guarded", protect=True)
    broken = a_stack("broken")
    app = a_stack(
        "app",
        target=AWAY,
        parameters={"Vpc": OutputOf("wrong", "Id")},
        resources={"B": "AWS::SQS::Queue", "A": "AWS::SNS::Topic"},
    )
    still = a_stack("still")
    world.has(storage, tags={"old": "yes"})
    world.has(outside, still)
    world.has(guarded, protected=False)
    world.has(broken, status=StackStatus.ROLLBACK_COMPLETE)
    world.cloud.changes["storage"] = (
        a_change(
            replacement=T,
            details=(
                Detail("/Properties/BucketName", "a", "b", "Always"),
                Detail("/Properties/BucketName", None, None, "Always", cause="Name"),
            ),
        ),
        a_change("Extra", "Add", details=(Detail("/Properties/Name", None, "x"),)),
    )
    world.cloud.fault("stage", "wrong", error=StackError("CidrBlock is wrong"))
    rollout = a_rollout(
        phases={"base": [storage, outside, wrong, guarded, broken, app], "rest": [still]}
    )

    assert """\
blue · stage test · account 111111111111 · us-east-1, us-west-2

phase base
  wave 1
    recreate  broken  us-east-1  (its creation was rolled back, so it can only be deleted)
              known once the rolled back stack is deleted
              + Topic  AWS::SNS::Topic
    protect   guarded  us-east-1  (termination protection differs)
              termination protection: off → on
    update    outside  us-east-1  (it points at values outside the template; the change set will \
tell)
              nothing changes, as far as can be told now
    update    storage  us-east-1  (tags differ)
              ± Bucket  AWS::S3::Bucket  is replaced
                  /Properties/BucketName: a → b  (forces replacement)  because of Name
              + Extra  AWS::S3::Bucket
              error TAP001 Bucket: AWS::S3::Bucket my-bucket would be replaced and its data lost; \
to allow it: --allow-loss storage/Bucket:replace — layers/storage.py:10
    create    wrong  us-east-1  (no such stack yet)
              ! CidrBlock is wrong
  wave 2
    create    app  us-west-2  (no such stack yet)
              known after apply: wrong.Id (Vpc: String)
              + A  AWS::SNS::Topic
              + B  AWS::SQS::Queue
phase rest
  wave 1
    none      still  us-east-1  (deployed as wanted)

Stacks: 2 to create, 2 to update, 1 to recreate, 1 to protect. Resources: 4 to add, \
1 to replace. 2 can only be asked about once others are deployed.""" == text_of(world, rollout)


def test_a_plan_without_work_says_so() -> None:
    """In one sentence, below the outline."""
    world = World()
    world.has(a_stack("one"), a_stack("two"))

    last = text_of(world, a_rollout(a_stack("one"), a_stack("two"))).splitlines()[-1]

    assert "Nothing to do: all 2 stacks are deployed as wanted." == last
    alone = text_of(world, a_rollout(a_stack("one"))).splitlines()[-1]
    assert "Nothing to do: the stack is deployed as wanted." == alone


def test_a_destruction_without_work_does_not_claim_a_deployment() -> None:
    """What is gone is not "deployed as wanted"."""
    planned = plan_destroy(a_rollout(a_stack("one"), a_stack("two")), Snapshot())

    assert (
        "Nothing to do: none of the 2 stacks is deployed."
        == (plan_text(planned, ()).splitlines()[-1])
    )


def test_a_destruction_reads_backwards() -> None:
    """Dependants first."""
    world = World()
    one, two = a_stack("one"), a_stack("two", parameters={"One": OutputOf("one", "Id")})
    world.has(one, two)
    rollout = a_rollout(one, two)

    assert [
        "phase all",
        "  wave 1",
        "    delete    two  us-east-1  (the rollout is to be destroyed)",
        "  wave 2",
        "    delete    one  us-east-1  (the rollout is to be destroyed)",
        "",
        "Stacks: 2 to delete.",
    ] == plan_text(plan_destroy(rollout, world.snapshot(rollout)), ()).splitlines()[2:]


# Changes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (a_change(action="Add"), ["+ Bucket  AWS::S3::Bucket"]),
        (a_change(action="Remove"), ["- Bucket  AWS::S3::Bucket"]),
        (a_change(replacement=F), ["~ Bucket  AWS::S3::Bucket  in place"]),
        (a_change(replacement=C), ["~ Bucket  AWS::S3::Bucket  may be replaced"]),
        (a_change(action="Dynamic"), ["? Bucket  AWS::S3::Bucket"]),
        (a_change(action="SyncWithActual"), ["~ Bucket  AWS::S3::Bucket"]),
        (a_change(action="Import"), ["< Bucket  AWS::S3::Bucket  exists as my-bucket"]),
        (
            a_change(action="Import", physical_id=""),
            ["< Bucket  AWS::S3::Bucket  exists as kept by an earlier destroy"],
        ),
        (
            a_change(replacement=T, policy_action="ReplaceAndRetain"),
            ["± Bucket  AWS::S3::Bucket  is replaced, policy: ReplaceAndRetain"],
        ),
        (
            a_change(details=(Detail("/Name", "a", None), Detail("/Tags", None, "x" * 101))),
            [
                "~ Bucket  AWS::S3::Bucket",
                "    /Name: a → (none)",
                f"    /Tags: (none) → {'x' * 100}…",
            ],
        ),
        (
            a_change(
                details=(
                    Detail("/Key", "same", "same", cause="Key.Arn"),
                    Detail("/Key", cause="Key.Arn"),
                    Detail("/Key", cause="Other"),
                )
            ),
            ["~ Bucket  AWS::S3::Bucket", "    /Key  because of Key.Arn, Other"],
        ),
        (
            a_change(
                "Inner",
                resource_type="AWS::CloudFormation::Stack",
                nested=a_change_set(a_change(action="Remove")),
            ),
            ["~ Inner  AWS::CloudFormation::Stack", "  - Bucket  AWS::S3::Bucket"],
        ),
    ],
)
def test_a_change_reads_as_a_line_for_each_property(change: Any, lines: list[str]) -> None:
    """A sign, what it is, what becomes of it, and each property with before and after. (R-12)"""
    assert lines == list(change_lines(change, ""))


def test_changes_are_counted_by_what_they_do() -> None:
    """Each resource once, those of nested stacks too; what nobody can say is a modification."""
    change_set = a_change_set(
        a_change("A", "Add"),
        a_change("B", "Remove"),
        a_change("C", "Import"),
        a_change("D", "Dynamic"),
        a_change("E", replacement=T),
        a_change("F", replacement=C),
        a_change("G", nested=a_change_set(a_change("H", "Add"))),
    )

    assert {
        "add": 2,
        "modify": 2,
        "remove": 1,
        "import": 1,
        "replace": 1,
        "may_replace": 1,
    } == change_counts(change_set)


# Progress -----------------------------------------------------------------------------------------


def moved(status: str, reason: str = "", logical_id: str = "Bucket") -> ResourceMoved:
    return ResourceMoved(
        "storage", HOME, StackEvent("1", logical_id, "AWS::S3::Bucket", status, reason), LINE
    )


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (OperationStarted("storage", HOME, "create", "t"), "[   12.3 s] storage: create"),
        (
            OperationStarted("storage", HOME, "update", "t", adopted=True),
            "[   12.3 s] storage: found at work: update",
        ),
        (moved("CREATE_COMPLETE"), "[   12.3 s] storage: Bucket CREATE_COMPLETE"),
        (
            moved("CREATE_FAILED", "name taken"),
            "[   12.3 s] storage: Bucket CREATE_FAILED: name taken — layers/storage.py:7",
        ),
        (
            moved("CREATE_FAILED"),
            "[   12.3 s] storage: Bucket CREATE_FAILED: no reason given — layers/storage.py:7",
        ),
        (
            replace(moved("CREATE_FAILED", "name taken"), source=None),
            "[   12.3 s] storage: Bucket CREATE_FAILED: name taken",
        ),
        (
            StackEnded("storage", HOME, Ending.DONE, seconds=4.25),
            "[   12.3 s] storage: done in 4.2 s",
        ),
        (
            GateJudged(
                "net", HOME, "lag", Verdict(GateStatus.WAITING, "no sample yet", (Sample(0, None),))
            ),
            "[   12.3 s] net: gate lag waiting: no sample yet",
        ),
        (
            GateJudged(
                "",
                None,
                "lag",
                Verdict(GateStatus.PASSED, "good for 60 s", (Sample(9, True, 0.0),)),
            ),
            "[   12.3 s] gate lag passed: good for 60 s\n    samples: 0",
        ),
        (
            GateJudged(
                "",
                None,
                "hosts",
                Verdict(GateStatus.PASSED, "good", (Sample(9, False, 0), Sample(12, True, 2))),
            ),
            "[   12.3 s] gate hosts passed: good\n    samples: 0 (bad), 2",
        ),
        (Waiting(("a", "b"), 30.0), "[   12.3 s] waiting for a, b"),
        (Waiting((), 30.0), "[   12.3 s] waiting for answers"),
        (Waiting(("a",), 30.0, 95.0), "[   12.3 s] waiting for a, about 1 min 35 s to go"),
        (Diagnosed("warning", "careful"), "warning: careful"),
        (Diagnosed("error", "bad", hint="do this"), "error: bad\n  do this"),
        (OutputsKnown({}), None),
    ],
)
def test_progress_is_a_line_for_what_matters(event: Event, text: str | None) -> None:
    """Each with the seconds of the run; what is only for programs is no line."""
    assert text == progress_line(event, 12.34)


def test_samples_are_shown_oldest_first_and_like_ones_together() -> None:
    """Numbers as short as they are, states by name, and of many only the newest."""
    seen = [(None, None), (7.5, False), (0.0, True), (0.0, True), (-1.0, None), ("ALARM", False)]
    seen += [("OK", True), (None, True), (None, False)]
    samples = [Sample(at, good, value) for at, (value, good) in enumerate(seen)]
    flapping = [Sample(at, bool(at % 2)) for at in range(15)]

    assert samples_text(samples) == (
        "missing, 7.5 (bad), 0 x 2, -1 (missing), ALARM (bad), OK, good, bad"
    )
    assert samples_text(flapping) == "…, " + ", ".join(["good", "bad"] * 6)
    assert samples_text([]) == ""
    counts = [Sample(at, good, at) for at, good in enumerate((False, True, True))]
    assert samples_text(counts) == "0 (bad), 1, 2"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (moved("CREATE_COMPLETE"), "storage: Bucket CREATE_COMPLETE"),
        (moved("CREATE_COMPLETE", logical_id="storage"), "storage: CREATE_COMPLETE"),
        (
            moved("CREATE_FAILED", "name taken"),
            "storage: Bucket CREATE_FAILED: name taken — layers/storage.py:7",
        ),
        (
            replace(moved("DELETE_FAILED"), source=None),
            "storage: Bucket DELETE_FAILED: no reason given",
        ),
    ],
)
def test_a_line_of_history_names_the_resource(event: ResourceMoved, text: str) -> None:
    """The stack's own lines do not name it twice."""
    assert text == moved_text(event)


@pytest.mark.parametrize(
    ("ended", "text"),
    [
        (StackEnded("a", HOME, Ending.UNCHANGED), "a: unchanged"),
        (StackEnded("a", HOME, Ending.DONE, seconds=61.04), "a: done in 61.0 s"),
        (StackEnded("a", HOME, Ending.FAILED, "why", "X", 2.0, 1), "a: failed in 2.0 s: why"),
    ],
)
def test_an_ending_is_one_line(ended: StackEnded, text: str) -> None:
    """How, how long, why."""
    assert text == ended_text(ended)


# Outcomes -----------------------------------------------------------------------------------------


def an_end(stack: str, ending: Ending, cause: str = "", code: int = 0) -> StackEnded:
    return StackEnded(stack, HOME, ending, cause, exit_code=code)


def test_an_outcome_tells_the_worst_first() -> None:
    """What failed and why, what is blocked, what goes on, what was never tried; then how to."""
    outcome = Outcome(
        (
            an_end("a", Ending.DONE),
            an_end("b", Ending.SKIPPED, "d did not succeed"),
            an_end("c", Ending.RUNNING, "CloudFormation goes on", 7),
            an_end("d", Ending.FAILED, "Bucket: name taken", 1),
            an_end("e", Ending.BLOCKED, "TAP001 data lost", 4),
            an_end("f", Ending.DONE),
        )
    )

    assert """\
Failed: 2 done, 1 failed, 1 skipped, 1 blocked, 1 running.
  d: failed: Bucket: name taken
  e: blocked: TAP001 data lost
  c: running: CloudFormation goes on
  b: skipped: d did not succeed
To go on: python deploy.py apply x --stage y""" == outcome_text(
        outcome, "python deploy.py apply x --stage y"
    )


def test_what_has_to_be_mended_first_is_named() -> None:
    """To try the same again would fail the same way; each line once."""
    cause = "Bucket (AWS::S3::Bucket) CREATE_FAILED: name taken — layers/storage.py:7"
    outcome = Outcome((an_end("d", Ending.FAILED, cause, 1), an_end("e", Ending.FAILED, cause, 1)))

    assert outcome_text(outcome, "apply x").endswith(
        "\nTo go on: mend layers/storage.py:7 first, then: apply x"
    )


def test_a_stack_that_takes_no_update_is_to_be_recovered_first() -> None:
    """To go on at once would be refused (exit 4); one that went back whole needs nothing."""
    cause = "Todo (AWS::SQS::Queue) UPDATE_FAILED: busy — shop/queue.yaml:8"
    ends = (
        replace(an_end("d", Ending.FAILED, cause, 1), status="UPDATE_ROLLBACK_FAILED"),
        replace(an_end("e", Ending.FAILED, "why", 1), status="UPDATE_ROLLBACK_COMPLETE"),
        replace(an_end("f", Ending.FAILED, "why", 1), status="DELETE_FAILED"),
    )

    assert outcome_text(Outcome(ends), "apply x").endswith(
        "\nTo go on: mend shop/queue.yaml:8 and `recover` d (UPDATE_ROLLBACK_FAILED) first, then: "
        "apply x"
    )


def test_a_failure_on_the_way_is_short() -> None:
    """The verdict tells its cause, once; why a stack was skipped is told as it happens."""
    failed, skipped = an_end("d", Ending.FAILED, "why", 1), an_end("e", Ending.SKIPPED, "d")

    assert ["[    1.0 s] d: failed", "[    1.0 s] e: skipped: d"] == [
        progress_line(each, 1.0) for each in (failed, skipped)
    ]


def test_what_a_success_has_left_undone_stands_in_the_outcome() -> None:
    """A stack that is done is not named, unless something of it is still there."""
    left = replace(an_end("a", Ending.DONE), warnings=("Bucket: could not be deleted",))

    assert """\
Done: 2 done.
  a: done
    warning: Bucket: could not be deleted""" == outcome_text(
        Outcome((left, an_end("b", Ending.DONE))), None
    )


@pytest.mark.parametrize(
    ("calls", "throttles", "wait", "text"),
    [
        (12, 0, 0.0, "Calls: 12."),
        (12, 3, 0.0, "Calls: 12, throttled: 3, longest wait: 0.0 s."),
        (12, 0, 7.25, "Calls: 12, throttled: 0, longest wait: 7.2 s."),
    ],
)
def test_the_calls_are_told(calls: int, throttles: int, wait: float, text: str) -> None:
    """And how far they were held back, if they were. (D-19)"""
    assert text == calls_text(calls, throttles, wait)


def test_a_part_of_a_plan_says_what_it_leaves_out() -> None:
    """Each stack with what it would need."""
    world = World()
    world.has(a_stack("there"))
    rollout = a_rollout(a_stack("there"), a_stack("mine"), a_stack("other"))
    part = narrowed(world.plan(rollout), frozenset({"mine"}))

    assert "left out: other (create), there" in plan_text(part, ()).splitlines()
    assert "left out" not in plan_text(world.plan(rollout), ())


@pytest.mark.parametrize(
    ("code", "interrupted", "verdict"),
    [
        (0, False, "Done: 1 done."),
        (1, False, "Failed: 1 done."),
        (4, False, "Failed: 1 done."),
        (6, False, "Failed: 1 done."),
        (7, False, "Still running: 1 done."),
        (0, True, "Interrupted: 1 done."),
    ],
)
def test_the_verdict_follows_the_exit_code(code: int, interrupted: bool, verdict: str) -> None:
    """Six codes, four words."""
    outcome = Outcome((an_end("a", Ending.DONE, code=code),), interrupted)

    assert verdict == outcome_text(outcome, None)


def test_an_outcome_of_nothing_is_done() -> None:
    """No stacks, no counts."""
    assert "Done." == outcome_text(Outcome(), None)


# Findings and tables ------------------------------------------------------------------------------


def test_findings_are_listed_from_grave_to_light() -> None:
    """Then by template and rule; each with its line where that is known."""
    findings = [
        Finding("W1", Severity.WARNING, "b", "", "unused"),
        Finding("E2", Severity.ERROR, "b", "Bucket", "wrong", LINE),
        Finding("I1", Severity.INFO, "a", "Key", "by the way"),
        Finding("E1", Severity.ERROR, "b", "Bucket", "also wrong"),
        Finding("E9", Severity.ERROR, "a", "Topic", "wrong"),
    ]

    assert """\
a: error E9 Topic: wrong
b: error E1 Bucket: also wrong
b: error E2 Bucket: wrong — layers/storage.py:7
b: warning W1 unused
a: info I1 Key: by the way""" == findings_text(findings)


def test_a_table_is_as_wide_as_it_needs_to_be() -> None:
    """Columns are aligned, and no line ends in blanks."""
    assert """\
name    value
a       1
longer""" == table(("name", "value"), [("a", "1"), ("longer", "")])


def test_outputs_are_a_table() -> None:
    """Two columns, in the rollout's order."""
    assert "output  value\nB       2\nA       1" == outputs_text({"B": "2", "A": "1"})
