"""The local cloud: an embedded AWS for laptops, tests and rehearsals.

`server` starts, finds and stops it and needs nothing but the standard library. Everything else in
this package runs inside the server's own process, where the emulator lives.
"""

from __future__ import annotations

from tapcfn.local.server import LocalCloud, Status, find, reset, start, status, stop

__all__ = ["LocalCloud", "Status", "find", "reset", "start", "status", "stop"]
