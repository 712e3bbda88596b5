"""DynamoDB: tables of one Region, and, next door, tables of many."""

from __future__ import annotations

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners import dynamodb_global
from tapcfn.local.provisioners import dynamodb_settings as settings
from tapcfn.local.provisioners import dynamodb_shapes as shapes
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    gone_is_fine,
)

TABLE = "AWS::DynamoDB::Table"

_MODELLED = frozenset(
    {"AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "TableName"}
    | {"LocalSecondaryIndexes", "OnDemandThroughput", "ProvisionedThroughput"}
    | {"StreamSpecification"}
    | settings.SETTERS.keys()
)


def _create(wanted: Wanted) -> Made:
    _refuse_unknown(wanted)
    name = wanted.name("TableName", longest=255)
    api = calls.client("dynamodb")
    api.create_table(TableName=name, **shapes.table(wanted.properties))
    try:
        settings.apply(settings.Regional(name, emulator.region(), wanted.properties))
    except Exception:
        api.delete_table(TableName=name)
        raise
    return _made(name)


def _update(wanted: Wanted) -> Made:
    _refuse_unknown(wanted)
    name = wanted.physical_id
    place = settings.Regional(name, emulator.region(), wanted.properties, wanted.before)
    settings.change_table(place)
    settings.apply(place)
    return _made(name)


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        calls.client("dynamodb").delete_table(TableName=wanted.physical_id)


def _refuse_unknown(wanted: Wanted) -> None:
    unknown = sorted(wanted.properties.keys() - _MODELLED)
    if unknown:
        raise ResourceRefusedError(
            f"the local cloud does not model {TABLE} properties: {', '.join(unknown)}"
        )


def _made(name: str) -> Made:
    told = calls.client("dynamodb").describe_table(TableName=name)["Table"]
    return Made(name, settings.attributes_of(told))


PROVISIONERS = (
    Provisioner(
        TABLE,
        create=_create,
        update=_update,
        delete=_delete,
        create_only=(
            *("ImportSourceSpecification", "KeySchema", "LocalSecondaryIndexes", "TableName"),
        ),
        tags="Tags",
    ),
    *dynamodb_global.PROVISIONERS,
)
