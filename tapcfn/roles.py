"""The least that the deployer must be allowed, and what CloudFormation needs for a rollout.

Two roles: one that plans, and one that applies. Every call of `tapcfn.aws` stands in a table here;
a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
    ADMINISTRATION_ROLE,
    CompareObjects,
    CopyDatabaseSnapshot,
    CopyImage,
    Rollout,
    SelfManaged,
    Target,
)
from tapcfn.model import Action as Act
from tapcfn.replacement import permissions

Policy: TypeAlias = Mapping[str, Any]

# By call, what it needs. (Service Authorization Reference)
LOOKS = {
    "describe_account_limits": ("cloudformation:DescribeAccountLimits",),
    "describe_addresses": ("ec2:DescribeAddresses",),
    "describe_availability_zones": ("ec2:DescribeAvailabilityZones",),
    "describe_change_set": ("cloudformation:DescribeChangeSet",),
    "describe_change_set_hooks": ("cloudformation:DescribeChangeSetHooks",),
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
    "get_hook_result": ("cloudformation:GetHookResult",),
    "get_service_quota": ("servicequotas:GetServiceQuota",),
    "get_stack_policy": ("cloudformation:GetStackPolicy",),
    "get_template": ("cloudformation:GetTemplate",),
    "get_template_summary": ("cloudformation:GetTemplateSummary",),
    "list_change_sets": ("cloudformation:ListChangeSets",),
    "list_hook_results": ("cloudformation:ListHookResults",),
    "list_imports": ("cloudformation:ListImports",),
    "list_stack_resources": ("cloudformation:ListStackResources",),
    "list_stacks": ("cloudformation:ListStacks",),
}

# IAM and S3's names of buckets are no Region's: a condition on one would deny them.
LOOKS_ANYWHERE = {
    "get_group": ("iam:GetGroup",),
    "get_instance_profile": ("iam:GetInstanceProfile",),
    "get_role": ("iam:GetRole",),
    "get_user": ("iam:GetUser",),
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
    "cancel_update_stack": ("cloudformation:CancelUpdateStack",),
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

# What gates look at, in whatever Region has it: metrics of Route 53 are in one only.
GATES = {
    "describe_alarms": ("cloudwatch:DescribeAlarms",),
    "describe_target_health": ("elasticloadbalancing:DescribeTargetHealth",),
    "get_health_check_status": ("route53:GetHealthCheckStatus",),
    "get_metric_data": ("cloudwatch:GetMetricData",),
}

# Stack sets: what reads them, and what a drift detection reads.
LOOKS_AT_SETS = {
    "describe_organizations_access": ("cloudformation:DescribeOrganizationsAccess",),
    "describe_stack_instance": ("cloudformation:DescribeStackInstance",),
    "describe_stack_set": ("cloudformation:DescribeStackSet",),
    "describe_stack_set_operation": ("cloudformation:DescribeStackSetOperation",),
    "detect_stack_set_drift": ("cloudformation:DetectStackSetDrift",),
    "list_stack_instance_resource_drifts": ("cloudformation:ListStackInstanceResourceDrifts",),
    "list_stack_instances": ("cloudformation:ListStackInstances",),
    "list_stack_set_auto_deployment_targets": ("cloudformation:ListStackSetAutoDeploymentTargets",),
    "list_stack_set_operation_results": ("cloudformation:ListStackSetOperationResults",),
    "list_stack_set_operations": ("cloudformation:ListStackSetOperations",),
}

# The organization is no Region's, and is its management account's. Without the last action the
# service says that a delegated administrator is none. (terraform-provider-aws 32536)
LOOKS_AT_ORGANIZATION = {
    "describe_organization": ("organizations:DescribeOrganization",),
    "list_accounts_for_parent": ("organizations:ListAccountsForParent",),
    "list_organizational_units_for_parent": (
        "organizations:ListDelegatedAdministrators",
        "organizations:ListOrganizationalUnitsForParent",
    ),
}

SPREADS = {
    "create_stack_instances": ("cloudformation:CreateStackInstances",),
    "create_stack_set": ("cloudformation:CreateStackSet",),
    "delete_stack_instances": ("cloudformation:DeleteStackInstances",),
    "delete_stack_set": ("cloudformation:DeleteStackSet",),
    "import_stacks_to_stack_set": ("cloudformation:ImportStacksToStackSet",),
    "stop_stack_set_operation": ("cloudformation:StopStackSetOperation",),
    "update_stack_instances": ("cloudformation:UpdateStackInstances",),
    "update_stack_set": ("cloudformation:UpdateStackSet",),
}

# Actions on databases; what RDS tells of a failover stands among its events.
LOOKS_AT_DATABASES = {
    "describe_db_instances": ("rds:DescribeDBInstances", "rds:DescribeEvents"),
    "describe_db_parameters": ("rds:DescribeDBParameters",),
}

CHANGES_DATABASES = {
    "add_tags_to_resource": ("rds:AddTagsToResource",),
    "delete_db_instance": ("rds:DeleteDBInstance", "rds:DeleteDBInstanceAutomatedBackup"),
    "modify_db_instance": ("rds:ModifyDBInstance",),
    "modify_db_parameter_group": ("rds:ModifyDBParameterGroup",),
    "promote_read_replica": ("rds:PromoteReadReplica",),
    "reboot_db_instance": ("rds:RebootDBInstance",),
    "restore_db_instance_to_point_in_time": ("rds:RestoreDBInstanceToPointInTime",),
}

READS_SECRETS = {
    "describe_secret": ("secretsmanager:DescribeSecret",),
    "get_secret_value": ("secretsmanager:GetSecretValue",),
}

# Actions on the stages of REST APIs.
CHANGES_STAGES = {"get_stage": ("apigateway:GET",), "update_stage": ("apigateway:PATCH",)}

# Actions on what is moved: objects, images, volumes, snapshots. To look at an object closer is
# `head_object`, above, and with its checksum it asks for its key.
MOVES_OBJECTS = {
    "create_job": ("s3:CreateJob",),
    "describe_job": ("s3:DescribeJob",),
    "list_jobs": ("s3:ListJobs",),
}

COMPARES = {"list_objects_v2": ("s3:GetObject", "s3:ListBucket")}

LOOKS_AT_COPIES = {
    "describe_db_snapshots": ("rds:DescribeDBSnapshots",),
    "describe_images": ("ec2:DescribeImages",),
    "describe_instances": ("ec2:DescribeInstances",),
    "describe_snapshots": ("ec2:DescribeSnapshots",),
}

COPIES = {
    "copy_db_snapshot": (
        *("rds:AddTagsToResource", "rds:CopyDBSnapshot", "rds:ListTagsForResource"),
    ),
    "copy_image": ("ec2:CopyImage",),
    "create_db_snapshot": ("rds:CreateDBSnapshot",),
    "create_snapshots": ("ec2:CreateSnapshots", "ec2:CreateTags"),
}

# `describe_secret` is above; a replica needs it, and no value.
REPLICATES_SECRETS = {
    "replicate_secret_to_regions": (
        *("secretsmanager:DescribeSecret", "secretsmanager:ReplicateSecretToRegions"),
    ),
}

# Actions on default security groups, and on certificates that others issue.
LOOKS_AT_GROUPS = {"describe_security_groups": ("ec2:DescribeSecurityGroups",)}

LOCKS_GROUPS = {
    "revoke_security_group_egress": ("ec2:RevokeSecurityGroupEgress",),
    "revoke_security_group_ingress": ("ec2:RevokeSecurityGroupIngress",),
}

LOOKS_AT_CERTIFICATES = {"describe_certificate": ("acm:DescribeCertificate",)}

# What services do with a key for whoever copies what it encrypts.
KEYS = {
    "": (
        *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"),
        *("kms:GenerateDataKey*", "kms:ReEncrypt*"),
    ),
}

# Needs no permission; is made on the local cloud only.
FREE = {"get_caller_identity": (), "create_bucket": ()}

TABLES = (
    *(LOOKS, LOOKS_ANYWHERE, HANDS_OVER, STAGES, REMOVES, EXECUTES, APPLIES, EMPTIES),
    *(GATES, LOOKS_AT_SETS, LOOKS_AT_ORGANIZATION, SPREADS, FREE),
    *(LOOKS_AT_DATABASES, CHANGES_DATABASES, READS_SECRETS, CHANGES_STAGES),
    *(MOVES_OBJECTS, COMPARES, LOOKS_AT_COPIES, COPIES, REPLICATES_SECRETS),
    *(LOOKS_AT_GROUPS, LOCKS_GROUPS, LOOKS_AT_CERTIFICATES),
)

# A change set of ours by its name, and as the ARN that calls name it by.
_OURS = ["tapcfn-*", "arn:*:cloudformation:*:*:changeSet/tapcfn-*"]

# Which actions ask for which of the tables above.
_ACTIONS: Mapping[str, frozenset[str]] = {
    "certificates": frozenset({"AwaitCertificate"}),
    "comparisons": frozenset({"CompareObjects"}),
    "copies": frozenset(
        {"CopyDatabaseSnapshot", "CopyImage", "SnapshotDatabase", "SnapshotVolumes"}
    ),
    "databases": frozenset(
        {"FailoverDrill", "PromoteDatabase", "ResetPassword", "RestoreDrill", "SetReadOnly"}
    ),
    "groups": frozenset({"LockDownDefaultGroup"}),
    "objects": frozenset({"ReplicateObjects"}),
    "passwords": frozenset({"ResetPassword"}),
    "replicas": frozenset({"ReplicateSecret"}),
    "stages": frozenset({"AbortCanary", "PromoteCanary", "RedeployApi", "StartCanary"}),
}

# The services that use keys for whoever asks.
_USING_KEYS = ("ec2", "rds", "s3", "secretsmanager")

# Kinds of actions on what a key of the customer's may encrypt.
_WITH_KEYS = ("comparisons", "copies", "databases", "replicas")

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
    stack_sets: tuple[str, ...] = ("*",)
    administration_roles: tuple[str, ...] = ()
    actions: tuple[str, ...] = ("*",)

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


def scopes(rollout: Rollout, bucket: str | None) -> tuple[Scope, ...]:
    """Return the scope of each account that the rollout goes to."""
    places = {*rollout.targets, *(each.home for each in rollout.stack_sets)}
    places |= {place for act in _acts(rollout) for place in _places(act)}
    return tuple(
        _scope(rollout, account, bucket or "")
        for account in sorted({place.account for place in places})
    )


def _scope(rollout: Rollout, account: str, bucket: str) -> Scope:
    here = [stack for stack in rollout.stacks if stack.target.account == account]
    sets = [each for each in rollout.stack_sets if each.home.account == account]
    acts = [act for act in _acts(rollout) if account in {each.account for each in _places(act)}]
    places = {*(each.target for each in here), *(each.home for each in sets)}
    places |= {place for act in acts for place in _places(act)}
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
    )


def _acts(rollout: Rollout) -> tuple[Act, ...]:
    return tuple(act for move in rollout.moves for act in move.actions)


def _places(act: Act) -> tuple[Target, ...]:
    """Return where an action acts: two buckets are compared, and copies come from elsewhere."""
    match act:
        case CompareObjects():
            return act.target, act.other
        case CopyDatabaseSnapshot() | CopyImage():
            return act.target, Target(act.target.account, act.source_region)
        case _:
            return (act.target,)


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
            _statement("LookAtGates", GATES, ["*"], []),
            _statement("CarryOut", EXECUTES, scope.stack_arns(), [*region, *named]),
            _statement("Protect", APPLIES, scope.stack_arns(), region),
            _statement("EmptyNamedBuckets", EMPTIES, [buckets, f"{buckets}/*"], _in_account(scope)),
            *_spread_statements(scope),
            *_act_statements(scope),
            *_move_statements(scope),
        ]
    )


def execution_policy(rollout: Rollout) -> tuple[Policy, tuple[str, ...]]:
    """Return what the handlers of a rollout's types ask for, and the types that do not say."""
    templates = [stack.template for stack in rollout.stacks]
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
        _statement("Look", LOOKS, ["*"], region),
        _statement("LookAnywhere", LOOKS_ANYWHERE, ["*"], _in_account(scope)),
        _statement("Stage", STAGES, arns, [*region, ours, role]),
        _statement("RemoveShells", REMOVES, arns, [*region, role]),
    ]
    if scope.service_roles:
        service = [StringEquals({"iam:PassedToService": "cloudformation.amazonaws.com"})]
        roles = list(scope.service_roles)
        found.append(_statement("PassServiceRole", PASSES, roles, service))
    if scope.stack_sets:
        found.append(_statement("LookAtSets", LOOKS_AT_SETS, ["*"], region))
        found.append(_statement("LookAtOrganization", LOOKS_AT_ORGANIZATION, ["*"], []))
    if scope.bucket:
        objects = [f"arn:{scope.partition}:s3:::{scope.bucket}/templates/*"]
        found.append(_statement("HandOverTemplates", HANDS_OVER, objects, _in_account(scope)))
    return found


def _spread_statements(scope: Scope) -> list[Statement]:
    """Return what changes stack sets, and gives the service the role that administers them."""
    if not scope.stack_sets:
        return []
    found = [_statement("Spread", SPREADS, scope.set_arns(), _in_regions(scope))]
    if scope.administration_roles:
        roles = list(scope.administration_roles)
        found.append(_statement("PassAdministrationRole", PASSES, roles, []))
    return found


def _act_statements(scope: Scope) -> list[Statement]:
    """Return what the rollout's actions on databases and stages ask for, where it has any."""
    place, region = f"arn:{scope.partition}:{{}}:*:{scope.account}:", _in_regions(scope)
    found = []
    if scope.has_actions("databases"):
        found.append(_statement("LookAtDatabases", LOOKS_AT_DATABASES, ["*"], region))
        kinds = ("auto-backup", "db", "og", "pg", "subgrp")
        arns = [place.format("rds") + f"{kind}:*" for kind in kinds]
        found.append(_statement("ChangeDatabases", CHANGES_DATABASES, arns, region))
    if scope.has_actions("passwords"):
        secrets = [place.format("secretsmanager") + "secret:*"]
        found.append(_statement("ReadSecrets", READS_SECRETS, secrets, region))
    if scope.has_actions("stages"):
        stages = [f"arn:{scope.partition}:apigateway:*::/restapis/*/stages/*"]
        found.append(_statement("ChangeStages", CHANGES_STAGES, stages, region))
    return found


def _move_statements(scope: Scope) -> list[Statement]:
    """Return what the rollout's actions on objects, copies, groups and certificates ask for."""
    arn, region = f"arn:{scope.partition}:", _in_regions(scope)
    machines = [f"{arn}ec2:*:*:{kind}/*" for kind in ("image", "instance", "snapshot", "volume")]
    databases = [f"{arn}rds:*:{scope.account}:{kind}:*" for kind in ("db", "og", "snapshot")]
    secrets = [f"{arn}secretsmanager:*:{scope.account}:secret:*"]
    groups = [f"{arn}ec2:*:{scope.account}:security-group*/*"]
    looks = _union(
        scope,
        ("copies", LOOKS_AT_COPIES),
        ("groups", LOOKS_AT_GROUPS),
        ("certificates", LOOKS_AT_CERTIFICATES),
    )
    asked = [
        ("LookAtMoves", looks, ["*"]),
        ("MoveObjects", _union(scope, ("objects", MOVES_OBJECTS)), ["*"]),
        ("LookIntoBuckets", _union(scope, ("comparisons", COMPARES)), [f"{arn}s3:::*"]),
        ("Copy", _union(scope, ("copies", COPIES)), [*machines, *databases]),
        ("ReplicateSecrets", _union(scope, ("replicas", REPLICATES_SECRETS)), secrets),
        ("LockGroups", _union(scope, ("groups", LOCKS_GROUPS)), groups),
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
        found.append(_statement("PassBatchRole", PASSES, roles, service))
    if any(scope.has_actions(kind) for kind in _WITH_KEYS):
        via = [StringLike({"kms:ViaService": [f"{name}.*" for name in _USING_KEYS]})]
        keys = [f"arn:{scope.partition}:kms:*:{scope.account}:key/*"]
        found.append(_statement("LendKeys", KEYS, keys, via))
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
