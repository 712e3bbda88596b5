"""Lambda: permissions, published versions and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.fitting import fitted, refuse_other
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    already_exists,
    gone_is_fine,
    picked,
)

PERMISSION = "AWS::Lambda::Permission"
VERSION = "AWS::Lambda::Version"
ALIAS = "AWS::Lambda::Alias"


def _api() -> Any:
    return calls.client("lambda")


# Permission ---------------------------------------------------------------------------------------

_ALL_OF_PERMISSION = (
    *("Action", "EventSourceToken", "FunctionName", "FunctionUrlAuthType"),
    *("InvokedViaFunctionUrl", "Principal", "PrincipalOrgID", "SourceAccount", "SourceArn"),
)


def _create_permission(wanted: Wanted) -> Made:
    statement = emulator.handlers.fresh_name(wanted.stack, wanted.logical_id, max_len=100)
    asked = fitted("lambda", "AddPermissionRequest", wanted.properties)
    _api().add_permission(StatementId=statement, **asked)
    return Made(statement, {"Id": statement})


def _delete_permission(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().remove_permission(
            FunctionName=wanted["FunctionName"], StatementId=wanted.physical_id
        )


# Version ------------------------------------------------------------------------------------------

_VERSION_PROPERTIES = frozenset(
    {"CodeSha256", "Description", "FunctionName", "ProvisionedConcurrencyConfig"}
)


def _create_version(wanted: Wanted) -> Made:
    """Publish what the function is now; Lambda publishes nothing if nothing has changed."""
    refuse_other(VERSION, wanted.properties, _VERSION_PROPERTIES)
    function = wanted["FunctionName"]
    before = _published(function)
    asked = picked(wanted.properties, "FunctionName", "Description", "CodeSha256")
    made = _api().publish_version(**asked)
    if made["Version"] in before:
        raise ResourceRefusedError(
            f"A version for this Lambda function exists ( {made['Version']} ). "
            "Modify the function to create a new version.",
            "AlreadyExists",
        )
    _provision(function, made["Version"], wanted)
    arn = made["FunctionArn"]
    return Made(arn, {"FunctionArn": arn, "Version": made["Version"]})


def _published(function: str) -> set[str]:
    pages = _api().get_paginator("list_versions_by_function").paginate(FunctionName=function)
    return {each["Version"] for page in pages for each in page["Versions"]}


def _delete_version(wanted: Wanted) -> None:
    """Delete the version; an alias that points at it forbids that, as on AWS."""
    function, _, number = wanted.physical_id.rpartition(":")
    with gone_is_fine():
        aliases = _api().list_aliases(FunctionName=function, FunctionVersion=number)["Aliases"]
        if aliases:
            names = ", ".join(each["Name"] for each in aliases)
            raise ResourceRefusedError(
                f"Function version {number} is referenced by aliases: [{names}]",
                "ResourceConflict",
            )
        _api().delete_function(FunctionName=function, Qualifier=number)


# Alias --------------------------------------------------------------------------------------------


def _create_alias(wanted: Wanted) -> Made:
    function, name = wanted["FunctionName"], wanted["Name"]
    with gone_is_fine():
        _api().get_alias(FunctionName=function, Name=name)
        raise already_exists(ALIAS, name)
    arn = _api().create_alias(FunctionName=function, Name=name, **_pointing(wanted))["AliasArn"]
    _provision(function, name, wanted)
    return Made(arn, {"AliasArn": arn})


def _update_alias(wanted: Wanted) -> Made:
    function, name = wanted["FunctionName"], wanted["Name"]
    _api().update_alias(FunctionName=function, Name=name, **_pointing(wanted))
    _provision(function, name, wanted)
    return Made(wanted.physical_id, {"AliasArn": wanted.physical_id})


def _pointing(wanted: Wanted) -> dict[str, Any]:
    routing = wanted.get("RoutingConfig") or {}
    return {
        "FunctionVersion": str(wanted["FunctionVersion"]),
        "Description": wanted.get("Description", ""),
        "RoutingConfig": {"AdditionalVersionWeights": _weights(routing)},
    }


def _weights(routing: Mapping[str, Any]) -> dict[str, float]:
    listed = routing.get("AdditionalVersionWeights") or ()
    return {str(each["FunctionVersion"]): float(each["FunctionWeight"]) for each in listed}


def _delete_alias(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_alias(FunctionName=wanted["FunctionName"], Name=wanted["Name"])


def _provision(function: str, qualifier: str, wanted: Wanted) -> None:
    """Set or take away the provisioned concurrency of a version or an alias."""
    if not wanted.changed("ProvisionedConcurrencyConfig"):
        return
    where = {"FunctionName": function, "Qualifier": qualifier}
    config = wanted.get("ProvisionedConcurrencyConfig")
    if config:
        number = int(config["ProvisionedConcurrentExecutions"])
        _api().put_provisioned_concurrency_config(**where, ProvisionedConcurrentExecutions=number)
    else:
        _api().delete_provisioned_concurrency_config(**where)


PROVISIONERS = (
    Provisioner(
        PERMISSION,
        create=_create_permission,
        delete=_delete_permission,
        create_only=_ALL_OF_PERMISSION,
    ),
    Provisioner(
        VERSION,
        create=_create_version,
        delete=_delete_version,
        create_only=(*sorted(_VERSION_PROPERTIES), "RuntimePolicy"),
    ),
    Provisioner(
        ALIAS,
        create=_create_alias,
        update=_update_alias,
        delete=_delete_alias,
        create_only=("FunctionName", "Name"),
    ),
)
