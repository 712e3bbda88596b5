"""Where each instance of a running operation stands, and how long the rest may take. (D-3)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from tapcfn.model import DetailedStatus, Preferences, Target
from tapcfn.stack_sets.pacing import limits


class Standing(StrEnum):
    """The service's words in the few that a person needs."""

    DONE = "done"
    FAILED = "failed"
    RUNNING = "running"
    PENDING = "pending"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


# What an instance is called once it has left the set, which the service has no word for.
DELETED = "DELETED"

_STANDINGS: Mapping[str, Standing] = {
    DetailedStatus.PENDING: Standing.PENDING,
    DetailedStatus.RUNNING: Standing.RUNNING,
    DetailedStatus.SUCCEEDED: Standing.DONE,
    DetailedStatus.FAILED: Standing.FAILED,
    DetailedStatus.CANCELLED: Standing.CANCELLED,
    DetailedStatus.INOPERABLE: Standing.FAILED,
    DetailedStatus.SKIPPED_SUSPENDED_ACCOUNT: Standing.SKIPPED,
    DetailedStatus.FAILED_IMPORT: Standing.FAILED,
    DELETED: Standing.DONE,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One instance: its status, for how long it has been or was at work, and why it failed.

    The status is a `DetailedStatus` or DELETED; an unknown one is no success. (X-37)
    """

    status: str
    seconds: float | None = None
    cause: str = ""

    @property
    def standing(self) -> Standing:
        """The status in one of a few words."""
        return _STANDINGS.get(self.status, Standing.FAILED)


def seconds_left(cells: Mapping[Target, Cell], preferences: Preferences) -> float | None:
    """Return how long the rest may take: finished instances' median, for each batch to come.

    None where nothing is left, or nothing has ended that could tell.
    """
    known = [
        cell.seconds
        for cell in cells.values()
        if cell.standing in {Standing.DONE, Standing.FAILED} and cell.seconds is not None
    ]
    regions: dict[str, list[Standing]] = {}
    for target, cell in cells.items():
        regions.setdefault(target.region, []).append(cell.standing)
    batches = [_batches(standings, preferences) for standings in regions.values()]
    left = max(batches, default=0) if preferences.parallel else sum(batches)
    return left * median(known) if known and left else None


def _batches(standings: list[Standing], preferences: Preferences) -> int:
    open_still = sum(each in {Standing.PENDING, Standing.RUNNING} for each in standings)
    failed = standings.count(Standing.FAILED)
    return -(-open_still // max(1, limits(preferences, len(standings)).at_once(failed)))
