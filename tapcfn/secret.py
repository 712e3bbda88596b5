"""Values that no file of ours may hold: those of parameters that are declared `NoEcho`."""

from __future__ import annotations

from tapcfn.model import Rollout, Stack

MASK = "***"


def secrets_of(rollout: Rollout) -> frozenset[str]:
    """Return the values that may not be told, of all stacks.

    A dynamic reference (`{{resolve:...}}`) is only a pointer to a secret, and no secret.
    """
    return frozenset(value for stack in rollout.stacks for value in _of_stack(stack))


def _of_stack(stack: Stack) -> frozenset[str]:
    return frozenset(
        value
        for key, value in stack.parameters.items()
        if isinstance(value, str)
        and value
        and not value.startswith("{{resolve:")
        and str(stack.template.parameters.get(key, {}).get("NoEcho", "")).lower() == "true"
    )


def masked(text: str, secrets: frozenset[str]) -> str:
    """Return a text without the secrets; the longest go first, as one may be part of another."""
    for each in sorted(secrets, key=lambda secret: (-len(secret), secret)):
        text = text.replace(each, MASK)
    return text
