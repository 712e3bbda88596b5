"""A ledger in memory, with the promises of `tapcfn.ports.Ledger`."""

from __future__ import annotations

from tapcfn.errors import TapcfnError
from tapcfn.model import Stack


class FakeLedger:
    """Remembers tokens. Handed to the next run, it is what the folder's files would be."""

    def __init__(self) -> None:
        self.intended: list[tuple[str, str, str]] = []
        self.over: set[str] = set()
        self.fault = ""
        self.durations: dict[tuple[str, str], float] = {}

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

    def took(self, action: str, stack: Stack, seconds: float) -> None:
        """Note how long an operation took."""
        self.durations[action, stack.name] = seconds

    def usually(self, action: str, stack: Stack) -> float | None:
        """Return what it took the last time."""
        return self.durations.get((action, stack.name))

    def tokens(self, operation: str, stack: str) -> list[str]:
        """Return the tokens that were noted for an operation on a stack, in order."""
        return [
            token for known, name, token in self.intended if (known, name) == (operation, stack)
        ]


class FullLedger(FakeLedger):
    """Can keep so many notes, and no more: the disk is full."""

    def __init__(self, notes: int) -> None:
        super().__init__()
        self._left = notes

    def intend(self, operation: str, stack: Stack, token: str) -> None:
        """Note a token, or raise."""
        if not self._has_room():
            raise TapcfnError(self.fault)
        super().intend(operation, stack, token)

    def ended(self, token: str) -> None:
        """Note an end, as far as there is room; this process knows it in any case."""
        self._has_room()
        super().ended(token)

    def _has_room(self) -> bool:
        self._left -= 1
        if self._left < 0:
            self.fault = "the ledger: cannot be written: No space left on device"
        return not self.fault
