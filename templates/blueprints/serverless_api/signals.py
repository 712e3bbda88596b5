"""What must hold while serverless_api moves: its gates. (O-10, O-11)"""

from __future__ import annotations

from collections.abc import Iterator

from tapcfn.model import AlarmCheck, Comparison, Gate, HealthCheck, MetricCheck
from templates.blueprints.serverless_api import app, routing
from templates.blueprints.serverless_api.system import DNS_REGION, System
from templates.blueprints.serverless_api.watch import REPLICATION_LATENCY, noticed_within

# Seconds: over which replication is averaged, and how long to wait for it. (S3-24)
SYNC_PERIOD = 300
SYNC_TIMEOUT = 3600.0

# Seconds between two looks: what they look at changes every minute at most.
EVERY = 30.0


def of_target(made: System) -> Iterator[Gate]:
    """Yield what must hold in the target while traffic moves to it.

    A check that follows an alarm says no more than the alarm.
    """
    if made.settings.enable_monitoring:
        yield quiet(made, made.target)
    if made.settings.health_check == "endpoint":
        check = made.stacks.output("dns", DNS_REGION, routing.Out.TARGET_CHECK)
        yield Gate("target-healthy", HealthCheck(made.place(DNS_REGION), check), every=EVERY)


def quiet(made: System, region: str) -> Gate:
    """Return the gate on errors, latency and throttles of a Region.

    By alarms: a metric of errors has no data where there are none, and would never pass. It holds
    for as long as the slowest of them needs, so that a step is judged by what happened in it.
    """
    check = AlarmCheck(made.place(region), (made.app_output(region, app.Out.ALARMS),))
    hold = noticed_within(made.settings)
    return Gate(f"quiet-{region}", check, hold=hold, timeout=2 * hold, every=EVERY)


def items_behind(made: System, home: str, away: str) -> Gate:
    """Return the gate on items that are written in one Region and late in the other.

    No data is no pass: somebody has to write.
    """
    check = MetricCheck(
        made.place(home),
        "AWS/DynamoDB",
        "ReplicationLatency",
        (("TableName", made.table()), ("ReceivingRegion", away)),
        "Average",
        Comparison.BELOW,
        float(REPLICATION_LATENCY),
        SYNC_PERIOD,
    )
    every = 2 * EVERY
    return Gate(f"items-in-{away}", check, hold=SYNC_PERIOD, timeout=SYNC_TIMEOUT, every=every)


def objects_behind(made: System) -> Gate:
    """Return the gate on objects whose copies wait; S3 says 0 also where nothing happens."""
    source, target = (
        made.app_output(region, app.Out.BUCKET_NAME) for region in (made.source, made.target)
    )
    check = MetricCheck(
        made.place(made.target),
        "AWS/S3",
        "OperationsPendingReplication",
        (("SourceBucket", source), ("DestinationBucket", target), ("RuleId", app.RULE)),
        "Maximum",
        Comparison.AT_MOST,
        0.0,
    )
    return Gate("objects-copied", check, timeout=SYNC_TIMEOUT, every=EVERY)
