"""Compare two buckets key by key: every object of the first must be in the second, the same. (O-9)

S3 lists keys in order, so both lists are read side by side and no more than a page of each is held.
Only current versions are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

from tapcfn.acting import ActionState
from tapcfn.aws.actions.door import Door, done, failed
from tapcfn.aws.actions.sameness import Found, Place, Sameness, judge
from tapcfn.aws.calls import told
from tapcfn.errors import StillRunningError
from tapcfn.model import CompareObjects

Pair: TypeAlias = tuple[Found | None, Found | None]

# Pairs that are judged at once, and by so many at a time: an ETag that differs costs two calls.
_BATCH = 1000
_AT_ONCE = 8
_MOST_NAMED = 5

_WRONG = (Sameness.MISSING, Sameness.DIFFERENT)


@dataclass(slots=True)
class _Tally:
    """What has been seen so far."""

    counts: Counter[Sameness] = field(default_factory=Counter)
    named: dict[Sameness, list[str]] = field(default_factory=dict)

    def add(self, key: str, how: Sameness) -> None:
        self.counts[how] += 1
        names = self.named.setdefault(how, [])
        if how in _WRONG and len(names) < _MOST_NAMED:
            names.append(key)


def look(door: Door, action: CompareObjects, _token: str) -> ActionState:
    """Compare, from the beginning each time; a page that gets no answer is asked for again.

    While somebody writes, some objects are always on their way: S3 has them, and copies them.
    """
    places = (
        Place(action.target, str(action.bucket)),
        Place(action.other, str(action.other_bucket)),
    )
    tally = _Tally()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        pairs = _pairs(*(_listed(door, action.name, each) for each in places))
        while batch := list(islice(pairs, _BATCH)):
            if door.patience.is_over:
                raise StillRunningError(f"{action.name}: {tally.counts.total()} objects compared")
            judged = pool.map(partial(_judged, door, action.name, places), batch)
            for key, how in judged:
                tally.add(key, how)
    return _state(tally)


def _judged(
    door: Door, subject: str, places: tuple[Place, Place], pair: Pair
) -> tuple[str, Sameness]:
    key = next(each.key for each in pair if each is not None)

    def read() -> Sameness:
        with told(subject, places[0].target):
            return judge(door, places, pair)

    return key, door.firmly.read(read)


def _pairs(ours: Iterator[Found], theirs: Iterator[Found]) -> Iterator[Pair]:
    """Yield what stands under each key in both lists, which are in the order of their keys."""
    left, right = next(ours, None), next(theirs, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left.key < right.key):
            yield left, None
            left = next(ours, None)
        elif left is None or right.key < left.key:
            yield None, right
            right = next(theirs, None)
        else:
            yield left, right
            left, right = next(ours, None), next(theirs, None)


def _listed(door: Door, subject: str, place: Place) -> Iterator[Found]:
    """Yield the objects of a bucket. Keys are ordered by their bytes, as texts of Python are."""
    asked: dict[str, str] = {"Bucket": place.bucket}
    while True:
        page = door.firmly.read(partial(_page, door, subject, place, asked))
        for each in page.get("Contents", ()):
            yield Found(each["Key"], each["Size"], each.get("ETag", ""))
        if not page.get("IsTruncated"):
            return
        asked = {"Bucket": place.bucket, "ContinuationToken": page["NextContinuationToken"]}


def _page(door: Door, subject: str, place: Place, asked: Mapping[str, str]) -> Mapping[str, Any]:
    with told(subject, place.target):
        page: Mapping[str, Any] = door("s3", place.target).list_objects_v2(**asked)
        return page


def _state(tally: _Tally) -> ActionState:
    counts = tally.counts
    facts = {f"{how}": str(counts[how]) for how in Sameness if counts[how] or how in _WRONG}
    for how in _WRONG:
        if tally.named.get(how):
            facts[f"first {how}"] = ", ".join(tally.named[how])
    wrong = [f"{counts[how]} {how}" for how in _WRONG if counts[how]]
    if wrong:
        first = next(tally.named[how][0] for how in _WRONG if counts[how])
        return failed(f"{' and '.join(wrong)}, the first {first}", facts)
    late = counts[Sameness.ON_ITS_WAY]
    same = counts.total() - counts[Sameness.EXTRA] - late
    weak = counts[Sameness.BY_SIZE]
    hint = f"; {weak} of them by size alone" if weak else ""
    if late:
        return done(f"{same} objects are there, {late} on their way{hint}", facts)
    return done(f"all {same} objects are there{hint}", facts)
