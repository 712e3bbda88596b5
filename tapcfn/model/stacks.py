"""One template in one target, and what it must be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tapcfn.model.places import Target
from tapcfn.model.templates import EMPTY, TemplateBody
from tapcfn.stack_options import PLAIN, StackOptions

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


@dataclass(frozen=True, slots=True)
class OutputOf:
    """A parameter value that is known only once another stack is deployed.

    With a `target` it is that of a stack set's instance. No parameter takes one: instances are
    made by the service, and only people ask for their outputs.
    """

    stack: str
    key: str
    target: Target | None = None

    def __str__(self) -> str:
        place = f" ({self.target})" if self.target else ""
        return f"{self.stack}.{self.key}{place}"


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
