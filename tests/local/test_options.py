"""What a stack is told beside its template: roles, topics, and alarms that roll it back."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tapcfn.local import server
from tests.local_cloud import (
    HOME,
    Aws,
    current,
    deploy,
    events,
    outputs,
    resource,
    settled,
    stage,
    template,
    until,
)

TRUST = (
    '{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
    '"Principal": {"Service": "%s.amazonaws.com"}}]}'
)


def group(days: int = 7, **more: Any) -> str:
    kept = resource("Logs::LogGroup", {"RetentionInDays": days})
    return template({"Group": kept}, **more)


def role(aws: Aws, service: str = "cloudformation") -> str:
    """Make a role that a service may assume, and return its ARN."""
    made = aws.client("iam").create_role(
        RoleName="deployer", AssumeRolePolicyDocument=TRUST % service
    )
    return str(made["Role"]["Arn"])


def topic(aws: Aws) -> str:
    return str(aws.client("sns").create_topic(Name="told")["TopicArn"])


def alarm(aws: Aws, state: str = "OK", name: str = "errors") -> str:
    """Make an alarm in a state, and return its ARN."""
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Test",
        MetricName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="told so")
    return f"arn:aws:cloudwatch:{HOME}:{aws.account}:alarm:{name}"


def watching(*arns: str, minutes: int = 0) -> dict[str, Any]:
    """Return a rollback configuration with these alarms."""
    triggers = [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"} for arn in arns]
    return {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": minutes}


def told(stack: dict[str, Any]) -> tuple[Any, ...]:
    """Return the options of a stack."""
    return (
        stack.get("RoleARN"),
        stack["NotificationARNs"],
        stack["RollbackConfiguration"].get("RollbackTriggers", []),
        stack["RollbackConfiguration"].get("MonitoringTimeInMinutes", 0),
    )


def test_options_stay_until_they_are_given_anew(aws: Aws):
    """A role for ever; topics until a list, which may be empty; triggers until others."""
    cloudformation = aws.client("cloudformation")
    arn, sns, watched = role(aws), topic(aws), watching(alarm(aws), minutes=5)
    plain = deploy(cloudformation, "plain", group())
    first = deploy(
        *(cloudformation, "stack", group()),
        RoleARN=arn,
        NotificationARNs=[sns],
        RollbackConfiguration=watched,
    )
    kept = deploy(cloudformation, "stack", group(14))
    emptied = deploy(
        *(cloudformation, "stack", group(30)),
        NotificationARNs=[],
        RollbackConfiguration=watching(),
    )

    assert (None, [], [], 0) == told(plain)
    everything = (arn, [sns], watched["RollbackTriggers"], 5)
    assert [everything, everything, (arn, [], [], 0)] == [
        told(each) for each in (first, kept, emptied)
    ]


def test_stacks_made_directly_have_them_as_well(aws: Aws):
    """By CreateStack and UpdateStack; what is left out stays."""
    cloudformation = aws.client("cloudformation")
    arn, sns = role(aws), topic(aws)
    cloudformation.create_stack(StackName="stack", TemplateBody=group(), NotificationARNs=[sns])
    first = settled(cloudformation, "stack")
    cloudformation.update_stack(StackName="stack", TemplateBody=group(14), RoleARN=arn)

    assert (None, [sns], [], 0) == told(first)
    assert (arn, [sns], [], 0) == told(settled(cloudformation, "stack"))


@pytest.mark.parametrize("there", [False, True])
def test_a_role_must_let_cloudformation_in(aws: Aws, there: bool):
    """One that is not there, or trusts somebody else, is refused."""
    arn = role(aws, "lambda") if there else f"arn:aws:iam::{aws.account}:role/none"
    with pytest.raises(ClientError, match=f"Role {arn} is invalid or cannot be assumed"):
        aws.client("cloudformation").create_stack(
            StackName="stack", TemplateBody=group(), RoleARN=arn
        )


@pytest.mark.parametrize(
    "more",
    [
        {"NotificationARNs": ["arn:aws:sns:us-east-1:000000000000:told"]},
        {"RollbackConfiguration": watching(minutes=5)},
    ],
)
def test_options_alone_are_something_to_do(aws: Aws, more: dict[str, Any]):
    """The change set has no changes and can be executed; the same again has nothing to do."""
    cloudformation = aws.client("cloudformation")
    before = deploy(cloudformation, "stack", group())
    staged = stage(cloudformation, "stack", group(), **more)
    after = deploy(cloudformation, "stack", group(), **more)
    again = stage(cloudformation, "stack", group(), **more)

    assert ([], "AVAILABLE") == (staged["Changes"], staged["ExecutionStatus"])
    assert "UPDATE_COMPLETE" == after["StackStatus"]
    assert told(before) != told(after)
    assert "FAILED" == again["Status"]


def test_outputs_alone_are_something_to_do(aws: Aws):
    """No resource changes, and the output is there."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", group())
    body = group(Outputs={"Name": {"Value": "here"}})

    staged = stage(cloudformation, "stack", body)
    assert [] == staged["Changes"]
    assert {"Name": "here"} == outputs(deploy(cloudformation, "stack", body))


def test_topics_are_told_of_every_event(aws: Aws):
    """In their order, as the history has them; a topic that is not there stops nothing."""
    sns, sqs = aws.client("sns"), aws.client("sqs")
    arn, url = topic(aws), sqs.create_queue(QueueName="told")["QueueUrl"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:{HOME}:{aws.account}:told")
    lost = f"arn:aws:sns:{HOME}:{aws.account}:none"
    deploy(aws.client("cloudformation"), "stack", group(), NotificationARNs=[lost, arn])
    wanted = [
        (event["LogicalResourceId"], event["ResourceStatus"])
        for event in events(aws.client("cloudformation"), "stack")
        if event["ResourceStatus"] != "REVIEW_IN_PROGRESS"
    ]
    found: list[tuple[str, str]] = []

    def everything() -> bool:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
        for message in got:
            text = json.loads(message["Body"])["Message"]
            said = dict(line.split("=", 1) for line in text.splitlines())
            found.append((said["LogicalResourceId"][1:-1], said["ResourceStatus"][1:-1]))
        return len(found) >= len(wanted)

    until(everything)
    assert wanted == found


# Rollback triggers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "reason"), [("ALARM", "is in ALARM state"), (None, "does not exist")]
)
def test_an_alarm_rolls_an_update_back(aws: Aws, state: str | None, reason: str):
    """One that rings, or that is not there: everything is as before, and the reason is told."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "stack", group(7))
    known = f"arn:aws:cloudwatch:{HOME}:{aws.account}:alarm:none"
    arn = alarm(aws, state) if state else known

    ended = deploy(cloudformation, "stack", group(14), RollbackConfiguration=watching(arn))

    (seen,) = aws.client("logs").describe_log_groups()["logGroups"]
    assert ("UPDATE_ROLLBACK_COMPLETE", 7) == (ended["StackStatus"], seen["retentionInDays"])
    assert [f"Rollback trigger {arn} {reason}"] == [
        event["ResourceStatusReason"]
        for event in events(cloudformation, "stack")
        if event["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"
        and event["ResourceType"] == "AWS::CloudFormation::Stack"
    ]
    assert not [
        each for each in events(cloudformation, "stack") if each["ResourceStatus"].endswith("ILED")
    ]


def test_an_alarm_rolls_a_creation_back(aws: Aws):
    """The stack ends as any other whose creation failed, and another attempt is free to go."""
    cloudformation = aws.client("cloudformation")
    arn = alarm(aws, "ALARM")
    ended = deploy(cloudformation, "stack", group(), RollbackConfiguration=watching(arn))

    assert "ROLLBACK_COMPLETE" == ended["StackStatus"]
    assert [] == aws.client("logs").describe_log_groups()["logGroups"]


@pytest.mark.drill
def test_the_monitoring_time_passes_at_the_speed_of_everything(tmp_path: Path):
    """It is waited for once the resources are done; an alarm that rings meanwhile counts."""
    cloud = server.start(tmp_path, speed=600)
    try:
        aws = current(cloud.url)
        cloudformation = aws.client("cloudformation")
        calm = watching(alarm(aws), minutes=15)
        staged = stage(
            *(cloudformation, "stack", group(7)), ChangeSetType="CREATE", RollbackConfiguration=calm
        )
        began = monotonic()
        cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
        created = settled(cloudformation, "stack")["StackStatus"]
        took = monotonic() - began

        staged = stage(cloudformation, "stack", group(14))
        cloudformation.execute_change_set(ChangeSetName=staged["ChangeSetId"])
        until(lambda: 14 == retention(aws))
        alarm(aws, "ALARM")
        ended = settled(cloudformation, "stack")["StackStatus"]
    finally:
        server.stop(tmp_path, settle=1)

    assert took >= 15 * 60 / 600
    assert ("CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE") == (created, ended)


def retention(aws: Aws) -> int:
    """Return for how many days the one log group is kept."""
    (found,) = aws.client("logs").describe_log_groups()["logGroups"]
    return int(found["retentionInDays"])
