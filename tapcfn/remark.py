"""What early validation and hooks say of a change set or of an operation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was said, whole, and of which resource. One that `warns` stops nothing.

    `origin` is "hook" for a hook, else "server".
    """

    logical_id: str
    text: str
    warns: bool = False
    path: str = ""
    origin: str = "server"
