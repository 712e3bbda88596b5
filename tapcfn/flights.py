"""Calls that are on their way in a pool, each with its kind and what it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple

from tapcfn.model import Stack, Target


class Landed(NamedTuple):
    """A call that has come back: with an answer, or with an error."""

    kind: str
    subject: Stack | Target
    error: BaseException | None
    answer: Any


class Flights:
    """What one run has in the air."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._flying: dict[Future[Any], tuple[str, Stack | Target]] = {}

    @property
    def futures(self) -> tuple[Future[Any], ...]:
        """What to wait for."""
        return tuple(self._flying)

    def send(self, kind: str, subject: Stack | Target, work: Callable[[], Any]) -> None:
        """Make a call in the pool."""
        self._flying[self._pool.submit(work)] = (kind, subject)

    def landed(self) -> Iterator[Landed]:
        """Yield each call that has come back."""
        for future in [each for each in self._flying if each.done()]:
            kind, subject = self._flying.pop(future)
            error = future.exception()
            yield Landed(kind, subject, error, None if error else future.result())

    def count(self, kind: str) -> int:
        """Return how many calls of a kind are on their way."""
        return sum(each == kind for each, _ in self._flying.values())

    def stacks(self) -> tuple[Stack, ...]:
        """Return the stacks that calls are on their way for."""
        return tuple(each for _, each in self._flying.values() if isinstance(each, Stack))

    def forget(self) -> None:
        """Take no answer any more."""
        self._flying = {}
