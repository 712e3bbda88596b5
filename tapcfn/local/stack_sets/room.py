"""How many targets really are at work at once where nothing takes time.

At speed 0 a thousand stacks made beside each other are a thousand threads that wait for one lock:
so many at a time take a third of the time or less. Where things take time, that is what counts, and
all that may begin do. A target that is stuck gives its place up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tapcfn.local import time

PLACES = 8
PATIENCE_SECONDS = 0.5

_places = asyncio.Semaphore(PLACES)


@asynccontextmanager
async def taken() -> AsyncIterator[None]:
    """Wait for a place, if there is a crowd, and have it for a while."""
    if time.speed():
        yield
        return
    await _places.acquire()
    held = asyncio.get_running_loop().create_future()
    given_up = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, _leave, held)
    try:
        yield
    finally:
        given_up.cancel()
        _leave(held)


def _leave(held: asyncio.Future[None]) -> None:
    if not held.done():
        held.set_result(None)
        _places.release()
