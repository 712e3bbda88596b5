"""A notice as Slack's blocks, within Slack's limits, and with nothing in it that Slack acts on."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from tapcfn.notices.notice import Notice

# Characters, by Slack's reference of blocks: a text of a section, one of its fields, a header.
LONGEST_TEXT = 3000
LONGEST_FIELD = 2000
LONGEST_HEADER = 150

# How many fields one section may have, and one message blocks.
MOST_FIELDS = 10
MOST_BLOCKS = 50

_CUT = " …"

# Slack reads these three and no other characters as its own.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escaped(text: str, longest: int) -> str:
    """Return a text that Slack shows as it is, at most so long; never cut inside of an escape."""
    whole = text.translate(_ESCAPES)
    if len(whole) <= longest:
        return whole
    kept: list[str] = []
    room = longest - len(_CUT)
    for character in text:
        written = character.translate(_ESCAPES)
        room -= len(written)
        if room < 0:
            break
        kept.append(written)
    return "".join(kept) + _CUT


def payload_of(notice: Notice) -> dict[str, Any]:
    """Return the message: `text` for where blocks are not shown, and the blocks."""
    sign = ":white_check_mark:" if notice.is_good else ":x:"
    blocks = [
        {"type": "header", "text": _plain(f"{sign} {notice.title}", LONGEST_HEADER)},
        *_facts(notice),
    ]
    if notice.cause:
        blocks.append(_section("*Cause*\n", notice.short_cause))
    if notice.resume:
        blocks.append(_section("*To go on*\n", notice.resume))
    if link := _link(notice.link):
        blocks.append({"type": "section", "text": _markdown(f"<{link}|The CI run>")})
    return {"text": escaped(notice.title, LONGEST_TEXT), "blocks": blocks[:MOST_BLOCKS]}


def _facts(notice: Notice) -> list[dict[str, Any]]:
    fields = [
        _markdown(f"*{name}*\n{escaped(value, LONGEST_FIELD - 50)}") for name, value in notice.facts
    ]
    return [{"type": "section", "fields": fields[:MOST_FIELDS]}]


def _section(title: str, text: str) -> dict[str, Any]:
    """Return a titled block whose text is shown letter by letter."""
    fence = "```"
    body = escaped(text.replace("`", "'"), LONGEST_TEXT - len(title) - 2 * len(fence))
    return {"type": "section", "text": _markdown(f"{title}{fence}{body}{fence}")}


def _markdown(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def _plain(text: str, longest: int) -> dict[str, Any]:
    """Return a text of a header: it knows emoji by name, and nothing else."""
    short = text if len(text) <= longest else text[: longest - len(_CUT)] + _CUT
    return {"type": "plain_text", "text": short, "emoji": True}


def _link(url: str) -> str:
    """Return a URL so that it ends nothing that it stands in; nothing for what is none."""
    if urlsplit(url).scheme not in {"http", "https"}:
        return ""
    safe = quote(url, safe=":/?#[]@!$&'()*+,;=%~").replace("&", "&amp;")
    return safe if len(safe) < LONGEST_TEXT - 50 else ""
