"""The `Cloud` port, kept by boto3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.aws import artifacts, buckets, change_sets, changes, stacks
from tapcfn.aws.calls import told
from tapcfn.aws.session import Clients
from tapcfn.literal import body_of
from tapcfn.model import ChangeSet, Deployed, Stack, StackEvent, StackStatus, Target
from tapcfn.ports import ChangeRequest, Clock
from tapcfn.waits import Pace


class AwsCloud:
    """AWS, or an endpoint that behaves like it, through one set of clients."""

    def __init__(
        self,
        clients: Clients,
        clock: Clock,
        artifact_bucket: str | None = None,
        *,
        pace: Pace | None = None,
    ) -> None:
        self._clients = clients
        self._clock = clock
        self._artifact_bucket = artifact_bucket
        self._pace = pace

    def _cloudformation(self, target: Target) -> Any:
        return self._clients("cloudformation", target)

    def caller(self, target: Target) -> str:
        with told("credentials", target):
            return str(self._clients("sts", target).get_caller_identity()["Account"])

    def zones(self, target: Target) -> tuple[str, ...]:
        with told("Availability Zones", target):
            found = self._clients("ec2", target).describe_availability_zones()
        return tuple(
            sorted(zone["ZoneName"] for zone in found["AvailabilityZones"] if _is_plain(zone))
        )

    def stacks(self, target: Target, names: frozenset[str] | None = None) -> Mapping[str, Deployed]:
        return stacks.stacks(self._cloudformation(target), target, names)

    def stack(self, stack_id: str, target: Target) -> Deployed:
        return stacks.stack(self._cloudformation(target), stack_id, target)

    def template(self, stack_id: str, target: Target) -> str:
        return stacks.template(self._cloudformation(target), stack_id, target)

    def moving(self, target: Target) -> Mapping[str, StackStatus]:
        return stacks.moving(self._cloudformation(target), target)

    def resources(self, stack_id: str, target: Target) -> Mapping[str, tuple[str, str]]:
        return stacks.resources(self._cloudformation(target), stack_id, target)

    def events(self, stack_id: str, target: Target, token: str) -> tuple[StackEvent, ...]:
        return stacks.events(self._cloudformation(target), stack_id, target, token)

    def findings(self, stack_id: str, target: Target) -> tuple[tuple[str, str], ...]:
        with told(stacks.name_of(stack_id), target):
            return changes.findings(self._cloudformation(target), StackName=stack_id)

    def prepare(self, stack: Stack) -> None:
        self._hand_over(stack)

    def stage(self, request: ChangeRequest) -> ChangeSet | None:
        client = self._cloudformation(request.stack.target)
        body = self._hand_over(request.stack)
        return change_sets.stage(client, request, body, self._clock, self._pace)

    def change_set(self, arn: str, target: Target) -> tuple[ChangeSet, str] | None:
        return change_sets.find(self._cloudformation(target), arn, target)

    def execute(self, change_set: ChangeSet, target: Target, token: str) -> None:
        change_sets.execute(self._cloudformation(target), change_set, target, token)

    def discard(self, change_set: ChangeSet, target: Target) -> None:
        change_sets.discard(self._cloudformation(target), change_set, target)

    def delete(self, stack_id: str, target: Target, token: str) -> None:
        stacks.delete(self._cloudformation(target), stack_id, target, token)

    def protect(self, stack_id: str, target: Target, *, on: bool) -> None:
        with told(stacks.name_of(stack_id), target):
            self._cloudformation(target).update_termination_protection(
                StackName=stack_id, EnableTerminationProtection=on
            )

    def holds_objects(self, bucket: str, target: Target) -> bool:
        return buckets.holds_objects(self._clients("s3", target), bucket, target)

    def empty(self, bucket: str, target: Target) -> int:
        return buckets.empty(self._clients("s3", target), bucket, target)

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
