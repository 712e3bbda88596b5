"""How a template and DynamoDB's API say the same thing of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.resource import ResourceRefusedError, flag

Properties = Mapping[str, Any]

_INDEX = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput", "OnDemandThroughput")


def table(properties: Properties) -> dict[str, Any]:
    """Return what CreateTable takes of the keys, indexes, billing and stream of a table."""
    made: dict[str, Any] = {
        "AttributeDefinitions": list(properties.get("AttributeDefinitions", ())),
        "KeySchema": list(properties["KeySchema"]),
        **billing(properties),
    }
    for name in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if properties.get(name):
            made[name] = [index(each) for each in properties[name]]
    if properties.get("StreamSpecification"):
        made["StreamSpecification"] = stream(properties)
    return made


def billing(properties: Properties) -> dict[str, Any]:
    """Return how a table is paid for; without a word it has a provisioned throughput."""
    made: dict[str, Any] = {"BillingMode": properties.get("BillingMode", "PROVISIONED")}
    for name in ("ProvisionedThroughput", "OnDemandThroughput"):
        if properties.get(name):
            made[name] = numbers(properties[name])
    return made


def numbers(values: Properties) -> dict[str, int]:
    """Read whole numbers, which a template may also write as strings."""
    return {name: int(value) for name, value in values.items()}


def index(wanted: Properties) -> dict[str, Any]:
    """Return one index of a template in the shape of the API."""
    unknown = sorted(wanted.keys() - set(_INDEX))
    if unknown:
        raise ResourceRefusedError(
            f"the local cloud does not model properties of an index: {', '.join(unknown)}"
        )
    made = dict(wanted)
    for name in ("ProvisionedThroughput", "OnDemandThroughput"):
        if name in made:
            made[name] = numbers(made[name])
    return made


def stream(properties: Properties) -> dict[str, Any]:
    """Return the stream that a template wants; none is a stream that is off."""
    wanted = properties.get("StreamSpecification")
    if not wanted:
        return {"StreamEnabled": False}
    if wanted.get("ResourcePolicy"):
        raise ResourceRefusedError("the local cloud does not model a ResourcePolicy of a stream")
    return {"StreamEnabled": True, "StreamViewType": wanted["StreamViewType"]}


def encryption(wanted: Properties | None, region: str) -> dict[str, Any]:
    """Return the encryption at rest; the key must be one of the table's Region."""
    if not wanted or not flag(wanted.get("SSEEnabled")):
        return {"Enabled": False}
    made: dict[str, Any] = {"Enabled": True, "SSEType": wanted.get("SSEType", "KMS")}
    if key := wanted.get("KMSMasterKeyId"):
        found = calls.client("kms", region=region).describe_key(KeyId=key)["KeyMetadata"]
        if not found["Enabled"]:
            raise ResourceRefusedError(f"KMS key is disabled: {key}")
        made["KMSMasterKeyId"] = found["Arn"]
    return made


def index_change(wanted: Properties, told: Properties) -> list[dict[str, Any]]:
    """Return the one index to create or delete, and those whose throughput changes."""
    new = {each["IndexName"]: index(each) for each in wanted.get("GlobalSecondaryIndexes") or ()}
    old = {each["IndexName"]: each for each in told.get("GlobalSecondaryIndexes") or ()}
    made: list[dict[str, Any]] = [
        {"Delete": {"IndexName": name}} for name in sorted(old.keys() - new.keys())
    ]
    made += [{"Create": new[name]} for name in sorted(new.keys() - old.keys())]
    if len(made) > 1:
        raise ResourceRefusedError(
            "Cannot perform more than one GSI creation or deletion in a single update"
        )
    for name in sorted(new.keys() & old.keys()):
        if any(new[name].get(part) != old[name].get(part) for part in ("KeySchema", "Projection")):
            raise ResourceRefusedError(
                "Cannot update GSI's properties other than Provisioned Throughput and Contributor "
                "Insights Specification. You can create a new GSI with a different name."
            )
        throughput = new[name].get("ProvisionedThroughput")
        if throughput and _differs(throughput, old[name]):
            change = {"IndexName": name, "ProvisionedThroughput": throughput}
            made.append({"Update": change})
    return made


def billing_change(wanted: Properties, told: Properties) -> dict[str, Any]:
    """Return what of the billing is not as the template wants it."""
    made = billing(wanted)
    mode = (told.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED")
    if made["BillingMode"] == mode:
        del made["BillingMode"]
    throughput = made.get("ProvisionedThroughput")
    if throughput and not _differs(throughput, told):
        del made["ProvisionedThroughput"]
    return made


def _differs(throughput: Properties, told: Properties) -> bool:
    real = told.get("ProvisionedThroughput") or {}
    return any(real.get(name) != value for name, value in throughput.items())


def refuse_retyping(wanted: Properties, told: Properties) -> None:
    """Refuse another type for an attribute that stays: no call of the service can change it."""
    types = {each["AttributeName"]: each["AttributeType"] for each in told["AttributeDefinitions"]}
    for each in wanted.get("AttributeDefinitions") or ():
        if types.get(each["AttributeName"], each["AttributeType"]) != each["AttributeType"]:
            raise ResourceRefusedError(
                f"The type of attribute {each['AttributeName']} cannot be changed", "NotUpdatable"
            )
