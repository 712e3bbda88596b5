"""What guards a command before it writes: allowances, live consumers, the cheap preflight."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tapcfn.allowances import Loss, check_stacks, in_force, parse
from tapcfn.cli.desk import Desk
from tapcfn.events import Diagnosed, FindingRaised
from tapcfn.guard import blocks
from tapcfn.instance_previews import SetPreview, blocks_set
from tapcfn.model import Finding, Orphan, Severity
from tapcfn.preview import Deferred, Preview, Refused
from tapcfn.report.text import finding_text

if TYPE_CHECKING:
    from tapcfn.model import Snapshot
    from tapcfn.plan import Plan


def allowances(desk: Desk, snapshot: Snapshot, given: Iterable[str]) -> frozenset[str]:
    """Return the allowances that hold today: those given, and those of the settings.

    Raises `UsageError` for one that is none, or whose stack is no part of this.
    """
    holding = still_allowed(desk, {*given, *desk.place.settings.allow_loss})
    stacks = {name for phase in desk.rollout.phases for name in phase.names}
    stacks |= {orphan.deployed.name for orphan in snapshot.orphans}
    check_stacks(holding, frozenset(stacks))
    return holding


def still_allowed(desk: Desk, allowed: Iterable[str]) -> frozenset[str]:
    """Return the allowances that hold today; those that have run out are said."""
    holding, over = in_force(allowed, datetime.now(UTC).date())
    for text in over:
        desk.session.console.notify(Diagnosed("warning", f"--allow-loss {text}: has run out"))
    return holding


def before_writing(desk: Desk, planned: Plan) -> None:
    """Raise `BlockedError` for what would fail half way, as far as a few reads tell.

    What may not be read is for the command `preflight` to tell; what there is already is said.
    """
    from tapcfn import consumers, obstacles, set_obstacles
    from tapcfn.preflight import Verdict, refuse

    tell(desk, consumers.check(planned, desk.cloud, desk.pool))
    checks = obstacles.cheap(planned, desk.cloud, desk.pool)
    checks += set_obstacles.roles(planned, desk.cloud, desk.pool)
    checks += set_obstacles.access(planned, desk.sets, desk.pool)
    checks += set_obstacles.stacks(planned, desk.cloud, desk.pool)
    for check in checks:
        if check.verdict is Verdict.UNKNOWN and check.name == "singleton":
            desk.session.console.notify(Diagnosed("warning", f"preflight: {check}"))
    refuse(checks)


def tell(desk: Desk, findings: Iterable[Finding], orphans: Iterable[Orphan] = ()) -> None:
    """Print findings that belong to no change set, or tell them as events."""
    targets = {stack.name: stack.target for stack in desk.rollout.stacks}
    targets |= {orphan.deployed.name: orphan.target for orphan in orphans}
    for finding in findings:
        desk.session.console.result(f"{finding.stack}: {finding_text(finding)}")
        if desk.session.console.is_heard:
            desk.session.console.notify(FindingRaised(finding, targets.get(finding.stack)))


def beside_the_plan(
    desk: Desk, planned: Plan, snapshot: Snapshot, previews: tuple[Preview, ...]
) -> None:
    """Tell what a plan's change sets do not show: orphans that stay, and old values held on to."""
    from tapcfn import consumers, orphans

    left = orphans.findings(snapshot.orphans, _leaving(planned, snapshot))
    tell(desk, (*left, *consumers.stale(planned, previews)), snapshot.orphans)


def _leaving(planned: Plan, snapshot: Snapshot) -> tuple[Orphan, ...]:
    going = {step.deployed.stack_id for step in planned.steps if step.deployed}
    return tuple(each for each in snapshot.orphans if each.deployed.stack_id in going)


def unused(
    desk: Desk,
    planned: Plan,
    previews: tuple[Preview, ...],
    allowed: frozenset[str],
    used: Iterable[str] = (),
    sets: Iterable[SetPreview] = (),
) -> None:
    """Tell allowances that allow nothing here. What cannot be asked yet may still need one."""
    waiting = {each.step.stack.name for each in previews if isinstance(each, Deferred)}
    waiting |= {step.name for step in planned.left_out}
    waiting |= {step.name for step in planned.sets if step.spread is None}
    by_guard = {
        finding.allowed_by
        for each in previews
        if not isinstance(each, Refused)
        for finding in each.findings
    }
    by_guard |= {finding.allowed_by for each in sets for _, finding in each.findings}
    tell(
        desk,
        (
            Finding(
                "TAP007",
                Severity.WARNING,
                each.stack,
                each.path.rpartition("/")[2],
                f"--allow-loss {each.text} allows nothing: no such loss is planned",
                nested=each.path.rpartition("/")[0],
            )
            for each in map(parse, sorted(allowed - by_guard - set(used)))
            if each.stack not in waiting and each.action != Loss.DELETE
        ),
    )


def verdict_on(
    desk: Desk, previews: tuple[Preview, ...], code: int, sets: Iterable[SetPreview] = ()
) -> int:
    """Close a plan that cannot go on with a line that says so; return its exit code."""
    if code == 0:
        return 0
    stopped = sorted(
        each.step.stack.name
        for each in previews
        if isinstance(each, Refused) or blocks(each.findings)
    )
    stopped += sorted(
        each.name for each in sets if blocks_set(each) or any(one.refused for one in each.instances)
    )
    word = "Blocked" if code == 4 else "Refused by CloudFormation"
    desk.session.console.say(
        f"{word}: {', '.join(stopped)}. Nothing was written; settle what is said above."
    )
    return code
