"""CloudWatch: metric math, as far as arithmetic, FILL and the usual functions over series go.

An expression is read as Python reads it, which it looks like. Series are values by the second at
which their period begins.
"""

from __future__ import annotations

import ast
import operator
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import measures
from tapcfn.local.services.refusal import RefusedError

Series = dict[int, float]
Value = Series | float

USUAL_PERIOD = 60

_ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_OVER_SERIES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "AVG": lambda values: sum(values) / len(values),
    "MAX": max,
    "MIN": min,
    "SUM": sum,
}


def period_of(queries: Sequence[Mapping[str, Any]]) -> int:
    """Return the period of a set of queries: that of its first metric or expression."""
    told = (each.get("Period") or each.get("MetricStat", {}).get("Period") for each in queries)
    return int(next((period for period in told if period), USUAL_PERIOD))


def series(queries: Sequence[Mapping[str, Any]], times: Sequence[int]) -> dict[str, Series]:
    """Return what each query comes to at these times, the beginnings of periods."""
    period = period_of(queries)
    found: dict[str, Series] = {
        each["Id"]: _measured(each["MetricStat"], times, period)
        for each in queries
        if "MetricStat" in each
    }
    waiting = {each["Id"]: each["Expression"] for each in queries if each.get("Expression")}
    while waiting:
        ready = [name for name, text in waiting.items() if not waiting.keys() & _names(text)]
        if not ready:
            raise _invalid(f"The expressions {sorted(waiting)} refer to each other")
        for name in ready:
            value = _value(_parsed(waiting.pop(name)).body, found, times)
            found[name] = value if isinstance(value, dict) else dict.fromkeys(times, value)
    return found


def _measured(stat: Mapping[str, Any], times: Sequence[int], period: int) -> Series:
    metric, wanted = stat["Metric"], set(times)
    buckets: dict[int, list[Any]] = defaultdict(list)
    for point in measures.points(metric, times, period):
        begins = int(point["Timestamp"] // period) * period
        if begins in wanted:
            buckets[begins].append(point)
    values = {at: emulator.cloudwatch.statistic(buckets[at], stat["Stat"]) for at in buckets}
    return {at: value for at, value in sorted(values.items()) if value is not None}


# Expressions --------------------------------------------------------------------------------------


def _parsed(text: str) -> ast.Expression:
    try:
        return ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise _invalid(f"Error in expression '{text}': {error.msg}") from error


def _names(text: str) -> set[str]:
    return {node.id for node in ast.walk(_parsed(text)) if isinstance(node, ast.Name)}


def _value(node: ast.expr, known: Mapping[str, Series], times: Sequence[int]) -> Value:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _combined(operator.sub, 0.0, _value(node.operand, known, times))
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        sides = (_value(side, known, times) for side in (node.left, node.right))
        return _combined(_ARITHMETIC[type(node.op)], *sides)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        return _called(node.func.id, node.args, known, times)
    raise _invalid(f"The local cloud does not model the expression '{ast.unparse(node)}'")


def _called(
    name: str, args: Sequence[ast.expr], known: Mapping[str, Series], times: Sequence[int]
) -> Value:
    if name == "FILL" and len(args) > 1:
        filled, value = (_value(each, known, times) for each in args[:2])
        if isinstance(filled, dict) and isinstance(value, float):
            return {at: filled.get(at, value) for at in times}
    if name in _OVER_SERIES and isinstance(args[0], ast.List):
        listed = [_value(each, known, times) for each in args[0].elts]
        several = [
            each if isinstance(each, dict) else dict.fromkeys(times, each) for each in listed
        ]
        return {
            at: float(_OVER_SERIES[name](values))
            for at in times
            if (values := [each[at] for each in several if at in each])
        }
    raise _invalid(f"The local cloud does not model the function {name} of metric math so")


def _combined(do: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """Combine point by point; where one series has none, or a division is by 0, there is none."""
    if not isinstance(left, dict) and not isinstance(right, dict):
        return do(left, right)
    some = left if isinstance(left, dict) else right
    pairs = {at: (_at(left, at), _at(right, at)) for at in (some if isinstance(some, dict) else ())}
    return {
        at: do(one, two)
        for at, (one, two) in pairs.items()
        if one is not None and two is not None and not (do is operator.truediv and two == 0)
    }


def _at(value: Value, at: int) -> float | None:
    return value.get(at) if isinstance(value, dict) else value


def _invalid(message: str) -> RefusedError:
    return RefusedError("ValidationError", message)
