"""Systems Manager parameters."""

from __future__ import annotations

from collections.abc import Mapping

from ministack.services import ssm as _ssm


def value(name: str) -> str | None:
    """Return the value of a parameter of SSM, public ones included, or None."""
    found: str | None = _ssm.resolve_parameter_value(name)
    return found


def publish_images(parameters: Mapping[str, str]) -> None:
    """Let SSM's public parameters name these images."""
    _ssm._PUBLIC_AMI_PARAMETERS = parameters
