"""Run a command that dies at a given write: `python -m tests.drills.killed POINT NUMBER WORDS...`.

POINT is `note` (a line of the ledger, when it reaches the disk) or `call` (a request that writes),
with `-before` or `-after`; `call-after-UpdateStackSet` counts the requests of one action. The
process ends as by SIGKILL: nothing is cleaned up. With `note-full` it lives on, and the disk is
full from that line on. The blueprints are those of the package that TEMPLATES names, or the
project's own.
"""

from __future__ import annotations

import errno
import itertools
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
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


def full(what: Callable[..., Any]) -> Any:
    """Return `what`, which fails from its nth use on."""
    fatal, number = int(sys.argv[2]), itertools.count(1)

    def use(*arguments: Any) -> Any:
        if next(number) >= fatal:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return what(*arguments)

    return use


def writes(_session: Any, request: Any, *, meant: tuple[bytes, ...] = WRITES) -> bool:
    """Tell a request that changes something, or is one of those that are meant."""
    body = request.body or b""
    text = body.encode() if isinstance(body, str) else body
    return isinstance(text, bytes) and any(each in text for each in meant)


def main() -> int:
    kind, point, action = (*sys.argv[1].split("-"), "")[:3]
    if point == "full":
        os.fsync = full(os.fsync)
    elif kind == "note":
        os.fsync = deadly(os.fsync, counts=lambda _: True, point=point)
    else:
        sent = URLLib3Session.send
        meant = (f"Action={action}&".encode(),) if action else WRITES
        counts = partial(writes, meant=meant)
        URLLib3Session.send = deadly(sent, counts=counts, point=point)
    return run(os.environ.get("TEMPLATES", "templates.blueprints"), sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
