"""Gates in TOML: each kind becomes its noun, and every fault is named."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from pydantic import Field

from tapcfn.config import Common, check
from tapcfn.errors import ConfigError
from tapcfn.gate_settings import GateList, gates_of
from tapcfn.model import (
    AlarmCheck,
    ApprovalCheck,
    CommandCheck,
    Comparison,
    Gate,
    HealthCheck,
    MetricCheck,
    ProbeCheck,
    Target,
    TargetHealthCheck,
)
from tests.fakes import AWAY, HOME

GROUP = "arn:aws:elasticloadbalancing:us-west-2:111111111111:targetgroup/web/1"


class Settings(Common):
    """Settings of a blueprint that has gates."""

    gates: GateList = Field((), description="tables [[gates]]")


def read(text: str) -> Settings:
    document = {"backend": "local", **tomllib.loads(text)}
    return check("prod.toml", document, Settings)


ALL = f"""
[[gates]]
name = "errors"
kind = "alarm"
alarms = ["errors-{{region}}", "latency"]
hold = 300
timeout = 1200
every = 30
stale = 100
fails_at_once = true

[[gates]]
name = "lag"
kind = "metric"
region = "us-west-2"
namespace = "AWS/RDS"
metric = "ReplicaLag"
dimensions = {{ DBInstanceIdentifier = "copy-{{account}}" }}
statistic = "p99.9"
good = "<="
threshold = 0
period = 300
lowest = -5.5

[[gates]]
name = "dns"
kind = "health-check"
account = "222222222222"
health_check = "abc"

[[gates]]
name = "targets"
kind = "target-health"
region = "us-west-2"
target_group = "{GROUP}"
healthy = 2

[[gates]]
name = "smoke"
kind = "http"
url = "https://{{region}}.example.com/health"
status = [200, 204]
seconds = 2

[[gates]]
name = "test"
kind = "command"
command = ["./smoke.sh", "{{region}}"]
seconds = 10.5

[[gates]]
name = "boss"
kind = "approval"
question = "go on in {{region}}?"
"""


def test_each_kind_becomes_its_noun() -> None:
    """What is not written is what the noun says; texts are filled in for the gate's target."""
    account = HOME.account
    errors = AlarmCheck(HOME, ("errors-us-east-1", "latency"))
    lag = MetricCheck(
        AWAY, "AWS/RDS", "ReplicaLag", (("DBInstanceIdentifier", f"copy-{account}"),), "p99.9",
        Comparison.AT_MOST, 0.0, 300, -5.5,
    )  # fmt: skip

    assert gates_of(read(ALL).gates, HOME) == (
        Gate("errors", errors, 300.0, 1200.0, 30.0, fails_at_once=True, stale=100.0),
        Gate("lag", lag),
        Gate("dns", HealthCheck(Target("222222222222", "us-east-1"), "abc")),
        Gate("targets", TargetHealthCheck(AWAY, GROUP, 2)),
        Gate("smoke", ProbeCheck("https://us-east-1.example.com/health", (200, 204), 2.0)),
        Gate("test", CommandCheck(("./smoke.sh", "us-east-1"), 10.5)),
        Gate("boss", ApprovalCheck("go on in us-east-1?")),
    )


LEAST: dict[str, dict[str, Any]] = {
    "alarm": {"alarms": ["a"]},
    "metric": {
        "namespace": "n", "metric": "m", "statistic": "Sum", "good": "<", "threshold": 1.5,
    },
    "health-check": {"health_check": "h"},
    "target-health": {"target_group": GROUP},
    "http": {"url": "http://127.0.0.1/"},
    "command": {"command": ["true"]},
    "approval": {"question": "?"},
}  # fmt: skip


def faults(*gates: dict[str, Any]) -> tuple[str, ...]:
    """Return what is wrong with these gates."""
    with pytest.raises(ConfigError) as caught:
        check("prod.toml", {"backend": "local", "gates": list(gates)}, Settings)
    return caught.value.faults


def a_gate(kind: str, /, **differing: Any) -> dict[str, Any]:
    """Return the least that a kind must be told; None takes a key out."""
    whole = {"name": "g", "kind": kind, **LEAST.get(kind, {}), **differing}
    return {key: value for key, value in whole.items() if value is not None}


@pytest.mark.parametrize("kind", LEAST)
def test_the_least_that_a_kind_must_be_told_is_enough(kind: str) -> None:
    """The rest has defaults."""
    settings = check("prod.toml", {"backend": "local", "gates": [a_gate(kind)]}, Settings)

    assert [("g", 0.0, False)] == [
        (each.name, each.hold, each.fails_at_once) for each in gates_of(settings.gates, HOME)
    ]


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind in LEAST for key in LEAST[kind]])
def test_a_key_that_a_kind_needs_is_missed_by_name(kind: str, key: str) -> None:
    """With what is allowed there."""
    (fault,) = faults(a_gate(kind, **{key: None}))

    assert fault.startswith(f'gates.0: {key}: missing, and kind is "{kind}"; allowed: ')


@pytest.mark.parametrize(
    ("gate", "fault"),
    [
        (a_gate("alarm", alarmz=["a"]), 'gates.0.alarmz: unknown key; did you mean "alarms"?'),
        (a_gate("alarms"), 'gates.0.kind = "alarms": input should be'),
        (a_gate("alarm", kind=None), 'gates.0.kind: missing; allowed: "alarm", "metric"'),
        (
            a_gate("alarm", url="http://127.0.0.1/"),
            'gates.0: url: not for kind = "alarm"; allowed there: alarms, account, region',
        ),
        (
            a_gate("alarm", hold=700),
            "gates.0: timeout = 600: less than hold = 700, so it never passes; allowed: more",
        ),
        (a_gate("alarm", hold=-1), "gates.0.hold = -1: input should be greater than or equal to 0"),
        (a_gate("alarm", every=0), "gates.0.every = 0: input should be greater than 0; allowed: "),
        (a_gate("alarm", alarms=[]), "gates.0.alarms = []: is empty; allowed: a list"),
        (a_gate("alarm", region="here"), 'gates.0.region = "here": is no Region; allowed: '),
        (a_gate("metric", good="=="), "gates.0.good = \"==\": input should be '<', '<=', '>'"),
        (a_gate("metric", statistic="Mean"), 'gates.0.statistic = "Mean": '),
        (a_gate("metric", period=90), "gates.0.period = 90: input should be a multiple of 60"),
        (a_gate("metric", threshold=float("nan")), "gates.0.threshold = nan: "),
        (a_gate("target-health", target_group="web"), 'gates.0.target_group = "web": '),
        (a_gate("target-health", healthy=0), "gates.0.healthy = 0: "),
        (a_gate("http", url="file:///etc"), 'gates.0.url = "file:///etc": is no http or https URL'),
        (a_gate("http", url="http://"), 'gates.0.url = "http://": is no http or https URL'),
        (a_gate("http", url="http://a:b@c/"), "gates.0: url: has a user name or a password in it"),
        (a_gate("http", status=[99]), "gates.0.status.0 = 99: "),
        (a_gate("command", command="true"), 'gates.0.command = "true": input should be a list'),
    ],
)
def test_a_fault_names_the_key_and_what_is_allowed(gate: dict[str, Any], fault: str) -> None:
    """And the value."""
    (found,) = faults(gate)

    assert found.startswith(fault)


def test_all_faults_of_a_gate_are_told_at_once() -> None:
    """What is missing and what does not belong there."""
    (fault,) = faults(a_gate("metric", metric=None, statistic=None, question="?"))

    assert [True] * 3 == [each in fault for each in ("metric: missing", "statistic: missing",
                                                     "question: not for")]  # fmt: skip


def test_a_name_stands_for_one_gate() -> None:
    """Two of a name could not be told apart in a stream."""
    (fault,) = faults(a_gate("alarm"), a_gate("approval"))

    assert "g: there twice" in fault
