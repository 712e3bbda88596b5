"""A rollout as a runbook: every step with its command, what to look at, how long, and the way back.

Made from the same data that is carried out, so that paper and reality cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from markdown_it import MarkdownIt

from tapcfn.actions import forever, inverse, leaves, says
from tapcfn.journey import undoable_until
from tapcfn.model import (
    AlarmCheck,
    ApprovalCheck,
    Check,
    CommandCheck,
    Gate,
    HealthCheck,
    MetricCheck,
    Move,
    ProbeCheck,
    Rollout,
    TargetHealthCheck,
)
from tapcfn.report.journeys import words_of
from tapcfn.report.text import duration
from tapcfn.variants import BASE

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font-family: ui-monospace, monospace; background: #8881; padding: .1em .3em }
pre { padding: .6em; overflow-x: auto } pre code { padding: 0; background: none }
table { border-collapse: collapse; display: block; overflow-x: auto }
td, th { border: 1px solid #8886; padding: .3em .6em; text-align: left; vertical-align: top }
h2 { margin-top: 2.5rem; border-top: 1px solid #8886; padding-top: 1rem }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } a { color: #8cf } }
@media print { body { max-width: none; margin: 0 } h2 { break-after: avoid } }
"""


def runbook_markdown(rollout: Rollout, call: str, place: str) -> str:
    """Return the runbook. `call` is how the program is called, `place` what it is called with."""
    lines = [
        f"# Runbook: {rollout.blueprint}, stage {rollout.stage}",
        "",
        *_overview(rollout),
        *_base(rollout, call, place),
    ]
    for number, move in enumerate(rollout.moves, 1):
        lines += _step(rollout, number, move, call, place)
    lines += _trouble(call, place)
    return "\n".join(lines).rstrip() + "\n"


def runbook_html(markdown: str, title: str) -> str:
    """Return the runbook as one page that needs nothing else."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{body}</body>\n</html>\n"
    )


def _overview(rollout: Rollout) -> Iterator[str]:
    yield "| step | what it does | about | way back |"
    yield "|-|-|-|-|"
    yield f"| `{BASE}` | all that is deployed before any move | | destroy |"
    for move in rollout.moves:
        about = _about(move)
        back = f"none: {move.forever}" if move.forever else "the step before"
        yield f"| `{move.name}` | {_cell(move.says)} | {about} | {_cell(back)} |"
    yield ""
    points = [move for move in rollout.moves if move.confirm]
    for move in points:
        yield (
            f"**Point of no return:** `{move.name}`, to be confirmed as `{move.confirm}`: "
            f"{move.forever}."
        )
        yield ""


def _about(move: Move) -> str:
    """Return how long a move takes at least: what it bakes and its gates hold."""
    if move.minutes is not None:
        return duration(move.minutes * 60)
    seconds = max([move.bake, *(gate.hold for gate in move.gates)])
    return f"at least {duration(seconds)}" if seconds else ""


def _base(rollout: Rollout, call: str, place: str) -> Iterator[str]:
    yield f"## 0. {BASE}"
    yield ""
    yield "Preflight, a preview, and all stacks in their order:"
    yield ""
    yield from _commands(
        f"{call} preflight {place}", f"{call} plan {place}", f"{call} apply {place}"
    )
    yield "| phase | stacks |"
    yield "|-|-|"
    for phase in rollout.phases:
        names = ", ".join(f"`{name}`" for name in phase.names)
        yield f"| {phase.name} | {names} |"
    yield ""


def _step(rollout: Rollout, number: int, move: Move, call: str, place: str) -> Iterator[str]:
    yield f"## {number}. {move.name}"
    yield ""
    yield f"{move.says[0].upper()}{move.says[1:]}."
    yield ""
    yield from _commands(f"{call} apply {place} --until {words_of(move)}")
    yield from _list("It does, in this order:", _does(move))
    yield from _list("It is over when:", (gate_text(gate) for gate in move.gates))
    if move.bake:
        yield f"It is watched for {duration(move.bake)} first."
        yield ""
    if move.look:
        yield f"Look at: {move.look}."
        yield ""
    if move.allow:
        names = ", ".join(f"`{each}`" for each in move.allow)
        yield f"CloudFormation may call this a replacement; it is allowed here by name: {names}."
        yield ""
    yield from _way_back(rollout, number, move, call, place)


def _does(move: Move) -> Iterator[str]:
    yield from (says(action) for action in move.before)
    for stack in move.stacks:
        told = {key: value for key, value in stack.parameters.items() if isinstance(value, str)}
        values = ", ".join(f"{key} = {value}" for key, value in sorted(told.items()))
        yield f"update `{stack.name}`" + (f" ({values})" if values else "")
    yield from (f"delete `{name}`" for name in move.removes)
    yield from (says(action) for action in move.after)


def gate_text(gate: Gate) -> str:
    """Return what a gate wants, and for how long."""
    held = f" for {duration(gate.hold)} without a break" if gate.hold else ""
    fails = "; one bad sample is the end" if gate.fails_at_once else ""
    return (
        f"**{gate.name}**: {_check_text(gate.check)}{held} (given up after "
        f"{duration(gate.timeout)}{fails})"
    )


def _check_text(check: Check) -> str:
    match check:
        case AlarmCheck():
            return f"alarms {', '.join(map(str, check.alarms))} are OK in {check.target.region}"
        case MetricCheck():
            return (
                f"{check.namespace} {check.metric} ({check.statistic} over {check.period} s) "
                f"{check.comparison} {check.threshold:g} in {check.target.region}"
            )
        case HealthCheck():
            return f"Route 53 health check {check.health_check_id} is healthy"
        case TargetHealthCheck():
            return f"{check.healthy} targets or more are healthy, and none is not"
        case _:
            return _asked_text(check)


def _asked_text(check: ProbeCheck | CommandCheck | ApprovalCheck) -> str:
    match check:
        case ProbeCheck():
            return f"{check.url} answers with {', '.join(map(str, check.status))}"
        case CommandCheck():
            return f"`{' '.join(check.words)}` exits with 0"
        case ApprovalCheck():
            return f"a person says yes: {check.question}"


def _way_back(rollout: Rollout, number: int, move: Move, call: str, place: str) -> Iterator[str]:
    names = [BASE, *(each.name for each in rollout.moves)]
    if move.forever:
        yield f"**No way back:** {move.forever}."
        yield ""
    else:
        yield "Way back:"
        yield ""
        yield from _commands(f"{call} apply {place} --back-to {names[number - 1]}")
        yield from _list("It takes back:", _taken_back(move))
    if move.falls_back:
        yield "A gate that fails takes it back at once; the run exits with 1."
        yield ""
    if (far := undoable_until(rollout, number)) < number - 1:
        yield f"From here it can go back as far as `{names[far]}`."
        yield ""


def _taken_back(move: Move) -> Iterator[str]:
    for action in (*reversed(move.after), *reversed(move.before)):
        if (back := inverse(action)) is not None:
            yield says(back)
        elif left := leaves(action) or forever(action):
            yield left


def _trouble(call: str, place: str) -> Iterator[str]:
    yield "## If something goes wrong"
    yield ""
    yield "Nothing is begun twice: the same command goes on from where things stand."
    yield ""
    yield from _commands(
        f"{call} phases {place}",
        f"{call} runs",
        f"{call} resume",
        f"{call} recover {place}",
    )


def _commands(*commands: str) -> Iterator[str]:
    yield "```sh"
    yield from commands
    yield "```"
    yield ""


def _list(head: str, items: Iterable[str]) -> Iterator[str]:
    told = list(items)
    if told:
        yield head
        yield ""
        yield from (f"- {each}" for each in told)
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
