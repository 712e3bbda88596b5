"""Operation preferences: how many accounts of a Region may be worked on, and may fail.

Counts are of accounts in one Region; percentages are of the accounts that the operation has in it
and round down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tapcfn.local.stack_sets.refusals import invalid

SEQUENTIAL, PARALLEL = "SEQUENTIAL", "PARALLEL"
STRICT, SOFT = "STRICT_FAILURE_TOLERANCE", "SOFT_FAILURE_TOLERANCE"

Told = Mapping[str, str | int | list[str]]


@dataclass(frozen=True, slots=True)
class Share:
    """A number of accounts, or so many of a hundred."""

    number: int
    is_percentage: bool = False

    def of(self, total: int) -> int:
        """Return how many of `total` accounts that is."""
        return total * self.number // 100 if self.is_percentage else self.number


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds in one Region, where the number of accounts is known."""

    tolerance: int
    maximum: int
    is_strict: bool

    def at_once(self, failed: int) -> int:
        """Return how many accounts may be worked on at once after so many failures.

        Strict: never more than could all fail and make one failure too many.
        """
        left = max(0, self.tolerance + 1 - failed)
        return min(self.maximum, left) if self.is_strict else self.maximum


@dataclass(frozen=True, slots=True)
class Preferences:
    """How an operation goes about its targets."""

    region_order: tuple[str, ...] = ()
    is_parallel: bool = False
    tolerance: Share = Share(0)
    maximum: Share = Share(1)
    is_strict: bool = True

    def limits(self, accounts: int) -> Limits:
        """Return what holds in a Region with so many accounts."""
        return Limits(
            tolerance=self.tolerance.of(accounts),
            maximum=max(1, self.maximum.of(accounts)),
            is_strict=self.is_strict,
        )

    def to_wire(self) -> dict[str, str | int | list[str]]:
        """Return what is in force, under the service's names."""
        return {
            "RegionConcurrencyType": PARALLEL if self.is_parallel else SEQUENTIAL,
            "RegionOrder": list(self.region_order),
            f"FailureTolerance{_unit(self.tolerance)}": self.tolerance.number,
            f"MaxConcurrent{_unit(self.maximum)}": self.maximum.number,
            "ConcurrencyMode": STRICT if self.is_strict else SOFT,
        }


def from_wire(told: Told) -> Preferences:
    """Read preferences; a count and a percentage of the same thing are refused."""
    order = told.get("RegionOrder", [])
    return Preferences(
        region_order=tuple(order) if isinstance(order, list) else (),
        is_parallel=_one_of(told, "RegionConcurrencyType", (SEQUENTIAL, PARALLEL)) == PARALLEL,
        tolerance=_share(told, "FailureTolerance", Share(0), least=0),
        maximum=_share(told, "MaxConcurrent", Share(1), least=1),
        is_strict=_one_of(told, "ConcurrencyMode", (STRICT, SOFT)) == STRICT,
    )


def _unit(share: Share) -> str:
    return "Percentage" if share.is_percentage else "Count"


def _one_of(told: Told, name: str, allowed: tuple[str, ...]) -> str:
    """Return a choice; the first is the default."""
    chosen = str(told.get(name, allowed[0]))
    if chosen not in allowed:
        raise invalid(f"{name} must be one of {', '.join(allowed)}, not {chosen}")
    return chosen


def _share(told: Told, name: str, default: Share, *, least: int) -> Share:
    count, percentage = told.get(f"{name}Count"), told.get(f"{name}Percentage")
    if count is None and percentage is None:
        return default
    if count is not None and percentage is not None:
        raise invalid(f"You can specify either {name}Count or {name}Percentage, but not both")
    share = Share(_number(name, percentage if count is None else count), count is None)
    if share.number < least or (share.is_percentage and share.number > 100):
        raise invalid(f"{name}{_unit(share)} {share.number} is out of range")
    return share


def _number(name: str, told: object) -> int:
    try:
        return int(str(told))
    except ValueError:
        raise invalid(f"{name} must be a whole number, not {told}") from None
