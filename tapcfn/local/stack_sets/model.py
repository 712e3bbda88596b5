"""What the local cloud keeps of stack sets: plain data, so that it can be saved as it is.

The keys are ours; `reading` gives them the service's names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypedDict

ADMINISTRATION_ROLE = "AWSCloudFormationStackSetAdministrationRole"
EXECUTION_ROLE = "AWSCloudFormationStackSetExecutionRole"
SELF_MANAGED, SERVICE_MANAGED = "SELF_MANAGED", "SERVICE_MANAGED"
SKIPPED_SUSPENDED, FAILED_IMPORT = "SKIPPED_SUSPENDED_ACCOUNT", "FAILED_IMPORT"


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
    """What an operation does to each of its targets; an import is a CREATE to the service."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    DETECT_DRIFT = "DETECT_DRIFT"
    IMPORT = "IMPORT"


class OperationStatus(StrEnum):
    """How far an operation is; QUEUED is one that waits for others to end."""

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


class DriftStatus(StrEnum):
    """Whether a stack is what its template says, as far as anybody looked."""

    DRIFTED = "DRIFTED"
    IN_SYNC = "IN_SYNC"
    UNKNOWN = "UNKNOWN"
    NOT_CHECKED = "NOT_CHECKED"


class Tag(TypedDict):
    """One tag, as the service writes it."""

    Key: str
    Value: str


class Instance(TypedDict):
    """A stack set's reference to one stack; the detailed status is a `ResultStatus` or another.

    `declared` are the parameters that its stack's template had when it was last CURRENT, and `unit`
    is the root or organizational unit by which its account was named.
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
    unit: str
    drift: str
    drift_checked: str


class Gate(TypedDict):
    """What the account gate of a target said."""

    status: str
    reason: str


class Result(TypedDict):
    """What an operation did to one target; without a gate, nobody asked it yet."""

    account: str
    region: str
    status: str
    reason: str
    unit: str
    gate: Gate | None


class Drift(TypedDict):
    """What a detection found in one target: the verdict, and each resource as the service tells."""

    status: str
    resources: list[dict[str, Any]]


class Named(TypedDict):
    """Deployment targets as a request named them."""

    Accounts: list[str]
    AccountsUrl: str
    OrganizationalUnitIds: list[str]
    AccountFilterType: str


class Operation(TypedDict):
    """One operation; results by target, in the order in which the targets were named.

    `named` are the deployment targets of a service-managed set, `stacks` the stacks to import by
    target, and `drifts` what was found of drift by target.
    """

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
    named: Named | None
    stacks: dict[str, str]
    drifts: dict[str, Drift]


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


class AutoDeployment(TypedDict):
    """What becomes of accounts that come and go."""

    enabled: bool
    retain: bool
    depends_on: list[str]


class StackSet(TypedDict):
    """A stack set with its instances by target and its operations by id, oldest first.

    `units` are the roots and organizational units that it is deployed to, with their Regions.
    """

    id: str
    name: str
    arn: str
    status: str
    token: str
    permission_model: str
    auto: AutoDeployment | None
    is_managed: bool
    units: dict[str, list[str]]
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
        unit="",
        drift=DriftStatus.NOT_CHECKED,
        drift_checked="",
    )


def is_service_managed(stack_set: StackSet) -> bool:
    """Tell whether Organizations says who is a target, and no roles are needed."""
    return stack_set["permission_model"] == SERVICE_MANAGED


def home_of(stack_set: StackSet) -> tuple[str, str]:
    """Return the account and the Region that a stack set lives in."""
    _, _, _, region, account, _ = stack_set["arn"].split(":", 5)
    return account, region


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
