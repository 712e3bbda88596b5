"""Lambda functions, permissions, versions and aliases: read back, run, changed and refused."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    AWAY,
    Aws,
    deploy,
    destroy,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ROLE = resource("IAM::Role", {"AssumeRolePolicyDocument": TRUST})
ECHO = "def handler(event, context):\n    return {'word': 'one', 'event': event}\n"
PLAIN = {
    "Code": {"ZipFile": ECHO},
    "Handler": "index.handler",
    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    "Runtime": "python3.13",
}
NETWORK = {
    "Vpc": resource("EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
    "Subnet": resource("EC2::Subnet", {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}),
    "Group": resource(
        "EC2::SecurityGroup", {"GroupDescription": "functions", "VpcId": {"Ref": "Vpc"}}
    ),
}
FULL = PLAIN | {
    "FunctionName": "full",
    "Architectures": ["arm64"],
    "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Queue", "Arn"]}},
    "Description": "all of it",
    "Environment": {"Variables": {"WORD": "one"}},
    "EphemeralStorage": {"Size": "1024"},
    "KmsKeyArn": {"Fn::GetAtt": ["Key", "Arn"]},
    "LoggingConfig": {"LogGroup": "/own", "LogFormat": "JSON", "ApplicationLogLevel": "INFO"},
    "MemorySize": "256",
    "ReservedConcurrentExecutions": 7,
    "Tags": [{"Key": "k", "Value": "v"}],
    "Timeout": 10,
    "TracingConfig": {"Mode": "Active"},
    "VpcConfig": {"SubnetIds": [{"Ref": "Subnet"}], "SecurityGroupIds": [{"Ref": "Group"}]},
}


def with_function(properties: dict[str, Any], **more: Any) -> str:
    outputs_ = {"Arn": {"Value": {"Fn::GetAtt": ["Function", "Arn"]}}}
    resources = {"Role": ROLE, "Function": resource("Lambda::Function", properties), **more}
    return template(resources, Outputs=outputs_)


def full(**changed: Any) -> str:
    return with_function(
        FULL | changed, Queue=resource("SQS::Queue"), Key=resource("KMS::Key"), **NETWORK
    )


def configuration(aws: Aws, name: str) -> dict[str, Any]:
    return dict(aws.client("lambda").get_function_configuration(FunctionName=name))


def invoked(aws: Aws, name: str, event: Any = None, region: str = "us-east-1") -> Any:
    answer = aws.client("lambda", region).invoke(
        FunctionName=name, Payload=json.dumps(event or {}).encode()
    )
    told = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    return told


def own_tags(tags: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


# Functions ----------------------------------------------------------------------------------------


def test_function(aws: Aws):
    """Every property is readable, changes in place, goes back to its default, and goes."""
    cloudformation, api = aws.client("cloudformation"), aws.client("lambda")
    made = deploy(cloudformation, "stack", full())
    ids, told = physical_ids(cloudformation, "stack"), configuration(aws, "full")

    assert outputs(made) == {"Arn": told["FunctionArn"]}
    assert told["State"] == "Active"
    assert told["VpcConfig"]["SubnetIds"] == [ids["Subnet"]]
    assert told["VpcConfig"]["SecurityGroupIds"] == [ids["Group"]]
    assert told["VpcConfig"]["VpcId"] == ids["Vpc"]
    assert told["DeadLetterConfig"]["TargetArn"].startswith("arn:aws:sqs:")
    assert told["KMSKeyArn"].endswith(ids["Key"])
    assert told["LoggingConfig"] == FULL["LoggingConfig"]
    assert told["EphemeralStorage"] == {"Size": 1024}
    for name in ("Architectures", "Description", "Environment", "Runtime", "Timeout"):
        assert told[name] == FULL[name]
    assert (told["MemorySize"], told["TracingConfig"]) == (256, {"Mode": "Active"})
    reserved = api.get_function_concurrency(FunctionName="full")
    assert reserved["ReservedConcurrentExecutions"] == 7
    assert own_tags(api.get_function(FunctionName="full")["Tags"]) == {"k": "v"}
    assert invoked(aws, "full", {"a": 1}) == {"word": "one", "event": {"a": 1}}

    changed = PLAIN | {"FunctionName": "full", "Code": {"ZipFile": ECHO.replace("one", "two")}}
    body = with_function(changed | {"Tags": [{"Key": "k", "Value": "w"}]})
    deploy(cloudformation, "stack", body)
    told = configuration(aws, "full")

    assert invoked(aws, "full")["word"] == "two"
    assert (told["MemorySize"], told["Timeout"], told["Architectures"]) == (128, 3, ["x86_64"])
    assert told["VpcConfig"]["SubnetIds"] == []
    assert not told.get("DeadLetterConfig")
    assert told["LoggingConfig"]["LogGroup"] == "/aws/lambda/full"
    assert "ReservedConcurrentExecutions" not in api.get_function_concurrency(FunctionName="full")
    assert own_tags(api.get_function(FunctionName="full")["Tags"]) == {"k": "w"}

    deploy(cloudformation, "stack", with_function(changed | {"FunctionName": "other"}))

    assert [each["FunctionName"] for each in api.list_functions()["Functions"]] == ["other"]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert api.list_functions()["Functions"] == []


TABLE = resource(
    "DynamoDB::Table",
    {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    },
)
ITEMS = textwrap.dedent(
    """
    import os
    import boto3

    def handler(event, context):
        table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
        table.put_item(Item={"id": event["id"], "data": "kept"})
        print("put", event["id"])
        found = table.get_item(Key={"id": event["id"]})["Item"]
        account = boto3.client("sts").get_caller_identity()["Account"]
        return {"found": found, "account": account, "region": os.environ["AWS_REGION"]}
    """
)


def test_function_reaches_its_own_account_and_region(aws: Aws):
    """What the code does with boto3 happens in the local cloud; what it prints is in its log."""
    cloudformation = aws.client("cloudformation", AWAY)
    items = PLAIN | {
        "FunctionName": "items",
        "Code": {"ZipFile": ITEMS},
        "Environment": {"Variables": {"TABLE": {"Ref": "Table"}}},
    }
    group = resource("Logs::LogGroup", {"LogGroupName": "/aws/lambda/items"})
    deploy(cloudformation, "stack", with_function(items, Table=TABLE, Logs=group))
    table = physical_ids(cloudformation, "stack")["Table"]

    told = invoked(aws, "items", {"id": "7"}, AWAY)

    assert told == {
        "found": {"id": "7", "data": "kept"},
        "account": aws.account,
        "region": AWAY,
    }
    stored = aws.client("dynamodb", AWAY).get_item(TableName=table, Key={"id": {"S": "7"}})
    assert stored["Item"]["data"] == {"S": "kept"}
    logged = aws.client("logs", AWAY).filter_log_events(logGroupName="/aws/lambda/items")
    assert "put 7" in [event["message"].strip() for event in logged["events"]]


def test_function_in_node(aws: Aws):
    """Inline JavaScript runs too."""
    source = "exports.handler = async (event) => ({ word: event.word + '!' });"
    node = PLAIN | {"FunctionName": "node", "Runtime": "nodejs22.x", "Code": {"ZipFile": source}}
    deploy(aws.client("cloudformation"), "stack", with_function(node))

    assert invoked(aws, "node", {"word": "yes"}) == {"word": "yes!"}


FOREIGN = resource(
    "IAM::Role",
    {"AssumeRolePolicyDocument": json.loads(json.dumps(TRUST).replace("lambda", "ec2"))},
)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Role": {"Fn::GetAtt": ["Foreign", "Arn"]}}, "cannot be assumed by Lambda"),
        ({"Role": "arn:aws:iam::000000000000:role/nobody"}, "cannot be assumed by Lambda"),
        ({"VpcConfig": {"SubnetIds": ["subnet-0"], "SecurityGroupIds": []}}, "subnet-0"),
        ({"Runtime": "java21"}, "ZipFile can only be used"),
        ({"Code": {"S3Bucket": "nobody", "S3Key": "code.zip"}}, "GetObject"),
        ({"FunctionName": "taken"}, "already exists"),
        ({"RecursiveLoop": "Allow"}, "RecursiveLoop"),
    ],
)
def test_function_is_refused(aws: Aws, changed: dict[str, Any], words: str):
    """A role, a network, code or a name that Lambda would not take, and what is not modelled."""
    cloudformation = aws.client("cloudformation")
    taken = with_function(PLAIN | {"FunctionName": "taken"})
    if "FunctionName" in changed:
        deploy(cloudformation, "theirs", taken)
    body = with_function(PLAIN | changed, Foreign=FOREIGN)
    made = deploy(cloudformation, "stack", body, DisableValidation=True)

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert words in failures(cloudformation, "stack")["Function"]


# Permissions, versions and aliases ----------------------------------------------------------------

PERMISSION = {
    "Action": "lambda:InvokeFunction",
    "FunctionName": {"Ref": "Function"},
    "Principal": "s3.amazonaws.com",
    "SourceAccount": {"Ref": "AWS::AccountId"},
    "SourceArn": "arn:aws:s3:::one",
}


def released(version: str, **more: Any) -> str:
    """A function whose code is its version, published, with an alias and a permission."""
    code = {"ZipFile": ECHO.replace("one", version)}
    published = resource("Lambda::Version", {"FunctionName": {"Ref": "Function"}})
    alias = {
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": [f"Version{version}", "Version"]},
        "Name": "live",
        **more,
    }
    return with_function(
        PLAIN | {"FunctionName": "fn", "Code": code},
        **{f"Version{version}": published},
        Alias=resource("Lambda::Alias", alias),
        Permission=resource("Lambda::Permission", PERMISSION),
    )


def statements(aws: Aws, name: str) -> dict[str, Any]:
    policy = json.loads(aws.client("lambda").get_policy(FunctionName=name)["Policy"])
    return {each["Sid"]: each for each in policy["Statement"]}


def test_versions_aliases_and_permissions(aws: Aws):
    """A new version is another resource, the alias moves to it, a new permission replaces."""
    cloudformation, api = aws.client("cloudformation"), aws.client("lambda")
    made = deploy(cloudformation, "stack", released("A"))
    ids = physical_ids(cloudformation, "stack")

    assert ids["VersionA"] == f"{outputs(made)['Arn']}:1"
    assert ids["Alias"] == f"{outputs(made)['Arn']}:live"
    assert invoked(aws, "fn:live")["word"] == "A"
    assert statements(aws, "fn")[ids["Permission"]]["Condition"] == {
        "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::one"},
        "StringEquals": {"AWS:SourceAccount": aws.account},
    }

    routing = {"AdditionalVersionWeights": [{"FunctionVersion": "1", "FunctionWeight": "0.25"}]}
    body = json.loads(released("B", RoutingConfig=routing, Description="new"))
    body["Resources"]["VersionA"] = json.loads(released("A"))["Resources"]["VersionA"]
    body["Resources"]["Permission"]["Properties"]["SourceArn"] = "arn:aws:s3:::two"
    deploy(cloudformation, "stack", json.dumps(body))
    alias = api.get_alias(FunctionName="fn", Name="live")
    (sid,) = statements(aws, "fn")

    assert (alias["FunctionVersion"], alias["Description"]) == ("2", "new")
    assert alias["RoutingConfig"] == {"AdditionalVersionWeights": {"1": 0.25}}
    assert invoked(aws, "fn:1")["word"] == "A"
    assert sid == physical_ids(cloudformation, "stack")["Permission"] != ids["Permission"]
    assert "arn:aws:s3:::two" in str(statements(aws, "fn"))

    again = json.loads(json.dumps(body))
    again["Resources"]["VersionC"] = body["Resources"]["VersionB"]
    refused = deploy(cloudformation, "stack", json.dumps(again))

    assert refused["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "A version for this Lambda function exists ( 2 )" in str(
        failures(cloudformation, "stack")
    )
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        api.get_policy(FunctionName="fn")


def test_permission_needs_its_function(aws: Aws):
    """A permission for a function that is not there is refused in Lambda's words."""
    cloudformation = aws.client("cloudformation")
    permission = resource("Lambda::Permission", PERMISSION | {"FunctionName": "nobody"})
    deploy(cloudformation, "stack", template({"Permission": permission}))

    assert "Function not found" in failures(cloudformation, "stack")["Permission"]
