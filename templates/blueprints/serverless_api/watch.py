"""The alarms of one Region of serverless_api, in three profiles. (S3-17, S3-18)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from templates.blueprints.serverless_api.settings import Settings
from templates.layers import metrics, tables
from templates.layers._values import Value
from templates.layers.alarms import Alarm, Missing

# The alarm that a health check may follow.
SERVER_ERRORS = "ApiServerErrors"

# The alarms that must be quiet while traffic moves to their Region. (S3-24)
OF_A_SHIFT = (SERVER_ERRORS, "ApiLatency", "FunctionErrors", "TableThrottles")


@dataclass(frozen=True, slots=True)
class Profile:
    """What must be exceeded: counts in five minutes, averages in milliseconds.

    Throttles must last for so many periods; errors of DynamoDB's own are not always watched.
    """

    errors: int = 5
    duration: int = 10_000
    client_errors: int = 10
    server_errors: int = 5
    latency: int = 5_000
    throttles: int = 0
    throttle_periods: int = 2
    system_errors: int | None = None


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "standard": Profile(),
        "strict": Profile(
            errors=1, duration=3_000, client_errors=5, server_errors=1, latency=2_000, throttles=1
        ),
        "relaxed": Profile(duration=25_000, server_errors=10, throttle_periods=1, system_errors=5),
    }
)

# Milliseconds that a replica may be behind.
REPLICATION_LATENCY = 5_000


def alarms(settings: Settings, table: Value) -> Iterator[Alarm]:
    """Yield the alarms that the profile asks for, by the names that the settings compute."""
    profile = PROFILES[settings.alarm_profile]
    yield from _of_function(settings, profile)
    yield from _of_api(settings, profile)
    yield Alarm(
        "TableThrottles",
        "The table refuses reads or writes as too many",
        (metrics.table_read_throttles(table), metrics.table_write_throttles(table)),
        "Sum",
        profile.throttles,
        periods=profile.throttle_periods,
    )
    if profile.system_errors is not None:
        operations = [str(action.action) for action in tables.ITEMS]
        yield Alarm(
            "TableSystemErrors",
            "DynamoDB itself fails calls",
            tuple(metrics.table_system_errors(table, each) for each in operations),
            "Sum",
            profile.system_errors,
        )


def noticed_within(settings: Settings) -> float:
    """Return the seconds in which the slowest alarm of a shift has gone off."""
    every = alarms(settings, settings.table)
    return max(each.noticed_within for each in every if each.title in OF_A_SHIFT)


def _of_function(settings: Settings, profile: Profile) -> Iterator[Alarm]:
    name = settings.function
    yield Alarm(
        "FunctionErrors",
        "The function fails",
        metrics.function_errors(name),
        "Sum",
        profile.errors,
    )
    yield Alarm(
        "FunctionDuration",
        "The function takes too long",
        metrics.function_duration(name),
        "Average",
        profile.duration,
    )


def _of_api(settings: Settings, profile: Profile) -> Iterator[Alarm]:
    api = (settings.api, settings.environment)
    yield Alarm(
        "ApiClientErrors",
        "The API refuses many requests",
        metrics.api_client_errors(*api),
        "Sum",
        profile.client_errors,
    )
    yield Alarm(
        SERVER_ERRORS,
        "The API fails to answer requests",
        metrics.api_server_errors(*api),
        "Sum",
        profile.server_errors,
    )
    yield Alarm(
        "ApiLatency",
        "The API answers slowly",
        metrics.api_latency(*api),
        "Average",
        profile.latency,
    )


def replication(table: Value, region: Value) -> Alarm:
    """Return the alarm on what is written here and late in the other Region.

    The metric rests while nothing is written: no data changes nothing.
    """
    return Alarm(
        "TableReplicationLatency",
        "What is written here is late in the other Region",
        metrics.table_replication_latency(table, region),
        "Average",
        REPLICATION_LATENCY,
        missing=Missing.IGNORE,
    )
