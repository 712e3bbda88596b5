"""The same for many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")


U = TypeVar("U")


def each_of(pool: Executor, work: Callable[[T], U], items: Iterable[T]) -> tuple[U, ...]:
    """Do the same for many at once; the first error, in order, is raised when all have ended."""
    futures = [pool.submit(work, item) for item in items]
    errors = [future.exception() for future in futures]
    for error in errors:
        if error is not None:
            raise error
    return tuple(future.result() for future in futures)
