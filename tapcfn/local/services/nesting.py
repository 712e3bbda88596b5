"""CloudFormation: who is whose parent among nested stacks, and what they need acknowledged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.emulator import Action, Answer, Params


def install() -> None:
    """Let a nested stack name its parent and its root, and a summary what nesting needs."""
    emulator.engine.wrap_action("DescribeStacks", _with_family)
    emulator.engine.wrap_action("GetTemplateSummary", _with_capabilities)


# The service wants both for any nested stack, whatever is in it; the emulator looks for IAM only.
_NESTING = (
    "<Capabilities><member>CAPABILITY_NAMED_IAM</member><member>CAPABILITY_AUTO_EXPAND</member>"
    "</Capabilities><CapabilitiesReason>The following resource(s) require capabilities: "
    "[AWS::CloudFormation::Stack]</CapabilitiesReason>"
)


def _with_capabilities(do: Action) -> Action:
    def act(params: Params) -> Answer:
        status, headers, body = do(params)
        text = body.decode()
        if "<member>AWS::CloudFormation::Stack</member>" not in text:
            return status, headers, body
        text = re.sub(r"<Capabilities>.*?</CapabilitiesReason>", "", text, flags=re.DOTALL)
        return status, headers, text.replace("<Parameters>", _NESTING + "<Parameters>", 1).encode()

    return act


def _with_family(do: Action) -> Action:
    def act(params: Params) -> Answer:
        status, headers, body = do(params)
        told = re.sub(r"<StackId>(.*?)</StackId>", _family_after, body.decode())
        return status, headers, told.encode()

    return act


def _family_after(found: re.Match[str]) -> str:
    stack = emulator.engine.resolve_stack(found.group(1))
    family = list(ancestors(stack)) if stack else []
    if not family:
        return found.group(0)
    return f"{found.group(0)}<ParentId>{family[0]}</ParentId><RootId>{family[-1]}</RootId>"


def ancestors(stack: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of a nested stack's parent, of the parent's parent, and so on."""
    while parent := stack.get("ParentId"):
        yield parent
        stack = emulator.engine.resolve_stack(parent) or {}
