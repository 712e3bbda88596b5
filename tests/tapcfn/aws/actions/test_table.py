"""Every member of the union has its two functions."""

from __future__ import annotations

from typing import get_args

from tapcfn.aws.actions import HOW
from tapcfn.model import Action


def test_every_action_has_a_home() -> None:
    """And nothing else has one; no two types look with the same function."""
    assert set(get_args(Action)) == set(HOW)
    assert len({each.look for each in HOW.values()}) == len(HOW)
