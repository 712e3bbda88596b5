"""AWS Backup: vaults, plans and selections, read back by AWS Backup itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    Aws,
    deploy,
    destroy,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)

ROLE = "arn:aws:iam::000000000000:role/backup"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "backup:DeleteRecoveryPoint"},
    ],
}
VAULT = {
    "BackupVaultName": "tap-vault",
    "EncryptionKeyArn": "arn:aws:kms:us-east-1:000000000000:key/one",
    "AccessPolicy": POLICY,
    "Notifications": {
        "SNSTopicArn": "arn:aws:sns:us-east-1:000000000000:told",
        "BackupVaultEvents": ["BACKUP_JOB_COMPLETED"],
    },
    "LockConfiguration": {"MinRetentionDays": 7},
    "BackupVaultTags": {"kind": "vault"},
}
RULE = {
    "RuleName": "daily",
    "TargetBackupVault": {"Ref": "Vault"},
    "ScheduleExpression": "cron(0 5 ? * * *)",
    "StartWindowMinutes": "60",
    "Lifecycle": {"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 365},
}
SELECTION = {
    "SelectionName": "all",
    "IamRoleArn": ROLE,
    "Resources": ["arn:aws:rds:us-east-1:000000000000:db:tap"],
    "ListOfTags": [
        {"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "yes"}
    ],
    "Conditions": {
        "StringEquals": [{"ConditionKey": "aws:ResourceTag/env", "ConditionValue": "prod"}]
    },
}


def backups(
    vault: dict[str, Any] = VAULT,
    rule: dict[str, Any] = RULE,
    selection: dict[str, Any] = SELECTION,
    **tags: str,
) -> str:
    plan = {"BackupPlanName": "tap", "BackupPlanRule": [rule]}
    chosen = {"BackupPlanId": {"Ref": "Plan"}, "BackupSelection": selection}
    return template(
        {
            "Vault": resource("Backup::BackupVault", vault),
            "Plan": resource("Backup::BackupPlan", {"BackupPlan": plan, "BackupPlanTags": tags}),
            "Selection": resource("Backup::BackupSelection", chosen),
        },
        Outputs={
            "VaultArn": {"Value": {"Fn::GetAtt": ["Vault", "BackupVaultArn"]}},
            "PlanArn": {"Value": {"Fn::GetAtt": ["Plan", "BackupPlanArn"]}},
            "Version": {"Value": {"Fn::GetAtt": ["Plan", "VersionId"]}},
            "SelectionId": {"Value": {"Fn::GetAtt": ["Selection", "SelectionId"]}},
        },
    )


def test_backups(aws: Aws):
    """Vault, plan and selection are readable as the template says, change, and go."""
    cloudformation, api = aws.client("cloudformation"), aws.client("backup")
    made = deploy(cloudformation, "stack", backups(kind="plan"))
    assert made["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, "stack")
    told, ids = outputs(made), physical_ids(cloudformation, "stack")
    vault = api.describe_backup_vault(BackupVaultName="tap-vault")

    assert vault["EncryptionKeyArn"] == VAULT["EncryptionKeyArn"]
    assert (vault["Locked"], vault["MinRetentionDays"]) == (True, 7)
    assert vault["BackupVaultArn"] == told["VaultArn"]
    policy = api.get_backup_vault_access_policy(BackupVaultName="tap-vault")["Policy"]
    assert json.loads(policy) == POLICY
    topic = api.get_backup_vault_notifications(BackupVaultName="tap-vault")
    assert topic["BackupVaultEvents"] == ["BACKUP_JOB_COMPLETED"]
    assert api.list_tags(ResourceArn=told["VaultArn"])["Tags"]["kind"] == "vault"

    plan = api.get_backup_plan(BackupPlanId=ids["Plan"])
    assert plan["BackupPlan"]["BackupPlanName"] == "tap"
    assert plan["BackupPlan"]["Rules"] == [
        {
            "RuleName": "daily",
            "TargetBackupVaultName": "tap-vault",
            "ScheduleExpression": "cron(0 5 ? * * *)",
            "StartWindowMinutes": 60,
            "Lifecycle": {"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 365},
        }
    ]
    assert (plan["BackupPlanArn"], plan["VersionId"]) == (told["PlanArn"], told["Version"])
    assert api.list_tags(ResourceArn=told["PlanArn"])["Tags"]["kind"] == "plan"

    chosen = api.get_backup_selection(BackupPlanId=ids["Plan"], SelectionId=told["SelectionId"])
    seen = chosen["BackupSelection"]
    assert {name: seen[name] for name in SELECTION} == SELECTION
    assert ids["Selection"] == f"{told['SelectionId']}_{ids['Plan']}"

    changed = deploy(
        cloudformation,
        "stack",
        backups(
            {key: VAULT[key] for key in ("BackupVaultName", "EncryptionKeyArn")},
            RULE | {"ScheduleExpression": "cron(0 6 ? * * *)"},
            SELECTION | {"Resources": ["*"]},
            kind="other",
        ),
    )
    assert changed["StackStatus"] == "UPDATE_COMPLETE", failures(cloudformation, "stack")
    after = physical_ids(cloudformation, "stack")
    rules = api.get_backup_plan(BackupPlanId=after["Plan"])["BackupPlan"]["Rules"]

    assert (after["Vault"], after["Plan"]) == (ids["Vault"], ids["Plan"])
    assert [rule["ScheduleExpression"] for rule in rules] == ["cron(0 6 ? * * *)"]
    assert outputs(changed)["Version"] != told["Version"]
    assert api.list_tags(ResourceArn=told["PlanArn"])["Tags"]["kind"] == "other"
    assert "kind" not in api.list_tags(ResourceArn=told["VaultArn"])["Tags"]
    assert api.describe_backup_vault(BackupVaultName="tap-vault")["Locked"] is False
    with pytest.raises(ClientError, match="no access policy"):
        api.get_backup_vault_access_policy(BackupVaultName="tap-vault")
    with pytest.raises(ClientError, match="no notifications"):
        api.get_backup_vault_notifications(BackupVaultName="tap-vault")

    assert after["Selection"] != ids["Selection"]
    listed = api.list_backup_selections(BackupPlanId=after["Plan"])["BackupSelectionsList"]
    assert [each["SelectionId"] for each in listed] == [outputs(changed)["SelectionId"]]

    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert api.list_backup_plans()["BackupPlansList"] == []
    assert api.list_backup_vaults()["BackupVaultList"] == []


def test_what_stands_in_the_way_of_a_deletion(aws: Aws):
    """A vault with recovery points and a plan that others select with stay."""
    cloudformation, api = aws.client("cloudformation"), aws.client("backup")
    made = deploy(cloudformation, "stack", backups())
    plan = physical_ids(cloudformation, "stack")["Plan"]
    api.create_backup_selection(BackupPlanId=plan, BackupSelection=SELECTION)
    api.start_backup_job(
        BackupVaultName="tap-vault", ResourceArn="arn:aws:rds:::db:tap", IamRoleArn=ROLE
    )
    gone = destroy(cloudformation, made["StackId"])
    reasons = failures(cloudformation, made["StackId"])

    assert gone["StackStatus"] == "DELETE_FAILED"
    assert "selections must be deleted prior" in reasons["Plan"]
    assert api.get_backup_plan(BackupPlanId=plan)["BackupPlanId"] == plan

    with pytest.raises(ClientError, match="contains recovery points"):
        api.delete_backup_vault(BackupVaultName="tap-vault")


@pytest.mark.parametrize(
    ("body", "blamed", "reason"),
    [
        (backups(VAULT | {"BackupVaultName": "taken"}), "Vault", "already exists"),
        (
            backups(
                rule=RULE | {"Lifecycle": {"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 60}}
            ),
            "Plan",
            "cannot be less than 90 days apart",
        ),
    ],
)
def test_refused(aws: Aws, body: str, blamed: str, reason: str):
    """A name that is taken, and backups that would leave cold storage too soon."""
    cloudformation, api = aws.client("cloudformation"), aws.client("backup")
    api.create_backup_vault(BackupVaultName="taken")
    deploy(cloudformation, "stack", body)

    assert reason in failures(cloudformation, "stack")[blamed]
    assert [each["BackupVaultName"] for each in api.list_backup_vaults()["BackupVaultList"]] == [
        "taken"
    ]
