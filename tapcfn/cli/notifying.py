"""Tell others how a run goes: after its phases and at its end, by the channels of its settings.

A channel that fails never changes how a run ends; it is told as a warning.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tapcfn.cli.channels import Channels
from tapcfn.cli.clock import WallClock
from tapcfn.events import (
    ActionStarted,
    Answered,
    Diagnosed,
    Event,
    MoveEnded,
    OperationStarted,
    SetOperationStarted,
    StackEnded,
    StackPlanned,
)
from tapcfn.model import Ending, Rollout
from tapcfn.notice_settings import When
from tapcfn.notices.notice import Notice
from tapcfn.notices.post import Post
from tapcfn.variants import everything

if TYPE_CHECKING:
    from tapcfn.aws.session import Clients
    from tapcfn.cli.console import Console
    from tapcfn.cli.workplace import Workplace
    from tapcfn.notices.sending import Sent
    from tapcfn.report.collected import Report

# Commands that change what is deployed.
TOLD = frozenset(
    {
        *("act", "apply", "bootstrap", "destroy", "import", "recover"),
        *("stackset adopt", "stackset retry", "stackset revert", "stackset stop"),
    }
)

# Where CI systems say at which address their job can be looked at.
_LINKS = ("CI_JOB_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL", "BUILD_URL")


def link_of(environment: Mapping[str, str], given: str = "") -> str:
    """Return the page of the CI job: what is given, or what its system says of it."""
    if given:
        return given
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environment.get(name, "") for name in names)
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return next((environment[name] for name in _LINKS if environment.get(name)), "")


def tells(place: Workplace, command: str, *, writes: bool) -> bool:
    """Whether others are told of such a run; who stops an operation writes without the lock."""
    is_told = command in TOLD and (writes or command == "stackset stop")
    return is_told and place.settings.notifications is not None


class Teller:
    """Listens to one run, and tells others what their settings ask for."""

    def __init__(
        self,
        place: Workplace,
        command: str,
        console: Console,
        clients: Callable[[], Clients],
        link: str,
    ) -> None:
        wanted = place.settings.notifications
        assert wanted is not None
        self._place, self._command, self._console = place, command, console
        self._on, self._by_phase = frozenset(wanted.on), wanted.per == "phase"
        self._link = link_of(os.environ, link)
        self._regions = regions_of(place.rollout)
        self._channels = Channels(console, clients, place.home)
        self._channels.take(wanted)
        self._post = Post(self._channels.ready, self._channels.limits, WallClock())
        self._began = False
        self._phases: dict[str, str] = {}
        self._ends: dict[str, Counter[str]] = {}
        self._phase = ""

    # While it runs ------------------------------------------------------------------------------

    def __call__(self, event: Event) -> None:
        """Note what has begun; tell of a phase when the next one begins, and of each move."""
        match event:
            case StackPlanned(stack=unit, phase=phase):
                self._phases[unit] = phase
            case OperationStarted(stack=unit) | SetOperationStarted(stack_set=unit):
                self._began = True
                self._is_in(self._phases.get(unit, self._phase))
            case StackEnded(stack=unit, ending=ending):
                self._began = True
                ends = self._ends.setdefault(self._phases.get(unit, ""), Counter())
                ends[str(ending)] += 1
            case ActionStarted():
                self._began = True
            case MoveEnded():
                self._move(event)
            case _:
                pass

    def _is_in(self, phase: str) -> None:
        """Tell of the phase before, where another one begins: phases wait for each other."""
        before, self._phase = self._phase, phase
        if not before or before == phase:
            return
        counts = self._ends.pop(before, Counter())
        bad = counts[str(Ending.FAILED)] + counts[str(Ending.BLOCKED)]
        self._part(f"phase {before}", When.FAILURE if bad else When.SUCCESS, counts)

    def _move(self, event: MoveEnded) -> None:
        self._phase = ""
        when = When.SUCCESS if event.passed else When.FAILURE
        back = " back" if event.back else ""
        self._part(f"move {event.move}{back}", when, Counter(), event.cause)

    def _part(self, part: str, when: When, counts: Counter[str], cause: str = "") -> None:
        if self._by_phase and when in self._on:
            self._post.send(
                Notice(
                    self._command,
                    self._place.blueprint,
                    self._place.stage,
                    when,
                    self._console.run,
                    regions=self._regions,
                    part=part,
                    cause=cause,
                    counts=counts,
                    link=self._link,
                )
            )

    # At its end ---------------------------------------------------------------------------------

    def end(self, report: Report) -> None:
        """Tell how it ended, wait for what is under way, and say what came of it.

        Whoever declines, or interrupts what had not begun, knows it.
        """
        from tapcfn.report.noticed import notice_of

        notice = notice_of(
            report,
            system=self._place.blueprint,
            environment=self._place.stage,
            run=self._console.run,
            regions=self._regions,
            link=self._link,
        )
        asked = notice is not None and notice.when in self._on
        if notice is not None and asked and (self._began or notice.when is not When.INTERRUPTED):
            self._post.send(notice)
            for name, fault in self._channels.faults.items():
                warn(self._console, name, fault)
        tell_sent(self._console, self._post.close())


def regions_of(rollout: Rollout) -> tuple[str, ...]:
    """Return where a rollout's stacks are at any time, and the instances of its stack sets."""
    rollout = everything(rollout)
    of_sets = {region for each in rollout.stack_sets for region in each.regions}
    return tuple(sorted({each.region for each in rollout.targets} | of_sets))


def tell_sent(console: Console, sent: tuple[Sent, ...]) -> None:
    """Say of each notice whether it has arrived."""
    for each in sent:
        fields = {
            "channel": each.channel,
            "verdict": str(each.notice.when),
            "part": each.notice.part or None,
            "sent": not each.fault,
            "attempts": each.attempts,
            "fault": each.fault or None,
        }
        if console.is_read:
            console.notify(Answered("notification", fields))
        if each.fault:
            warn(console, each.channel, each.fault)
        else:
            console.say(f"Told {each.channel}: {each.notice.title}")


def warn(console: Console, channel: str, fault: str) -> None:
    """Tell that a channel could not be used."""
    console.notify(Diagnosed("warning", f"{channel} was not told: {fault}", "notification"))
