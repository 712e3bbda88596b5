"""Cancel updates that are under way, for whoever asked for that on an interrupt. (X-35)"""

from __future__ import annotations

from collections.abc import Container, Iterable
from functools import partial

from tapcfn.errors import TapcfnError
from tapcfn.events import Diagnosed, Notify
from tapcfn.flights import Flights
from tapcfn.model import Stack, canonical, digest_of
from tapcfn.operations import Means, Operation


class Cancelling:
    """What a run has asked to be cancelled: each update once; anything else goes on."""

    def __init__(self, means: Means, flights: Flights, notify: Notify) -> None:
        self._means, self._flights, self._notify = means, flights, notify
        self._asked: set[str] = set()
        self._refused: set[str] = set()

    def cancel(self, operations: Iterable[Operation]) -> None:
        """Ask for those that may be cancelled and were not asked for before."""
        for each in operations:
            if each.stack.name not in self._asked and may_be_cancelled(each):
                self._asked.add(each.stack.name)
                self._flights.send("cancel", each.stack, partial(cancel, each, self._means))

    def take(self, stack: Stack, error: BaseException | None) -> None:
        """Say what became of it."""
        if error is None:
            text = f"{stack.name}: its update is cancelled; CloudFormation rolls it back"
            self._notify(Diagnosed("info", text))
        elif isinstance(error, TapcfnError):
            self._refused.add(stack.name)
            self._notify(Diagnosed("warning", f"{stack.name}: was not cancelled: {error}"))
        else:
            raise error

    def under_way(self, moving: Container[str]) -> frozenset[str]:
        """Return the stacks of these that are being rolled back."""
        return frozenset(name for name in self._asked - self._refused if name in moving)


def may_be_cancelled(operation: Operation) -> bool:
    """Whether the service cancels such an operation: an update, and one that this run began."""
    return operation.action == "update" and not operation.adopted


def cancel(operation: Operation, means: Means) -> None:
    """Ask for an update to be rolled back; its token is in the ledger before it is sent."""
    token = "tapcfn-" + digest_of(canonical(["cancel", operation.token]))[:40]
    means.ledger.intend("cancel", operation.stack, token)
    means.cloud.cancel(operation.stack_id, operation.stack.target, token)
