"""The least that the deployer must be allowed, and what CloudFormation needs for a rollout.

Two roles: one that plans, and one that applies. Every call of `tapcfn.aws` stands in a table here;
a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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

from tapcfn.model import Rollout
from tapcfn.replacement import permissions

Policy: TypeAlias = Mapping[str, Any]

# By call, what it needs. (Service Authorization Reference)
LOOKS = {
    "describe_addresses": ("ec2:DescribeAddresses",),
    "describe_availability_zones": ("ec2:DescribeAvailabilityZones",),
    "describe_change_set": ("cloudformation:DescribeChangeSet",),
    "describe_configuration_recorders": ("config:DescribeConfigurationRecorders",),
    "describe_delivery_channels": ("config:DescribeDeliveryChannels",),
    "describe_events": ("cloudformation:DescribeEvents",),
    "describe_log_groups": ("logs:DescribeLogGroups",),
    "describe_nat_gateways": ("ec2:DescribeNatGateways",),
    "describe_regions": ("ec2:DescribeRegions",),
    "describe_stack_drift_detection_status": ("cloudformation:DescribeStackDriftDetectionStatus",),
    "describe_stack_events": ("cloudformation:DescribeStackEvents",),
    "describe_stack_resource_drifts": ("cloudformation:DescribeStackResourceDrifts",),
    "describe_stacks": ("cloudformation:DescribeStacks",),
    "describe_table": ("dynamodb:DescribeTable",),
    "describe_vpcs": ("ec2:DescribeVpcs",),
    "detect_stack_drift": (
        "cloudformation:DetectStackDrift",
        "cloudformation:DetectStackResourceDrift",
    ),
    "get_account": ("apigateway:GET",),
    "get_service_quota": ("servicequotas:GetServiceQuota",),
    "get_stack_policy": ("cloudformation:GetStackPolicy",),
    "get_template": ("cloudformation:GetTemplate",),
    "get_template_summary": ("cloudformation:GetTemplateSummary",),
    "list_change_sets": ("cloudformation:ListChangeSets",),
    "list_imports": ("cloudformation:ListImports",),
    "list_stack_resources": ("cloudformation:ListStackResources",),
    "list_stacks": ("cloudformation:ListStacks",),
}

# IAM and S3's names of buckets are no Region's: a condition on one would deny them.
LOOKS_ANYWHERE = {
    "get_role": ("iam:GetRole",),
    "head_bucket": ("s3:ListBucket",),
    "list_object_versions": ("s3:ListBucketVersions",),
}

HANDS_OVER = {"head_object": ("s3:GetObject",), "put_object": ("s3:PutObject",)}

STAGES = {
    "create_change_set": ("cloudformation:CreateChangeSet",),
    "delete_change_set": ("cloudformation:DeleteChangeSet",),
}

REMOVES = {"delete_stack": ("cloudformation:DeleteStack",)}

EXECUTES = {"execute_change_set": ("cloudformation:ExecuteChangeSet",)}

APPLIES = {
    "continue_update_rollback": ("cloudformation:ContinueUpdateRollback",),
    "set_stack_policy": ("cloudformation:SetStackPolicy",),
    "rollback_stack": ("cloudformation:RollbackStack",),
    "update_termination_protection": ("cloudformation:UpdateTerminationProtection",),
}

EMPTIES = {
    "abort_multipart_upload": ("s3:AbortMultipartUpload",),
    "delete_objects": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "list_multipart_uploads": ("s3:ListBucketMultipartUploads",),
}

# What a call with a service role needs besides.
PASSES = {"": ("iam:PassRole",)}

# Needs no permission; is made on the local cloud only.
FREE = {"get_caller_identity": (), "create_bucket": ()}

TABLES = (LOOKS, LOOKS_ANYWHERE, HANDS_OVER, STAGES, REMOVES, EXECUTES, APPLIES, EMPTIES, FREE)

# A change set of ours by its name, and as the ARN that calls name it by.
_OURS = ["tapcfn-*", "arn:*:cloudformation:*:*:changeSet/tapcfn-*"]

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


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an account's roles may act: its stacks, Regions and artifact bucket.

    Empty where nothing is known of it: any.
    """

    account: str = "*"
    stacks: tuple[str, ...] = ("*",)
    regions: tuple[str, ...] = ()
    bucket: str = "*"
    service_roles: tuple[str, ...] = ()

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


def scopes(rollout: Rollout, bucket: str | None) -> tuple[Scope, ...]:
    """Return the scope of each account that the rollout goes to."""
    found = []
    for account in sorted({target.account for target in rollout.targets}):
        here = [stack for stack in rollout.stacks if stack.target.account == account]
        name = (bucket or "").replace("{account}", account).replace("{region}", "*")
        found.append(
            Scope(
                account,
                tuple(sorted({stack.name for stack in here})),
                tuple(sorted({stack.target.region for stack in here})),
                name,
                tuple(sorted({stack.options.service_role for stack in here} - {""})),
            )
        )
    return tuple(found)


def plan_policy(scope: Scope) -> Policy:
    """Return what the role that plans is allowed: to look, and to stage change sets of ours."""
    return _document(_plan_statements(scope))


def apply_policy(scope: Scope) -> Policy:
    """Return what the role that applies is allowed, too: to carry out, protect and empty."""
    region = _in_regions(scope)
    named = [StringLike({"cloudformation:ChangeSetName": _OURS})]
    buckets = f"arn:{scope.partition}:s3:::*"
    return _document(
        [
            *_plan_statements(scope),
            _statement("CarryOut", EXECUTES, scope.stack_arns(), [*region, *named]),
            _statement("Protect", APPLIES, scope.stack_arns(), region),
            _statement("EmptyNamedBuckets", EMPTIES, [buckets, f"{buckets}/*"], _in_account(scope)),
        ]
    )


def execution_policy(rollout: Rollout) -> tuple[Policy, tuple[str, ...]]:
    """Return what the handlers of a rollout's types ask for, and the types that do not say."""
    kinds = sorted({kind for stack in rollout.stacks for kind in stack.template.resources.values()})
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
        _statement("Look", LOOKS, ["*"], region),
        _statement("LookAnywhere", LOOKS_ANYWHERE, ["*"], _in_account(scope)),
        _statement("Stage", STAGES, arns, [*region, ours, role]),
        _statement("RemoveShells", REMOVES, arns, [*region, role]),
    ]
    if scope.service_roles:
        service = [StringEquals({"iam:PassedToService": "cloudformation.amazonaws.com"})]
        roles = list(scope.service_roles)
        found.append(_statement("PassServiceRole", PASSES, roles, service))
    if scope.bucket:
        objects = [f"arn:{scope.partition}:s3:::{scope.bucket}/templates/*"]
        found.append(_statement("HandOverTemplates", HANDS_OVER, objects, _in_account(scope)))
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
    document = PolicyDocument(Version="2012-10-17", Statement=statements)
    policy: Policy = json.loads(document.to_json())
    return policy
