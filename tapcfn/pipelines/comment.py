"""What a pull request is told: the plan, and what differs in the templates, in one comment."""

from __future__ import annotations

import re

# A comment may have 65,536 characters.
LONGEST = 60_000

# How much of that the plan may have, where the templates' differences are long as well.
_PLAN = 40_000

_CUT = "… cut: the log of the job has all of it"


def comment(title: str, *, plan: str = "", diff: str = "", link: str = "", marker: str = "") -> str:
    """Return the comment: `marker` is its first line, by which it is found again.

    `plan` is Markdown and `diff` plain text. Never longer than 60,000 characters.
    """
    parts = [f"<!-- {_plain(marker)} -->"] if marker else []
    parts.append(f"## {_plain(title)}")
    if plan:
        parts.append(_cut_markdown(plan.strip(), _PLAN if diff else LONGEST - 1_000))
    elif marker:
        parts.append("There is no plan: the command failed before it could look.")
    footer = f"[The whole run]({link})" if link else ""
    if diff:
        room = LONGEST - len("\n\n".join([*parts, footer])) - 200
        parts.append(_folded("Templates and parameters, compared with the branch", diff, room))
    return "\n\n".join([*parts, *([footer] if footer else [])]) + "\n"


def _plain(text: str) -> str:
    """Return a text that stays on its line, and ends no comment."""
    return re.sub(r"\s+", " ", text.replace("-->", "")).strip()


def _folded(title: str, text: str, room: int) -> str:
    lines = _cut_lines(text.strip("\n").splitlines(), room)
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    body = "\n".join((f"{fence}text", *lines, fence))
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _cut_lines(lines: list[str], room: int) -> list[str]:
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < len(_CUT):
            return [*kept, _CUT]
        kept.append(line)
    return kept


def _cut_markdown(text: str, room: int) -> str:
    """Return Markdown that is short enough; what was open where it is cut is closed."""
    if len(text) <= room:
        return text
    kept = _cut_lines(text.splitlines(), room - 100)
    fence = ""
    folds = 0
    for line in kept:
        if found := re.match(r"(`{3,})(\w*)$", line):
            fence = "" if fence == found[1] else fence or found[1]
        elif not fence:
            folds += line.count("<details>") - line.count("</details>")
    return "\n".join([*kept, *([fence] if fence else []), *(["", "</details>"] * max(folds, 0))])
