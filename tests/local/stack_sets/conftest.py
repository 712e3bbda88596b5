"""Fleets of accounts for stack sets, in a cloud that is instant and in one that takes its time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tapcfn.local import server
from tests.local.stack_sets.fleet import Fleet, fleet

# A topic takes 11 seconds on AWS, up or down by a fifth: here about a fifth of a second.
SLOW = 55


@pytest.fixture
def pair(local_cloud: server.LocalCloud) -> Fleet:
    """Return two fresh accounts and their administrator."""
    return fleet(local_cloud)


@pytest.fixture(scope="session")
def idle(local_cloud: server.LocalCloud) -> Fleet:
    """Return accounts in which no test leaves anything."""
    return fleet(local_cloud)


@pytest.fixture(scope="session")
def slow_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.LocalCloud]:
    """Run a cloud in which operations can be watched."""
    root = tmp_path_factory.mktemp("slow")
    yield server.start(root, speed=SLOW)
    server.stop(root, settle=0)


@pytest.fixture
def slow(slow_cloud: server.LocalCloud) -> Fleet:
    """Return six fresh accounts of the slow cloud and their administrator."""
    return fleet(slow_cloud, 6)
