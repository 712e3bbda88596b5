"""Wires to AWS that must be silent in the end, and an endpoint that remembers what it is asked."""

from collections.abc import Iterator

import pytest

from tests.tapcfn.aws.endpoint import Endpoint
from tests.tapcfn.aws.wire import Wire, Wires


@pytest.fixture
def wires() -> Iterator[Wires]:
    """Return one wire for each service; every answer that is queued must be asked for."""
    made = Wires()
    yield made
    for wire in made.of.values():
        wire.close()


@pytest.fixture
def cfn(wires: Wires) -> Wire:
    """Return the wire to CloudFormation."""
    return wires.to("cloudformation")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Return an HTTP server on 127.0.0.1 that remembers its requests, stopped by the test."""
    with Endpoint.running() as made:
        yield made
