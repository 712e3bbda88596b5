"""Where a stack lives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One account in one Region: where one stack lives."""

    account: str
    region: str

    def __str__(self) -> str:
        return f"{self.account}/{self.region}"
