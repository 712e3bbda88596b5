"""Whether a stack policy that a request brings can be read."""

from __future__ import annotations

from tapcfn.local import policies
from tapcfn.local.checks.request import Refusal, Request

LONGEST = 16_384


def reads(request: Request) -> Refusal | None:
    """Refuse a stack policy that is too long or is none."""
    for member in ("StackPolicyBody", "StackPolicyDuringUpdateBody"):
        body = request[member]
        if len(body.encode()) > LONGEST:
            return Refusal(
                f"1 validation error detected: Value at '{member[0].lower()}{member[1:]}' failed "
                f"to satisfy constraint: Member must have length less than or equal to {LONGEST}"
            )
        if body and policies.statements(body) is None:
            return Refusal("Error validating stack policy: Invalid stack policy")
    return None
