"""Gates against the local cloud: real answers, and a gate that is held on them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tapcfn.aws.gates import AwsGates
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.errors import CloudError
from tapcfn.events import Event, GateJudged
from tapcfn.gates import Reading
from tapcfn.holding import bake
from tapcfn.local.server import LocalCloud
from tapcfn.model import (
    AlarmCheck,
    Comparison,
    Gate,
    HealthCheck,
    MetricCheck,
    Target,
    TargetHealthCheck,
)
from tapcfn.probing import Looks
from tapcfn.waits import Patience
from tests.fakes import FakeClock
from tests.local_cloud import Aws, aws, local_cloud

__all__ = ["aws", "local_cloud"]

PLACE = "us-west-2"


@pytest.fixture
def here(aws: Aws) -> Target:
    return Target(aws.account, PLACE)


@pytest.fixture
def gates(local_cloud: LocalCloud) -> AwsGates:
    return AwsGates(Clients(on_local_cloud(local_cloud.url)), Patience(FakeClock()))


def verdict_of(reading: Reading) -> tuple[bool | None, object]:
    (sample,) = reading.samples
    return sample.good, sample.value


# Alarms -------------------------------------------------------------------------------------------


def put_alarm(aws: Aws, name: str, state: str) -> None:
    cloudwatch = aws.client("cloudwatch", PLACE)
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="Tap", MetricName=name, Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="by hand")


def test_alarms_are_good_when_all_are_ok(aws: Aws, here: Target, gates: AwsGates) -> None:
    """One that rings, one without data and one that is not there are told apart."""
    put_alarm(aws, "calm", "OK")
    put_alarm(aws, "loud", "ALARM")
    put_alarm(aws, "new", "INSUFFICIENT_DATA")
    aws.client("cloudwatch", PLACE).put_composite_alarm(
        AlarmName="either", AlarmRule="ALARM(loud) OR ALARM(calm)"
    )

    def told(*names: str) -> tuple[bool | None, object]:
        return verdict_of(gates.alarms(AlarmCheck(here, names)))

    assert (True, "OK") == told("calm")
    assert (False, "ALARM") == told("calm", "loud")
    assert (False, "ALARM") == told("either")
    assert (None, "INSUFFICIENT_DATA") == told("calm", "new")
    assert (False, "absent") == told("calm", "other")


def test_a_gate_passes_when_an_alarm_has_been_quiet_for_long_enough(
    aws: Aws, here: Target, gates: AwsGates
) -> None:
    """It rings at first and once on the way, and the gate shows it."""
    put_alarm(aws, "errors", "ALARM")
    clock = FakeClock()
    for moment, state in ((30.0, "OK"), (60.0, "ALARM"), (75.0, "OK")):
        clock.at(moment, lambda state=state: put_alarm(aws, "errors", state))
    gate = Gate("quiet", AlarmCheck(here, ("errors",)), hold=45.0)
    told: list[Event] = []

    read = Looks(gates, at_home=True).read
    fault = bake((gate,), 0.0, read, patience=Patience(clock), notify=told.append)

    assert ("", 120.0) == (fault, clock.now())
    goodness = [
        each.verdict.samples[-1].good for each in told if isinstance(each, GateJudged)
    ]  # the last is the end
    assert [False, True, False, True, True] == goodness


# Metrics ------------------------------------------------------------------------------------------


def put_metric(aws: Aws, name: str, points: Mapping[int, float]) -> None:
    """Put points by how many minutes ago; `Copy` is their only dimension."""
    now = datetime.now(UTC)
    aws.client("cloudwatch", PLACE).put_metric_data(
        Namespace="Tap",
        MetricData=[
            {
                "MetricName": name,
                "Value": value,
                "Timestamp": now - timedelta(minutes=minutes),
                "Dimensions": [{"Name": "Copy", "Value": "b"}],
            }
            for minutes, value in points.items()
        ],
    )


def lag_at(here: Target, **differing: Any) -> MetricCheck:
    return MetricCheck(
        **{
            "target": here,
            "namespace": "Tap",
            "metric": "Lag",
            "dimensions": (("Copy", "b"),),
            "statistic": "Maximum",
            "comparison": Comparison.AT_MOST,
            "threshold": 0.0,
            **differing,
        }
    )


def test_a_metric_is_read_period_by_period(aws: Aws, here: Target, gates: AwsGates) -> None:
    """Good, bad, impossible and missing minutes; one that is not over is left out."""
    put_metric(aws, "Lag", {-1: 9, 1: 0, 2: -1, 4: 7})

    samples = gates.metric(lag_at(here), 600.0).samples

    assert [False, None, None, True] == [each.good for each in samples]
    assert [7.0, None, -1.0, 0.0] == [each.value for each in samples]
    assert [180.0, 120.0, 60.0] == [samples[-1].at - each.at for each in samples[:-1]]
    assert -65.0 <= samples[-1].at <= 0.0


def test_a_metric_of_other_dimensions_is_another(aws: Aws, here: Target, gates: AwsGates) -> None:
    """What was put for one copy is not that of another, nor that of none."""
    put_metric(aws, "Lag", {1: 0})

    for dimensions in ((), (("Copy", "c"),)):
        (sample,) = gates.metric(lag_at(here, dimensions=dimensions), 600.0).samples
        assert sample.good is None
        assert "no data" in sample.text


def test_the_metrics_of_health_checks_are_read_at_home(
    aws: Aws, here: Target, gates: AwsGates
) -> None:
    """In us-east-1, wherever the gate stands."""
    aws.client("cloudwatch", "us-east-1").put_metric_data(
        Namespace="AWS/Route53",
        MetricData=[{"MetricName": "HealthCheckStatus", "Value": 1.0,
                     "Timestamp": time.time() - 60,
                     "Dimensions": [{"Name": "HealthCheckId", "Value": "c"}]}],
    )  # fmt: skip
    check = lag_at(
        here, namespace="AWS/Route53", metric="HealthCheckStatus", threshold=1.0,
        dimensions=(("HealthCheckId", "c"),), comparison=Comparison.AT_LEAST,
    )  # fmt: skip

    assert [True] == [each.good for each in gates.metric(check, 600.0).samples]


# Health -------------------------------------------------------------------------------------------


def test_a_health_check_says_how_it_is(aws: Aws, here: Target, gates: AwsGates) -> None:
    """Well, until a point of its own metric says otherwise."""
    made = aws.client("route53").create_health_check(
        CallerReference="one",
        HealthCheckConfig={"Type": "HTTPS", "FullyQualifiedDomainName": "a.example.com"},
    )
    check = HealthCheck(here, made["HealthCheck"]["Id"])
    before = verdict_of(gates.health_check(check))
    dimensions = [{"Name": "HealthCheckId", "Value": check.health_check_id}]
    aws.client("cloudwatch", "us-east-1").put_metric_data(
        Namespace="AWS/Route53",
        MetricData=[{"MetricName": "HealthCheckStatus", "Value": 0.0, "Dimensions": dimensions}],
    )

    assert (True, "3 of 3") == before
    assert (False, "0 of 3") == verdict_of(gates.health_check(check))
    assert (False, "absent") == verdict_of(gates.health_check(HealthCheck(here, "none")))


def test_a_computed_health_check_has_no_checkers(aws: Aws, here: Target, gates: AwsGates) -> None:
    """It is refused, and no sample."""
    made = aws.client("route53").create_health_check(
        CallerReference="sum",
        HealthCheckConfig={"Type": "CALCULATED", "ChildHealthChecks": [], "HealthThreshold": 1},
    )

    with pytest.raises(CloudError, match="no checkers"):
        gates.health_check(HealthCheck(here, made["HealthCheck"]["Id"]))


def test_targets_are_counted(aws: Aws, here: Target, gates: AwsGates) -> None:
    """None, too few, enough; and a group that is not there."""
    ec2, elbv2 = aws.client("ec2", PLACE), aws.client("elbv2", PLACE)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{PLACE}{z}"
        )
        for number, z in enumerate("ab")
    ]
    balancer = elbv2.create_load_balancer(
        Name="web", Scheme="internal", Subnets=[each["Subnet"]["SubnetId"] for each in subnets]
    )["LoadBalancers"][0]["LoadBalancerArn"]
    group = elbv2.create_target_group(
        Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    elbv2.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )  # fmt: skip

    def told(healthy: int, arn: str = group) -> tuple[bool | None, object]:
        return verdict_of(gates.target_health(TargetHealthCheck(here, arn, healthy)))

    assert (False, 0) == told(1)
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.10"}])
    assert (True, 1) == told(1)
    assert (False, 1) == told(2)
    assert (False, "absent") == told(1, group.replace("/web/", "/other/"))
