"""What gates ask of AWS, call by call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tapcfn.aws.gates import AwsGates
from tapcfn.errors import CloudError
from tapcfn.gates import Reading, Sample
from tapcfn.model import AlarmCheck, Comparison, HealthCheck, MetricCheck, TargetHealthCheck
from tapcfn.model.places import Target
from tapcfn.waits import Patience
from tests.fakes import FakeClock
from tests.tapcfn.aws.wire import HERE, Wires

# Far from this machine's time: only the answers' own times may count. (X-23)
THEN = datetime(2031, 5, 6, 7, 8, 30, tzinfo=UTC)
DATED = {"ResponseMetadata": {"HTTPHeaders": {"date": "Tue, 06 May 2031 07:08:30 GMT"}}}

LAG = MetricCheck(
    HERE, "AWS/RDS", "ReplicaLag", (("DBInstanceIdentifier", "copy"),), "Maximum",
    Comparison.AT_MOST, 0.0,
)  # fmt: skip
CHECK = HealthCheck(HERE, "check-1")
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"
TARGETS = TargetHealthCheck(HERE, GROUP, 2)


class Anywhere(Wires):
    """One wire for each service, in any Region; remembers where each was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Target]] = []

    def __call__(self, service: str, target: Target) -> Any:
        self.asked.append((service, target))
        return self.to(service).client


@pytest.fixture
def wires() -> Iterator[Anywhere]:
    made = Anywhere()
    yield made
    for wire in made.of.values():
        wire.close()


@pytest.fixture
def gates(wires: Anywhere) -> AwsGates:
    return AwsGates(wires, Patience(FakeClock()))  # type: ignore[arg-type]


def only(reading: Reading) -> tuple[bool | None, object, str]:
    """Return the one sample of a reading, taken now: its goodness, value and text."""
    (sample,) = reading.samples
    assert (sample.at, reading.whole) == (0.0, False)
    return sample.good, sample.value, sample.text


# Alarms -------------------------------------------------------------------------------------------


def an_alarm(name: str, state: str, why: str = "", **more: Any) -> dict[str, Any]:
    return {"AlarmName": name, "StateValue": state, "StateReason": why, **more}


def answers(wires: Anywhere, metric: list[Any], composite: list[Any] | None = None) -> None:
    wires.to("cloudwatch").says(
        "describe_alarms", {"MetricAlarms": metric, "CompositeAlarms": composite or []}
    )


def test_alarms_are_asked_for_by_name_and_of_both_kinds(wires: Anywhere, gates: AwsGates) -> None:
    """Composite alarms are told only where they are asked for; further pages are read."""
    cloudwatch = wires.to("cloudwatch")
    asked = {"AlarmNames": ["a", "b"], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    first = {"MetricAlarms": [an_alarm("a", "OK")], "NextToken": "more"}
    cloudwatch.answers("describe_alarms", first, **asked)
    second = {"CompositeAlarms": [an_alarm("b", "OK")]}
    cloudwatch.answers("describe_alarms", second, **asked, NextToken="more")

    assert (True, "OK", "2 OK") == only(gates.alarms(AlarmCheck(HERE, ("a", "b"))))
    assert [("cloudwatch", HERE)] == wires.asked


def test_a_hundred_alarms_are_asked_for_at_once(wires: Anywhere, gates: AwsGates) -> None:
    """CloudWatch takes no more names."""
    names = tuple(f"alarm-{number}" for number in range(101))
    for part in (names[:100], names[100:]):
        wires.to("cloudwatch").answers(
            "describe_alarms",
            {"MetricAlarms": [an_alarm(name, "OK") for name in part]},
            AlarmNames=list(part),
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        )

    assert only(gates.alarms(AlarmCheck(HERE, names)))[0] is True


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            [an_alarm("a", "ALARM", "too many"), an_alarm("b", "INSUFFICIENT_DATA")],
            (False, "ALARM", "a ALARM: too many"),
        ),
        ([an_alarm("b", "OK")], (False, "absent", "a absent")),
        (
            [an_alarm("a", "OK"), an_alarm("b", "INSUFFICIENT_DATA", "no data")],
            (None, "INSUFFICIENT_DATA", "b INSUFFICIENT_DATA: no data"),
        ),
        (
            [an_alarm("a", "OK", EvaluationState="PARTIAL_DATA"), an_alarm("b", "OK")],
            (None, "PARTIAL_DATA", "a PARTIAL_DATA: OK by part of the data"),
        ),
    ],
)
def test_an_alarm_that_is_not_ok_is_named(
    wires: Anywhere, gates: AwsGates, found: list[Any], told: tuple[bool | None, str, str]
) -> None:
    """ALARM and absent are bad; what has too little data is missing, and never good."""
    answers(wires, found)

    assert told == only(gates.alarms(AlarmCheck(HERE, ("a", "b"))))


# Metrics ------------------------------------------------------------------------------------------


def at(minutes: float) -> datetime:
    """Return a moment so many minutes before the whole minute of the answer."""
    return THEN.replace(second=0) - timedelta(minutes=minutes)


def data(status: str = "Complete", **points: float) -> dict[str, Any]:
    """Return an answer with values by the minutes before the answer's, as `m3=0.0`."""
    result = {
        "Id": "gate",
        "StatusCode": status,
        "Timestamps": [at(int(name[1:])) for name in points],
        "Values": list(points.values()),
    }
    return {"MetricDataResults": [result], **DATED}


def test_a_metric_is_a_sample_for_each_period_that_is_over(
    wires: Anywhere, gates: AwsGates
) -> None:
    """By the answer's own date; the period that is not over does not count, nor does an old one."""
    wires.to("cloudwatch").says("get_metric_data", data(m0=9.0, m1=0.0, m3=4.0, m9=9.0))

    reading = gates.metric(LAG, 300.0)

    assert reading.whole
    assert reading.samples == (
        Sample(-150.0, False, 4.0, "ReplicaLag is 4", 60.0),
        Sample(-90.0, None, None, "no data", 60.0),
        Sample(-30.0, True, 0.0, "ReplicaLag is 0", 60.0),
    )


def test_minus_one_is_no_measurement(wires: Anywhere, gates: AwsGates) -> None:
    """It says that replication does not run. (O-10)"""
    wires.to("cloudwatch").says("get_metric_data", data(m1=-1.0))

    (sample,) = gates.metric(LAG, 300.0).samples

    assert (None, -1.0) == (sample.good, sample.value)
    assert "no measurement" in sample.text


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_an_answer_that_is_not_whole_is_missing(
    wires: Anywhere, gates: AwsGates, status: str
) -> None:
    """Whatever values it has."""
    wires.to("cloudwatch").says("get_metric_data", data(status, m1=0.0))

    (sample,) = gates.metric(LAG, 300.0).samples

    assert (None, f"ReplicaLag: {status}") == (sample.good, sample.text)


def test_pages_of_data_are_put_together(wires: Anywhere, gates: AwsGates) -> None:
    """A page is partial; the last one says whether the whole is."""
    wires.to("cloudwatch").says(
        "get_metric_data", {**data("PartialData", m1=0.0), "NextToken": "x"}
    )
    wires.to("cloudwatch").says("get_metric_data", data(m2=0.0))

    assert [True, True] == [each.good for each in gates.metric(LAG, 300.0).samples]


@pytest.mark.parametrize("answer", [data(), data(m0=0.0), data(m30=0.0), data(m1=0.0) | {
    "ResponseMetadata": {"HTTPHeaders": {}}}])  # fmt: skip
def test_no_data_is_missing(wires: Anywhere, gates: AwsGates, answer: dict[str, Any]) -> None:
    """None at all, none that is over, none that is new, or none of which can be told how old."""
    wires.to("cloudwatch").says("get_metric_data", answer)

    assert [None] == [each.good for each in gates.metric(LAG, 300.0).samples]


def test_a_metric_is_asked_for_as_it_is_kept(wires: Anywhere, gates: AwsGates) -> None:
    """One query, with bounds that are whole periods; of Route 53 in the Region that has it."""
    check = MetricCheck(
        HERE, "AWS/Route53", "HealthCheckStatus", (("HealthCheckId", "c"),), "Minimum",
        Comparison.AT_LEAST, 1.0, 300,
    )  # fmt: skip
    sent: list[Any] = []
    client = wires.to("cloudwatch").client

    def note(params: Any, **_: Any) -> None:
        sent.append(params)

    client.meta.events.register("provide-client-params.cloudwatch.GetMetricData", note)
    wires.to("cloudwatch").says("get_metric_data", data(m5=1.0))
    gates.metric(check, 900.0)
    client.meta.events.unregister("provide-client-params.cloudwatch.GetMetricData", note)

    (asked,) = sent
    assert asked["MetricDataQueries"] == [
        {
            "Id": "gate",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Route53",
                    "MetricName": "HealthCheckStatus",
                    "Dimensions": [{"Name": "HealthCheckId", "Value": "c"}],
                },
                "Period": 300,
                "Stat": "Minimum",
            },
        }
    ]
    assert asked["StartTime"].timestamp() % 300 == 0
    assert asked["EndTime"] - asked["StartTime"] >= timedelta(seconds=900 + 3600)
    assert [("cloudwatch", Target(HERE.account, "us-east-1"))] == wires.asked


def test_a_read_that_fails_is_for_the_holder_to_judge(wires: Anywhere, gates: AwsGates) -> None:
    """It is no sample."""
    wires.to("cloudwatch").fails("get_metric_data", "AccessDenied")

    with pytest.raises(CloudError, match=r"ReplicaLag \(111122223333/eu-west-1\).*AccessDenied"):
        gates.metric(LAG, 300.0)


# Health -------------------------------------------------------------------------------------------


def observed(*reports: tuple[str, float]) -> dict[str, Any]:
    """Return what checkers say: a status, and how many seconds before the answer."""
    return {
        "HealthCheckObservations": [
            {
                "Region": "eu-west-1",
                "IPAddress": "192.0.2.1",
                "StatusReport": {"Status": status, "CheckedTime": THEN - timedelta(seconds=age)},
            }
            for status, age in reports
        ],
        **DATED,
    }


WELL, ILL = "Success: HTTP Status Code 200, OK", "Failure: Connection timed out"


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        ([(WELL, 5), (WELL, 5), (ILL, 5)], (True, "2 of 3")),
        ([(WELL, 5), (ILL, 5)], (False, "1 of 2")),
        ([(WELL, 120), (WELL, 121), (ILL, 200)], (True, "1 of 1")),
        ([(WELL, 121)], (None, "0 of 0")),
        ([], (None, "0 of 0")),
    ],
)
def test_most_checkers_must_say_success(
    wires: Anywhere, gates: AwsGates, reports: list[tuple[str, float]], told: tuple[Any, ...]
) -> None:
    """Those that have looked of late; asked in the Region where Route 53 is."""
    wires.to("route53").answers(
        "get_health_check_status", observed(*reports), HealthCheckId="check-1"
    )

    assert told == only(gates.health_check(CHECK))[:2]
    assert [("route53", Target(HERE.account, "us-east-1"))] == wires.asked


def test_a_checker_that_fails_says_why(wires: Anywhere, gates: AwsGates) -> None:
    """In its own words."""
    wires.to("route53").says("get_health_check_status", observed((ILL, 5)))

    assert (
        "0 of 1 checkers say Success: Failure: Connection timed out"
        == (only(gates.health_check(CHECK))[2])
    )


def healths(*states: str) -> dict[str, Any]:
    described = {"unhealthy": "Health checks failed"}
    return {
        "TargetHealthDescriptions": [
            {
                "Target": {"Id": f"i-{number}"},
                "TargetHealth": {
                    "State": state,
                    **({"Description": described[state]} if state in described else {}),
                },
            }
            for number, state in enumerate(states)
        ]
    }


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (["healthy"] * 2, (True, 2, "2 healthy")),
        (["healthy", "healthy", "draining", "initial"], (True, 2, "1 draining, 2 healthy, 1 initi"
                                                         "al")),
        (["healthy", "initial"], (None, 1, "1 healthy, 1 initial; 2 healthy wanted")),
        (["healthy", "unused"], (False, 1, "1 healthy, 1 unused; 2 healthy wanted")),
        (
            ["healthy", "healthy", "unhealthy"],
            (False, 2, "2 healthy, 1 unhealthy; 2 healthy wanted: Health checks failed"),
        ),
        (["initial", "unhealthy.draining"], (False, 0, "1 initial, 1 unhealthy.draining; 2 health"
                                             "y wanted")),
        ([], (False, 0, "no targets; 2 healthy wanted")),
    ],
)  # fmt: skip
def test_targets_must_be_healthy(
    wires: Anywhere, gates: AwsGates, states: list[str], told: tuple[Any, ...]
) -> None:
    """Enough of them, and none unhealthy; those that are starting may still become it."""
    wires.to("elbv2").answers("describe_target_health", healths(*states), TargetGroupArn=GROUP)

    assert told == only(gates.target_health(TARGETS))


def test_what_is_not_there_is_bad_and_named(wires: Anywhere, gates: AwsGates) -> None:
    """Waiting for it would be in vain only if it never comes: a deployment may bring it."""
    wires.to("route53").fails("get_health_check_status", "NoSuchHealthCheck")
    wires.to("elbv2").fails("describe_target_health", "TargetGroupNotFound")

    told = [only(gates.health_check(CHECK)), only(gates.target_health(TARGETS))]

    assert [(False, "absent"), (False, "absent")] == [each[:2] for each in told]
    assert "check-1" in told[0][2]
    assert GROUP in told[1][2]
