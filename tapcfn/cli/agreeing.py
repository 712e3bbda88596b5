"""What stands between a plan and its work: somebody's word, and the verdict afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tapcfn.cli.options import Session, options_given, program, resume_line
from tapcfn.errors import UsageError

if TYPE_CHECKING:
    from tapcfn.cli.desk import Desk
    from tapcfn.events import Outcome


def make_sure_that_somebody_answers(session: Session) -> None:
    """Raise `UsageError`, before anything is written, where nobody can be asked."""
    if not session.may_ask:
        raise UsageError("an answer is needed: give --yes, or run it where a person can answer")


def confirmed(desk: Desk) -> bool:
    """Ask a person to type the stage's name; raise `UsageError` where the input is at its end."""
    from tapcfn.cli.console import ask

    stage = desk.place.stage
    answer = ask(f'Type the stage\'s name, "{stage}", to go on: ')
    if answer is None:
        raise UsageError(
            f'no answer came, the input has ended: type "{stage}" at a terminal, or give --yes'
        )
    if answer != stage:
        desk.session.console.say(f'"{answer}" is not "{stage}": declined, nothing was deployed')
    return answer == stage


def agreed(desk: Desk) -> bool:
    """Whether a person says yes; the local cloud needs no word."""
    if desk.place.is_local:
        return True
    make_sure_that_somebody_answers(desk.session)
    return confirmed(desk)


def close(desk: Desk, outcome: Outcome, command: str) -> int:
    """Print the verdict and how to go on; return the exit code."""
    from tapcfn.report.text import calls_text, outcome_text

    desk.session.outcome = outcome
    if outcome.exit_code:
        words = (program(), command, desk.place.command, *options_given())
        exact = resume_line(desk.session, outcome.exit_code)
        desk.session.resume = exact or " ".join(words)
    desk.session.console.say(outcome_text(outcome, desk.session.resume))
    for says, line in (ways := tuple(_of_sets(desk, outcome))):
        desk.session.console.say(f"{says}: {line}")
    desk.session.ways += ways
    if clients := desk.session.clients:
        said = calls_text(clients.calls, clients.throttles, clients.longest_wait)
        desk.session.console.say(said)
    return outcome.exit_code


def _of_sets(desk: Desk, outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Yield what else can be done about stack sets that failed: the rest alone, or back. (X-25)"""
    from tapcfn.model import Ending

    names = {each.name for each in desk.rollout.stack_sets}
    for each in outcome.ended(Ending.FAILED):
        if each.stack in names:
            place = f"{desk.place.command} --set {each.stack}"
            yield "Only what failed of it", f"{program()} stackset retry {place}"
            yield "Back to what it was", f"{program()} stackset revert {place}"
