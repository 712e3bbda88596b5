"""Files that a run leaves: JUnit, SARIF, Markdown, outputs, and what GitHub Actions reads. (5.4)"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tapcfn import __version__
from tapcfn.events import (
    Answered,
    ChangePlanned,
    Diagnosed,
    Event,
    FindingRaised,
    InstanceMoved,
    InstancesMoved,
    MoveEnded,
    Outcome,
    OutputsKnown,
    RunStarted,
    SetOperationStarted,
    StackEnded,
    StackPlanned,
    Summarised,
    UnitOutputs,
)
from tapcfn.model import Detail, Ending, Finding, Replacement, Severity, SourceLine, Target
from tapcfn.report.changes import change_lines
from tapcfn.report.collected import Report, Verdict, report_of
from tapcfn.report.github import MOST_ERRORS, errors, step_outputs
from tapcfn.report.junit import junit
from tapcfn.report.markdown import LONGEST, markdown
from tapcfn.report.outputs_file import outputs_file
from tapcfn.report.sarif import RULES, fingerprint, sarif
from tests.fakes import AWAY, HOME, a_change

GOLDEN = Path(__file__).parent / "golden"
LINE = SourceLine("templates/layers/storage.py", 41)
FAR = Target("222222222222", "eu-west-1")

FINDING = Finding("TAP001", Severity.ERROR, "storage", "Bucket", "its data would be lost", LINE)
RESIZED = a_change(
    replacement=Replacement.TRUE,
    details=(Detail("/Properties/BucketName", "a", "b", "Always"),),
)


def planned(stack: str, target: Target = HOME, verb: str = "update", phase: str = "base") -> Event:
    return StackPlanned(stack, target, phase, 1, verb, "the template differs", "arn:1")


def ended(stack: str, ending: Ending, cause: str = "", target: Target = HOME) -> StackEnded:
    codes = {Ending.FAILED: 1, Ending.SKIPPED: 1, Ending.RUNNING: 7}
    return StackEnded(stack, target, ending, cause, "", 1.5, codes.get(ending, 0))


def moved(target: Target, detailed: str, reason: str = "") -> InstanceMoved:
    return InstanceMoved("fleet", target, "op-9", "OUTDATED", detailed, reason)


CAUSE = "Bucket: name taken — templates/layers/storage.py:41"

# A run of two phases whose first one fails in many ways.
FAILED_RUN: tuple[Event, ...] = (
    RunStarted("apply", "d1", (HOME, AWAY)),
    planned("net-us-east-1"),
    ChangePlanned("net-us-east-1", HOME, RESIZED, LINE),
    planned("net-us-west-2", AWAY),
    ChangePlanned("net-us-west-2", AWAY, RESIZED, LINE),
    planned("web", verb="create"),
    StackPlanned("fleet", HOME, "fleets", 0, "spread", "instances differ", None, {"update": 3}),
    ChangePlanned("fleet", HOME, a_change(), LINE),
    ChangePlanned("fleet", AWAY, a_change(), LINE),
    planned("last", verb="none", phase="fleets"),
    FindingRaised(replace(FINDING, severity=Severity.INFO, allowed_by="storage/Bucket"), HOME),
    SetOperationStarted("fleet", HOME, "update", "op-9", frozenset({HOME, AWAY, FAR})),
    InstancesMoved((moved(HOME, "RUNNING"), moved(AWAY, "PENDING"))),
    InstancesMoved((moved(HOME, "SUCCEEDED"), moved(AWAY, "FAILED", "no quota"))),
    moved(FAR, "CANCELLED", "cancelled after a failure"),
    ended("net-us-east-1", Ending.DONE),
    ended("net-us-west-2", Ending.FAILED, CAUSE, AWAY),
    ended("web", Ending.SKIPPED, "net-us-west-2 failed"),
    ended("fleet", Ending.FAILED, "1 of 3 instances failed"),
    ended("last", Ending.UNCHANGED),
)
ENDS = tuple(each for each in FAILED_RUN if isinstance(each, StackEnded))
ALONE = Summarised("failed", 1, resume="python deploy.py apply shop")
FAILED = replace(ALONE, outcome=Outcome(ENDS))


def failed_run() -> Report:
    return report_of(FAILED_RUN, FAILED)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("report.junit.xml", junit(failed_run())),
        ("report.md", markdown(failed_run())),
        ("report.sarif.json", sarif(failed_run())),
    ],
)
def test_the_same_run_gives_the_same_bytes(name: str, text: str) -> None:
    told = text.replace(f'"semanticVersion": "{__version__}"', '"semanticVersion": "0.1.0"')

    assert (GOLDEN / name).read_text("utf-8") == told


# Cases --------------------------------------------------------------------------------------------


def test_every_unit_and_instance_has_one_case() -> None:
    """A failure has its own root cause; what only follows from it is skipped."""
    found = [(each.suite, each.name, each.target, each.verdict) for each in failed_run().cases]

    assert found == [
        ("base", "net-us-east-1", HOME, Verdict.PASSED),
        ("base", "net-us-west-2", AWAY, Verdict.FAILED),
        ("base", "web", HOME, Verdict.SKIPPED),
        ("fleets", "fleet", HOME, Verdict.PASSED),
        ("fleets", "fleet", AWAY, Verdict.FAILED),
        ("fleets", "fleet", FAR, Verdict.SKIPPED),
        ("fleets", "last", HOME, Verdict.PASSED),
    ]


def test_a_set_that_fails_as_a_whole_has_a_case_of_its_own() -> None:
    """Its instances all went well: a gate stopped it, or a call was refused."""
    events = (planned("fleet"), moved(HOME, "SUCCEEDED"), ended("fleet", Ending.FAILED, "gate bad"))

    cases = report_of(events, ALONE).cases

    assert ["", "gate bad"] == [each.text for each in cases]


@pytest.mark.parametrize(
    ("command", "code", "verdicts"),
    [
        ("plan", 0, [Verdict.PASSED, Verdict.SKIPPED, Verdict.PASSED]),
        ("plan", 4, [Verdict.PASSED, Verdict.SKIPPED, Verdict.PASSED]),
        ("apply", 0, [Verdict.PASSED, Verdict.SKIPPED, Verdict.PASSED]),
        ("apply", 4, [Verdict.SKIPPED, Verdict.SKIPPED, Verdict.PASSED]),
    ],
)
def test_what_was_only_planned(command: str, code: int, verdicts: list[Verdict]) -> None:
    """Nothing was begun, which is as wanted for a plan, and not for an apply that was blocked."""
    units = (planned("a"), planned("b", verb="deferred"), planned("c", verb="none"))
    report = report_of((RunStarted(command, None, ()), *units), Summarised("", code))

    assert verdicts == [each.verdict for each in report.cases]


def test_a_plan_that_is_blocked_fails_where_the_finding_is() -> None:
    events = (RunStarted("plan", None, ()), planned("storage"), FindingRaised(FINDING, HOME))

    (case,) = report_of(events, Summarised("blocked", 4)).cases

    assert (Verdict.FAILED, f"TAP001 Bucket: its data would be lost — {LINE}") == (
        case.verdict,
        case.text,
    )


def test_a_run_that_never_got_to_a_plan_is_a_case() -> None:
    """A server that shows test results shows nothing at all for an empty file."""
    events = (Diagnosed("warning", "careful"), Diagnosed("error", "wrong key", "ConfigError"))

    (case,) = report_of(events, Summarised("usage", 2)).cases

    assert ("run", "ConfigError", Verdict.ERROR, "wrong key") == (
        case.suite,
        case.name,
        case.verdict,
        case.text,
    )


def test_a_unit_that_still_runs_at_the_deadline_is_an_error() -> None:
    (case,) = report_of((planned("a"), ended("a", Ending.RUNNING)), Summarised("", 7)).cases

    assert (Verdict.ERROR, "still running") == (case.verdict, case.text)


def test_moves_and_drift_are_cases() -> None:
    place = {"unit": "storage", "account": HOME.account, "region": HOME.region}
    gone = {"logical_id": "Bucket", "status": "DELETED"}
    there = {"logical_id": "Key", "status": "IN_SYNC"}
    done = place | {"status": "DETECTION_COMPLETE", "reason": None}
    broken = place | {"status": "DETECTION_FAILED", "reason": "denied", "resources": []}
    events = (
        MoveEnded("shift-10", passed=False, cause="gate bad"),
        Answered("drift", done | {"resources": [gone, there]}),
        Answered("drift", done | {"resources": [there]}),
        Answered("drift", broken),
    )

    cases = report_of(events, ALONE).cases

    assert [(each.suite, each.verdict, each.text) for each in cases] == [
        ("moves", Verdict.FAILED, "gate bad"),
        ("drift", Verdict.FAILED, "Bucket DELETED"),
        ("drift", Verdict.PASSED, ""),
        ("drift", Verdict.ERROR, "detection failed: denied"),
    ]


# JUnit --------------------------------------------------------------------------------------------


def test_junit_counts_what_it_holds() -> None:
    """Read back: suites by phase, classname by place, a failure with its cause."""
    root = ElementTree.fromstring(junit(failed_run()))

    assert ["base", "fleets"] == [suite.get("name") for suite in root]
    for each in (root, *root):
        cases = list(each.iter("testcase"))
        for what, key in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert str(sum(case.find(what) is not None for case in cases)) == each.get(key)
        assert str(len(cases)) == each.get("tests")
    case = root.find(".//testcase[@classname='111111111111.us-west-2'][@name='net-us-west-2']")
    assert case is not None
    failure = case.find("failure")
    assert failure is not None
    assert (CAUSE, CAUSE) == (failure.get("message"), failure.text)


def test_junit_holds_any_text() -> None:
    """What XML can't say is replaced, what it must escape comes back."""
    text = 'a < b & "c" ]]> \x00\x1b[31m\ud800 ü — 漢\nsecond line'
    report = report_of((ended("a", Ending.FAILED, text),), ALONE)

    root = ElementTree.fromstring(junit(report))

    failure = root.find(".//failure")
    assert failure is not None
    assert 'a < b & "c" ]]> ��[31m� ü — 漢' == failure.get("message")
    assert str(failure.text).endswith("second line")


# SARIF --------------------------------------------------------------------------------------------


def test_sarif_has_what_code_scanning_needs() -> None:
    """Rules with a description, a level, a line, a fingerprint; an allowance suppresses."""
    (run,) = json.loads(sarif(failed_run()))["runs"]
    (result,) = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]

    assert ("TAP001", RULES["TAP001"]) == (rule["id"], rule["shortDescription"]["text"])
    assert ("TAP001", "note") == (result["ruleId"], result["level"])
    place = result["locations"][0]["physicalLocation"]
    assert (LINE.file, LINE.line) == (
        place["artifactLocation"]["uri"],
        place["region"]["startLine"],
    )
    assert "storage/Bucket" in result["suppressions"][0]["justification"]


def test_every_rule_of_ours_is_described() -> None:
    """Whatever the code raises."""
    root = Path(__file__).parents[3] / "tapcfn"
    texts = (path.read_text("utf-8") for path in root.rglob("*.py") if path.name != "sarif.py")
    known = {f"TAP{number:03}" for number in range(100)}

    assert set(RULES) == {rule for text in texts for rule in known if f'"{rule}"' in text}


def test_a_fingerprint_is_of_rule_unit_and_resource_alone() -> None:
    """Neither the account, nor the words, nor the line make it another finding."""
    one = replace(FINDING, stack="logs-111111111111-eu")
    same = replace(one, stack="logs-222222222222-eu", message="other", source=None)

    assert fingerprint(one) == fingerprint(same)
    for other in (
        replace(one, rule="TAP002"),
        replace(one, stack="logs-us"),
        replace(one, logical_id="Key"),
    ):
        assert fingerprint(one) != fingerprint(other)


def test_a_finding_without_a_line_has_a_place_in_its_stack() -> None:
    bare = Finding("W3045", Severity.WARNING, "web", "", "legacy", origin="lint")
    (run,) = json.loads(sarif(report_of((FindingRaised(bare),), ALONE)))["runs"]
    (result,) = run["results"]

    assert [{"logicalLocations": [{"fullyQualifiedName": "web"}]}] == result["locations"]
    assert "cfn-lint" in run["tool"]["driver"]["rules"][0]["shortDescription"]["text"]


# Markdown -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("longest", [LONGEST, 4_000])
def test_markdown_is_cut_where_least_is_lost(longest: int) -> None:
    """Changes go first; the verdict, the cause and how to go on stay."""
    changes = (
        ChangePlanned("big", HOME, replace(RESIZED, logical_id=f"Resource{number:05}"))
        for number in range(5_000)
    )
    report = report_of((planned("big"), *changes, ended("big", Ending.FAILED, CAUSE)), ALONE)

    text = markdown(report, longest)

    assert longest // 2 < len(text) <= longest
    assert text.startswith("### tapcfn: failed (exit code 1)")
    assert 1 == text.count("… cut: ")
    assert CAUSE in text
    assert "python deploy.py apply shop" in text
    assert text.count("```") % 2 == 0
    assert text.count("<details>") == text.count("</details>") == 1


@pytest.mark.parametrize("longest", [300, 1_000])
def test_markdown_is_never_longer_than_allowed(longest: int) -> None:
    """Whatever it is that is long."""
    events = tuple(ended(f"s{n}", Ending.FAILED, f"reason {n} " + "x" * 90) for n in range(900))

    assert longest >= len(markdown(report_of(events, ALONE), longest))


def test_nothing_in_a_text_ends_its_fence() -> None:
    report = report_of((ended("a", Ending.FAILED, "```\n# not a heading"),), ALONE)

    assert "````text\n" in markdown(report)


def test_each_leg_of_a_journey_has_its_changes() -> None:
    """The same stack is planned again for each move."""
    leg = (planned("dns"), ChangePlanned("dns", HOME, RESIZED))
    text = markdown(report_of((*leg, *leg), Summarised("ok", 0)))

    assert ("Changes 1 of 2" in text, "Changes 2 of 2" in text) == (True, True)


# Outputs ------------------------------------------------------------------------------------------


def test_outputs_stand_by_unit_account_region_and_key() -> None:
    units = (UnitOutputs("net", HOME, {"VpcId": "vpc-1"}), UnitOutputs("net", AWAY, {"VpcId": "2"}))
    report = report_of((OutputsKnown({"vpc": "vpc-1"}, units),), ALONE)

    assert json.loads(outputs_file(report)) == {
        "net": {
            "111111111111": {"us-east-1": {"VpcId": "vpc-1"}, "us-west-2": {"VpcId": "2"}},
        }
    }
    assert "{}\n" == outputs_file(report_of((), ALONE))


# GitHub Actions -----------------------------------------------------------------------------------


def test_annotations_name_the_line_and_stay_one_line() -> None:
    """The runner's own characters are escaped; in properties the separators, too."""
    events = (
        FindingRaised(replace(FINDING, message="100 %\r\nlost", stack="a:b,c"), HOME),
        ended("net", Ending.FAILED, CAUSE),
    )

    assert errors(report_of(events, ALONE)) == (
        "::error file=templates/layers/storage.py,line=41,title=TAP001 a%3Ab%2Cc"
        "::100 %25%0D%0Alost",
        f"::error file=templates/layers/storage.py,line=41,title=net::{CAUSE}",
    )


def test_no_more_annotations_than_github_takes() -> None:
    events = tuple(ended(f"s{number}", Ending.FAILED, "no") for number in range(30))

    assert MOST_ERRORS == len(errors(report_of(events, ALONE)))


def test_later_steps_can_ask_how_it_went() -> None:
    assert step_outputs(failed_run()) == (
        'exit_code=1\nchanged=true\nplan_digest=d1\noperation_ids=["op-9"]\n'
    )


@pytest.mark.parametrize(
    ("events", "changed"),
    [
        ((RunStarted("plan", "d", ()), planned("a")), True),
        ((RunStarted("plan", "d", ()), planned("a", verb="none")), False),
        ((RunStarted("plan", "d", ()), StackPlanned("a", HOME, "p", 1, "update", "r")), False),
        ((RunStarted("apply", "d", ()), planned("a"), ended("a", Ending.UNCHANGED)), False),
        ((RunStarted("apply", "d", ()), planned("a"), ended("a", Ending.FAILED)), False),
        ((RunStarted("apply", "d", ()), planned("a"), ended("a", Ending.DONE)), True),
    ],
)
def test_changed_is_what_was_written_or_would_be(events: tuple[Event, ...], changed: bool) -> None:
    """An update whose change set is empty writes nothing."""
    assert changed is report_of(events, Summarised("ok", 0)).changed


# A plan, for who reviews it -----------------------------------------------------------------------


def test_a_plan_says_first_what_would_change_and_leaves_out_what_would_not() -> None:
    """Counts of stacks and resources; what is as wanted is no news; a finding is said once."""
    changes = [
        planned("storage"),
        ChangePlanned("storage", HOME, RESIZED),
        planned("net", verb="none"),
        planned("late", verb="deferred"),
    ]
    started = RunStarted("plan", "0.1.0", "d1", (HOME,))
    told = [started, *changes, FindingRaised(FINDING)]

    text = markdown(report_of(told, Summarised("blocked", 4)))

    assert (
        "**Stacks: 1 to update, 1 to be asked about once others are deployed. "
        "Resources: 1 to replace.**" in text
    )
    assert "net" not in text
    assert text.count("its data would be lost") == 1
    assert "Causes" not in text


def test_a_plan_without_work_says_so() -> None:
    started = RunStarted("plan", "0.1.0", "d1", (HOME,))

    text = markdown(report_of([started, planned("net", verb="none")], Summarised("ok", 0)))

    assert "**Nothing to do.**" in text
    assert "<details>" not in text


def test_long_values_are_shown_where_they_differ() -> None:
    """The beginning that they share says nothing."""
    before, after = (f'{"x" * 200}"CidrIp":"{each}"{"y" * 200}' for each in ("10.0", "10.1"))
    change = a_change(
        replacement=Replacement.FALSE,
        details=(Detail("/Properties/Ingress", before, after, "Never"),),
    )

    (_, line) = change_lines(change, "")

    assert '"CidrIp":"10.0"yyy' in line
    assert "…x" in line
    assert '"CidrIp":"10.1"yyy' in line
    assert len(line) < 300
