"""Names that fit where a service takes fewer characters than a system's own naming has. (C-2)"""

from __future__ import annotations

import hashlib

# Load balancers and target groups. (L-26)
LIMIT = 32
_KEPT = 23
_DIGITS = 8


def short(name: str) -> str:
    """Return a name of at most 32 characters: its own, or its beginning and a digest of all of it.

    The same name is always shortened alike, and two long names with one beginning stay two.
    """
    if len(name) <= LIMIT:
        return name
    return f"{name[:_KEPT]}-{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"
