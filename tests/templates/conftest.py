"""What more than one test file looks at, resolved once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tapcfn.model import Rollout
from tests.templates.resolved import Seen, seen
from tests.templates.systems.replicated_storage import ALL_ON, rollout


@pytest.fixture(scope="session")
def wanted() -> Rollout:
    """Return the rollout of the default settings."""
    return rollout()


@pytest.fixture(scope="session")
def default(wanted: Rollout) -> Mapping[str, Seen]:
    """Return the default stacks by layer, with everything filled in."""
    return seen(wanted)


@pytest.fixture(scope="session")
def everything() -> Mapping[str, Seen]:
    """Return the stacks by layer with every option on."""
    return seen(rollout(**ALL_ON))
