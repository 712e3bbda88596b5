"""Measures: how a course goes, when it begins, what is refused, and what AWS's APIs tell of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tapcfn.aws.gates import AwsGates
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.errors import UsageError
from tapcfn.gates import Reading
from tapcfn.local import record
from tapcfn.local.faults import parse
from tapcfn.local.faults.measures import Measure, Measures
from tapcfn.local.server import LocalCloud
from tapcfn.model import AlarmCheck, Comparison, HealthCheck, MetricCheck, Target
from tapcfn.waits import Patience
from tests.fakes import FakeClock
from tests.local.faults.conftest import Put
from tests.local_cloud import AWAY, HOME, Aws, until

STALLS = Measure("ReplicaLag", "AWS/RDS", course=((0.0, 120.0), (2.0, 40.0), (5.0, 40.0)))
MISSES = Measure(
    "ReplicaLag", "AWS/RDS",
    course=((1.0, 10.0), (2.0, "missing"), (3.0, 0.0), (4.0, 0.0), (4.0, -1.0)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "minute", "told"),
    [
        (STALLS, 0, 120.0),
        (STALLS, 1.5, 60.0),
        (STALLS, 4, 40.0),
        (STALLS, 500, 40.0),
        (MISSES, 0.9, None),
        (MISSES, 1.5, 10.0),
        (MISSES, 2.5, "missing"),
        (MISSES, 3.9, 0.0),
        (MISSES, 4, -1.0),
    ],
)
def test_a_course_is_a_line_between_numbers(measure: Measure, minute: float, told: object):
    """Words hold until the next pair, two pairs of one minute are a jump, the last one stays."""
    assert measure.at(minute) == told


def test_a_measure_begins_with_its_call():
    """With the one of its number; minutes pass at the speed of everything else."""
    clock = FakeClock(start=1000.0)
    alarm = Measure(alarm="web-*", since="ExecuteChangeSet", nth=2, course=((7.0, "ALARM"),))
    measures = Measures([alarm], clock.now, lambda: 60.0)

    def told(moment: float, alarm: str = "web-errors") -> object:
        course = measures.alarm("111122223333/us-east-1", alarm)
        return course and course.at(moment)

    measures.saw("ExecuteChangeSet")
    measures.saw("CreateChangeSet")
    assert told(clock.now() + 100) is None
    clock.sleep(10.0)
    measures.saw("ExecuteChangeSet")
    clock.sleep(1.0)
    measures.saw("ExecuteChangeSet")

    assert (None, "ALARM") == (told(1016.9), told(1017.0))
    assert told(1017.0, "other") is None


def test_the_last_measure_that_has_begun_counts():
    """An account or a Region of its own, and dimensions, pick among them."""
    lags = [
        Measure("ReplicaLag", "AWS/RDS", course=((0.0, 1.0),)),
        Measure("ReplicaLag", "AWS/RDS", course=((0.0, 2.0),), since="DeleteStack"),
        Measure("ReplicaLag", "AWS/RDS", {"Db": "copy-*"}, course=((0.0, 3.0),), region=AWAY),
    ]
    measures = Measures(lags, lambda: 0.0, lambda: 1.0)

    def told(region: str, db: str) -> object:
        found = measures.metric(f"1/{region}", "AWS/RDS", "ReplicaLag", {"Db": [db]})
        return found and found.at(0.0)

    assert [1.0, 1.0, 3.0] == [told(HOME, "copy-1"), told(AWAY, "db"), told(AWAY, "copy-1")]
    measures.saw("DeleteStack")
    assert [2.0, 3.0] == [told(HOME, "copy-1"), told(AWAY, "copy-1")]


def test_at_speed_0_what_has_begun_was_always_so():
    """No time passes there: the seconds before stand for all that a gate waits for."""
    clock = FakeClock(start=1000.0)
    lags = [
        Measure("ReplicaLag", "AWS/RDS", course=((0.0, 1.0), (9.0, 2.0))),
        Measure("ReplicaLag", "AWS/RDS", course=((0.0, 3.0),), since="DeleteStack"),
    ]
    measures = Measures(lags, clock.now, lambda: 0.0)

    def told(moment: float) -> object:
        found = measures.metric("1/us-east-1", "AWS/RDS", "ReplicaLag", {})
        return found and found.at(moment)

    assert [2.0, 2.0] == [told(900.0), told(1000.0)]
    clock.sleep(1.0)
    measures.saw("DeleteStack")
    assert [3.0, 3.0] == [told(900.0), told(1001.0)]


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("course = [[0, 1]]", "needs one of metric, alarm, health_check"),
        ('alarm = "a"\nmetric = "m"\ncourse = [[0, "OK"]]', "needs one of"),
        ('metric = "m"\ncourse = [[0, 1]]', 'needs "namespace"'),
        ('alarm = "a"\ncourse = [[0, "RED"]]', "RED must be OK, ALARM, INSUFFICIENT_DATA"),
        ('health_check = "h"\ncourse = [[0, 1]]', "1 must be healthy, unhealthy, missing"),
        ('alarm = "a"\ncourse = [[5, "OK"], [1, "ALARM"]]', "in the order of its minutes"),
        ('alarm = "a"\ncourse = [[-1, "OK"]]', "list of pairs"),
        ('alarm = "a"\ncourse = []', "list of pairs"),
        ('alarm = "a"', "list of pairs"),
        ('alarm = "a"\ncourse = [[0, "OK"]]\nnamespace = "n"', 'alarm takes no "namespace"'),
        ('alarm = "a"\ncourse = [[0, "OK"]]\nnth = 2', 'nth needs "since"'),
        ('alarm = "a"\ncourse = [[0, "OK"]]\nsince = "A"\nnth = [1, 2]', "nth must be one number"),
        ('alarm = "a"\ncourse = [[0, "OK"]]\nsinse = "A"', 'the nearest is "since"'),
    ],
)
def test_a_wrong_measure_is_refused(line: str, mistake: str):
    """By its number."""
    with pytest.raises(UsageError, match="measure 1: ") as caught:
        parse(f"[[measure]]\n{line}")
    assert mistake in str(caught.value)


# What AWS's APIs tell -----------------------------------------------------------------------------


@pytest.fixture
def gates(faulty_cloud: LocalCloud) -> AwsGates:
    return AwsGates(Clients(on_local_cloud(faulty_cloud.url)), Patience(FakeClock()))


@pytest.fixture
def quick(faulty_cloud: LocalCloud) -> Iterator[None]:
    """Let ten minutes of AWS pass in a second."""
    record.ask(faulty_cloud.url, "/_tapcfn/speed", {"speed": 600})
    yield
    record.ask(faulty_cloud.url, "/_tapcfn/speed", {"speed": 0})


@pytest.fixture
def lag(aws: Aws) -> MetricCheck:
    """A replica, and what a gate asks of it."""
    rds = aws.client("rds", AWAY)
    rds.create_db_instance(
        DBInstanceIdentifier="db1", Engine="mysql", DBInstanceClass="db.t3.micro",
        AllocatedStorage=20, MasterUsername="admin", MasterUserPassword="not-so-secret",
    )  # fmt: skip
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="db1"
    )
    return MetricCheck(
        Target(aws.account, AWAY), "AWS/RDS", "ReplicaLag", (("DBInstanceIdentifier", "copy"),),
        "Maximum", Comparison.AT_MOST, 0.0,
    )  # fmt: skip


def only(reading: Reading) -> tuple[bool | None, object]:
    """Return what all samples of a reading say."""
    (said,) = {(each.good, each.value) for each in reading.samples}
    return said


def scripted(course: str, **more: str) -> str:
    keys = "".join(f'{key} = "{value}"\n' for key, value in more.items())
    return f'[[measure]]\nmetric = "ReplicaLag"\nnamespace = "AWS/RDS"\n{keys}course = {course}\n'


def test_a_healthy_replica_does_not_lag(aws: Aws, lag: MetricCheck, gates: AwsGates, put: Put):
    """Each minute, without a script; what is no replica says nothing."""
    samples = gates.metric(lag, 600.0).samples
    source = MetricCheck(
        lag.target, "AWS/RDS", "ReplicaLag", (("DBInstanceIdentifier", "db1"),),
        "Maximum", Comparison.AT_MOST, 0.0,
    )  # fmt: skip

    assert [(True, 0.0)] * 10 == [(each.good, each.value) for each in samples]
    assert (None, None) == only(gates.metric(source, 600.0))


def newest(aws: Aws, statistic: str = "Average") -> dict[float, float]:
    """Return the lag of the last minute, second by second."""
    now = datetime.now(UTC)
    dimensions = [{"Name": "DBInstanceIdentifier", "Value": "copy"}]
    metric = {"Namespace": "AWS/RDS", "MetricName": "ReplicaLag", "Dimensions": dimensions}
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": 1, "Stat": statistic}}
    found = aws.client("cloudwatch", AWAY).get_metric_data(
        MetricDataQueries=[query],
        StartTime=now - timedelta(minutes=1),
        EndTime=now + timedelta(seconds=5),
    )["MetricDataResults"][0]
    times = (each.timestamp() for each in found["Timestamps"])
    return dict(zip(times, found["Values"], strict=True))


@pytest.mark.parametrize("value", [90.0, -1.0])
@pytest.mark.usefixtures("lag")
def test_a_replica_lags_as_it_is_told_to(aws: Aws, put: Put, value: float):
    """From the moment of the call; before that it is well."""
    put(scripted(f"[[0, {value}]]", since="ListStacks"))
    before = set(newest(aws).values())
    aws.client("cloudformation", AWAY).list_stacks()

    assert before == {0.0}
    assert until(lambda: value in newest(aws, "Minimum" if value < 0 else "Maximum").values())


@pytest.mark.usefixtures("lag")
def test_the_lag_goes_missing(aws: Aws, put: Put):
    """Even what somebody puts is not told from then on."""
    put(scripted('[[0, "missing"]]'))
    dimensions = [{"Name": "DBInstanceIdentifier", "Value": "copy"}]
    data = {"MetricName": "ReplicaLag", "Value": 8.0, "Dimensions": dimensions}
    aws.client("cloudwatch", AWAY).put_metric_data(
        Namespace="AWS/RDS", MetricData=[{**data, "Timestamp": time.time() + 2}]
    )
    during = newest(aws)
    put("")

    assert 8.0 not in during.values()
    assert 8.0 in newest(aws).values()


@pytest.mark.usefixtures("quick", "lag")
def test_the_lag_falls(aws: Aws, put: Put):
    """From 120 seconds to none in fifteen minutes, which is a second and a half."""
    put(scripted("[[0, 120], [15, 0]]"))

    def has_fallen() -> list[float]:
        values = list(newest(aws, "Maximum").values())
        last = next((at for at, each in enumerate(values) if each > 0.0), len(values))
        return values[last:] if values[last:] and values[-1] == 0.0 else []

    lag = until(has_fallen)

    assert lag == sorted(lag, reverse=True)
    assert len({each for each in lag if each > 0.0}) > 1


def test_an_alarm_fires_after_a_call(aws: Aws, gates: AwsGates, put: Put):
    """And is as it was before; alarms of others are left alone."""
    cloudwatch = aws.client("cloudwatch", AWAY)
    for name in ("errors", "other"):
        cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="Tap", MetricName=name, Statistic="Sum", Period=60,
            EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )  # fmt: skip
    put(
        '[[measure]]\nalarm = "err*"\nsince = "ListStacks"\nreason = "5XX"\ncourse = [[7, "ALARM"]]'
    )
    check = AlarmCheck(Target(aws.account, AWAY), ("errors", "other"))

    before = gates.alarms(check).samples[0].good
    aws.client("cloudformation", AWAY).list_stacks()
    (after,) = gates.alarms(check).samples

    assert (before, after.good, after.text) == (True, False, "errors ALARM: 5XX")


def test_an_alarm_is_judged_by_a_scripted_metric(
    aws: Aws, lag: MetricCheck, gates: AwsGates, put: Put
):
    """Without anybody putting data."""
    aws.client("cloudwatch", AWAY).put_metric_alarm(
        AlarmName="lag", Namespace=lag.namespace, MetricName=lag.metric, Statistic="Maximum",
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": "copy"}], Period=60,
        EvaluationPeriods=1, Threshold=30, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    check = AlarmCheck(lag.target, ("lag",))

    before = gates.alarms(check).samples[0].value
    put(scripted("[[0, 120]]"))
    until(lambda: gates.alarms(check).samples[0].value == "ALARM")

    assert before == "OK"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("unhealthy", (False, "0 of 3")),
        ("healthy", (True, "3 of 3")),
        ("missing", (None, "0 of 0")),
    ],
)
def test_a_health_check_is_known_by_what_it_looks_at(
    aws: Aws, gates: AwsGates, put: Put, word: str, said: object
):
    """Its id is known to nobody beforehand. Its metric says the same."""
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": "app.example.com"}
    made = aws.client("route53").create_health_check(CallerReference=word, HealthCheckConfig=config)
    put(f'[[measure]]\nhealth_check = "app.*"\ncourse = [[0, "{word}"]]')
    check = HealthCheck(Target(aws.account, AWAY), made["HealthCheck"]["Id"])

    assert said == only(gates.health_check(check))


def replicating(aws: Aws) -> tuple[tuple[str, str], ...]:
    """Let a bucket replicate into another; return the dimensions of its metrics."""
    s3, names = aws.client("s3"), [f"{part}-{aws.account}" for part in ("from", "to")]
    for name in names:
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{names[1]}"},
    }  # fmt: skip
    role = f"arn:aws:iam::{aws.account}:role/replication"
    s3.put_bucket_replication(
        Bucket=names[0], ReplicationConfiguration={"Role": role, "Rules": [rule]}
    )
    return (("SourceBucket", names[0]), ("DestinationBucket", names[1]), ("RuleId", "all"))


def global_table(aws: Aws) -> tuple[tuple[str, str], ...]:
    """Make a table in two Regions; return the dimensions of its latency."""
    dynamodb = aws.client("dynamodb", AWAY)
    dynamodb.create_table(
        TableName="items", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )  # fmt: skip
    dynamodb.update_table(
        TableName="items", ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}]
    )
    return (("TableName", "items"), ("ReceivingRegion", "eu-west-1"))


@pytest.mark.parametrize(
    ("make", "namespace", "metric", "usual"),
    [
        (replicating, "AWS/S3", "OperationsPendingReplication", 0.0),
        (global_table, "AWS/DynamoDB", "ReplicationLatency", 500.0),
    ],
)
def test_what_replicates_is_well_without_a_script(
    aws: Aws,
    gates: AwsGates,
    make: Callable[[Aws], tuple[tuple[str, str], ...]],
    namespace: str,
    metric: str,
    usual: float,
):
    """And what does not exist says nothing."""
    dimensions = make(aws)

    def told(*named: tuple[str, str]) -> tuple[bool | None, object]:
        check = MetricCheck(
            Target(aws.account, AWAY),
            namespace,
            metric,
            named,
            "Maximum",
            Comparison.AT_MOST,
            500.0,
        )
        return only(gates.metric(check, 300.0))

    assert (True, usual) == told(*dimensions)
    assert (None, None) == told((dimensions[0][0], "nobody"), *dimensions[1:])


def test_what_is_put_counts_without_a_script(aws: Aws, lag: MetricCheck, gates: AwsGates):
    """Somebody who puts data of a metric wants just those."""
    dimensions = [{"Name": name, "Value": value} for name, value in lag.dimensions]
    data: dict[str, Any] = {"MetricName": "ReplicaLag", "Value": 7.0, "Dimensions": dimensions}
    aws.client("cloudwatch", AWAY).put_metric_data(
        Namespace="AWS/RDS", MetricData=[{**data, "Timestamp": time.time() - 90}]
    )

    assert (False, 7.0) == only(gates.metric(lag, 600.0))


def test_the_endpoint_tells_which_have_begun(put: Put):
    """So that one whose call never comes is found."""
    told = put(scripted("[[0, 1]]") + scripted("[[0, 1]]", since="DeleteStack"))

    assert [True, False] == [each["begun"] for each in told["measures"]]
