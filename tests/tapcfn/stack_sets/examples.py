"""A small stack set to test with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tapcfn.model import StackSet, Target
from tests.fakes.builders import a_template

HOME = Target("111111111111", "us-east-1")
A, B, C = "111111111111", "222222222222", "333333333333"
EAST, WEST, EU = "us-east-1", "us-west-2", "eu-west-1"


def pairs(accounts: Iterable[str] = (A, B), regions: Iterable[str] = (EAST, WEST)) -> set[Target]:
    """Return every account in every Region."""
    return {Target(account, region) for account in accounts for region in regions}


def a_set(*targets: Target, version: str = "1", **how: Any) -> StackSet:
    """Return a set in these targets, or in two accounts and two Regions."""
    template = how.pop("template", None) or a_template(
        "baseline", version=version, defaults={"Size": "1"}
    )
    return StackSet(
        how.pop("name", "baseline"), HOME, template, frozenset(targets or pairs()), **how
    )
