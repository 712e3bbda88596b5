"""Ask until there is an answer, as long as one can come: what each kind of call may cost in time.

botocore has repeated a call five times, with pauses, before it arrives here as an error.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from tapcfn.aws.calls import EXPIRED, passes
from tapcfn.errors import CloudError
from tapcfn.waits import Patience

T = TypeVar("T")

# Seconds between two rounds of a read that gets no answer, at most; attempts at a write.
_LONGEST_PAUSE = 30.0
_WRITES = 5

# botocore repeats everything but an answer that it can't parse.
_BROKEN = "ResponseParserError"


def patiently(patience: Patience, call: Callable[[], T]) -> T:
    """Read until there is an answer, as long as it may come and the run's patience lasts."""
    pause = 1.0
    while True:
        try:
            return call()
        except (ClientError, BotoCoreError) as error:
            if not passes(error) or pause >= patience.left:
                raise
            patience.clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


class Firmly:
    """Makes calls for a run, within its patience. `renew` reads the credentials anew, if it can."""

    def __init__(
        self,
        patience: Patience,
        renew: Callable[[], bool],
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._patience = patience
        self._renew = renew
        self._draw = draw

    def read(self, call: Callable[[], T]) -> T:
        """Read until the run's patience is over, with full jitter, unless asking is in vain."""
        longest = 1.0
        while True:
            try:
                return self.look(call)
            except CloudError as error:
                pause = self._draw() * longest
                if not error.passing or pause >= self._patience.left:
                    raise
                self._patience.clock.sleep(pause)
                longest = min(2 * longest, _LONGEST_PAUSE)

    def look(self, call: Callable[[], T]) -> T:
        """Read once, and once more with new credentials where the old ones have expired. (X-11)"""
        try:
            return call()
        except CloudError as error:
            if error.code not in EXPIRED or not self._renew():
                raise
        return call()

    def write(self, call: Callable[[], T]) -> T:
        """Send the same request again where the answer was broken; its token makes it safe. (X-10)

        The tokens of all calls that come here are the caller's.
        """
        for _ in range(_WRITES - 1):
            try:
                return self.look(call)
            except CloudError as error:
                if error.code != _BROKEN:
                    raise
        return self.look(call)
