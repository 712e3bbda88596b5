"""drift: what has been changed behind CloudFormation's back, and back with what is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from tapcfn.cli.options import Session, Where, common, placed
from tapcfn.cli.reports import reporting
from tapcfn.cli.workplace import workplace
from tapcfn.drift import StackDrift
from tapcfn.errors import BlockedError, StillRunningError, TapcfnError, UsageError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.model import Snapshot, Stack
    from tapcfn.plan import Plan


@click.command()
@click.pass_obj
@placed()
@click.option(
    "--revert",
    multiple=True,
    metavar="STACK/LOGICAL_ID",
    help="Bring this resource back to what its template says. May be given more than once.",
)
@click.option("--yes", is_flag=True, help="Approve the change sets of --revert.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 if anything has drifted.")
@reporting("--junit", "--markdown", "--html")
@common
def drift(
    session: Session,
    /,
    *,
    where: Where,
    revert: tuple[str, ...],
    yes: bool,
    detailed_exitcode: bool,
) -> int:
    """Compare what is deployed with what is really there; revert only what is named."""
    from tapcfn.cli.opening import open_desk

    named = _named(revert)
    place = workplace(session.package, where)
    with open_desk(session, place, "drift") as desk:
        snapshot = desk.snapshot(to_plan=bool(named))
        found = detect(desk, snapshot)
        _show(desk, found)
        if named:
            return _revert(desk, snapshot, found, named, yes=yes)
    if code := code_of(found.values()):
        return code
    drifted = any(not isinstance(each, str) and each.drifted for each in found.values())
    return 10 if drifted and detailed_exitcode else 0


class Late(str):
    """Why a drift is not known yet: the deadline came before the end of its detection."""

    __slots__ = ()


def code_of(found: Iterable[StackDrift | str]) -> int:
    """Return 1 where a detection failed, 7 where one still runs at the deadline, else 0."""
    found = tuple(found)
    failed = [each for each in found if not isinstance(each, Late | StackDrift)]
    if failed or any(isinstance(each, StackDrift) and not each.complete for each in found):
        return 1
    return StillRunningError.exit_code if any(isinstance(each, Late) for each in found) else 0


def detect(
    desk: Desk, snapshot: Snapshot, names: frozenset[str] | None = None
) -> Mapping[str, StackDrift | str]:
    """Detect the drift of all deployed stacks at once, or of these; a failure is told as a text."""

    def one(stack: Stack) -> StackDrift | str:
        try:
            return desk.cloud.drift(snapshot.stacks[stack.name].stack_id, stack.target)
        except StillRunningError as error:
            return Late(error)
        except TapcfnError as error:
            return str(error)

    there = [
        stack
        for stack in desk.rollout.stacks
        if (deployed := snapshot.stacks.get(stack.name)) is not None
        and not deployed.status.is_absent
        and (names is None or stack.name in names)
    ]
    return dict(zip([stack.name for stack in there], desk.pool.map(one, there), strict=True))


def show_drift(desk: Desk, plan: Plan, snapshot: Snapshot) -> None:
    """Show the drift of the stacks that a plan would update: what it would write over."""
    from tapcfn.plan import Verb

    names = frozenset(step.stack.name for step in plan.steps if step.verb is Verb.UPDATE)
    if names:
        _show(desk, detect(desk, snapshot, names))


def _show(desk: Desk, found: Mapping[str, StackDrift | str]) -> None:
    from tapcfn.events import Answered
    from tapcfn.report.drifted import drift_fields, drift_text

    stacks = {stack.name: stack for stack in desk.rollout.stacks}
    if desk.session.console.is_heard:
        for name, each in found.items():
            desk.session.console.notify(Answered("drift", drift_fields(stacks[name], each)))
    desk.session.console.result(drift_text(found, stacks))


def _named(revert: tuple[str, ...]) -> dict[str, frozenset[str]]:
    named: dict[str, frozenset[str]] = {}
    for text in revert:
        stack, _, logical_id = text.partition("/")
        if not logical_id:
            raise UsageError(f"--revert {text}: allowed: STACK/LOGICAL_ID")
        named[stack] = named.get(stack, frozenset()) | {logical_id}
    return named


def _revert(
    desk: Desk,
    snapshot: Snapshot,
    found: Mapping[str, StackDrift | str],
    named: Mapping[str, frozenset[str]],
    *,
    yes: bool,
) -> int:
    """Open a change set that reverts drift for each named stack, and carry them out if agreed."""
    from tapcfn.cli.named import Aim, carry_out, parameters_of, stack_of
    from tapcfn.plan import Reason
    from tapcfn.ports import Purpose

    for name, logical_ids in named.items():
        stack_of(desk, name)
        _check_drifted(name, logical_ids, found.get(name, "is not deployed"))
    aims = [
        Aim(
            stack := stack_of(desk, name),
            parameters_of(stack, snapshot),
            Reason.DRIFTED,
            Purpose(revert_drift=True),
            logical_ids,
        )
        for name, logical_ids in sorted(named.items())
    ]
    return carry_out(desk, snapshot, aims, "drift", yes=yes)


def _check_drifted(name: str, logical_ids: frozenset[str], found: StackDrift | str) -> None:
    """Raise `BlockedError` for a resource that has not drifted, or that nobody could check."""
    if isinstance(found, Late):
        raise StillRunningError(f"{name}: {found}")
    if isinstance(found, str):
        raise BlockedError(f"{name}: {found}")
    drifted = {each.logical_id for each in found.drifted}
    if wrong := sorted(logical_ids - drifted):
        raise BlockedError(
            f"--revert {name}/{wrong[0]}: has not drifted (drifted there: "
            f"{', '.join(sorted(drifted)) or 'nothing'})"
        )
