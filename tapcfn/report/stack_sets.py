"""Stack sets in words: how a rollout will go, why it failed, what runs where, what has drifted."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from tapcfn.model import EMPTY, Member, Target
from tapcfn.report.counted import counted
from tapcfn.report.text import duration, table
from tapcfn.stack_sets.causes import Cancelled, Cluster
from tapcfn.stack_sets.drifted import DriftGroup, FleetDrift
from tapcfn.stack_sets.pacing import OperationPart, RegionPart
from tapcfn.stack_sets.simulation import Simulation, WavePart
from tapcfn.stack_sets.skew import Retained, Stand, Version, kinds

_WIDEST = 100
_MOST_PLACES = 4
_DIGEST = 12


# Before a rollout ---------------------------------------------------------------------------------


def simulation_text(simulation: Simulation) -> str:
    """Return the waves with their Regions, then the whole, then what to think about. (R-4)"""
    lines = figure_lines(simulation)
    if not simulation.usual:
        lines.append("how long it takes is not known: no instance has been deployed before")
    return "\n".join([*lines, *(f"warning: {each}" for each in simulation.warnings)])


def figure_lines(simulation: Simulation) -> list[str]:
    """Return the waves with their Regions, then the whole."""
    lines: list[str] = []
    for wave in simulation.waves:
        takes = _takes(simulation, wave)
        lines.append(f"wave {wave.name}: {_reach(wave)}{takes}")
        for each in wave.operations:
            lines += _region_lines(each)
    if len(simulation.waves) > 1:
        lines.append(f"in all: {_reach(simulation)}{_takes(simulation, None)}")
    return lines


def _reach(part: WavePart | Simulation) -> str:
    return (
        f"{counted(part.pairs, 'instance')}, at most {part.at_once} at once, "
        f"{part.worst} touched if everything fails"
    )


def _takes(simulation: Simulation, wave: WavePart | None) -> str:
    least, likely = simulation.minimum(wave), simulation.likely(wave)
    if least is None or likely is None:
        return ""
    return f"; about {duration(likely)}, at least {duration(least)}"


def _region_lines(operation: OperationPart) -> Iterator[str]:
    """Yield the Regions of one call, neighbours with the same figures together."""
    arrow = " + " if operation.parallel else " → "
    for (accounts, at_once, batches), group in groupby(operation.regions, key=_figures):
        alike = [each.region for each in group]
        each_one = " each" if len(alike) > 1 else ""
        text = (
            f"{arrow.join(alike)}: {counted(accounts, 'account')}{each_one}, {at_once} at once, "
            f"{counted(batches, 'batch', 'batches')}"
        )
        yield from textwrap.wrap(
            text, _WIDEST, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )


def _figures(part: RegionPart) -> tuple[int, int, int]:
    return (part.accounts, part.at_once, part.batches)


# After one ----------------------------------------------------------------------------------------


def causes_text(clusters: Iterable[Cluster], cancelled: Cancelled | None = None) -> str:
    """Return each cause once, the commonest first; what it led to stands apart. (D-4)"""
    lines = [cause_line(each) for each in clusters]
    if cancelled and cancelled.pairs:
        why = f"one failure too many: {', '.join(map(str, cancelled.tripped))}"
        stopped = why if cancelled.tripped else "the operation was stopped"
        lines.append(f"{len(cancelled.pairs)} cancelled as a consequence ({stopped})")
    return "\n".join(lines)


def cause_line(cluster: Cluster) -> str:
    """Return one cause with the number of instances that it hit, and the first of them.

    What hit one alone is told in its own words.
    """
    said = cluster.reason if cluster.count > 1 else " ".join(cluster.example.split())
    return f"{counted(cluster.count, 'instance')}: {said} (first {cluster.first})"


def outputs_table(values: Mapping[Target, Mapping[str, str]]) -> str:
    """Return the outputs of all instances in one table. (R-22)"""
    rows = [
        (pair.account, pair.region, key, value)
        for pair, outputs in sorted(values.items())
        for key, value in sorted(outputs.items())
    ]
    return table(("account", "Region", "output", "value"), rows) if rows else "No outputs."


def outputs_fields(
    values: Mapping[Target, Mapping[str, str]],
) -> dict[str, dict[str, dict[str, str]]]:
    """Return the outputs of all instances by account, Region and key."""
    fields: dict[str, dict[str, dict[str, str]]] = {}
    for pair, outputs in sorted(values.items()):
        fields.setdefault(pair.account, {})[pair.region] = dict(sorted(outputs.items()))
    return fields


# What there is ------------------------------------------------------------------------------------


def skew_text(
    versions: Sequence[Version],
    names: Mapping[str, str] = EMPTY,
    retained: Sequence[Retained] = (),
) -> str:
    """Return the versions, that of most instances first; `names` by digest of a template. (D-12)"""
    lines = []
    for each in versions:
        what = _STANDS.get(each.stand) or _version_text(each, names)
        lines.append(f"{counted(len(each.pairs), 'instance')} {each.status}: {what}")
        lines.append(f"    {places(each.pairs)}")
    for left in retained:
        lines.append(f"no instance stands for {left.stack}: {_version_text(left, names)}")
        lines.append(f"    {left.target}")
    total = sum(len(each.pairs) for each in versions)
    end = f"{counted(total, 'instance')}, {counted(kinds(versions), 'version')}"
    stays = f"; {counted(len(retained), 'stack')} left behind" if retained else ""
    lines.append(f"{end}{stays}.")
    return "\n".join(lines)


_STANDS = {
    Stand.GONE: "its stack is gone, and the instance stays",
    Stand.NONE: "no stack",
    Stand.UNREAD: "its stack can't be read",
}


def _version_text(each: Version | Retained, names: Mapping[str, str]) -> str:
    name = f" ({names[each.template]})" if each.template in names else ""
    template = f"template {each.template[:_DIGEST]}{name}" if each.template else "can't be read"
    told = f", parameters {each.parameters[:_DIGEST]}" if each.parameters else ""
    return template + told


def fleet_drift_text(drift: FleetDrift) -> str:
    """Return drift by resource and property, where detection failed, and the counts. (D-13)"""
    lines: list[str] = []
    resources: dict[str, list[DriftGroup]] = {}
    for group in drift.groups:
        resources.setdefault(f"{group.logical_id}  {group.resource_type}", []).append(group)
    for resource, groups in resources.items():
        lines.append(resource)
        for each in groups:
            lines.append(f"  {_difference(each)}  in {counted(len(each.pairs), 'instance')}")
            lines.append(f"      {places(each.pairs)}")
    for each in drift.unchecked:
        what = f"{each.logical_id}  {each.resource_type}  {each.status}"
        lines.append(f"not checked: {what}  in {counted(len(each.pairs), 'instance')}")
    lines += [f"! detection failed in {pair}: {why}" for pair, why in drift.failed.items()]
    total = f"{drift.drifted} of {counted(drift.checked, 'instance')} have drifted"
    if drift.unsupported:
        total += f"; {counted(drift.unsupported, 'resource')} not checked"
    if drift.failed:
        total += f"; detection failed in {counted(len(drift.failed), 'instance')}"
    return "\n".join([*lines, total + "."])


def _difference(group: DriftGroup) -> str:
    if not group.path:
        return group.status
    shown = [_shown(each) for each in (group.expected, group.actual)]
    return f"{group.path}: {' → '.join(shown)}"


def _shown(value: str) -> str:
    text = value or "(none)"
    return text if len(text) <= _WIDEST else text[:_WIDEST] + "…"


def places(pairs: Sequence[Target]) -> str:
    """Return a few pairs by name, and how many more there are."""
    named = ", ".join(str(each) for each in pairs[:_MOST_PLACES])
    more = len(pairs) - _MOST_PLACES
    return f"{named} and {more} more" if more > 0 else named


def members_text(members: Iterable[Member]) -> str:
    """Return accounts by id, and by name where that is known; all of them."""
    return ", ".join(map(str, members))
