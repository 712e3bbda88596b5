"""What AWS Backup does and the emulator's leaves out: a vault's policy, notifications and lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import unquote

from tapcfn.local import emulator
from tapcfn.local.services import table
from tapcfn.local.services.records import Record
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.table import Asked

_POLICY, _TOPIC, _KEPT = "_access_policy", "_notifications", "_deletion"


def _put_policy(vault: Record, asked: Asked) -> Record:
    vault[_POLICY] = asked["Policy"]
    return {}


def _get_policy(vault: Record, _: Asked) -> Record:
    if not vault.get(_POLICY):
        raise _missing(f"Backup vault {vault['BackupVaultName']} has no access policy.")
    return _named(vault) | {"Policy": vault[_POLICY]}


def _drop_policy(vault: Record, _: Asked) -> Record:
    vault.pop(_POLICY, None)
    return {}


def _put_topic(vault: Record, asked: Asked) -> Record:
    vault[_TOPIC] = {name: asked[name] for name in ("SNSTopicArn", "BackupVaultEvents")}
    return {}


def _get_topic(vault: Record, _: Asked) -> Record:
    if not vault.get(_TOPIC):
        raise _missing(f"Backup vault {vault['BackupVaultName']} has no notifications.")
    return {**_named(vault), **vault[_TOPIC]}


def _drop_topic(vault: Record, _: Asked) -> Record:
    vault.pop(_TOPIC, None)
    return {}


def _lock(vault: Record, asked: Asked) -> Record:
    limits = ("MinRetentionDays", "MaxRetentionDays")
    vault |= {"Locked": True} | {name: asked[name] for name in limits if name in asked}
    return {}


def _unlock(vault: Record, _: Asked) -> Record:
    for name in ("MinRetentionDays", "MaxRetentionDays"):
        vault.pop(name, None)
    vault["Locked"] = False
    return {}


def _named(vault: Record) -> Record:
    return {name: vault[name] for name in ("BackupVaultName", "BackupVaultArn")}


def _missing(message: str) -> RefusedError:
    return RefusedError("ResourceNotFoundException", message)


# Installation -------------------------------------------------------------------------------------

_PART = 3  # /backup-vaults/NAME/PART


def _pick(verb: str, path: str, _: str) -> table.Act | None:
    """Find an action for a part of a vault that is there, or for the deletion of one."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    vault = emulator.backup.vaults().get(parts[1]) if parts[1:] else None
    if vault is None or parts[0] != "backup-vaults":
        return None
    if verb == "DELETE" and len(parts) < _PART:
        return partial(_delete, vault)
    act = _ACTIONS.get((verb, parts[2])) if len(parts) == _PART else None
    return partial(act, vault) if act else None


def _delete(vault: Record, _: Asked) -> None:
    if vault["NumberOfRecoveryPoints"]:
        message = "Backup vault cannot be deleted because it contains recovery points."
        raise RefusedError("InvalidRequestException", message)


_ACTIONS: Mapping[tuple[str, str], Callable[[Record, Asked], Record]] = {
    ("PUT", "access-policy"): _put_policy,
    ("GET", "access-policy"): _get_policy,
    ("DELETE", "access-policy"): _drop_policy,
    ("PUT", "notification-configuration"): _put_topic,
    ("GET", "notification-configuration"): _get_topic,
    ("DELETE", "notification-configuration"): _drop_topic,
    ("PUT", "vault-lock"): _lock,
    ("DELETE", "vault-lock"): _unlock,
}

install = partial(table.install_picked, "backup", _pick)
