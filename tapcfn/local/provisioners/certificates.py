"""Certificate Manager: certificates, issued at once.

With a hosted zone in its validation options CloudFormation writes the record that proves the
domain; without one the stack on AWS waits until somebody else has. Nobody waits here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.fitting import refuse_other
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    as_list,
    gone_is_fine,
    key_values,
    picked,
    tag_changes,
    tag_map,
)
from tapcfn.local.services import certificates

CERTIFICATE = "AWS::CertificateManager::Certificate"
_KNOWN = frozenset(
    {
        *("CertificateTransparencyLoggingPreference", "DomainName", "DomainValidationOptions"),
        *("KeyAlgorithm", "SubjectAlternativeNames", "Tags", "ValidationMethod"),
    }
)
_ALGORITHM = "RSA_2048"
_VALIDATION_TTL = 300


def _acm() -> Any:
    return calls.client("acm")


def _create(wanted: Wanted) -> Made:
    _check(wanted)
    zones = _zones(wanted)
    asked = picked(wanted.properties, "DomainName", "SubjectAlternativeNames", "ValidationMethod")
    arn = _acm().request_certificate(**asked)["CertificateArn"]
    try:
        _prove(arn, zones)
        calls.on_loop(certificates.issue, arn)
        _set_logging(arn, wanted)
        _retag(arn, wanted)
    except Exception:
        _acm().delete_certificate(CertificateArn=arn)
        raise
    return Made(arn, {"CertificateArn": arn})


def _update(wanted: Wanted) -> Made:
    _check(wanted)
    arn = wanted.physical_id
    _set_logging(arn, wanted)
    _retag(arn, wanted)
    return Made(arn, {"CertificateArn": arn})


def _check(wanted: Wanted) -> None:
    refuse_other(CERTIFICATE, wanted.properties, _KNOWN)
    if wanted.get("KeyAlgorithm", _ALGORITHM) != _ALGORITHM:
        raise ResourceRefusedError(f"the local cloud issues {_ALGORITHM} certificates only")
    if wanted.before and wanted.changed("ValidationMethod"):
        raise ResourceRefusedError("the local cloud changes no ValidationMethod of a certificate")


# Validation ---------------------------------------------------------------------------------------


def _zones(wanted: Wanted) -> dict[str, str]:
    """Return the hosted zone of each domain that has one; a zone must be there and be its own."""
    options = as_list(wanted.get("DomainValidationOptions"))
    made = {
        str(each["DomainName"]): str(each["HostedZoneId"])
        for each in options
        if each.get("HostedZoneId")
    }
    for domain, zone in made.items():
        name = calls.client("route53").get_hosted_zone(Id=zone)["HostedZone"]["Name"].rstrip(".")
        if not f".{domain}".endswith(f".{name}"):
            raise ResourceRefusedError(f"HostedZone {zone} ({name}) does not hold {domain}")
    return made


def _prove(arn: str, zones: Mapping[str, str]) -> None:
    """Write the record that proves each domain into its zone, where it stays, as on AWS."""
    told = _acm().describe_certificate(CertificateArn=arn)["Certificate"]
    for option in told["DomainValidationOptions"]:
        zone = zones.get(option["DomainName"])
        if zone:
            change = {"Action": "UPSERT", "ResourceRecordSet": _record_set(option)}
            calls.client("route53").change_resource_record_sets(
                HostedZoneId=zone, ChangeBatch={"Changes": [change]}
            )


def _record_set(option: Mapping[str, Any]) -> dict[str, Any]:
    record = option["ResourceRecord"]
    return {
        "Name": record["Name"],
        "Type": record["Type"],
        "TTL": _VALIDATION_TTL,
        "ResourceRecords": [{"Value": record["Value"]}],
    }


# Options and tags ---------------------------------------------------------------------------------


def _set_logging(arn: str, wanted: Wanted) -> None:
    prop = "CertificateTransparencyLoggingPreference"
    if wanted.changed(prop):
        _acm().update_certificate_options(
            CertificateArn=arn, Options={prop: wanted.get(prop, "ENABLED")}
        )


def _retag(arn: str, wanted: Wanted) -> None:
    added, removed = tag_changes(wanted)
    if removed:
        before = tag_map(wanted.before.get("Tags"))
        tags = key_values({key: before[key] for key in removed})
        _acm().remove_tags_from_certificate(CertificateArn=arn, Tags=tags)
    if added:
        _acm().add_tags_to_certificate(CertificateArn=arn, Tags=key_values(added))


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        _acm().delete_certificate(CertificateArn=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        CERTIFICATE,
        create=_create,
        update=_update,
        delete=_delete,
        create_only=(
            *("CertificateAuthorityArn", "CertificateExport", "DomainName"),
            *("DomainValidationOptions", "KeyAlgorithm", "SubjectAlternativeNames"),
        ),
        tags="Tags",
    ),
)
