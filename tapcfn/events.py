"""What happened, as values: told while a run goes on, and turned into text by `report`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tapcfn.gates import Verdict
from tapcfn.model import EMPTY, Change, Ending, Finding, Gate, SourceLine, StackEvent, Target


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A command begins. `resumes` names the run that it goes on with."""

    command: str
    plan_digest: str | None
    targets: tuple[Target, ...]
    blueprint: str = ""
    stage: str = ""
    backend: str = ""
    resumes: str = ""


@dataclass(frozen=True, slots=True)
class StackPlanned:
    """What will be done to one stack; `change_set` is its ARN where there is one.

    `capabilities` has the resources that need each of them. `layer` is what its template is
    called, and `contents` how many resources of each type are in it.
    """

    stack: str
    target: Target
    phase: str
    wave: int
    verb: str
    reason: str
    change_set: str | None = None
    counts: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    needs: tuple[str, ...] = ()
    capabilities: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    layer: str = ""
    contents: Mapping[str, int] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class InstancePlanned:
    """What will be done to one instance of a stack set: none for one that stays as it is."""

    stack_set: str
    target: Target
    verb: str


@dataclass(frozen=True, slots=True)
class ChangePlanned:
    """One resource of a change set.

    `nested` is the path of logical IDs to the nested stack that it is in, empty at the root.
    """

    stack: str
    target: Target
    change: Change
    source: SourceLine | None = None
    nested: str = ""


@dataclass(frozen=True, slots=True)
class FindingRaised:
    """One objection."""

    finding: Finding
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class OperationStarted:
    """CloudFormation has been told to do something, or was found doing it (`adopted`).

    `usual` is how many seconds the same took before, where that is known.
    """

    stack: str
    target: Target
    action: str
    token: str
    adopted: bool = False
    usual: float | None = None


@dataclass(frozen=True, slots=True)
class ResourceMoved:
    """A line of a stack's history."""

    stack: str
    target: Target
    event: StackEvent
    source: SourceLine | None = None


@dataclass(frozen=True, slots=True)
class StackMoved:
    """A sweep saw a stack in another status than before, or somebody asked where it stands."""

    stack: str
    target: Target
    status: str
    updated: str = ""
    protected: bool | None = None


@dataclass(frozen=True, slots=True)
class StackEnded:
    """One stack's part of the run is over. `seconds` is how long it took.

    `warnings` says what a success has left undone; `operation_id` is the service's own name for
    what it did, where that is known.
    """

    stack: str
    target: Target
    ending: Ending
    cause: str = ""
    status: str = ""
    seconds: float = 0.0
    exit_code: int = 0
    warnings: tuple[str, ...] = ()
    operation_id: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether whoever depends on this stack may start."""
        return self.ending in {Ending.DONE, Ending.UNCHANGED}


@dataclass(frozen=True, slots=True)
class WaveStarted:
    """Some of a stack set's pairs have their turn."""

    stack_set: str
    target: Target
    wave: str
    pairs: int


@dataclass(frozen=True, slots=True)
class WaveEnded:
    """The pairs of a wave are done; so many of them are not as wanted."""

    stack_set: str
    target: Target
    wave: str
    failed: int


@dataclass(frozen=True, slots=True)
class SetOperationStarted:
    """A stack set has been told to do something, or was found doing it (`adopted`).

    `usual` is how many seconds an instance took before, where that is known.
    """

    stack_set: str
    target: Target
    action: str
    operation_id: str
    pairs: frozenset[Target] = frozenset()
    adopted: bool = False
    usual: float | None = None


@dataclass(frozen=True, slots=True)
class InstanceMoved:
    """An instance was seen in another status than before; DELETED is ours for one that is gone.

    `cause` is the first failed event of a stack that failed for such a reason.
    """

    stack_set: str
    target: Target
    operation_id: str
    status: str
    detailed: str
    reason: str = ""
    stack_id: str = ""
    unit: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class InstancesMoved:
    """All that one look at an operation told, so that a crowd can be told as one."""

    moved: tuple[InstanceMoved, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason, how many instances failed of it, and the first of them."""

    reason: str
    count: int
    first: str


@dataclass(frozen=True, slots=True)
class SetOperationEnded:
    """A stack set's operation is over; `cancelled` are a consequence, never a cause."""

    stack_set: str
    target: Target
    action: str
    operation_id: str
    status: str
    seconds: float
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    skipped: int = 0
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class GateJudged:
    """A gate that holds back a unit stands otherwise than before, or is over.

    `asked` is the gate itself, where it is at hand. `seconds` is for how long it has been open.
    """

    unit: str
    target: Target | None
    gate: str
    verdict: Verdict
    asked: Gate | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class MoveStarted:
    """A rollout takes one of its steps, or takes it back."""

    move: str
    says: str
    back: bool = False


@dataclass(frozen=True, slots=True)
class MoveEnded:
    """A step is over: its gates have held, or why not."""

    move: str
    passed: bool
    cause: str = ""
    back: bool = False


@dataclass(frozen=True, slots=True)
class ActionStarted:
    """Something that CloudFormation is not asked for has been begun, or was found at work."""

    action: str
    target: Target
    says: str
    token: str
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class ActionEnded:
    """An action is done or has failed; `unchanged` where it had been done before."""

    action: str
    target: Target
    token: str
    status: str
    seconds: float
    text: str = ""
    facts: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing new to tell, but the run is alive; `left` is how long it may still take."""

    waiting_on: tuple[str, ...]
    seconds: float
    left: float | None = None


@dataclass(frozen=True, slots=True)
class UnitOutputs:
    """All that one stack, or one instance of a stack set, puts out, by key."""

    stack: str
    target: Target
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OutputsKnown:
    """The rollout's outputs by name; and all outputs of its `units`, for the file."""

    values: Mapping[str, str]
    units: tuple[UnitOutputs, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command that only answers was asked for, as a document with a type of its own."""

    type: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """Something a person should know that belongs to no stack.

    `retryable` says whether the same may be answered later, where a call brought it about.
    """

    level: str
    message: str
    code: str = ""
    hint: str = ""
    request_id: str = ""
    retryable: bool | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every stack's ending, and the exit code that sums them up."""

    endings: tuple[StackEnded, ...] = ()
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """The first of 130, 1, 6, 4, 7, 5 that some stack or stack set asks for, else 0.

        A code that no stack should ask for is a failure like any other.
        """
        codes = {ended.exit_code for ended in self.endings} | ({130} if self.interrupted else set())
        return next((code for code in (130, 1, 6, 4, 7, 5) if code in codes), int(any(codes)))

    def ended(self, ending: Ending) -> tuple[StackEnded, ...]:
        """Return the stacks that ended this way."""
        return tuple(each for each in self.endings if each.ending is ending)


@dataclass(frozen=True, slots=True)
class Summarised:
    """The last word of every command. `resume` is a command line, where there is something to.

    `ways` are other commands that lead on, or back, each after what it is for.
    """

    status: str
    exit_code: int
    outcome: Outcome = field(default_factory=Outcome)
    resume: str | None = None
    calls: int = 0
    throttles: int = 0
    seconds: float = 0.0
    longest_wait: float = 0.0
    ways: tuple[tuple[str, str], ...] = ()


Event: TypeAlias = (
    RunStarted
    | StackPlanned
    | InstancePlanned
    | ChangePlanned
    | FindingRaised
    | OperationStarted
    | ResourceMoved
    | StackMoved
    | StackEnded
    | WaveStarted
    | WaveEnded
    | SetOperationStarted
    | InstanceMoved
    | InstancesMoved
    | SetOperationEnded
    | MoveStarted
    | MoveEnded
    | ActionStarted
    | ActionEnded
    | GateJudged
    | Waiting
    | OutputsKnown
    | Answered
    | Diagnosed
    | Summarised
)

Notify: TypeAlias = Callable[[Event], None]
