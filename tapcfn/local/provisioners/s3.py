"""S3: buckets with everything that our templates configure on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners import s3_shapes as shapes
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    already_exists,
    flag,
    gone_is_fine,
    key_values,
    picked,
    tag_map,
)

BUCKET = "AWS::S3::Bucket"
FIRST_REGION = "us-east-1"

# The Regions whose website addresses have a dash before the Region; all later ones have a dot.
_DASHED = (
    *("us-east-1", "us-west-1", "us-west-2", "sa-east-1", "eu-west-1"),
    *("ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "us-gov-west-1"),
)
_LEAST_OBJECT = "all_storage_classes_128K"  # what S3 moves to another class, unless told otherwise
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def _s3() -> Any:
    return calls.client("s3")


# Bucket -------------------------------------------------------------------------------------------


def _create(wanted: Wanted) -> Made:
    _refuse_unknown(wanted)
    name = wanted.name("BucketName", lowercase=True, longest=63)
    if _is_taken(name):
        raise already_exists(BUCKET, name)
    region, asked = emulator.region(), {}
    if region != FIRST_REGION:
        asked = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    locked = flag(wanted.get("ObjectLockEnabled", False))
    _s3().create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked, **asked)
    try:
        _set_public_access(name, dict.fromkeys(_BLOCKS, True))  # every new bucket since April 2023
        _configure(name, wanted)
    except Exception:
        _s3().delete_bucket(Bucket=name)
        raise
    return Made(name, _attributes(name))


def _update(wanted: Wanted) -> Made:
    _refuse_unknown(wanted)
    _configure(wanted.physical_id, wanted)
    return Made(wanted.physical_id, _attributes(wanted.physical_id))


def _delete(wanted: Wanted) -> None:
    """Delete an empty bucket; one that holds anything is refused, as on AWS."""
    with gone_is_fine():
        _s3().delete_bucket(Bucket=wanted.physical_id)


def _attributes(name: str) -> dict[str, Any]:
    region = emulator.region()
    dash = "-" if region in _DASHED else "."
    return {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website{dash}{region}.amazonaws.com",
    }


def _is_taken(name: str) -> bool:
    return bool(calls.on_loop(emulator.s3.bucket_is_taken, name))


def _refuse_unknown(wanted: Wanted) -> None:
    """Refuse a property that would have no effect here, rather than pass over it."""
    unknown = sorted(wanted.properties.keys() - _NAMING - _SETTERS.keys())
    if unknown:
        raise ResourceRefusedError(
            f"the local cloud does not model {BUCKET} properties: {', '.join(unknown)}"
        )


def _configure(name: str, wanted: Wanted) -> None:
    """Apply each configuration that differs from before, in an order that S3 accepts."""
    for prop, setter in _SETTERS.items():
        if wanted.changed(prop):
            setter(name, wanted.get(prop))


# One setter for each property: (bucket, what the template says or None if it says nothing more).


def _set_versioning(name: str, wanted: Any) -> None:
    status = (wanted or {"Status": "Suspended"})["Status"]
    _s3().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})


def _set_encryption(name: str, wanted: Any) -> None:
    if wanted is None:
        _s3().delete_bucket_encryption(Bucket=name)
        return
    rules = [shapes.encryption_rule(rule) for rule in wanted["ServerSideEncryptionConfiguration"]]
    _s3().put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})


def _set_public_access(name: str, wanted: Any) -> None:
    if wanted is None:
        _s3().delete_public_access_block(Bucket=name)
        return
    _s3().put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={block: flag(wanted.get(block, False)) for block in _BLOCKS},
    )


def _set_ownership(name: str, wanted: Any) -> None:
    if wanted is None:
        _s3().delete_bucket_ownership_controls(Bucket=name)
    else:
        _s3().put_bucket_ownership_controls(Bucket=name, OwnershipControls=wanted)


def _set_tags(name: str, wanted: Any) -> None:
    if wanted:
        tags = key_values(tag_map(wanted))
        _s3().put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    else:
        _s3().delete_bucket_tagging(Bucket=name)


def _set_logging(name: str, wanted: Any) -> None:
    status: dict[str, Any] = {}
    if wanted is not None:
        target = wanted.get("DestinationBucketName") or name
        _require_bucket(target, "The target bucket for logging does not exist")
        status["LoggingEnabled"] = {
            "TargetBucket": target,
            "TargetPrefix": wanted.get("LogFilePrefix", ""),
            **picked(wanted, "TargetObjectKeyFormat"),
        }
    _s3().put_bucket_logging(Bucket=name, BucketLoggingStatus=status)


def _set_cors(name: str, wanted: Any) -> None:
    if wanted is None:
        _s3().delete_bucket_cors(Bucket=name)
        return
    rules = [shapes.cors_rule(rule) for rule in wanted["CorsRules"]]
    _s3().put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})


def _set_website(name: str, wanted: Any) -> None:
    if wanted is None:
        _s3().delete_bucket_website(Bucket=name)
        return
    made = picked(wanted, "RedirectAllRequestsTo")
    if wanted.get("IndexDocument"):
        made["IndexDocument"] = {"Suffix": wanted["IndexDocument"]}
    if wanted.get("ErrorDocument"):
        made["ErrorDocument"] = {"Key": wanted["ErrorDocument"]}
    if wanted.get("RoutingRules"):
        made["RoutingRules"] = [shapes.routing_rule(rule) for rule in wanted["RoutingRules"]]
    _s3().put_bucket_website(Bucket=name, WebsiteConfiguration=made)


def _set_notifications(name: str, wanted: Any) -> None:
    calls.on_loop(emulator.s3.put_bucket_notifications, name, wanted)


# Object Lock --------------------------------------------------------------------------------------


def _enable_lock(name: str, wanted: Any) -> None:
    if not flag(wanted):
        raise ResourceRefusedError("Object Lock cannot be disabled once it is enabled")
    _set_lock(name, None)


def _set_lock(name: str, wanted: Any) -> None:
    """Set the retention of new objects, or none."""
    lock: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
    if wanted and wanted.get("Rule"):
        lock["Rule"] = {"DefaultRetention": shapes.retention(wanted["Rule"]["DefaultRetention"])}
    _s3().put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)


# Life cycle ---------------------------------------------------------------------------------------


def _set_lifecycle(name: str, wanted: Any) -> None:
    if wanted is None:
        _s3().delete_bucket_lifecycle(Bucket=name)
        return
    if wanted.get("TransitionDefaultMinimumObjectSize", _LEAST_OBJECT) != _LEAST_OBJECT:
        raise ResourceRefusedError(
            f"the local cloud knows no TransitionDefaultMinimumObjectSize but {_LEAST_OBJECT}"
        )
    rules = [shapes.lifecycle_rule(rule) for rule in wanted["Rules"]]
    _s3().put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})


# Replication --------------------------------------------------------------------------------------


def _set_replication(name: str, wanted: Any) -> None:
    """Put the replication rules; every destination must exist and be versioned, as on AWS."""
    if wanted is None:
        _s3().delete_bucket_replication(Bucket=name)
        return
    for rule in wanted["Rules"]:
        target = str(rule["Destination"]["Bucket"]).rpartition(":::")[2]
        _require_bucket(target, "Destination bucket must exist.")
    rules = [shapes.replication_rule(rule) for rule in wanted["Rules"]]
    _s3().put_bucket_replication(
        Bucket=name, ReplicationConfiguration={"Role": wanted["Role"], "Rules": rules}
    )


def _require_bucket(name: str, message: str) -> None:
    if not _is_taken(name):
        raise ResourceRefusedError(
            f"{message} (Service: S3, Status Code: 400, Request ID: {emulator.new_id()})"
        )


_NAMING = frozenset({"BucketName", "BucketNamespace"})
_SETTERS: dict[str, Callable[[str, Any], None]] = {
    "VersioningConfiguration": _set_versioning,
    "BucketEncryption": _set_encryption,
    "OwnershipControls": _set_ownership,
    "PublicAccessBlockConfiguration": _set_public_access,
    "LifecycleConfiguration": _set_lifecycle,
    "LoggingConfiguration": _set_logging,
    "CorsConfiguration": _set_cors,
    "WebsiteConfiguration": _set_website,
    "NotificationConfiguration": _set_notifications,
    "ObjectLockEnabled": _enable_lock,
    "ObjectLockConfiguration": _set_lock,
    "Tags": _set_tags,
    "ReplicationConfiguration": _set_replication,
}


PROVISIONERS = (
    Provisioner(
        BUCKET,
        create=_create,
        update=_update,
        delete=_delete,
        create_only=("BucketName", "BucketNamePrefix", "BucketNamespace"),
        tags="Tags",
    ),
)
