"""AWS Config: the recorder and its delivery channel, rules and remediations.

On AWS each of recorder and channel waits for the other: the recorder is complete when it records,
for which it needs a channel, and a channel needs a recorder. Resources are made one after another
here, so the first of the two is made for the second to come, and the second starts the recording.
Where the one depends on the other, they can only wait in vain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tapcfn.local import calls, emulator, references
from tapcfn.local.provisioners.fitting import fitted, refuse_other, renamed
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    already_exists,
    flag,
    gone_is_fine,
)
from tapcfn.local.services.recorders import CHANNELS, RECORDERS

RECORDER = "AWS::Config::ConfigurationRecorder"
CHANNEL = "AWS::Config::DeliveryChannel"
RULE = "AWS::Config::ConfigRule"
REMEDIATION = "AWS::Config::RemediationConfiguration"


def _config() -> Any:
    return calls.client("config")


def _no(message: str) -> ResourceRefusedError:
    return ResourceRefusedError(
        f"{message} (Service: Config, Status Code: 400, Request ID: {emulator.new_id()})"
    )


# The stack around a resource ----------------------------------------------------------------------


def _comes_too(wanted: Wanted, resource_type: str) -> bool:
    """Tell whether the same stack makes such a resource by itself, without waiting for this one."""
    resources = _resources(wanted.stack)
    mine = resources.get(wanted.logical_id, {})
    return any(
        body.get("Type") == resource_type
        and wanted.logical_id not in _needs(body)
        and logical_id not in _needs(mine)
        for logical_id, body in resources.items()
    )


def _resources(stack: str) -> Mapping[str, Any]:
    """Return the resources of the template that is being deployed, as far as its conditions go."""
    record = emulator.engine.stacks()[stack]
    template = emulator.engine.parse_template(record["_template_body"])
    holds = emulator.engine.holding(template, record["_resolved_params"])
    found = template.get("Resources", {}).items()
    return {name: body for name, body in found if holds.get(body.get("Condition", ""), True)}


def _needs(body: Mapping[str, Any]) -> set[str]:
    named = {name for name, _ in references.references(body.get("Properties") or {})}
    return named | set(references.depends_on(body))


# Recorder -----------------------------------------------------------------------------------------

_RECORDER_PROPERTIES = frozenset(
    {"Name", "RecordingGroup", "RecordingMode", "RoleARN", "StartedOnCreate"}
)


def _create_recorder(wanted: Wanted) -> Made:
    refuse_other(RECORDER, wanted.properties, _RECORDER_PROPERTIES)
    name = wanted.name("Name", longest=256)
    if name in emulator.config.store(RECORDERS):
        raise already_exists(RECORDER, name)
    has_channel = bool(emulator.config.store(CHANNELS))
    if not has_channel and not _comes_too(wanted, CHANNEL):
        raise _no("Delivery channel is not available to start configuration recorder.")
    _put_recorder(name, wanted)
    starts = flag(wanted.get("StartedOnCreate", True))
    if starts and has_channel:
        _config().start_configuration_recorder(ConfigurationRecorderName=name)
    return _recorder(name)


def _update_recorder(wanted: Wanted) -> Made:
    refuse_other(RECORDER, wanted.properties, _RECORDER_PROPERTIES)
    _put_recorder(wanted.physical_id, wanted)
    return _recorder(wanted.physical_id)


def _put_recorder(name: str, wanted: Wanted) -> None:
    names = {key: key for key in ("RecordingGroup", "RecordingMode", "RoleARN")}
    given = fitted("config", "ConfigurationRecorder", renamed(wanted.properties, names))
    _config().put_configuration_recorder(ConfigurationRecorder={"name": name, **given})


def _recorder(name: str) -> Made:
    place = f"{emulator.region()}:{emulator.account_id()}"
    return Made(name, {"ResourceARN": f"arn:aws:config:{place}:configuration-recorder/{name}"})


def _delete_recorder(wanted: Wanted) -> None:
    with gone_is_fine():
        _config().delete_configuration_recorder(ConfigurationRecorderName=wanted.physical_id)


# Delivery channel ---------------------------------------------------------------------------------


def _create_channel(wanted: Wanted) -> Made:
    name, channel = wanted.name("Name", longest=256), _channel(wanted)
    if name in emulator.config.store(CHANNELS):
        raise already_exists(CHANNEL, name)
    if emulator.config.store(RECORDERS) or not _comes_too(wanted, RECORDER):
        _config().put_delivery_channel(DeliveryChannel={"name": name, **channel})
        _start_own_recorders(wanted)
    else:
        _await_recorder(name, channel)
    return Made(name)


def _await_recorder(name: str, channel: Mapping[str, Any]) -> None:
    """Keep the channel for the recorder of the same stack, which the service does not have yet."""
    calls.client("s3").head_bucket(Bucket=channel["s3BucketName"])
    calls.on_loop(emulator.config.store(CHANNELS).update, {name: {"name": name, **channel}})


def _start_own_recorders(wanted: Wanted) -> None:
    """Start the recorder that the same stack has made before, for which the channel was missing."""
    for body in _resources(wanted.stack).values():
        properties = body.get("Properties") or {}
        if body.get("Type") == RECORDER and flag(properties.get("StartedOnCreate", True)):
            for name, record in list(emulator.config.store(RECORDERS).items()):
                if not record["recording"]:
                    _config().start_configuration_recorder(ConfigurationRecorderName=name)


def _update_channel(wanted: Wanted) -> Made:
    name = wanted.physical_id
    _config().put_delivery_channel(DeliveryChannel={"name": name, **_channel(wanted)})
    return Made(name)


def _channel(wanted: Wanted) -> dict[str, Any]:
    properties = {key: value for key, value in wanted.properties.items() if key != "Name"}
    return fitted("config", "DeliveryChannel", properties)


def _delete_channel(wanted: Wanted) -> None:
    """Delete the channel; a recorder that goes with it is stopped first, another one forbids it."""
    name = wanted.physical_id
    for recorder in _recorders_going_with(name):
        with gone_is_fine():
            _config().stop_configuration_recorder(ConfigurationRecorderName=recorder)
    with gone_is_fine():
        _config().delete_delivery_channel(DeliveryChannelName=name)


def _recorders_going_with(channel: str) -> Iterator[str]:
    """Yield the recorders of the stack that is on the move and has this channel."""
    for stack in list(emulator.engine.stacks().values()):
        made = list(stack.get("_resources", {}).values())
        has_it = any(
            each.get("ResourceType") == CHANNEL and each.get("PhysicalResourceId") == channel
            for each in made
        )
        if has_it and stack["StackStatus"].endswith("_IN_PROGRESS"):
            for each in made:
                if each.get("ResourceType") == RECORDER:
                    yield str(each["PhysicalResourceId"])


# Rule ---------------------------------------------------------------------------------------------

_RULE_NAMES = {
    key: key
    for key in (
        *("Description", "EvaluationModes", "InputParameters"),
        *("MaximumExecutionFrequency", "Scope", "Source"),
    )
}


def _create_rule(wanted: Wanted) -> Made:
    name = wanted.name("ConfigRuleName")
    with gone_is_fine():
        _config().describe_config_rules(ConfigRuleNames=[name])
        raise already_exists(RULE, name)
    return _put_rule(name, wanted)


def _update_rule(wanted: Wanted) -> Made:
    return _put_rule(wanted.physical_id, wanted)


def _put_rule(name: str, wanted: Wanted) -> Made:
    refuse_other(RULE, wanted.properties, frozenset({*_RULE_NAMES, "ConfigRuleName"}))
    given = renamed(wanted.properties, _RULE_NAMES)
    if "InputParameters" in given and not isinstance(given["InputParameters"], str):
        texts = {key: str(value) for key, value in given["InputParameters"].items()}
        given["InputParameters"] = json.dumps(texts)
    rule = fitted("config", "ConfigRule", given)
    _config().put_config_rule(ConfigRule={"ConfigRuleName": name, **rule})
    told = _config().describe_config_rules(ConfigRuleNames=[name])["ConfigRules"][0]
    attributes = {"Arn": told["ConfigRuleArn"], "ConfigRuleId": told["ConfigRuleId"]}
    return Made(name, attributes | {"Compliance.Type": "INSUFFICIENT_DATA"})


def _delete_rule(wanted: Wanted) -> None:
    with gone_is_fine():
        _config().delete_config_rule(ConfigRuleName=wanted.physical_id)


# Remediation --------------------------------------------------------------------------------------


def _put_remediation(wanted: Wanted) -> Made:
    given = fitted("config", "RemediationConfiguration", wanted.properties)
    _config().put_remediation_configurations(RemediationConfigurations=[given])
    return Made(str(wanted["ConfigRuleName"]))


def _delete_remediation(wanted: Wanted) -> None:
    with gone_is_fine():
        _config().delete_remediation_configuration(ConfigRuleName=wanted["ConfigRuleName"])


PROVISIONERS = (
    Provisioner(
        RECORDER,
        create=_create_recorder,
        update=_update_recorder,
        delete=_delete_recorder,
        create_only=("Name", "StartedOnCreate"),
    ),
    Provisioner(
        CHANNEL,
        create=_create_channel,
        update=_update_channel,
        delete=_delete_channel,
        create_only=("Name",),
    ),
    Provisioner(
        RULE,
        create=_create_rule,
        update=_update_rule,
        delete=_delete_rule,
        create_only=("ConfigRuleName",),
    ),
    Provisioner(
        REMEDIATION,
        create=_put_remediation,
        update=_put_remediation,
        delete=_delete_remediation,
        create_only=("ConfigRuleName",),
    ),
)
