"""The `Cloud` port, kept by boto3."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tapcfn.aws import (
    artifacts,
    buckets,
    capabilities,
    change_sets,
    changes,
    drift,
    limits,
    rollbacks,
    stacks,
)
from tapcfn.aws.actions import AwsActions
from tapcfn.aws.calls import told
from tapcfn.aws.firmly import Firmly
from tapcfn.aws.gates import AwsGates
from tapcfn.aws.session import Clients
from tapcfn.aws.stack_sets import AwsSets
from tapcfn.drift import StackDrift
from tapcfn.errors import BlockedError
from tapcfn.literal import body_of
from tapcfn.model import EMPTY, ChangeSet, Deployed, Holder, Stack, StackEvent, StackStatus, Target
from tapcfn.ports import ChangeRequest, Clock, Leaving
from tapcfn.remark import Remark
from tapcfn.waits import Pace, Patience


class AwsCloud:
    """AWS, or an endpoint that behaves like it, through one set of clients."""

    def __init__(
        self,
        clients: Clients,
        clock: Clock,
        artifact_bucket: str | None = None,
        *,
        pace: Pace | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._clients = clients
        self._artifact_bucket = artifact_bucket
        self._pace = pace
        self._patience = patience or Patience(clock)
        self._firmly = Firmly(self._patience, clients.renew)
        self._capabilities: dict[str, Mapping[str, str]] = {}
        self.actions = AwsActions(clients, self._patience)
        self._asking = threading.Lock()

    @property
    def sets(self) -> AwsSets:
        """The stack sets of the same cloud, through the same clients."""
        return AwsSets(self._clients, self._patience, self._artifact_bucket)

    @property
    def gates(self) -> AwsGates:
        """What gates look at, through the same clients."""
        return AwsGates(self._clients, self._patience)

    def _cloudformation(self, target: Target) -> Any:
        return self._clients("cloudformation", target)

    def caller(self, target: Target) -> str:
        def read() -> str:
            with told("credentials", target):
                return str(self._clients("sts", target).get_caller_identity()["Account"])

        return self._firmly.read(read)

    def zones(self, target: Target) -> tuple[str, ...]:
        def read() -> tuple[str, ...]:
            with told("Availability Zones", target):
                found = self._clients("ec2", target).describe_availability_zones()
            zones = found["AvailabilityZones"]
            return tuple(sorted(zone["ZoneName"] for zone in zones if _is_plain(zone)))

        return self._firmly.read(read)

    def known_regions(self) -> frozenset[str]:
        return limits.known_regions()

    def regions(self, target: Target) -> Mapping[str, bool]:
        home = Target(target.account, limits.home_of(target.region))
        return limits.regions(self._clients("ec2", home), home)

    def holder(self, resource_type: str, name: str, target: Target) -> Holder:
        return limits.holder(self._clients, resource_type, name, target)

    def quota(self, resource_type: str, target: Target) -> tuple[int, int]:
        return limits.quota(self._clients, resource_type, target)

    def singleton(self, resource_type: str, target: Target) -> str:
        return limits.singleton(self._clients, resource_type, target)

    def trust(self, role: str, target: Target) -> frozenset[str] | None:
        return limits.trust(self._clients("iam", target), role, target)

    def importers(self, export: str, target: Target) -> tuple[str, ...]:
        return self._firmly.read(
            lambda: stacks.importers(self._cloudformation(target), export, target)
        )

    def stack_policy(self, stack_id: str, target: Target) -> str:
        return self._firmly.read(
            lambda: stacks.policy(self._cloudformation(target), stack_id, target)
        )

    def stacks(
        self,
        target: Target,
        names: frozenset[str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Mapping[str, Deployed]:
        return self._firmly.read(
            lambda: stacks.stacks(self._cloudformation(target), target, names, tags)
        )

    def stack(self, stack_id: str, target: Target) -> Deployed:
        return self._firmly.read(
            lambda: stacks.stack(self._cloudformation(target), stack_id, target)
        )

    def template(self, stack_id: str, target: Target) -> str:
        return self._firmly.read(
            lambda: stacks.template(self._cloudformation(target), stack_id, target)
        )

    def moving(self, target: Target) -> Mapping[str, StackStatus]:
        return self._firmly.look(lambda: stacks.moving(self._cloudformation(target), target))

    def resources(self, stack_id: str, target: Target) -> Mapping[str, tuple[str, str]]:
        return self._firmly.read(
            lambda: stacks.resources(self._cloudformation(target), stack_id, target)
        )

    def events(self, stack_id: str, target: Target, token: str) -> tuple[StackEvent, ...]:
        return self._firmly.look(
            lambda: stacks.events(self._cloudformation(target), stack_id, target, token)
        )

    def drift(self, stack_id: str, target: Target) -> StackDrift:
        return self._firmly.look(
            lambda: drift.detect(
                self._cloudformation(target), stack_id, target, self._patience, self._pace
            )
        )

    def identifiers(self, stack: Stack) -> Mapping[str, tuple[str, ...]]:
        body = self._hand_over(stack)
        return self._firmly.read(
            lambda: stacks.identifiers(self._cloudformation(stack.target), stack, body)
        )

    def remarks(self, subject: str, target: Target) -> tuple[Remark, ...]:
        kind = "ChangeSetName" if ":changeSet/" in subject else "OperationId"

        def read() -> tuple[Remark, ...]:
            with told(stacks.name_of(subject), target):
                return changes.remarks(self._cloudformation(target), **{kind: subject})

        return self._firmly.read(read)

    def handover_fault(self, stack: Stack) -> str:
        template = body_of(stack)
        if template.size <= artifacts.INLINE_LIMIT:
            return ""
        client = self._clients("s3", stack.target)
        try:
            return artifacts.fault(client, template, stack.target, self._artifact_bucket)
        except BlockedError as error:
            return str(error)

    def prepare(self, stack: Stack) -> None:
        self._hand_over(stack)

    def stage(self, request: ChangeRequest) -> ChangeSet | None:
        body = self._hand_over(request.stack)
        acknowledged = self._acknowledged(request.stack, body)
        made = self._firmly.write(
            lambda: change_sets.stage(
                self._cloudformation(request.stack.target),
                request,
                body,
                self._patience,
                self._pace,
                acknowledged,
            )
        )
        return replace(made, acknowledged=acknowledged) if made else None

    def change_set(self, arn: str, target: Target) -> tuple[ChangeSet, str] | None:
        return self._firmly.read(
            lambda: change_sets.find(self._cloudformation(target), arn, target)
        )

    def execute(
        self, change_set: ChangeSet, target: Target, token: str, *, updates: bool = False
    ) -> None:
        self._firmly.write(
            lambda: change_sets.execute(
                self._cloudformation(target), change_set, target, token, updates=updates
            )
        )

    def discard(self, change_set: ChangeSet, target: Target) -> None:
        change_sets.discard(self._cloudformation(target), change_set, target)

    def withdraw(self, stack: str, target: Target, token: str) -> bool:
        client = self._cloudformation(target)
        return self._firmly.read(lambda: change_sets.withdraw(client, stack, target, token))

    def delete(
        self, stack_id: str, target: Target, token: str, leaving: Leaving | None = None
    ) -> None:
        self._firmly.write(
            lambda: stacks.delete(self._cloudformation(target), stack_id, target, token, leaving)
        )

    def rollback(self, stack_id: str, target: Target, token: str) -> None:
        client = self._cloudformation(target)
        self._firmly.write(lambda: rollbacks.rollback(client, stack_id, target, token))

    def cancel(self, stack_id: str, target: Target, token: str) -> None:
        client = self._cloudformation(target)
        self._firmly.write(lambda: rollbacks.cancel(client, stack_id, target, token))

    def continue_rollback(
        self, stack_id: str, target: Target, token: str, *, skip: tuple[str, ...], force: bool
    ) -> None:
        client = self._cloudformation(target)
        self._firmly.write(
            lambda: rollbacks.continue_rollback(
                client, stack_id, target, token, skip=skip, force=force
            )
        )

    def set_stack_policy(self, stack_id: str, target: Target, policy: str) -> None:
        self._firmly.write(
            lambda: stacks.set_policy(self._cloudformation(target), stack_id, target, policy)
        )

    def protect(self, stack_id: str, target: Target, *, on: bool) -> None:
        with told(stacks.name_of(stack_id), target):
            self._cloudformation(target).update_termination_protection(
                StackName=stack_id, EnableTerminationProtection=on
            )

    def holds_objects(self, bucket: str, target: Target) -> bool:
        return buckets.holds_objects(self._clients("s3", target), bucket, target)

    def empty(self, bucket: str, target: Target) -> int:
        client = self._clients("s3", target)
        return buckets.empty(client, bucket, target, lambda: self._patience.interrupted)

    def _acknowledged(self, stack: Stack, body: Mapping[str, str]) -> Mapping[str, str]:
        """Return what has to be acknowledged where the service must tell it: asked once."""
        template = body_of(stack)
        if not (template.nests or template.transforms):
            return EMPTY
        with self._asking:
            if template.digest not in self._capabilities:
                client = self._cloudformation(stack.target)
                self._capabilities[template.digest] = capabilities.ask(
                    lambda: self._firmly.read(
                        lambda: capabilities.summary(client, body, stack.name, stack.target)
                    ),
                    template,
                )
            return self._capabilities[template.digest]

    def _hand_over(self, stack: Stack) -> Mapping[str, str]:
        template = body_of(stack)
        if template.size <= artifacts.INLINE_LIMIT:
            return {"TemplateBody": template.text}
        client = self._clients("s3", stack.target)
        return artifacts.hand_over(client, template, stack.target, self._artifact_bucket)


def _is_plain(zone: Mapping[str, Any]) -> bool:
    """Whether a zone is a usable Availability Zone: no Local Zone, none that needs opting in."""
    plain = zone.get("ZoneType", "availability-zone") == "availability-zone"
    opted = zone.get("OptInStatus", "opt-in-not-required") != "not-opted-in"
    return bool(plain and opted and zone.get("State", "available") == "available")
