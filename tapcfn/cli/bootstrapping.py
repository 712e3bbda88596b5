"""bootstrap: the roles and buckets that a rollout's stack sets need before they can be deployed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tapcfn.cli.agreeing import close, confirmed, make_sure_that_somebody_answers
from tapcfn.cli.options import Session, Where, common, linked, placed
from tapcfn.cli.staged import approval_of, code_of, part_of, previewed, show_plan
from tapcfn.cli.workplace import Workplace, workplace
from tapcfn.errors import BlockedError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.model import Snapshot
    from tapcfn.plan import Plan


@click.command()
@click.pass_obj
@placed()
@click.option(
    "--print",
    "only_print",
    is_flag=True,
    help="Print the templates, to be reviewed; make no call and write nothing.",
)
@click.option("--remove", is_flag=True, help="Take them away again, once no stack set is left.")
@click.option("--yes", is_flag=True, help="Approve the plan.")
@linked
@common
def bootstrap(
    session: Session, /, *, where: Where, only_print: bool, remove: bool, yes: bool
) -> int:
    """Make what the stack sets of BLUEPRINT need: two roles, and buckets for large templates.

    The administration role goes into the administrator's account, the execution role into every
    account that has targets, each through that account's credentials. What is there already and
    was not made by this is left as it is.
    """
    from tapcfn.bootstrap import bootstrap as make
    from tapcfn.cli.opening import open_desk

    wanted = workplace(session.package, where)
    made = make(wanted.rollout, wanted.settings)
    place = replace(wanted, rollout=made, stage=made.stage, called=wanted.command)
    if only_print:
        _print(session, wanted, place)
        return 0
    with open_desk(session, place, "bootstrap") as desk:
        snapshot = desk.settled_snapshot()
        planned = _removal(desk, wanted, snapshot) if remove else _planned(desk, snapshot)
        if planned.has_work and not (place.is_local or yes):
            make_sure_that_somebody_answers(session)
        return _bring_about(desk, planned, snapshot, approved=place.is_local or yes)


def _print(session: Session, wanted: Workplace, place: Workplace) -> None:
    """Print each template once, with the stacks that are made of it."""
    from tapcfn.bootstrap import administrators, notes

    templates = {stack.template.layer: stack.template.document for stack in place.rollout.stacks}
    stacks = [
        {
            "name": stack.name,
            "account": stack.target.account,
            "region": stack.target.region,
            "template": stack.template.layer,
            "parameters": dict(sorted(stack.parameters.items())),
        }
        for stack in place.rollout.stacks
    ]
    said = notes(administrators(wanted.rollout))
    document = {"stacks": stacks, "templates": templates}
    text = json.dumps(document, indent=2, sort_keys=True)
    session.console.answer("bootstrap", {**document, "notes": list(said)}, text)
    for note in said:
        session.console.say(f"note: {note}")


def _planned(desk: Desk, snapshot: Snapshot) -> Plan:
    """Return the plan; roles that somebody else has made are left out of it, and said."""
    from tapcfn.bootstrap import taken
    from tapcfn.cli.guarding import before_writing
    from tapcfn.events import Diagnosed
    from tapcfn.plan import plan

    planned = plan(desk.rollout, snapshot)
    found = taken(planned, desk.cloud, desk.pool)
    for name, role in sorted(found.items()):
        text = f"{name}: the role {role} is there already, and is left as it is"
        desk.session.console.notify(Diagnosed("warning", text))
    if found:
        names = frozenset(stack.name for stack in desk.rollout.stacks) - found.keys()
        planned = part_of(planned, names, snapshot)
    before_writing(desk, planned)
    return planned


def _removal(desk: Desk, wanted: Workplace, snapshot: Snapshot) -> Plan:
    """Return the plan that takes all away; raise `BlockedError` while a stack set needs it."""
    from tapcfn.plan import plan_destroy

    if left := [each.name for each in wanted.rollout.stack_sets if desk.sets.stack_set(each)]:
        raise BlockedError(
            f"{', '.join(left)}: still deployed, and without the roles nothing of it can be "
            "changed or deleted; destroy it first"
        )
    return plan_destroy(desk.rollout, snapshot)


def _bring_about(desk: Desk, planned: Plan, snapshot: Snapshot, *, approved: bool) -> int:
    """Preview, confirm, carry out and wait."""
    from tapcfn.cli.guarding import beside_the_plan, verdict_on

    with previewed(desk, planned, snapshot, frozenset(), thorough=not approved) as staged:
        show_plan(desk.session, planned, staged.previews)
        beside_the_plan(desk, planned, snapshot, staged.previews)
        if not planned.has_work:
            return 0
        if code := verdict_on(desk, staged.previews, code_of(staged.previews)):
            return code
        if not (approved or confirmed(desk)):
            return 130
        staged.keep = True
    approval = approval_of(staged.previews, frozenset(), strict=not approved)
    return close(desk, desk.carry_out(planned, snapshot, approval), "bootstrap")
