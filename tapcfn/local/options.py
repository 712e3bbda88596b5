"""What a stack is told beside its template: who works, who is told, and when it goes back.

A service role stays once it is given. Topics are those given last, none if the list was empty. A
rollback configuration stays until its triggers or its time are given anew. A change set that
changes nothing but these, or outputs, can be executed and has no changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any
from xml.sax.saxutils import escape, unescape

from tapcfn.local import change_sets, emulator, ledger, references
from tapcfn.local.change_sets import ChangeSet
from tapcfn.local.emulator import Action, Answer, Params

ROLE, TOPICS, ROLLBACK = "RoleARN", "NotificationARNs", "RollbackConfiguration"
TRIGGERS, MINUTES = "RollbackTriggers", "MonitoringTimeInMinutes"

Options = Mapping[str, Any]
Stack = MutableMapping[str, Any]


def install() -> None:
    """Keep what requests say with change sets, and let those be more than their changes."""
    emulator.engine.wrap_action("CreateChangeSet", _proposing)


def install_answers() -> None:
    """Put options on stacks when something begins, and tell them."""
    emulator.engine.wrap_action("ExecuteChangeSet", _executing)
    emulator.engine.wrap_action("CreateStack", _creating)
    emulator.engine.wrap_action("UpdateStack", _updating)
    emulator.engine.wrap_action("DescribeStacks", _described)
    emulator.engine.wrap_action("DescribeChangeSet", _proposed)


def rollback_of(stack: Mapping[str, Any]) -> tuple[tuple[str, ...], int]:
    """Return the ARNs of the alarms that roll a stack back, and for how many minutes after."""
    found = stack.get("_options", {}).get(ROLLBACK, {})
    arns = tuple(each["Arn"] for each in found.get(TRIGGERS, ()))
    return arns, int(found.get(MINUTES) or 0)


def topics_of(stack: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ARNs of the topics that are told of a stack's events."""
    return tuple(stack.get("_options", {}).get(TOPICS, ()))


# What a request says ------------------------------------------------------------------------------


def _given(params: Params) -> Options:
    found: dict[str, Any] = {}
    if role := emulator.parameter(params, ROLE):
        found[ROLE] = role
    if _names(params, TOPICS):
        found[TOPICS] = emulator.engine.extract_strings(params, TOPICS)
    if _names(params, ROLLBACK):
        found[ROLLBACK] = _configuration(params)
    return found


def _configuration(params: Params) -> Options:
    found: dict[str, Any] = {}
    if _names(params, f"{ROLLBACK}.{TRIGGERS}"):
        found[TRIGGERS] = list(_triggers(params))
    if minutes := emulator.parameter(params, f"{ROLLBACK}.{MINUTES}"):
        found[MINUTES] = int(minutes)
    return found


def _triggers(params: Params) -> Iterator[Mapping[str, str]]:
    number = 1
    place = f"{ROLLBACK}.{TRIGGERS}.member"
    while arn := emulator.parameter(params, f"{place}.{number}.Arn"):
        yield {"Arn": arn, "Type": emulator.parameter(params, f"{place}.{number}.Type")}
        number += 1


def _names(params: Params, name: str) -> bool:
    """Tell whether a request has a member, be it an empty list."""
    return any(key == name or key.startswith(f"{name}.") for key in params)


def _merged(stack: Mapping[str, Any], given: Options) -> Options:
    """Return the options of a stack once it has been given these."""
    before: Options = stack.get("_options", {})
    rollback = {**before.get(ROLLBACK, {}), **given.get(ROLLBACK, {})}
    return {**before, **given, ROLLBACK: rollback}


def _creating(do: Action) -> Action:
    def act(params: Params) -> Answer:
        answer = do(params)
        stack = ledger.stack_of(params)
        if emulator.succeeded(answer) and stack is not None:
            stack["_options"] = _merged({}, _given(params))
        return answer

    return act


def _updating(do: Action) -> Action:
    def act(params: Params) -> Answer:
        stack = ledger.stack_of(params)
        return _under(stack, _given(params), do, params) if stack else do(params)

    return act


def _under(stack: Stack, given: Options, do: Action, params: Params) -> Answer:
    """Begin an operation with the options that it gives the stack; one that is refused gives none.

    The first event of it already goes to the new topics.
    """
    before: Options = stack.get("_options", {})
    stack["_options"] = _merged(stack, given)
    answer = do(params)
    if not emulator.succeeded(answer):
        stack["_options"] = before
    return answer


# Change sets --------------------------------------------------------------------------------------


def _proposing(do: Action) -> Action:
    def act(params: Params) -> Answer:
        answer = do(params)
        made = change_sets.made(answer)
        if made is not None:
            made["_options"] = _given(params)
            stack = emulator.engine.stacks()[made["StackName"]]
            if change_sets.is_empty(made) and _is_something(made, stack):
                made["Status"], made["ExecutionStatus"] = "CREATE_COMPLETE", "AVAILABLE"
                made["StatusReason"] = ""
        return answer

    return act


def _is_something(made: ChangeSet, stack: Stack) -> bool:
    """Tell whether outputs or options change where no resource does."""
    return _facts(_merged(stack, made["_options"])) != _facts(stack.get("_options", {})) or (
        _changes_outputs(made, stack)
    )


def _facts(options: Options) -> tuple[Any, ...]:
    rollback = options.get(ROLLBACK, {})
    triggers = [each["Arn"] for each in rollback.get(TRIGGERS, ())]
    topics = sorted(options.get(TOPICS, ()))
    return options.get(ROLE), topics, triggers, rollback.get(MINUTES, 0)


def _changes_outputs(made: ChangeSet, stack: Stack) -> bool:
    now, before = (each.get("Outputs") or {} for each in (made["_template"], stack["_template"]))
    values, earlier = made["_resolved_params"], stack["_resolved_params"]
    changed = {name for name in values if values[name] != earlier.get(name)}
    return now != before or any(name in changed for name, _ in references.references(now))


def _executing(do: Action) -> Action:
    def act(params: Params) -> Answer:
        change_set = change_sets.asked_for(params)
        stack = ledger.stack_of(params)
        if change_set is None or stack is None:
            return do(params)
        return _under(stack, change_set.get("_options", {}), do, params)

    return act


# What is told -------------------------------------------------------------------------------------


def _described(do: Action) -> Action:
    def act(params: Params) -> Answer:
        status, headers, body = do(params)
        told = re.sub(r"<StackId>(.*?)</StackId>", _options_after, body.decode())
        return status, headers, told.encode()

    return act


def _options_after(found: re.Match[str]) -> str:
    stack = emulator.engine.resolve_stack(unescape(found.group(1))) or {}
    options: Options = stack.get("_options", {})
    role = f"<{ROLE}>{escape(options[ROLE])}</{ROLE}>" if ROLE in options else ""
    return found.group(0) + role + "".join(_shared(options))


def _proposed(do: Action) -> Action:
    def act(params: Params) -> Answer:
        status, headers, body = do(params)
        change_set = change_sets.asked_for(params) or {}
        told = "".join(_shared(change_set.get("_options", {})))
        end = b"</DescribeChangeSetResult>"
        return status, headers, body.replace(end, told.encode() + end)

    return act


def _shared(options: Options) -> Iterator[str]:
    topics = "".join(f"<member>{escape(arn)}</member>" for arn in options.get(TOPICS, ()))
    yield f"<{TOPICS}>{topics}</{TOPICS}>"
    rollback = options.get(ROLLBACK, {})
    triggers = "".join(
        f"<member><Arn>{escape(each['Arn'])}</Arn><Type>{escape(each['Type'])}</Type></member>"
        for each in rollback.get(TRIGGERS, ())
    )
    minutes = f"<{MINUTES}>{rollback[MINUTES]}</{MINUTES}>" if MINUTES in rollback else ""
    told = f"<{TRIGGERS}>{triggers}</{TRIGGERS}>{minutes}" if rollback else ""
    yield f"<{ROLLBACK}>{told}</{ROLLBACK}>"
