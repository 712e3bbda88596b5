"""What somebody else has made of a stack since our operation on it began. Pure. (X-31)"""

from __future__ import annotations

from collections.abc import Sequence

from tapcfn.model import Deployed, StackEvent


def since(history: Sequence[StackEvent], token: str) -> tuple[StackEvent, ...]:
    """Return the events from the first one of our token on, oldest first."""
    first = next((at for at, each in enumerate(history) if each.token == token), len(history))
    return tuple(history[first:])


def last_word(history: Sequence[StackEvent], deployed: Deployed) -> StackEvent | None:
    """Return the stack's own last event, if it tells where the stack stands now."""
    own = [each for each in history if each.physical_id == deployed.stack_id]
    return own[-1] if own and own[-1].status == deployed.status else None


def cause(last: StackEvent) -> str:
    """Return why an operation is no success that another one has put an end to."""
    reason = f" ({last.reason})" if last.reason else ""
    return f"ended by someone else (token {last.token or 'none'}): {last.status}{reason}"


def name_of_change(before: Deployed | None, now: Deployed | None) -> str:
    """Return in brackets what has been done to a stack between two reads of it, if that is told.

    From what the stack lists of its last operations; staging a change set does nothing to it.
    """
    known = before.operations.values() if before else ()
    listed = now.operations.items() if now else ()
    new = [
        f"{kind} {number}"
        for kind, number in sorted(listed)
        if number not in known and kind != "CREATE_CHANGESET"
    ]
    return f" ({', '.join(new)})" if new else ""
