"""Keys of KMS, as the services tell them."""

from __future__ import annotations


def is_another(told: str, wanted: str) -> bool:
    """Whether two keys are surely not the same: an alias may be any."""
    return told != wanted and all(":key/" in each for each in (told, wanted))
