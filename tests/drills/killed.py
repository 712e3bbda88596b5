"""Run a command that dies at a given write: `python -m tests.drills.killed POINT NUMBER WORDS...`.

POINT is `note` (a line of the ledger, when it reaches the disk) or `call` (a request that writes),
with `-before` or `-after`. The process ends as by SIGKILL: nothing is cleaned up.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from botocore.httpsession import URLLib3Session

from tapcfn.cli.app import run

WRITES = (
    b"Action=CreateChangeSet",
    b"Action=ExecuteChangeSet",
    b"Action=DeleteChangeSet",
    b"Action=DeleteStack",
    b"Action=UpdateTerminationProtection",
    b"Action=CreateStackSet",
    b"Action=UpdateStackSet",
    b"Action=DeleteStackSet",
    b"Action=CreateStackInstances",
    b"Action=UpdateStackInstances",
    b"Action=DeleteStackInstances",
)


def deadly(what: Callable[..., Any], *, counts: Callable[..., bool], point: str) -> Any:
    """Return `what`, at whose nth use that counts the process dies."""
    fatal, number = int(sys.argv[2]), itertools.count(1)

    def use(*arguments: Any, **named: Any) -> Any:
        if not counts(*arguments):
            return what(*arguments, **named)
        mine = next(number)  # other threads count on meanwhile
        if mine == fatal and point == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = what(*arguments, **named)
        if mine == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return use


def writes(_session: Any, request: Any) -> bool:
    """Tell a request that changes something."""
    body = request.body or b""
    text = body.encode() if isinstance(body, str) else body
    return isinstance(text, bytes) and any(each in text for each in WRITES)


def main() -> int:
    kind, _, point = sys.argv[1].partition("-")
    if kind == "note":
        os.fsync = deadly(os.fsync, counts=lambda _: True, point=point)
    else:
        sent = URLLib3Session.send
        URLLib3Session.send = deadly(sent, counts=writes, point=point)
    return run("templates.blueprints", sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
