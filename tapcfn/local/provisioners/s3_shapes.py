"""S3's own words for what a template says: the same rules under other names."""

from __future__ import annotations

from typing import Any

from tapcfn.local.provisioners.resource import EMPTY, as_list, flag, picked


def encryption_rule(rule: Any) -> dict[str, Any]:
    """Return a server-side encryption rule."""
    made: dict[str, Any] = {}
    if "ServerSideEncryptionByDefault" in rule:
        made["ApplyServerSideEncryptionByDefault"] = dict(rule["ServerSideEncryptionByDefault"])
    if "BucketKeyEnabled" in rule:
        made["BucketKeyEnabled"] = flag(rule["BucketKeyEnabled"])
    return made | picked(rule, "BlockedEncryptionTypes")


def cors_rule(rule: Any) -> dict[str, Any]:
    """Return a rule of cross-origin access."""
    made = picked(rule, "AllowedHeaders", "AllowedMethods", "AllowedOrigins")
    renamed = {"ID": "Id", "ExposeHeaders": "ExposedHeaders"}
    made |= {api: rule[prop] for api, prop in renamed.items() if rule.get(prop)}
    return made | ({"MaxAgeSeconds": int(rule["MaxAge"])} if rule.get("MaxAge") else {})


def routing_rule(rule: Any) -> dict[str, Any]:
    """Return a website's routing rule."""
    made = {"Redirect": dict(rule["RedirectRule"])}
    if rule.get("RoutingRuleCondition"):
        made["Condition"] = dict(rule["RoutingRuleCondition"])
    return made


def retention(wanted: Any) -> dict[str, Any]:
    """Return how long a locked object is kept."""
    made = picked(wanted, "Mode")
    return made | {name: int(wanted[name]) for name in ("Days", "Years") if wanted.get(name)}


def lifecycle_rule(rule: Any) -> dict[str, Any]:
    """Return one rule in the API's shape, which groups what a template spells out."""
    made = {"Status": rule["Status"], "Filter": _lifecycle_filter(rule)}
    if rule.get("Id"):
        made["ID"] = rule["Id"]
    groups = {
        "Expiration": _expiration(rule),
        "Transitions": [_transition(each) for each in _both(rule, "Transition")],
        "NoncurrentVersionExpiration": _noncurrent_expiration(rule),
        "NoncurrentVersionTransitions": [
            _noncurrent_transition(each) for each in _both(rule, "NoncurrentVersionTransition")
        ],
        "AbortIncompleteMultipartUpload": _whole_days(rule.get("AbortIncompleteMultipartUpload")),
    }
    return made | {name: group for name, group in groups.items() if group}


def _lifecycle_filter(rule: Any) -> dict[str, Any]:
    parts: dict[str, Any] = picked(rule, "Prefix")
    sizes = ("ObjectSizeGreaterThan", "ObjectSizeLessThan")
    parts |= {name: int(rule[name]) for name in sizes if rule.get(name) is not None}
    tags = [dict(tag) for tag in as_list(rule.get("TagFilters"))]
    if len(parts) + len(tags) > 1:
        return {"And": parts | ({"Tags": tags} if tags else {})}
    if tags:
        return {"Tag": tags[0]}
    return parts or {"Prefix": ""}


def _expiration(rule: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if rule.get("ExpirationInDays"):
        made["Days"] = int(rule["ExpirationInDays"])
    if rule.get("ExpirationDate"):
        made["Date"] = rule["ExpirationDate"]
    if "ExpiredObjectDeleteMarker" in rule:
        made["ExpiredObjectDeleteMarker"] = flag(rule["ExpiredObjectDeleteMarker"])
    return made


def _noncurrent_expiration(rule: Any) -> dict[str, Any]:
    if rule.get("NoncurrentVersionExpirationInDays"):
        return {"NoncurrentDays": int(rule["NoncurrentVersionExpirationInDays"])}
    return _whole_days(rule.get("NoncurrentVersionExpiration"))


def _both(rule: Any, name: str) -> list[Any]:
    """Return what stands under the old property in the singular and the new in the plural."""
    one = rule.get(name)
    return ([one] if one else []) + list(as_list(rule.get(f"{name}s")))


def _transition(each: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"StorageClass": each["StorageClass"]}
    if each.get("TransitionInDays") is not None:
        made["Days"] = int(each["TransitionInDays"])
    if each.get("TransitionDate"):
        made["Date"] = each["TransitionDate"]
    return made


def _noncurrent_transition(each: Any) -> dict[str, Any]:
    made = {"StorageClass": each["StorageClass"], "NoncurrentDays": int(each["TransitionInDays"])}
    if each.get("NewerNoncurrentVersions"):
        made["NewerNoncurrentVersions"] = int(each["NewerNoncurrentVersions"])
    return made


def _whole_days(group: Any) -> dict[str, Any]:
    return {name: int(days) for name, days in (group or EMPTY).items()}


def replication_rule(rule: Any) -> dict[str, Any]:
    """Return a replication rule."""
    made = picked(rule, "Status", "Prefix", "DeleteMarkerReplication", "SourceSelectionCriteria")
    made["Destination"] = _replication_destination(rule["Destination"])
    if rule.get("Id"):
        made["ID"] = rule["Id"]
    if rule.get("Priority") is not None:
        made["Priority"] = int(rule["Priority"])
    if "Filter" in rule:
        made["Filter"] = _replication_filter(rule["Filter"])
    return made


def _replication_filter(wanted: Any) -> dict[str, Any]:
    made = picked(wanted, "Prefix")
    if wanted.get("TagFilter"):
        made["Tag"] = dict(wanted["TagFilter"])
    if wanted.get("And"):
        both = wanted["And"]
        made["And"] = picked(both, "Prefix") | {"Tags": list(as_list(both.get("TagFilters")))}
    return made


def _replication_destination(wanted: Any) -> dict[str, Any]:
    made = picked(
        wanted,
        *("Bucket", "Account", "StorageClass", "AccessControlTranslation"),
        *("EncryptionConfiguration",),
    )
    for name, limit in (("ReplicationTime", "Time"), ("Metrics", "EventThreshold")):
        if wanted.get(name):
            made[name] = dict(wanted[name])
            if limit in made[name]:
                made[name][limit] = {"Minutes": int(made[name][limit]["Minutes"])}
    return made
