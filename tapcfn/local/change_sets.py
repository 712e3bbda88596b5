"""Change sets as the service names, repeats and pages them.

The name of a change set is free for one request. The same request again, with the same client
token, returns the change set of then, however it ended; any other is refused. What
DescribeChangeSet tells is cut into pages.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import MutableMapping
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.emulator import Action, Answer, Params

# The service pages at 1 MB; here a page is so many changes.
PAGE = 100
MARK = "DescribeChangeSet:"
NO_CHANGES = "The submitted information didn't contain changes."

ChangeSet = MutableMapping[str, Any]

# Parameters that name the request, the rest says what it wants.
_NAMING = frozenset({"Action", "Version", "StackName", "ChangeSetName", "ClientToken"})
_TEMPLATE = frozenset({"TemplateBody", "TemplateURL", "UsePreviousTemplate"})


def install() -> None:
    """Answer a repeated request before anything else is checked."""
    emulator.engine.wrap_action("CreateChangeSet", _once)


def install_pages() -> None:
    """Cut descriptions into pages."""
    emulator.engine.wrap_action("DescribeChangeSet", _paged)


def made(answer: Answer) -> ChangeSet | None:
    """Return the change set that an answer of CreateChangeSet tells of."""
    found = re.search(rb"<Id>([^<]+)</Id>", answer[2]) if emulator.succeeded(answer) else None
    return emulator.engine.change_sets().get(found.group(1).decode()) if found else None


def fail(change_set: ChangeSet, reason: str) -> None:
    """End a change set as FAILED; nothing can be executed then."""
    change_set["Status"], change_set["ExecutionStatus"] = "FAILED", "UNAVAILABLE"
    change_set["StatusReason"], change_set["Changes"] = reason, []


def is_empty(change_set: ChangeSet) -> bool:
    """Tell whether a change set failed for want of changes."""
    return verdict(change_set)[0] == "FAILED" and change_set["StatusReason"].startswith(NO_CHANGES)


def verdict(change_set: ChangeSet) -> tuple[str, str]:
    """Return the status and the execution status in which the making of a change set ends."""
    status, execution = change_set.get(
        "_staged", (change_set["Status"], change_set["ExecutionStatus"])
    )
    return status, execution


def root_of(change_set: ChangeSet) -> str:
    """Return the id of the change set in which this one is nested, or its own."""
    return str(change_set.get("RootChangeSetId", change_set["ChangeSetId"]))


# The same request again ---------------------------------------------------------------------------


def _once(do: Action) -> Action:
    def act(params: Params) -> Answer:
        earlier = _earlier(params)
        token = emulator.parameter(params, "ClientToken")
        if earlier is None or not (token or earlier.get("_client_token")):
            return _noted(do(params), params)
        differs = _difference(earlier, params)
        if differs:
            return emulator.engine.error(
                "AlreadyExistsException",
                f"ChangeSet {earlier['ChangeSetName']} cannot be created due to a mismatch with "
                f"existing attribute {differs}",
            )
        return _same(earlier)

    return act


def _earlier(params: Params) -> ChangeSet | None:
    """Return the change set of that name that the stack has."""
    stack = emulator.engine.resolve_stack(emulator.parameter(params, "StackName"))
    if stack is None:
        return None
    name = emulator.parameter(params, "ChangeSetName")
    return next(
        (
            each
            for each in emulator.engine.change_sets().values()
            if each["ChangeSetName"] == name and each["StackId"] == stack["StackId"]
        ),
        None,
    )


def _noted(answer: Answer, params: Params) -> Answer:
    """Keep with a new change set what it was asked with, and tell no secret of it."""
    change_set = made(answer)
    token = emulator.parameter(params, "ClientToken")
    if change_set is not None and token:
        change_set["_client_token"], change_set["_asked"] = token, _wishes(params)
    if change_set is not None:
        _mask(change_set)
    return answer


def _mask(change_set: ChangeSet) -> None:
    """Show no value of a NoEcho parameter; what is executed stands elsewhere."""
    for each in change_set["Parameters"]:
        if change_set["_resolved_params"][each["ParameterKey"]].get("NoEcho"):
            each["ParameterValue"] = "****"


def _difference(earlier: ChangeSet, params: Params) -> str:
    """Return the first attribute in which a request differs from the earlier one."""
    if earlier.get("_client_token", "") != emulator.parameter(params, "ClientToken"):
        return "ClientToken"
    now, then = _wishes(params), earlier.get("_asked", {})
    return next((name for name in sorted({*now, *then}) if now.get(name) != then.get(name)), "")


def _wishes(params: Params) -> dict[str, str]:
    """Return a digest of each attribute that a request wants."""
    found: dict[str, list[str]] = {}
    for key in sorted(params):
        name = key.partition(".")[0]
        if name not in _NAMING:
            attribute = "Template" if name in _TEMPLATE else name
            found.setdefault(attribute, []).append(f"{key}={emulator.parameter(params, key)}")
    return {
        name: hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
        for name, parts in found.items()
    }


def _same(earlier: ChangeSet) -> Answer:
    body = (
        '<CreateChangeSetResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">'
        f"<CreateChangeSetResult><Id>{earlier['ChangeSetId']}</Id>"
        f"<StackId>{earlier['StackId']}</StackId></CreateChangeSetResult>"
        f"<ResponseMetadata><RequestId>{emulator.new_id()}</RequestId></ResponseMetadata>"
        "</CreateChangeSetResponse>"
    )
    return 200, {"Content-Type": "application/xml"}, body.encode()


# Pages --------------------------------------------------------------------------------------------


def _paged(do: Action) -> Action:
    """Describe so many changes at a time; the last page has no token for another."""

    def act(params: Params) -> Answer:
        change_set = asked_for(params)
        token = emulator.parameter(params, "NextToken")
        start = token.removeprefix(MARK)
        if token and (start == token or not start.isdigit()):
            return emulator.engine.error("ValidationError", "Invalid NextToken")
        if change_set is None or len(change_set["Changes"]) <= PAGE:
            return do(params)
        return _page(do, params, change_set, int(start or 0))

    return act


def asked_for(params: Params) -> ChangeSet | None:
    """Return the change set that a request names."""
    names = (emulator.parameter(params, name) for name in ("ChangeSetName", "StackName"))
    return emulator.engine.find_change_set(*names)[1]


def _page(do: Action, params: Params, change_set: ChangeSet, start: int) -> Answer:
    """Let the action see one page of the changes; it is done before anybody else looks."""
    every = change_set["Changes"]
    try:
        change_set["Changes"] = every[start : start + PAGE]
        status, headers, body = do(params)
    finally:
        change_set["Changes"] = every
    if start + PAGE < len(every):
        token = f"<NextToken>{MARK}{start + PAGE}</NextToken></DescribeChangeSetResult>"
        body = body.replace(b"</DescribeChangeSetResult>", token.encode())
    return status, headers, body
