"""What a stack may ask for beside its template: who is told, who works, and when to go back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class OnFailure(StrEnum):
    """What becomes of a stack whose creation fails; an update always goes back."""

    ROLLBACK = "rollback"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class StackOptions:
    """The options of one stack.

    An operation goes back when one of `rollback_alarms` rings, while it works and for
    `rollback_minutes` after. `service_role` stays with a stack once it is given. `stack_policy`
    asks for a policy under which no update replaces or removes what holds data.
    """

    rollback_alarms: tuple[str, ...] = ()
    rollback_minutes: int = 0
    notification_arns: tuple[str, ...] = ()
    service_role: str = ""
    on_failure: OnFailure = OnFailure.ROLLBACK
    stack_policy: bool = False

    @property
    def facts(self) -> list[Any]:
        """All that a request says of the options; the stack policy has a call of its own."""
        return [
            list(self.rollback_alarms),
            self.rollback_minutes,
            sorted(self.notification_arns),
            self.service_role,
            str(self.on_failure),
        ]


PLAIN = StackOptions()
