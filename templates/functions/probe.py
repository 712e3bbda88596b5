"""Say from inside a VPC whether an address takes TCP connections, and how fast."""

import os
import socket
import time


def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Connect to `host` and `port` of the event, or to the ones of the environment."""
    host = str(event.get("host") or os.environ["HOST"])
    port = int(str(event.get("port") or os.environ["PORT"]))
    started = time.monotonic()
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError as error:
        return {"host": host, "port": port, "reachable": False, "reason": str(error)}
    milliseconds = round((time.monotonic() - started) * 1000)
    return {"host": host, "port": port, "reachable": True, "milliseconds": milliseconds}
