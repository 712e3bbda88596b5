"""What CloudFormation is not asked to do, and somebody must: a closed union of operations.

Every action can be looked at, so that it is begun once, found again and never done twice. A field
that is an `OutputOf` is known once its stack is deployed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tapcfn.model.places import Target
from tapcfn.model.stacks import OutputOf

Later: TypeAlias = str | OutputOf

# The key of the object that `ProveReplication` writes, the same in every bucket.
PROOF_KEY = "tapcfn/replication-proof"


@dataclass(frozen=True, slots=True)
class ReplicateObjects:
    """Let S3 Batch replicate what was in a bucket before its rule. (O-9)"""

    name: str
    target: Target
    bucket: Later
    role_arn: Later
    report_bucket: Later


@dataclass(frozen=True, slots=True)
class PutReplicationRule:
    """Put a replication rule beside those that a bucket has, which stay as they are. (O-9, S4-5)

    `configuration` is what `PutBucketReplication` takes, as JSON: a role, and the one rule.
    """

    name: str
    target: Target
    bucket: Later
    rule_id: str
    configuration: Later


@dataclass(frozen=True, slots=True)
class RemoveReplicationRule:
    """Take one replication rule off a bucket; all others stay as they are. (O-9, S4-5)"""

    name: str
    target: Target
    bucket: Later
    rule_id: str


@dataclass(frozen=True, slots=True)
class ProveReplication:
    """Write an object into a bucket, and see that another gets it, and that it can be read there.

    (S4-23: verify by a test object)
    """

    name: str
    target: Target
    bucket: Later
    other: Target
    other_bucket: Later


@dataclass(frozen=True, slots=True)
class CompareObjects:
    """Compare two buckets key by key: size and ETag or checksum; nothing may be missing. (O-9)"""

    name: str
    target: Target
    bucket: Later
    other: Target
    other_bucket: Later


@dataclass(frozen=True, slots=True)
class CompareDatabases:
    """Compare a database with its copy by all that RDS tells of both, which is nothing of rows.

    (O-9, S4-6)
    """

    name: str
    target: Target
    database_id: Later
    other: Target
    other_database_id: Later


@dataclass(frozen=True, slots=True)
class CompareItems:
    """Count a table's items in two Regions, by reading all of them. (O-9)"""

    name: str
    target: Target
    table: Later
    other: Target


@dataclass(frozen=True, slots=True)
class CopyImage:
    """Copy a machine image into a Region, encrypted with its key. (O-14)"""

    name: str
    target: Target
    source_region: str
    image_id: Later
    image_name: str
    key_arn: Later


@dataclass(frozen=True, slots=True)
class SnapshotDatabase:
    """Take a snapshot of a database by hand. (O-14)"""

    name: str
    target: Target
    database_id: Later
    snapshot_id: str


@dataclass(frozen=True, slots=True)
class CopyDatabaseSnapshot:
    """Copy a database's snapshot into a Region, encrypted with its key. (O-14)"""

    name: str
    target: Target
    source_region: str
    snapshot_id: str
    copy_id: str
    key_arn: Later


@dataclass(frozen=True, slots=True)
class SnapshotVolumes:
    """Take a snapshot of every volume of the instances with a tag. (O-14)"""

    name: str
    target: Target
    tag: tuple[str, str]
    snapshot_name: str


@dataclass(frozen=True, slots=True)
class SetReadOnly:
    """Let the databases of a parameter group refuse writes. (O-15: stop writes)"""

    name: str
    target: Target
    parameter_group: Later


@dataclass(frozen=True, slots=True)
class RestoreReadOnly:
    """Let a parameter group say of writes what it said before they were stopped. (O-15)"""

    name: str
    target: Target
    parameter_group: Later


@dataclass(frozen=True, slots=True)
class PromoteDatabase:
    """Promote a replica through the API: for the detach-and-import plan alone. (O-15)"""

    name: str
    target: Target
    database_id: Later
    backup_days: int
    backup_window: str


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """Give a database the password of its secret. (O-15)"""

    name: str
    target: Target
    database_id: Later
    secret_arn: Later


@dataclass(frozen=True, slots=True)
class LockDownDefaultGroup:
    """Take every rule off a VPC's default security group."""

    name: str
    target: Target
    vpc_id: Later


@dataclass(frozen=True, slots=True)
class PromoteCanary:
    """Let the stage serve its canary's deployment alone, and take the canary off. (O-12)

    Which deployment that is must be said: a stage without a canary may be one that was taken back.
    """

    name: str
    target: Target
    api_id: Later
    stage: str
    deployment_id: Later


@dataclass(frozen=True, slots=True)
class RemoveCanary:
    """Take the canary off: the stage serves what it served. (O-12)

    CloudFormation doesn't where a template no longer has one. (aws-cdk 33901)
    """

    name: str
    target: Target
    api_id: Later
    stage: str


@dataclass(frozen=True, slots=True)
class AwaitCertificate:
    """Wait until a certificate is issued; says which record proves its name. (O-20)"""

    name: str
    target: Target
    certificate_arn: Later


@dataclass(frozen=True, slots=True)
class ReplicateSecret:
    """Replicate a secret into another Region, encrypted with its key."""

    name: str
    target: Target
    secret_arn: Later
    region: str
    key_arn: Later


@dataclass(frozen=True, slots=True)
class RestoreDrill:
    """Restore a database to a point in time beside itself, and delete the copy. (O-18)"""

    name: str
    target: Target
    database_id: Later
    copy_id: str


@dataclass(frozen=True, slots=True)
class FailoverDrill:
    """Fail a Multi-AZ database over to its standby, and wait until it answers. (O-18)"""

    name: str
    target: Target
    database_id: Later


Action: TypeAlias = (
    ReplicateObjects
    | PutReplicationRule
    | RemoveReplicationRule
    | ProveReplication
    | CompareObjects
    | CompareDatabases
    | CompareItems
    | CopyImage
    | SnapshotDatabase
    | CopyDatabaseSnapshot
    | SnapshotVolumes
    | SetReadOnly
    | RestoreReadOnly
    | PromoteDatabase
    | ResetPassword
    | LockDownDefaultGroup
    | PromoteCanary
    | RemoveCanary
    | AwaitCertificate
    | ReplicateSecret
    | RestoreDrill
    | FailoverDrill
)
