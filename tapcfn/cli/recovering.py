"""Bring stacks back that are in a state where no change set is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tapcfn.cli import completers
from tapcfn.cli.options import Session, Where, allow_loss, common, linked, placed, program
from tapcfn.cli.workplace import Catalogue, Workplace, workplace
from tapcfn.errors import UsageError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.recovery import Diagnosis


@click.command()
@click.pass_obj
@placed()
@click.option("--stack", "only", shell_complete=completers.stacks, help="Only this stack.")
@click.option("--execute", is_flag=True, help="Do it. The stack has to be named.")
@click.option(
    "--skip",
    multiple=True,
    metavar="LOGICAL_ID",
    help="Go on with a rollback without this resource (Nested.LogicalId within a nested stack). "
    "May be given more than once.",
)
@click.option("--force", is_flag=True, help="Go on with a rollback whatever fails in it.")
@allow_loss
@linked
@common
def recover(
    session: Session,
    /,
    *,
    where: Where,
    only: str | None,
    execute: bool,
    skip: tuple[str, ...],
    force: bool,
    allow_loss: tuple[str, ...],
) -> int:
    """Say why stacks are stuck, what helps and what is lost; --execute does it to one.

    In place of a BLUEPRINT a stack's own name will do.
    """
    from tapcfn.cli.opening import open_desk

    place, only = _find(session, where, only)
    if execute and only is None:
        raise UsageError("--execute: name one stack, by --stack or in place of the blueprint")
    if (skip or force) and not execute:
        raise UsageError("--skip and --force say how to --execute a continued rollback")
    with open_desk(session, place, "recover", writes=execute) as desk:
        found = _diagnoses(desk, only)
        _show(desk, found, only)
        if not execute or not found:
            return 0
        return _cure(desk, found[0], skip, force=force, allowed=frozenset(allow_loss))


def _find(session: Session, where: Where, only: str | None) -> tuple[Workplace, str | None]:
    """Return where to look, and the one stack that is meant, if one is."""
    if where.blueprint is None or where.is_plain or where.bundle is not None:
        place = workplace(session.package, where)
    else:
        catalogue = Catalogue.load(session.package)
        if where.blueprint not in catalogue.modules:
            return _place_of(session, catalogue, where), where.blueprint
        place = workplace(session.package, where)
    names = [stack.name for stack in place.rollout.stacks]
    if only is not None and only not in names:
        raise UsageError(f"--stack {only}: no such stack (there are: {', '.join(names)})")
    return place, only


def _place_of(session: Session, catalogue: Catalogue, where: Where) -> Workplace:
    """Return the blueprint and stage that have a stack of this name."""
    for each in _candidates(catalogue, where):
        place = workplace(session.package, each)
        if where.blueprint in {stack.name for stack in place.rollout.stacks}:
            return place
    raise UsageError(
        f"{where.blueprint}: no blueprint is called so, and none has such a stack at its stages "
        f"(blueprints: {', '.join(sorted(catalogue.modules))})"
    )


def _candidates(catalogue: Catalogue, where: Where) -> Iterator[Where]:
    """Yield where a stack could come from, by its name: it starts with a stage."""
    name = str(where.blueprint)
    likely = sorted(
        catalogue.modules, key=lambda each: (each.replace("_", "-") not in name, -len(each), each)
    )
    for blueprint in likely:
        if where.file is not None:
            yield replace(where, blueprint=blueprint)
            continue
        for stage in catalogue.stages(blueprint):
            if name.startswith(f"{stage}-"):
                yield replace(where, blueprint=blueprint, stage=stage)


def _diagnoses(desk: Desk, only: str | None) -> tuple[Diagnosis, ...]:
    """Look at every stack that is deployed, or at one."""
    from tapcfn.recovery import diagnose

    there = desk.snapshot().stacks
    stacks = [
        stack for stack in desk.rollout.stacks if stack.name in there and only in {None, stack.name}
    ]
    return tuple(
        desk.pool.map(lambda stack: diagnose(stack, there[stack.name], desk.cloud), stacks)
    )


def _show(desk: Desk, found: tuple[Diagnosis, ...], only: str | None) -> None:
    """Tell every stack that is not well, and the one that was asked for in any case."""
    from tapcfn.recovery import Cure
    from tapcfn.report.recovery import diagnosis_fields, diagnosis_text

    sick = [each for each in found if only is not None or each.cure is not Cure.NOTHING]
    for each in sick:
        call = _call(desk, each)
        desk.session.console.answer(
            "diagnosis",
            diagnosis_fields(each, call),
            diagnosis_text(each, call) + _own(desk.place, each),
        )
    if not sick:
        name = only or desk.place.blueprint
        word = "every stack that is deployed can be deployed to" if found else "is not deployed"
        desk.session.console.say(f"Nothing to recover: {name}: {word}.")


def _call(desk: Desk, found: Diagnosis) -> str:
    """Return the exact call that helps, or shows more."""
    from tapcfn.recovery import Cure

    stack_id, region = found.deployed.stack_id, found.stack.target.region
    calls = {
        Cure.DISCARD: "delete-stack",
        Cure.DELETE: "delete-stack",
        Cure.ROLL_BACK: "rollback-stack --retain-except-on-create",
        Cure.CONTINUE: "continue-update-rollback",
        Cure.REPLAY: "update-stack --deployment-config Mode=EXPRESS --template-body file://GOOD",
        Cure.LOOK: "describe-stack-events",
    }
    if found.cure is Cure.DESTROY:
        name = found.stack.name
        keep = " ".join(f"--retain {name}/{each.logical_id}" for each in found.going)
        return f"{program()} destroy {desk.place.command} {keep or f'--force-delete {name}'}"
    if found.cure not in calls:
        return ""
    return f"aws cloudformation {calls[found.cure]} --stack-name {stack_id} --region {region}"


def _again(place: Workplace, name: str) -> str:
    """Return how this command names one stack: a blueprint is found by it, other places are not."""
    if place.plain or place.bundle or place.file:
        return f"{place.command} --stack {name}"
    return name


def _own(place: Workplace, found: Diagnosis) -> str:
    """Return the command of ours that makes the call."""
    from tapcfn.recovery import CALLS

    if found.cure not in CALLS:
        return ""
    return f"\n  which does: {program()} recover {_again(place, found.stack.name)} --execute"


def _cure(
    desk: Desk, found: Diagnosis, skip: tuple[str, ...], *, force: bool, allowed: frozenset[str]
) -> int:
    """Make the call, and watch until it has had its effect."""
    from tapcfn.operations import Means
    from tapcfn.recovery import Cure, cure
    from tapcfn.report.text import outcome_text

    if found.cure is Cure.NOTHING:
        return 0
    means = Means(desk.cloud, desk.clock, desk.ledger, desk.patience)
    operation = cure(found, means, skip=skip, force=force, allowed=allowed)
    outcome = desk.follow(operation)
    desk.session.outcome = outcome
    call = "recover" if outcome.exit_code else "apply"
    again = _again(desk.place, found.stack.name)
    place = again if outcome.exit_code else desk.place.command
    desk.session.resume = f"{program()} {call} {place}"
    desk.session.console.say(outcome_text(outcome, desk.session.resume))
    return outcome.exit_code
