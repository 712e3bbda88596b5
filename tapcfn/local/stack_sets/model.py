"""What the local cloud keeps of stack sets: plain data, so that it can be saved as it is.

The keys are ours; `reading` gives them the service's names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypedDict

ADMINISTRATION_ROLE = "AWSCloudFormationStackSetAdministrationRole"
EXECUTION_ROLE = "AWSCloudFormationStackSetExecutionRole"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One account in one Region: where one stack instance lives."""

    account: str
    region: str

    def __str__(self) -> str:
        return f"{self.account}/{self.region}"


class SetStatus(StrEnum):
    """Whether a stack set is still there."""

    ACTIVE = "ACTIVE"
    DELETED = "DELETED"


class Action(StrEnum):
    """What an operation does to each of its targets."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class OperationStatus(StrEnum):
    """How far an operation is; QUEUED is for sets that queue, which are not built yet."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class ResultStatus(StrEnum):
    """How far an operation is with one target."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class InstanceStatus(StrEnum):
    """Whether an instance's stack is what its stack set says."""

    CURRENT = "CURRENT"
    OUTDATED = "OUTDATED"
    INOPERABLE = "INOPERABLE"


MOVING = frozenset({OperationStatus.QUEUED, OperationStatus.RUNNING, OperationStatus.STOPPING})


class Tag(TypedDict):
    """One tag, as the service writes it."""

    Key: str
    Value: str


class Instance(TypedDict):
    """A stack set's reference to one stack; the detailed status is a `ResultStatus` or INOPERABLE.

    `declared` are the parameters that its stack's template had when it was last CURRENT.
    """

    account: str
    region: str
    stack_id: str
    status: str
    detailed_status: str
    reason: str
    overrides: dict[str, str]
    declared: list[str]
    last_operation: str


class Result(TypedDict):
    """What an operation did to one target."""

    account: str
    region: str
    status: str
    reason: str


class Operation(TypedDict):
    """One operation; results by target, in the order in which the targets were named."""

    id: str
    action: str
    status: str
    reason: str
    preferences: dict[str, str | int | list[str]]
    retain_stacks: bool
    administration_role: str
    execution_role: str
    created: str
    ended: str
    results: dict[str, Result]


class Definition(TypedDict):
    """What every instance of a stack set is made from; `secret` names the NoEcho parameters."""

    description: str
    template: str
    parameters: dict[str, str]
    secret: list[str]
    tags: list[Tag]
    capabilities: list[str]
    administration_role: str
    execution_role: str


class StackSet(TypedDict):
    """A stack set with its instances by target and its operations by id, oldest first."""

    id: str
    name: str
    arn: str
    status: str
    token: str
    definition: Definition
    instances: dict[str, Instance]
    operations: dict[str, Operation]


def target_of(place: Instance | Result) -> Target:
    """Return where an instance or a result belongs."""
    return Target(place["account"], place["region"])


def new_instance(target: Target) -> Instance:
    """Return an instance that has no stack yet."""
    return Instance(
        account=target.account,
        region=target.region,
        stack_id="",
        status=InstanceStatus.OUTDATED,
        detailed_status=ResultStatus.PENDING,
        reason="",
        overrides={},
        declared=[],
        last_operation="",
    )


def moving_operation(stack_set: StackSet) -> Operation | None:
    """Return the operation that has not ended, if there is one."""
    return next((each for each in stack_set["operations"].values() if is_moving(each)), None)


def is_moving(operation: Operation) -> bool:
    """Tell whether an operation has not ended."""
    return operation["status"] in MOVING


def with_status(operation: Operation, *statuses: ResultStatus) -> list[Result]:
    """Return the results that are in one of these statuses."""
    return [each for each in operation["results"].values() if each["status"] in statuses]


def now() -> str:
    """Return the time as the service writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
