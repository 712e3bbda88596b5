"""Read what a change set would do, and why one was refused; nested ones inside it too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from tapcfn.aws import hooks
from tapcfn.aws.calls import code_of, passes, why
from tapcfn.aws.paging import pages, whole
from tapcfn.errors import CloudError, StackError
from tapcfn.model import Change, ChangeSet, Detail, Replacement
from tapcfn.remark import Remark

# The only texts that are ever matched: the service has no code for "nothing to do".
NO_CHANGES = (
    "The submitted information didn't contain changes",
    "No updates are to be performed",
)

# A read that only adds to what is known has failed; what is known stands without it.
_UNREAD = (ClientError, BotoCoreError, ResponseParserError)

_HOOK = "HOOK_INVOCATION_ERROR"
_FINDINGS = frozenset({"VALIDATION_ERROR", _HOOK, "PROVISIONING_ERROR"})

_ACTIONS = frozenset({"Add", "Modify", "Remove", "Import", "Dynamic", "SyncWithActual"})


def says_nothing_to_do(answer: Mapping[str, Any]) -> bool:
    """Whether a change set failed for want of changes, which is no failure."""
    reason = answer.get("StatusReason", "")
    return answer["Status"] == "FAILED" and any(phrase in reason for phrase in NO_CHANGES)


def read(client: Any, plain: ChangeSet, first: Mapping[str, Any]) -> ChangeSet:
    """Return the change set with all its changes; `first` is the first page, without values.

    The pages without values are the verdict, since with values the service may leave a resource
    out (aws-cdk-cli 1780); those with values only decorate it, and are not asked for where all is
    new: the template says it all.
    """
    verdict = _all(client, plain.arn, first)
    touched = any(each["Action"] != "Add" for each in verdict)
    valued, unread = _valued(client, plain.arn) if touched else ({}, "")
    changes = tuple(
        _change(client, each, valued.get(each["LogicalResourceId"], ())) for each in verdict
    )
    return replace(plain, changes=changes, unread=unread)


def reasons(client: Any, failed: Mapping[str, Any]) -> tuple[Remark, ...]:
    """Return everything that the service says of a failed change set, each thing once.

    What was found comes first, then that of nested change sets; where there is nothing, or where
    it may not be read, the reason in the answer itself.
    """
    found = [*_found(client, failed["ChangeSetId"]), *_nested_reasons(client, failed)]
    if all(each.warns for each in found):
        found = [Remark("", failed.get("StatusReason", "")), *found]
    return tuple(dict.fromkeys(found))


def text_of(said: Sequence[Remark]) -> str:
    """Return all that was said in one line."""
    return "; ".join(each.text for each in said if each.text)


def _all(client: Any, arn: str, first: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return every change, each once: a cut list would read as "nothing else changes"."""

    def unique() -> list[Mapping[str, Any]]:
        found = _pages(client, arn) if first.get("NextToken") else [first]
        return list({repr(each): each for each in _resource_changes(found)}.values())

    return whole(unique)


def _pages(client: Any, arn: str, **options: Any) -> Iterator[Mapping[str, Any]]:
    return pages(client, "describe_change_set", ChangeSetName=arn, **options)


def _resource_changes(described: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for page in described:
        for each in page.get("Changes", ()):
            if "ResourceChange" in each:
                yield each["ResourceChange"]


def _valued(client: Any, arn: str) -> tuple[Mapping[str, Sequence[Mapping[str, Any]]], str]:
    """Return the details with their values by logical ID, or why they could not be read."""
    try:
        found = whole(
            lambda: {
                each["LogicalResourceId"]: each.get("Details", ())
                for each in _resource_changes(_pages(client, arn, IncludePropertyValues=True))
            }
        )
    except _UNREAD as error:
        return {}, _done_without(error)
    return found, ""


def _done_without(error: Exception) -> str:
    """Return why a read is done without; raise where the same read may be answered later."""
    if passes(error) and not isinstance(error, ResponseParserError):
        raise error
    return why(error)


def _change(client: Any, each: Mapping[str, Any], valued: Sequence[Mapping[str, Any]]) -> Change:
    logical_id = each["LogicalResourceId"]
    details = _decorated(each.get("Details", ()), valued)
    return Change(
        logical_id=logical_id,
        resource_type=each["ResourceType"],
        action=_action(logical_id, each["Action"]),
        physical_id=each.get("PhysicalResourceId", ""),
        replacement=_replacement(logical_id, each.get("Replacement")),
        policy_action=each.get("PolicyAction", ""),
        details=tuple(_detail(detail) for detail in details),
        nested=_nested(client, logical_id, each["ChangeSetId"]) if "ChangeSetId" in each else None,
    )


def _decorated(
    plain: Sequence[Mapping[str, Any]], valued: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the details with values, and every plain one that they do not cover."""
    covered = {_aim(detail) for detail in valued}
    return [*valued, *(detail for detail in plain if _aim(detail) not in covered)]


def _aim(detail: Mapping[str, Any]) -> tuple[str, str]:
    target = detail.get("Target", {})
    return target.get("Attribute", ""), target.get("Name", "")


def _action(logical_id: str, word: str) -> str:
    """Return the word; one that we do not know is not taken for harmless. (X-37)"""
    if word not in _ACTIONS:
        raise CloudError(f"{logical_id}: Action is {word}, which is unknown here")
    return word


def _replacement(logical_id: str, word: str | None) -> Replacement | None:
    """Return the word as ours; one that we do not know is not taken for harmless."""
    try:
        return Replacement(word) if word else None
    except ValueError as error:
        raise CloudError(f"{logical_id}: Replacement is {word}, which is unknown here") from error


def _nested(client: Any, logical_id: str, arn: str) -> ChangeSet:
    """Return the change set of a nested stack; raise if it is not there whole."""
    answer = client.describe_change_set(ChangeSetName=arn)
    nested = ChangeSet(arn, logical_id, answer.get("StackId", ""))
    if says_nothing_to_do(answer):
        return replace(nested, empty=True)
    if answer["Status"] != "CREATE_COMPLETE":
        said = text_of(reasons(client, answer)) or "no reason given"
        raise StackError(f"{logical_id}: its nested change set is {answer['Status']}: {said}")
    return read(client, nested, answer)


def _detail(each: Mapping[str, Any]) -> Detail:
    target = each.get("Target", {})
    path = target.get("Path") or "/".join(part for part in _aim(each) if part)
    return Detail(
        path=path,
        before=target.get("BeforeValue"),
        after=target.get("AfterValue"),
        recreation=target.get("RequiresRecreation", "Never"),
        evaluation=each.get("Evaluation", ""),
        source=each.get("ChangeSource", ""),
        cause=each.get("CausingEntity", ""),
    )


def _found(client: Any, arn: str) -> tuple[Remark, ...]:
    """Return what early validation and hooks found, or that it can't be read. (R-8)"""
    try:
        return remarks(client, ChangeSetName=arn)
    except _UNREAD as error:
        return (unreadable(_done_without(error)),)


def unreadable(why: str) -> Remark:
    """Return the warning that what was found can't be told. (X-12)"""
    return Remark("", f"what early validation and hooks found could not be read: {why}", warns=True)


def remarks(client: Any, **subject: str) -> tuple[Remark, ...]:
    """Return what early validation and hooks found; all pages.

    The subject is a change set by ARN or an operation by id: only DescribeEvents tells it.
    """
    asked = {**subject, "Filters": {"FailedEvents": True}}
    found = whole(
        lambda: [
            each
            for page in pages(client, "describe_events", **asked)
            for each in page.get("OperationEvents", ())
            if each.get("EventType") in _FINDINGS
        ]
    )
    arn = subject.get("ChangeSetName", "")
    return (*map(_remark, found), *(_annotations(client, arn, found) if arn else ()))


def _annotations(client: Any, arn: str, found: Sequence[Mapping[str, Any]]) -> tuple[Remark, ...]:
    """Return what Hooks noted in detail, where one has objected; a warning if it can't be read."""
    objecting = [each for each in found if each.get("EventType") == _HOOK]
    if not objecting:
        return ()
    places = {
        each["HookType"]: each["LogicalResourceId"]
        for each in objecting
        if each.get("HookType") and each.get("LogicalResourceId")
    }
    try:
        return hooks.noted(client, arn, places)
    except _UNREAD as error:
        text = f"what the Hooks noted in detail could not be read: {_done_without(error)}"
        return (Remark("", text, warns=True, origin="hook"),)


def _remark(event: Mapping[str, Any]) -> Remark:
    """Return one finding: the resource and the place in it, what was found, and by which rule."""
    logical_id, path = (str(event.get(key, "")) for key in ("LogicalResourceId", "ValidationPath"))
    keys = ("ValidationStatusReason", "HookStatusReason", "ResourceStatusReason")
    said = next((event[key] for key in keys if event.get(key)), "no reason given")
    rule = event.get("ValidationName") or event.get("HookType", "")
    warns = (event.get("ValidationFailureMode") or event.get("HookFailureMode")) == "WARN"
    tags = ", ".join(part for part in (rule, "a warning" if warns else "") if part)
    subject = " ".join(part for part in (logical_id, path) if part)
    text = (f"{subject}: " if subject else "") + said + (f" [{tags}]" if tags else "")
    origin = "hook" if event.get("EventType") == _HOOK else "server"
    return Remark(logical_id, text, warns, path, origin)


def _nested_reasons(client: Any, failed: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield why nested change sets failed; the root says only that they did."""
    for each in _resource_changes([failed]):
        arn = each.get("ChangeSetId")
        try:
            answer = client.describe_change_set(ChangeSetName=arn) if arn else None
        except _UNREAD as error:
            if not (isinstance(error, ClientError) and code_of(error) == "ChangeSetNotFound"):
                yield unreadable(f"{each['LogicalResourceId']}: {_done_without(error)}")
            continue
        if answer and answer["Status"] == "FAILED" and not says_nothing_to_do(answer):
            name = each["LogicalResourceId"]
            for said in reasons(client, answer):
                text = f"{name}: {said.text or 'no reason given'}"
                yield Remark(name, text, said.warns, said.path, said.origin)
