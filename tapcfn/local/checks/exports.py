"""Whether a stack that is to be deleted exports what another stack imports."""

from __future__ import annotations

from tapcfn.local import exports
from tapcfn.local.checks.request import Refusal, Request


def are_not_in_use(request: Request) -> Refusal | None:
    """Refuse to delete a stack whose exports are imported."""
    if request.stack is None:
        return None
    return next(
        (
            Refusal(exports.in_use("deleted", name, users))
            for output in request.stack.get("Outputs", ())
            if (name := output.get("ExportName"))
            and (users := exports.users(name, request.stack["StackId"]))
        ),
        None,
    )
