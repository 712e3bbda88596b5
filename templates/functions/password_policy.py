"""Sets the account's password policy, and puts back the one before when it is deleted.

The policy before travels in the physical id, which therefore never changes.
"""

import contextlib
import json
from typing import Any

import boto3
import cfnresponse

KNOWN = "password-policy-before:"
UNKNOWN = "password-policy-before-unknown"
NUMBERS = ("MaxPasswordAge", "MinimumPasswordLength", "PasswordReusePrevention")
# What IAM tells beside the settings themselves.
DERIVED = "ExpirePasswords"

iam = boto3.client("iam")


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens."""
    place = event.get("PhysicalResourceId", UNKNOWN)
    try:
        if event["RequestType"] == "Create":
            place = KNOWN + json.dumps(current(), sort_keys=True, separators=(",", ":"))
        if event["RequestType"] == "Delete":
            restore(place)
        else:
            iam.update_account_password_policy(**wanted(event["ResourceProperties"]))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:1000]
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, place, reason=reason)
    else:
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {}, place)


def current() -> dict[str, Any] | None:
    """Return the policy as it could be set again, or None where there is none."""
    try:
        policy = iam.get_account_password_policy()["PasswordPolicy"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return {key: value for key, value in policy.items() if key != DERIVED}


def wanted(properties: dict[str, str]) -> dict[str, Any]:
    """Return the policy of the template: CloudFormation hands over every value as text."""
    return {
        key: int(value) if key in NUMBERS else value == "true"
        for key, value in properties.items()
        if not key.startswith("Service")
    }


def restore(place: str) -> None:
    """Put the policy back that was there before; without knowing it, leave all as it is."""
    if not place.startswith(KNOWN):
        return
    before = json.loads(place.removeprefix(KNOWN))
    if before is not None:
        iam.update_account_password_policy(**before)
        return
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_account_password_policy()
