"""Read what stacks of a set run, and look for those that no instance stands for any more. (D-12)

One sweep for each place tells of both. Nothing says whose a stack is that a set has left behind:
it is known by the name that the service gave it, or by what this folder has written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from tapcfn.errors import CloudError
from tapcfn.model import EMPTY, Deployed, Instance, StackSet, Target, digest_of
from tapcfn.ports import Cloud
from tapcfn.stack_sets.owners import is_made_by
from tapcfn.stack_sets.recording import Record
from tapcfn.stack_sets.skew import Retained, Running, Stand, parameters_digest


@dataclass(frozen=True, slots=True)
class Reading:
    """How it is read. `closed` are accounts in which nobody can be asked, each with why; `normal`
    brings a template into the form whose digest is compared."""

    cloud: Cloud
    pool: Executor
    normal: Callable[[str], str]
    warn: Callable[[str], None]
    closed: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the instances run, and the stacks that were left behind."""

    running: tuple[Running, ...]
    retained: tuple[Retained, ...]


def places_of(
    pairs: Iterable[Target], instances: Iterable[Target], records: Iterable[Record]
) -> frozenset[Target]:
    """Return where stacks of a set may be: where it is to be, where it is, and where it was."""
    was = (pair for record in records for pair in record.instances)
    return frozenset((*pairs, *instances, *was))


def read_fleet(
    stack_set: StackSet,
    instances: Mapping[Target, Instance],
    places: Iterable[Target],
    records: Iterable[Record],
    reading: Reading,
) -> Fleet:
    """Return what there is; `warn` is told of what could not be read."""
    once = frozenset(
        each.stack_id for record in records for each in record.instances.values() if each.stack_id
    )
    for account, why in sorted(reading.closed.items()):
        reading.warn(f"account {account}: its stacks can't be read: {why}")
    asked = sorted(each for each in places if each.account not in reading.closed)
    told = reading.pool.map(lambda pair: _in(pair, stack_set, instances, once, reading), asked)
    found = list(told)
    unread = [
        Running(pair, "", "", each.status, Stand.UNREAD)
        for pair, each in sorted(instances.items())
        if pair.account in reading.closed
    ]
    running = [each for one, _ in found if (each := one)]
    return Fleet(
        tuple(sorted((*running, *unread), key=lambda each: each.target)),
        tuple(each for _, left in found for each in left),
    )


def _in(
    pair: Target,
    stack_set: StackSet,
    instances: Mapping[Target, Instance],
    once: frozenset[str],
    reading: Reading,
) -> tuple[Running | None, tuple[Retained, ...]]:
    """Return what the instance of a pair runs, if there is one, and what was left there."""
    instance = instances.get(pair)
    try:
        there = {each.stack_id: each for each in reading.cloud.stacks(pair).values()}
    except CloudError as error:
        reading.warn(f"{pair}: stacks that were left behind can't be looked for: {error}")
        there = {}
    left = (
        each
        for stack_id, each in sorted(there.items())
        if not (instance and stack_id == instance.stack_id)
        and (stack_id in once or is_made_by(each.name, stack_set.name))
    )
    running = _running(instance, there, reading) if instance else None
    return running, tuple(_retained(pair, each, reading) for each in left)


def _running(instance: Instance, there: Mapping[str, Deployed], reading: Reading) -> Running:
    pair, stack_id = instance.target, instance.stack_id
    if not stack_id:
        return Running(pair, "", "", instance.status, Stand.NONE)
    try:
        stack = there.get(stack_id) or reading.cloud.stack(stack_id, pair)
        if stack.status.is_absent:
            return Running(pair, "", "", instance.status, Stand.GONE)
        template, parameters = _digests(stack, pair, reading)
    except CloudError as error:
        reading.warn(f"{pair}: its stack can't be read: {error}")
        return Running(pair, "", "", instance.status, Stand.UNREAD)
    return Running(pair, template, parameters, instance.status)


def _retained(pair: Target, stack: Deployed, reading: Reading) -> Retained:
    try:
        template, parameters = _digests(stack, pair, reading)
    except CloudError as error:
        reading.warn(f"{pair}: {stack.name} can't be read: {error}")
        template = parameters = ""
    return Retained(pair, stack.name, stack.stack_id, template, parameters)


def _digests(stack: Deployed, pair: Target, reading: Reading) -> tuple[str, str]:
    body = reading.cloud.template(stack.stack_id, pair)
    return digest_of(reading.normal(body)), parameters_digest(stack.parameters, {})
