"""What a page is made of: each part from the lines that tell it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tapcfn.events import (
    Answered,
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
    StackPlanned,
    Summarised,
)
from tapcfn.gates import GateStatus, Sample, Verdict
from tapcfn.model import (
    Change,
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
    Target,
)
from tapcfn.report.html.changes import rounds_of
from tapcfn.report.html.fleets import fleets_of
from tapcfn.report.html.gating import Chart, gates_of, moves_of
from tapcfn.report.html.moments import axis, length
from tapcfn.report.html.picture import picture_of
from tapcfn.report.html.telling import drifts_of, findings_of, losses_of, outputs_of
from tapcfn.report.html.timeline import timeline_of
from tapcfn.report.html.units import units_of
from tapcfn.report.html.verdict import verdict_of
from tapcfn.report.recorded import Recorded
from tests.fakes import AWAY, HOME, a_change
from tests.tapcfn.report.html.telling import at, told

START = RunStarted("apply", "d1", (HOME,), "shop", "live", "aws")


def planned(stack: str, *needs: str, **more: object) -> StackPlanned:
    event = StackPlanned(stack, HOME, "base", 1, "create", "no such stack yet", needs=needs)
    return replace(event, **more)  # type: ignore[arg-type]


def begun(stack: str) -> OperationStarted:
    return OperationStarted(stack, HOME, "create", "token")


def ended(stack: str, ending: Ending = Ending.DONE, cause: str = "") -> StackEnded:
    return StackEnded(stack, HOME, ending, cause, "CREATE_COMPLETE", 1.0)


def moved(stack: str, name: str, status: str, seconds: float) -> ResourceMoved:
    return ResourceMoved(
        stack, HOME, StackEvent("e", name, "AWS::SNS::Topic", status, time=at(seconds))
    )


def verdict(run: Recorded) -> tuple[str, str, tuple[str, ...]]:
    """Return word, tone and the texts of the causes."""
    fleets, moves = fleets_of(run), moves_of(run)
    found = verdict_of(run, units_of(run), fleets, moves)
    return found.word, found.tone, tuple(each.text for each in found.causes)


# The verdict --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "status", "code", "word", "tone"),
    [
        ("apply", "ok", 0, "Done", "good"),
        ("plan", "ok", 0, "Planned", "good"),
        ("plan", "changes", 10, "There are changes", "calm"),
        ("apply", "failed", 1, "Failed", "bad"),
        ("apply", "partial", 5, "Partly failed", "bad"),
        ("apply", "blocked", 4, "Blocked", "bad"),
        ("apply", "stale", 6, "Stale", "warn"),
        ("apply", "running", 7, "Still running", "warn"),
        ("apply", "interrupted", 130, "Interrupted", "warn"),
    ],
)
def test_every_end_has_a_word(command: str, status: str, code: int, word: str, tone: str) -> None:
    run = told(replace(START, command=command), Summarised(status, code))

    assert (word, tone, ()) == verdict(run)


def test_a_run_that_was_killed_says_so() -> None:
    """And when it was last heard of: a process that still runs looks the same."""
    word, tone, (cause,) = verdict(told(START, (75.0, begun("a"))))

    assert ("No last word", "warn") == (word, tone)
    assert "2026-01-05 09:01:15 UTC" in cause


def test_what_went_wrong_comes_first_whoever_tells_it() -> None:
    """Units, moves, objections and errors of the run; the template's line stands on its own."""
    finding = Finding("TAP001", Severity.ERROR, "a", "Bucket", "its data would be lost")
    end = ended("a", Ending.FAILED, "Bucket CREATE_FAILED: taken — shop/storage.py:7")
    run = told(
        START,
        planned("a"),
        FindingRaised(finding, HOME),
        MoveStarted("shift", "10 %"),
        MoveEnded("shift", passed=False, cause="gate errors: bad"),
        Diagnosed("error", "the disk is full", "ledger", "make room"),
        end,
        Summarised("failed", 1, Outcome((end,)), "tapcfn apply shop", ways=(("back", "go back"),)),
    )

    found = verdict_of(run, units_of(run), (), moves_of(run))

    assert [
        ("a", "us-east-1", "Bucket CREATE_FAILED: taken", "shop/storage.py:7", ""),
        ("move shift", "", "gate errors: bad", "", ""),
        ("a", "TAP001 Bucket", "its data would be lost", "", ""),
        ("ledger", "", "the disk is full", "", "make room"),
    ] == [(each.who, each.where, each.text, each.source, each.advice) for each in found.causes]
    assert [("Go on", "tapcfn apply shop"), ("The way back", "go back")] == [
        (each.says, each.command) for each in found.ways
    ]
    assert ("1 unit failed",) == found.counts


def test_a_cause_that_many_instances_have_is_said_once() -> None:
    """Whatever place their reasons name."""
    run = told(
        START,
        *(
            InstanceMoved("set", each, "op", "OUTDATED", "FAILED", f"{each.account} denied")
            for each in (HOME, AWAY, Target("222222222222", "us-east-1"))
        ),
        Summarised("partial", 5, Outcome((ended("set", Ending.FAILED, "3 failed"),))),
    )

    _, _, causes = verdict(run)

    assert ("{account} denied",) == causes


# The plan -----------------------------------------------------------------------------------------


def test_a_change_that_happens_in_many_places_is_shown_once_with_the_places() -> None:
    run = told(
        planned("set", wave=0, verb="spread", counts={"update": 2}),
        ChangePlanned("set", HOME, a_change()),
        ChangePlanned("set", AWAY, a_change(physical_id="other")),
        ChangePlanned("set", AWAY, a_change("Topic")),
    )

    ((unit,),) = (each.units for each in rounds_of(run, units_of(run)))

    assert [("Bucket", ("111111111111/us-east-1", "111111111111/us-west-2"), True),
            ("Topic", ("111111111111/us-west-2",), False)] == [
        (each.logical_id, each.places, each.everywhere) for each in unit.changes
    ]  # fmt: skip
    assert "instances: 2 to update" == unit.counts


@pytest.mark.parametrize(
    ("change", "word", "tone"),
    [
        (Change("A", "T", "Add"), "add", "good"),
        (Change("A", "T", "Remove"), "remove", "bad"),
        (Change("A", "T", "Modify"), "modify", "calm"),
        (Change("A", "T", "Modify", replacement=Replacement.TRUE), "replace", "bad"),
        (Change("A", "T", "Modify", replacement=Replacement.CONDITIONAL), "may replace", "warn"),
        (Change("A", "T", "Dynamic"), "may change", "warn"),
        (Change("A", "T", "Import"), "import", "good"),
    ],
)
def test_what_a_change_does_has_a_word_and_a_tone(change: Change, word: str, tone: str) -> None:
    run = told(planned("a"), ChangePlanned("a", HOME, change))

    ((unit,),) = (each.units for each in rounds_of(run, units_of(run)))

    assert [(word, tone)] == [(each.word, each.tone) for each in unit.changes]


def test_documents_are_compared_line_by_line() -> None:
    """A policy of which one action changes shows that action; a plain value shows both."""
    old, new = ({"Effect": "Allow", "Action": [f"s3:{verb}"]} for verb in ("Get", "Put"))
    details = (
        Detail("/Policy", json.dumps(old), json.dumps(new), "Never", "Static"),
        Detail("/Name", "1", "2", "Always", "Dynamic"),
    )
    run = told(planned("a"), ChangePlanned("a", HOME, a_change(details=details)))

    ((unit,),) = (each.units for each in rounds_of(run, units_of(run)))
    policy, name = unit.changes[0].details

    assert [("−", '    "s3:Get"'), ("+", '    "s3:Put"')] == [
        each for each in policy.diff if each[0] in "+−"
    ]
    assert ((), "1", "2") == (name.diff, name.before, name.after)
    assert "replaces the resource: always; known when it is deployed" == name.note


def test_each_move_has_a_plan_of_its_own() -> None:
    """What stays as it is in a round is only counted; a round without work is left out."""
    still = replace(planned("b"), verb="none", reason="deployed as wanted")
    run = told(
        *(still, replace(still, stack="a")),
        *(MoveStarted("shift", "10 %"), planned("a"), still),
        *(MoveStarted("all", "100 %"), planned("b")),
    )

    assert [("shift", ["a"], ("b",)), ("all", ["b"], ())] == [
        (each.title, [unit.name for unit in each.units], each.still)
        for each in rounds_of(run, units_of(run))
    ]


def test_a_plan_without_work_is_still_a_plan() -> None:
    still = replace(planned("b"), verb="none", reason="deployed as wanted")
    run = told(still)

    assert [((), ("b",))] == [(each.units, each.still) for each in rounds_of(run, units_of(run))]


# The timeline -------------------------------------------------------------------------------------


def test_the_critical_path_is_the_chain_that_ends_last() -> None:
    """By needs where there are any; what was ready early and ended early is none of it."""
    run = told(
        *(planned("a"), planned("quick"), planned("b", "a"), planned("c", "a", "quick")),
        *((0.0, begun("a")), (0.0, begun("quick")), (5.0, ended("quick"))),
        *((60.0, ended("a")), (61.0, begun("b")), (61.0, begun("c"))),
        *((70.0, ended("b")), (200.0, ended("c"))),
    )

    found = timeline_of(run, units_of(run))

    assert found is not None
    assert ("a", "c") == found.path
    assert {"a": True, "b": False, "c": True, "quick": False} == {
        each.name: each.critical for each in found.spans
    }
    assert ("0", "1 min", "2 min", "3 min", "4 min") == found.ticks
    bars = {each.name: (each.x, each.width) for each in found.spans}
    assert ((0.0, 250.0), (254.2, 579.2)) == (bars["a"], bars["c"])


def test_resources_lie_within_their_unit_on_the_services_own_clock() -> None:
    """A clock that differs pushes nothing out of the picture; a failure is marked."""
    run = told(
        *((10.0, begun("a")), (12.0, moved("a", "Good", "CREATE_IN_PROGRESS", 9.5))),
        *((20.0, moved("a", "Good", "CREATE_COMPLETE", 15.0)),),
        *((20.0, moved("a", "Bad", "CREATE_IN_PROGRESS", 15.0)),),
        *((21.0, moved("a", "Bad", "CREATE_FAILED", 16.0)), (20.0, ended("a", Ending.FAILED))),
    )

    found = timeline_of(run, units_of(run))

    assert found is not None
    (row,) = found.spans
    assert "bad" == row.tone
    assert [("Good", 0.0, 5.0, "good"), ("Bad", 5.0, 6.0, "bad")] == [
        (each.name, each.start - row.start, each.end - row.start, each.tone) for each in row.inside
    ]


def test_what_was_not_seen_to_end_lasts_to_the_end() -> None:
    """The process was killed: its operations go on without it."""
    found = timeline_of(told(begun("a"), (40.0, Diagnosed("info", "x"))), ())

    assert found is not None
    assert [("warn", 40.0)] == [(each.tone, each.seconds) for each in found.spans]


def test_a_stack_set_shows_its_instances_and_many_by_region() -> None:
    pairs = [Target(f"{number:012d}", region) for number in range(61) for region in ("r-1", "r-2")]

    def run(some: list[Target]) -> Recorded:
        return told(
            SetOperationStarted("set", HOME, "update", "op"),
            *((5.0, InstanceMoved("set", pair, "op", "OUTDATED", "RUNNING")) for pair in some),
            (
                9.0,
                InstancesMoved(
                    tuple(InstanceMoved("set", pair, "op", "CURRENT", "SUCCEEDED") for pair in some)
                ),
            ),
            (10.0, SetOperationEnded("set", HOME, "update", "op", "SUCCEEDED", 10.0)),
            (10.0, ended("set")),
        )

    few, many = (timeline_of(run(some), ()) for some in (pairs[:3], pairs))

    assert few is not None
    assert many is not None
    assert [4.0, 4.0, 4.0] == [each.seconds for each in few.spans[0].inside]
    assert [("r-1", "61 instances"), ("r-2", "61 instances")] == [
        (each.name, each.note) for each in many.spans[0].inside
    ]


def test_a_rehearsal_is_drawn_at_the_pace_of_aws() -> None:
    """By its own schedule; what took a second at twenty times the pace took twenty."""
    run = told(
        planned("a"),
        (0.0, moved("a", "Topic", "CREATE_IN_PROGRESS", 1.0)),
        (0.0, moved("a", "Topic", "CREATE_COMPLETE", 2.0)),
        Answered(
            "rehearsal",
            {
                "seconds": 26,
                "speed": 20.0,
                "critical_path": ["a"],
                "units": [{"unit": "a", "start": 0, "end": 26}],
                "left": {},
                "faults": {},
            },
        ),
    )

    found = timeline_of(run, units_of(run))

    assert found is not None
    (row,) = found.spans
    assert (26.0, True, "as it would take on AWS") == (row.seconds, row.critical, found.note)
    assert [(6.0, 26.0)] == [(each.start, each.end) for each in row.inside]


def test_the_moves_of_a_rehearsal_follow_its_stacks_piece_by_piece() -> None:
    pieces = [("action", "freeze-source", 4), ("gate", "lag", 300)]
    move = {
        "move": "freeze",
        "back": False,
        "passed": True,
        "cause": None,
        "start": 26,
        "seconds": 304,
        "pieces": [
            {"kind": kind, "name": name, "seconds": seconds} for kind, name, seconds in pieces
        ],
        "gates": [],
    }
    fields = {
        "seconds": 330,
        "speed": 20.0,
        "critical_path": ["a", "freeze: freeze-source", "freeze: gate lag"],
        "units": [{"unit": "a", "start": 0, "end": 26}],
        "left": {},
        "faults": {},
        "moves": [move],
        "longest_refusal": 304,
    }
    run = told(planned("a"), Answered("rehearsal", fields), Summarised("ok", 0))

    found = timeline_of(run, units_of(run))

    assert found is not None
    assert [
        ("a", 0.0, 26.0, True),
        ("freeze", 26.0, 330.0, False),
        ("freeze-source", 26.0, 30.0, True),
        ("gate lag", 30.0, 330.0, True),
    ] == [(each.label, each.start, each.end, each.critical) for each in found.spans]
    assert ("a", "freeze-source", "gate lag") == found.path
    assert "no write is taken for 5 min 04 s" in verdict_of(run, (), (), ()).counts


def test_nothing_at_work_is_no_timeline() -> None:
    assert timeline_of(told(START, planned("a"), Summarised("ok", 0)), ()) is None


# Stack sets ---------------------------------------------------------------------------------------


def test_every_pair_of_a_set_stands_in_the_table() -> None:
    """As it was planned until something is heard of it; failures have the letter of their cause."""
    b = Target("222222222222", "us-east-1")
    run = told(
        *(InstancePlanned("set", pair, "update") for pair in (HOME, AWAY)),
        InstancePlanned("set", b, "none"),
        InstanceMoved("set", HOME, "op", "OUTDATED", "FAILED", "denied", cause="Topic: denied"),
        InstanceMoved("set", AWAY, "op", "CURRENT", "SUCCEEDED"),
    )

    (fleet,) = fleets_of(run)

    assert ("us-east-1", "us-west-2") == fleet.regions
    assert [
        ("111111111111", True, [("✗", "A", "Topic: denied"), ("✓", "", "")]),
        ("222222222222", False, [("=", "", ""), None]),
    ] == [
        (
            row.account,
            row.is_bad,
            [each and (each.sign, each.key, each.text) for each in row.squares],
        )
        for row in fleet.rows
    ]
    assert [("A", 1, "Topic: denied")] == [
        (each.key, each.count, each.text) for each in fleet.causes
    ]


def test_accounts_in_which_all_is_well_are_folded_once_they_are_many() -> None:
    pairs = [Target(f"{number:012d}", "us-east-1") for number in range(41)]
    run = told(
        *(InstanceMoved("set", pair, "op", "CURRENT", "SUCCEEDED") for pair in pairs[1:]),
        InstanceMoved("set", pairs[0], "op", "OUTDATED", "FAILED", "no"),
    )

    (fleet,) = fleets_of(run)

    assert (1, 40) == (len(fleet.rows), len(fleet.folded))


def test_a_failure_that_was_mended_is_no_cause() -> None:
    run = told(
        InstanceMoved("set", HOME, "op", "OUTDATED", "FAILED", "no"),
        InstanceMoved("set", HOME, "op2", "CURRENT", "SUCCEEDED"),
    )

    (fleet,) = fleets_of(run)

    assert ((), [("✓", "done", "good", 1)]) == (fleet.causes, list(fleet.counts))


# Gates and moves ----------------------------------------------------------------------------------

LAG = Gate(
    "lag",
    MetricCheck(HOME, "AWS/RDS", "ReplicaLag", (), "Maximum", Comparison.AT_MOST, 5.0),
    hold=1800.0,
)


def judged(status: GateStatus, *samples: Sample, gate: Gate | None = LAG) -> GateJudged:
    return GateJudged("verify", HOME, "lag", Verdict(status, "why", samples), gate)


def chart(*events: Event) -> Chart:
    (card,) = gates_of(told(*events))
    assert card.chart is not None
    return card.chart


def test_a_chart_has_every_sample_that_was_told_and_the_line_not_to_cross() -> None:
    """Each once, though a later verdict repeats it."""
    early, late = Sample(60.0, False, 20.0), Sample(120.0, True, 0.0)
    found = chart(judged(GateStatus.WAITING, early), judged(GateStatus.PASSED, early, late))

    assert [(500.0, 8.0, "bad"), (1000.0, 100.0, "good")] == [
        (each.x, each.y, each.tone) for each in found.points
    ]
    assert (77.0, ("0", "30 s", "1 min", "1 min 30 s", "2 min")) == (found.threshold, found.ticks)
    assert ("20", "0") == found.highs


def test_samples_without_numbers_are_good_or_bad_and_missing_ones_are_neither() -> None:
    found = chart(
        judged(
            GateStatus.FAILED,
            *(
                Sample(1.0, True, "OK"),
                Sample(2.0, False, "ALARM"),
                Sample(3.0, None, None, "gone"),
            ),
            gate=None,
        )
    )

    assert ("good", "bad") == found.highs
    assert [("good", 25.0), ("bad", 75.0), ("none", 75.0)] == [
        (each.tone, each.y) for each in found.points
    ]
    assert "after 3.0 s: gone (missing)" == found.points[2].text


def test_what_a_gate_asks_for_is_said() -> None:
    (card,) = gates_of(told(judged(GateStatus.PASSED)))

    assert "ReplicaLag Maximum <= 5, for 30 min, within 10 min" == card.rule
    assert card.chart is None


def test_a_gate_that_is_opened_again_is_another_one() -> None:
    run = told(judged(GateStatus.FAILED), judged(GateStatus.PASSED))

    assert ["failed", "passed"] == [each.verdict for each in gates_of(run)]


def test_moves_that_were_not_begun_stand_behind_those_that_were() -> None:
    legs = [
        {"move": name, "back": False, "confirm": None, "says": name, "forever": why, "gates": []}
        for name, why in (("one", None), ("two", None), ("three", "no way back"))
    ]
    run = told(
        Answered("way", {"legs": legs}),
        *((0.0, MoveStarted("one", "first")), (60.0, MoveEnded("one", passed=True))),
        *((60.0, MoveStarted("two", "second")), (90.0, MoveEnded("two", passed=False, cause="no"))),
    )

    assert [
        ("one", "passed", "1 min 00 s", ""),
        ("two", "stopped", "30 s", "no"),
        ("three", "not begun", "", ""),
    ] == [(each.name, each.word, each.took, each.cause) for each in moves_of(run)]
    assert "no way back" == moves_of(run)[2].forever


# The drawing --------------------------------------------------------------------------------------


def test_who_needs_something_stands_to_the_right_of_it() -> None:
    """Regions are lanes; a phase begins behind the one before."""
    run = told(
        planned("a", contents={"AWS::S3::Bucket": 2, "AWS::S3::BucketPolicy": 1}),
        replace(planned("b", "a"), target=AWAY),
        planned("c", phase="late"),
    )

    found = picture_of(units_of(run), ())

    assert found is not None
    assert ["us-east-1", "us-west-2"] == [each.title for each in found.lanes]
    boxes = {each.name: each for each in found.boxes}
    assert boxes["a"].x < boxes["b"].x < boxes["c"].x
    assert ("2 × S3 Bucket", "and 1 more") == boxes["a"].lines
    assert 1 == len(found.arrows)
    assert ["1. base", "2. late"] == [title for _, title in found.phases]


def test_no_two_boxes_lie_on_each_other_and_all_lie_in_their_lanes() -> None:
    names = [f"u{number}" for number in range(30)]
    run = told(
        *(
            replace(planned(name, *names[max(0, at - 3) : at]), target=(HOME, AWAY)[at % 2])
            for at, name in enumerate(names)
        )
    )

    found = picture_of(units_of(run), ())

    assert found is not None
    spots = [(each.x, each.y, each.y + each.height) for each in found.boxes]
    for number, (x, top, bottom) in enumerate(spots):
        assert any(each.y < top and bottom < each.y + each.height for each in found.lanes)
        assert 0 < x < found.width - found.box_width
        for x2, top2, bottom2 in spots[:number]:
            assert x != x2 or bottom <= top2 or bottom2 <= top


def test_an_arrow_passes_above_the_boxes_between() -> None:
    run = told(planned("a"), planned("b", "a"), planned("c", "a", "b"))

    found = picture_of(units_of(run), ())

    assert found is not None
    (level,) = (int(path.partition(" ")[0]) for path in _horizontals(found.arrows))
    assert level < min(each.y for each in found.boxes)


def _horizontals(arrows: tuple[str, ...]) -> list[str]:
    """Return the height at which each arrow runs level."""
    return [path.partition("H")[0].rpartition(" ")[2] for path in arrows if "H" in path]


def test_nothing_planned_is_no_drawing() -> None:
    assert picture_of(units_of(told(START, ended("a"))), ()) is None


# The rest -----------------------------------------------------------------------------------------


def test_findings_are_said_once_for_all_places_and_the_gravest_first() -> None:
    source = SourceLine("shop/storage.py", 7)
    warning = Finding("W1", Severity.WARNING, "set", "Bucket", "odd", source=source)
    error = Finding("E1", Severity.ERROR, "set", "Bucket", "wrong")
    run = told(*(FindingRaised(warning, each) for each in (HOME, AWAY)), FindingRaised(error, HOME))

    assert [("error", "E1", (), ""), ("warning", "W1", 2, "shop/storage.py:7")] == [
        (each.mark.word, each.rule, len(each.places) or (), each.source)
        for each in findings_of(run)
    ]


def test_drift_is_shown_property_by_property() -> None:
    resource = {
        "logical_id": "Topic",
        "resource_type": "AWS::SNS::Topic",
        "physical_id": "t",
        "status": "MODIFIED",
        "reason": None,
        "properties": [{"path": "/Name", "kind": "NOT_EQUAL", "expected": "a", "actual": "b"}],
        "source": None,
    }
    place = {"unit": "a", "account": "1", "region": "r", "reason": None}
    fields = {**place, "status": "DETECTION_COMPLETE"}
    fine = {**resource, "status": "IN_SYNC"}
    run = told(Answered("drift", {**fields, "resources": [resource, fine]}))

    assert [("a", "Topic AWS::SNS::Topic", "/Name", "a", "b")] == [
        (each.unit, each.resource, each.path, each.expected, each.actual) for each in drifts_of(run)
    ]


def test_what_is_lost_and_what_is_left_is_named() -> None:
    resource = {"unit": "a", "logical_id": "B", "resource_type": "T", "physical_id": "b"}
    run = told(
        Answered(
            "losses",
            {"holdings": [{**resource, "kept": False, "empty": False}], "protected": []},
        ),
        Answered("left", {"kept": [], "stuck": [{**resource, "reason": "not empty"}]}),
    )

    assert [("goes", ""), ("is stuck", "not empty")] == [
        (each.mark.word, each.note) for each in losses_of(run)
    ]


def test_outputs_of_several_regions_say_which() -> None:
    run = told(OutputsKnown({"url": "https://x", "vpc.us-east-1": "v1", "vpc.us-west-2": "v2"}))

    assert (
        ("url", "", "https://x"),
        ("vpc", "us-east-1", "v1"),
        ("vpc", "us-west-2", "v2"),
    ) == outputs_of(run)


@pytest.mark.parametrize(
    ("seconds", "long", "last"),
    [(0.0, 1.0, "1 s"), (4.2, 5.0, "5 s"), (61.0, 75.0, "1 min 15 s"), (7200.0, 7200.0, "2 h"),
     (300_000.0, 345_600.0, "96 h")],
)  # fmt: skip
def test_an_axis_has_room_and_counts_in_round_steps(seconds: float, long: float, last: str) -> None:
    found, labels = axis(seconds)

    assert (long, "0", last) == (found, labels[0], labels[-1])
    assert len(labels) <= 6


def test_lengths_of_time_have_no_zeroes() -> None:
    assert ["0", "45 s", "30 min", "1 h 30 min"] == [length(each) for each in (0, 45, 1800, 5400)]
