"""Carry out a spread: wave after wave, call after call, and judge how it ended. (D-9)

An operation that SUCCEEDED is no success as long as one instance is not as wanted. (DS-1)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping

from tapcfn.errors import BlockedError, CloudError, StaleError, StillRunningError, TapcfnError
from tapcfn.events import (
    Diagnosed,
    SetOperationStarted,
    StackEnded,
    WaveEnded,
    WaveStarted,
)
from tapcfn.model import (
    DetailedStatus,
    Ending,
    Instance,
    SetOperation,
    StackSet,
    Target,
)
from tapcfn.stack_sets.between import check_nobody_came_between
from tapcfn.stack_sets.calls import OPERATIONS, Act, SetCall
from tapcfn.stack_sets.ending import Verdict, tell_end
from tapcfn.stack_sets.means import SetMeans
from tapcfn.stack_sets.sending import send
from tapcfn.stack_sets.spread import Spread, SpreadWave
from tapcfn.stack_sets.watching import watch
from tapcfn.trouble import LOST_AFTER

PARTIAL = 5

Seen = Mapping[Target, Instance]


class _FailedError(TapcfnError):
    """An operation failed or was stopped, or a gate did not open."""


class _PartialError(TapcfnError):
    """Operations succeeded, and some instances are not as wanted all the same."""

    exit_code = PARTIAL


def run(spread: Spread, means: SetMeans) -> StackEnded:
    """Make all calls of a spread; never raises for what the cloud says."""
    running = _Running(spread, means)
    try:
        return running.run()
    except StillRunningError as error:
        return running.ended(Ending.RUNNING, error)
    except (BlockedError, StaleError) as error:
        return running.ended(Ending.BLOCKED, error)
    except TapcfnError as error:
        return running.ended(Ending.FAILED, error)


def follow(stack_set: StackSet, operation: SetOperation, means: SetMeans) -> None:
    """Watch an operation that was found at work until it ends. Somebody else's is not stopped."""
    token = operation.operation_id
    ours = means.ledger.is_ours(token)
    if not ours:
        text = f"{stack_set.name}: {token} ({operation.action}) was not begun here; waiting"
        means.notify(Diagnosed("warning", text))
    pairs = frozenset(each.target for each in means.sets.instances(stack_set, token))
    means.notify(
        SetOperationStarted(
            stack_set.name, stack_set.home, operation.action, token, pairs, adopted=True
        )
    )
    started = means.clock.now()
    ended, instances = watch(stack_set, token, pairs, means, stops=ours)
    means.ledger.ended(token)
    tell_end(stack_set, ended, instances, pairs, means, started)


class _Running:
    """One spread while it is carried out."""

    def __init__(self, spread: Spread, means: SetMeans) -> None:
        self._spread = spread
        self._set = spread.stack_set
        self._means = means
        self._started = means.clock.now()
        self._renewed = False
        self._known: set[str] = set()
        self._failures: list[str] = []
        self._warnings = tuple(
            f"{pair}: is INOPERABLE and no update touches it; see `stackset status`"
            for pair in sorted(spread.passed_over)
        ) + tuple(
            f"{pair}: its account is suspended; it was passed over"
            for pair in sorted(spread.suspended)
        )
        asleep = {pair.account for pair in spread.suspended}
        self._warnings += tuple(
            f"account {each}: is suspended; left out of the targets"
            for each in spread.left_out
            if each.account not in asleep
        )

    def run(self) -> StackEnded:
        """Do all waves and judge what came of them."""
        for wave in self._spread.waves:
            if wave.calls:
                self._do_wave(wave)
            self._hold(wave)
        self._judge()
        return self.ended(Ending.DONE if self._spread.has_work else Ending.UNCHANGED)

    def ended(self, ending: Ending, error: TapcfnError | None = None) -> StackEnded:
        """Return how the set's part in the run ended."""
        seconds = self._means.clock.now() - self._started
        return StackEnded(
            self._set.name,
            self._set.home,
            ending,
            str(error or ""),
            seconds=seconds,
            exit_code=error.exit_code if error else 0,
            warnings=self._warnings,
        )

    # One wave -----------------------------------------------------------------------------------

    def _do_wave(self, wave: SpreadWave) -> None:
        """Make the wave's calls; raise where one failed, or left instances that are not well.

        Failures that the operation tolerated keep later waves from starting all the same.
        """
        name, home = self._set.name, self._set.home
        self._means.notify(WaveStarted(name, home, wave.name, len(wave.pairs)))
        mine = wave.pairs & self._spread.wanted.pairs
        try:
            for call in wave.calls:
                self._do(wave, call)
        except TapcfnError:
            with contextlib.suppress(CloudError):  # there may be no set yet: the cause stays
                unwell = self._unwell(mine, all_made=False)
                self._means.notify(WaveEnded(name, home, wave.name, len(unwell)))
            raise
        unwell = self._unwell(mine)
        self._means.notify(WaveEnded(name, home, wave.name, len(unwell)))
        if unwell:
            raise _PartialError(self._not_as_wanted(unwell, f" of wave {wave.name}"))

    def _do(self, wave: SpreadWave, call: SetCall) -> None:
        """Make one call and see it through; raise where nothing may follow it."""
        if self._means.patience.interrupted:
            raise _FailedError(f"stopped in wave {wave.name}; no other call was made")
        verdict = self._done(wave, call)
        self._renewed = self._renewed or call.renews
        if verdict.cause:
            self._failures.append(verdict.cause)
        if not verdict.goes_on:
            raise _FailedError("; ".join(self._failures))

    def _done(self, wave: SpreadWave, call: SetCall) -> Verdict:
        means = self._means
        sent = send(self._spread, wave.name, call, means, renewed=self._renewed)
        self._known |= {sent.token, *sent.behind}
        if call.act not in OPERATIONS:
            means.ledger.ended(sent.token)
            if call.act is Act.CREATE:
                self._wait_for_the_set()
            return Verdict(goes_on=True)
        usual = means.ledger.usually("instance", self._set)
        means.notify(
            SetOperationStarted(
                self._set.name, self._set.home, call.act, sent.token, call.pairs, usual=usual
            )
        )
        removes = call.act is Act.REMOVE
        operation, instances = watch(self._set, sent.token, call.pairs, means, removes=removes)
        means.ledger.ended(sent.token)
        return tell_end(self._set, operation, instances, call.pairs, means, sent.started)

    def _wait_for_the_set(self) -> None:
        """Wait until a set that was just made can be read: else the next call fails. (X-20)"""
        means = self._means
        limit = means.clock.now() + LOST_AFTER
        while means.sets.stack_set(self._set) is None and means.clock.now() < limit:
            means.clock.sleep(means.pace.pause(0.0))

    def _hold(self, wave: SpreadWave) -> None:
        """Let the wave bake and hold its gates; raise where one did not open."""
        if not (wave.gates or wave.bake):
            return
        if fault := self._means.bake(self._set.name, wave.gates, wave.bake):
            raise _FailedError(f"after wave {wave.name}: {fault}; later waves were not begun")

    # After all ----------------------------------------------------------------------------------

    def _judge(self) -> None:
        """Raise unless every wanted instance is as wanted."""
        wanted = self._spread.wanted.pairs
        unwell = self._unwell(wanted) if self._spread.has_work else self._inoperable()
        if unwell:
            raise _PartialError(self._not_as_wanted(unwell, f" of {len(wanted)}"))
        if left := self._still_there():
            told = self._why(left)
            raise _PartialError(f"{len(left)} instances that leave are still there: {told}")
        if wanted and self._spread.has_work:
            check_nobody_came_between(self._spread, self._known, self._means)

    def _still_there(self) -> Mapping[Target, Instance | None]:
        """Return the instances that should have left; a set that is gone has none."""
        calls = (call.act for wave in self._spread.waves for call in wave.calls)
        if not self._spread.remove or Act.DELETE in calls:
            return {}
        left = self._spread.remove
        found = self._read(lambda seen: any(seen[pair].is_well for pair in left & seen.keys()))
        return {pair: found[pair] for pair in sorted(left & found.keys())}

    def _read(self, is_stale: Callable[[Seen], bool]) -> Seen:
        """Return the instances, read again while they say what was before our calls. (X-20)"""
        means = self._means
        limit = means.clock.now() + LOST_AFTER
        while True:
            found = {each.target: each for each in means.sets.instances(self._set)}
            given_up = means.patience.is_over or means.patience.interrupted
            if given_up or not is_stale(found) or means.clock.now() >= limit:
                return found
            means.clock.sleep(means.pace.pause(0.0))

    def _inoperable(self) -> Mapping[Target, Instance | None]:
        found = self._spread.found.instances
        return {pair: found[pair] for pair in self._spread.passed_over & self._spread.wanted.pairs}

    def _unwell(
        self, pairs: Iterable[Target], *, all_made: bool = True
    ) -> Mapping[Target, Instance | None]:
        """Return the pairs whose instance is missing or not as wanted.

        Once `all_made` their calls have ended, none is missing or at work: such a list is stale.
        What the service left alone because the account is suspended is a warning. (X-27)
        """
        pairs = sorted(pairs)
        if not pairs:
            return {}
        found = self._read(lambda seen: all_made and any(map(_is_open, map(seen.get, pairs))))
        unwell: dict[Target, Instance | None] = {}
        for pair in pairs:
            each = found.get(pair)
            if each and each.detailed is DetailedStatus.SKIPPED_SUSPENDED_ACCOUNT:
                text = f"{pair}: its account is suspended; it was passed over"
                self._warnings = tuple(dict.fromkeys((*self._warnings, text)))
            elif each is None or not each.is_well:
                unwell[pair] = each
        return unwell

    def _not_as_wanted(self, unwell: Mapping[Target, Instance | None], of: str) -> str:
        return f"{len(unwell)}{of} instances are not as wanted: {self._why(unwell)}"

    def _why(self, unwell: Mapping[Target, Instance | None]) -> str:
        """Return the causes that were told, else how the instances stand."""
        states = [
            f"{target} {each.status}/{each.detailed}" if each else f"{target} missing"
            for target, each in sorted(unwell.items())
        ]
        return "; ".join(self._failures) or ", ".join(states[:5]) + (" …" if states[5:] else "")


def _is_open(instance: Instance | None) -> bool:
    """Whether an instance is yet to be made, or to be worked on."""
    moving = {DetailedStatus.PENDING, DetailedStatus.RUNNING}
    return instance is None or instance.detailed in moving
