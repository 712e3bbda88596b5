"""The nouns: what is wanted, what is deployed, and what CloudFormation says of the difference.

Values only. Nothing here calls AWS, reads a file or knows the time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

from tapcfn.stack_options import PLAIN, StackOptions

EMPTY: Mapping[Any, Any] = MappingProxyType({})

# Types whose loss is a loss of data or of access to data; kept or dropped by `keep_data`.
# Start: cfn-lint's StatefulResources list; added: replica keys, log groups and hosted zones.
STATEFUL = frozenset(
    {
        "AWS::Backup::BackupVault",
        "AWS::Cassandra::Keyspace",
        "AWS::CloudFormation::Stack",
        "AWS::Cognito::UserPool",
        "AWS::DocDB::DBCluster",
        "AWS::DocDB::DBInstance",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::ECR::Repository",
        "AWS::EFS::FileSystem",
        "AWS::EMR::Cluster",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::Elasticsearch::Domain",
        "AWS::FSx::FileSystem",
        "AWS::KMS::Key",
        "AWS::KMS::ReplicaKey",
        "AWS::Kinesis::Stream",
        "AWS::Logs::LogGroup",
        "AWS::Neptune::DBCluster",
        "AWS::Neptune::DBInstance",
        "AWS::OpenSearchService::Domain",
        "AWS::Organizations::Account",
        "AWS::QLDB::Ledger",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::Redshift::Cluster",
        "AWS::Route53::HostedZone",
        "AWS::S3::Bucket",
        "AWS::SDB::Domain",
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
    }
)


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One account in one Region: where one stack lives."""

    account: str
    region: str

    def __str__(self) -> str:
        return f"{self.account}/{self.region}"


@dataclass(frozen=True, slots=True)
class OutputOf:
    """A parameter value that is known only once another stack is deployed."""

    stack: str
    key: str

    def __str__(self) -> str:
        return f"{self.stack}.{self.key}"


@dataclass(frozen=True, slots=True)
class ZoneOf:
    """The Availability Zone with this index in the stack's Region.

    It is chosen when the stack is first created, from the sorted names, and read back from the
    deployed stack ever after: zones appear and go, and a changed zone replaces its subnets.
    """

    index: int

    def __str__(self) -> str:
        return f"Availability Zone {self.index}"


ParameterValue: TypeAlias = str | OutputOf | ZoneOf


@dataclass(frozen=True, slots=True, order=True)
class SourceLine:
    """The line of Python that put a resource into a template."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@lru_cache(maxsize=512)
def _document(text: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(text)
    return document


def canonical(document: Any) -> str:
    """Return `document` as compact JSON with sorted keys: equal values give equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(text: str) -> str:
    """Return the SHA-256 of `text` in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TemplateBody:
    """One template: its canonical JSON, and where each resource was written down."""

    layer: str
    text: str
    source: Mapping[str, SourceLine] = field(default_factory=lambda: EMPTY, compare=False)

    @property
    def document(self) -> Mapping[str, Any]:
        """The template as a mapping; not to be changed."""
        return _document(self.text)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical text."""
        return digest_of(self.text)

    @property
    def size(self) -> int:
        """Bytes on the wire; above 51,200 a template travels through S3."""
        return len(self.text.encode())

    @property
    def resources(self) -> Mapping[str, str]:
        """Resource type by logical ID."""
        return {key: value["Type"] for key, value in self.document["Resources"].items()}

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """The declarations of the template's parameters."""
        declared: Mapping[str, Mapping[str, Any]] = self.document.get("Parameters", EMPTY)
        return declared

    @property
    def outputs(self) -> frozenset[str]:
        """The keys of the template's outputs."""
        return frozenset(self.document.get("Outputs", ()))

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The least that CloudFormation wants acknowledged for this template.

        `CAPABILITY_NAMED_IAM` where an IAM resource has a name of its own, else `CAPABILITY_IAM`.
        What a transform makes is not known here, so it may be anything; its own capability does
        not apply to change sets.
        """
        iam = [
            resource
            for resource in self.document["Resources"].values()
            if resource["Type"].startswith("AWS::IAM::")
        ]
        if "Transform" in self.document or any(_has_iam_name(resource) for resource in iam):
            return ("CAPABILITY_NAMED_IAM",)
        return ("CAPABILITY_IAM",) if iam else ()

    @property
    def may_change_by_itself(self) -> bool:
        """Whether values that the template only points at can change between two deployments."""
        dynamic = "{{resolve:" in self.text or "Fn::GetStackOutput" in self.text
        return dynamic or any(
            declaration["Type"].startswith("AWS::SSM::") for declaration in self.parameters.values()
        )


# The property that names each kind of IAM resource. (cfn-lint's provider schemas)
_IAM_NAMES = ("RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName")


def _has_iam_name(resource: Mapping[str, Any]) -> bool:
    return any(name in resource.get("Properties", {}) for name in _IAM_NAMES)


@dataclass(frozen=True, slots=True)
class Stack:
    """One template in one target.

    `protect` asks for termination protection; `adopt` lets a first deployment import resources of
    the same name that an earlier destroy kept. `options` come from the settings.
    """

    name: str
    target: Target
    template: TemplateBody
    parameters: Mapping[str, ParameterValue] = field(default_factory=lambda: EMPTY)
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    protect: bool = False
    adopt: bool = False
    options: StackOptions = PLAIN

    @property
    def needs(self) -> frozenset[str]:
        """Names of the stacks whose outputs feed this one."""
        return frozenset(
            value.stack for value in self.parameters.values() if isinstance(value, OutputOf)
        )


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a rollout. The next phase starts when all of this one is done."""

    name: str
    stacks: tuple[Stack, ...]


@dataclass(frozen=True, slots=True)
class Rollout:
    """What one blueprint wants for one stage, and the outputs that people ask it for.

    An output that there is in several Regions is called `<name>.<region>` for each of them.
    """

    blueprint: str
    stage: str
    phases: tuple[Phase, ...]
    outputs: Mapping[str, OutputOf] = field(default_factory=lambda: EMPTY)

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """Every stack of every phase, in order."""
        return tuple(stack for phase in self.phases for stack in phase.stacks)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Where the stacks live; sorted, each once."""
        return tuple(sorted({stack.target for stack in self.stacks}))


class StackStatus(StrEnum):
    """CloudFormation's words for the state of a stack, and our questions to them."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_FAILED = "CREATE_FAILED"
    CREATE_COMPLETE = "CREATE_COMPLETE"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"
    ROLLBACK_COMPLETE = "ROLLBACK_COMPLETE"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETE_FAILED = "DELETE_FAILED"
    DELETE_COMPLETE = "DELETE_COMPLETE"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_COMPLETE = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_FAILED"
    UPDATE_ROLLBACK_IN_PROGRESS = "UPDATE_ROLLBACK_IN_PROGRESS"
    UPDATE_ROLLBACK_FAILED = "UPDATE_ROLLBACK_FAILED"
    UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_ROLLBACK_COMPLETE = "UPDATE_ROLLBACK_COMPLETE"
    REVIEW_IN_PROGRESS = "REVIEW_IN_PROGRESS"
    IMPORT_IN_PROGRESS = "IMPORT_IN_PROGRESS"
    IMPORT_COMPLETE = "IMPORT_COMPLETE"
    IMPORT_ROLLBACK_IN_PROGRESS = "IMPORT_ROLLBACK_IN_PROGRESS"
    IMPORT_ROLLBACK_FAILED = "IMPORT_ROLLBACK_FAILED"
    IMPORT_ROLLBACK_COMPLETE = "IMPORT_ROLLBACK_COMPLETE"

    @property
    def is_moving(self) -> bool:
        """CloudFormation is at work. A stack in review is waiting for us instead."""
        return self.endswith("_IN_PROGRESS") and self is not StackStatus.REVIEW_IN_PROGRESS

    @property
    def is_settled(self) -> bool:
        """Nothing is at work, and something has been: well or badly, it is over."""
        return not self.is_moving and self is not StackStatus.REVIEW_IN_PROGRESS

    @property
    def is_healthy(self) -> bool:
        """The last operation did what was asked."""
        return self in _HEALTHY

    @property
    def is_updatable(self) -> bool:
        """An UPDATE change set will be accepted."""
        return self in _HEALTHY or self in {
            StackStatus.UPDATE_ROLLBACK_COMPLETE,
            StackStatus.IMPORT_ROLLBACK_COMPLETE,
        }

    @property
    def is_absent(self) -> bool:
        """Nothing is deployed: a CREATE change set is what is wanted."""
        return self in {StackStatus.DELETE_COMPLETE, StackStatus.REVIEW_IN_PROGRESS}

    @property
    def must_be_recreated(self) -> bool:
        """Its creation was rolled back whole, and only deletion is accepted.

        CREATE_FAILED and ROLLBACK_FAILED are left out on purpose: something may still live in
        those, so a person decides.
        """
        return self is StackStatus.ROLLBACK_COMPLETE


_HEALTHY = frozenset(
    {StackStatus.CREATE_COMPLETE, StackStatus.UPDATE_COMPLETE, StackStatus.IMPORT_COMPLETE}
)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack as it stands in AWS.

    `updated` is the service's own word for the last change (creation time before the first
    update), an opaque string. `template_digest` is that of the canonical template, empty where it
    was not asked for, and `template` its text. `exports` has the names that outputs are exported
    by, by output key. `notified` and `role` are its notification ARNs and its service role;
    `policy` is its stack policy, empty where it was not asked for. `operations` has the id of the
    last operation of each type.
    """

    name: str
    stack_id: str
    status: StackStatus
    reason: str = ""
    updated: str = ""
    parameters: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    outputs: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    tags: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    protected: bool = False
    template_digest: str = ""
    template: str = field(default="", compare=False, repr=False)
    exports: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    notified: frozenset[str] = frozenset()
    role: str = ""
    policy: str = ""
    operations: Mapping[str, str] = field(default_factory=lambda: EMPTY, compare=False)

    @property
    def base(self) -> str:
        """What a change set is written against: this stack at this moment."""
        return "absent" if self.status.is_absent else f"{self.stack_id}@{self.updated}"


@dataclass(frozen=True, slots=True)
class Orphan:
    """A deployed stack that a rollout made once and no longer has."""

    target: Target
    deployed: Deployed


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is deployed now: the rollout's stacks by name, and each target's zones in order.

    `orphans` are stacks of the same blueprint and stage that the rollout no longer has.
    """

    stacks: Mapping[str, Deployed] = field(default_factory=lambda: EMPTY)
    zones: Mapping[Target, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    orphans: tuple[Orphan, ...] = ()

    def status(self, stack: str) -> StackStatus | None:
        """Return the stack's status, or None where nothing of that name is deployed."""
        deployed = self.stacks.get(stack)
        return deployed.status if deployed else None


class Holder(StrEnum):
    """Who has a name that a template wants to give."""

    NOBODY = "nobody"
    ACCOUNT = "this account"
    OTHERS = "another account"


class Replacement(StrEnum):
    """Whether a change makes a new physical resource."""

    TRUE = "True"
    FALSE = "False"
    CONDITIONAL = "Conditional"


@dataclass(frozen=True, slots=True)
class Detail:
    """One property, tag or attribute that a change touches, and why."""

    path: str
    before: str | None = None
    after: str | None = None
    recreation: str = "Never"
    evaluation: str = "Static"
    source: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One resource in a change set."""

    logical_id: str
    resource_type: str
    action: str
    physical_id: str = ""
    replacement: Replacement | None = None
    policy_action: str = ""
    details: tuple[Detail, ...] = ()
    nested: ChangeSet | None = None

    @property
    def loses(self) -> bool:
        """Whether the physical resource goes away, and is not kept by its policy."""
        if self.policy_action:
            return self.policy_action in {"Delete", "ReplaceAndDelete"}
        return self.action == "Remove" or self.replacement is Replacement.TRUE


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """CloudFormation's own answer to "what would this do?".

    `empty` is its word for "nothing". A change set without changes that is not empty still has
    something to carry out: outputs, or a policy.
    """

    arn: str
    stack: str
    stack_id: str
    changes: tuple[Change, ...] = ()
    empty: bool = False

    def count(self, action: str) -> int:
        """Return how many resources have this action."""
        return sum(change.action == action for change in self.changes)

    @property
    def replacements(self) -> int:
        """How many resources are or may be replaced."""
        return sum(
            change.replacement in {Replacement.TRUE, Replacement.CONDITIONAL}
            for change in self.changes
        )


@dataclass(frozen=True, slots=True)
class StackEvent:
    """One line of a stack's history."""

    event_id: str
    logical_id: str
    resource_type: str
    status: str
    reason: str = ""
    physical_id: str = ""
    token: str = ""
    time: str = ""

    @property
    def is_failure(self) -> bool:
        """The resource, or the stack, failed here."""
        return self.status.endswith("_FAILED")


class Severity(StrEnum):
    """How much an objection weighs: an error stops, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection to a template or to a change.

    `nested` is the path of logical IDs to the nested stack that it is in, empty at the root;
    `path` the property. `allowed_by` is the allowance that made an error an information.
    """

    rule: str
    severity: Severity
    stack: str
    logical_id: str
    message: str
    source: SourceLine | None = None
    origin: str = "guard"
    nested: str = ""
    path: str = ""
    allowed_by: str = ""


class Ending(StrEnum):
    """How one stack's part in a run ended."""

    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    RUNNING = "running"
