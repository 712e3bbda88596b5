"""Account gates: a function in the target that has a say before anything is done there."""

from __future__ import annotations

import asyncio
import json

from tapcfn.local import calls, emulator
from tapcfn.local.stack_sets.model import Gate

FUNCTION = "AWSCloudFormationStackSetAccountGate"
SUCCEEDED, FAILED, SKIPPED = "SUCCEEDED", "FAILED", "SKIPPED"


async def ask() -> Gate:
    """Ask the gate of the current account and Region; without one, the way is free."""
    if not emulator.functions.exists(FUNCTION):
        place = f"{emulator.region()}:{emulator.account_id()}"
        return Gate(
            status=SKIPPED,
            reason=f"Function not found: arn:aws:lambda:{place}:function:{FUNCTION}",
        )
    return await asyncio.to_thread(_invoke)


def _invoke() -> Gate:
    """Run the function, which lets through by saying SUCCEEDED and nothing else."""
    told = calls.client("lambda").invoke(FunctionName=FUNCTION, Payload=b"{}")
    payload = told["Payload"].read().decode()
    if "FunctionError" in told:
        return Gate(status=FAILED, reason=f"The account gate function failed: {payload}")
    try:
        status = json.loads(payload).get("Status")
    except (ValueError, AttributeError):
        status = None
    if status == SUCCEEDED:
        return Gate(status=SUCCEEDED, reason="")
    return Gate(status=FAILED, reason=f"The account gate function returned {payload}")
