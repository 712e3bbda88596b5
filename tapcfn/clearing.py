"""What stands in the way of one deletion, taken away just before it: protection, full buckets.

Not before all deletions: if an earlier one fails, or the run is stopped, what holds data is still
whole and still protected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tapcfn.errors import StillRunningError, TapcfnError
from tapcfn.events import Diagnosed, Notify, StackEnded
from tapcfn.model import Ending, Target
from tapcfn.ports import Cloud, Unit


@dataclass(frozen=True, slots=True)
class Clearing:
    """What may be taken away for one unit: its protection, and all that is in these buckets."""

    lifts_protection: bool = False
    buckets: tuple[tuple[str, Target], ...] = ()


def empty_buckets(name: str, clearing: Clearing, cloud: Cloud, notify: Notify) -> None:
    """Empty the buckets that were named, one after the other, and tell each."""
    for bucket, target in clearing.buckets:
        count = cloud.empty(bucket, target)
        notify(Diagnosed("info", f"{name}: {bucket}: {count} versions deleted"))


def emptied_first(
    unit: Unit, clearing: Clearing, cloud: Cloud, notify: Notify, work: Callable[[], StackEnded]
) -> StackEnded:
    """Do a stack set's work once its instances' buckets are empty; end it where one is not."""
    try:
        empty_buckets(unit.name, clearing, cloud, notify)
    except TapcfnError as error:
        ending = Ending.RUNNING if isinstance(error, StillRunningError) else Ending.FAILED
        code = error.exit_code
        return StackEnded(unit.name, unit.target, ending, str(error), exit_code=code)
    return work()
