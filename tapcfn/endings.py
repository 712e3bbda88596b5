"""How each unit of a run ended: kept, told, and never raised half way."""

from __future__ import annotations

from collections.abc import Iterable

from tapcfn.errors import (
    BlockedError,
    CloudError,
    NotBegunError,
    StaleError,
    StillRunningError,
    TapcfnError,
)
from tapcfn.events import (
    Event,
    FindingRaised,
    Notify,
    Outcome,
    StackEnded,
)
from tapcfn.model import Deployed, Ending, Stack
from tapcfn.operations import Look, Operation
from tapcfn.ports import Clock, Unit


class Endings:
    """What has ended, and when something was last told of a run."""

    def __init__(self, clock: Clock, notify: Notify) -> None:
        self._clock, self._notify = clock, notify
        self.by_name: dict[str, StackEnded] = {}
        self.quiet_since = clock.now()

    @property
    def all_succeeded(self) -> bool:
        """Whether nothing that has ended has failed."""
        return self.first_failed is None

    @property
    def first_failed(self) -> str | None:
        """The name of what failed first, if anything did."""
        return next((name for name, each in self.by_name.items() if not each.succeeded), None)

    def failed_of(self, names: Iterable[str]) -> list[str]:
        """Return those of these that have ended and not succeeded, by name."""
        ended = (self.by_name[name] for name in names if name in self.by_name)
        return sorted(each.stack for each in ended if not each.succeeded)

    def outcome(self, *, interrupted: bool) -> Outcome:
        """Return how all of them ended."""
        return Outcome(tuple(self.by_name.values()), interrupted)

    def end(
        self,
        unit: Unit,
        ending: Ending,
        cause: str = "",
        *,
        status: str = "",
        seconds: float = 0.0,
        exit_code: int = 0,
        warnings: tuple[str, ...] = (),
        operation_id: str = "",
    ) -> None:
        """Keep and tell how a unit ended."""
        told = (cause, status, seconds, exit_code, warnings, operation_id)
        self.finish(StackEnded(unit.name, unit.target, ending, *told))

    def fail(self, unit: Unit, error: BaseException | None) -> None:
        """End a unit with an error of ours; anything else is a fault of the program."""
        if not isinstance(error, TapcfnError):
            raise error or RuntimeError(f"{unit.name}: no answer")
        if isinstance(error, CloudError) and error.is_of_expired_credentials:
            error = NotBegunError(f"not started: {error}")
        ending = Ending.BLOCKED if isinstance(error, BlockedError | StaleError) else Ending.FAILED
        if isinstance(error, StillRunningError):
            ending = Ending.SKIPPED if isinstance(error, NotBegunError) else Ending.RUNNING
        self.end(unit, ending, str(error), exit_code=error.exit_code)

    def lose(self, stack: Stack, cause: str) -> None:
        """End a stack that can no longer be watched: CloudFormation goes on all the same."""
        self.end(stack, Ending.RUNNING, cause, exit_code=StillRunningError.exit_code)

    def settle(self, operation: Operation, deployed: Deployed, seen: Look) -> None:
        """Judge an operation that is over."""
        for finding in seen.left:
            self._notify(FindingRaised(finding, operation.stack.target))
        succeeded = operation.succeeded_with(deployed.status) and not seen.failed
        self.end(
            operation.stack,
            Ending.DONE if succeeded else Ending.FAILED,
            seen.cause,
            status=deployed.status,
            seconds=self._clock.now() - operation.started,
            exit_code=int(not succeeded),
            warnings=tuple(f"{each.logical_id}: {each.message}".lstrip(": ") for each in seen.left),
            operation_id=operation.id_in(deployed),
        )

    def finish(self, ended: StackEnded) -> None:
        """Take an ending as it is."""
        self.by_name[ended.stack] = ended
        self.say(ended)

    def say(self, event: Event) -> None:
        """Tell something, so that the run is not silent."""
        self.quiet_since = self._clock.now()
        self._notify(event)
