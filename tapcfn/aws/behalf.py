"""On whose behalf the calls for stack sets are made: said in this one place. (DS-2)"""

from __future__ import annotations

from functools import partial
from typing import Any

from tapcfn.aws import paging
from tapcfn.aws.paging import Answer
from tapcfn.model import ServiceManaged, StackSet

# The most that the service puts on a page.
_ROWS = 100


class Behalf:
    """CloudFormation as its client's account asks it: for itself, or as a delegated administrator.

    Who does not say again that it is delegated finds none of the sets that it has made. Every call
    that goes through here takes CallAs.
    """

    def __init__(self, client: Any, *, delegated: bool) -> None:
        self._client = client
        self._said = {"CallAs": "DELEGATED_ADMIN"} if delegated else {}

    def __call__(self, call: str, **request: Any) -> Answer:
        """Make one call."""
        answer: Answer = getattr(self._client, call)(**request, **self._said)
        return answer

    def rows(self, call: str, **request: Any) -> list[Answer]:
        """Return what a call lists, on all pages."""
        return paging.rows(partial(self, call, **request), "Summaries", most=_ROWS)


def is_delegated(stack_set: StackSet) -> bool:
    """Whether a set is kept by a delegated administrator."""
    return isinstance(stack_set.permission, ServiceManaged) and stack_set.permission.delegated
