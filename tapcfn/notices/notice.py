"""What is told of a run: a value, as text and as a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tapcfn.notice_settings import When

# By exit code. What is refused before anything is begun (2) is told nobody but who called.
_ENDS = MappingProxyType(
    {
        0: When.SUCCESS,
        1: When.FAILURE,
        4: When.BLOCKED,
        5: When.PARTIAL,
        6: When.STALE,
        7: When.RUNNING,
        130: When.INTERRUPTED,
    }
)

_WORDS = MappingProxyType(
    {
        When.SUCCESS: "succeeded",
        When.FAILURE: "failed",
        When.BLOCKED: "was blocked",
        When.PARTIAL: "failed in part",
        When.STALE: "was refused: the plan is stale",
        When.RUNNING: "still runs",
        When.INTERRUPTED: "was interrupted",
    }
)

# How much of a cause is told; the rest is where the link leads.
LONGEST_CAUSE = 2000


def when_of(exit_code: int | None) -> When | None:
    """Return how a run went that ended so; None for one that was refused before it began.

    A run without a last word was killed.
    """
    if exit_code is None:
        return When.FAILURE
    return _ENDS.get(exit_code, None if exit_code in {2, 10} else When.FAILURE)


@dataclass(frozen=True, slots=True)
class Notice:
    """One run, or one `part` of it that is over: a phase or a move.

    `counts` are units by how they ended. `digest` is that of what was wanted, `resume` a command
    line, `link` the page of the CI job, `then` what was run afterwards.
    """

    command: str
    system: str
    environment: str
    when: When
    run: str
    exit_code: int | None = None
    regions: tuple[str, ...] = ()
    part: str = ""
    cause: str = ""
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    digest: str = ""
    resume: str = ""
    link: str = ""
    seconds: float | None = None
    then: str = ""

    @property
    def title(self) -> str:
        """What happened, in one line."""
        part = f", {self.part}" if self.part else ""
        return f"{self.system}, {self.environment}: {self.command}{part} {_WORDS[self.when]}"

    @property
    def is_good(self) -> bool:
        """Whether nobody has to do anything."""
        return self.when is When.SUCCESS

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What a table of it would have, by name; what is not known is left out."""
        took = "" if self.seconds is None else f"{self.seconds:.0f} s"
        ends = ", ".join(f"{number} {word}" for word, number in self.counts.items())
        named = (
            ("System", self.system),
            ("Environment", self.environment),
            ("Regions", ", ".join(self.regions)),
            ("Units", ends),
            ("Took", took),
            ("Run", self.run),
            ("Plan", self.digest),
            ("Then", self.then),
        )
        return tuple((name, value) for name, value in named if value)

    @property
    def short_cause(self) -> str:
        """The cause, cut where it is a page."""
        if len(self.cause) <= LONGEST_CAUSE:
            return self.cause
        return self.cause[: LONGEST_CAUSE - 2] + " …"


def text_of(notice: Notice) -> str:
    """Return it for people, as plain text."""
    lines = [notice.title, "", *(f"{name}: {value}" for name, value in notice.facts)]
    if notice.cause:
        lines += ["", f"Cause: {notice.short_cause}"]
    if notice.resume:
        lines += ["", f"To go on: {notice.resume}"]
    if notice.link:
        lines += ["", notice.link]
    return "\n".join(lines) + "\n"


def document_of(notice: Notice) -> dict[str, Any]:
    """Return it for programs; what is not known is null. Version 1 only grows."""
    return {
        "v": 1,
        "type": "tapcfn.notification",
        "title": notice.title,
        "verdict": str(notice.when),
        "exit_code": notice.exit_code,
        "command": notice.command,
        "system": notice.system,
        "environment": notice.environment,
        "regions": list(notice.regions),
        "part": notice.part or None,
        "run": notice.run,
        "plan_digest": notice.digest or None,
        "cause": notice.short_cause or None,
        "counts": dict(notice.counts),
        "resume": notice.resume or None,
        "link": notice.link or None,
        "then": notice.then or None,
        "seconds": None if notice.seconds is None else round(notice.seconds, 1),
    }
