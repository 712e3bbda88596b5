"""Route 53: the records that it refuses and the emulator takes, and what health checks say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import measures

Record = Mapping[str, Any]

# Each of these lets several records of one name and type live side by side.
_ROUTING = ("Weight", "Region", "Failover", "GeoLocation", "MultiValueAnswer", "CidrRoutingConfig")
_HEAVIEST = 255

# Where checkers are, unless a health check says from where it is looked at.
_CHECKERS = ["eu-west-1", "us-east-1", "us-west-2"]
# These are computed, and have no checkers of their own.
_COMPUTED = ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL")


def install() -> None:
    """Put the refusals before the emulator's changes."""
    emulator.route53.mend_health_checks()
    emulator.route53.check_record_changes(_refused)
    emulator.wrap_service("route53", _observing)


def _observing(handle: Callable[..., Any]) -> Callable[..., Any]:
    """Answer GetHealthCheckStatus, which the emulator lacks."""

    async def act(method: str, path: str, *rest: Any) -> emulator.Answer:
        found = re.fullmatch(r"/2013-04-01/healthcheck/([^/]+)/status", path)
        if method == "GET" and found:
            return _status(found[1])
        answer: emulator.Answer = await handle(method, path, *rest)
        return answer

    return act


def _status(identifier: str) -> emulator.Answer:
    """Say what the newest point of the check's own metric says; without one, that all is well."""
    config = emulator.route53.health_checks().get(identifier, {}).get("config", {})
    if config.get("Type") in _COMPUTED:
        message = f"A health check of type {config['Type']} has no checkers"
        return emulator.route53.error("InvalidInput", message)
    well = measures.is_healthy(identifier)
    status = "Success: HTTP Status Code 200, OK" if well else "Failure: HTTP Status Code 503"
    seen_from = [] if well is None else list(config.get("Regions") or _CHECKERS)
    return emulator.route53.health_status(identifier, status, seen_from)


def _refused(
    zone: str, records: list[Record], changes: Sequence[tuple[str, Record]]
) -> tuple[str, str] | None:
    """Return the code and message of the first fault in a batch, which then changes nothing."""
    for action, record in changes:
        if message := _misfit(action, record):
            return "InvalidInput", message
    left = _after_deletions(records, changes)
    for action, record in changes:
        if action == "DELETE":
            continue
        check = record.get("HealthCheckId")
        if check and check not in emulator.route53.health_checks():
            return "NoSuchHealthCheck", f"A health check with id {check} does not exist."
        if message := _misplaced(zone, record) or _crowded(left, record):
            return "InvalidChangeBatch", f"[{message}]"
        left = [each for each in left if _key(each) != _key(record)] + [record]
    return None


def _misfit(action: str, record: Record) -> str:
    """Say what is wrong with a record in itself."""
    where = (
        f"Change with [Action={action}, Name={record['Name']}, Type={record['Type']}, "
        f"SetIdentifier={record.get('SetIdentifier') or 'null'}]"
    )
    routed = [name for name in _ROUTING if record.get(name) is not None]
    if routed and not record.get("SetIdentifier"):
        return f"Invalid request: Missing field 'SetIdentifier' in {where}"
    if record.get("SetIdentifier") and len(routed) != 1:
        return f"Invalid request: Expected exactly one of {list(_ROUTING)} in {where}"
    alias = bool(record.get("AliasTarget"))
    plain = record.get("TTL") is not None, bool(record.get("ResourceRecords"))
    if any(plain) if alias else not all(plain):
        found = "more than one" if alias else "none"
        return (
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and "
            f"ResourceRecords], or TrafficPolicyInstanceId], but found {found} in {where}"
        )
    if not 0 <= int(record.get("Weight") or 0) <= _HEAVIEST:
        return f"Invalid request: Weight must be from 0 to {_HEAVIEST} in {where}"
    return ""


def _misplaced(zone: str, record: Record) -> str:
    name, kind = record["Name"], record["Type"]
    if name != zone and not name.endswith(f".{zone}"):
        return f"RRSet with DNS name {name} is not permitted in zone {zone}"
    if name == zone and kind == "CNAME":
        return f"RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {zone}"
    return ""


def _crowded(records: list[Record], record: Record) -> str:
    """Say that others of the name are in the way: a CNAME stands alone, and so does a plain one."""
    name, kind = record["Name"], record["Type"]
    same_name = [each for each in records if each["Name"] == name]
    others = [each for each in same_name if each["Type"] != kind]
    told = record.get("SetIdentifier") or "null"
    if others and (kind == "CNAME" or any(each["Type"] == "CNAME" for each in others)):
        return (
            f"RRSet of type {kind} with DNS name {name} is not permitted because a conflicting "
            f"RRSet of type {others[0]['Type']} with the same DNS name already exists in zone"
        )
    twins = [each for each in same_name if each["Type"] == kind and _key(each) != _key(record)]
    if any(_routing(each) != _routing(record) for each in twins):
        return (
            f"RRSet with DNS name {name}, type {kind}, SetIdentifier {told} cannot be created as "
            "other RRSets exist with the same name and type"
        )
    return ""


def _after_deletions(records: list[Record], changes: Sequence[tuple[str, Record]]) -> list[Record]:
    gone = {_key(record) for action, record in changes if action == "DELETE"}
    return [record for record in records if _key(record) not in gone]


def _routing(record: Record) -> list[str]:
    return [name for name in _ROUTING if record.get(name) is not None]


def _key(record: Record) -> tuple[str, str, str]:
    return record["Name"], record["Type"], record.get("SetIdentifier", "")
