"""Faults from a table: what the local cloud does wrong on purpose, so that a rollout can be tried.

`table` reads the table and knows nothing of the emulator; `hooks` puts it to work in the process.
`measures` is the part of it that says how metrics, alarms and health checks go over time.
"""

from __future__ import annotations

from tapcfn.local.faults.table import Fault, Finding, Table, Throttle, parse, read

__all__ = ["Fault", "Finding", "Table", "Throttle", "parse", "read"]
