"""AWS Backup: a vault, a daily plan, and what the plan selects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from awacs.aws import StringEquals
from troposphere import GetAtt, Parameter, Ref, Sub, backup, iam

from tapcfn.templating import Template
from templates.layers import _iam
from templates.layers._retention import retained
from templates.layers._tags import tagged
from templates.layers._values import Value, value

# Databases and volumes are in the first of AWS's own policies, buckets in the second.
_POLICIES = (
    "service-role/AWSBackupServiceRolePolicyForBackup",
    "AWSBackupServiceRolePolicyForS3Backup",
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When backups start, in UTC, and after how many days they are moved and deleted.

    What cold storage does not take, such as databases, stays warm to the end.
    """

    expression: str = "cron(0 5 ? * * *)"
    cold_days: int = 30
    delete_days: int = 365


@dataclass(frozen=True, slots=True)
class Selection:
    """What is backed up: these ARNs, patterns among them, if they carry this tag."""

    resources: Sequence[Value]
    tag: tuple[str, str]


def add(
    template: Template,
    *,
    name: str,
    key: Parameter | Value,
    schedule: Schedule,
    selection: Selection,
    tags: Mapping[str, str],
    keep_data: bool,
) -> backup.BackupVault:
    """Add a vault under a key of this Region, and the plan that fills it every day."""
    vault = backup.BackupVault(
        "Vault",
        BackupVaultName=f"{name}-vault",
        EncryptionKeyArn=value(key),
        BackupVaultTags=dict(tags),
    )
    template.add(retained(vault, keep_data))
    plan = template.add(_plan(name, vault, schedule, tags))
    role = template.add(_role(tags))
    template.add(_selection(name, plan, role, selection))
    return vault


def _plan(
    name: str, vault: backup.BackupVault, schedule: Schedule, tags: Mapping[str, str]
) -> backup.BackupPlan:
    rule = backup.BackupRuleResourceType(
        RuleName="daily",
        TargetBackupVault=Ref(vault),
        ScheduleExpression=schedule.expression,
        Lifecycle=backup.LifecycleResourceType(
            MoveToColdStorageAfterDays=schedule.cold_days,
            DeleteAfterDays=schedule.delete_days,
        ),
    )
    return backup.BackupPlan(
        "Plan",
        BackupPlan=backup.BackupPlanResourceType(
            BackupPlanName=f"{name}-daily", BackupPlanRule=[rule]
        ),
        BackupPlanTags=dict(tags),
    )


def _role(tags: Mapping[str, str]) -> iam.Role:
    return iam.Role(
        "BackupRole",
        Description="Lets AWS Backup read what it backs up",
        AssumeRolePolicyDocument=_iam.trust(
            "backup.amazonaws.com", StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))
        ),
        ManagedPolicyArns=[
            Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{each}") for each in _POLICIES
        ],
        Tags=tagged(tags),
    )


def _selection(
    name: str, plan: backup.BackupPlan, role: iam.Role, selection: Selection
) -> backup.BackupSelection:
    key, wanted = selection.tag
    tag = backup.ConditionParameter(ConditionKey=f"aws:ResourceTag/{key}", ConditionValue=wanted)
    return backup.BackupSelection(
        "Selection",
        BackupPlanId=Ref(plan),
        BackupSelection=backup.BackupSelectionResourceType(
            SelectionName=f"{name}-data",
            IamRoleArn=GetAtt(role, "Arn"),
            Resources=list(selection.resources),
            Conditions=backup.Conditions(StringEquals=[tag]),
        ),
    )
