"""stackset: commands that look at stack sets; those that write stand beside this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from tapcfn.cli.options import Session, Where, common, placed
from tapcfn.cli.set_adopting import adopt
from tapcfn.cli.set_comparing import skew
from tapcfn.cli.set_place import found_of, one_set, set_of, sets_of
from tapcfn.cli.set_simulating import simulate
from tapcfn.cli.set_steering import drift, stop
from tapcfn.cli.set_work import retry, revert
from tapcfn.cli.workplace import workplace
from tapcfn.errors import CloudError, TapcfnError, UsageError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.model import DeployedSet, Instance, StackSet, Target
    from tapcfn.stack_sets.standing import Standing, Told

T = TypeVar("T")


@click.group("stackset")
def stackset() -> None:
    """Look at stack sets, and steer what is at work on them."""


@stackset.command("status")
@click.pass_obj
@placed()
@one_set
@common
def status(session: Session, /, *, where: Where, name: str) -> int:
    """Say of each stack set whether it is there and as wanted, and what goes on."""
    from tapcfn.cli.opening import open_desk
    from tapcfn.report.standings import standing_fields, standing_text

    place = workplace(session.package, where)
    chosen = sets_of(place, name)
    with open_desk(session, place, "stackset status") as desk:
        for each in chosen:
            found = _standing(desk, each)
            answer = standing_fields(found), standing_text(found)
            session.console.answer("stackset.status", *answer)
    return 0


def _standing(desk: Desk, stack_set: StackSet) -> Standing:
    from tapcfn.stack_sets.finding import left_out, pairs_of
    from tapcfn.stack_sets.standing import Standing

    found = found_of(desk, stack_set, to_plan=False)
    organization = stack_set.organization
    members = desk.sets.members(stack_set.home, organization.units) if organization else ()
    operations = desk.sets.operations(stack_set) if found.deployed else ()
    pairs = pairs_of(stack_set, members)
    missed = left_out(stack_set, members)
    return Standing(stack_set, pairs, found.deployed, found.instances, operations, missed)


@stackset.command("instances")
@click.pass_obj
@placed()
@one_set
@click.option(
    "--parameters",
    is_flag=True,
    help="What each stack is told, and what of it is its own; a call for each instance.",
)
@common
def instances(session: Session, /, *, where: Where, name: str, parameters: bool) -> int:
    """List the instances: where each stands, why, and the last operation on it."""
    from tapcfn.cli.opening import open_desk
    from tapcfn.events import Answered
    from tapcfn.report.standings import instance_fields, instances_text

    place = workplace(session.package, where)
    with open_desk(session, place, "stackset instances") as desk:
        for each in sets_of(place, name):
            found = found_of(desk, each, to_plan=parameters)
            listed = [one for _, one in sorted(found.instances.items())]
            told = _told(listed, found.deployed) if parameters else {}
            session.console.result(f"{each.name}\n{instances_text(listed, told)}")
            if session.console.json:
                for one in listed:
                    fields = instance_fields(each.name, one, told.get(one.target))
                    session.console.notify(Answered("stackset.instance", fields))
    return 0


def _told(listed: list[Instance], deployed: DeployedSet | None) -> Mapping[Target, Told]:
    from tapcfn.stack_sets.standing import told_of

    return {one.target: told_of(one, deployed) for one in listed} if deployed else {}


@stackset.command("operations")
@click.pass_obj
@placed(bundled=False)
@click.argument("operation", required=False)
@one_set
@common
def operations(session: Session, /, *, where: Where, operation: str | None, name: str) -> int:
    """List what was done to a stack set, newest first; or tell one OPERATION pair by pair."""
    from tapcfn.cli.opening import open_desk
    from tapcfn.report.standings import operation_fields, operations_text

    place = workplace(session.package, where)
    with open_desk(session, place, "stackset operations") as desk:
        if operation is not None:
            _show_operation(desk, set_of(place, name), operation)
            return 0
        for each in sets_of(place, name):
            found = found_of(desk, each, to_plan=False)
            past = desk.sets.operations(each) if found.deployed else ()
            fields = {"unit": each.name, "operations": [operation_fields(one) for one in past]}
            text = f"{each.name}\n{operations_text(past)}"
            session.console.answer("stackset.operations", fields, text)
    return 0


def _show_operation(desk: Desk, stack_set: StackSet, operation_id: str) -> None:
    from tapcfn.model import ResultStatus
    from tapcfn.report.standings import operation_text, results_fields
    from tapcfn.stack_sets.causes import cancelled, cluster

    found = desk.sets.operation(stack_set, operation_id)
    if found is None:
        raise UsageError(f"{operation_id}: {stack_set.name} has no such operation")
    results = desk.sets.results(stack_set, operation_id)
    failed = [each for each in results if each.status is ResultStatus.FAILED]
    clusters = cluster((each.target, each.gate_reason or each.reason) for each in failed)
    after = cancelled(results, found.preferences)
    desk.session.console.answer(
        "stackset.operation",
        results_fields(stack_set.name, found, results, clusters, after),
        operation_text(found, results, clusters, after),
    )


def _of_each(
    desk: Desk, found: Mapping[Target, Instance], work: Callable[[Desk, Instance], T]
) -> list[T]:
    """Do some work for each instance, many at once, and return what came of it in order."""
    return list(desk.pool.map(lambda pair: work(desk, found[pair]), sorted(found)))


def _warn(desk: Desk, text: str) -> None:
    from tapcfn.events import Diagnosed

    desk.session.console.notify(Diagnosed("warning", text))


@stackset.command("outputs")
@click.pass_obj
@placed()
@one_set
@click.option(
    "--outputs-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write them as JSON, too: by stack set, account, Region and key.",
)
@common
def outputs(session: Session, /, *, where: Where, name: str, outputs_file: Path | None) -> int:
    """Print the outputs of every instance's stack."""
    from tapcfn.cli.files import write_whole
    from tapcfn.cli.opening import open_desk
    from tapcfn.report.stack_sets import outputs_fields, outputs_table

    place = workplace(session.package, where)
    told: dict[str, object] = {}
    unread = 0
    with open_desk(session, place, "stackset outputs") as desk:
        for each in sets_of(place, name):
            found = found_of(desk, each, to_plan=False).instances
            values = dict(zip(sorted(found), _of_each(desk, found, _outputs_of), strict=True))
            known = {pair: one for pair, one in values.items() if one is not None}
            unread += len(values) - len(known)
            told[each.name] = fields = outputs_fields(known)
            text = f"{each.name}\n{outputs_table(known)}"
            session.console.answer("outputs", {"unit": each.name, "values": fields}, text)
    if outputs_file is not None:
        write_whole(outputs_file, told)
    return TapcfnError.exit_code if unread else 0


def _outputs_of(desk: Desk, instance: Instance) -> Mapping[str, str] | None:
    """Return a stack's outputs, by its StackId; None, and a warning, where they can't be read."""
    if not instance.stack_id:
        return {}
    try:
        return desk.cloud.stack(instance.stack_id, instance.target).outputs
    except CloudError as error:
        _warn(desk, f"{instance.target}: its outputs can't be read: {error}")
        return None


for _command in (skew, simulate, retry, stop, revert, drift, adopt):
    stackset.add_command(_command)
