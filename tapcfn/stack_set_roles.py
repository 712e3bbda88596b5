"""The two roles of self-managed stack sets, as templates, with the least that will do.

They stand beside the deployer and not among the layers: what they allow follows from what will be
deployed through them, which only the deployer knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from awacs import sts
from awacs.aws import (
    Action,
    Allow,
    ArnEquals,
    ArnLike,
    Condition,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import Parameter, Ref, Select, Split, Sub, iam

from tapcfn.errors import TemplateError
from tapcfn.model import TemplateBody
from tapcfn.replacement import permissions
from tapcfn.roles import LONGEST
from tapcfn.schemas import is_action
from tapcfn.templating import Template

SERVICE = "cloudformation.amazonaws.com"

# A role takes so many managed policies. (IAM quota, default)
MOST_POLICIES = 10

# Regions that no account has to ask for. In others the service calls under the Region's own name.
STANDARD = frozenset(
    {
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
        *("ap-south-1", "ap-southeast-1", "ap-southeast-2"),
        *("ca-central-1", "sa-east-1"),
        *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1"),
    }
)

# What the schemas do not say: how CloudFormation reaches whoever provides a custom resource.
_CUSTOM = frozenset({"lambda:InvokeFunction", "sns:Publish"})

_ACCOUNT = "${AWS::AccountId}"
_IAM = "arn:${AWS::Partition}:iam::"
_CLOUDFORMATION = "arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What goes out through an execution role: the sets by name, their templates, and the buckets
    that templates are read from.
    """

    sets: tuple[str, ...]
    templates: tuple[TemplateBody, ...]
    buckets: tuple[str, ...] = ()

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that the handlers of all resource types declare, sorted.

        Without those that IAM has not: the schemas have a few misspelt ones.
        """
        declared = {action for kind in self._kinds for action in permissions(kind)}
        found = {action for action in declared if is_action(action)}
        if any(map(_is_custom, self._kinds)):
            found |= _CUSTOM
        return tuple(sorted(found, key=str.lower))

    @property
    def silent(self) -> tuple[str, ...]:
        """The resource types whose schemas name no actions, sorted."""
        kinds = (kind for kind in self._kinds if not permissions(kind) and not _is_custom(kind))
        return tuple(sorted(kinds))

    @property
    def names_iam(self) -> bool:
        """Whether a template gives an IAM resource a name of its own."""
        return any("CAPABILITY_NAMED_IAM" in each.capabilities for each in self.templates)

    @property
    def _kinds(self) -> frozenset[str]:
        return frozenset(kind for each in self.templates for kind in each.resources.values())


def _is_custom(kind: str) -> bool:
    return kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"


# The administrator --------------------------------------------------------------------------------


def add_administration(
    template: Template,
    *,
    role: str,
    executions: Iterable[str],
    regions: Iterable[str] = (),
    path: str = "/",
    bounded: bool = False,
    tags: Any = (),
) -> iam.Role:
    """Add the role that CloudFormation takes on to administer stack sets, and nothing else.

    It may become the execution roles of these names, whose own trust says in which accounts.
    `regions` are those of the targets.
    """
    may = Statement(
        Sid="BecomeExecutionRoles",
        Effect=Allow,
        Action=[sts.AssumeRole],
        Resource=[Sub(f"{_IAM}*:role/{name}") for name in sorted(set(executions))],
    )
    return template.add(
        iam.Role(
            "AdministrationRole",
            RoleName=role,
            Path=path,
            Description="CloudFormation administers stack sets with it",
            AssumeRolePolicyDocument=_document(_trust_service(regions)),
            Policies=[iam.Policy(PolicyName="assume", PolicyDocument=_document(may))],
            **_bound(template, bounded),
            **({"Tags": tags} if tags else {}),
        )
    )


def _trust_service(regions: Iterable[str]) -> Statement:
    """Let CloudFormation in, for stack sets of this account only; by Region where it asks so."""
    asked_for = sorted(set(regions) - STANDARD)
    names = [SERVICE, *(f"cloudformation.{region}.amazonaws.com" for region in asked_for)]
    source = Sub(f"{_CLOUDFORMATION}:stackset/*")
    return Statement(
        Sid="StackSetsOfThisAccount",
        Effect=Allow,
        Principal=Principal("Service", names if asked_for else SERVICE),
        Action=[sts.AssumeRole],
        Condition=Condition(
            [
                StringEquals({"aws:SourceAccount": Ref("AWS::AccountId")}),
                ArnLike({"aws:SourceArn": source}),
            ]
        ),
    )


# The targets --------------------------------------------------------------------------------------


def add_execution(
    template: Template,
    delivery: Delivery,
    *,
    role: str,
    administrator: Any = None,
    bounded: bool = False,
    tags: Any = (),
) -> iam.Role:
    """Add the role that creates, updates and deletes the instances' stacks in a target account.

    `administrator` is the ARN of the administration role; without it a parameter tells it. Raises
    `TemplateError` where what is needed does not fit into the policies that a role may have.
    """
    if administrator is None:
        administrator = Ref(
            template.add_parameter(
                Parameter(
                    "AdministrationRoleArn",
                    Type="String",
                    Description="ARN of the role that administers the stack sets",
                    AllowedPattern="arn:.+:role/.+",
                )
            )
        )
    policies = _managed(template, delivery)
    own = [iam.Policy(PolicyName="stacks", PolicyDocument=_document(*_stacks(delivery)))]
    return template.add(
        iam.Role(
            "ExecutionRole",
            RoleName=role,
            Description="CloudFormation deploys the instances of stack sets with it",
            AssumeRolePolicyDocument=_document(_trust_role(administrator)),
            Policies=own,
            ManagedPolicyArns=[Ref(each) for each in policies],
            **_bound(template, bounded),
            **({"Tags": tags} if tags else {}),
        )
    )


def _trust_role(administrator: Any) -> Statement:
    """Let one role in. Named by a condition, it may be made later, and be made anew."""
    account = Select(4, Split(":", administrator))
    return Statement(
        Sid="OneAdministrator",
        Effect=Allow,
        Principal=Principal("AWS", Sub(f"{_IAM}${{Administrator}}:root", Administrator=account)),
        Action=[sts.AssumeRole],
        Condition=Condition(ArnEquals({"aws:PrincipalArn": administrator})),
    )


def _stacks(delivery: Delivery) -> list[Statement]:
    """Return what CloudFormation itself needs: the instances' stacks, and their template."""
    found = [
        Statement(
            Sid="InstancesOfTheSets",
            Effect=Allow,
            Action=[Action("cloudformation", "*")],
            Resource=[Sub(f"{_CLOUDFORMATION}:stack/StackSet-{name}-*") for name in delivery.sets],
        ),
        Statement(
            Sid="ReadTemplates",
            Effect=Allow,
            Action=[
                Action("cloudformation", "GetTemplateSummary"),
                Action("cloudformation", "ValidateTemplate"),
            ],
            Resource=["*"],
        ),
    ]
    if delivery.buckets:
        arns = [Sub(f"arn:${{AWS::Partition}}:s3:::{each}/*") for each in delivery.buckets]
        found.append(
            Statement(
                Sid="FetchTemplates",
                Effect=Allow,
                Action=[Action("s3", "GetObject")],
                Resource=arns,
            )
        )
    return found


def _managed(template: Template, delivery: Delivery) -> list[iam.ManagedPolicy]:
    """Add the policies with what the resources' handlers ask for, as few as will hold it."""
    parts = [*_parts("Iam", delivery), *_parts("Resources", delivery)]
    if len(parts) > MOST_POLICIES:
        raise TemplateError(
            f"the execution role needs {len(parts)} managed policies, and a role may have "
            f"{MOST_POLICIES}; divide the stack sets among execution roles (execution_role)"
        )
    return [
        template.add(
            iam.ManagedPolicy(
                f"Handlers{number}",
                Description="What CloudFormation needs for the resources of the stack sets",
                PolicyDocument=_document(part),
            )
        )
        for number, part in enumerate(parts)
    ]


def _parts(kind: str, delivery: Delivery) -> list[Statement]:
    """Return statements that each fit into a managed policy.

    The handlers do not say on which resources. What IAM makes without a name is named after its
    stack, so that these actions can be held to what the sets make.
    """
    about_iam = kind == "Iam"
    actions = [each for each in delivery.actions if each.startswith("iam:") is about_iam]
    resources: Sequence[Any] = ["*"]
    if about_iam and not delivery.names_iam:
        kinds = ("group", "instance-profile", "policy", "role", "user")
        owned = [f"{_IAM}{_ACCOUNT}:{each}/StackSet-*" for each in kinds]
        resources = [Sub(each) for each in [*owned, f"{_IAM}{_ACCOUNT}:role/aws-service-role/*"]]
    return [
        Statement(
            Sid=kind,
            Effect=Allow,
            Action=[Action(*each.split(":", 1)) for each in part],
            Resource=resources,
        )
        for part in _cut(actions)
    ]


def _cut(actions: Sequence[str]) -> list[list[str]]:
    """Cut actions into lists that leave a policy room for the rest of it, 1,000 characters."""
    parts: list[list[str]] = []
    room = 0
    for action in actions:
        size = len(json.dumps(action)) + 1
        if size > room:
            parts.append([])
            room = LONGEST - 1_000
        parts[-1].append(action)
        room -= size
    return parts


def _bound(template: Template, bounded: bool) -> dict[str, Any]:
    """Return the boundary of a role, told by a parameter, if it has one."""
    if not bounded:
        return {}
    return {
        "PermissionsBoundary": Ref(
            template.add_parameter(
                Parameter(
                    "PermissionsBoundary",
                    Type="String",
                    Description="ARN of the policy that bounds the role",
                    AllowedPattern="arn:.+:policy/.+",
                )
            )
        )
    }


def _document(*statements: Statement) -> PolicyDocument:
    return PolicyDocument(Version="2012-10-17", Statement=list(statements))
