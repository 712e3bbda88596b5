"""AWS Config: what it refuses and the emulator takes, deletions, and remediations.

Rules are never evaluated and nothing is remediated or delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import table
from tapcfn.local.services.records import Record, Shelf
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.table import Asked

RECORDERS = "_recorders"
CHANNELS = "_delivery_channels"
RULES = "_config_rules"

_remediations = Shelf("config", "remediation")


# Refusals -----------------------------------------------------------------------------------------


def _put_recorder(asked: Asked) -> None:
    name = asked["ConfigurationRecorder"].get("name") or "default"
    if set(emulator.config.store(RECORDERS)) - {name}:
        raise RefusedError(
            "MaxNumberOfConfigurationRecordersExceededException",
            f"Failed to put configuration recorder '{name}' because the maximum number of "
            "configuration recorders: 1 is reached.",
        )


def _put_channel(asked: Asked) -> None:
    channel = asked["DeliveryChannel"]
    name = channel.get("name") or "default"
    if set(emulator.config.store(CHANNELS)) - {name}:
        raise RefusedError(
            "MaxNumberOfDeliveryChannelsExceededException",
            f"Failed to put delivery channel '{name}' because the maximum number of delivery "
            "channels: 1 is reached.",
        )
    if not emulator.config.store(RECORDERS):
        raise RefusedError(
            "NoAvailableConfigurationRecorderException",
            "Configuration recorder is not available to put delivery channel.",
        )
    bucket = channel.get("s3BucketName", "")
    if not emulator.s3.bucket_is_taken(bucket):
        raise RefusedError("NoSuchBucketException", f"Cannot find a S3 bucket with name '{bucket}'")


def _start(_: Asked) -> None:
    if not emulator.config.store(CHANNELS):
        raise RefusedError(
            "NoAvailableDeliveryChannelException",
            "Delivery channel is not available to start configuration recorder.",
        )


def _put_rule(_: Asked) -> None:
    if not emulator.config.store(RECORDERS):
        raise RefusedError(
            "NoAvailableConfigurationRecorderException",
            "Configuration recorder is not available to put config rule.",
        )


def _delete_rule(asked: Asked) -> None:
    name = asked["ConfigRuleName"]
    if _remediations.get(name):
        raise RefusedError(
            "ResourceInUseException",
            f"The rule {name} has a remediation action associated with it. Delete the "
            "remediation action first.",
        )


# Deletions ----------------------------------------------------------------------------------------


def _delete_recorder(asked: Asked) -> Record:
    name = asked["ConfigurationRecorderName"]
    if emulator.config.store(RECORDERS).pop(name, None) is None:
        raise RefusedError(
            "NoSuchConfigurationRecorderException",
            f"Cannot find configuration recorder with the specified name '{name}'.",
        )
    return {}


def _delete_channel(asked: Asked) -> Record:
    name = asked["DeliveryChannelName"]
    if name not in emulator.config.store(CHANNELS):
        raise RefusedError(
            "NoSuchDeliveryChannelException",
            f"Cannot find delivery channel with specified name '{name}'.",
        )
    if any(each["recording"] for each in emulator.config.store(RECORDERS).values()):
        raise RefusedError(
            "LastDeliveryChannelDeleteFailedException",
            f"Failed to delete last specified delivery channel with name '{name}', because there "
            "is a running configuration recorder.",
        )
    del emulator.config.store(CHANNELS)[name]
    return {}


# Remediations -------------------------------------------------------------------------------------


def _put_remediations(asked: Asked) -> Record:
    for wanted in asked["RemediationConfigurations"]:
        name = wanted["ConfigRuleName"]
        if name not in emulator.config.store(RULES):
            raise RefusedError(
                "NoSuchConfigRuleException",
                f"The ConfigRule '{name}' provided in the request is invalid. Please check the "
                "configRule name",
            )
        _check_remediation(wanted)
        _remediations.put(name, dict(wanted))
    return {"FailedBatches": []}


def _check_remediation(wanted: Mapping[str, Any]) -> None:
    """Refuse automatic remediation without what it needs to run by itself."""
    needed = ("MaximumAutomaticAttempts", "RetryAttemptSeconds")
    if wanted.get("Automatic") and not all(wanted.get(name) for name in needed):
        raise RefusedError(
            "InvalidParameterValueException",
            "MaximumAutomaticAttempts and RetryAttemptSeconds are required if Automatic is true.",
        )
    role = (wanted.get("Parameters") or {}).get("AutomationAssumeRole")
    if wanted.get("Automatic") and not role:
        raise RefusedError(
            "InvalidParameterValueException",
            "AutomationAssumeRole parameter is required if Automatic is true.",
        )


def _describe_remediations(asked: Asked) -> Record:
    found = [_remediations.get(name) for name in asked["ConfigRuleNames"]]
    return {"RemediationConfigurations": [each for each in found if each]}


def _delete_remediation(asked: Asked) -> Record:
    name = asked["ConfigRuleName"]
    if not _remediations.get(name):
        raise RefusedError(
            "NoSuchRemediationConfigurationException",
            f"No remediation configuration found for the rule {name}",
        )
    _remediations.remove(name)
    return {}


_ACTIONS: Mapping[str, table.Act] = {
    "DeleteConfigRule": _delete_rule,
    "DeleteConfigurationRecorder": _delete_recorder,
    "DeleteDeliveryChannel": _delete_channel,
    "DeleteRemediationConfiguration": _delete_remediation,
    "DescribeRemediationConfigurations": _describe_remediations,
    "PutConfigRule": _put_rule,
    "PutConfigurationRecorder": _put_recorder,
    "PutDeliveryChannel": _put_channel,
    "PutRemediationConfigurations": _put_remediations,
    "StartConfigurationRecorder": _start,
}

install = partial(table.install, "config", _ACTIONS)
