"""Whether CloudFormation can work as the role that a request gives it."""

from __future__ import annotations

from tapcfn.local import emulator
from tapcfn.local.checks.request import Refusal, Request
from tapcfn.local.stack_sets.policies import Asked, allows

SERVICE = "cloudformation.amazonaws.com"


def can_be_assumed(request: Request) -> Refusal | None:
    """Refuse a service role that is not there, or does not let CloudFormation in."""
    arn = request["RoleARN"]
    if not arn:
        return None
    role = emulator.iam.role(arn.rpartition("/")[2])
    asked = Asked(arn, "Service", frozenset({SERVICE}))
    if role and role["Arn"] == arn and allows([role["AssumeRolePolicyDocument"]], asked):
        return None
    return Refusal(f"Role {arn} is invalid or cannot be assumed")
