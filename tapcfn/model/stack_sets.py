"""One template in many targets, through CloudFormation StackSets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from tapcfn.model.gates import Gate
from tapcfn.model.places import Target
from tapcfn.model.stacks import OutputOf, ParameterValue
from tapcfn.model.templates import EMPTY, TemplateBody

# The names that the service looks for where none is given.
ADMINISTRATION_ROLE = "AWSCloudFormationStackSetAdministrationRole"
EXECUTION_ROLE = "AWSCloudFormationStackSetExecutionRole"


@dataclass(frozen=True, slots=True)
class Share:
    """A count, or a percentage of something that is counted."""

    number: int
    percent: bool = False

    def __str__(self) -> str:
        return f"{self.number} %" if self.percent else str(self.number)

    def of(self, total: int) -> int:
        """Return the count; a percentage rounds down, as the service does."""
        return total * self.number // 100 if self.percent else self.number


@dataclass(frozen=True, slots=True)
class Preferences:
    """How an operation goes about its accounts: counted in each Region on its own.

    The service's own defaults: Region after Region, one account at a time, none may fail. With
    `soft` the concurrency does not shrink to the tolerance plus one.
    """

    region_order: tuple[str, ...] = ()
    parallel: bool = False
    tolerance: Share = Share(0)
    concurrent: Share = Share(1)
    soft: bool = False


@dataclass(frozen=True, slots=True)
class SelfManaged:
    """The roles are ours. An empty administration role means the one of the usual name."""

    administration_role: str = ""
    execution_role: str = EXECUTION_ROLE


@dataclass(frozen=True, slots=True)
class AutoDeployment:
    """Accounts that join or leave an organizational unit get or lose their instances.

    `after` names stack sets of the same administrator whose instances an account gets before.
    """

    retain: bool = False
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceManaged:
    """The roles are the service's. `delegated` calls as a delegated administrator."""

    delegated: bool = False
    auto: AutoDeployment | None = None


Permission: TypeAlias = SelfManaged | ServiceManaged


class AccountFilter(StrEnum):
    """What the accounts that are named beside organizational units do to them."""

    NONE = "NONE"
    INTERSECTION = "INTERSECTION"
    DIFFERENCE = "DIFFERENCE"
    UNION = "UNION"


@dataclass(frozen=True, slots=True)
class Organization:
    """Organizational units in some Regions, for service-managed sets."""

    units: tuple[str, ...]
    regions: tuple[str, ...]
    filter: AccountFilter = AccountFilter.NONE
    accounts: frozenset[str] = frozenset()

    def means(self, account: str) -> bool:
        """Whether an account under its units is meant by the filter."""
        if self.filter is AccountFilter.INTERSECTION:
            return account in self.accounts
        return self.filter is not AccountFilter.DIFFERENCE or account not in self.accounts


@dataclass(frozen=True, slots=True)
class Wave:
    """Some of a set's pairs that go before the rest, and what must hold before that goes on.

    `size` is the pairs themselves, or a share of all of them, taken from those that are left.
    `bake` is how many seconds to wait before the gates are asked.
    """

    name: str
    size: frozenset[Target] | Share
    gates: tuple[Gate, ...] = ()
    bake: float = 0.0


@dataclass(frozen=True, slots=True)
class StackSet:
    """One template in a set of pairs, never two lists.

    `home` is the administrator's account and the Region that keeps the set. `pairs` is empty where
    an `organization` says who is meant. `overrides` put other values in the place of `parameters`
    for one pair. `queues` lets conflicting operations wait in line; `retain` keeps the stacks of
    pairs that leave.
    """

    name: str
    home: Target
    template: TemplateBody
    pairs: frozenset[Target] = frozenset()
    organization: Organization | None = None
    parameters: Mapping[str, ParameterValue] = field(default_factory=lambda: EMPTY)
    overrides: Mapping[Target, Mapping[str, ParameterValue]] = field(default_factory=lambda: EMPTY)
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    permission: Permission = SelfManaged()
    preferences: Preferences = Preferences()
    waves: tuple[Wave, ...] = ()
    queues: bool = False
    retain: bool = False

    @property
    def target(self) -> Target:
        """Where the set itself lives."""
        return self.home

    @property
    def regions(self) -> tuple[str, ...]:
        """The Regions of its targets, sorted."""
        named = self.organization.regions if self.organization else ()
        return tuple(sorted({pair.region for pair in self.pairs} | set(named)))

    @property
    def facts(self) -> list[object]:
        """All that is wanted of the set, as plain data that can be digested."""
        organization = self.organization
        return [
            self.name,
            str(self.home),
            self.template.digest,
            sorted(str(each) for each in self.pairs),
            organization
            and [
                sorted(organization.units),
                sorted(organization.regions),
                organization.filter,
                sorted(organization.accounts),
            ],
            _told(self.parameters),
            {str(pair): _told(told) for pair, told in self.overrides.items()},
            dict(self.tags),
            repr(self.permission),
            repr(self.preferences),
            [_facts_of(wave) for wave in self.waves],
            self.queues,
            self.retain,
        ]

    @property
    def needs(self) -> frozenset[str]:
        """Names of the stacks whose outputs feed the set's parameters."""
        values = [*self.parameters.values()]
        values += [value for given in self.overrides.values() for value in given.values()]
        return frozenset(value.stack for value in values if isinstance(value, OutputOf))


def _told(values: Mapping[str, ParameterValue]) -> dict[str, list[str]]:
    return {key: [type(value).__name__, str(value)] for key, value in values.items()}


def _facts_of(wave: Wave) -> list[object]:
    size = wave.size
    pairs = str(size) if isinstance(size, Share) else sorted(str(each) for each in size)
    return [wave.name, pairs, [repr(gate) for gate in wave.gates], wave.bake]


class SetOperationStatus(StrEnum):
    """The service's words for where an operation of a set stands."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    QUEUED = "QUEUED"

    @property
    def is_moving(self) -> bool:
        """Whether there is something to wait for."""
        return self in {
            SetOperationStatus.RUNNING,
            SetOperationStatus.STOPPING,
            SetOperationStatus.QUEUED,
        }


class InstanceStatus(StrEnum):
    """Whether an instance has what the set has; INOPERABLE ones are passed over by updates."""

    CURRENT = "CURRENT"
    OUTDATED = "OUTDATED"
    INOPERABLE = "INOPERABLE"


class DetailedStatus(StrEnum):
    """How an instance stands in the last operation that touched it."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    INOPERABLE = "INOPERABLE"
    SKIPPED_SUSPENDED_ACCOUNT = "SKIPPED_SUSPENDED_ACCOUNT"
    FAILED_IMPORT = "FAILED_IMPORT"


class ResultStatus(StrEnum):
    """How one pair ended in one operation."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Instance:
    """A set's reference to a stack in a target, as the service tells it.

    `operation` is the id of the last operation that touched it. `overrides` is None where it was
    not asked for: that costs a call for each instance.
    """

    target: Target
    status: InstanceStatus
    detailed: DetailedStatus
    reason: str = ""
    stack_id: str = ""
    operation: str = ""
    unit: str = ""
    drift: str = ""
    overrides: Mapping[str, str] | None = None

    @property
    def is_well(self) -> bool:
        """Whether it has what the set has, and the last operation on it went well."""
        return self.status is InstanceStatus.CURRENT and self.detailed is DetailedStatus.SUCCEEDED


@dataclass(frozen=True, slots=True)
class DeployedSet:
    """A stack set as it stands; `template` is canonical if it is JSON, else as it was sent."""

    name: str
    set_id: str
    template: str
    arn: str = ""
    description: str = ""
    parameters: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    capabilities: tuple[str, ...] = ()
    permission: Permission = SelfManaged()
    queues: bool = False
    units: tuple[str, ...] = ()
    drift: str = ""


@dataclass(frozen=True, slots=True)
class SetOperation:
    """One operation on a set. `failed` is the service's count of instances that failed."""

    operation_id: str
    action: str
    status: SetOperationStatus
    reason: str = ""
    created: str = ""
    ended: str = ""
    retain: bool = False
    failed: int | None = None
    preferences: Preferences = Preferences()


@dataclass(frozen=True, slots=True)
class SetResult:
    """How one pair ended in an operation. `gate` is what the account gate said, if there is one."""

    target: Target
    status: ResultStatus
    reason: str = ""
    gate: str = ""
    gate_reason: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """An account of an organization: the unit that it stands in, and whether it is suspended.

    Nothing can be deployed to an account that is not active: all such are `suspended` here.
    """

    account: str
    unit: str
    suspended: bool = False
    name: str = ""

    def __str__(self) -> str:
        return f"{self.account} ({self.name})" if self.name else self.account


@dataclass(frozen=True, slots=True)
class FoundSet:
    """What there is of a set: nothing, or the set and its instances with their overrides.

    `members` are the accounts that an organization's units stand for now; `zones` the sorted
    Availability Zones of each pair that must be told its own. `last_operation` is the newest one's
    id, empty where there was none, and None where it was not read. `moved` are instances that would
    change because values that their template points at have.
    """

    deployed: DeployedSet | None = None
    instances: Mapping[Target, Instance] = field(default_factory=lambda: EMPTY)
    members: tuple[Member, ...] = ()
    zones: Mapping[Target, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    last_operation: str | None = None
    moved: frozenset[Target] = frozenset()
