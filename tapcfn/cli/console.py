"""Where everything that a command says goes: results, progress, and the stream for programs.

With `--json` stdout holds lines of JSON and nothing else; otherwise it holds the result. Progress
goes to stderr. A reader that closes the pipe never stops a deployment.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from tapcfn.secret import masked, veiled

if TYPE_CHECKING:
    from tapcfn.cli.live import Live
    from tapcfn.events import Event
    from tapcfn.model import Finding, Target
    from tapcfn.report.stream import Stream


class Console:
    """One command's voice."""

    def __init__(self, run: str, *, json: bool, color: bool) -> None:
        self.run = run
        self.json = json
        self.color = color
        self.live: Live | None = None
        self.listeners: tuple[Callable[[Event], None], ...] = ()
        self.readers: tuple[Callable[[str], None], ...] = ()
        self.secrets: frozenset[str] = frozenset()
        self._stream: Stream | None = None
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the command has been running."""
        return time.monotonic() - self._started

    @property
    def on_terminal(self) -> bool:
        """Whether a person watches a screen that can be redrawn."""
        return sys.stderr.isatty() and not _is_dumb() and not self.json

    @property
    def width(self) -> int | None:
        """How wide the screen is that a result goes to, if it goes to one."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    @property
    def room(self) -> int | None:
        """How wide the screen is that progress goes to, if it goes to one."""
        return shutil.get_terminal_size().columns if sys.stderr.isatty() else None

    def notify(self, event: Event) -> None:
        """Tell an event: as a line of JSON, or to the person who follows, and to who listens."""
        event = self.let_hear(event)
        if self.is_read:
            self._lines(event)
        if self.json:
            return
        if self.live is not None:
            self.live.notify(event)
        else:
            self._progress(event)

    def let_hear(self, event: Event) -> Event:
        """Tell an event to those who listen, and to nobody else; return it without secrets."""
        event = veiled(event, self.secrets)
        for listener in self.listeners:
            listener(event)
        return event

    @contextmanager
    def heard_by(self, listener: Callable[[Event], None]) -> Iterator[None]:
        """Let somebody listen for a while."""
        before = self.listeners
        self.listeners = (*before, listener)
        try:
            yield
        finally:
            self.listeners = before

    @property
    def is_read(self) -> bool:
        """Whether somebody gets the lines: a program at stdout, or a file."""
        return self.json or bool(self.readers)

    @property
    def is_heard(self) -> bool:
        """Whether events are told that a person gets as a text."""
        return self.is_read or bool(self.listeners)

    def command(self, text: str) -> None:
        """Print a line that the runner of a CI job acts on, beside what programs read."""
        _write(sys.stderr if self.json else sys.stdout, masked(text, self.secrets) + "\n")

    def aside(self, text: str) -> None:
        """Print a line among the progress, whoever reads the rest."""
        _write(sys.stderr, masked(text, self.secrets) + "\n")

    def result(self, text: str) -> None:
        """Print what the command was asked for; programs get it as events instead."""
        if not self.json:
            _write(sys.stdout, masked(text, self.secrets) + "\n")

    def page(self, text: str) -> None:
        """Print a result that a screen shows wrapped and coloured, and a file as it is."""
        if self.json:
            return
        width = self.width
        if width is not None:
            from tapcfn.report.page import page

            text = page(masked(text, self.secrets), width, color=self.color and not _is_dumb())
        self.result(text)

    def answer(
        self, kind: str, fields: Mapping[str, object], text: str, *, paged: bool = False
    ) -> None:
        """Give an answer in the forms that are wanted: an event of this type, and text.

        One that people read, and no program or other command takes, may be `paged`.
        """
        from tapcfn.events import Answered

        if self.is_read:
            self.notify(Answered(kind, fields))
        if paged:
            self.page(text)
        else:
            self.result(text)

    def tell(self, finding: Finding, target: Target | None = None) -> None:
        """Tell a finding that is no part of an answer: as an event, or to the person."""
        from tapcfn.events import FindingRaised
        from tapcfn.report.text import finding_text

        if self.is_heard:
            self.notify(FindingRaised(finding, target))
        self.say(finding_text(finding))

    def complain(
        self,
        message: str,
        code: str = "",
        hint: str = "",
        request_id: str = "",
        retryable: bool | None = None,
    ) -> None:
        """Tell what went wrong."""
        from tapcfn.events import Diagnosed

        self.notify(Diagnosed("error", message, code, hint, request_id, retryable))

    def say(self, text: str) -> None:
        """Tell a person something on stderr."""
        if not self.json:
            _write(sys.stderr, masked(text, self.secrets) + "\n")

    def _lines(self, event: Event) -> None:
        if self._stream is None:
            from tapcfn.report.stream import Stream

            self._stream = Stream(self.run)
        for text in tuple(self._stream.lines(event, self.now())):
            if self.json:
                _write(sys.stdout, text + "\n")
            for reader in self.readers:
                reader(text)

    def now(self) -> str:
        """Return the time for people, in UTC."""
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _progress(self, event: Event) -> None:
        from tapcfn.report.instances import progress_lines

        for text in progress_lines(event, self.seconds):
            _write(sys.stderr, text + "\n")


def _is_dumb() -> bool:
    """Whether the terminal can print, and no more."""
    return os.environ.get("TERM") == "dumb"


def _write(stream: TextIO | None, text: str) -> None:
    """Write and flush; go on without the reader if nobody takes it, whatever the reason."""
    if stream is None:
        return
    try:
        stream.write(_in_its_characters(stream, text))
        stream.flush()
    except (OSError, ValueError):
        _silence(stream)


def _in_its_characters(stream: TextIO, text: str) -> str:
    """Replace what the stream's encoding can't say, so that the rest is still said."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, errors="replace").decode(encoding)


def _silence(stream: TextIO) -> None:
    """Send the rest to nowhere, so that leaving the program does not fail either."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        return


def ask(question: str, read: Callable[[], str] = input) -> str | None:
    """Put a question on stderr and return the answer; None where the input is at its end."""
    _write(sys.stderr, question)
    try:
        return read().strip()
    except EOFError:
        return None


def yes_or_no(question: str) -> bool:
    """Ask until somebody says yes or no; the end of the input is a no."""
    while True:
        answer = ask(f"{question} [yes/no] ")
        if answer is None or answer.lower() in {"no", "n"}:
            return False
        if answer.lower() in {"yes", "y"}:
            return True
