"""A ledger in memory, with the promises of `tapcfn.ports.Ledger`."""

from __future__ import annotations

from tapcfn.model import Stack


class FakeLedger:
    """Remembers tokens. Handed to the next run, it is what the folder's files would be."""

    def __init__(self) -> None:
        self.intended: list[tuple[str, str, str]] = []
        self.over: set[str] = set()

    def intend(self, operation: str, stack: Stack, token: str) -> None:
        """Note a token before the call that sends it."""
        self.intended.append((operation, stack.name, token))

    def ended(self, token: str) -> None:
        """Note that what the token started is over."""
        self.over.add(token)

    def is_ours(self, token: str) -> bool:
        """Whether the token was sent by any run with this ledger."""
        return any(token == each for _, _, each in self.intended)

    def has_ended(self, token: str) -> bool:
        """Whether what the token started is known to be over."""
        return token in self.over

    def tokens(self, operation: str, stack: str) -> list[str]:
        """Return the tokens that were noted for an operation on a stack, in order."""
        return [
            token for known, name, token in self.intended if (known, name) == (operation, stack)
        ]
