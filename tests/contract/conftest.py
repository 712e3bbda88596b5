"""Two clouds that must keep the same promises: the fake of the unit tests, and the local cloud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from tapcfn.aws.cloud import AwsCloud
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.cli.clock import WallClock
from tapcfn.local import record
from tapcfn.model import ChangeSet, Deployed, Stack, StackStatus, Target
from tapcfn.ports import ChangeRequest, Clock, Cloud
from tests.fakes.builders import a_stack
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud
from tests.local_cloud import fresh_account, local_cloud

__all__ = ["local_cloud"]


class Mishaps(Protocol):
    """What a test can let go wrong in a cloud."""

    def update_fails(self, stack: str) -> None:
        """Let the next update fail at More, and its rollback at Topic, until `heal`."""
        ...

    def heal(self) -> None:
        """Let nothing fail any more."""
        ...

    def left_failed(self, stack: Stack) -> str:
        """Let a stack stand as its creation failed at More, with its Topic; return its id."""
        ...


@dataclass
class Subject:
    """A cloud under the contract, and what it takes to use it."""

    cloud: Cloud
    clock: Clock
    target: Target
    mishaps: Mishaps

    def stack(self, name: str = "network", **how: Any) -> Stack:
        """Return a stack in a place that no other test uses."""
        return a_stack(name, target=self.target, **how)

    def request(self, stack: Stack, token: str, *, create: bool = True) -> ChangeRequest:
        """Return what stages the stack, its intent and base told by the token."""
        return ChangeRequest(stack, {}, create, token, token, "base")

    def staged(self, stack: Stack, token: str, *, create: bool = True) -> ChangeSet:
        """Stage the stack; there is something to do."""
        change_set = self.cloud.stage(self.request(stack, token, create=create))
        assert change_set is not None
        return change_set

    def deployed(self, stack: Stack, token: str = "first") -> Deployed:
        """Create the stack and return it."""
        change_set = self.staged(stack, token)
        self.cloud.execute(change_set, self.target, f"{token}-run")
        return self.settled(change_set.stack_id)

    def settled(self, stack_id: str) -> Deployed:
        """Wait until the stack no longer moves."""
        for _ in range(1000):
            seen = self.cloud.stack(stack_id, self.target)
            if not seen.status.is_moving and seen.status is not StackStatus.REVIEW_IN_PROGRESS:
                return seen
            self.clock.sleep(0.02)
        raise AssertionError(f"{stack_id} never settles")


@pytest.fixture(params=["fake", "local"])
def subject(request: pytest.FixtureRequest) -> Subject:
    """Return one cloud after the other."""
    target = Target(fresh_account(), "eu-west-1")
    make: dict[str, Callable[[], Subject]] = {
        "fake": lambda: _fake(target),
        "local": lambda: _local(request, target),
    }
    return make[request.param]()


def _fake(target: Target) -> Subject:
    clock = FakeClock()
    cloud = FakeCloud(clock)
    return Subject(cloud, clock, target, InMemory(cloud))


def _local(request: pytest.FixtureRequest, target: Target) -> Subject:
    clock = WallClock()
    url = request.getfixturevalue("local_cloud").url
    clients = Clients(on_local_cloud(url))
    mishaps = ByFaults(url, target, clients("cloudformation", target))
    request.addfinalizer(mishaps.heal)
    return Subject(AwsCloud(clients, clock), clock, target, mishaps)


@dataclass
class InMemory:
    """Mishaps of the fake."""

    cloud: FakeCloud

    def update_fails(self, stack: str) -> None:
        reasons = (("More", "no"), ("Topic", "no"))
        self.cloud.breaks(stack, *reasons, ends=StackStatus.UPDATE_ROLLBACK_FAILED)

    def heal(self) -> None:
        """Nothing lasts."""

    def left_failed(self, stack: Stack) -> str:
        deployed = Deployed(stack.name, f"arn:{stack.name}", StackStatus.CREATE_FAILED)
        return self.cloud.has(stack, deployed).stack_id


@dataclass
class ByFaults:
    """Mishaps of the local cloud, in one account."""

    url: str
    target: Target
    client: Any

    def update_fails(self, stack: str) -> None:
        self._put(("More", "create"), ("Topic", "rollback"))

    def heal(self) -> None:
        self._put()

    def left_failed(self, stack: Stack) -> str:
        self._put(("More", "create"))
        body = stack.template.text
        made = self.client.create_stack(
            StackName=stack.name, TemplateBody=body, DisableRollback=True
        )
        return str(made["StackId"])

    def _put(self, *places: tuple[str, str]) -> None:
        lines = (
            f'[[fault]]\ndo = "fail"\nreason = "no"\naccount = "{self.target.account}"\n'
            f'logical_id = "{logical_id}"\nduring = "{during}"\n'
            for logical_id, during in places
        )
        record.ask(self.url, "/_tapcfn/faults", {"table": "".join(lines)})
