"""How many calls may be made: a token bucket for each account, Region and API family. (D-19)

AWS publishes no rates of CloudFormation's. Of EC2's APIs it says that each is counted by itself,
for each account and Region; reports of throttled CloudFormation calls name one API, too:
DescribeStacks, 5 a second (aws-sam-cli 2671, aws-cdk-cli 1709), ListStacks (eksctl 567),
DescribeStackEvents (cfn-tail 2), DescribeChangeSet (awscfncli 68), CreateStack (sceptre 910). So
writes do not wait for reads, nor a look at one stack for the sweep that finds out which to look at;
and the steady rate of each family is at most half of the one that is reported. Every thread of a
run, and every call, retries included, draws from the same buckets.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tapcfn.ports import Clock


class Family(NamedTuple):
    """The calls that share a bucket."""

    account: str
    region: str
    service: str
    kind: str = ""

    def of(self, operation: str) -> Family:
        """Return the family, within this one, to which an operation belongs."""
        return self._replace(kind=_kind(self.service, operation))


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a second in the long run, and how many at once after a rest."""

    steady: float
    burst: float


USUAL = Rate(2.0, 5.0)

# By service or kind. Who looks at ends may ask a little more often than operations are started, or
# a delay, once there, would never be made good. S3 takes thousands of calls a second; a bucket is
# emptied by many.
_LOOKS = Rate(2.5, 5.0)
RATES: Mapping[str, Rate] = {"stacks": _LOOKS, "histories": _LOOKS, "s3": Rate(50.0, 100.0)}

# What CloudFormation's reads are for; what is not here tells of one thing and is "details".
_READS: Mapping[str, str] = {
    "ListStacks": "sweeps",
    "DescribeStacks": "stacks",
    "DescribeStackEvents": "histories",
    "DescribeEvents": "histories",
}
_READING = ("Describe", "Get", "List", "Detect", "Validate")

# A throttle halves the rate, down to a sixteenth; a second without one gives back a tenth.
_LEAST = 1 / 16
_BACK_IN_A_SECOND = 1 / 10

# Throttles that come together, from calls of the same moment, are one.
_TOGETHER = 1.0


class Bucket:
    """Tokens that come with time. Whoever takes one that is not there yet is told how long to wait.

    Callers queue in the order in which they ask, since each takes a later token.
    """

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._share = 1.0
        self._tokens = rate.burst
        self._filled = now
        self._throttled = now - _TOGETHER

    def take(self, now: float) -> float:
        """Take a token and return the seconds until it is there."""
        self._fill(now)
        self._tokens -= 1
        return max(-self._tokens / (self._rate.steady * self._share), 0.0)

    def throttled(self, now: float) -> None:
        """Halve the rate, and leave nothing for a burst."""
        self._fill(now)
        if now - self._throttled >= _TOGETHER:
            self._throttled = now
            self._share = max(self._share / 2, _LEAST)
        self._tokens = min(self._tokens, 0.0)

    def _fill(self, now: float) -> None:
        seconds = max(now - self._filled, 0.0)
        self._filled = max(now, self._filled)
        gained = seconds * self._rate.steady * self._share
        self._tokens = min(self._tokens + gained, self._rate.burst)
        self._share = min(self._share + seconds * _BACK_IN_A_SECOND, 1.0)


class Budget:
    """The buckets of one run, for all its threads."""

    def __init__(self, clock: Clock, rates: Mapping[str, Rate] = RATES) -> None:
        self._clock = clock
        self._rates = rates
        self._buckets: dict[Family, Bucket] = {}
        self._lock = threading.Lock()

    def take(self, family: Family) -> None:
        """Wait until one more call of this family may be made."""
        with self._lock:
            pause = self._bucket(family).take(self._clock.now())
        if pause:
            self._clock.sleep(pause)

    def throttled(self, family: Family) -> None:
        """Slow this family down: the service said that it was too much."""
        with self._lock:
            self._bucket(family).throttled(self._clock.now())

    def _bucket(self, family: Family) -> Bucket:
        if family not in self._buckets:
            rate = self._rates.get(family.kind) or self._rates.get(family.service, USUAL)
            self._buckets[family] = Bucket(rate, self._clock.now())
        return self._buckets[family]


def _kind(service: str, operation: str) -> str:
    if service != "cloudformation":
        return ""
    return _READS.get(operation, "details" if operation.startswith(_READING) else "writes")


class Tally:
    """What all calls of a run come to."""

    def __init__(self, clock: Clock | None) -> None:
        self.calls = 0
        self.throttles = 0
        self.longest_wait = 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._held = threading.local()

    def begins(self) -> None:
        """Forget what held back this thread's call before."""
        self._held.since = None

    def now(self) -> float:
        """Return the moment; always the same one without a clock."""
        return self._clock.now() if self._clock else 0.0

    def sent(self, asked: float) -> None:
        """Count a call that this thread wanted to make at `asked`, or before its last throttle."""
        since = getattr(self._held, "since", None)
        waited = self.now() - (asked if since is None else since)
        with self._lock:
            self.calls += 1
            self.longest_wait = max(self.longest_wait, waited)

    def throttled(self) -> None:
        """Count a throttle; the wait for the next attempt of this thread begins."""
        self._held.since = self.now()
        with self._lock:
            self.throttles += 1
