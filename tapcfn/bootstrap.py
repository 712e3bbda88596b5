"""What a rollout's stack sets need before they can be deployed, as a rollout of its own.

Self-managed sets need two roles, and templates that are too large for a request a bucket. All are
ordinary stacks, planned, previewed and applied like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from tapcfn import artifact_buckets
from tapcfn.aws.artifacts import INLINE_LIMIT, bucket_of
from tapcfn.config import Common
from tapcfn.errors import BlockedError, UsageError
from tapcfn.intrinsics import partition_of
from tapcfn.model import (
    ADMINISTRATION_ROLE,
    EXECUTION_ROLE,
    Holder,
    ParameterValue,
    Phase,
    Rollout,
    SelfManaged,
    Stack,
    StackSet,
    Target,
    TemplateBody,
    digest_of,
)
from tapcfn.plan import Plan, Verb
from tapcfn.ports import Cloud
from tapcfn.stack_set_roles import Delivery, add_administration, add_execution
from tapcfn.templating import Template, body

PHASE = "bootstrap"

_LONGEST_NAME = 128

NOTES = (
    "The execution role may do what the resource types' handlers declare, on all resources but "
    "IAM's, which are held to what the stack sets make: a superset.",
    "A role that no template of the sets makes cannot be passed: what takes one needs a policy "
    "of its own for iam:PassRole.",
)


@dataclass(frozen=True, slots=True)
class Administrator:
    """One administration role, and the self-managed sets that are administered with it."""

    arn: str
    sets: tuple[StackSet, ...]

    @property
    def home(self) -> Target:
        """Where its stack goes: IAM is the same in all Regions."""
        return min(each.home for each in self.sets)

    @property
    def role(self) -> str:
        """The role's name."""
        return self.arn.rpartition("/")[2]

    @property
    def path(self) -> str:
        """The role's path."""
        return self.arn.partition(":role")[2].removesuffix(self.role)

    def using(self, execution: str) -> tuple[StackSet, ...]:
        """Return the sets whose execution role has this name."""
        return tuple(each for each in self.sets if _permission(each).execution_role == execution)

    @property
    def executions(self) -> tuple[str, ...]:
        """The names of the execution roles, sorted."""
        return tuple(sorted({_permission(each).execution_role for each in self.sets}))


def _permission(stack_set: StackSet) -> SelfManaged:
    assert isinstance(stack_set.permission, SelfManaged)
    return stack_set.permission


def administrators(rollout: Rollout) -> tuple[Administrator, ...]:
    """Return every administration role that the rollout's stack sets are administered with."""
    found: dict[str, list[StackSet]] = {}
    for each in rollout.stack_sets:
        if isinstance(each.permission, SelfManaged):
            found.setdefault(administration_arn(each), []).append(each)
    return tuple(Administrator(arn, tuple(sets)) for arn, sets in sorted(found.items()))


def administration_arn(stack_set: StackSet) -> str:
    """Return the ARN of the role that a self-managed set is administered with."""
    home = stack_set.home
    usual = f"arn:{partition_of(home.region)}:iam::{home.account}:role/{ADMINISTRATION_ROLE}"
    return _permission(stack_set).administration_role or usual


def bootstrap(rollout: Rollout, settings: Common) -> Rollout:
    """Return the stacks that must be there before the rollout's stack sets.

    Raises `UsageError` where nothing is needed, and `BlockedError` where two administrators would
    have one execution role in an account, or a role is none of its administrator's account.
    """
    found = administrators(rollout)
    _check(found)
    made = _Bootstrap(rollout, settings)
    stacks = (*made.buckets(), *(each for one in found for each in made.roles(one)))
    if not stacks:
        raise UsageError(
            f"{rollout.blueprint}: nothing is to be bootstrapped: it has no self-managed stack "
            "set, and no template that goes through an artifact bucket"
        )
    return Rollout(rollout.blueprint, _stage(rollout), (Phase(PHASE, stacks),))


def _stage(rollout: Rollout) -> str:
    """Return a stage of its own: what is left of one rollout is no orphan of the other."""
    return f"{rollout.stage}-{PHASE}"


def _check(found: tuple[Administrator, ...]) -> None:
    faults = [
        f"administration_role = {each.arn}: {stack_set.name} is administered in account "
        f"{stack_set.home.account}, and its role must be there"
        for each in found
        for stack_set in each.sets
        if each.arn.split(":")[4] != stack_set.home.account
    ]
    owner: dict[tuple[str, str], str] = {}
    for each in found:
        for role in each.executions:
            for account in _accounts(each.using(role)):
                if owner.setdefault((account, role), each.arn) != each.arn:
                    faults.append(
                        f"execution_role = {role}: in account {account} it would have two "
                        "administrators; name another one for each"
                    )
    if faults:
        raise BlockedError("\n".join(faults))


def _accounts(sets: tuple[StackSet, ...]) -> tuple[str, ...]:
    return tuple(sorted({pair.account for each in sets for pair in each.pairs}))


@dataclass(frozen=True, slots=True)
class _Bootstrap:
    """The rollout that is prepared for, and the settings that say how."""

    rollout: Rollout
    settings: Common

    def roles(self, administrator: Administrator) -> Iterator[Stack]:
        """Yield the administration role's stack, then the execution role's in each account.

        Nothing waits for anything: the roles name each other, and need not be there for that.
        """
        bounded = self.settings.permissions_boundary is not None
        template = Template("The role that administers stack sets")
        regions = {pair.region for each in administrator.sets for pair in each.pairs}
        add_administration(
            template,
            role=administrator.role,
            path=administrator.path,
            executions=administrator.executions,
            regions=regions | {each.home.region for each in administrator.sets},
            bounded=bounded,
        )
        label = _label("administration", administrator.role, ADMINISTRATION_ROLE)
        made = body(f"{label}-{administrator.home.account}", template)
        yield self._stack(label, administrator.home, made)
        for role in administrator.executions:
            sets = administrator.using(role)
            label = _label("execution", role, EXECUTION_ROLE)
            made = self._execution(label, role, sets, bounded=bounded)
            for account in _accounts(sets):
                yield self._stack(
                    f"{label}-{account}",
                    Target(account, administrator.home.region),
                    made,
                    {"AdministrationRoleArn": administrator.arn},
                )

    def _execution(
        self, label: str, role: str, sets: tuple[StackSet, ...], *, bounded: bool
    ) -> TemplateBody:
        """Return one template for all accounts, so that its bytes are reviewed once."""
        template = Template("The role that deploys the instances of stack sets")
        add_execution(template, self._delivery(sets), role=role, bounded=bounded)
        return body(label, template)

    def _delivery(self, sets: tuple[StackSet, ...]) -> Delivery:
        large = [each for each in sets if each.template.size > INLINE_LIMIT]
        pattern = self.settings.artifact_bucket
        buckets = {bucket_of(each.template, each.home, pattern) for each in large if pattern}
        return Delivery(
            tuple(sorted(each.name for each in sets)),
            _templates(sets),
            tuple(sorted(buckets)),
        )

    def buckets(self) -> Iterator[Stack]:
        """Yield the stack of each bucket that large templates go through.

        A set's template is handed over where the set is, and its previews where its instances are.
        """
        made = body("artifacts", artifact_buckets.build())
        readers: dict[str, set[str]] = {}
        owners: dict[str, Target] = {}
        for template, target, others in self._handed_over():
            name = bucket_of(template, target, self.settings.artifact_bucket)
            owner = owners.setdefault(name, target)
            readers.setdefault(name, set()).update({*others, target.account, owner.account})
        for name, owner in sorted(owners.items()):
            told = {"BucketName": name, "Readers": ",".join(sorted(readers[name]))}
            stack = self._stack(f"artifacts-{name}", owner, made, told)
            yield replace(stack, adopt=True)

    def _handed_over(self) -> Iterator[tuple[TemplateBody, Target, tuple[str, ...]]]:
        """Yield each large template, where it is handed over, and which accounts read it there."""
        if self.settings.artifact_bucket is None:
            return
        for each in self.rollout.stack_sets:
            if each.template.size > INLINE_LIMIT:
                yield each.template, each.home, _accounts((each,))
                for pair in sorted(each.pairs):
                    yield each.template, pair, ()
        for stack in self.rollout.stacks:
            if stack.template.size > INLINE_LIMIT:
                yield stack.template, stack.target, ()

    def _stack(
        self,
        name: str,
        target: Target,
        template: TemplateBody,
        parameters: Mapping[str, ParameterValue] | None = None,
    ) -> Stack:
        stage, blueprint = _stage(self.rollout), self.rollout.blueprint
        told = dict(parameters or {})
        boundary = self.settings.permissions_boundary
        if boundary and "PermissionsBoundary" in template.parameters:
            filled = boundary.replace("{account}", target.account)
            told["PermissionsBoundary"] = filled.replace("{partition}", partition_of(target.region))
        return Stack(
            _stack_name(stage, blueprint, name),
            target,
            template,
            told,
            {"tapcfn:blueprint": blueprint, "tapcfn:stage": stage},
        )


def _label(kind: str, role: str, usual: str) -> str:
    """Return what a role's stack is called: by its kind, and by its name if that is our own."""
    return kind if role == usual else f"{kind}-{role}"


def _stack_name(stage: str, blueprint: str, name: str) -> str:
    """Return a stack's name; one that is too long is cut, and ends in its digest."""
    whole = re.sub(r"[^A-Za-z0-9-]", "-", f"{stage}-{blueprint}-{name}")
    return whole if len(whole) <= _LONGEST_NAME else f"{whole[:119]}-{digest_of(whole)[:8]}"


def notes(found: Iterable[Administrator]) -> tuple[str, ...]:
    """Return what a reviewer should know of the policies."""
    sets = [stack_set for each in found for stack_set in each.sets]
    if not sets:
        return ()
    kinds = Delivery((), _templates(sets)).silent
    silent = (f"Their schemas name no permissions: {', '.join(kinds)}.",) if kinds else ()
    return (*NOTES, *silent)


def _templates(sets: Iterable[StackSet]) -> tuple[TemplateBody, ...]:
    found = {each.template.digest: each.template for each in sets}
    return tuple(found[key] for key in sorted(found))


def taken(planned: Plan, cloud: Cloud, pool: Executor) -> Mapping[str, str]:
    """Return the roles that would be made and are there already, by the name of their stack.

    Raises `CloudError` where that cannot be told.
    """
    asked = [
        (step.stack, resource["Properties"]["RoleName"])
        for step in planned.steps
        if step.verb is Verb.CREATE
        for resource in step.stack.template.document["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
    ]
    held = pool.map(lambda each: cloud.holder("AWS::IAM::Role", each[1], each[0].target), asked)
    return {
        stack.name: role
        for (stack, role), holder in zip(asked, held, strict=True)
        if holder is not Holder.NOBODY
    }
