"""The two roles of self-managed stack sets, assumed one after the other before each target.

CloudFormation becomes the administration role, and as that the execution role of the target's
account. To read the policies of the first takes calls, and so a worker thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.stack_sets.policies import Asked, Document, allows

SERVICE = "cloudformation.amazonaws.com"
ANY_REGION = "us-east-1"  # roles are the same in all, and one client is enough


@dataclass(frozen=True, slots=True)
class Administration:
    """The administration role as an operation found it; with a refusal, nobody became it."""

    arn: str
    policies: tuple[Document, ...] = ()
    refusal: str = ""

    @property
    def name(self) -> str:
        """The role's name, without its path."""
        return self.arn.rpartition("/")[2]

    @property
    def account(self) -> str:
        """The account that the role belongs to."""
        return self.arn.split(":")[4]


def administration(arn: str, stack_set_arn: str) -> Administration:
    """Become the administration role of the current account, or say why not.

    Once for a whole operation; what it may do is asked for each target.
    """
    role = _role(arn.rpartition("/")[2])
    account = emulator.account_id()
    context = {"aws:sourceaccount": account, "aws:sourcearn": stack_set_arn}
    service = Asked(arn, "Service", frozenset({SERVICE, _regional()}), context)
    if role is None or role["Arn"] != arn or not _trusts(role, service):
        return Administration(
            arn,
            refusal=f"Account {account} should have '{arn.rpartition('/')[2]}' role with trust "
            "relationship to CloudFormation service.",
        )
    return Administration(arn, policies=_policies(role["RoleName"]))


def refusal(administrator: Administration, execution_role: str) -> str:
    """Say why the current account's execution role can't be assumed; empty if it can."""
    if administrator.refusal:
        return administrator.refusal
    role = _role(execution_role)
    if role is not None and _may_become(administrator, role):
        return ""
    return (
        f"Account {emulator.account_id()} should have '{execution_role}' role with trust "
        f"relationship to Role '{administrator.name}'."
    )


def _may_become(administrator: Administration, role: Mapping[str, Any]) -> bool:
    """Tell whether the role lets the administration role in, and that may ask for it."""
    account = administrator.account
    names = {administrator.arn, account, f"arn:aws:iam::{account}:root"}
    context = {"aws:principalarn": administrator.arn, "aws:principalaccount": account}
    asked = Asked(role["Arn"], "AWS", frozenset(names), context)
    return _trusts(role, asked) and allows(administrator.policies, Asked(role["Arn"]))


def _regional() -> str:
    return f"cloudformation.{emulator.region()}.amazonaws.com"


def _trusts(role: Mapping[str, Any], asked: Asked) -> bool:
    return allows([role["AssumeRolePolicyDocument"]], asked)


def _role(name: str) -> Mapping[str, Any] | None:
    """Return IAM's own record: it is asked for at every target, and a call would cost the most."""
    return emulator.iam.role(name)


def _policies(role: str) -> tuple[Document, ...]:
    """Return what a role's own and attached policies say."""
    iam = calls.client("iam", region=ANY_REGION)
    inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return (
        *(iam.get_role_policy(RoleName=role, PolicyName=each)["PolicyDocument"] for each in inline),
        *(_managed(each["PolicyArn"]) for each in attached),
    )


def _managed(arn: str) -> Document:
    iam = calls.client("iam", region=ANY_REGION)
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    return dict(found["Document"])
