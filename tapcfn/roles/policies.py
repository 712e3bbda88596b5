"""Policies from the tables of calls, narrowed to where a rollout goes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from awacs.aws import (
    Action,
    Allow,
    Condition,
    Null,
    PolicyDocument,
    Statement,
    StringEquals,
    StringEqualsIfExists,
    StringLike,
)

from tapcfn.model import (
    PROOF_KEY,
    Rollout,
)
from tapcfn.replacement import permissions
from tapcfn.roles import calls
from tapcfn.roles.scopes import Scope

Policy: TypeAlias = Mapping[str, Any]

# A change set of ours by its name, and as the ARN that calls name it by.
_OURS = ["tapcfn-*", "arn:*:cloudformation:*:*:changeSet/tapcfn-*"]


# The services that use keys for whoever asks.
_USING_KEYS = ("ec2", "rds", "s3", "secretsmanager")

# Kinds of actions on what a key of the customer's may encrypt.
_WITH_KEYS = ("comparisons", "copies", "databases", "proofs", "replicas")

# The characters that a managed policy may have, spaces not counted.
LONGEST = 6_144

DEPLOYER_NOTES = (
    "IAM cannot tell an empty stack that a preview made from a deployed one: DeleteStack stands in "
    "the plan role too, and termination protection is what keeps stacks with data.",
    "Where no service role is passed, CloudFormation works with the permissions of the apply "
    "role: give it, or the service role, what `role --execution` prints.",
    "Drift detection reads each resource: it asks for the resources' own read permissions.",
)

EXECUTION_NOTES = (
    "A superset: the permissions that the resource types' handlers declare for create, read, "
    "update, delete and list, whether a property is used or not, on all resources.",
    "iam:PassRole is among them where a type takes a role: narrow it to the roles of the rollout.",
)


def plan_policy(scope: Scope) -> Policy:
    """Return what the role that plans is allowed: to look, and to stage change sets of ours."""
    return _document(_plan_statements(scope))


def apply_policy(scope: Scope) -> Policy:
    """Return what the role that applies is allowed, too: to carry out, protect, empty and watch."""
    region = _in_regions(scope)
    named = [StringLike({"cloudformation:ChangeSetName": _OURS})]
    buckets = f"arn:{scope.partition}:s3:::*"
    return _document(
        [
            *_plan_statements(scope),
            _statement("LookAtGates", calls.GATES, ["*"], []),
            _statement("CarryOut", calls.EXECUTES, scope.stack_arns(), [*region, *named]),
            _statement("Protect", calls.APPLIES, scope.stack_arns(), region),
            _statement(
                "EmptyNamedBuckets", calls.EMPTIES, [buckets, f"{buckets}/*"], _in_account(scope)
            ),
            *_spread_statements(scope),
            *_told_statements(scope),
        ]
    )


def moves_policy(scope: Scope) -> Policy:
    """Return what a rollout's actions ask for: a policy of its own, beside that of who applies.

    Together they may be longer than a managed policy may be.
    """
    return _document([*_act_statements(scope), *_move_statements(scope)])


def execution_policy(rollout: Rollout) -> tuple[Policy, tuple[str, ...]]:
    """Return what the handlers of a rollout's types ask for, and the types that do not say."""
    templates = [stack.template for stack in rollout.stacks]
    templates += [stack.template for move in rollout.moves for stack in move.stacks]
    templates += [each.template for each in rollout.stack_sets]
    kinds = sorted({kind for template in templates for kind in template.resources.values()})
    by_kind = {kind: permissions(kind) for kind in kinds}
    actions = sorted({action for found in by_kind.values() for action in found}, key=str.lower)
    silent = tuple(kind for kind, found in by_kind.items() if not found)
    statement = _statement("Handlers", {"": actions}, ["*"], [])
    return _document([statement] if actions else []), silent


def _plan_statements(scope: Scope) -> list[Statement]:
    region, arns = _in_regions(scope), scope.stack_arns()
    ours = StringLike({"cloudformation:ChangeSetName": _OURS})
    role: Any = Null({"cloudformation:RoleArn": "true"})
    if scope.service_roles:
        role = StringEqualsIfExists({"cloudformation:RoleArn": list(scope.service_roles)})
    found = [
        _statement("Look", calls.LOOKS, ["*"], region),
        _statement("LookAnywhere", calls.LOOKS_ANYWHERE, ["*"], _in_account(scope)),
        _statement("Stage", calls.STAGES, arns, [*region, ours, role]),
        _statement("RemoveShells", calls.REMOVES, arns, [*region, role]),
    ]
    if scope.service_roles:
        service = [StringEquals({"iam:PassedToService": "cloudformation.amazonaws.com"})]
        roles = list(scope.service_roles)
        found.append(_statement("PassServiceRole", calls.PASSES, roles, service))
    if scope.stack_sets:
        found.append(_statement("LookAtSets", calls.LOOKS_AT_SETS, ["*"], region))
        found.append(_statement("LookAtOrganization", calls.LOOKS_AT_ORGANIZATION, ["*"], []))
    if scope.bucket:
        objects = [f"arn:{scope.partition}:s3:::{scope.bucket}/templates/*"]
        found.append(_statement("HandOverTemplates", calls.HANDS_OVER, objects, _in_account(scope)))
    return found


def _spread_statements(scope: Scope) -> list[Statement]:
    """Return what changes stack sets, and gives the service the role that administers them."""
    if not scope.stack_sets:
        return []
    found = [_statement("Spread", calls.SPREADS, scope.set_arns(), _in_regions(scope))]
    if scope.administration_roles:
        roles = list(scope.administration_roles)
        found.append(_statement("PassAdministrationRole", calls.PASSES, roles, []))
    return found


def _told_statements(scope: Scope) -> list[Statement]:
    """Return what tells others how a run went; a secret's ARN ends with characters of its own."""
    topics = [arn for arn in scope.told if ":sns:" in arn]
    secrets = [arn for arn in scope.told if arn not in topics]
    reads = {"": calls.READS_SECRETS["get_secret_value"]}
    asked = [("Tell", calls.TELLS, topics), ("ReadUrl", reads, secrets)]
    return [_statement(name, table, arns, []) for name, table, arns in asked if arns]


def _act_statements(scope: Scope) -> list[Statement]:
    """Return what the rollout's actions on databases and stages ask for, where it has any."""
    place, region = f"arn:{scope.partition}:{{}}:*:{scope.account}:", _in_regions(scope)
    found = []
    if scope.has_actions("databases") or scope.has_actions("database looks"):
        found.append(_statement("LookAtDatabases", calls.LOOKS_AT_DATABASES, ["*"], region))
    if scope.has_actions("databases"):
        kinds = ("auto-backup", "db", "og", "pg", "subgrp")
        arns = [place.format("rds") + f"{kind}:*" for kind in kinds]
        found.append(_statement("ChangeDatabases", calls.CHANGES_DATABASES, arns, region))
    if scope.has_actions("passwords"):
        secrets = [place.format("secretsmanager") + "secret:*"]
        found.append(_statement("ReadSecrets", calls.READS_SECRETS, secrets, region))
    if scope.has_actions("stages"):
        stages = [f"arn:{scope.partition}:apigateway:*::/restapis/*/stages/*"]
        found.append(_statement("ChangeStages", calls.CHANGES_STAGES, stages, region))
    return found


def _move_statements(scope: Scope) -> list[Statement]:
    """Return what the rollout's actions on objects, copies, groups and certificates ask for."""
    arn, region = f"arn:{scope.partition}:", _in_regions(scope)
    machines = [f"{arn}ec2:*:*:{kind}/*" for kind in ("image", "instance", "snapshot", "volume")]
    databases = [f"{arn}rds:*:{scope.account}:{kind}:*" for kind in ("db", "og", "snapshot")]
    secrets = [f"{arn}secretsmanager:*:{scope.account}:secret:*"]
    tables = [f"{arn}dynamodb:*:{scope.account}:table/*"]
    groups = [f"{arn}ec2:*:{scope.account}:security-group*/*"]
    looks = _union(
        scope,
        ("copies", calls.LOOKS_AT_COPIES),
        ("groups", calls.LOOKS_AT_GROUPS),
        ("certificates", calls.LOOKS_AT_CERTIFICATES),
    )
    asked = [
        ("LookAtMoves", looks, ["*"]),
        ("MoveObjects", _union(scope, ("objects", calls.MOVES_OBJECTS)), ["*"]),
        ("PutRules", _union(scope, ("rules", calls.PUTS_RULES)), [f"{arn}s3:::*"]),
        ("Prove", _union(scope, ("proofs", calls.PROVES)), [f"{arn}s3:::*/{PROOF_KEY}"]),
        ("CountItems", _union(scope, ("counts", calls.COUNTS)), tables),
        ("LookIntoBuckets", _union(scope, ("comparisons", calls.COMPARES)), [f"{arn}s3:::*"]),
        ("Copy", _union(scope, ("copies", calls.COPIES)), [*machines, *databases]),
        ("ReplicateSecrets", _union(scope, ("replicas", calls.REPLICATES_SECRETS)), secrets),
        ("LockGroups", _union(scope, ("groups", calls.LOCKS_GROUPS)), groups),
    ]
    found = [_statement(name, table, place, region) for name, table, place in asked if table]
    return [*found, *_lent_statements(scope)]


def _union(
    scope: Scope, *asked: tuple[str, Mapping[str, Iterable[str]]]
) -> dict[str, Iterable[str]]:
    """Return the tables of those kinds of actions that a scope has, as one."""
    found = [table for kind, table in asked if scope.has_actions(kind)]
    return {call: actions for table in found for call, actions in table.items()}


def _lent_statements(scope: Scope) -> list[Statement]:
    """Return what is lent to services: the role of a batch job, and keys for what is copied."""
    found = []
    if scope.has_actions("objects"):
        service = [StringEquals({"iam:PassedToService": "batchoperations.s3.amazonaws.com"})]
        roles = [f"arn:{scope.partition}:iam::{scope.account}:role/*"]
        found.append(_statement("PassBatchRole", calls.PASSES, roles, service))
    if scope.has_actions("rules"):
        service = [StringEquals({"iam:PassedToService": "s3.amazonaws.com"})]
        roles = [f"arn:{scope.partition}:iam::{scope.account}:role/*"]
        found.append(_statement("PassReplicationRole", calls.PASSES, roles, service))
    if any(scope.has_actions(kind) for kind in _WITH_KEYS):
        via = [StringLike({"kms:ViaService": [f"{name}.*" for name in _USING_KEYS]})]
        keys = [f"arn:{scope.partition}:kms:*:{scope.account}:key/*"]
        found.append(_statement("LendKeys", calls.KEYS, keys, via))
    return found


def _in_regions(scope: Scope) -> list[Any]:
    return [StringEquals({"aws:RequestedRegion": list(scope.regions)})] if scope.regions else []


def _in_account(scope: Scope) -> list[Any]:
    return [StringEquals({"aws:ResourceAccount": scope.account})] if scope.account != "*" else []


def _statement(
    name: str, table: Mapping[str, Iterable[str]], resources: list[str], conditions: list[Any]
) -> Statement:
    actions = sorted({action for found in table.values() for action in found}, key=str.lower)
    limits = {"Condition": Condition(conditions)} if conditions else {}
    return Statement(
        Sid=name,
        Effect=Allow,
        Action=[Action(*action.split(":", 1)) for action in actions],
        Resource=resources,
        **limits,
    )


def _document(statements: list[Statement]) -> Policy:
    """Return a policy; what is about no resource at all is none of it."""
    meant = [each for each in statements if each.properties["Resource"]]
    document = PolicyDocument(Version="2012-10-17", Statement=meant)
    policy: Policy = json.loads(document.to_json())
    return policy
