"""Each step after all that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from tapcfn.errors import TemplateError
from tapcfn.plan.steps import Step


def in_order(needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the names, each after all that it needs; raise `TemplateError` for a circle."""
    return tuple(name for wave in _sorted_waves(needs) for name in wave)


def waves_of(steps: Mapping[str, Step]) -> tuple[tuple[Step, ...], ...]:
    """Group steps so that each comes after everything that it needs."""
    needs = {name: step.needs for name, step in steps.items()}
    return tuple(tuple(steps[name] for name in wave) for wave in _sorted_waves(needs))


def _sorted_waves(needs: Mapping[str, Iterable[str]]) -> Iterable[tuple[str, ...]]:
    sorter: TopologicalSorter[str] = TopologicalSorter(
        {name: sorted(each) for name, each in sorted(needs.items())}
    )
    try:
        sorter.prepare()
    except CycleError as error:
        raise TemplateError("stacks need each other: " + " -> ".join(error.args[1])) from error
    while sorter.is_active():
        ready = tuple(sorted(sorter.get_ready()))
        yield ready
        sorter.done(*ready)
