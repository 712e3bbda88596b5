"""Who needs what a plan would take away, and who holds a value that it would change. (D-16)"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor

from tapcfn.errors import BlockedError, CloudError
from tapcfn.model import Finding, Severity, Target
from tapcfn.plan import Plan, Step, Verb
from tapcfn.ports import Cloud
from tapcfn.preview import Preview, Previewed
from tapcfn.references import Kind, consumers, exports_of, weak_edges


def check(plan: Plan, cloud: Cloud, pool: Executor) -> tuple[Finding, ...]:
    """Raise `BlockedError` naming every consumer of an output or a stack that is to go.

    Stacks that go in the same run, or in an earlier phase, are no obstacle: dependants go first.
    Returns a warning for every export whose consumers may not be read.
    """
    leaving = {
        (step.stack.target, step.deployed.name)
        for step in plan.steps
        if step.verb is Verb.DELETE and step.deployed
    }
    asked = [(step, key, name) for step in plan.steps for key, name in _withdrawn(step)]

    faults, unknown = [], []
    for (step, key, name), found in zip(asked, _importers(asked, cloud, pool), strict=True):
        if isinstance(found, Finding):
            unknown.append(found)
        elif live := [user for user in found if (step.stack.target, user) not in leaving]:
            faults.append(_told(step, key, live, f"import it as {name}"))
    faults += _stack_output_faults(plan)
    if faults:
        raise BlockedError("\n".join(faults))
    return tuple(unknown)


def _importers(
    asked: Iterable[tuple[Step, str, str]], cloud: Cloud, pool: Executor
) -> Iterable[tuple[str, ...] | Finding]:
    """Return who imports each export, or the warning that it may not be read. (X-12)"""

    def read(each: tuple[Step, str, str]) -> tuple[str, ...] | Finding:
        step, key, name = each
        try:
            return cloud.importers(name, step.stack.target)
        except CloudError as error:
            if not error.lasting:
                raise
            message = f"who imports its output {key} as {name} could not be read: {error}"
            return Finding("TAP010", Severity.WARNING, step.stack.name, "", message)

    return pool.map(read, asked)


def _withdrawn(step: Step) -> Iterable[tuple[str, str]]:
    """Yield the exports (output key, name) that a step takes away."""
    if step.deployed is None or step.verb not in {Verb.UPDATE, Verb.DELETE}:
        return
    wanted = exports_of(step.stack) if step.verb is Verb.UPDATE else {}
    outputs = step.stack.template.document.get("Outputs", {})
    for key, name in sorted(step.deployed.exports.items()):
        computed = step.verb is Verb.UPDATE and "Export" in outputs.get(key, {})
        if wanted.get(key, name if computed else None) != name:
            yield key, name


def _stack_output_faults(plan: Plan) -> list[str]:
    """Name who reads, by Fn::GetStackOutput, an output that is deployed and leaves its template."""
    edges = [each for each in weak_edges(plan.rollout) if each.kind is Kind.STACK_OUTPUT]
    faults = []
    for step in plan.steps:
        if step.verb is Verb.UPDATE and step.deployed:
            for key in sorted(step.deployed.outputs.keys() - step.stack.template.outputs):
                live = consumers(edges, step.stack.name, key)
                if live:
                    faults.append(_told(step, key, live, "read it by Fn::GetStackOutput"))
    return faults


def _told(step: Step, key: str, live: Iterable[str], how: str) -> str:
    what = "is to be deleted" if step.verb is Verb.DELETE else f"would lose its output {key}"
    need = f"and {key} is needed: " if step.verb is Verb.DELETE else "but "
    return (
        f"{step.stack.name} ({step.stack.target}): {what}, {need}{', '.join(live)} {how}; "
        "change them first"
    )


def stale(plan: Plan, previews: Iterable[Preview]) -> tuple[Finding, ...]:
    """Return who will hold the old value of something that this run changes, as information.

    CloudFormation reads such values when it makes a change set; the deployer's own wiring is made
    again where a value comes out different.
    """
    asked = {each.step.stack.name: each for each in previews}
    changing = {
        step.stack.name
        for step in plan.steps
        if step.verb is Verb.UPDATE and _does_something(asked.get(step.stack.name))
    }
    edges = [edge for edge in weak_edges(plan.rollout) if edge.kind is not Kind.IMPORT]
    found = []
    for producer, key in sorted({(edge.producer, edge.key) for edge in edges}):
        users = consumers(edges, producer, key) if producer in changing else ()
        live = [name for name in users if isinstance(asked.get(name), Previewed)]
        if live:
            number = f"{len(live)} consumer{'s' if len(live) > 1 else ''}"
            found.append(
                Finding(
                    "TAP010",
                    Severity.INFO,
                    producer,
                    "",
                    f"{number} of {key} may hold the old value after this run: {', '.join(live)}; "
                    "plan again then",
                )
            )
    return tuple(found)


def _does_something(preview: Preview | None) -> bool:
    return preview is not None and not (
        isinstance(preview, Previewed) and preview.staged.change_set.empty
    )


def live_importers(
    plan: Plan, cloud: Cloud, pool: Executor
) -> tuple[tuple[tuple[str, str, Target, str], ...], tuple[Finding, ...]]:
    """Return (producer, output key, target, importer) of every export of the deployed stacks.

    And a warning for each export whose importers may not be read: its edges are unknown.
    """
    asked = [
        (step, key, name)
        for step in plan.steps
        if step.deployed
        for key, name in sorted(step.deployed.exports.items())
    ]
    answers = list(_importers(asked, cloud, pool))
    edges = tuple(
        (step.stack.name, key, step.stack.target, user)
        for (step, key, _), users in zip(asked, answers, strict=True)
        if not isinstance(users, Finding)
        for user in users
    )
    return edges, tuple(each for each in answers if isinstance(each, Finding))
