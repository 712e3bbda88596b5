"""Units that keep a thread for as long as they run: stack sets, each on a lane of its own.

Whatever they tell is kept until the run's own thread asks for it, so that one thread speaks.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from tapcfn.events import Event, Notify, StackEnded
from tapcfn.stack_sets.means import SetMeans


@dataclass(frozen=True, slots=True)
class Beside:
    """What stack sets run on, and with: the means tell what happens to the function given."""

    pool: Executor
    means: Callable[[Notify], SetMeans]


class Lanes:
    """What runs beside the stacks of a run."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._running: dict[Future[StackEnded], str] = {}
        self._told: SimpleQueue[Event] = SimpleQueue()

    @property
    def futures(self) -> tuple[Future[StackEnded], ...]:
        """What to wait for."""
        return tuple(self._running)

    @property
    def names(self) -> tuple[str, ...]:
        """The units that run, sorted."""
        return tuple(sorted(self._running.values()))

    def tell(self, event: Event) -> None:
        """Keep an event until it is asked for; from any thread."""
        self._told.put(event)

    def begin(self, name: str, work: Callable[[], StackEnded]) -> None:
        """Let a unit run until its work returns how it ended."""
        self._running[self._pool.submit(work)] = name

    def told(self) -> tuple[Event, ...]:
        """Return what has been told since the last time."""
        events: list[Event] = []
        while True:
            try:
                events.append(self._told.get_nowait())
            except Empty:
                return tuple(events)

    def ended(self) -> tuple[StackEnded, ...]:
        """Return what has ended since the last time; a fault of the program is raised."""
        done = [each for each in self._running if each.done()]
        for each in done:
            del self._running[each]
        return tuple(each.result() for each in done)
