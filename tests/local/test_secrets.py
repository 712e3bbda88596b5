"""Secrets with their replicas, attachments, rotation and policies, and references to them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    AWAY,
    Aws,
    deploy,
    destroy,
    events,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
    until,
)

GENERATED = {
    "SecretStringTemplate": '{"username": "admin"}',
    "GenerateStringKey": "password",
    "PasswordLength": 40,
    "ExcludeCharacters": "\"@/\\'",
}
SECRET: dict[str, Any] = {
    "Name": "tap-db-password",
    "Description": "of the database",
    "GenerateSecretString": GENERATED,
    "KmsKeyId": "home-key",
    "Tags": [{"Key": "kind", "Value": "secret"}],
}


def secret(**changed: Any) -> dict[str, Any]:
    wanted = {key: each for key, each in (SECRET | changed).items() if each is not None}
    return {"Secret": resource("SecretsManager::Secret", wanted)}


def value(aws: Aws, name: str = "tap-db-password", **where: str) -> Any:
    found = aws.client("secretsmanager", **where).get_secret_value(SecretId=name)["SecretString"]
    return json.loads(found)


def described(aws: Aws, name: str = "tap-db-password", **where: str) -> dict[str, Any]:
    return dict(aws.client("secretsmanager", **where).describe_secret(SecretId=name))


def names(aws: Aws, **where: str) -> list[str]:
    found = aws.client("secretsmanager", **where).list_secrets()["SecretList"]
    return [each["Name"] for each in found]


def own_tags(seen: dict[str, Any]) -> dict[str, str]:
    tags = {tag["Key"]: tag["Value"] for tag in seen["Tags"]}
    return {key: each for key, each in tags.items() if not key.startswith("aws:")}


def test_secret_and_its_replica(aws: Aws):
    """Generated once, readable in both Regions, changed in place, gone with its replica."""
    cloudformation = aws.client("cloudformation")
    away_key = f"arn:aws:kms:{AWAY}:{aws.account}:key/away"
    replicas = [{"Region": AWAY, "KmsKeyId": away_key}]
    both = {"Outputs": {"Arn": {"Value": {"Ref": "Secret"}}}}
    made = deploy(cloudformation, "stack", template(secret(ReplicaRegions=replicas), **both))
    first, seen, replica = value(aws), described(aws), described(aws, region=AWAY)

    assert outputs(made)["Arn"] == seen["ARN"] == physical_ids(cloudformation, "stack")["Secret"]
    assert seen["ARN"].startswith(f"arn:aws:secretsmanager:us-east-1:{aws.account}:secret:tap-db-")
    assert (first["username"], len(first["password"])) == ("admin", 40)
    assert not set(first["password"]) & set("\"@/\\'")
    assert (seen["Description"], seen["KmsKeyId"]) == ("of the database", "home-key")
    assert own_tags(seen) == {"kind": "secret"}
    assert [(each["Region"], each["Status"]) for each in seen["ReplicationStatus"]] == [
        (AWAY, "InSync")
    ]
    assert value(aws, region=AWAY) == first
    assert (replica["PrimaryRegion"], replica["KmsKeyId"]) == ("us-east-1", away_key)

    changed = secret(
        ReplicaRegions=replicas, Description="other", Tags=[{"Key": "kind", "Value": "new"}]
    )
    deploy(cloudformation, "stack", template(changed))

    assert value(aws) == first
    assert described(aws)["Description"] == "other"
    assert own_tags(described(aws, region=AWAY)) == {"kind": "new"}

    deploy(
        cloudformation,
        "stack",
        template(secret(GenerateSecretString=GENERATED | {"PasswordLength": 20})),
    )

    assert len(value(aws)["password"]) == 20
    assert names(aws, region=AWAY) == []
    assert "ReplicationStatus" not in described(aws)
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert names(aws) == []


def test_replacement(aws: Aws):
    """Another name is another secret with another value."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", template(secret()))
    first = value(aws)
    deploy(cloudformation, "stack", template(secret(Name="other")))

    assert names(aws) == ["other"]
    assert value(aws, "other") != first


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ReplicaRegions": [{"Region": "us-east-1"}]}, "same as the primary secret region"),
        (
            {"ReplicaRegions": [{"Region": AWAY, "KmsKeyId": "arn:aws:kms:us-east-1:0:key/a"}]},
            "in another Region",
        ),
        ({"SecretString": "x"}, "can't specify both SecretString and GenerateSecretString"),
        ({"GenerateSecretString": {"GenerateStringKey": "a"}}, "must be specified together"),
        ({"Name": "taken"}, "already exists"),
    ],
)
def test_refused_secrets(aws: Aws, changed: dict[str, Any], reason: str):
    """A refused secret leaves nothing behind."""
    cloudformation = aws.client("cloudformation")
    aws.client("secretsmanager").create_secret(Name="taken", SecretString="theirs")
    deploy(cloudformation, "stack", template(secret(**changed)))

    assert reason in failures(cloudformation, "stack")["Secret"]
    assert names(aws) == ["taken"]


# References ---------------------------------------------------------------------------------------


def referring(**database: Any) -> str:
    reference = "{{resolve:secretsmanager:${Secret}:SecretString:password}}"
    wanted = {
        "Engine": "mysql",
        "DBName": "appdb",
        "DBInstanceClass": "db.t3.micro",
        "AllocatedStorage": 20,
        "MasterUsername": "admin",
        "MasterUserPassword": {"Fn::Sub": reference},
        **database,
    }
    attachment = {
        "SecretId": {"Ref": "Secret"},
        "TargetId": {"Ref": "Db"},
        "TargetType": "AWS::RDS::DBInstance",
    }
    copy = {"Type": "String", "Name": "/copy", "Value": wanted["MasterUserPassword"]}
    return template(
        {
            **secret(),
            "Db": resource("RDS::DBInstance", wanted, DeletionPolicy="Delete"),
            "Copy": resource("SSM::Parameter", copy),
            "Attachment": resource("SecretsManager::SecretTargetAttachment", attachment),
        }
    )


def told(cloudformation: Any) -> str:
    """Return all that CloudFormation says about the stack."""
    calls = (
        *("describe_stacks", "describe_stack_resources", "describe_stack_events"),
        *("get_template", "list_stack_resources"),
    )
    answers = [getattr(cloudformation, call)(StackName="stack") for call in calls]
    detail = cloudformation.describe_stack_resource(StackName="stack", LogicalResourceId="Db")
    return json.dumps([*answers, detail, events(cloudformation, "stack")], default=str)


def test_reference_and_attachment(aws: Aws):
    """The value arrives where it is referred to, and CloudFormation never says it."""
    cloudformation, ssm = aws.client("cloudformation"), aws.client("ssm")
    made = deploy(cloudformation, "stack", referring())
    seen = value(aws)
    database = physical_ids(cloudformation, "stack")["Db"]
    found = aws.client("rds").describe_db_instances(DBInstanceIdentifier=database)["DBInstances"][0]

    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert ssm.get_parameter(Name="/copy")["Parameter"]["Value"] == seen["password"]
    assert {key: seen[key] for key in seen if key not in ("username", "password")} == {
        "engine": "mysql",
        "host": found["Endpoint"]["Address"],
        "port": 3306,
        "dbname": "appdb",
        "dbInstanceIdentifier": database,
    }
    assert seen["password"] not in told(cloudformation)

    made = deploy(cloudformation, "stack", referring(DBInstanceClass="db.t3.medium"))
    assert made["StackStatus"] == "UPDATE_COMPLETE"
    assert seen["password"] not in told(cloudformation)

    deploy(cloudformation, "stack", template(secret()))
    assert value(aws) == {"username": "admin", "password": seen["password"]}


# Rotation and policy ------------------------------------------------------------------------------

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]

# The shape of AWS's own rotation functions, with a step that is told to fail.
CODE = """
import boto3, json, os

def handler(event, context):
    api = boto3.client("secretsmanager")
    secret, token = event["SecretId"], event["ClientRequestToken"]
    stages = api.describe_secret(SecretId=secret)["VersionIdsToStages"]
    assert "AWSPENDING" in stages[token], stages
    if event["Step"] == os.environ.get("FAIL"):
        raise RuntimeError(event["Step"])
    if event["Step"] == "createSecret":
        try:
            api.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
        except api.exceptions.ResourceNotFoundException:
            made = json.dumps({"password": "new", "steps": []})
            api.put_secret_value(SecretId=secret, ClientRequestToken=token, SecretString=made,
                                 VersionStages=["AWSPENDING"])
    told = api.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
    value = json.loads(told["SecretString"])
    value["steps"].append(event["Step"])
    api.put_secret_value(SecretId=secret, ClientRequestToken=token,
                         SecretString=json.dumps(value), VersionStages=["AWSPENDING"])
    if event["Step"] == "finishSecret":
        before = next(v for v, labels in stages.items() if "AWSCURRENT" in labels)
        api.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT",
                                        MoveToVersionId=token, RemoveFromVersionId=before)
"""
TRUST = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
}


def policy(principal: Any) -> dict[str, Any]:
    statement = {
        "Sid": "Read",
        "Effect": "Allow",
        "Principal": principal,
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    return {
        "SecretId": {"Ref": "Secret"},
        "ResourcePolicy": {"Version": "2012-10-17", "Statement": [statement]},
    }


def rotating(rules: dict[str, Any], fail: str = "", **more: Any) -> str:
    function = {
        "FunctionName": "rotate",
        "Code": {"ZipFile": CODE},
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.13",
        "Environment": {"Variables": {"FAIL": fail}},
    }
    permission = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": "Function"},
        "Principal": "secretsmanager.amazonaws.com",
    }
    schedule = {
        "SecretId": {"Ref": "Secret"},
        "RotationLambdaARN": {"Fn::GetAtt": ["Function", "Arn"]},
        "RotationRules": rules,
        **more,
    }
    reader = {"AWS": {"Fn::GetAtt": ["Role", "Arn"]}}
    return template(
        {
            **secret(),
            "Role": resource("IAM::Role", {"AssumeRolePolicyDocument": TRUST}),
            "Function": resource("Lambda::Function", function),
            "Permission": resource("Lambda::Permission", permission),
            "Schedule": resource(
                "SecretsManager::RotationSchedule", schedule, DependsOn="Permission"
            ),
            "Policy": resource("SecretsManager::ResourcePolicy", policy(reader)),
        }
    )


def test_rotation_and_policy(aws: Aws):
    """Rules, function and policy are readable, change in place and leave with their resources."""
    cloudformation, api = aws.client("cloudformation"), aws.client("secretsmanager")
    made = deploy(cloudformation, "stack", rotating({"AutomaticallyAfterDays": 30}))
    seen = described(aws)

    assert made["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, "stack")
    assert seen["RotationEnabled"] is True
    assert seen["RotationLambdaARN"].endswith(":function:rotate")
    assert seen["RotationRules"] == {"AutomaticallyAfterDays": 30}
    rotated = until(lambda: described(aws).get("LastRotatedDate"))
    assert value(aws) == {"password": "new", "steps": STEPS}
    assert described(aws)["NextRotationDate"] == rotated + timedelta(days=30)
    versions = set(seen["VersionIdsToStages"])
    document = json.loads(api.get_resource_policy(SecretId="tap-db-password")["ResourcePolicy"])
    assert document["Statement"][0]["Sid"] == "Read"
    assert document["Statement"][0]["Principal"]["AWS"].startswith("arn:aws:iam:")

    rules = {"ScheduleExpression": "rate(10 days)", "Duration": "2h"}
    deploy(cloudformation, "stack", rotating(rules, RotateImmediatelyOnUpdate=False))

    assert described(aws)["RotationRules"] == rules
    assert described(aws)["NextRotationDate"] == rotated + timedelta(days=10)
    assert until(lambda: set(described(aws)["VersionIdsToStages"]) == versions)

    deploy(cloudformation, "stack", template(secret()))

    assert described(aws)["RotationEnabled"] is False
    assert "ResourcePolicy" not in api.get_resource_policy(SecretId="tap-db-password")


def test_a_rotation_that_fails(aws: Aws):
    """Its version stays pending and the value what it was; the next one has to wait for it."""
    cloudformation, api = aws.client("cloudformation"), aws.client("secretsmanager")
    deploy(cloudformation, "stack", template(secret()))
    before = value(aws)
    deploy(cloudformation, "stack", rotating({"AutomaticallyAfterDays": 30}, fail="setSecret"))
    which = {"SecretId": "tap-db-password", "VersionStage": "AWSPENDING"}
    pending = until(lambda: answered(api.get_secret_value, **which))

    assert json.loads(pending["SecretString"])["password"] == "new"
    assert value(aws) == before
    with pytest.raises(ClientError, match="previous rotation isn't complete"):
        api.rotate_secret(SecretId="tap-db-password")


def answered(call: Any, **asked: Any) -> Any:
    """Return what a call tells, or None where it is refused."""
    try:
        return call(**asked)
    except ClientError:
        return None


@pytest.mark.parametrize(
    ("kind", "wanted", "reason"),
    [
        ("RotationSchedule", {"RotationLambdaARN": "none"}, "not found"),
        (
            "RotationSchedule",
            {"HostedRotationLambda": {"RotationType": "MySQLSingleUser"}},
            "does not model HostedRotationLambda",
        ),
        ("ResourcePolicy", policy("*"), "BlockPublicPolicy"),
        (
            "SecretTargetAttachment",
            {"TargetId": "none", "TargetType": "AWS::RDS::DBInstance"},
            "DBInstance none not found",
        ),
    ],
)
def test_refused_parts(aws: Aws, kind: str, wanted: dict[str, Any], reason: str):
    """A missing function or database, a public policy, and what needs a transform."""
    cloudformation = aws.client("cloudformation")
    part = resource(f"SecretsManager::{kind}", {"SecretId": {"Ref": "Secret"}, **wanted})
    deploy(cloudformation, "stack", template({**secret(), "Part": part}))

    assert reason in failures(cloudformation, "stack")["Part"]
    with pytest.raises(ClientError, match="can't find the specified secret"):
        described(aws)
