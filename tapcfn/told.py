"""Fill in what gates and other values are told by stacks that are deployed by now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tapcfn.errors import BlockedError
from tapcfn.model import (
    AlarmCheck,
    Check,
    Gate,
    HealthCheck,
    MetricCheck,
    OutputOf,
    ProbeCheck,
    TargetHealthCheck,
)

Outputs = Mapping[str, Mapping[str, str]]


def resolved_gates(gates: Iterable[Gate], outputs: Outputs) -> tuple[Gate, ...]:
    """Return gates with every output filled in; raise `BlockedError` for what is not there.

    An output of several alarms has them with commas between.
    """
    return tuple(replace(gate, check=_check(gate, outputs)) for gate in gates)


def _check(gate: Gate, outputs: Outputs) -> Check:
    check = gate.check

    def told(value: Any) -> Any:
        return known(gate.name, value, outputs)

    match check:
        case AlarmCheck():
            names = [name for each in check.alarms for name in str(told(each)).split(",")]
            return replace(check, alarms=tuple(name for name in names if name))
        case MetricCheck():
            pairs = tuple((key, told(value)) for key, value in check.dimensions)
            return replace(check, dimensions=pairs)
        case HealthCheck():
            return replace(check, health_check_id=told(check.health_check_id))
        case TargetHealthCheck():
            return replace(check, target_group_arn=told(check.target_group_arn))
        case ProbeCheck():
            return replace(check, url=told(check.url))
        case _:
            return check


def known(what: str, value: Any, outputs: Outputs) -> Any:
    """Return a value, or the output that it stands for."""
    if not isinstance(value, OutputOf):
        return value
    told = outputs.get(value.stack, {}).get(value.key)
    if told is None:
        raise BlockedError(f"{what}: {value} is not there")
    return told
