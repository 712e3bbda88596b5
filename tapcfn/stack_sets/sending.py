"""Send a call that writes, once: behind whoever is at work, and under a name that can be found.

The operation id comes from what is wanted, from what it is written against and from the call
itself, and stands in the ledger before it is sent. A second process, or this one after a lost
answer, finds what was begun and goes on with it. (D-7, D-8)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count

from tapcfn.errors import BusyError, CloudError, StaleError, StillRunningError
from tapcfn.events import Diagnosed
from tapcfn.model import (
    DetailedStatus,
    SetOperation,
    StackSet,
    canonical,
    digest_of,
)
from tapcfn.stack_sets.calls import OPERATIONS, Act, SetCall, SetRequest
from tapcfn.stack_sets.means import SetMeans
from tapcfn.stack_sets.spread import Spread

# Seconds between two attempts while another operation is at work, at most.
LONGEST_PAUSE = 60.0

# How often a call is sent anew that was stale although nothing had changed.
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that is under way: its token, and when we began to send it.

    `behind` are others' operations that it waited for, after which the set was still as reviewed.
    """

    token: str
    started: float
    behind: frozenset[str] = frozenset()


def token_of(spread: Spread, wave: str, call: SetCall, means: SetMeans) -> str:
    """Return the call's token: another one once an earlier attempt is known to be over."""
    words = [
        *_intent(spread),
        spread.base,
        wave,
        call.act,
        sorted(str(each) for each in call.pairs),
        call.renews,
        dict(call.overrides) if call.overrides is not None else None,
        call.retain,
        list(call.stack_ids),
    ]
    tokens = ("tapcfn-" + digest_of(canonical([*words, attempt]))[:40] for attempt in count())
    return next(token for token in tokens if not means.ledger.has_ended(token))


def _intent(spread: Spread) -> list[object]:
    wanted = spread.wanted
    return [
        wanted.stack_set.name,
        str(wanted.stack_set.home),
        wanted.stack_set.template.digest,
        dict(wanted.parameters),
        dict(wanted.stack_set.tags),
    ]


def send(
    spread: Spread, wave: str, call: SetCall, means: SetMeans, *, renewed: bool = False
) -> Sent:
    """Make the call, waiting for whoever is at work; `renewed` says that the set has changed by us.

    Raises `StillRunningError` where the deadline comes first, `StaleError` where somebody else has
    changed the set meanwhile, so that what was reviewed is no longer what would run.
    """
    sending = _Sending(spread, wave, call, means)
    stale = 0
    while True:
        try:
            return sending.attempt()
        except BusyError as error:
            if sending.is_ours(error):
                return sending.sent
            sending.rest()
        except StaleError:
            means.ledger.ended(sending.sent.token)
            stale += 1
            if stale >= ATTEMPTS:
                raise
        check_unchanged(spread, call, renewed, means)


class _Sending:
    """One call on its way: the token that it goes under, and who was in the way."""

    def __init__(self, spread: Spread, wave: str, call: SetCall, means: SetMeans) -> None:
        self._spread, self._wave, self._call, self._means = spread, wave, call, means
        self._longest = means.busy
        self._told = ""
        self.sent = Sent("", means.clock.now())

    def attempt(self) -> Sent:
        """Send the call under its present name, which stands in the ledger before."""
        spread, means = self._spread, self._means
        token = token_of(spread, self._wave, self._call, means)
        self.sent = replace(self.sent, token=token)
        if means.keeper and self._call.act in OPERATIONS:
            means.keeper.keep(spread, token)
        means.ledger.intend(f"set-{self._call.act}", spread.stack_set, token)
        means.sets.send(SetRequest(spread.stack_set, self._call, token, spread.wanted.parameters))
        return self.sent

    def is_ours(self, error: BusyError) -> bool:
        """Whether the operation that is at work is this one; else say whose it is, once."""
        stack_set, means = self._spread.stack_set, self._means
        blocker = _blocker(stack_set, means)
        if blocker is not None and blocker.operation_id == self.sent.token:
            return True
        if blocker is not None:
            self.sent = replace(self.sent, behind=self.sent.behind | {blocker.operation_id})
        who = _say(stack_set, blocker, error) if blocker or not self._told else self._told
        if who != self._told:
            self._told = who
            progress = _progress(stack_set, blocker, means) if blocker else ""
            text = f"{who} is at work{progress}; waiting for it to end"
            means.notify(Diagnosed("warning", text, code="OperationInProgress"))
        return False

    def rest(self) -> None:
        """Wait with full jitter, within the run's patience, longer each time."""
        means = self._means
        pause = max(means.draw() * self._longest, 0.5)
        if means.patience.is_over or pause >= means.patience.left:
            raise StillRunningError(f"{self._told}: it has not ended in time")
        means.clock.sleep(pause)
        self._longest = min(self._longest * 2, LONGEST_PAUSE)


def _blocker(stack_set: StackSet, means: SetMeans) -> SetOperation | None:
    """Return the operation that is at work, as far as it may be read."""
    try:
        found = means.sets.operations(stack_set)
    except CloudError:
        return None
    return next((each for each in found if each.status.is_moving), None)


def _say(stack_set: StackSet, blocker: SetOperation | None, error: BusyError) -> str:
    """Return who is at work, or what the service said where that may not be read."""
    if blocker is None:
        return str(error)
    return (
        f"{stack_set.name}: operation {blocker.operation_id} ({blocker.action}, {blocker.status}, "
        f"since {blocker.created})"
    )


def _progress(stack_set: StackSet, blocker: SetOperation, means: SetMeans) -> str:
    try:
        found = means.sets.instances(stack_set, blocker.operation_id)
    except CloudError:
        return ""
    done = sum(
        each.detailed not in {DetailedStatus.PENDING, DetailedStatus.RUNNING} for each in found
    )
    return f", {done} of {len(found)} instances done" if found else ""


def check_unchanged(spread: Spread, call: SetCall, renewed: bool, means: SetMeans) -> None:
    """Raise `StaleError` if the set is no longer what the next call was written for."""
    stack_set = spread.stack_set
    deployed = means.sets.stack_set(stack_set)
    if call.act is Act.CREATE:
        return
    before = spread.found.deployed
    wanted = stack_set.template.digest
    expected = wanted if renewed or before is None else digest_of(before.template)
    if deployed is None or digest_of(deployed.template) != expected:
        raise StaleError(
            f"{stack_set.name}: somebody else has changed the stack set since it was reviewed; "
            "plan again"
        )
    there = {each.target for each in means.sets.instances(stack_set)}
    joins = call.act in {Act.ADD, Act.IMPORT}
    wrong = call.pairs & there if joins else call.pairs - there
    if wrong:
        state = "are there already" if joins else "are gone"
        names = ", ".join(str(each) for each in sorted(wrong)[:5])
        raise StaleError(
            f"{stack_set.name}: somebody else has changed its instances: {names} {state}; "
            "plan again"
        )
