"""The outputs of a rollout, of its stacks and of instances, as they are told."""

from __future__ import annotations

from tapcfn.cli import instance_outputs
from tapcfn.cli.desk import Desk
from tapcfn.cli.instance_outputs import Told, value_of
from tapcfn.cli.reports import OUTPUTS
from tapcfn.events import (
    OutputsKnown,
    UnitOutputs,
)
from tapcfn.model import EMPTY, Rollout, Snapshot


def outputs_of(rollout: Rollout, snapshot: Snapshot, told: Told = EMPTY) -> dict[str, str]:
    """Return the rollout's outputs that are there, by their own names and in their order.

    What instances of stack sets put out is `told`: no snapshot has it.
    """
    found = {name: value_of(each, snapshot, told) for name, each in rollout.outputs.items()}
    return {name: value for name, value in found.items() if value is not None}


def unit_outputs(
    rollout: Rollout, snapshot: Snapshot, told: Told = EMPTY
) -> tuple[UnitOutputs, ...]:
    """Return all outputs of each stack that is deployed, and of instances as far as `told`."""
    targets = {stack.name: stack.target for stack in rollout.stacks}
    found = {
        (name, target): snapshot.stacks[name].outputs
        for name, target in targets.items()
        if name in snapshot.stacks and not snapshot.stacks[name].status.is_absent
    }
    places = {**found, **told}
    return tuple(
        UnitOutputs(name, where, values) for (name, where), values in places.items() if values
    )


def note_outputs(desk: Desk, snapshot: Snapshot) -> None:
    """Have all outputs in the file that is written from what is heard, and tell nobody else."""
    units = unit_outputs(desk.rollout, snapshot, _told_by_instances(desk, snapshot))
    desk.session.console.let_hear(OutputsKnown({}, units))


def _told_by_instances(desk: Desk, snapshot: Snapshot) -> Told:
    """Return the outputs of the instances that are named, or of all for a file; tell faults."""
    every = OUTPUTS in desk.session.reports.files
    found = instance_outputs.read(desk.rollout, snapshot, desk.cloud, desk.pool, every=every)
    told, faults = found
    for text in faults:
        desk.warn(text)
    return told


def show_outputs(desk: Desk, snapshot: Snapshot) -> None:
    """Print the outputs as a table, or tell them as one event."""
    from tapcfn.report.text import outputs_text

    session, rollout = desk.session, desk.rollout
    told = _told_by_instances(desk, snapshot)
    values = outputs_of(rollout, snapshot, told)
    session.console.notify(OutputsKnown(values, unit_outputs(rollout, snapshot, told)))
    if values or session.console.json:
        session.console.result(outputs_text(values))
    elif not rollout.outputs:
        session.console.say("No outputs: none is named.")
    else:
        session.console.say("No outputs: nothing that has any is deployed.")
