"""How long the alarms of a rollout's templates need, and whether its moves wait for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tapcfn.model import AlarmCheck, Move, OutputOf, Rollout

# CloudWatch judges once a minute.
JUDGED_WITHIN = 60


def hurried(wanted: Rollout) -> list[str]:
    """Return the moves that fall back by alarms, and are over before an alarm could go off.

    Raises `AssertionError` where no move looks at an alarm.
    """
    looking = [each for each in wanted.moves if each.falls_back and list(_alarms(each))]
    assert looking
    return [
        move.name
        for move in looking
        for gate, output in _alarms(move)
        if gate.hold < _needed(wanted, output) or gate.timeout <= gate.hold
    ]


def _alarms(move: Move) -> Iterator[tuple[Any, OutputOf]]:
    for gate in move.gates:
        if isinstance(gate.check, AlarmCheck):
            for each in gate.check.alarms:
                assert isinstance(each, OutputOf)
                yield gate, each


def _needed(wanted: Rollout, output: OutputOf) -> int:
    """Return the seconds in which the slowest alarm of an output has gone off."""
    (stack,) = (each for each in wanted.stacks if each.name == output.stack)
    document = stack.template.document
    names = [each["Ref"] for each in document["Outputs"][output.key]["Value"]["Fn::Join"][1]]
    alarms = [document["Resources"][name]["Properties"] for name in names]
    return max(each["EvaluationPeriods"] * _period(each) for each in alarms) + JUDGED_WITHIN


def _period(alarm: dict[str, Any]) -> int:
    periods = [each["MetricStat"]["Period"] for each in alarm.get("Metrics", ())[1:]]
    return max([int(alarm.get("Period", 0)), *periods])
