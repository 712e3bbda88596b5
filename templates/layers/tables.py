"""DynamoDB tables: a global one with a replica in each Region that it names, or a plain one.

A global table has one owner (L-20): a stack in a Region of its own list, which stays there for
ever. DynamoDB changes one replica at a time, and an update that does so may do nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from awacs import dynamodb as table_actions
from awacs.aws import Allow, Statement
from troposphere import Sub, dynamodb

from tapcfn.templating import Template
from templates.layers._retention import retained
from templates.layers._tags import tagged
from templates.layers._values import Value

STREAM = "NEW_AND_OLD_IMAGES"

# What a function does with the items of a table.
ITEMS = (
    table_actions.GetItem,
    table_actions.PutItem,
    table_actions.UpdateItem,
    table_actions.DeleteItem,
    table_actions.Query,
    table_actions.Scan,
)


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index of whole items, by one attribute and its type: S, N or B."""

    name: str
    attribute: str
    kind: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table by its name and its key, a text; paid by request.

    `expires` names the attribute with the second, since 1970, from which an item may be deleted.
    `encrypted` means by the key that DynamoDB keeps in this account, instead of by one of its own.
    """

    title: str
    name: str
    key: str
    indexes: tuple[Index, ...] = ()
    encrypted: bool = False
    expires: str = ""

    def attributes(self) -> list[dynamodb.AttributeDefinition]:
        """Return the definitions of just those attributes that are part of a key."""
        kinds = {self.key: "S"} | {index.attribute: index.kind for index in self.indexes}
        return [
            dynamodb.AttributeDefinition(AttributeName=name, AttributeType=kind)
            for name, kind in kinds.items()
        ]


def add_global(
    template: Template,
    table: Table,
    *,
    regions: Sequence[Value],
    tags: Mapping[str, str],
    keep_data: bool,
    protected: bool,
    leaving: int = 0,
) -> dynamodb.GlobalTable:
    """Add a table with a replica in each of the regions, the stack's own among them.

    A `protected` replica cannot be deleted, not even by taking it off the list: nothing else
    keeps the copy of a Region that is taken off. The last `leaving` ones are about to be.
    """
    stay = len(regions) - leaving
    made = dynamodb.GlobalTable(
        table.title,
        TableName=table.name,
        AttributeDefinitions=table.attributes(),
        KeySchema=[_hash(table.key)],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=dynamodb.StreamSpecification(StreamViewType=STREAM),
        Replicas=[
            _replica(region, tags, protected and number < stay)
            for number, region in enumerate(regions)
        ],
    )
    if table.indexes:
        made.GlobalSecondaryIndexes = [
            dynamodb.GlobalTableGlobalSecondaryIndex(
                IndexName=index.name,
                KeySchema=[_hash(index.attribute)],
                Projection=dynamodb.Projection(ProjectionType="ALL"),
            )
            for index in table.indexes
        ]
    if table.expires:
        made.TimeToLiveSpecification = dynamodb.TimeToLiveSpecification(
            AttributeName=table.expires, Enabled=True
        )
    if table.encrypted:
        made.SSESpecification = dynamodb.GlobalTableSSESpecification(SSEEnabled=True, SSEType="KMS")
    return template.add(retained(made, keep_data))


def add(
    template: Template,
    table: Table,
    *,
    tags: Mapping[str, str],
    keep_data: bool,
    protected: bool,
) -> dynamodb.Table:
    """Add a table of this Region alone, without indexes."""
    made = dynamodb.Table(
        table.title,
        TableName=table.name,
        AttributeDefinitions=table.attributes(),
        KeySchema=[_hash(table.key)],
        BillingMode="PAY_PER_REQUEST",
        PointInTimeRecoverySpecification=_recoverable(),
        DeletionProtectionEnabled=protected,
        Tags=tagged(tags),
    )
    return template.add(retained(made, keep_data))


def _hash(attribute: str) -> dynamodb.KeySchema:
    return dynamodb.KeySchema(AttributeName=attribute, KeyType="HASH")


def _recoverable() -> dynamodb.PointInTimeRecoverySpecification:
    return dynamodb.PointInTimeRecoverySpecification(PointInTimeRecoveryEnabled=True)


def _replica(
    region: Value, tags: Mapping[str, str], protected: bool
) -> dynamodb.ReplicaSpecification:
    """Return one replica; it inherits neither recovery nor protection nor tags."""
    return dynamodb.ReplicaSpecification(
        Region=region,
        PointInTimeRecoverySpecification=_recoverable(),
        DeletionProtectionEnabled=protected,
        Tags=tagged(tags),
    )


def arn(name: str) -> str:
    """Return, as text for `Fn::Sub`, the ARN of this Region's table of that name.

    It is made of the name: the table may be another stack's, in another Region.
    """
    return f"arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/{name}"


def items(name: str) -> Statement:
    """Return the statement that lets a role read and write the items of this Region's table."""
    return Statement(
        Sid="UseItems",
        Effect=Allow,
        Action=list(ITEMS),
        Resource=[Sub(arn(name)), Sub(f"{arn(name)}/index/*")],
    )
