"""Route 53."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from ministack.services import route53 as _route53

from tapcfn.local.emulator.core import Answer, everything_in


def mend_health_checks() -> None:
    """Let Route 53 read the lists of a health check, and write booleans as XML does."""
    parse = _route53._parse_health_check_config

    def parse_config(element: Any) -> dict[str, Any]:
        made = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in parse(element).items()
        }
        for name in ("Regions", "ChildHealthChecks"):
            if name in made:
                made[name] = [each.text for each in _route53._find(element, name)]
        return made

    _route53._parse_health_check_config = parse_config


def health_checks() -> MutableMapping[str, dict[str, Any]]:
    """Return the health checks of the current account, by id."""
    return _route53._health_checks  # type: ignore[no-any-return]


def add_zone(identifier: str, name: str) -> None:
    """Let there be a public hosted zone of this id in the current account."""
    name = _route53._normalise_name(name)
    _route53._zones[identifier] = {
        "id": identifier,
        "name": name,
        "caller_reference": identifier,
        "comment": "",
        "private": False,
        "vpcs": [],
    }
    _route53._records[identifier] = _route53._default_records(name)
    _route53._caller_refs[identifier] = identifier


def records() -> list[list[dict[str, Any]]]:
    """Return the records of each hosted zone of every account."""
    return everything_in(_route53._records)


def health_status(identifier: str, status: str, seen_from: list[str]) -> Answer:
    """Return the answer of GetHealthCheckStatus: what the checkers of some Regions say, now."""

    def build(root: Any) -> None:
        observations = _route53.SubElement(root, "HealthCheckObservations")
        for number, region in enumerate(seen_from, 1):
            observed = _route53.SubElement(observations, "HealthCheckObservation")
            _route53.SubElement(observed, "Region").text = region
            _route53.SubElement(observed, "IPAddress").text = f"192.0.2.{number}"
            report = _route53.SubElement(observed, "StatusReport")
            _route53.SubElement(report, "Status").text = status
            _route53.SubElement(report, "CheckedTime").text = _route53._now_iso()

    if identifier not in health_checks():
        return error("NoSuchHealthCheck", f"A health check with id {identifier} does not exist.")
    return _route53._xml_response("GetHealthCheckStatusResponse", build)  # type: ignore[no-any-return]


def error(code: str, message: str) -> Answer:
    """Return a refusal of Route 53's."""
    status = 404 if code.startswith("NoSuch") else 400
    return _route53._error_response(code, message, status)  # type: ignore[no-any-return]


def limit_health_check(identifier: str, names: frozenset[str]) -> None:
    """Let a health check forget all settings but these."""
    record = health_checks().get(identifier)
    if record is not None:
        record["config"] = {k: v for k, v in record["config"].items() if k in names}


def check_record_changes(
    check: Callable[[str, list[Mapping[str, Any]], list[Any]], tuple[str, str] | None],
) -> None:
    """Let Route 53 refuse more changes of records.

    `check` takes the name of the zone, its records and the changes as (action, record), and
    returns the code and the message of a refusal, or None.
    """
    change = _route53._change_resource_record_sets

    def checked(zone_id: str, body: bytes) -> Answer:
        zone, root = _route53._zones.get(zone_id), _route53._parse_body(body)
        if zone is not None and root is not None:
            changes = [
                (
                    _route53._text(each, "Action"),
                    _route53._parse_record_set(_route53._find(each, "ResourceRecordSet")),
                )
                for each in root.iter()
                if each.tag.rpartition("}")[2] == "Change"
            ]
            refused = check(zone["name"], list(_route53._records[zone_id]), changes)
            if refused:
                return _route53._error_response(*refused)  # type: ignore[no-any-return]
        return change(zone_id, body)  # type: ignore[no-any-return]

    _route53._change_resource_record_sets = checked
