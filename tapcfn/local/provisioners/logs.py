"""CloudWatch Logs: log groups, with retention, key and tags; metric filters are the emulator's."""

from __future__ import annotations

import json
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    Wanted,
    already_exists,
    gone_is_fine,
    tag_changes,
    tag_map,
)

LOG_GROUP = "AWS::Logs::LogGroup"


def _logs() -> Any:
    return calls.client("logs")


def _arn(name: str) -> str:
    return f"arn:aws:logs:{emulator.region()}:{emulator.account_id()}:log-group:{name}"


def _create(wanted: Wanted) -> Made:
    name = wanted.name("LogGroupName", longest=512)
    if _exists(name):
        raise already_exists(LOG_GROUP, json.dumps({"/properties/LogGroupName": name}))
    asked = {"kmsKeyId": wanted.get("KmsKeyId"), "logGroupClass": wanted.get("LogGroupClass")}
    _logs().create_log_group(
        logGroupName=name,
        tags=tag_map(wanted.get("Tags")),
        **{key: value for key, value in asked.items() if value},
    )
    _set_retention(name, wanted)
    return Made(name, {"Arn": f"{_arn(name)}:*"})


def _exists(name: str) -> bool:
    found = _logs().describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in found)


def _update(wanted: Wanted) -> Made:
    name = wanted.physical_id
    _set_retention(name, wanted)
    _set_key(name, wanted)
    put, removed = tag_changes(wanted)
    if removed:
        _logs().untag_resource(resourceArn=_arn(name), tagKeys=removed)
    if put:
        _logs().tag_resource(resourceArn=_arn(name), tags=put)
    return Made(name, {"Arn": f"{_arn(name)}:*"})


def _set_retention(name: str, wanted: Wanted) -> None:
    if not wanted.changed("RetentionInDays"):
        return
    if wanted.get("RetentionInDays"):
        days = int(wanted["RetentionInDays"])
        _logs().put_retention_policy(logGroupName=name, retentionInDays=days)
    else:
        _logs().delete_retention_policy(logGroupName=name)


def _set_key(name: str, wanted: Wanted) -> None:
    if not wanted.changed("KmsKeyId"):
        return
    if wanted.get("KmsKeyId"):
        _logs().associate_kms_key(logGroupName=name, kmsKeyId=wanted["KmsKeyId"])
    else:
        _logs().disassociate_kms_key(logGroupName=name)


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        _logs().delete_log_group(logGroupName=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        LOG_GROUP,
        create=_create,
        update=_update,
        delete=_delete,
        create_only=("LogGroupName",),
        tags="Tags",
    ),
)
