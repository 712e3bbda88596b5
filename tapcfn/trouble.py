"""Reads that fail while a run watches: which to repeat, which are in vain, and what to say."""

from __future__ import annotations

from tapcfn.errors import CloudError, TapcfnError
from tapcfn.events import Diagnosed, Notify
from tapcfn.ports import Clock

# Seconds in which something may be asked about in vain, unless it is refused for good.
LOST_AFTER = 60.0

# The same warning is said once in so many seconds.
SAID_EVERY = 30.0


class Trouble:
    """What could not be read of late."""

    def __init__(self, clock: Clock, notify: Notify) -> None:
        self._clock = clock
        self._notify = notify
        self._since: dict[str, float] = {}
        self._said: dict[str, float] = {}

    def is_over(self, what: str) -> None:
        """Note that there was an answer again."""
        self._since.pop(what, None)

    def is_in_vain(self, what: str, error: BaseException | None) -> bool:
        """Whether asking again brings nothing: it is refused for good, or lost for a minute.

        What passes by itself, such as a throttle, never is. (X-9, X-12)
        """
        if not isinstance(error, CloudError) or error.passing:
            self.is_over(what)
            return False
        since = self._since.setdefault(what, self._clock.now())
        return error.lasting or self._clock.now() - since >= LOST_AFTER

    def look_again(self, what: str, error: BaseException | None) -> None:
        """Say that a read failed; anything but an error of ours is a fault of the program."""
        if not isinstance(error, TapcfnError):
            raise error or RuntimeError(f"{what}: no answer")
        self.warn(f"{what}: {error}; looking again", error)

    def warn(self, text: str, error: BaseException | None = None) -> None:
        """Say what stops nothing; the same, but for the request's id, once in a while."""
        request = error.request_id if isinstance(error, CloudError) else ""
        key = text.replace(request, "") if request else text
        now = self._clock.now()
        if now - self._said.get(key, now - SAID_EVERY) >= SAID_EVERY:
            self._said[key] = now
            retryable = error.passing if isinstance(error, CloudError) else None
            self._notify(Diagnosed("warning", text, request_id=request, retryable=retryable))
