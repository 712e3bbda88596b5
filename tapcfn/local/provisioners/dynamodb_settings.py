"""DynamoDB: the settings that one table has in one Region, each with a call of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners import dynamodb_shapes as shapes
from tapcfn.local.provisioners.resource import (
    EMPTY,
    ResourceRefusedError,
    document,
    flag,
    gone_is_fine,
    key_values,
    tag_map,
)


@dataclass(frozen=True, slots=True)
class Regional:
    """A table in one Region, with its settings there as they should be and as they were."""

    table: str
    region: str
    now: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=lambda: EMPTY)

    @property
    def api(self) -> Any:
        """The client of that Region."""
        return calls.client("dynamodb", region=self.region)

    @property
    def arn(self) -> str:
        """The ARN of the table there."""
        return f"arn:aws:dynamodb:{self.region}:{emulator.account_id()}:table/{self.table}"

    def told(self) -> Mapping[str, Any]:
        """Return what DynamoDB says about the table there."""
        found: Mapping[str, Any] = self.api.describe_table(TableName=self.table)["Table"]
        return found

    def update(self, **asked: Any) -> None:
        """Change one thing of the table itself."""
        self.api.update_table(TableName=self.table, **asked)


def apply(place: Regional) -> None:
    """Make every call for what differs from before."""
    for name, setter in SETTERS.items():
        if place.now.get(name) != place.before.get(name):
            setter(place, place.now.get(name))


def _recovery(place: Regional, wanted: Any) -> None:
    asked: dict[str, Any] = {
        "PointInTimeRecoveryEnabled": flag((wanted or {}).get("PointInTimeRecoveryEnabled", False))
    }
    if (wanted or {}).get("RecoveryPeriodInDays"):
        asked["RecoveryPeriodInDays"] = int(wanted["RecoveryPeriodInDays"])
    place.api.update_continuous_backups(
        TableName=place.table, PointInTimeRecoverySpecification=asked
    )


def _expiry(place: Regional, wanted: Any) -> None:
    """Set what makes items expire; another attribute needs it off first, as on AWS."""
    told = place.api.describe_time_to_live(TableName=place.table)["TimeToLiveDescription"]
    was_on, real = told["TimeToLiveStatus"] == "ENABLED", told.get("AttributeName")
    on = flag((wanted or {}).get("Enabled"))
    name = (wanted or {}).get("AttributeName") or real
    if was_on and on and name != real:
        raise ResourceRefusedError(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {real}"
        )
    if was_on != on:
        place.api.update_time_to_live(
            TableName=place.table,
            TimeToLiveSpecification={"Enabled": on, "AttributeName": name},
        )


def _insights(place: Regional, wanted: Any) -> None:
    if (wanted or {}).get("Mode"):
        raise ResourceRefusedError("the local cloud does not model a Mode of Contributor Insights")
    on = flag((wanted or {}).get("Enabled", False))
    place.api.update_contributor_insights(
        TableName=place.table, ContributorInsightsAction="ENABLE" if on else "DISABLE"
    )


def _protection(place: Regional, wanted: Any) -> None:
    place.update(DeletionProtectionEnabled=flag(wanted))


def _class(place: Regional, wanted: Any) -> None:
    place.update(TableClass=wanted or "STANDARD")


def _encryption(place: Regional, wanted: Any) -> None:
    place.update(SSESpecification=shapes.encryption(wanted, place.region))


def _policy(place: Regional, wanted: Any) -> None:
    if wanted:
        policy = document(wanted["PolicyDocument"])
        place.api.put_resource_policy(ResourceArn=place.arn, Policy=policy)
    else:
        with gone_is_fine():
            place.api.delete_resource_policy(ResourceArn=place.arn)


def _tags(place: Regional, wanted: Any) -> None:
    now, before = tag_map(wanted), tag_map(place.before.get("Tags"))
    if gone := sorted(before.keys() - now.keys()):
        place.api.untag_resource(ResourceArn=place.arn, TagKeys=gone)
    if put := {key: value for key, value in now.items() if before.get(key) != value}:
        place.api.tag_resource(ResourceArn=place.arn, Tags=key_values(put))


SETTERS: dict[str, Callable[[Regional, Any], None]] = {
    "SSESpecification": _encryption,
    "TimeToLiveSpecification": _expiry,
    "PointInTimeRecoverySpecification": _recovery,
    "ContributorInsightsSpecification": _insights,
    "TableClass": _class,
    "ResourcePolicy": _policy,
    "Tags": _tags,
    "DeletionProtectionEnabled": _protection,
}


def change_table(place: Regional) -> None:
    """Change billing, stream and indexes of a table, each with a call of its own.

    It starts from the table as it is, so that it also undoes half of an update.
    """
    told = place.told()
    shapes.refuse_retyping(place.now, told)
    changes = shapes.index_change(place.now, told)
    if billing := shapes.billing_change(place.now, told):
        place.update(**billing)
    _change_stream(place, told)
    for change in changes:
        attributes = list(place.now.get("AttributeDefinitions", ()))
        place.update(AttributeDefinitions=attributes, GlobalSecondaryIndexUpdates=[change])


def has_stream(told: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Tell whether a described table has just the stream that a template wants."""
    real = told.get("StreamSpecification") or {"StreamEnabled": False}
    return bool(real == shapes.stream(wanted))


def _change_stream(place: Regional, told: Mapping[str, Any]) -> None:
    """Turn a stream off and on again: what it shows cannot be changed while it is on."""
    if has_stream(told, place.now):
        return
    wanted = shapes.stream(place.now)
    if told.get("StreamSpecification", {}).get("StreamEnabled"):
        place.update(StreamSpecification={"StreamEnabled": False})
    if wanted["StreamEnabled"]:
        place.update(StreamSpecification=wanted)


def attributes_of(told: Mapping[str, Any]) -> dict[str, str]:
    """Return what GetAtt returns of a described table."""
    made = {"Arn": told["TableArn"], "TableId": told["TableId"]}
    if (told.get("StreamSpecification") or {}).get("StreamEnabled"):
        made["StreamArn"] = told["LatestStreamArn"]
    return made
