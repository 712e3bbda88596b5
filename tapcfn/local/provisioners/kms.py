"""KMS: keys are the emulator's own; aliases and replica keys are made through the API."""

from __future__ import annotations

from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    Wanted,
    document,
    flag,
    gone_is_fine,
    key_values,
    tag_changes,
    tag_map,
)

DEFAULT_WINDOW = 30


def _kms(region: str = "") -> Any:
    return calls.client("kms", region=region)


# Alias --------------------------------------------------------------------------------------------


def _create_alias(wanted: Wanted) -> Made:
    _kms().create_alias(AliasName=wanted["AliasName"], TargetKeyId=wanted["TargetKeyId"])
    return Made(wanted["AliasName"])


def _update_alias(wanted: Wanted) -> Made:
    _kms().update_alias(AliasName=wanted.physical_id, TargetKeyId=wanted["TargetKeyId"])
    return Made(wanted.physical_id)


def _delete_alias(wanted: Wanted) -> None:
    with gone_is_fine():
        _kms().delete_alias(AliasName=wanted.physical_id)


# Replica key --------------------------------------------------------------------------------------


def _create_replica(wanted: Wanted) -> Made:
    """Replicate a multi-Region key into this Region; the call goes to the primary's Region."""
    primary = wanted["PrimaryKeyArn"]
    made = _kms(region=primary.split(":")[3]).replicate_key(
        KeyId=primary.split("/")[-1],
        ReplicaRegion=emulator.region(),
        Policy=document(wanted["KeyPolicy"]),
        Description=wanted.get("Description", ""),
        Tags=_tags(tag_map(wanted.get("Tags"))),
    )["ReplicaKeyMetadata"]
    _enable(made["KeyId"], wanted)
    return Made(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})


def _update_replica(wanted: Wanted) -> Made:
    key = wanted.physical_id
    if wanted.changed("KeyPolicy"):
        _kms().put_key_policy(KeyId=key, PolicyName="default", Policy=document(wanted["KeyPolicy"]))
    if wanted.changed("Description"):
        _kms().update_key_description(KeyId=key, Description=wanted.get("Description", ""))
    _enable(key, wanted)
    _retag(key, wanted)
    told = _kms().describe_key(KeyId=key)["KeyMetadata"]
    return Made(key, {"Arn": told["Arn"], "KeyId": key})


def _enable(key: str, wanted: Wanted) -> None:
    if wanted.changed("Enabled"):
        on = flag(wanted.get("Enabled", True))
        (_kms().enable_key if on else _kms().disable_key)(KeyId=key)


def _retag(key: str, wanted: Wanted) -> None:
    put, removed = tag_changes(wanted)
    if removed:
        _kms().untag_resource(KeyId=key, TagKeys=removed)
    if put:
        _kms().tag_resource(KeyId=key, Tags=_tags(put))


def _tags(tags: dict[str, str]) -> list[Any]:
    return key_values(tags, key="TagKey", value="TagValue")


def _delete_replica(wanted: Wanted) -> None:
    window = int(wanted.get("PendingWindowInDays", DEFAULT_WINDOW))
    with gone_is_fine():
        state = _kms().describe_key(KeyId=wanted.physical_id)["KeyMetadata"]["KeyState"]
        if not state.startswith("Pending"):
            _kms().schedule_key_deletion(KeyId=wanted.physical_id, PendingWindowInDays=window)


PROVISIONERS = (
    Provisioner(
        "AWS::KMS::Alias",
        create=_create_alias,
        update=_update_alias,
        delete=_delete_alias,
        create_only=("AliasName",),
    ),
    Provisioner(
        "AWS::KMS::ReplicaKey",
        create=_create_replica,
        update=_update_replica,
        delete=_delete_replica,
        create_only=("PrimaryKeyArn",),
        tags="Tags",
    ),
)
