"""The steps by which traffic moves from the source to the target, and back. (S3-21, O-11)

Plain values: what carries a step out sets the two weights and leaves everything else alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from templates.blueprints.serverless_api.settings import Settings

WHOLE = 100

# What the target gets after each step of a staged shift, in percent. (S3-24)
STAGES = (10, 50, WHOLE)


@dataclass(frozen=True, slots=True)
class Weights:
    """What each Region gets, in percent; never both nothing."""

    source: int
    target: int

    def parameters(self) -> dict[str, str]:
        """Return the weights as the DNS stack's parameters."""
        return {"SourceWeight": str(self.source), "TargetWeight": str(self.target)}


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the weights, and how many minutes to watch before the next."""

    before: Weights
    after: Weights
    minutes: int

    def inverse(self) -> Step:
        """Return the step back; it waits for nothing, for something is wrong."""
        return Step(self.after, self.before, 0)


def weights(target: int) -> Weights:
    """Return the weights that give the target so many percent."""
    return Weights(WHOLE - target, target)


def steps(settings: Settings, start: int = 0) -> tuple[Step, ...]:
    """Return the steps from `start` percent at the target to all of it.

    Linear ones are each as large as allowed, and the last as small as what is left.
    """
    shares = [start, *_shares(settings, start)]
    minutes = settings.traffic_shift_interval
    return tuple(Step(weights(one), weights(next_), minutes) for one, next_ in pairwise(shares))


def _shares(settings: Settings, start: int) -> Iterator[int]:
    if settings.shift == "staged":
        yield from (share for share in STAGES if share > start)
        return
    size = settings.traffic_shift_percentage
    for share in range(start, WHOLE, size):
        yield min(share + size, WHOLE)
