"""Stacks whose state a person must settle before anything can be planned, and what helps."""

from __future__ import annotations

from collections.abc import Mapping

from tapcfn.model import Deployed, StackStatus

# What to do with a stack that is stuck.
ADVICE: Mapping[StackStatus, str] = {
    StackStatus.CREATE_FAILED: "its creation failed and was not rolled back; "
    "`aws cloudformation rollback-stack` or `delete-stack`",
    StackStatus.ROLLBACK_FAILED: "`aws cloudformation delete-stack`, keeping what cannot go",
    StackStatus.UPDATE_FAILED: "`aws cloudformation rollback-stack`",
    StackStatus.UPDATE_ROLLBACK_FAILED: "`aws cloudformation continue-update-rollback`",
    StackStatus.DELETE_FAILED: "see why with `events`, then "
    "`aws cloudformation delete-stack`, keeping what cannot go",
    StackStatus.IMPORT_ROLLBACK_FAILED: "a person must look at it",
}


# What becomes of the ones above that RollbackStack would help, in EXPRESS mode.
_EXPRESS = frozenset({StackStatus.CREATE_FAILED, StackStatus.UPDATE_FAILED})


def advice(deployed: Deployed) -> str:
    """Say what to do with a stack that is stuck, or nothing where it is not."""
    if deployed.express and deployed.status in _EXPRESS:
        return (
            "in EXPRESS mode, which takes no rollback-stack; deploy its last good template by "
            "hand: `aws cloudformation update-stack --deployment-config Mode=EXPRESS`"
        )
    return ADVICE.get(deployed.status, "")


def is_stuck(status: StackStatus) -> bool:
    """Whether a person must settle a stack in this state before anything can be planned."""
    return not (status.is_absent or status.must_be_recreated or status.is_updatable)
