"""A local cloud of this folder's own: faults hold for a whole process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tapcfn.local import record, server
from tests.local_cloud import Aws, current

Put = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="package")
def faulty_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.LocalCloud]:
    """Run one instant local cloud for these tests."""
    root = tmp_path_factory.mktemp("faulty")
    yield server.start(root, speed=0)
    server.stop(root, settle=1)


@pytest.fixture
def aws(faulty_cloud: server.LocalCloud) -> Aws:
    """Return a fresh account."""
    return current(faulty_cloud.url)


@pytest.fixture
def put(faulty_cloud: server.LocalCloud) -> Iterator[Put]:
    """Return what puts a table in force; afterwards none is."""

    def replace(text: str) -> dict[str, Any]:
        return record.ask(faulty_cloud.url, "/_tapcfn/faults", {"table": text})

    yield replace
    replace("")


@pytest.fixture
def told(faulty_cloud: server.LocalCloud) -> Callable[[], dict[str, Any]]:
    """Return what asks which faults happened."""
    return lambda: record.ask(faulty_cloud.url, "/_tapcfn/faults")
