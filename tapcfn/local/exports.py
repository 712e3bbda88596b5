"""Exports and imports between stacks, with what the service refuses.

A name is exported once in an account and Region. As long as a stack imports it, it can neither
change nor go, and what nobody exports can't be imported. The emulator does the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from tapcfn.local import change_sets, emulator, taken
from tapcfn.local.emulator import Action, Answer, Params

# A stack in one of these states holds no resources that could import anything.
EMPTY = frozenset({"DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"})


def install() -> None:
    """Check exports when outputs are made, and imports when a change set is."""
    emulator.steps.wrap_outputs(_checked)
    emulator.steps.word_values(_worded)
    emulator.engine.wrap_action("CreateChangeSet", _found)


def users(name: str, exporter: str) -> list[str]:
    """Return the names of the stacks, but for the exporter, that import something."""
    return sorted(
        str(stack["StackName"])
        for stack in emulator.engine.stacks().values()
        if stack["StackId"] != exporter
        and stack["StackStatus"] not in EMPTY
        and name in emulator.engine.imported_names(stack)
    )


def in_use(what: str, name: str, by: list[str]) -> str:
    """Return the service's words about an export that others need."""
    return f"Export {name} cannot be {what} as it is in use by {' and '.join(by)}"


# Exports ------------------------------------------------------------------------------------------


def _checked(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse a name that is taken and the change of one in use; forget what is not exported."""

    def outputs(*given: Any) -> Any:
        resolved, wanted = resolve(*given)
        stack_id = str(given[-1])
        refusal = next(_refusals(stack_id, wanted), None)
        if refusal:
            raise ValueError(refusal)
        for name in _exported_by(stack_id).keys() - wanted.keys():
            del emulator.engine.exports()[name]
        return resolved, wanted

    return outputs


def _refusals(stack_id: str, wanted: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name in wanted:
        owner = str((emulator.engine.exports().get(name) or {}).get("StackId", stack_id))
        if owner != stack_id:
            yield f"Export with name {name} is already exported by stack {_short(owner)}"
    for name, export in _exported_by(stack_id).items():
        gone = name not in wanted
        if (gone or wanted[name]["Value"] != export["Value"]) and (by := users(name, stack_id)):
            yield in_use("deleted" if gone else "updated", name, by)


def _exported_by(stack_id: str) -> dict[str, MutableMapping[str, Any]]:
    return {
        name: export
        for name, export in emulator.engine.exports().items()
        if export.get("StackId") == stack_id
    }


def _short(stack_id: str) -> str:
    return stack_id.split("/")[1]


# Imports ------------------------------------------------------------------------------------------


def _worded(error: ValueError) -> ValueError:
    """Say in the service's words that nobody exports a name."""
    found = re.fullmatch(r"Export '(.*)' not found", str(error))
    return ValueError(f"No export named {found.group(1)} found") if found else error


def _found(do: Action) -> Action:
    """Let a change set fail whose template imports what nobody exports."""

    def act(params: Params) -> Answer:
        answer = do(params)
        made = change_sets.made(answer)
        if made is not None and made["Status"] == "CREATE_COMPLETE":
            missing = sorted(_wanted(made) - set(emulator.engine.exports()))
            if missing:
                change_sets.fail(made, f"No export named {missing[0]} found")
        return answer

    return act


def _wanted(made: MutableMapping[str, Any]) -> set[str]:
    """Return the names that a change set's template imports where its conditions hold."""
    holds = emulator.engine.holding(made["_template"], made["_resolved_params"])
    parameters = {"_resolved_params": made["_resolved_params"], "_conditions": holds}
    template = taken.branches(made["_template"], holds)
    return emulator.engine.imported_names(
        {**made, **parameters, "_template": template, "_resources": {}}
    )
