"""The `SetCloud` port, kept by boto3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from tapcfn.aws import artifacts, organizations
from tapcfn.aws import stack_set_drift as drifts
from tapcfn.aws import stack_set_reads as reads
from tapcfn.aws import stack_set_writes as writes
from tapcfn.aws.behalf import Behalf, is_delegated
from tapcfn.aws.calls import told
from tapcfn.aws.firmly import Firmly
from tapcfn.aws.session import Clients
from tapcfn.model import (
    DeployedSet,
    Instance,
    Member,
    ResultStatus,
    SetOperation,
    SetResult,
    StackSet,
    Target,
)
from tapcfn.stack_sets.calls import Act, SetRequest
from tapcfn.stack_sets.ports import InstanceDrift, SetDrift
from tapcfn.waits import Patience

T = TypeVar("T")


class AwsSets:
    """Stack sets on AWS, or on an endpoint that behaves like it, through one set of clients."""

    def __init__(
        self, clients: Clients, patience: Patience, artifact_bucket: str | None = None
    ) -> None:
        self._clients = clients
        self._artifact_bucket = artifact_bucket
        self._firmly = Firmly(patience, clients.renew)

    def stack_set(self, stack_set: StackSet) -> DeployedSet | None:
        return self._read(stack_set, lambda behalf: reads.deployed(behalf, stack_set))

    def known_sets(self, stack_set: StackSet) -> Mapping[str, bool]:
        return self._read(stack_set, reads.known_sets)

    def instances(self, stack_set: StackSet, operation_id: str = "") -> tuple[Instance, ...]:
        name = stack_set.name
        return self._read(stack_set, lambda behalf: reads.instances(behalf, name, operation_id))

    def instance(self, stack_set: StackSet, pair: Target) -> Instance | None:
        return self._read(stack_set, lambda behalf: reads.instance(behalf, stack_set.name, pair))

    def operations(self, stack_set: StackSet) -> tuple[SetOperation, ...]:
        return self._read(stack_set, lambda behalf: reads.operations(behalf, stack_set.name))

    def operation(self, stack_set: StackSet, operation_id: str) -> SetOperation | None:
        name = stack_set.name
        return self._look(stack_set, lambda behalf: reads.operation(behalf, name, operation_id))

    def results(
        self, stack_set: StackSet, operation_id: str, status: ResultStatus | None = None
    ) -> tuple[SetResult, ...]:
        name = stack_set.name
        return self._read(
            stack_set, lambda behalf: reads.results(behalf, name, operation_id, status)
        )

    def send(self, request: SetRequest) -> None:
        body = self._hand_over(request)
        self._firmly.write(lambda: writes.send(self._behalf(request.stack_set), request, body))

    def stop(self, stack_set: StackSet, operation_id: str) -> None:
        self._firmly.write(lambda: writes.stop(self._behalf(stack_set), stack_set, operation_id))

    def members(self, home: Target, units: tuple[str, ...]) -> tuple[Member, ...]:
        def read() -> tuple[Member, ...]:
            with told("organization", home):
                return organizations.members(self._clients("organizations", home), units)

        return self._firmly.read(read)

    def access(self, home: Target, *, delegated: bool) -> str:
        def read() -> str:
            with told("organizations access", home):
                client = self._clients("cloudformation", home)
                return organizations.access(Behalf(client, delegated=delegated))

        return self._firmly.read(read)

    def detect_drift(self, stack_set: StackSet, token: str) -> None:
        self._firmly.write(lambda: writes.detect_drift(self._behalf(stack_set), stack_set, token))

    def drift(self, stack_set: StackSet) -> SetDrift | None:
        return self._read(stack_set, lambda behalf: drifts.found(behalf, stack_set.name))

    def instance_drifts(
        self, stack_set: StackSet, pair: Target, operation_id: str
    ) -> tuple[InstanceDrift, ...]:
        name = stack_set.name
        return self._read(
            stack_set, lambda behalf: drifts.in_instance(behalf, name, pair, operation_id)
        )

    def auto_deployment_targets(self, stack_set: StackSet) -> Mapping[str, tuple[str, ...]]:
        name = stack_set.name
        return self._read(stack_set, lambda behalf: reads.auto_deployment_targets(behalf, name))

    def _behalf(self, stack_set: StackSet) -> Behalf:
        client = self._clients("cloudformation", stack_set.home)
        return Behalf(client, delegated=is_delegated(stack_set))

    def _read(self, stack_set: StackSet, call: Callable[[Behalf], T]) -> T:
        """Read as long as an answer can come."""
        return self._firmly.read(lambda: self._ask(stack_set, call))

    def _look(self, stack_set: StackSet, call: Callable[[Behalf], T]) -> T:
        """Read once: whoever watches an operation looks again anyway, and says what is wrong."""
        return self._firmly.look(lambda: self._ask(stack_set, call))

    def _ask(self, stack_set: StackSet, call: Callable[[Behalf], T]) -> T:
        with told(writes.subject_of(stack_set), stack_set.home):
            return call(self._behalf(stack_set))

    def _hand_over(self, request: SetRequest) -> Mapping[str, str]:
        """Return how the request names the template, if it carries one."""
        stack_set, call = request.stack_set, request.call
        if call.act is not Act.CREATE and not (call.act is Act.UPDATE and call.renews):
            return {}
        template, home = stack_set.template, stack_set.home
        if template.size <= artifacts.INLINE_LIMIT:
            return {"TemplateBody": template.text}
        client = self._clients("s3", home)
        return artifacts.hand_over(client, template, home, self._artifact_bucket)
