"""The steps by which traffic moves from the source to the target, and back. (S3-21)

Plain values: what carries a step out sets the two weights and leaves everything else alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from templates.blueprints.serverless_api.settings import Settings

WHOLE = 100


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
    """Return the steps from `start` percent at the target to all of it, each as large as allowed.

    The last step is as small as what is left.
    """
    return tuple(_steps(start, settings.traffic_shift_percentage, settings.traffic_shift_interval))


def _steps(start: int, percentage: int, minutes: int) -> Iterator[Step]:
    for share in range(start, WHOLE, percentage):
        yield Step(weights(share), weights(min(share + percentage, WHOLE)), minutes)
