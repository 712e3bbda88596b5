"""Specified stand-ins for the outside: a cloud, a clock, a ledger and a pool, all in memory."""

from tests.fakes.builders import (
    AWAY,
    HOME,
    a_change,
    a_change_set,
    a_deployed,
    a_rollout,
    a_stack,
    a_template,
)
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import Call, FakeCloud
from tests.fakes.ledger import FakeLedger
from tests.fakes.pool import InlinePool
from tests.fakes.world import World

__all__ = [
    "AWAY",
    "HOME",
    "Call",
    "FakeClock",
    "FakeCloud",
    "FakeLedger",
    "InlinePool",
    "World",
    "a_change",
    "a_change_set",
    "a_deployed",
    "a_rollout",
    "a_stack",
    "a_template",
]
