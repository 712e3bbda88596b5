"""CloudTrail: trails, which must be allowed to write into their bucket and to use their key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.grants import Ask, allows
from tapcfn.local.provisioners.fitting import fitted, refuse_other
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    flag,
    gone_is_fine,
    key_values,
    tag_changes,
    tag_map,
)

TRAIL = "AWS::CloudTrail::Trail"
SERVICE = "cloudtrail.amazonaws.com"

# What a trail is when the template leaves it out.
_DEFAULTS: Mapping[str, Any] = {
    "CloudWatchLogsLogGroupArn": "",
    "CloudWatchLogsRoleArn": "",
    "EnableLogFileValidation": False,
    "IncludeGlobalServiceEvents": True,
    "IsMultiRegionTrail": False,
    "IsOrganizationTrail": False,
    "KMSKeyId": "",
    "S3BucketName": None,
    "S3KeyPrefix": "",
    "SnsTopicName": "",
}
_SELECTORS = ("AdvancedEventSelectors", "EventSelectors")
_KNOWN = frozenset({*_DEFAULTS, *_SELECTORS, "IsLogging", "Tags", "TrailName"})
_ALL_MANAGEMENT = [{"ReadWriteType": "All", "IncludeManagementEvents": True}]


def _trails() -> Any:
    return calls.client("cloudtrail")


def _create(wanted: Wanted) -> Made:
    name = wanted.name("TrailName")
    settings = _settings(name, wanted)
    _trails().create_trail(Name=name, S3BucketName=settings["S3BucketName"])
    try:
        return _finish(name, settings, wanted)
    except Exception:
        _trails().delete_trail(Name=name)
        raise


def _update(wanted: Wanted) -> Made:
    return _finish(wanted.physical_id, _settings(wanted.physical_id, wanted), wanted)


def _finish(name: str, settings: Mapping[str, Any], wanted: Wanted) -> Made:
    """Set everything; CreateTrail of the emulator forgets what UpdateTrail keeps."""
    _trails().update_trail(Name=name, **settings)
    _select(name, wanted)
    if flag(wanted["IsLogging"]):
        _trails().start_logging(Name=name)
    else:
        _trails().stop_logging(Name=name)
    arn = _arn(name)
    _retag(arn, wanted)
    topic = settings["SnsTopicName"]
    attributes = {"Arn": arn}
    if topic:
        attributes["SnsTopicArn"] = topic if topic.startswith("arn:") else _topic_arn(topic)
    return Made(name, attributes)


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        _trails().delete_trail(Name=wanted.physical_id)


def _arn(name: str) -> str:
    return f"arn:aws:cloudtrail:{emulator.region()}:{emulator.account_id()}:trail/{name}"


def _topic_arn(name: str) -> str:
    return f"arn:aws:sns:{emulator.region()}:{emulator.account_id()}:{name}"


def _select(name: str, wanted: Wanted) -> None:
    """Set the selectors, or take back to all management events what the template drops."""
    if not wanted.changed(*_SELECTORS):
        return
    chosen = {prop: wanted[prop] for prop in _SELECTORS if wanted.get(prop)}
    asked = chosen or {"EventSelectors": _ALL_MANAGEMENT}
    selectors = fitted("cloudtrail", "PutEventSelectorsRequest", asked)
    _trails().put_event_selectors(TrailName=name, **selectors)


def _retag(arn: str, wanted: Wanted) -> None:
    added, removed = tag_changes(wanted)
    if removed:
        before = tag_map(wanted.before.get("Tags"))
        tags = key_values({key: before[key] for key in removed})
        _trails().remove_tags(ResourceId=arn, TagsList=tags)
    if added:
        _trails().add_tags(ResourceId=arn, TagsList=key_values(added))


# What CloudTrail looks at before it accepts a trail -----------------------------------------------


def _settings(name: str, wanted: Wanted) -> dict[str, Any]:
    refuse_other(TRAIL, wanted.properties, _KNOWN)
    given = {prop: wanted.get(prop, default) for prop, default in _DEFAULTS.items()}
    settings = fitted("cloudtrail", "UpdateTrailRequest", given)
    if settings["IsMultiRegionTrail"] and not settings["IncludeGlobalServiceEvents"]:
        raise _no("Multi-Region trail must include global service events.")
    _require_bucket(name, settings)
    if settings["KmsKeyId"]:
        settings["KmsKeyId"] = _require_key(name, settings)
    if settings["CloudWatchLogsLogGroupArn"] or settings["CloudWatchLogsRoleArn"]:
        _require_log_group(settings)
    return settings


def _require_bucket(name: str, settings: Mapping[str, Any]) -> None:
    bucket = settings["S3BucketName"]
    policy: dict[str, Any] = {}
    with gone_is_fine():
        policy = json.loads(calls.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    if not emulator.s3.bucket_is_taken(bucket):
        raise _no(f"S3 bucket {bucket} does not exist!")
    prefix = f"{settings['S3KeyPrefix']}/" if settings["S3KeyPrefix"] else ""
    here = f"arn:aws:s3:::{bucket}"
    there = f"{here}/{prefix}AWSLogs/{emulator.account_id()}/probe"
    asked = (("s3:GetBucketAcl", here), ("s3:PutObject", there))
    context = _context(name) | {"s3:x-amz-acl": "bucket-owner-full-control"}
    if not all(allows(policy, Ask(SERVICE, *each, context)) for each in asked):
        raise _no(f"Incorrect S3 bucket policy is detected for bucket: {bucket}")


def _require_key(name: str, settings: Mapping[str, Any]) -> str:
    """Return the ARN of the key, which must let CloudTrail encrypt."""
    kms, key = calls.client("kms"), settings["KmsKeyId"]
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    policy = json.loads(kms.get_key_policy(KeyId=found["KeyId"], PolicyName="default")["Policy"])
    arn = str(found["Arn"])
    context = _context(name) | {"kms:EncryptionContext:aws:cloudtrail:arn": _arn(name)}
    usable = found["KeyState"] == "Enabled"
    if not usable or not allows(policy, Ask(SERVICE, "kms:GenerateDataKey", arn, context)):
        bucket = settings["S3BucketName"]
        raise _no(f"Insufficient permissions to access S3 bucket {bucket} or KMS key {arn}.")
    return arn


def _context(name: str) -> dict[str, str]:
    return {"aws:SourceArn": _arn(name), "aws:SourceAccount": emulator.account_id()}


def _require_log_group(settings: Mapping[str, Any]) -> None:
    arn, role = settings["CloudWatchLogsLogGroupArn"], settings["CloudWatchLogsRoleArn"]
    if not (arn and role):
        raise _no("You must specify both a CloudWatch Logs log group ARN and a role ARN.")
    name = arn.split(":log-group:")[-1].removesuffix(":*")
    if name not in emulator.logs.groups():
        raise _no(
            "Access denied. Verify in IAM that the role has adequate permissions, and that the "
            f"log group {name} exists."
        )
    calls.client("iam").get_role(RoleName=role.rpartition("/")[2])


def _no(message: str) -> ResourceRefusedError:
    return ResourceRefusedError(
        f"{message} (Service: CloudTrail, Status Code: 400, Request ID: {emulator.new_id()})"
    )


PROVISIONERS = (
    Provisioner(
        TRAIL,
        create=_create,
        update=_update,
        delete=_delete,
        create_only=("TrailName",),
        tags="Tags",
    ),
)
