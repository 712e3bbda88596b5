"""CloudFormation's words for the state of a stack, and our questions to them."""

from __future__ import annotations

from enum import StrEnum


class StackStatus(StrEnum):
    """CloudFormation's words for the state of a stack, and our questions to them."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_FAILED = "CREATE_FAILED"
    CREATE_COMPLETE = "CREATE_COMPLETE"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"
    ROLLBACK_COMPLETE = "ROLLBACK_COMPLETE"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETE_FAILED = "DELETE_FAILED"
    DELETE_COMPLETE = "DELETE_COMPLETE"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_COMPLETE = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_FAILED"
    UPDATE_ROLLBACK_IN_PROGRESS = "UPDATE_ROLLBACK_IN_PROGRESS"
    UPDATE_ROLLBACK_FAILED = "UPDATE_ROLLBACK_FAILED"
    UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATE_ROLLBACK_COMPLETE = "UPDATE_ROLLBACK_COMPLETE"
    REVIEW_IN_PROGRESS = "REVIEW_IN_PROGRESS"
    IMPORT_IN_PROGRESS = "IMPORT_IN_PROGRESS"
    IMPORT_COMPLETE = "IMPORT_COMPLETE"
    IMPORT_ROLLBACK_IN_PROGRESS = "IMPORT_ROLLBACK_IN_PROGRESS"
    IMPORT_ROLLBACK_FAILED = "IMPORT_ROLLBACK_FAILED"
    IMPORT_ROLLBACK_COMPLETE = "IMPORT_ROLLBACK_COMPLETE"

    @property
    def is_moving(self) -> bool:
        """CloudFormation is at work. A stack in review is waiting for us instead."""
        return self.endswith("_IN_PROGRESS") and self is not StackStatus.REVIEW_IN_PROGRESS

    @property
    def is_settled(self) -> bool:
        """Nothing is at work, and something has been: well or badly, it is over."""
        return not self.is_moving and self is not StackStatus.REVIEW_IN_PROGRESS

    @property
    def is_healthy(self) -> bool:
        """The last operation did what was asked."""
        return self in _HEALTHY

    @property
    def is_updatable(self) -> bool:
        """An UPDATE change set will be accepted."""
        return self in _HEALTHY or self in {
            StackStatus.UPDATE_ROLLBACK_COMPLETE,
            StackStatus.IMPORT_ROLLBACK_COMPLETE,
        }

    @property
    def is_absent(self) -> bool:
        """Nothing is deployed: a CREATE change set is what is wanted."""
        return self in {StackStatus.DELETE_COMPLETE, StackStatus.REVIEW_IN_PROGRESS}

    @property
    def must_be_recreated(self) -> bool:
        """Its creation was rolled back whole, and only deletion is accepted.

        CREATE_FAILED and ROLLBACK_FAILED are left out on purpose: something may still live in
        those, so a person decides.
        """
        return self is StackStatus.ROLLBACK_COMPLETE


_HEALTHY = frozenset(
    {StackStatus.CREATE_COMPLETE, StackStatus.UPDATE_COMPLETE, StackStatus.IMPORT_COMPLETE}
)
