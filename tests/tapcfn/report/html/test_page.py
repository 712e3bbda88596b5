"""The page as a file: whole, the same each time, harmless whatever a run tells, and no giant."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from tapcfn.events import (
    ChangePlanned,
    Diagnosed,
    Event,
    FindingRaised,
    InstanceMoved,
    InstancePlanned,
    OutputsKnown,
    RunStarted,
    StackEnded,
    StackPlanned,
    Summarised,
)
from tapcfn.model import Detail, Ending, Finding, Severity, Target
from tapcfn.report.html import html
from tests.fakes import HOME, a_change
from tests.pictures import stream
from tests.tapcfn.report.html.telling import read, told

STORIES = ("success", "partial", "migration")

# What may have no end, and what may stand without one.
_EMPTY = {"meta", "input", "br", "link"}


class Page(HTMLParser):
    """Reads a page: its texts, ids, attributes and links, and whether all that opens is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.parts: dict[str, str] = {}
        self.policy = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.attributes |= told.keys()
        if "id" in told:
            self.ids.append(str(told["id"]))
        self.links += [
            str(value) for key, value in attrs if key in {"href", "src", "aria-labelledby"}
        ]
        if told.get("http-equiv") == "Content-Security-Policy":
            self.policy = str(told["content"])
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= dict(attrs).keys()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"style", "script"}:
            self.parts[self.open[-1]] = data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def pages() -> Iterator[str]:
    """Yield the page of each story."""
    yield from (html(read(stream(name))) for name in STORIES)


@pytest.mark.parametrize("name", STORIES)
def test_all_that_opens_is_closed_and_links_lead_somewhere(name: str) -> None:
    page = Page(html(read(stream(name))))

    assert [] == page.open
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link.removeprefix("#") in page.ids


@pytest.mark.parametrize("name", STORIES)
def test_the_policy_allows_this_style_and_this_script_and_nothing_else(name: str) -> None:
    """No request, no handler in an attribute, no style in one."""
    page = Page(html(read(stream(name))))
    rules = dict(rule.split(" ", 1) for rule in page.policy.split("; "))
    hashes = {
        part: f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for part, text in page.parts.items()
    }

    assert {
        "default-src": "'none'",
        "style-src": hashes["style"],
        "script-src": hashes["script"],
        "base-uri": "'none'",
        "form-action": "'none'",
    } == rules
    assert not {each for each in page.attributes if each == "style" or each.startswith("on")}
    assert not re.search(r"(?:https?:)?//[a-z]|@import|url\((?!#)", page.parts["style"])
    assert not re.search(r"https?://|fetch|XMLHttp|import\(", page.parts["script"])


def test_the_same_lines_give_the_same_page() -> None:
    assert list(pages()) == list(pages())


def test_whatever_a_run_tells_is_text() -> None:
    """Names, values, reasons and outputs of strangers: none of them becomes an element."""
    evil = "</script><img src=x onerror=alert(1)>'\"&<b>"
    details = (Detail(evil, evil, evil), Detail("/P", f'["{"x" * 3}"]', '["<i>"]'))
    finding = Finding(evil, Severity.ERROR, evil, evil, evil)
    target = Target(evil, evil)
    events: tuple[Event, ...] = (
        RunStarted(evil, evil, (target,), evil, evil, evil),
        StackPlanned(evil, target, evil, 1, evil, evil, evil, {evil: 1}, (evil,), {evil: (evil,)},
                     evil, {evil: 1}),
        ChangePlanned(evil, target, a_change(evil, physical_id=evil, details=details)),
        InstancePlanned(evil, target, "update"),
        InstanceMoved(evil, target, "op", "OUTDATED", "FAILED", evil, evil, evil, evil),
        FindingRaised(finding, target),
        Diagnosed("error", evil, evil, evil),
        StackEnded(evil, target, Ending.FAILED, evil, evil, 1.0),
        OutputsKnown({evil: evil}),
        Summarised("failed", 1, resume=evil, ways=((evil, evil),)),
    )  # fmt: skip

    text = html(told(*events))

    page = Page(text)
    assert [] == page.open
    assert "<img" not in text
    assert page.text.count("<img src=x onerror=alert(1)>") > 20
    assert "onerror" not in page.attributes


def test_the_verdict_and_its_cause_come_before_all_else() -> None:
    text = html(read(stream("partial")))
    told = (
        'id="verdict"',
        "with an explicit deny in a service control policy",
        "tapcfn stackset retry",
        "2026-01-05 09:00:00 UTC",
        'id="architecture"',
        'id="plan"',
        'id="timeline"',
        'id="instances"',
    )

    places = [text.index(each) for each in told]
    assert places == sorted(places)


def test_a_run_that_was_refused_before_it_began_has_a_page() -> None:
    """Nothing but what was wrong."""
    text = Page(
        html(told(Diagnosed("error", "no such stage", "usage"), Summarised("usage", 2)))
    ).text

    assert "Refused" in text
    assert "no such stage" in text


def crowd(accounts: int) -> Iterator[Event]:
    """Yield a set in five Regions of so many accounts, each with five changes of its own."""
    regions = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2")
    pairs = [Target(f"{number:012d}", region) for number in range(accounts) for region in regions]
    yield RunStarted("apply", "d", (HOME,), "shop", "live", "aws")
    yield StackPlanned("fleet", HOME, "all", 0, "spread", "the template differs")
    for pair in pairs:
        yield InstancePlanned("fleet", pair, "update")
        for number in range(5):
            value = f"{pair}-{number}" if number else "the same everywhere"
            detail = Detail("/Properties/Name", "old", value, "Never", "Static")
            yield ChangePlanned("fleet", pair, a_change(f"Topic{number}", details=(detail,)))
    for number, pair in enumerate(pairs):
        status = "FAILED" if number % 50 == 0 else "SUCCEEDED"
        yield InstanceMoved("fleet", pair, "op", "CURRENT", status, f"no room for {pair.account}")
    yield Summarised("partial", 5)


def test_a_thousand_instances_with_changes_of_their_own_stay_a_page() -> None:
    """Five thousand changes: what is alike is folded, and the rest is a few megabytes."""
    run = told(*crowd(200))
    before = time.process_time()

    text = html(run)

    assert time.process_time() - before < 10
    assert len(text) < 4_000_000
    for words in (
        "980 done",
        "180 accounts in which all is",
        "in all 1000 instances",
        "for {account}",
    ):
        assert words in text
