"""Whether an operation was asked for before: a ClientRequestToken names one operation for ever.

A stack keeps the tokens of the operations that it accepted, whatever they were, running or ended,
through restarts and beyond its deletion. A token that it knows is refused before anything else is
looked at, so that who asks again learns that the first request arrived, and not that the stack is
busy. CreateStack has no stack yet and asks every stack that has or had the name. A stack that is
gone is known by its id alone: for its name a token is as good as new in every other action.
"""

from __future__ import annotations

from collections.abc import Iterator

from tapcfn.local import emulator, ledger
from tapcfn.local.checks.request import Refusal, Request, Stack, stack_name


def is_new(request: Request) -> Refusal | None:
    """Refuse a token with which the stack has been asked for something before."""
    name = stack_name(request.params)
    stack = emulator.engine.resolve_stack(name) if name.startswith("arn:") else request.stack
    return _unless_new(request, iter([stack] if stack else ()))


def is_new_for_the_name(request: Request) -> Refusal | None:
    """Refuse a token that any stack of this name knows, deleted or not."""
    name = request["StackName"]
    same = (stack for stack in emulator.engine.stacks().values() if stack["StackName"] == name)
    return _unless_new(request, same)


def _unless_new(request: Request, stacks: Iterator[Stack]) -> Refusal | None:
    token = request["ClientRequestToken"]
    known = next((stack for stack in stacks if token in ledger.tokens(stack)), None)
    if not token or known is None:
        return None
    return Refusal(
        f"Token {token} already exists for stack {known['StackId']}", "TokenAlreadyExistsException"
    )
