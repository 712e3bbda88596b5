"""What the roles are allowed: what tapcfn itself asks for, and no more than each is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from troposphere import Sub

from tapcfn.roles import (
    Policy,
    Scope,
    apply_policy,
    moves_policy,
    plan_policy,
)
from tapcfn.roles.calls import APPLIES, EMPTIES, EXECUTES, REMOVES, SPREADS
from templates.blueprints.delivery.systems import System

Statement = Mapping[str, Any]

# The parameter with the Regions that the roles act in.
REGIONS = "Regions"

# IAM names what has no name after its stack, whose own it may cut short: so much is left of it.
_KEPT_OF_A_NAME = 20

# So many characters of actions in one statement leave a policy room for the rest of it.
_ROOM = 5_000

# What makes or changes stacks without a change set; tapcfn never does.
_AROUND_CHANGE_SETS = ("cloudformation:CreateStack", "cloudformation:UpdateStack")


def to_plan(scope: Scope) -> tuple[Statement, ...]:
    """Return what plans need: to look, and to make and remove change sets.

    Not to remove stacks, which may have been deployed for all that IAM can tell: the empty stack
    that a change set for a new one makes stays for the next plan. What carries anything out is
    denied besides, whatever else the role is given.
    """
    looks = [each for each in _of(plan_policy(scope), scope) if each["Sid"] != "RemoveShells"]
    tables = (APPLIES, EMPTIES, EXECUTES, REMOVES, SPREADS)
    denied = {action for table in tables for found in table.values() for action in found}
    denied -= {"s3:ListBucketMultipartUploads"}
    never = _statement("NeverCarryOut", denied.union(_AROUND_CHANGE_SETS), ["*"], effect="Deny")
    return (*looks, never)


def to_deploy(scope: Scope, path: str) -> tuple[Statement, ...]:
    """Return what deploying needs; the roles of the delivery itself are not to be changed by it."""
    found = (*_of(apply_policy(scope), scope), *_of(moves_policy(scope), scope))
    own = [
        Sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:{kind}{path}*")
        for kind in ("role", "policy")
    ]
    provider = Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/*")
    changes = ("Add", "Attach", "Create", "Delete", "Detach", "Put", "Remove", "Set", "Tag")
    actions = {f"iam:{each}*" for each in (*changes, "Untag", "Update")}
    return (*found, _statement("NotItself", actions, [*own, provider], effect="Deny"))


def to_assume(roles: Sequence[str], resource: Any) -> tuple[Statement, ...]:
    """Return that roles in other accounts may be assumed; `resource` is the parameter they are."""
    if not roles:
        return ()
    return (_statement("SpeakForOtherAccounts", {"sts:AssumeRole"}, resource),)


def to_make(systems: Iterable[System]) -> tuple[Statement, ...]:
    """Return what the handlers of the systems' resources ask for.

    They do not say on which resources. Only what they do in IAM can be held to what their stacks
    have made, where those give no names of their own.
    """
    systems = tuple(systems)
    actions = {action for each in systems for action in each.resources.actions}
    about_iam = {each for each in actions if each.startswith("iam:")}
    starts = _all(_start(name) for each in systems for name in each.stack_names)
    resources: list[Any] = ["*"]
    if not any(each.resources.names_iam for each in systems):
        kinds = ("group", "instance-profile", "policy", "role", "user")
        owned = [f"{kind}/{start}*" for start in starts for kind in kinds]
        resources = [
            Sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:{each}")
            for each in [*owned, "role/aws-service-role/*"]
        ]
    return (
        *_cut("MakeIam", about_iam, resources),
        *_cut("Make", actions - about_iam, ["*"]),
    )


def _start(name: str) -> str:
    return name.removesuffix("*")[:_KEPT_OF_A_NAME]


def _all(found: Iterable[str]) -> list[str]:
    return sorted(set(found))


def _cut(name: str, actions: Iterable[str], resources: Any) -> tuple[Statement, ...]:
    """Return statements that each leave a policy room."""
    parts: list[list[str]] = []
    room = 0
    for action in sorted(actions, key=str.lower):
        if len(action) + 3 > room:
            parts.append([])
            room = _ROOM
        parts[-1].append(action)
        room -= len(action) + 3
    return tuple(
        _statement(f"{name}{number}", part, resources) for number, part in enumerate(parts, start=1)
    )


def _statement(
    name: str, actions: Iterable[str], resources: Any, *, effect: str = "Allow"
) -> Statement:
    listed = sorted(actions, key=str.lower)
    return {"Sid": name, "Effect": effect, "Action": listed, "Resource": resources}


def _of(policy: Policy, scope: Scope) -> list[Statement]:
    """Return a policy's statements for whichever account and partition the template is in."""
    return [_neutral(each, scope.account) for each in policy["Statement"]]


def _neutral(value: Any, account: str) -> Any:
    """Return a value without account, partition and Regions: AWS, and a parameter, tell these."""
    if isinstance(value, Mapping):
        return {
            key: {"Ref": REGIONS} if key == "aws:RequestedRegion" else _neutral(each, account)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_neutral(each, account) for each in value]
    if not isinstance(value, str):
        return value
    text = value.replace(account, "${AWS::AccountId}")
    text = re.sub(r"^arn:aws[a-z-]*:", "arn:${AWS::Partition}:", text)
    return text if text == value else Sub(text)
