"""Shield Advanced: protections, which protect nothing.

The account is taken as subscribed. A fault on DescribeSubscription, or on the resource, says
otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tapcfn.local import emulator
from tapcfn.local.services import table
from tapcfn.local.services.records import Record, Shelf
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.table import Asked

_protections = Shelf("shield", "protection")
_YEAR = 365 * 24 * 3600
_START = 1767225600  # 2026-01-01, so that a subscription looks the same every day


def _create(asked: Asked) -> Record:
    arn = asked["ResourceArn"]
    if any(each["ResourceArn"] == arn for each in _protections.everything()):
        message = "The referenced protection already exists."
        raise RefusedError("ResourceAlreadyExistsException", message)
    identifier = emulator.new_id()
    _protections.put(
        identifier,
        {
            "Id": identifier,
            "Name": asked["Name"],
            "ResourceArn": arn,
            "HealthCheckIds": [],
            "ProtectionArn": f"arn:aws:shield::{emulator.account_id()}:protection/{identifier}",
            "Tags": list(asked.get("Tags") or ()),
        },
    )
    return {"ProtectionId": identifier}


def _find(asked: Asked) -> Record:
    """Return the protection of an id, an ARN of its own or the ARN of what it protects."""
    keys = {"ProtectionId": "Id", "ResourceArn": "ResourceArn", "ResourceARN": "ProtectionArn"}
    for name, key in keys.items():
        for record in _protections.everything():
            if name in asked and record[key] == asked[name]:
                return record
    raise RefusedError("ResourceNotFoundException", "The referenced protection does not exist.")


def _shown(record: Record) -> Record:
    return {name: value for name, value in record.items() if name != "Tags"}


def _delete(asked: Asked) -> Record:
    _protections.remove(_find(asked)["Id"])
    return {}


def _list(asked: Asked) -> Record:
    wanted = asked.get("InclusionFilters") or {}
    arns, names = wanted.get("ResourceArns"), wanted.get("ProtectionNames")
    found = [
        _shown(each)
        for each in _protections.everything()
        if (not arns or each["ResourceArn"] in arns) and (not names or each["Name"] in names)
    ]
    return table.page("Protections", found, asked)


def _associate(asked: Asked) -> Record:
    checks, check = _find(asked)["HealthCheckIds"], _health_check(asked)
    if check not in checks:
        checks.append(check)
    return {}


def _disassociate(asked: Asked) -> Record:
    record = _find(asked)
    record["HealthCheckIds"] = [
        each for each in record["HealthCheckIds"] if each != _health_check(asked)
    ]
    return {}


def _health_check(asked: Asked) -> str:
    return str(asked["HealthCheckArn"]).rpartition("/")[2]


def _respond(asked: Asked) -> Record:
    _find(asked)["ApplicationLayerAutomaticResponseConfiguration"] = {
        "Status": "ENABLED",
        "Action": asked["Action"],
    }
    return {}


def _stop_responding(asked: Asked) -> Record:
    _find(asked).pop("ApplicationLayerAutomaticResponseConfiguration", None)
    return {}


def _subscription(_: Asked) -> Record:
    return {
        "Subscription": {
            "StartTime": _START,
            "EndTime": _START + _YEAR,
            "TimeCommitmentInSeconds": _YEAR,
            "AutoRenew": "ENABLED",
            "SubscriptionArn": f"arn:aws:shield::{emulator.account_id()}:subscription",
            "SubscriptionLimits": {
                "ProtectionLimits": {"ProtectedResourceTypeLimits": []},
                "ProtectionGroupLimits": {
                    "MaxProtectionGroups": 100,
                    "PatternTypeLimits": {"ArbitraryPatternLimits": {"MaxMembers": 10000}},
                },
            },
        }
    }


def _retag(asked: Asked) -> Record:
    record = _find(asked)
    record["Tags"] = table.retagged(record["Tags"], asked)
    return {}


_ACTIONS: Mapping[str, table.Act] = {
    "CreateProtection": _create,
    "DescribeProtection": lambda asked: {"Protection": _shown(_find(asked))},
    "DeleteProtection": _delete,
    "ListProtections": _list,
    "AssociateHealthCheck": _associate,
    "DisassociateHealthCheck": _disassociate,
    "EnableApplicationLayerAutomaticResponse": _respond,
    "UpdateApplicationLayerAutomaticResponse": _respond,
    "DisableApplicationLayerAutomaticResponse": _stop_responding,
    "DescribeSubscription": _subscription,
    "GetSubscriptionState": lambda _: {"SubscriptionState": "ACTIVE"},
    "TagResource": _retag,
    "UntagResource": _retag,
    "ListTagsForResource": lambda asked: {"Tags": _find(asked)["Tags"]},
}

install = partial(table.add, "shield", "AWSShield_", _ACTIONS)
