"""What an action of AWS's is done with, and what its two functions look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tapcfn.acting import ActionState, ActionStatus
from tapcfn.aws.firmly import Firmly
from tapcfn.aws.session import Clients
from tapcfn.model import EMPTY, Target
from tapcfn.waits import Patience

Facts: TypeAlias = Mapping[str, str]

ABSENT = ActionState(ActionStatus.ABSENT)


@dataclass(frozen=True, slots=True)
class Door:
    """The clients of a run, and how long it may ask."""

    clients: Clients
    firmly: Firmly
    patience: Patience

    def __call__(self, service: str, target: Target) -> Any:
        """Return the client of a service in a target; boto3 makes its type at run time."""
        return self.clients(service, target)


@dataclass(frozen=True, slots=True)
class How:
    """How one type of action is looked at and begun.

    Both take the door, the action and its token. `begin` begins and waits for nothing, and may be
    sent twice with the same token; of an action with steps, the one that `look` said is ready. It
    returns what only who begins can know, such as what was there before: that goes into the facts
    of every later look of the same run.
    """

    look: Callable[[Door, Any, str], ActionState]
    begin: Callable[[Door, Any, str], Facts]


def done(text: str = "", facts: Facts = EMPTY) -> ActionState:
    """Return the state of an action that is done."""
    return ActionState(ActionStatus.DONE, text, facts)


def ready(text: str = "", facts: Facts = EMPTY) -> ActionState:
    """Return the state of an action whose next step can begin."""
    return ActionState(ActionStatus.READY, text, facts)


def running(text: str, facts: Facts = EMPTY) -> ActionState:
    """Return the state of an action that is on its way."""
    return ActionState(ActionStatus.RUNNING, text, facts)


def failed(text: str, facts: Facts = EMPTY) -> ActionState:
    """Return the state of an action that has failed."""
    return ActionState(ActionStatus.FAILED, text, facts)


def nothing(_door: Door, _action: Any, _token: str) -> Facts:
    """Begin what needs no beginning: a look, or a wait for others."""
    return EMPTY
