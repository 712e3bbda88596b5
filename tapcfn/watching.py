"""Watch operations until they end: one sweep for each target, and a closer look at whoever left it.

Runs in the one thread that decides; the calls are made elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from tapcfn.errors import CloudError, TapcfnError, UnknownStatusError
from tapcfn.events import OperationStarted, ResourceMoved, StackMoved
from tapcfn.flights import Flights
from tapcfn.model import Deployed, Stack, StackStatus, Target
from tapcfn.operations import Look, Means, Operation, look
from tapcfn.sweeps import Sweeps, Watched
from tapcfn.trouble import Trouble
from tapcfn.waits import Pace

# Seconds between two looks at the history of one stack while it moves.
HISTORY_EVERY = 2.0


@dataclass(slots=True)
class Moving:
    """An operation under watch."""

    operation: Operation
    usual: float | None = None
    status: str = ""
    looked: float = 0.0
    looking: bool = False
    told: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Ends:
    """Who is told how the watching of a stack ended.

    `settled` gets an operation that is over, `failed` a stack in a state that is unknown, and
    `lost` one whose state can no longer be read, with the reason.
    """

    settled: Callable[[Operation, Deployed, Look], None]
    failed: Callable[[Stack, BaseException | None], None]
    lost: Callable[[Stack, str], None]


class Watching:
    """What moves, and when it was last looked at. `crowd` is how much there is to do by target."""

    def __init__(
        self,
        means: Means,
        flights: Flights,
        pace: Pace,
        trouble: Trouble,
        tell: Callable[[OperationStarted | ResourceMoved | StackMoved], None],
        ends: Ends,
    ) -> None:
        self._means, self._flights, self._trouble = means, flights, trouble
        self._clock = means.clock
        self._tell, self._ends = tell, ends
        self._sweeps = Sweeps(means.clock, pace)
        self.moving: dict[str, Moving] = {}
        self.crowd: Counter[Target] = Counter()

    def watch(self, operation: Operation) -> None:
        """Begin to watch an operation."""
        usual = self._means.ledger.usually(operation.action, operation.stack)
        if operation.adopted:
            usual = None
        self.moving[operation.stack.name] = Moving(operation, usual, looked=self._clock.now())
        self._tell(
            OperationStarted(
                operation.stack.name,
                operation.stack.target,
                operation.action,
                operation.token,
                operation.adopted,
                usual,
            )
        )

    def adopt(self, stack: Stack, deployed: Deployed) -> None:
        """Watch whatever is found at work on a stack, ours or not."""
        token = self._token_of(stack, deployed)
        if not self._means.ledger.is_ours(token):
            self._trouble.warn(
                f"{stack.name}: is {deployed.status}, and this folder did not start it; "
                "waiting for it to end"
            )
        action = deployed.status.partition("_")[0].lower()
        now = self._clock.now()
        self.watch(Operation(stack, deployed.stack_id, token, action, now, (token,), adopted=True))

    def _token_of(self, stack: Stack, deployed: Deployed) -> str:
        """Return the token of what a stack is doing; empty, for any, where it can't be read."""
        try:
            history = self._means.cloud.events(deployed.stack_id, stack.target, "")
        except TapcfnError as error:
            self._trouble.warn(f"{stack.name}: {error}; waiting for whatever it does", error)
            return ""
        return history[-1].token if history else ""

    def elapsed(self, stack: str) -> float:
        """Return for how many seconds a stack has been moving."""
        moving = self.moving.get(stack)
        return self._clock.now() - moving.operation.started if moving else 0.0

    def dues(self) -> dict[Target, float]:
        """Return when to ask about each target where something moves and nobody is asking."""
        watched: dict[Target, list[Watched]] = {}
        for each in self.moving.values():
            target = each.operation.stack.target
            if not self._sweeps.is_under_way(target):
                watched.setdefault(target, []).append(Watched(each.operation.started, each.usual))
        return {
            target: self._sweeps.due(target, found, self.crowd[target])
            for target, found in watched.items()
        }

    def sweep(self) -> None:
        """Ask once for each target that has something moving, at the pace of its most urgent."""
        now = self._clock.now()
        for target, due in sorted(self.dues().items()):
            if now >= due:
                self._sweeps.begin(target)
                self._flights.send("sweep", target, partial(self._means.cloud.moving, target))

    def take_sweep(
        self,
        target: Target,
        error: BaseException | None,
        moving: Mapping[str, StackStatus] | None,
    ) -> None:
        """Look closer at whoever left the list; a sweep that failed is tried again later.

        Where it always will fail, each stack is asked about instead.
        """
        passing = isinstance(error, CloudError) and error.passing
        self._sweeps.end(target, throttled=passing)
        if moving is None:
            if not self._trouble.is_in_vain(str(target), error):
                self._trouble.look_again(str(target), error)
                return
            self._trouble.warn(f"{target}: {error}; asking about each stack instead", error)
            moving = {}
        else:
            self._trouble.is_over(str(target))
        here = {
            name: each
            for name, each in self.moving.items()
            if each.operation.stack.target == target
        }
        for name, each in here.items():
            self._follow(name, each, moving.get(each.operation.stack_id))
        if not any(each.looking for each in here.values()):
            self._read_along(list(here.values()))

    def _follow(self, name: str, each: Moving, status: StackStatus | None) -> None:
        """Tell a new status; a stack that has left the list is looked at."""
        if status is None and not each.looking:
            self._fly_look(each, still=True)
        elif status is not None and status != each.status:
            each.status = status
            self._tell(StackMoved(name, each.operation.stack.target, status))

    def _read_along(self, moving: list[Moving]) -> None:
        """Read the history of one stack that still moves: calls do not grow with the stacks.

        An end comes first: where one is looked at, nothing is read along.
        """
        if moving:
            longest = min(moving, key=lambda each: each.looked)
            if self._clock.now() - longest.looked >= HISTORY_EVERY:
                self._fly_look(longest)

    def _fly_look(self, each: Moving, *, still: bool = False) -> None:
        each.looking, each.looked = True, self._clock.now()
        work = partial(look, each.operation, self._means, still=still)
        self._flights.send("look", each.operation.stack, work)

    def take_look(self, stack: Stack, error: BaseException | None, seen: Look | None) -> None:
        """Tell what a look brought that was not told yet; end the watching where it is over."""
        each = self.moving[stack.name]
        each.looking = False
        if seen is None:
            self._take_no_look(stack, error)
            return
        self._trouble.is_over(stack.name)
        if seen.blind:
            self._trouble.warn(f"{stack.name}: without its history: {seen.blind}")
        for event in seen.events:
            if event.event_id not in each.told:
                each.told.add(event.event_id)
                source = stack.template.source.get(event.logical_id)
                self._tell(ResourceMoved(stack.name, stack.target, event, source))
        if seen.settled is not None:
            del self.moving[stack.name]
            self._ends.settled(each.operation, seen.settled, seen)

    def _take_no_look(self, stack: Stack, error: BaseException | None) -> None:
        """Look again, or stop watching where that is in vain: CloudFormation goes on all the same.

        A state that we do not know is no success, and nothing is done to that stack. (X-37)
        """
        if isinstance(error, UnknownStatusError):
            del self.moving[stack.name]
            self._ends.failed(stack, error)
        elif self._trouble.is_in_vain(stack.name, error):
            del self.moving[stack.name]
            self._ends.lost(stack, f"its state can no longer be read: {error}")
        else:
            self._trouble.look_again(stack.name, error)
