"""Alarms and dashboards with all that they say, and metrics as gates read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
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

TOPIC = {"Fn::Sub": "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:alarms"}
ERRORS = {
    "AlarmName": "errors",
    "AlarmDescription": "too many",
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": [{"Name": "FunctionName", "Value": "tap"}],
    "Statistic": "Sum",
    "Period": "60",
    "Unit": "Count",
    "EvaluationPeriods": "3",
    "DatapointsToAlarm": 2,
    "Threshold": "5",
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "AlarmActions": [TOPIC],
    "OKActions": [TOPIC],
    "InsufficientDataActions": [TOPIC],
    "Tags": [{"Key": "k", "Value": "v"}],
}
LATENCY = {
    "AlarmName": "latency",
    "Namespace": "AWS/ApiGateway",
    "MetricName": "Latency",
    "ExtendedStatistic": "p99.5",
    "Period": 300,
    "EvaluationPeriods": 2,
    "Threshold": 5000,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "EvaluateLowSampleCountPercentile": "ignore",
}
REQUESTS = {"Namespace": "AWS/ApplicationELB", "MetricName": "RequestCount"}
RATE = {
    "AlarmName": "rate",
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "Metrics": [
        {"Id": "rate", "Expression": "100 * bad / all", "Label": "error rate"},
        {
            "Id": "bad",
            "ReturnData": False,
            "MetricStat": {"Metric": REQUESTS, "Period": 60, "Stat": "Sum"},
        },
        {
            "Id": "all",
            "ReturnData": "false",
            "MetricStat": {"Metric": REQUESTS, "Period": 60, "Stat": "Sum", "Unit": "Count"},
        },
    ],
}


def alarm(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return resource("CloudWatch::Alarm", properties | more)


def described(aws: Aws, name: str, region: str = HOME) -> dict[str, Any]:
    found = aws.client("cloudwatch", region).describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return dict([*found["MetricAlarms"], *found["CompositeAlarms"]][0])


def told(found: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: found.get(name) for name in names}


def test_metric_alarms_say_all_that_they_were_told(aws: Aws):
    """A plain alarm, one of a percentile and one of an expression, in any Region."""
    cloudformation = aws.client("cloudformation", AWAY)
    body = {"Errors": alarm(ERRORS), "Latency": alarm(LATENCY), "Rate": alarm(RATE)}
    arn = {"Arn": {"Value": {"Fn::GetAtt": ["Errors", "Arn"]}}}
    made = deploy(cloudformation, "watch", template(body, Outputs=arn))
    errors = described(aws, "errors", AWAY)
    latency, rate = described(aws, "latency", AWAY), described(aws, "rate", AWAY)
    topic = f"arn:aws:sns:{AWAY}:{aws.account}:alarms"
    expected = ERRORS | {"Period": 60, "EvaluationPeriods": 3, "Threshold": 5.0}
    expected |= {k: [topic] for k in ("AlarmActions", "OKActions", "InsufficientDataActions")}
    del expected["Tags"]

    assert told(errors, *expected) == expected
    assert errors["AlarmArn"] == outputs(made)["Arn"]
    assert told(latency, *LATENCY) == LATENCY
    assert "Statistic" not in latency
    assert rate["Metrics"][0] == RATE["Metrics"][0]  # type: ignore[index]
    assert [each.get("ReturnData", True) for each in rate["Metrics"]] == [True, False, False]
    assert rate["Metrics"][2]["MetricStat"]["Unit"] == "Count"
    assert rate.keys().isdisjoint({"Statistic", "Period", "MetricName", "Namespace"})


def test_an_alarm_changes_in_place_and_keeps_its_state(aws: Aws):
    """An update leaves the state alone and forgets what is no longer said; a name replaces."""
    cloudformation, cloudwatch = aws.client("cloudformation"), aws.client("cloudwatch")
    deploy(cloudformation, "watch", template({"One": alarm(LATENCY, Tags=ERRORS["Tags"])}))
    cloudwatch.set_alarm_state(AlarmName="latency", StateValue="ALARM", StateReason="drill")
    changed = {k: v for k, v in LATENCY.items() if k != "EvaluateLowSampleCountPercentile"}
    made = deploy(cloudformation, "watch", template({"One": alarm(changed, Threshold=100)}))
    found = described(aws, "latency")
    tags = cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"]

    assert told(found, "StateValue", "Threshold") == {"StateValue": "ALARM", "Threshold": 100.0}
    assert "EvaluateLowSampleCountPercentile" not in found
    assert [tag for tag in tags if not tag["Key"].startswith("aws:")] == []

    deploy(cloudformation, "watch", template({"One": alarm(changed, AlarmName="other")}))

    assert [each["AlarmName"] for each in cloudwatch.describe_alarms()["MetricAlarms"]] == ["other"]

    destroy(cloudformation, made["StackId"])

    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"ExtendedStatistic": "p99"}, "Exactly one of Statistic and ExtendedStatistic"),
        ({"Metrics": RATE["Metrics"]}, "Exactly one of MetricName and Metrics"),
        ({"DatapointsToAlarm": 4}, "DatapointsToAlarm must be less"),
        ({"TreatMissingData": "panic"}, "Option 'panic'"),
        ({"Period": 1800, "EvaluationPeriods": 49}, "more than 86400 seconds"),
        ({"AlarmActions": ["arn:aws:sns:us-west-2:1:t"]}, "Only us-east-1 is supported"),
        ({"EvaluationInterval": 60}, "EvaluationInterval"),
    ],
)
def test_an_alarm_that_cloudwatch_refuses(aws: Aws, more: dict[str, Any], reason: str):
    """What cannot be watched fails the resource."""
    cloudformation = aws.client("cloudformation")
    stack = deploy(cloudformation, "watch", template({"One": alarm(ERRORS, **more)}))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in failures(cloudformation, "watch")["One"]
    assert aws.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


# Composite alarms ---------------------------------------------------------------------------------


def composite(rule: str, **more: Any) -> dict[str, Any]:
    body = {"Errors": alarm(ERRORS), "Latency": alarm(LATENCY)}
    wanted = {
        "AlarmName": "both",
        "AlarmRule": {"Fn::Sub": rule},
        "ActionsSuppressor": {"Fn::GetAtt": ["Latency", "Arn"]},
        "ActionsSuppressorWaitPeriod": "60",
        "ActionsSuppressorExtensionPeriod": 120,
        **more,
    }
    return body | {"Both": resource("CloudWatch::CompositeAlarm", wanted)}


def test_a_composite_alarm(aws: Aws):
    """It follows its children, says who suppresses it, and holds them until it is gone."""
    cloudformation, cloudwatch = aws.client("cloudformation"), aws.client("cloudwatch")
    rule, tags = 'ALARM("${Errors}")', [{"Key": "k", "Value": "v"}]
    body = composite(rule, AlarmActions=[TOPIC], Tags=tags, AlarmDescription="first")
    made = deploy(cloudformation, "watch", template(body))
    found = described(aws, "both")
    own = cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"]

    assert (found["AlarmRule"], found["AlarmDescription"]) == ('ALARM("errors")', "first")
    assert found["AlarmActions"] == [f"arn:aws:sns:{HOME}:{aws.account}:alarms"]
    assert found["ActionsSuppressor"] == described(aws, "latency")["AlarmArn"]
    assert found["ActionsSuppressorWaitPeriod"] == 60
    assert found["ActionsSuppressorExtensionPeriod"] == 120
    assert {"Key": "k", "Value": "v"} in own

    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="drill")

    assert described(aws, "both")["StateValue"] == "ALARM"
    with pytest.raises(ClientError, match="composite alarm"):
        cloudwatch.delete_alarms(AlarmNames=["errors"])

    changed = composite(rule + ' OR ALARM("${Latency}")', ActionsSuppressorWaitPeriod=30)
    deploy(cloudformation, "watch", template(changed))
    found = described(aws, "both")

    assert found["AlarmRule"] == 'ALARM("errors") OR ALARM("latency")'
    assert (found["ActionsSuppressorWaitPeriod"], found["StateValue"]) == (30, "ALARM")

    destroy(cloudformation, made["StackId"])

    assert cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"] == []


def test_a_composite_alarm_of_nothing(aws: Aws):
    """A child that is not there is refused, and so is a rule that nobody can read."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "none", template(composite('ALARM("none")')))
    deploy(cloudformation, "odd", template(composite("MAYBE(${Errors})")))

    assert "do not exist" in failures(cloudformation, "none")["Both"]
    assert failures(cloudformation, "odd").keys() == {"Both"}


# Dashboards ---------------------------------------------------------------------------------------


def test_a_dashboard(aws: Aws):
    """Body and tags are CloudWatch's and change in place; what is not JSON is refused."""
    cloudformation, cloudwatch = aws.client("cloudformation"), aws.client("cloudwatch")

    def dashboard(body: str, **tags: str) -> str:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        wanted = {"DashboardName": "tap", "DashboardBody": body, "Tags": pairs}
        return template({"One": resource("CloudWatch::Dashboard", wanted)})

    def tags(arn: str) -> dict[str, str]:
        told = cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]
        pairs = {each["Key"]: each["Value"] for each in told}
        return {key: value for key, value in pairs.items() if not key.startswith("aws:")}

    bodies = [json.dumps({"widgets": [{"type": "text", "width": n}]}) for n in (1, 2)]
    made = deploy(cloudformation, "watch", dashboard(bodies[0], Team="a", Stage="dev"))
    first = cloudwatch.get_dashboard(DashboardName="tap")
    first_tags = tags(first["DashboardArn"])
    deploy(cloudformation, "watch", dashboard(bodies[1], Team="b"))

    assert first["DashboardBody"] == bodies[0]
    assert first_tags == {"Team": "a", "Stage": "dev"}
    assert cloudwatch.get_dashboard(DashboardName="tap")["DashboardBody"] == bodies[1]
    assert tags(first["DashboardArn"]) == {"Team": "b"}

    stack = deploy(cloudformation, "watch", dashboard("{"))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "valid JSON" in failures(cloudformation, "watch")["One"]
    assert physical_ids(cloudformation, "watch") == {"One": "tap"}

    destroy(cloudformation, made["StackId"])

    assert cloudwatch.list_dashboards()["DashboardEntries"] == []
    with pytest.raises(ClientError, match="not found"):
        cloudwatch.list_tags_for_resource(ResourceARN=first["DashboardArn"])


# Metrics ------------------------------------------------------------------------------------------


def put(aws: Aws, name: str, value: float, **dimensions: str) -> None:
    aws.client("cloudwatch").put_metric_data(
        Namespace="Tap",
        MetricData=[
            {
                "MetricName": name,
                "Value": value,
                "Unit": "Count",
                "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
            }
        ],
    )


def window() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=1)}


def query(name: str, stat: str, **dimensions: str) -> dict[str, Any]:
    metric = {
        "Namespace": "Tap",
        "MetricName": name,
        "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
    }
    return {"Id": name.lower(), "MetricStat": {"Metric": metric, "Period": 3600, "Stat": stat}}


MATH = [
    {"Id": "total", "Expression": "FILL(m0, 0) + FILL(m1, 0)", "Label": "both"},
    *(
        query(name, "Sum") | {"Id": f"m{number}", "ReturnData": False}
        for number, name in enumerate(("Errors", "Faults"))
    ),
]


def test_metric_math(aws: Aws):
    """A sum of metrics that may be missing is told, and refused where it cannot be read."""
    cloudwatch = aws.client("cloudwatch")
    for value in (1, 2):
        put(aws, "Errors", value)
    share = {"Id": "share", "Expression": "100 * m0 / total"}
    told = cloudwatch.get_metric_data(MetricDataQueries=[*MATH, share], **window())
    results = {each["Id"]: each for each in told["MetricDataResults"]}

    assert results.keys() == {"total", "share"}
    assert results["total"]["Label"] == "both"
    assert results["total"]["Values"][-1] == 3.0
    assert results["share"]["Values"] == [100.0]
    odd = [MATH[1], {"Id": "odd", "Expression": "ANOMALY_DETECTION_BAND(m0)"}]
    with pytest.raises(ClientError, match="does not model the function ANOMALY"):
        cloudwatch.get_metric_data(MetricDataQueries=odd, **window())


def test_alarms_judged_by_math_and_by_what_is_missing(aws: Aws):
    """A composite alarm follows the sum; without data, an alarm is what it says that means."""
    cloudformation, cloudwatch = aws.client("cloudformation"), aws.client("cloudwatch")
    total = {
        "AlarmName": "total",
        "Metrics": MATH,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 3,
        "EvaluationPeriods": 1,
        "TreatMissingData": "notBreaching",
    }
    silent = LATENCY | {"AlarmName": "silent", "TreatMissingData": "breaching"}
    rule = {"AlarmName": "either", "AlarmRule": "ALARM(total) OR ALARM(nothing)"}
    deploy(
        cloudformation,
        "watch",
        template(
            {
                "Total": alarm(total),
                "Silent": alarm(silent),
                "Nothing": alarm(LATENCY | {"AlarmName": "nothing"}),
                "Either": resource(
                    "CloudWatch::CompositeAlarm", rule, DependsOn=["Total", "Nothing"]
                ),
            }
        ),
    )
    assert failures(cloudformation, "watch") == {}
    assert states(cloudwatch) == {
        "total": "OK",
        "silent": "ALARM",
        "nothing": "INSUFFICIENT_DATA",
        "either": "OK",
    }

    put(aws, "Errors", 1)
    put(aws, "Faults", 2)

    assert states(cloudwatch)["total"] == "ALARM"
    assert states(cloudwatch)["either"] == "ALARM"


def states(cloudwatch: Any) -> dict[str, str]:
    told = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    both = [*told["MetricAlarms"], *told["CompositeAlarms"]]
    return {each["AlarmName"]: each["StateValue"] for each in both}


def test_metrics_that_gates_read(aws: Aws):
    """What was put is summed for its own dimensions, by both ways of asking; without any is
    another metric.
    """
    cloudwatch = aws.client("cloudwatch")
    for value in (1, 2):
        put(aws, "Errors", value, Side="blue")
    put(aws, "Errors", 10, Side="green")
    asked = [query("Errors", "Sum", Side="blue")]
    data = cloudwatch.get_metric_data(MetricDataQueries=asked, **window())
    statistics = cloudwatch.get_metric_statistics(
        Namespace="Tap", MetricName="Errors", Dimensions=[{"Name": "Side", "Value": "blue"}],
        Period=3600, Statistics=["Sum", "Maximum"], **window(),
    )  # fmt: skip

    none = cloudwatch.get_metric_data(MetricDataQueries=[query("Errors", "Sum")], **window())

    assert none["MetricDataResults"][0]["Values"] == []
    assert sum(data["MetricDataResults"][0]["Values"]) == 3
    assert data["MetricDataResults"][0]["StatusCode"] == "Complete"
    assert sum(each["Sum"] for each in statistics["Datapoints"]) == 3
    assert max(each["Maximum"] for each in statistics["Datapoints"]) == 2


def test_an_alarm_looks_at_its_own_dimensions(aws: Aws):
    """Errors on one side do not set off the alarm of the other."""
    cloudwatch = aws.client("cloudwatch")
    for side in ("blue", "green"):
        cloudwatch.put_metric_alarm(
            AlarmName=side, Namespace="Tap", MetricName="Errors", Statistic="Sum", Period=60,
            Dimensions=[{"Name": "Side", "Value": side}], EvaluationPeriods=2, Threshold=5,
            ComparisonOperator="GreaterThanThreshold", DatapointsToAlarm=1,
        )  # fmt: skip
    put(aws, "Errors", 10, Side="blue")
    put(aws, "Errors", 1, Side="green")

    assert described(aws, "blue")["StateValue"] == "ALARM"
    assert described(aws, "green")["StateValue"] == "OK"
