"""How a repository on GitHub deploys without a key of its own: OIDC, and a role for each purpose.

GitHub signs a token for each job and says in its subject where the job comes from: a pull request,
a branch, an environment that somebody approves. A role's trust names the subjects it is for, whole:
a wildcard would let another branch, or another repository, in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from awacs import sts
from awacs.aws import Allow, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import GetAtt, Output, Ref, Sub, iam

from tapcfn.errors import TemplateError
from tapcfn.templating import Template
from templates.layers import _iam
from templates.layers._tags import tagged
from templates.layers._values import Value

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"

# The characters that a managed policy may have, and how many a role may be given. (IAM quotas)
LONGEST = 6_144
MOST_POLICIES = 10

# What a policy document has around its statements, and each statement after it.
_AROUND = 60

_SECURITY_AUDIT = "arn:${AWS::Partition}:iam::aws:policy/SecurityAudit"


class Out(StrEnum):
    """What the pipelines are told."""

    PLAN_ROLE = "PlanRoleArn"
    DEPLOY_ROLE = "DeployRoleArn"
    SERVICE_ROLE = "ServiceRoleArn"


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository on GitHub: `owner/name`, or `owner@id/name@id` where subjects have ids."""

    name: str
    branch: str = "main"
    environments: tuple[str, ...] = ("production",)

    @property
    def planning(self) -> tuple[str, ...]:
        """The subjects of jobs that only look: of pull requests, and of the branch."""
        return (f"repo:{self.name}:pull_request", f"repo:{self.name}:ref:refs/heads/{self.branch}")

    @property
    def deploying(self) -> tuple[str, ...]:
        """The subjects of jobs that an environment's rules have let through."""
        return tuple(f"repo:{self.name}:environment:{each}" for each in self.environments)


@dataclass(frozen=True, slots=True)
class Purpose:
    """A role's name in the template, what it is for, and what its policies and path are.

    `audits` gives it AWS's own policy for reading what resources are like.
    """

    title: str
    description: str
    policies: tuple[iam.ManagedPolicy, ...]
    path: str
    boundary: Value = ""
    hours: int = 1
    audits: bool = False


def add_provider(template: Template, *, tags: Mapping[str, str]) -> Value:
    """Add the identity provider for GitHub's tokens, which an account has one of; return its ARN.

    Without thumbprints: IAM holds GitHub's certificate against authorities that it trusts.
    """
    made = template.add(
        iam.OIDCProvider(
            "GitHub", Url=f"https://{ISSUER}", ClientIdList=[AUDIENCE], Tags=tagged(tags)
        )
    )
    return GetAtt(made, "Arn")


def existing_provider() -> Value:
    """Return the ARN of the provider that the account has already."""
    return Sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:oidc-provider/{ISSUER}")


def trust(provider: Value, subjects: Iterable[str]) -> PolicyDocument:
    """Return the trust in tokens for AWS whose subject is one of these, letter for letter."""
    return _iam.document(
        Statement(
            Effect=Allow,
            Principal=Principal("Federated", provider),
            Action=[sts.AssumeRoleWithWebIdentity],
            Condition=Condition(
                StringEquals({f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": list(subjects)})
            ),
        )
    )


def add_policies(
    template: Template, title: str, path: str, statements: Sequence[Mapping[str, Any]]
) -> tuple[iam.ManagedPolicy, ...]:
    """Add statements, each whole, as managed policies: as many as it takes to hold them."""
    return tuple(
        template.add(
            iam.ManagedPolicy(
                f"{title}Policy{number}",
                Path=path,
                Description=f"{title}: part {number}",
                PolicyDocument={"Version": _iam.VERSION, "Statement": part},
            )
        )
        for number, part in enumerate(packed(statements), start=1)
    )


def add_role(
    template: Template,
    purpose: Purpose,
    provider: Value,
    subjects: Iterable[str],
    out: Out,
    *,
    tags: Mapping[str, str],
) -> iam.Role:
    """Add a role for the jobs of these subjects, and tell its ARN.

    Raises `TemplateError` where it has more policies than a role may have.
    """
    return _add(template, purpose, trust(provider, subjects), out, tags)


def add_service_role(template: Template, purpose: Purpose, *, tags: Mapping[str, str]) -> iam.Role:
    """Add the role that CloudFormation works with, so that the deployer's own can do less."""
    trusted = _iam.trust(
        "cloudformation.amazonaws.com", StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))
    )
    return _add(template, purpose, trusted, Out.SERVICE_ROLE, tags)


def _add(
    template: Template,
    purpose: Purpose,
    trusted: PolicyDocument,
    out: Out,
    tags: Mapping[str, str],
) -> iam.Role:
    arns: list[Value] = [Ref(each) for each in purpose.policies]
    arns += [Sub(_SECURITY_AUDIT)] if purpose.audits else []
    if len(arns) > MOST_POLICIES:
        raise TemplateError(
            f"{purpose.title}: needs {len(arns)} managed policies, and a role may have "
            f"{MOST_POLICIES}; divide the systems among more than one delivery"
        )
    bound: dict[str, Any] = {}
    if purpose.boundary:
        bound["PermissionsBoundary"] = purpose.boundary
    role = template.add(
        iam.Role(
            purpose.title,
            Path=purpose.path,
            Description=purpose.description,
            AssumeRolePolicyDocument=trusted,
            ManagedPolicyArns=arns,
            MaxSessionDuration=purpose.hours * 3600,
            Tags=tagged(tags),
            **bound,
        )
    )
    template.add_output(
        Output(str(out), Description=purpose.description, Value=GetAtt(role, "Arn"))
    )
    return role


def packed(statements: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return the statements in their order, in as few policies as will hold them.

    Raises `TemplateError` naming a statement that is too long for any.
    """
    parts: list[list[Mapping[str, Any]]] = []
    room = 0
    for each in statements:
        size = _size(each)
        if size > LONGEST - _AROUND:
            raise TemplateError(
                f"statement {each.get('Sid', '')}: {size} characters; a managed policy takes "
                f"{LONGEST - _AROUND}"
            )
        if size > room:
            parts.append([])
            room = LONGEST - _AROUND
        parts[-1].append(each)
        room -= size
    return parts


def _size(statement: Mapping[str, Any]) -> int:
    """Return how long a statement can be once its functions are worked out."""
    return len(json.dumps(statement, separators=(",", ":"), default=lambda each: each.to_dict()))
