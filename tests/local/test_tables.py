"""DynamoDB: tables of one Region and global tables, read back where they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    AWAY,
    HOME,
    Aws,
    deploy,
    destroy,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)

THIRD = "eu-west-1"
POLICY = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}
    ]
}
KEYS = [{"AttributeName": "id", "KeyType": "HASH"}]
STREAM = {"StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"}}
INDEX = {
    "IndexName": "timestamp-index",
    "KeySchema": [{"AttributeName": "timestamp", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
BASE: dict[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": KEYS,
}
INDEXED = {
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "timestamp", "AttributeType": "N"},
    ],
    "GlobalSecondaryIndexes": [INDEX],
}
EXPIRING = {"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True}}


def described(aws: Aws, region: str = HOME, name: str = "items") -> dict[str, Any]:
    return dict(aws.client("dynamodb", region).describe_table(TableName=name)["Table"])


def tables(aws: Aws, region: str = HOME) -> list[str]:
    return list(aws.client("dynamodb", region).list_tables()["TableNames"])


def recovery(aws: Aws, region: str = HOME, name: str = "items") -> tuple[str, Any]:
    found = aws.client("dynamodb", region).describe_continuous_backups(TableName=name)
    seen = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return seen["PointInTimeRecoveryStatus"], seen.get("RecoveryPeriodInDays")


def expiry(aws: Aws, region: str = HOME, name: str = "items") -> tuple[str, Any]:
    found = aws.client("dynamodb", region).describe_time_to_live(TableName=name)
    seen = found["TimeToLiveDescription"]
    return seen["TimeToLiveStatus"], seen.get("AttributeName")


def own_tags(aws: Aws, region: str = HOME, name: str = "items") -> dict[str, str]:
    arn = described(aws, region, name)["TableArn"]
    tags = aws.client("dynamodb", region).list_tags_of_resource(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}


# Tables of one Region -----------------------------------------------------------------------------


def table(**changed: Any) -> str:
    wanted = {**BASE, "TableName": "items", **changed}
    return template(
        {
            "Key": resource("KMS::Key", {"KeyPolicy": POLICY}),
            "Table": resource("DynamoDB::Table", wanted),
        }
    )


FULL = {
    **INDEXED,
    **EXPIRING,
    **STREAM,
    "SSESpecification": {
        "SSEEnabled": True,
        "SSEType": "KMS",
        "KMSMasterKeyId": {"Ref": "Key"},
    },
    "PointInTimeRecoverySpecification": {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": 7,
    },
    "ContributorInsightsSpecification": {"Enabled": True},
    "TableClass": "STANDARD_INFREQUENT_ACCESS",
    "ResourcePolicy": {"PolicyDocument": POLICY},
    "DeletionProtectionEnabled": True,
    "Tags": [{"Key": "kind", "Value": "table"}],
}


def test_table(aws: Aws):
    """All that a template sets is readable, goes back when it is dropped, and is gone."""
    cloudformation, api = aws.client("cloudformation"), aws.client("dynamodb")
    got = {"Outputs": {"Stream": {"Value": {"Fn::GetAtt": ["Table", "StreamArn"]}}}}
    body = template(
        {
            "Key": resource("KMS::Key", {"KeyPolicy": POLICY}),
            "Table": resource("DynamoDB::Table", {**BASE, "TableName": "items", **FULL}),
        },
        **got,
    )
    made = deploy(cloudformation, "stack", body)
    seen = described(aws)

    assert made["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, "stack")
    assert outputs(made)["Stream"] == seen["LatestStreamArn"]
    assert seen["SSEDescription"]["KMSMasterKeyArn"].endswith(
        physical_ids(cloudformation, "stack")["Key"]
    )
    assert seen["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert [index["IndexName"] for index in seen["GlobalSecondaryIndexes"]] == ["timestamp-index"]
    assert seen["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert seen["DeletionProtectionEnabled"] is True
    assert recovery(aws) == ("ENABLED", 7)
    assert expiry(aws) == ("ENABLED", "expires")
    insights = api.describe_contributor_insights(TableName="items")
    assert insights["ContributorInsightsStatus"] == "ENABLED"
    assert "kms:*" in api.get_resource_policy(ResourceArn=seen["TableArn"])["Policy"]
    assert own_tags(aws) == {"kind": "table"}

    protected = destroy(cloudformation, made["StackId"])
    assert protected["StackStatus"] == "DELETE_FAILED"
    assert "protected against deletion" in failures(cloudformation, made["StackId"])["Table"]


def test_table_changes(aws: Aws):
    """What the template drops is off again, the items stay, another key schema replaces."""
    cloudformation, api = aws.client("cloudformation"), aws.client("dynamodb")
    made = deploy(cloudformation, "stack", table(**FULL))
    api.put_item(TableName="items", Item={"id": {"S": "1"}})
    before = described(aws)
    deploy(cloudformation, "stack", table())
    seen = described(aws)

    assert seen["TableId"] == before["TableId"]
    assert seen["SSEDescription"]["Status"] == "DISABLED"
    assert seen.get("StreamSpecification", {}).get("StreamEnabled") is not True
    assert "GlobalSecondaryIndexes" not in seen
    assert seen["TableClassSummary"]["TableClass"] == "STANDARD"
    assert seen["DeletionProtectionEnabled"] is False
    assert (recovery(aws), expiry(aws)[0], own_tags(aws)) == (("DISABLED", None), "DISABLED", {})
    with pytest.raises(ClientError, match="PolicyNotFound"):
        api.get_resource_policy(ResourceArn=seen["TableArn"])
    assert api.get_item(TableName="items", Key={"id": {"S": "1"}})["Item"]

    throughput = {"ReadCapacityUnits": "2", "WriteCapacityUnits": 3}
    deploy(
        cloudformation,
        "stack",
        table(BillingMode="PROVISIONED", ProvisionedThroughput=throughput),
    )
    assert described(aws)["ProvisionedThroughput"]["WriteCapacityUnits"] == 3
    assert described(aws)["BillingModeSummary"]["BillingMode"] == "PROVISIONED"

    ranged = {
        **INDEXED,
        "GlobalSecondaryIndexes": [],
        "KeySchema": [*KEYS, {"AttributeName": "timestamp", "KeyType": "RANGE"}],
        "TableName": "other",
    }
    deploy(cloudformation, "stack", table(**ranged))
    assert tables(aws) == ["other"]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert tables(aws) == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"GlobalSecondaryIndexes": [{**INDEX, "IndexName": "two"}]}, "more than one GSI"),
        (
            {"GlobalSecondaryIndexes": [{**INDEX, "Projection": {"ProjectionType": "KEYS_ONLY"}}]},
            "Cannot update GSI's properties",
        ),
        (
            {"TimeToLiveSpecification": {"AttributeName": "other", "Enabled": True}},
            "active on a different AttributeName",
        ),
        ({"WarmThroughput": {"ReadUnitsPerSecond": 9}}, "properties: WarmThroughput"),
        ({"SSESpecification": {"SSEEnabled": True, "KMSMasterKeyId": "none"}}, "none"),
        ({"KeySchema": [{"AttributeName": "timestamp", "KeyType": "HASH"}]}, "custom-named"),
    ],
)
def test_refused_changes(aws: Aws, changed: dict[str, Any], reason: str):
    """What DynamoDB cannot change, and what would have no effect, is refused."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", table(**INDEXED, **EXPIRING))
    made = deploy(cloudformation, "stack", table(**{**INDEXED, **EXPIRING, **changed}))

    assert made["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert reason in failures(cloudformation, "stack")["Table"]
    assert [each["IndexName"] for each in described(aws)["GlobalSecondaryIndexes"]] == [
        "timestamp-index"
    ]


# Global tables ------------------------------------------------------------------------------------


def key_in(aws: Aws, region: str) -> str:
    return str(aws.client("kms", region).create_key()["KeyMetadata"]["Arn"])


def replica(region: str, **more: Any) -> dict[str, Any]:
    recovers = {"PointInTimeRecoveryEnabled": True}
    return {"Region": region, "PointInTimeRecoverySpecification": recovers, **more}


def everywhere(*replicas: dict[str, Any], **changed: Any) -> str:
    wanted = {**BASE, **STREAM, "TableName": "items", "Replicas": list(replicas), **changed}
    return template(
        {"Table": resource("DynamoDB::GlobalTable", wanted)},
        Outputs={
            name: {"Value": {"Fn::GetAtt": ["Table", name]}}
            for name in ("Arn", "StreamArn", "TableId")
        },
    )


def test_global_table(aws: Aws):
    """Each replica is a table of its Region with its own key, tags, stream and protection."""
    cloudformation = aws.client("cloudformation")
    keys = {region: key_in(aws, region) for region in (HOME, AWAY)}
    replicas = [
        replica(
            region,
            SSESpecification={"KMSMasterKeyId": keys[region]},
            DeletionProtectionEnabled=region == AWAY,
            ContributorInsightsSpecification={"Enabled": region == AWAY},
            Tags=[{"Key": "in", "Value": region}],
        )
        for region in (HOME, AWAY)
    ]
    encrypted = {"SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"}}
    made = deploy(
        cloudformation, "stack", everywhere(*replicas, **encrypted, **EXPIRING, **INDEXED)
    )
    assert made["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, "stack")

    for region, other in ((HOME, AWAY), (AWAY, HOME)):
        seen = described(aws, region)
        assert seen["SSEDescription"]["KMSMasterKeyArn"] == keys[region]
        assert seen["TableArn"] == f"arn:aws:dynamodb:{region}:{aws.account}:table/items"
        assert seen["LatestStreamArn"].startswith(seen["TableArn"] + "/stream/")
        assert seen["DeletionProtectionEnabled"] is (region == AWAY)
        assert seen["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert [each["IndexName"] for each in seen["GlobalSecondaryIndexes"]] == ["timestamp-index"]
        assert [(each["RegionName"], each["KMSMasterKeyId"]) for each in seen["Replicas"]] == [
            (other, keys[other])
        ]
        assert recovery(aws, region)[0] == "ENABLED"
        assert expiry(aws, region) == ("ENABLED", "expires")
        assert own_tags(aws, region) == {"in": region}
        insights = aws.client("dynamodb", region).describe_contributor_insights(TableName="items")
        assert insights["ContributorInsightsStatus"] == (
            "ENABLED" if region == AWAY else "DISABLED"
        )
    home = described(aws)
    assert outputs(made) == {
        "Arn": home["TableArn"],
        "StreamArn": home["LatestStreamArn"],
        "TableId": home["TableId"],
    }
    gone = destroy(cloudformation, made["StackId"])
    assert gone["StackStatus"] == "DELETE_FAILED"
    assert f"against deletion in {AWAY}" in failures(cloudformation, made["StackId"])["Table"]
    assert tables(aws) == tables(aws, AWAY) == ["items"]


def test_replicas_come_and_go(aws: Aws):
    """One in each update; items written in one Region are read in the others."""
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "stack", everywhere(replica(HOME)))
    home, away = aws.client("dynamodb"), aws.client("dynamodb", AWAY)
    home.put_item(TableName="items", Item={"id": {"S": "before"}})
    table_id = described(aws)["TableId"]
    deploy(cloudformation, "stack", everywhere(replica(HOME), replica(AWAY), **EXPIRING))

    assert described(aws)["TableId"] == table_id
    assert away.get_item(TableName="items", Key={"id": {"S": "before"}})["Item"]
    away.put_item(TableName="items", Item={"id": {"S": "after"}})
    assert home.get_item(TableName="items", Key={"id": {"S": "after"}})["Item"]
    assert expiry(aws, AWAY) == ("ENABLED", "expires")

    off = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}}
    tagged = replica(AWAY, Tags=[{"Key": "a", "Value": "b"}]) | off
    deploy(cloudformation, "stack", everywhere(replica(HOME), tagged, **EXPIRING, **INDEXED))

    assert recovery(aws, AWAY)[0] == "DISABLED"
    assert recovery(aws)[0] == "ENABLED"
    assert (own_tags(aws), own_tags(aws, AWAY)) == ({}, {"a": "b"})
    for region in (HOME, AWAY):
        assert [each["IndexName"] for each in described(aws, region)["GlobalSecondaryIndexes"]] == [
            "timestamp-index"
        ]

    deploy(cloudformation, "stack", everywhere(replica(HOME), **EXPIRING, **INDEXED))
    assert tables(aws, AWAY) == []
    assert "Replicas" not in described(aws)
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert tables(aws) == []


@pytest.mark.parametrize(
    ("replicas", "changed", "reason"),
    [
        ([replica(AWAY)], {}, "replica in the Region in which the stack is deployed"),
        ([replica(HOME), replica(AWAY)], {"StreamSpecification": None}, "StreamSpecification must"),
        ([replica(HOME), replica(HOME)], {}, "distinct Regions"),
        ([replica(HOME)], {"BillingMode": None}, "PAY_PER_REQUEST only"),
        (
            [replica(HOME, SSESpecification={"KMSMasterKeyId": "a"}), replica(AWAY)],
            {"SSESpecification": {"SSEEnabled": True}},
            "for every replica or for none",
        ),
        (
            [replica(HOME, KinesisStreamSpecification={"StreamArn": "any"})],
            {},
            "Replicas/KinesisStreamSpecification",
        ),
        ([replica(HOME), replica(THIRD)], {}, "already existed as tables"),
    ],
)
def test_refused_global_tables(
    aws: Aws, replicas: list[dict[str, Any]], changed: dict[str, Any], reason: str
):
    """A refused table leaves nothing behind, in no Region, and what others made stays."""
    cloudformation = aws.client("cloudformation")
    aws.client("dynamodb", THIRD).create_table(TableName="items", **BASE)
    wanted = {**BASE, **STREAM, "TableName": "items", "Replicas": replicas, **changed}
    wanted = {name: each for name, each in wanted.items() if each is not None}
    body = template({"Table": resource("DynamoDB::GlobalTable", wanted)})
    deploy(cloudformation, "stack", body)

    assert reason in failures(cloudformation, "stack")["Table"]
    assert (tables(aws), tables(aws, AWAY), tables(aws, THIRD)) == ([], [], ["items"])


def test_a_kept_table_is_adopted(aws: Aws):
    """What a stack retained is taken over by the next one of the same name, items and all."""
    cloudformation, api = aws.client("cloudformation"), aws.client("dynamodb")
    body = json.loads(everywhere(replica(HOME), replica(AWAY)))
    body["Resources"]["Table"]["DeletionPolicy"] = "Retain"
    made = deploy(cloudformation, "stack", json.dumps(body))
    api.put_item(TableName="items", Item={"id": {"S": "kept"}})
    destroy(cloudformation, made["StackId"])
    again = deploy(cloudformation, "stack", json.dumps(body), ImportExistingResources=True)

    assert again["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, "stack")
    assert outputs(again) == outputs(made)
    assert api.get_item(TableName="items", Key={"id": {"S": "kept"}})["Item"]
    deploy(cloudformation, "stack", everywhere(replica(HOME)))
    assert tables(aws, AWAY) == []


def test_two_replicas_at_once(aws: Aws):
    """Two in one update, or one and an index, are refused; so is a stream while there are two."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", everywhere(replica(HOME)))
    reasons = []
    for body in (
        everywhere(replica(HOME), replica(AWAY), replica(THIRD)),
        everywhere(replica(HOME), replica(AWAY), **INDEXED),
    ):
        deploy(cloudformation, "stack", body)
        reasons.append(failures(cloudformation, "stack")["Table"])
    assert all("only one replica" in reason for reason in reasons)
    assert tables(aws, AWAY) == []

    deploy(cloudformation, "stack", everywhere(replica(HOME), replica(AWAY)))
    keys_only = {"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}}
    deploy(cloudformation, "stack", everywhere(replica(HOME), replica(AWAY), **keys_only))
    assert "cannot be changed" in failures(cloudformation, "stack")["Table"]
