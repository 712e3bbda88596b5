"""Route 53: hosted zones, and records one by one or as a group in one batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.fitting import fitted, refuse_other
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    gone_is_fine,
    key_values,
    picked,
    tag_changes,
)

SERVICE = "route53"
Record = dict[str, Any]


def client() -> Any:
    """Return Route 53, which is one for all Regions."""
    return calls.client(SERVICE)


# Hosted zone --------------------------------------------------------------------------------------

_ZONE = frozenset({"Name", "HostedZoneConfig", "HostedZoneTags", "VPCs"})


def _create_zone(wanted: Wanted) -> Made:
    refuse_other(wanted.type, wanted.properties, _ZONE)
    networks = _networks(wanted.properties)
    made = client().create_hosted_zone(
        Name=wanted["Name"],
        CallerReference=emulator.new_id(),
        HostedZoneConfig={"Comment": _comment(wanted), "PrivateZone": bool(networks)},
        **({"VPC": networks[0]} if networks else {}),
    )
    identifier = _bare(made["HostedZone"]["Id"])
    for network in networks[1:]:
        client().associate_vpc_with_hosted_zone(HostedZoneId=identifier, VPC=network)
    tag("hostedzone", identifier, wanted, "HostedZoneTags")
    return _zone(identifier)


def _update_zone(wanted: Wanted) -> Made:
    refuse_other(wanted.type, wanted.properties, _ZONE)
    identifier = wanted.physical_id
    if wanted.changed("HostedZoneConfig"):
        client().update_hosted_zone_comment(Id=identifier, Comment=_comment(wanted))
    now, before = _networks(wanted.properties), _networks(wanted.before)
    if bool(now) != bool(before):
        raise ResourceRefusedError("A public hosted zone does not become private, nor back.")
    for network in (each for each in now if each not in before):
        client().associate_vpc_with_hosted_zone(HostedZoneId=identifier, VPC=network)
    for network in (each for each in before if each not in now):
        client().disassociate_vpc_from_hosted_zone(HostedZoneId=identifier, VPC=network)
    tag("hostedzone", identifier, wanted, "HostedZoneTags")
    return _zone(identifier)


def _comment(wanted: Wanted) -> str:
    return str((wanted.get("HostedZoneConfig") or {}).get("Comment", ""))


def _networks(properties: Mapping[str, Any]) -> list[dict[str, str]]:
    return [picked(each, "VPCId", "VPCRegion") for each in properties.get("VPCs") or ()]


def _zone(identifier: str) -> Made:
    """Name servers are a public zone's; AWS gives them to GetAtt without the dot at the end."""
    servers = (
        client().get_hosted_zone(Id=identifier).get("DelegationSet", {}).get("NameServers", [])
    )
    names = [name.removesuffix(".") for name in servers]
    return Made(identifier, {"Id": identifier, **({"NameServers": names} if names else {})})


def _delete_zone(wanted: Wanted) -> None:
    """Delete an empty zone; one with records of its own is refused."""
    with gone_is_fine():
        client().delete_hosted_zone(Id=wanted.physical_id)


def _bare(identifier: str) -> str:
    return identifier.rpartition("/")[2]


def tag(kind: str, identifier: str, wanted: Wanted, prop: str) -> None:
    """Set and remove the tags of a zone or health check, which its type keeps under `prop`."""
    tagged = Wanted(
        *(wanted.type, wanted.logical_id, wanted.stack),
        {"Tags": wanted.get(prop)},
        {"Tags": wanted.before.get(prop)},
    )
    new, gone = tag_changes(tagged)
    asked = {"AddTags": key_values(new), "RemoveTagKeys": gone}
    if any(asked.values()):
        client().change_tags_for_resource(
            ResourceType=kind,
            ResourceId=identifier,
            **{name: value for name, value in asked.items() if value},
        )


# Records ------------------------------------------------------------------------------------------


def _create_record(wanted: Wanted) -> Made:
    _change(wanted, {}, _named([wanted.properties]))
    return Made(str(wanted["Name"]))


def _update_record(wanted: Wanted) -> Made:
    """Put the record in the place of the old one; another name is another record."""
    if wanted.changed("Name"):
        return _create_record(wanted)
    _change(wanted, _named([wanted.before]), _named([wanted.properties]))
    return Made(wanted.physical_id)


def _delete_record(wanted: Wanted) -> None:
    _remove(wanted, [wanted.properties])


def _create_group(wanted: Wanted) -> Made:
    _change(wanted, {}, _named(wanted.get("RecordSets") or ()))
    name = wanted.name("Id")
    return Made(name, {"Id": name})


def _update_group(wanted: Wanted) -> Made:
    before, now = wanted.before.get("RecordSets") or (), wanted.get("RecordSets") or ()
    _change(wanted, _named(before), _named(now))
    return Made(wanted.physical_id, {"Id": wanted.physical_id})


def _delete_group(wanted: Wanted) -> None:
    _remove(wanted, wanted.get("RecordSets") or ())


def _change(wanted: Wanted, before: Mapping[Any, Record], now: Mapping[Any, Record]) -> None:
    """Turn the records of before into those of now, all in one batch.

    A new record must not be there yet; one that only changes is put in the place of the old one.
    """
    gone = [("DELETE", before[key]) for key in before if key not in now]
    put = [
        ("UPSERT" if key in before else "CREATE", now[key])
        for key in now
        if now[key] != before.get(key)
    ]
    _send(wanted, [*gone, *put])


def _remove(wanted: Wanted, records: Iterable[Mapping[str, Any]]) -> None:
    """Delete those of the records that are still there, as they are there."""
    with gone_is_fine():
        zone, wants = _zone_of(wanted), _named(records)
        pages = client().get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        there = [record for page in pages for record in page["ResourceRecordSets"]]
        _send(wanted, [("DELETE", record) for record in there if _key(record) in wants])


def _send(wanted: Wanted, changes: list[tuple[str, Record]]) -> None:
    if not changes:
        return
    batch = [{"Action": action, "ResourceRecordSet": record} for action, record in changes]
    client().change_resource_record_sets(
        HostedZoneId=_zone_of(wanted),
        ChangeBatch={"Changes": batch, **picked(wanted.properties, "Comment")},
    )


def _named(records: Iterable[Mapping[str, Any]]) -> dict[Any, Record]:
    made = [_record(record) for record in records]
    return {_key(record): record for record in made}


def _key(record: Mapping[str, Any]) -> tuple[str, str, str]:
    return record["Name"], record["Type"], record.get("SetIdentifier", "")


def _record(said: Mapping[str, Any]) -> Record:
    """Return a record as the API takes it; its zone and the comment go elsewhere."""
    if "GeoProximityLocation" in said:
        raise ResourceRefusedError("the local cloud does not model GeoProximityLocation of records")
    own = {k: v for k, v in said.items() if k not in ("HostedZoneId", "HostedZoneName", "Comment")}
    own["ResourceRecords"] = [{"Value": value} for value in own.get("ResourceRecords") or ()]
    if not own["ResourceRecords"]:
        del own["ResourceRecords"]
    if "AliasTarget" in own:
        own["AliasTarget"] = {"EvaluateTargetHealth": False} | own["AliasTarget"]
    record: Record = fitted(SERVICE, "ResourceRecordSet", own)
    return record | {"Name": _dotted(record["Name"])}


def _dotted(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


def _zone_of(wanted: Wanted) -> str:
    """Return the id of the zone that the template gives by its id or by its name."""
    if identifier := wanted.get("HostedZoneId"):
        return _bare(str(identifier))
    name = _dotted(str(wanted.get("HostedZoneName", "")))
    pages = client().get_paginator("list_hosted_zones").paginate()
    found = [zone for page in pages for zone in page["HostedZones"] if zone["Name"] == name]
    if len(found) != 1:
        told = "No hosted zones" if not found else "More than one hosted zone"
        raise ResourceRefusedError(f"{told} named {name} found", "NotFound")
    return _bare(found[0]["Id"])


PROVISIONERS = (
    Provisioner(
        "AWS::Route53::HostedZone",
        create=_create_zone,
        update=_update_zone,
        delete=_delete_zone,
        create_only=("Name", "DelegationSetId"),
    ),
    Provisioner(
        "AWS::Route53::RecordSet",
        create=_create_record,
        update=_update_record,
        delete=_delete_record,
        create_only=("HostedZoneId", "HostedZoneName"),
        conditional=("Name",),
    ),
    Provisioner(
        "AWS::Route53::RecordSetGroup",
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
        create_only=("HostedZoneId", "HostedZoneName"),
    ),
)
