"""What is told of a run: in one line, as text, for programs and as Slack's blocks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tapcfn.notice_settings import When
from tapcfn.notices.blocks import (
    LONGEST_FIELD,
    LONGEST_HEADER,
    LONGEST_TEXT,
    MOST_BLOCKS,
    MOST_FIELDS,
    escaped,
    payload_of,
)
from tapcfn.notices.notice import Notice, document_of, text_of, when_of

WHOLE = Notice(
    "apply",
    "shop",
    "prod",
    When.FAILURE,
    "20300101T000000Z-aaaaaa",
    exit_code=1,
    regions=("eu-west-1", "us-east-1"),
    cause="prod-shop-network (111122223333/us-east-1): Vpc: the limit is reached",
    counts={"done": 3, "failed": 1},
    digest="d1",
    resume="tapcfn apply shop --stage prod",
    link="https://ci.example/runs/7",
    seconds=61.4,
)


def test_a_person_reads_it_in_this_order() -> None:
    """What happened, where, why, and what to do now."""
    assert """\
shop, prod: apply failed

System: shop
Environment: prod
Regions: eu-west-1, us-east-1
Units: 3 done, 1 failed
Took: 61 s
Run: 20300101T000000Z-aaaaaa
Plan: d1

Cause: prod-shop-network (111122223333/us-east-1): Vpc: the limit is reached

To go on: tapcfn apply shop --stage prod

https://ci.example/runs/7
""" == text_of(WHOLE)


@pytest.mark.parametrize(
    ("code", "when"),
    [
        (0, When.SUCCESS),
        (1, When.FAILURE),
        (4, When.BLOCKED),
        (5, When.PARTIAL),
        (6, When.STALE),
        (7, When.RUNNING),
        (130, When.INTERRUPTED),
        (None, When.FAILURE),
        (99, When.FAILURE),
        (2, None),
        (10, None),
    ],
)
def test_each_exit_code_has_its_word(code: int | None, when: When | None) -> None:
    """A killed process has failed; a wrong command line is told nobody."""
    assert when is when_of(code)


@pytest.mark.parametrize("when", When)
def test_every_end_is_said_in_words(when: When) -> None:
    """Never by a colour or a sign alone."""
    title = replace(WHOLE, when=when).title

    others = {replace(WHOLE, when=each).title for each in When if each is not when}
    assert title.startswith("shop, prod: apply ")
    assert title not in others


def test_programs_get_null_for_what_is_not_known() -> None:
    """Every key is always there."""
    bare = document_of(Notice("apply", "shop", "prod", When.SUCCESS, "r"))

    assert set(document_of(WHOLE)) == set(bare)
    assert {"part", "plan_digest", "cause", "resume", "link", "then", "seconds", "exit_code"} == {
        key for key, value in bare.items() if value is None
    }


# Slack --------------------------------------------------------------------------------------------


def _texts(value: Any) -> list[dict[str, Any]]:
    """Return every text object of a payload."""
    if isinstance(value, list):
        return [each for one in value for each in _texts(one)]
    if not isinstance(value, dict):
        return []
    own = [value] if value.get("type") in {"mrkdwn", "plain_text"} else []
    return own + [each for one in value.values() for each in _texts(one)]


def test_slack_is_told_all_of_it() -> None:
    """System, environment, Regions, verdict, cause, counts, plan, run, resume and link."""
    said = json.dumps(payload_of(WHOLE))

    for told in (
        *("shop", "prod", "eu-west-1, us-east-1", "failed", "the limit is reached"),
        *("3 done, 1 failed", "d1", WHOLE.run, WHOLE.resume, WHOLE.link),
    ):
        assert told in said


def test_whatever_is_told_stays_within_slacks_limits() -> None:
    """A cause can be a page, a rollout can have all Regions, and every & takes five characters."""
    long = "&<>" * 5000
    huge = replace(
        WHOLE,
        system=long,
        environment=long,
        regions=(long,) * 40,
        cause=long,
        resume=long,
        digest=long,
        then=long,
        link="https://ci.example/" + "é" * 5000,
    )

    payload = payload_of(huge)

    assert len(payload["blocks"]) <= MOST_BLOCKS
    for block in payload["blocks"]:
        fields = block.get("fields", [])
        assert len(fields) <= MOST_FIELDS
        assert all(len(each["text"]) <= LONGEST_FIELD for each in fields)
        longest = LONGEST_HEADER if block["type"] == "header" else LONGEST_TEXT
        assert "text" not in block or len(block["text"]["text"]) <= longest
    assert len(payload["text"]) <= LONGEST_TEXT


def test_nothing_in_a_notice_is_a_command_to_slack() -> None:
    """Mentions, links and ends of code blocks are letters like others."""
    sly = replace(WHOLE, cause="<!channel> ```*bold*``` <http://evil.example|ok> & co")

    payload = payload_of(sly)

    cause = next(each["text"] for each in _texts(payload) if "bold" in each["text"])
    assert "&lt;!channel&gt;" in cause
    assert "&lt;http://evil.example|ok&gt; &amp; co" in cause
    assert 2 == cause.count("```")


@pytest.mark.parametrize(
    ("text", "longest", "shown"),
    [
        ("a & b", 100, "a &amp; b"),
        ("&" * 10, 20, "&amp;&amp;&amp; …"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcd …"),
    ],
)
def test_an_escape_is_never_cut(text: str, longest: int, shown: str) -> None:
    """Half of one would be shown as it stands."""
    assert shown == escaped(text, longest)


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://ci.example/a?b=1&c=2", "<https://ci.example/a?b=1&amp;c=2|The CI run>"),
        ("https://ci.example/a|b>c", "<https://ci.example/a%7Cb%3Ec|The CI run>"),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_a_link_ends_where_it_should(link: str, shown: str) -> None:
    """Only to a page, and nothing in it closes it."""
    texts = [each["text"] for each in _texts(payload_of(replace(WHOLE, link=link)))]

    assert [shown] * bool(shown) == [each for each in texts if "The CI run" in each]
