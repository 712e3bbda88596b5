"""Do one action: look whether it is done, begin it once, and wait for its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Protocol

from tapcfn.actions import says
from tapcfn.errors import CloudError, StackError, StillRunningError
from tapcfn.events import ActionEnded, ActionStarted, Notify, Waiting
from tapcfn.model import EMPTY, Action, canonical, digest_of
from tapcfn.ports import Clock, Ledger
from tapcfn.trouble import Trouble
from tapcfn.waits import Pace, Patience

HEARTBEAT_EVERY = 30.0


class ActionStatus(StrEnum):
    """Where an action stands. READY: one of its steps is over, and the next can begin."""

    ABSENT = "absent"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ActionState:
    """What a look at an action saw: how far it is in `text`, and what came of it in `facts`.

    DONE means that what the action is for is so, whoever did it. `facts` hold no secret.
    """

    status: ActionStatus
    text: str = ""
    facts: Mapping[str, str] = field(default_factory=lambda: EMPTY)


class ActionCloud(Protocol):
    """Looks at actions and begins them; every output in them is filled in."""

    def look(self, action: Action, token: str) -> ActionState:
        """Return where an action stands. `token` is what it would be, or was, begun with.

        Raises `CloudError`.
        """
        ...

    def begin(self, action: Action, token: str) -> None:
        """Begin the action, or the step that it is ready for, and return: nothing is waited for.

        Sent again with the same token it is the same: nothing twice.
        """
        ...


@dataclass(frozen=True, slots=True)
class ActMeans:
    """The ports that an action is done with."""

    cloud: ActionCloud
    clock: Clock
    ledger: Ledger
    patience: Patience
    notify: Notify
    pace: Pace = field(default_factory=lambda: Pace(cap=15.0))


def act(action: Action, means: ActMeans) -> ActionState:
    """Return the state of an action that is done.

    Raises `StackError` where it failed, `StillRunningError` at the deadline or after an interrupt:
    it goes on by itself then, and the next run finds it.
    """
    token = _token(action, means.ledger)
    started = means.clock.now()
    state = means.cloud.look(action, token)
    if state.status is ActionStatus.DONE:
        _tell(action, token, state, 0.0, means, adopted=True)
        return state
    adopted = state.status is ActionStatus.RUNNING
    if not adopted:
        if means.ledger.fault:
            raise StackError(f"{action.name}: {means.ledger.fault}")
        means.ledger.intend("act", action, token)
        means.cloud.begin(action, token)
    means.notify(ActionStarted(action.name, action.target, says(action), token, adopted))
    state = _settled(action, token, means, started)
    seconds = means.clock.now() - started
    means.ledger.ended(token)
    _tell(action, token, state, seconds, means)
    if state.status is not ActionStatus.DONE:
        raise StackError(f"{action.name}: could not {says(action)}: {state.text}")
    return state


def _token(action: Action, ledger: Ledger) -> str:
    """Return the action's token: another one once an earlier attempt is known to be over."""
    words = [type(action).__name__, repr(action)]
    tokens = ("tapcfn-" + digest_of(canonical([*words, at]))[:40] for at in count())
    return next(token for token in tokens if not ledger.has_ended(token))


def _settled(action: Action, token: str, means: ActMeans, started: float) -> ActionState:
    """Wait until the action is done or has failed, and begin each step that it is ready for.

    A read that failed is looked at again.
    """
    clock, patience = means.clock, means.patience
    trouble = Trouble(clock, means.notify)
    quiet_since, text = clock.now(), ""
    while True:
        try:
            state = means.cloud.look(action, token)
            trouble.is_over(action.name)
            if state.status in {ActionStatus.DONE, ActionStatus.FAILED}:
                return state
            text = state.text
            if state.status is ActionStatus.READY:
                means.cloud.begin(action, token)
        except CloudError as error:
            if trouble.is_in_vain(action.name, error):
                raise
            trouble.look_again(action.name, error)
        now = clock.now()
        pause = means.pace.pause(now - started)
        if patience.is_over or pause > patience.left:
            raise StillRunningError(f"{action.name}: goes on by itself; {text or 'begun'}")
        if now - quiet_since >= HEARTBEAT_EVERY:
            quiet_since = now
            means.notify(
                Waiting((f"{action.name}: {text}" if text else action.name,), now - started)
            )
        clock.sleep(pause)


def _tell(
    action: Action,
    token: str,
    state: ActionState,
    seconds: float,
    means: ActMeans,
    *,
    adopted: bool = False,
) -> None:
    means.notify(
        ActionEnded(
            action.name,
            action.target,
            token,
            state.status,
            seconds,
            state.text,
            dict(state.facts),
            adopted,
        )
    )
