"""Where an account's roles may act: the stacks, sets, Regions and actions of a rollout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tapcfn.model import (
    ADMINISTRATION_ROLE,
    CompareDatabases,
    CompareItems,
    CompareObjects,
    CopyDatabaseSnapshot,
    CopyImage,
    ProveReplication,
    Rollout,
    SelfManaged,
    Target,
)
from tapcfn.model import Action as Act

# Which actions ask for which of the tables of calls.
_ACTIONS: Mapping[str, frozenset[str]] = {
    "certificates": frozenset({"AwaitCertificate"}),
    "comparisons": frozenset({"CompareObjects"}),
    "counts": frozenset({"CompareItems"}),
    "copies": frozenset(
        {"CopyDatabaseSnapshot", "CopyImage", "SnapshotDatabase", "SnapshotVolumes"}
    ),
    "databases": frozenset(
        {
            *("FailoverDrill", "PromoteDatabase", "ResetPassword", "RestoreDrill"),
            *("RestoreReadOnly", "SetReadOnly"),
        }
    ),
    "database looks": frozenset({"CompareDatabases"}),
    "groups": frozenset({"LockDownDefaultGroup"}),
    "objects": frozenset({"ReplicateObjects"}),
    "proofs": frozenset({"ProveReplication"}),
    "passwords": frozenset({"ResetPassword"}),
    "replicas": frozenset({"ReplicateSecret"}),
    "rules": frozenset({"PutReplicationRule", "RemoveReplicationRule"}),
    "stages": frozenset({"PromoteCanary", "RemoveCanary"}),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an account's roles may act: its stacks, Regions and artifact bucket.

    Empty where nothing is known of it: any. `told` has the ARNs of topics and secrets by which it
    is told how runs went.
    """

    account: str = "*"
    stacks: tuple[str, ...] = ("*",)
    regions: tuple[str, ...] = ()
    bucket: str = "*"
    service_roles: tuple[str, ...] = ()
    stack_sets: tuple[str, ...] = ("*",)
    administration_roles: tuple[str, ...] = ()
    actions: tuple[str, ...] = ("*",)
    told: tuple[str, ...] = ()

    def has_actions(self, kind: str) -> bool:
        """Whether there are actions of a kind of `_ACTIONS`, or nothing is known of them."""
        return self.actions == ("*",) or bool(set(self.actions) & _ACTIONS[kind])

    @property
    def partition(self) -> str:
        """The partition of its Regions."""
        first = self.regions[0] if self.regions else ""
        if not first:
            return "*"
        known = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
        return next((name for start, name in known.items() if first.startswith(f"{start}-")), "aws")

    def stack_arns(self) -> list[str]:
        """Return the ARNs of its stacks, in any Region: a condition names those."""
        place = f"arn:{self.partition}:cloudformation:*:{self.account}:stack"
        return [f"{place}/{name}/*" for name in self.stacks]

    def set_arns(self) -> list[str]:
        """Return the ARNs of its stack sets, their targets, and the types that they may hold.

        In any account: the sets of a delegated administrator are the management account's.
        """
        place = f"arn:{self.partition}:cloudformation:*:*"
        kinds = ("stackset", "stackset-target")
        named = [f"{place}:{kind}/{name}:*" for kind in kinds for name in self.stack_sets]
        return [*named, f"{place}:type/resource/*"]


def scopes(rollout: Rollout, bucket: str | None, told: tuple[str, ...] = ()) -> tuple[Scope, ...]:
    """Return the scope of each account that the rollout goes to, or that a `told` ARN names."""
    places = {*rollout.targets, *(each.home for each in rollout.stack_sets)}
    places |= {_place_of(arn) for arn in told}
    places |= {place for act in acts_of(rollout) for place in _places(act)}
    return tuple(
        _scope(rollout, account, bucket or "", told)
        for account in sorted({place.account for place in places})
    )


def _place_of(arn: str) -> Target:
    _, _, _, region, account, *_ = arn.split(":")
    return Target(account, region)


def _scope(rollout: Rollout, account: str, bucket: str, told: tuple[str, ...]) -> Scope:
    moved = [stack for move in rollout.moves for stack in move.stacks]
    here = [stack for stack in (*rollout.stacks, *moved) if stack.target.account == account]
    sets = [each for each in rollout.stack_sets if each.home.account == account]
    acts = [act for act in acts_of(rollout) if account in {each.account for each in _places(act)}]
    places = {*(each.target for each in here), *(each.home for each in sets)}
    places |= {place for act in acts for place in _places(act)}
    named = [arn for arn in told if _place_of(arn).account == account]
    places |= {_place_of(arn) for arn in named}
    regions = {place.region for place in places if place.account == account}
    scope = Scope(
        account,
        tuple(sorted({stack.name for stack in here})),
        tuple(sorted(regions)),
        bucket.replace("{account}", account).replace("{region}", "*"),
        tuple(sorted({stack.options.service_role for stack in here} - {""})),
        tuple(sorted({each.name for each in sets})),
    )
    usual = f"arn:{scope.partition}:iam::{account}:role/{ADMINISTRATION_ROLE}"
    own = [each.permission for each in sets if isinstance(each.permission, SelfManaged)]
    passed = {each.administration_role or usual for each in own}
    return replace(
        scope,
        administration_roles=tuple(sorted(passed)),
        actions=tuple(sorted({type(act).__name__ for act in acts})),
        told=tuple(named),
    )


def acts_of(rollout: Rollout) -> tuple[Act, ...]:
    """Return the actions of all moves, and those on request."""
    moved = tuple(act for move in rollout.moves for act in move.actions)
    return (*moved, *rollout.actions)


def _places(act: Act) -> tuple[Target, ...]:
    """Return where an action acts: two buckets are compared, and copies come from elsewhere."""
    match act:
        case CompareDatabases() | CompareItems() | CompareObjects() | ProveReplication():
            return act.target, act.other
        case CopyDatabaseSnapshot() | CopyImage():
            return act.target, Target(act.target.account, act.source_region)
        case _:
            return (act.target,)
