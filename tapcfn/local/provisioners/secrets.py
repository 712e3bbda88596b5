"""Secrets Manager: secrets, given or generated, and their replicas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners import secrets_parts
from tapcfn.local.provisioners.resource import (
    Adoption,
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    gone_is_fine,
    key_values,
    picked,
    tag_changes,
    tag_map,
)

TYPE = "AWS::SecretsManager::Secret"
LENGTH = 32  # of a generated password, if the template does not say

_MODELLED = frozenset(
    {"Description", "GenerateSecretString", "KmsKeyId", "Name", "ReplicaRegions", "SecretString"}
    | {"Tags"}
)
_SHAPE = (
    *("ExcludeCharacters", "ExcludeLowercase", "ExcludeNumbers", "ExcludePunctuation"),
    *("ExcludeUppercase", "IncludeSpace", "RequireEachIncludedType"),
)


def _api() -> Any:
    return calls.client("secretsmanager")


# Create and update --------------------------------------------------------------------------------


def _create(wanted: Wanted) -> Made:
    _refuse(wanted)
    asked = picked(wanted.properties, "Description", "KmsKeyId")
    arn = _api().create_secret(
        Name=wanted.name("Name", longest=512),
        SecretString=_value(wanted),
        Tags=key_values(tag_map(wanted.get("Tags"))),
        **asked,
    )["ARN"]
    try:
        _replicate(arn, wanted)
    except Exception:
        _api().delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
        raise
    return Made(arn, {"Id": arn})


def _update(wanted: Wanted) -> Made:
    """Change what the template changes; a value is new only if what makes it is."""
    _refuse(wanted)
    arn = wanted.physical_id
    asked: dict[str, Any] = {}
    if wanted.changed("Description"):
        asked["Description"] = wanted.get("Description", "")
    if wanted.changed("KmsKeyId"):
        asked["KmsKeyId"] = wanted.get("KmsKeyId", "")
    if wanted.changed("SecretString", "GenerateSecretString"):
        asked["SecretString"] = _value(wanted)
    if asked:
        _api().update_secret(SecretId=arn, **asked)
    _retag(wanted)
    _replicate(arn, wanted)
    return Made(arn, {"Id": arn})


def _refuse(wanted: Wanted) -> None:
    unknown = sorted(wanted.properties.keys() - _MODELLED)
    if unknown:
        raise ResourceRefusedError(
            f"the local cloud does not model {TYPE} properties: {', '.join(unknown)}"
        )
    if wanted.get("SecretString") and wanted.get("GenerateSecretString"):
        raise ResourceRefusedError(
            "You can't specify both SecretString and GenerateSecretString. You must include one of "
            "the two."
        )
    for replica in wanted.get("ReplicaRegions") or ():
        key = str(replica.get("KmsKeyId", ""))
        if key.startswith("arn:") and key.split(":")[3] != replica["Region"]:
            raise ResourceRefusedError(
                f"Invalid KMS key {key} for the replica in {replica['Region']}: it is in another "
                "Region"
            )


def _value(wanted: Wanted) -> str:
    """Return the value that the template gives, or generate one as it says."""
    shape = wanted.get("GenerateSecretString")
    if shape is None:
        return str(wanted.get("SecretString", ""))
    flags = {name: value for name, value in shape.items() if name in _SHAPE}
    password = _api().get_random_password(
        PasswordLength=int(shape.get("PasswordLength", LENGTH)), **_typed(flags)
    )["RandomPassword"]
    key, start = shape.get("GenerateStringKey"), shape.get("SecretStringTemplate")
    if not key and not start:
        return str(password)
    if not key or not start:
        raise ResourceRefusedError(
            "SecretStringTemplate and GenerateStringKey must be specified together"
        )
    try:
        return json.dumps(json.loads(start) | {key: password})
    except (TypeError, ValueError):
        raise ResourceRefusedError("SecretStringTemplate must be a JSON object") from None


def _typed(flags: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if name == "ExcludeCharacters" else str(value).lower() == "true"
        for name, value in flags.items()
    }


def _retag(wanted: Wanted) -> None:
    put, removed = tag_changes(wanted)
    if removed:
        _api().untag_resource(SecretId=wanted.physical_id, TagKeys=removed)
    if put:
        _api().tag_resource(SecretId=wanted.physical_id, Tags=key_values(put))


# Replicas -----------------------------------------------------------------------------------------


def _replicate(arn: str, wanted: Wanted) -> None:
    """Bring the replicas to what the template wants; one with another key is made anew."""
    now, before = (
        {each["Region"]: each for each in side.get("ReplicaRegions") or ()}
        for side in (wanted, wanted.before)
    )
    gone = [region for region, replica in before.items() if now.get(region) != replica]
    if gone:
        _api().remove_regions_from_replication(SecretId=arn, RemoveReplicaRegions=gone)
    new = [replica for region, replica in now.items() if before.get(region) != replica]
    if new:
        regions = [picked(replica, "Region", "KmsKeyId") for replica in new]
        _api().replicate_secret_to_regions(SecretId=arn, AddReplicaRegions=regions)


def _delete(wanted: Wanted) -> None:
    """Purge it with its replicas, as CloudFormation does: there is no recovery window."""
    if calls.on_loop(emulator.secrets.secret, wanted.physical_id) is None:
        return
    with gone_is_fine():
        _api().delete_secret(SecretId=wanted.physical_id, ForceDeleteWithoutRecovery=True)


def _adopt(identifier: Mapping[str, str]) -> Made:
    return Made(identifier["Id"], {"Id": identifier["Id"]})


PROVISIONERS = (
    Provisioner(
        TYPE,
        create=_create,
        update=_update,
        delete=_delete,
        adoption=Adoption("Id", lambda arn: emulator.secrets.secret(arn) is not None, _adopt),
        create_only=("Name",),
        tags="Tags",
    ),
    *secrets_parts.PROVISIONERS,
)
