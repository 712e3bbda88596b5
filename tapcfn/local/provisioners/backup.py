"""AWS Backup: vaults, plans and what the plans select."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    document,
    flag,
    gone_is_fine,
    picked,
)

COLD_DAYS = 90  # how long AWS Backup keeps what has moved to cold storage, at least


def _api() -> Any:
    return calls.client("backup")


def _retag(arn: str, wanted: Wanted, prop: str) -> None:
    now, before = (dict(side.get(prop) or {}) for side in (wanted, wanted.before))
    if gone := sorted(before.keys() - now.keys()):
        _api().untag_resource(ResourceArn=arn, TagKeyList=gone)
    if put := {key: value for key, value in now.items() if before.get(key) != value}:
        _api().tag_resource(ResourceArn=arn, Tags=put)


# Vault --------------------------------------------------------------------------------------------


def _create_vault(wanted: Wanted) -> Made:
    name = wanted["BackupVaultName"]
    made = _api().create_backup_vault(
        BackupVaultName=name,
        BackupVaultTags=dict(wanted.get("BackupVaultTags") or {}),
        **picked(wanted.properties, "EncryptionKeyArn"),
    )
    try:
        _configure_vault(name, wanted)
    except Exception:
        _api().delete_backup_vault(BackupVaultName=name)
        raise
    return _made_vault(name, made["BackupVaultArn"])


def _update_vault(wanted: Wanted) -> Made:
    name = wanted.physical_id
    arn = _api().describe_backup_vault(BackupVaultName=name)["BackupVaultArn"]
    _configure_vault(name, wanted)
    _retag(arn, wanted, "BackupVaultTags")
    return _made_vault(name, arn)


def _configure_vault(name: str, wanted: Wanted) -> None:
    """Set or remove the policy, the notifications and the lock, where they differ."""
    api, vault = _api(), {"BackupVaultName": name}
    policy, topic, lock = map(wanted.get, ("AccessPolicy", "Notifications", "LockConfiguration"))
    if policy and wanted.changed("AccessPolicy"):
        api.put_backup_vault_access_policy(**vault, Policy=document(policy))
    elif wanted.changed("AccessPolicy"):
        api.delete_backup_vault_access_policy(**vault)
    if topic and wanted.changed("Notifications"):
        api.put_backup_vault_notifications(**vault, **topic)
    elif wanted.changed("Notifications"):
        api.delete_backup_vault_notifications(**vault)
    if lock and wanted.changed("LockConfiguration"):
        days = {key: int(value) for key, value in lock.items()}
        api.put_backup_vault_lock_configuration(**vault, **days)
    elif wanted.changed("LockConfiguration"):
        api.delete_backup_vault_lock_configuration(**vault)


def _made_vault(name: str, arn: str) -> Made:
    return Made(name, {"BackupVaultArn": arn, "BackupVaultName": name})


def _delete_vault(wanted: Wanted) -> None:
    with gone_is_fine():
        _api().delete_backup_vault(BackupVaultName=wanted.physical_id)


# Plan ---------------------------------------------------------------------------------------------


def _create_plan(wanted: Wanted) -> Made:
    plan = _plan(wanted)
    tags = dict(wanted.get("BackupPlanTags") or {})
    return _made_plan(_api().create_backup_plan(BackupPlan=plan, BackupPlanTags=tags))


def _update_plan(wanted: Wanted) -> Made:
    made = _api().update_backup_plan(BackupPlanId=wanted.physical_id, BackupPlan=_plan(wanted))
    _retag(made["BackupPlanArn"], wanted, "BackupPlanTags")
    return _made_plan(made)


def _plan(wanted: Wanted) -> dict[str, Any]:
    """Return the plan as the API spells it: other names, whole numbers."""
    said = wanted["BackupPlan"]
    made = picked(said, "BackupPlanName", "AdvancedBackupSettings")
    return made | {"Rules": [_rule(rule) for rule in said["BackupPlanRule"]]}


def _rule(said: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in said.items() if key != "TargetBackupVault"}
    made["TargetBackupVaultName"] = said["TargetBackupVault"]
    for minutes in ("StartWindowMinutes", "CompletionWindowMinutes"):
        if minutes in made:
            made[minutes] = int(made[minutes])
    if "EnableContinuousBackup" in made:
        made["EnableContinuousBackup"] = flag(made["EnableContinuousBackup"])
    if "Lifecycle" in made:
        made["Lifecycle"] = _lifecycle(made["Lifecycle"])
    if "CopyActions" in made:
        made["CopyActions"] = [
            {
                **copy,
                **({"Lifecycle": _lifecycle(copy["Lifecycle"])} if "Lifecycle" in copy else {}),
            }
            for copy in made["CopyActions"]
        ]
    return made


def _lifecycle(said: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        key: int(value) if key.endswith("Days") else flag(value) for key, value in said.items()
    }
    cold, end = made.get("MoveToColdStorageAfterDays"), made.get("DeleteAfterDays")
    if cold is not None and end is not None and 0 <= end < cold + COLD_DAYS:
        raise ResourceRefusedError(
            "Error in some rules due to : Invalid lifecycle. DeleteAfterDays cannot be less than "
            f"{COLD_DAYS} days apart from MoveToColdStorageAfterDays"
        )
    return made


def _made_plan(told: Mapping[str, Any]) -> Made:
    names = ("BackupPlanArn", "BackupPlanId", "VersionId")
    return Made(told["BackupPlanId"], {name: told[name] for name in names})


def _delete_plan(wanted: Wanted) -> None:
    with gone_is_fine():
        selections = _api().list_backup_selections(BackupPlanId=wanted.physical_id)
        if selections["BackupSelectionsList"]:
            raise ResourceRefusedError(
                "Related backup plan selections must be deleted prior to backup plan deletion "
                f"(Service: Backup, Status Code: 400, Request ID: {emulator.new_id()})"
            )
        _api().delete_backup_plan(BackupPlanId=wanted.physical_id)


# Selection ----------------------------------------------------------------------------------------


def _create_selection(wanted: Wanted) -> Made:
    """Say what a plan backs up; nothing of a selection can be changed."""
    said, plan = wanted["BackupSelection"], wanted["BackupPlanId"]
    names = ("SelectionName", "IamRoleArn", "Resources", "NotResources", "ListOfTags", "Conditions")
    made = _api().create_backup_selection(BackupPlanId=plan, BackupSelection=picked(said, *names))
    identifier = f"{made['SelectionId']}_{plan}"
    return Made(
        identifier,
        {"Id": identifier, "SelectionId": made["SelectionId"], "BackupPlanId": plan},
    )


def _delete_selection(wanted: Wanted) -> None:
    selection, _, plan = wanted.physical_id.partition("_")
    with gone_is_fine():
        _api().delete_backup_selection(BackupPlanId=plan, SelectionId=selection)


PROVISIONERS = (
    Provisioner(
        "AWS::Backup::BackupVault",
        create=_create_vault,
        update=_update_vault,
        delete=_delete_vault,
        create_only=("BackupVaultName", "EncryptionKeyArn"),
    ),
    Provisioner(
        "AWS::Backup::BackupPlan",
        create=_create_plan,
        update=_update_plan,
        delete=_delete_plan,
    ),
    Provisioner(
        "AWS::Backup::BackupSelection",
        create=_create_selection,
        delete=_delete_selection,
        create_only=("BackupPlanId", "BackupSelection"),
    ),
)
