"""Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core import lambda_runtime as _lambda_runtime
from ministack.services import lambda_svc as _lambda


def activate(name: str) -> None:
    """Let a function be ready at once, not after the emulator's own half second."""
    _lambda._functions[name]["config"] |= {
        "State": "Active",
        "StateReason": "",
        "StateReasonCode": "",
        "LastUpdateStatus": "Successful",
    }


def exists(name: str) -> bool:
    """Tell whether the current account and Region have a function of that name."""
    return name in _lambda._functions


def policy(arn: str) -> Mapping[str, Any]:
    """Return the resource policy of a function, empty if it has none."""
    found = _lambda.function_policy_for_arn(arn)
    return found[0] if found else {}


def let_import(folder: str) -> None:
    """Let Python functions find modules in a folder, after their own code."""
    path = f"import sys; sys.path.append({folder!r})\n"
    _lambda_runtime._PYTHON_WORKER_SCRIPT = path + _lambda_runtime._PYTHON_WORKER_SCRIPT
