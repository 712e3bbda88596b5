"""Which targets an operation may start now: a value that each start and each ending replaces.

Tolerance is counted in each Region on its own. One after another, a Region begins when the one
before has ended well enough; in parallel, a Region that exceeds its tolerance stops only itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tapcfn.local.stack_sets.model import Target
from tapcfn.local.stack_sets.preferences import Limits, Preferences
from tapcfn.local.stack_sets.targets import by_region


@dataclass(frozen=True, slots=True)
class Queue:
    """One Region of an operation."""

    region: str
    limits: Limits
    waiting: tuple[str, ...]
    running: int = 0
    failed: int = 0

    @property
    def is_exceeded(self) -> bool:
        """Whether more accounts failed than may."""
        return self.failed > self.limits.tolerance

    @property
    def is_done(self) -> bool:
        """Whether all was tried, and well enough."""
        return not (self.waiting or self.running or self.is_exceeded)

    def startable(self) -> tuple[Target, ...]:
        """Return what may be started beside what runs."""
        room = 0 if self.is_exceeded else self.limits.at_once(self.failed) - self.running
        return tuple(Target(account, self.region) for account in self.waiting[: max(0, room)])

    def started(self, account: str) -> Queue:
        """Return the queue once one of its accounts has been begun."""
        left = tuple(each for each in self.waiting if each != account)
        return replace(self, waiting=left, running=self.running + 1)

    def ended(self, succeeded: bool) -> Queue:
        """Return the queue once one of its running accounts has ended."""
        return replace(self, running=self.running - 1, failed=self.failed + (not succeeded))


@dataclass(frozen=True, slots=True)
class Schedule:
    """All Regions of an operation, in their order."""

    queues: tuple[Queue, ...]
    is_parallel: bool

    @property
    def exceeded(self) -> tuple[Queue, ...]:
        """The Regions in which more accounts failed than may."""
        return tuple(queue for queue in self.queues if queue.is_exceeded)

    def startable(self) -> tuple[Target, ...]:
        """Return what may be started now."""
        return tuple(target for queue in self._open() for target in queue.startable())

    def lost(self) -> tuple[Target, ...]:
        """Return what will never be started."""
        stopped = self.exceeded if self.is_parallel or not self.exceeded else self.queues
        return tuple(Target(each, queue.region) for queue in stopped for each in queue.waiting)

    def started(self, target: Target) -> Schedule:
        """Return the schedule once a target has been begun."""
        return self._changed(target.region, lambda queue: queue.started(target.account))

    def ended(self, target: Target, succeeded: bool) -> Schedule:
        """Return the schedule once a target has ended."""
        return self._changed(target.region, lambda queue: queue.ended(succeeded))

    def _open(self) -> tuple[Queue, ...]:
        if self.is_parallel:
            return self.queues
        return tuple(queue for queue in self.queues if not queue.is_done)[:1]

    def _changed(self, region: str, change: Callable[[Queue], Queue]) -> Schedule:
        queues = tuple(change(each) if each.region == region else each for each in self.queues)
        return replace(self, queues=queues)


def schedule(targets: Iterable[Target], preferences: Preferences) -> Schedule:
    """Return the schedule of an operation that has not begun."""
    queues = tuple(
        Queue(region, preferences.limits(len(accounts)), accounts)
        for region, accounts in by_region(targets, preferences.region_order)
    )
    return Schedule(queues, preferences.is_parallel)
