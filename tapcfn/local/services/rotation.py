"""Secrets Manager: rotation by a function, in the four steps of the service.

The request is answered at once and the steps follow on a thread of their own. If one of them fails,
or the last does not make the new version current, the version stays AWSPENDING, as on AWS. Nothing
rotates as time goes by.
"""

from __future__ import annotations

import contextvars
import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tapcfn.local import calls, emulator
from tapcfn.local.grants import Ask, allows
from tapcfn.local.services.records import Record
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.table import Asked

SERVICE = "secretsmanager.amazonaws.com"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PENDING, CURRENT = "AWSPENDING", "AWSCURRENT"

_ROTATED = "_LastRotated"
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


def rotate(record: Record, asked: Asked) -> Record | None:
    """Set rotation up and begin one, or only try the function where none is wanted at once."""
    function = asked.get("RotationLambdaARN") or record.get("RotationLambdaARN")
    if not function:
        if record["Name"].startswith("rds!"):  # its owner rotates it, without a function
            return None
        message = "No Lambda rotation function ARN is associated with this secret."
        raise RefusedError("InvalidRequestException", message)
    _refuse_function(record, function)
    token = asked.get("ClientRequestToken") or emulator.new_id()
    if any(PENDING in each["Stages"] for each in record["Versions"].values()):
        message = "A previous rotation isn't complete. That rotation will be reattempted."
        raise RefusedError("InvalidRequestException", message)
    record |= {"RotationLambdaARN": function, "RotationEnabled": True}
    record["RotationRules"] = asked.get("RotationRules") or record.get("RotationRules")
    now = {"CreatedDate": int(time.time()), "SecretString": None, "SecretBinary": None}
    record["Versions"][token] = {**now, "Stages": [PENDING]}
    at_once = asked.get("RotateImmediately", True)
    steps = (_rotate if at_once else _try, record, function, token)
    threading.Thread(target=contextvars.copy_context().run, args=steps, daemon=True).start()
    told = {"ARN": record["ARN"], "Name": record["Name"]}
    return told | ({"VersionId": token} if at_once else {})


def cancel(record: Record, _: Asked) -> Record:
    """End rotation; the function and the rules stay known."""
    record["RotationEnabled"] = False
    return {"ARN": record["ARN"], "Name": record["Name"]}


def refuse_empty(record: Record, asked: Asked) -> None:
    """Refuse to tell a version that has no value yet: its function has still to give it one."""
    stage, identifier = asked.get("VersionStage"), asked.get("VersionId")
    for name, version in record["Versions"].items():
        chosen = name == identifier if identifier else (stage or CURRENT) in version["Stages"]
        if chosen and version.get("SecretString") is None and version.get("SecretBinary") is None:
            message = "Secrets Manager can't find the specified secret value for "
            named = f"VersionId: {identifier}" if identifier else f"staging label: {stage}"
            raise RefusedError("ResourceNotFoundException", message + named)


def dates(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return when a secret was last rotated, and when it will be; cron schedules are not read."""
    last = record.get(_ROTATED)
    made = {"LastRotatedDate": last} if last else {}
    seconds = _period(record.get("RotationRules") or {}) if record.get("RotationEnabled") else 0
    return made | (
        {"NextRotationDate": (last or record["CreatedDate"]) + seconds} if seconds else {}
    )


def _period(rules: Mapping[str, Any]) -> int:
    if rules.get("AutomaticallyAfterDays"):
        return int(rules["AutomaticallyAfterDays"]) * _SECONDS["day"]
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", rules.get("ScheduleExpression", ""))
    return int(rate.group(1)) * _SECONDS[rate.group(2)] if rate else 0


def _refuse_function(record: Record, function: str) -> None:
    """Refuse a function that is not there, or that does not let Secrets Manager in."""
    context = {"aws:SourceAccount": emulator.account_id(), "aws:SourceArn": record["ARN"]}
    policy = emulator.functions.policy(function)
    if not allows(policy, Ask(SERVICE, "lambda:InvokeFunction", function, context)):
        raise RefusedError(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function "
            f"policy grants access to the principal {SERVICE}.",
        )


# Steps --------------------------------------------------------------------------------------------


def _rotate(record: Record, function: str, token: str) -> None:
    done = all(_step(record, function, token, step) for step in STEPS)
    version = record["Versions"].get(token, {})
    if done and CURRENT in version.get("Stages", ()):
        version["Stages"] = [each for each in version["Stages"] if each != PENDING]
        record[_ROTATED] = int(time.time())


def _try(record: Record, function: str, token: str) -> None:
    """Run the test alone, with a version that goes again."""
    _step(record, function, token, "testSecret")
    record["Versions"].pop(token, None)


def _step(record: Record, function: str, token: str, step: str) -> bool:
    """Tell whether the function has done a step."""
    event = {"SecretId": record["ARN"], "ClientRequestToken": token, "Step": step}
    try:
        told = calls.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    except (ClientError, BotoCoreError):
        return False
    return "FunctionError" not in told
