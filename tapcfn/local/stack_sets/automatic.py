"""Automatic deployments: sets follow accounts that come into their units, and leave them.

Every call that may move an account is watched: what a set is deployed to is compared before and
after it. Sets that a set depends on are deployed before it and deleted after it; whoever depends on
a failure is not deployed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import organizations
from tapcfn.local.stack_sets import organization, store, turns
from tapcfn.local.stack_sets.callers import PRINCIPAL
from tapcfn.local.stack_sets.engine import Asked, Plan
from tapcfn.local.stack_sets.model import (
    Action,
    Operation,
    OperationStatus,
    StackSet,
    Target,
    home_of,
    is_moving,
    is_service_managed,
    target_of,
)
from tapcfn.local.stack_sets.organization import Tree
from tapcfn.local.stack_sets.preferences import Preferences, Share

MOVING = frozenset({"CreateAccount", "MoveAccount", "RemoveAccountFromOrganization"})
GLANCE_SECONDS = 0.01
ALL = Share(100, is_percentage=True)
AT_ONCE = Preferences(is_parallel=True, tolerance=ALL, maximum=ALL, is_strict=False)

Handle = Callable[..., Awaitable[Any]]
_tasks: set[asyncio.Task[None]] = set()


@dataclass(frozen=True, slots=True)
class Step:
    """What one set has to do about accounts that moved."""

    stack_set: StackSet
    action: Action
    units: Mapping[Target, str]

    @property
    def arn(self) -> str:
        """The set's ARN."""
        return self.stack_set["arn"]

    @property
    def depends_on(self) -> list[str]:
        """The ARNs of the sets that it depends on."""
        auto = self.stack_set["auto"]
        return auto["depends_on"] if auto else []


def install() -> None:
    """Watch the calls that move accounts."""
    emulator.wrap_service("organizations", _watching)


def pending() -> int:
    """Return how many moves are being followed."""
    return len(_tasks)


def _watching(handle: Handle) -> Handle:
    async def answer(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        name = str(headers.get("x-amz-target", "")).rpartition(".")[2]
        management = emulator.organizations.management_of(emulator.account_id())
        if name not in MOVING or not management:
            return await handle(method, path, headers, body, query)
        with emulator.request_scope(management, emulator.region()):
            before = organization.tree()
            told = await handle(method, path, headers, body, query)
            _follow(management, before, organization.tree())
        return told

    return answer


def _follow(management: str, before: Tree, after: Tree) -> None:
    """Let the sets of an organization do what the move of its accounts asks for."""
    accounts = dict.fromkeys([*before.accounts, *after.accounts])
    moved = [each for each in accounts if before.path(each) != after.path(each)]
    followers = [each for each in store.every_active() if _follows(each, management)]
    if not moved or not followers or not organizations.trusts(PRINCIPAL):
        return
    gone = [_leaving(each, moved, after) for each in followers]
    come = [_coming(each, moved, before, after) for each in followers]
    task = asyncio.get_running_loop().create_task(_see_through(gone, come))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _follows(stack_set: StackSet, management: str) -> bool:
    is_ours = is_service_managed(stack_set) and home_of(stack_set)[0] == management
    return is_ours and stack_set["auto"] is not None and stack_set["auto"]["enabled"]


def _wanted(stack_set: StackSet, account: str, tree: Tree) -> dict[Target, str]:
    """Return where a set is to be in an account, with the unit that says so."""
    return {
        Target(account, region): unit
        for unit in tree.path(account)
        for region in stack_set["units"].get(unit, ())
    }


def _coming(stack_set: StackSet, moved: Iterable[str], before: Tree, after: Tree) -> Step:
    units = {
        target: unit
        for account in moved
        for target, unit in _wanted(stack_set, account, after).items()
        if target not in _wanted(stack_set, account, before)
    }
    return Step(stack_set, Action.CREATE, units)


def _leaving(stack_set: StackSet, moved: Iterable[str], after: Tree) -> Step:
    accounts = set(moved)
    units = {
        target_of(each): each["unit"]
        for each in stack_set["instances"].values()
        if each["account"] in accounts
        and target_of(each) not in _wanted(stack_set, each["account"], after)
    }
    return Step(stack_set, Action.DELETE, units)


# In order -----------------------------------------------------------------------------------------


async def _see_through(gone: Iterable[Step], come: Iterable[Step]) -> None:
    """Delete, dependants first, and then create, dependants last."""
    for steps, is_backwards in ((gone, True), (come, False)):
        doing: list[tuple[Step, asyncio.Task[bool]]] = []
        for step in _ordered([each for each in steps if each.units], is_backwards):
            others = [task for each, task in doing if _comes_first(each, step, is_backwards)]
            doing.append((step, asyncio.create_task(_do(step, others))))
        await asyncio.gather(*(task for _, task in doing))


def _ordered(steps: list[Step], is_backwards: bool) -> list[Step]:
    """Return steps so that each comes after those that it depends on, or before them."""
    by_arn = {each.arn: each for each in steps}
    found: dict[str, Step] = {}

    def visit(step: Step) -> None:
        for arn in step.depends_on:
            if arn in by_arn and arn not in found:
                visit(by_arn[arn])
        found.setdefault(step.arn, step)

    for step in steps:
        visit(step)
    return list(found.values())[::-1] if is_backwards else list(found.values())


def _comes_first(one: Step, other: Step, is_backwards: bool) -> bool:
    """Tell whether the other has to wait for the one."""
    return other.arn in one.depends_on if is_backwards else one.arn in other.depends_on


async def _do(step: Step, others: Iterable[asyncio.Task[bool]]) -> bool:
    """Carry one step out, unless one before it failed; say if it went well."""
    if not all([await each for each in others]):
        return False
    with emulator.request_scope(*home_of(step.stack_set)):
        operation = turns.submit(step.stack_set, _asked(step))
        while is_moving(operation) and store.holds(step.stack_set):
            await asyncio.sleep(GLANCE_SECONDS)
    return _went_well(operation)


def _asked(step: Step) -> Asked:
    """Return the operation of a step; preferences and overrides do not count here."""
    auto = step.stack_set["auto"]
    retain = step.action == Action.DELETE and auto is not None and auto["retain"]

    def plan() -> Plan:
        there = step.stack_set["instances"]
        is_new = step.action == Action.CREATE
        targets = tuple(each for each in step.units if is_new or str(each) in there)
        by_account = {each.account: step.units[each] for each in targets}
        return Plan(targets, {each: {} for each in targets} if is_new else {}, by_account)

    return Asked(emulator.new_id(), step.action, plan, AT_ONCE, retain)


def _went_well(operation: Operation) -> bool:
    failed = any(each["status"] == "FAILED" for each in operation["results"].values())
    return operation["status"] == OperationStatus.SUCCEEDED and not failed
