"""SSM parameters, SNS topics with subscriptions and policies, alarms and custom resources.

Each is deployed, read back through its own service, changed in place or replaced, rolled back and
deleted.
"""

from __future__ import annotations

import importlib.util
import json
import textwrap
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    Aws,
    deploy,
    destroy,
    events,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)

# It fails whatever stands beside it, after everything that it depends on.
# No validation looks at the names of dashboards, so this fails in the middle of the operation.
BROKEN = resource(
    "CloudWatch::Dashboard",
    {"DashboardName": "taken", "DashboardBody": '{"widgets":[]}'},
    DependsOn="One",
)


def take_name(aws: Aws) -> None:
    aws.client("cloudwatch").put_dashboard(DashboardName="taken", DashboardBody='{"widgets":[]}')


def one(kind: str, properties: dict[str, Any], **more: Any) -> str:
    return template({"One": resource(kind, properties), **more})


def end(cloudformation: Any) -> None:
    stack = cloudformation.describe_stacks(StackName="stack")["Stacks"][0]["StackId"]
    assert destroy(cloudformation, stack)["StackStatus"] == "DELETE_COMPLETE"


# SSM parameters -----------------------------------------------------------------------------------


def parameter(aws: Aws, name: str) -> dict[str, Any]:
    ssm = aws.client("ssm")
    found = ssm.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}]
    )["Parameters"]
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    value = ssm.get_parameter(Name=name)["Parameter"]
    about = {key: found[0].get(key) for key in ("Description", "Tier")}
    own = {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}
    return about | {"Type": value["Type"], "Value": value["Value"], "Tags": own}


def test_ssm_parameter(aws: Aws):
    """Value, description, type and tags change in place; another name is another parameter."""
    cloudformation = aws.client("cloudformation")
    wanted = {"Name": "/a", "Type": "String", "Value": "1", "Tags": {"k": "v"}}
    deploy(cloudformation, "stack", one("SSM::Parameter", wanted))

    assert parameter(aws, "/a")["Value"] == "1"
    assert parameter(aws, "/a")["Tags"] == {"k": "v"}

    wanted |= {"Value": "2,3", "Type": "StringList", "Description": "new", "Tags": {"k": "w"}}
    deploy(cloudformation, "stack", one("SSM::Parameter", wanted))

    assert parameter(aws, "/a") == {
        "Description": "new",
        "Tier": "Standard",
        "Type": "StringList",
        "Value": "2,3",
        "Tags": {"k": "w"},
    }

    deploy(cloudformation, "stack", one("SSM::Parameter", wanted | {"Name": "/b"}))

    with pytest.raises(ClientError, match="ParameterNotFound"):
        aws.client("ssm").get_parameter(Name="/a")
    assert physical_ids(cloudformation, "stack") == {"One": "/b"}
    end(cloudformation)
    assert aws.client("ssm").describe_parameters()["Parameters"] == []


def test_ssm_parameter_goes_back(aws: Aws):
    """A failed update leaves the value of before; a failed creation leaves nothing."""
    cloudformation = aws.client("cloudformation")
    take_name(aws)
    wanted = {"Name": "/a", "Type": "String", "Value": "1"}
    deploy(cloudformation, "stack", one("SSM::Parameter", wanted))
    changed = wanted | {"Value": "2", "Description": "new"}
    made = deploy(cloudformation, "stack", one("SSM::Parameter", changed, Broken=BROKEN))

    assert made["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "already exists" in failures(cloudformation, "stack")["Broken"].lower()
    assert parameter(aws, "/a")["Value"] == "1"
    assert not parameter(aws, "/a")["Description"]


# SNS ----------------------------------------------------------------------------------------------


def topic_of(aws: Aws, stack: str = "stack") -> str:
    return physical_ids(aws.client("cloudformation"), stack)["One"]


def attributes(aws: Aws, arn: str) -> dict[str, str]:
    return dict(aws.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"])


def test_topic_with_a_key(aws: Aws):
    """The key is readable, changes in place, goes and comes back with a rollback."""
    cloudformation = aws.client("cloudformation")
    take_name(aws)
    deploy(cloudformation, "stack", one("SNS::Topic", {"KmsMasterKeyId": "alias/aws/sns"}))
    arn = topic_of(aws)

    assert attributes(aws, arn)["KmsMasterKeyId"] == "alias/aws/sns"

    deploy(cloudformation, "stack", one("SNS::Topic", {"KmsMasterKeyId": "alias/mine"}))

    assert attributes(aws, arn)["KmsMasterKeyId"] == "alias/mine"

    broken = one("SNS::Topic", {"DisplayName": "x"}, Broken=BROKEN)
    assert deploy(cloudformation, "stack", broken)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert attributes(aws, arn)["KmsMasterKeyId"] == "alias/mine"

    deploy(cloudformation, "stack", one("SNS::Topic", {"DisplayName": "x"}))

    assert topic_of(aws) == arn
    assert not attributes(aws, arn).get("KmsMasterKeyId")
    end(cloudformation)
    assert aws.client("sns").list_topics()["Topics"] == []


def subscribed(**properties: Any) -> str:
    wanted = {"TopicArn": {"Ref": "One"}, "Protocol": "sqs", "Endpoint": QUEUE, **properties}
    return template(
        {"One": resource("SNS::Topic"), "Subscription": resource("SNS::Subscription", wanted)}
    )


QUEUE = "arn:aws:sqs:us-east-1:000000000000:queue"


def test_subscription(aws: Aws):
    """Filter and raw delivery change in place, another endpoint replaces it, and it goes."""
    cloudformation, sns = aws.client("cloudformation"), aws.client("sns")
    deploy(cloudformation, "stack", subscribed(FilterPolicy={"kind": ["a"]}))
    arn = physical_ids(cloudformation, "stack")["Subscription"]
    seen = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]

    assert (seen["Endpoint"], json.loads(seen["FilterPolicy"])) == (QUEUE, {"kind": ["a"]})

    changed = subscribed(FilterPolicy={"kind": ["b"]}, RawMessageDelivery=True)
    deploy(cloudformation, "stack", changed)
    seen = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]

    assert (seen["RawMessageDelivery"], json.loads(seen["FilterPolicy"])) == (
        *("true", {"kind": ["b"]}),
    )

    deploy(cloudformation, "stack", subscribed(Endpoint=QUEUE + "2"))
    listed = sns.list_subscriptions()["Subscriptions"]

    assert [each["Endpoint"] for each in listed] == [QUEUE + "2"]
    assert listed[0]["SubscriptionArn"] != arn
    deploy(cloudformation, "stack", template({"One": resource("SNS::Topic")}))
    assert sns.list_subscriptions()["Subscriptions"] == []


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("SNS::Subscription", {"TopicArn": "{}", "Protocol": "sqs", "Endpoint": QUEUE}),
        ("SNS::TopicPolicy", {"Topics": ["{}"], "PolicyDocument": {"Statement": []}}),
    ],
)
def test_a_topic_must_be_there(aws: Aws, kind: str, wanted: dict[str, Any]):
    """Without it a subscription and a policy fail with the words of SNS."""
    cloudformation = aws.client("cloudformation")
    missing = f"arn:aws:sns:us-east-1:{aws.account}:none"
    made = deploy(cloudformation, "stack", one(kind, wanted).replace("{}", missing))

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Topic does not exist" in failures(cloudformation, "stack")["One"]


def policied(sid: str) -> str:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": sid,
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": "*",
            }
        ],
    }
    wanted = {"Topics": [{"Ref": "One"}], "PolicyDocument": document}
    return template({"One": resource("SNS::Topic"), "Policy": resource("SNS::TopicPolicy", wanted)})


def sid_of(aws: Aws) -> str:
    policy = attributes(aws, topic_of(aws)).get("Policy")
    return str(json.loads(policy)["Statement"][0].get("Sid", "")) if policy else ""


def test_topic_policy(aws: Aws):
    """It stands on the topic, changes in place, and leaves with its resource."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", policied("first"))

    assert sid_of(aws) == "first"

    physical_id = physical_ids(cloudformation, "stack")["Policy"]
    deploy(cloudformation, "stack", policied("second"))

    assert sid_of(aws) == "second"
    assert physical_ids(cloudformation, "stack")["Policy"] == physical_id
    deploy(cloudformation, "stack", template({"One": resource("SNS::Topic")}))
    assert sid_of(aws) not in ("first", "second")


# Alarms -------------------------------------------------------------------------------------------

ALARM = {
    "AlarmName": "load",
    "Namespace": "Own",
    "MetricName": "Load",
    "Statistic": "Sum",
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "Period": 60,
    "Threshold": 1,
    "AlarmActions": [{"Ref": "One"}],
}


def alarmed(**changed: Any) -> str:
    alarm = resource("CloudWatch::Alarm", {**ALARM, **changed})
    return template({"One": resource("SNS::Topic"), "Alarm": alarm})


def alarms(aws: Aws) -> dict[str, dict[str, Any]]:
    found = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {each["AlarmName"]: each for each in found}


def test_alarm(aws: Aws):
    """It changes in place, is replaced under another name, goes back and goes."""
    cloudformation = aws.client("cloudformation")
    take_name(aws)
    deploy(cloudformation, "stack", alarmed())

    assert alarms(aws)["load"]["Threshold"] == 1
    assert alarms(aws)["load"]["AlarmActions"] == [topic_of(aws)]

    deploy(cloudformation, "stack", alarmed(Threshold=2, TreatMissingData="breaching"))

    assert (alarms(aws)["load"]["Threshold"], alarms(aws)["load"]["TreatMissingData"]) == (
        *(2, "breaching"),
    )

    broken = json.loads(alarmed(Threshold=3))
    broken["Resources"]["Broken"] = BROKEN | {"DependsOn": "Alarm"}
    deploy(cloudformation, "stack", json.dumps(broken))

    assert alarms(aws)["load"]["Threshold"] == 2

    deploy(cloudformation, "stack", alarmed(AlarmName="other"))

    assert list(alarms(aws)) == ["other"]
    end(cloudformation)
    assert alarms(aws) == {}


# Custom resources ---------------------------------------------------------------------------------

CODE = textwrap.dedent(
    """
    import boto3
    import cfnresponse

    def handler(event, context):
        asked = event["ResourceProperties"]
        if asked.get("Crash") == event["RequestType"]:
            raise RuntimeError("it broke")
        if asked.get("Fail") == event["RequestType"]:
            cfnresponse.send(event, context, cfnresponse.FAILED, {}, "one", reason="it said no")
            return
        name = event.get("PhysicalResourceId") or "one"
        if asked.get("Name"):
            name = asked["Name"]
        cfnresponse.send(event, context, cfnresponse.SUCCESS,
                         {"Told": event["RequestType"] + " " + asked["Word"]}, name)
    """
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


def custom(word: str, **properties: Any) -> str:
    function = {
        "Code": {"ZipFile": CODE},
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.13",
    }
    token = {"Fn::GetAtt": ["Function", "Arn"]}
    wanted = {"ServiceToken": token, "ServiceTimeout": 20, "Word": word, **properties}
    return template(
        {
            "Role": resource("IAM::Role", {"AssumeRolePolicyDocument": TRUST}),
            "Function": resource("Lambda::Function", function),
            "Custom": {"Type": "Custom::Own", "Properties": wanted},
        },
        Outputs={"Told": {"Value": {"Fn::GetAtt": ["Custom", "Told"]}}},
    )


def test_custom_resource(aws: Aws):
    """It is created, keeps its physical id through an update, and is replaced and deleted."""
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "stack", custom("a"))

    assert outputs(made) == {"Told": "Create a"}

    made = deploy(cloudformation, "stack", custom("b"))

    assert outputs(made) == {"Told": "Update b"}
    assert physical_ids(cloudformation, "stack")["Custom"] == "one"

    made = deploy(cloudformation, "stack", custom("c", Name="two"))

    assert physical_ids(cloudformation, "stack")["Custom"] == "two"
    deleted = [
        event["PhysicalResourceId"]
        for event in events(cloudformation, "stack")
        if event["LogicalResourceId"] == "Custom" and event["ResourceStatus"] == "DELETE_COMPLETE"
    ]
    assert deleted == ["one"]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_custom_resource_fails(aws: Aws):
    """A creation, an update and a deletion that the function refuses give its reason."""
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "never", custom("a", Fail="Create"))

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "it said no" in failures(cloudformation, "never")["Custom"]

    deploy(cloudformation, "stack", custom("a"))
    made = deploy(cloudformation, "stack", custom("b", Fail="Update"))

    assert made["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "it said no" in failures(cloudformation, "stack")["Custom"]
    assert outputs(made) == {"Told": "Create a"}

    deploy(cloudformation, "stack", custom("b", Fail="Delete"))
    gone = destroy(cloudformation, made["StackId"])

    assert gone["StackStatus"] == "DELETE_FAILED"
    assert "it said no" in failures(cloudformation, made["StackId"])["Custom"]


def test_a_function_that_does_not_answer(aws: Aws):
    """The resource fails soon after its function has ended, long before its timeout."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", custom("a"))
    made = deploy(cloudformation, "stack", custom("b", Crash="Update", ServiceTimeout=3600))

    assert made["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "did not receive a response" in failures(cloudformation, "stack")["Custom"]


def test_cfnresponse_is_for_functions_alone():
    """A process that is no function does not find it."""
    assert importlib.util.find_spec("cfnresponse") is None
