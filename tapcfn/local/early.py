"""Early validation of a change set: names that are taken, and buckets that cannot be deleted.

A name that exists fails the change set (NAME_CONFLICT_VALIDATION), and a bucket that holds
something and is to go is a warning (BUCKET_EMPTINESS_VALIDATION); both are told by DescribeEvents.
Only names that are known by now are looked at, and only of types whose identifier is a property.
Nothing is looked at with DisableValidation, and what is imported may exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from tapcfn.local import change_sets, emulator, references
from tapcfn.local.emulator import Action, Answer, Params
from tapcfn.local.faults import validation
from tapcfn.local.faults.table import Finding

# The property that identifies a resource of the type, as its schema says.
NAMES: Mapping[str, str] = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::Role": "RoleName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SSM::Parameter": "Name",
}
BUCKET = "AWS::S3::Bucket"
DELETING = frozenset({"Delete", "ReplaceAndDelete"})

ChangeSet = MutableMapping[str, Any]
Change = Mapping[str, Any]


def install() -> None:
    """Look at every change set that is made."""
    emulator.engine.wrap_action("CreateChangeSet", _validated)


def _validated(do: Action) -> Action:
    def act(params: Params) -> Answer:
        answer = do(params)
        made = change_sets.made(answer)
        unwanted = emulator.parameter(params, "DisableValidation").lower() == "true"
        if made is not None and made["Status"] == "CREATE_COMPLETE" and not unwanted:
            validation.object_to(made, tuple(_findings(made)))
        return answer

    return act


def _findings(made: ChangeSet) -> Iterator[Finding]:
    for each in made["Changes"]:
        change = each["ResourceChange"]
        for name, reason, mode in (*_taken(change, made), *_full(change)):
            logical_id = change["LogicalResourceId"]
            path = f"/Resources/{logical_id}"
            yield Finding(
                name, reason, path, mode, logical_id=logical_id, type=change["ResourceType"]
            )


def _taken(change: Change, made: ChangeSet) -> Iterator[tuple[str, str, str]]:
    """Find the name of a new resource taken; a replacement by the same name fails later."""
    kind = change["ResourceType"]
    is_new = change["Action"] == "Add" or change.get("Replacement") == "True"
    if kind not in NAMES or not is_new:
        return
    name = _name(change["LogicalResourceId"], NAMES[kind], made)
    if name and name != change.get("PhysicalResourceId") and emulator.handlers.exists(kind, name):
        reason = f"Resource of type '{kind}' with identifier '{name}' already exists."
        yield "NAME_CONFLICT_VALIDATION", reason, "FAIL"


def _full(change: Change) -> Iterator[tuple[str, str, str]]:
    """Find a bucket that is to be deleted not empty."""
    name = change.get("PhysicalResourceId", "")
    goes = change["ResourceType"] == BUCKET and change.get("PolicyAction") in DELETING
    if goes and not emulator.s3.bucket_is_empty(name):
        reason = (
            f"The bucket '{name}' is not empty. You must either delete all objects and versions or "
            "use the deletion policy to retain it, otherwise the delete operation will fail."
        )
        yield "BUCKET_EMPTINESS_VALIDATION", reason, "WARN"


def _name(logical_id: str, prop: str, made: ChangeSet) -> str:
    """Return the name that the template gives, or nothing where only the operation will know."""
    template = made["_template"]
    given = (template["Resources"][logical_id].get("Properties") or {}).get(prop)
    if any(name in template["Resources"] for name, _ in references.references(given)):
        return ""
    holds = emulator.engine.holding(template, made["_resolved_params"])
    try:
        found = emulator.engine.resolved(
            given, template, {**made, "_resources": {}, "_conditions": holds}
        )
    except (ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""
