"""Shield Advanced: protections of a resource, through its API in us-east-1."""

from __future__ import annotations

from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.fitting import refuse_other
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    Wanted,
    gone_is_fine,
    key_values,
    tag_changes,
    tag_map,
)

_PROTECTION = "AWS::Shield::Protection"
_KNOWN = frozenset(
    {
        *("Name", "ResourceArn", "HealthCheckArns", "Tags"),
        "ApplicationLayerAutomaticResponseConfiguration",
    }
)


def _api() -> Any:
    return calls.client("shield", region="us-east-1")


def _create(wanted: Wanted) -> Made:
    refuse_other(_PROTECTION, wanted.properties, _KNOWN)
    identifier = _api().create_protection(
        Name=wanted["Name"],
        ResourceArn=wanted["ResourceArn"],
        Tags=key_values(tag_map(wanted.get("Tags"))),
    )["ProtectionId"]
    arn = f"arn:aws:shield::{emulator.account_id()}:protection/{identifier}"
    _configure(identifier, wanted)
    return _made(arn)


def _update(wanted: Wanted) -> Made:
    refuse_other(_PROTECTION, wanted.properties, _KNOWN)
    arn = wanted.physical_id
    _configure(_id(arn), wanted)
    new, gone = tag_changes(wanted)
    if new:
        _api().tag_resource(ResourceARN=arn, Tags=key_values(new))
    if gone:
        _api().untag_resource(ResourceARN=arn, TagKeys=gone)
    return _made(arn)


def _configure(identifier: str, wanted: Wanted) -> None:
    """Set health checks and automatic response as the template has them."""
    now = set(wanted.get("HealthCheckArns") or ())
    before = set(wanted.before.get("HealthCheckArns") or ())
    for check in sorted(before - now):
        _api().disassociate_health_check(ProtectionId=identifier, HealthCheckArn=check)
    for check in sorted(now - before):
        _api().associate_health_check(ProtectionId=identifier, HealthCheckArn=check)
    if wanted.changed("ApplicationLayerAutomaticResponseConfiguration"):
        _respond(wanted)


def _respond(wanted: Wanted) -> None:
    response = wanted.get("ApplicationLayerAutomaticResponseConfiguration") or {}
    arn = wanted["ResourceArn"]
    if response.get("Status") == "ENABLED":
        action = response["Action"]
        _api().enable_application_layer_automatic_response(ResourceArn=arn, Action=action)
    else:
        _api().disable_application_layer_automatic_response(ResourceArn=arn)


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_protection(ProtectionId=_id(wanted.physical_id))


def _id(arn: str) -> str:
    return arn.rpartition("/")[2]


def _made(arn: str) -> Made:
    return Made(arn, {"ProtectionArn": arn, "ProtectionId": _id(arn)})


PROVISIONERS = (
    Provisioner(
        _PROTECTION,
        create=_create,
        update=_update,
        delete=_delete,
        create_only=("Name", "ResourceArn"),
        tags="Tags",
    ),
)
