"""Resource types that our templates use and the emulator lacks, or does not do well enough.

To add a type:

1. Write three small functions in the module of its service (or a new module): `create` and
   `update` take a `Wanted` and return a `Made` (physical id and attributes), `delete` takes a
   `Wanted` and returns nothing. They call the service through `calls.client("<service>")`, compare
   with `wanted.changed("Property")`, and let the service's refusals pass: they become the
   resource's failure, in the service's words. Nothing that a template says may be passed over.
2. Add a `Provisioner(...)` to the module's `PROVISIONERS` with the schema's `createOnlyProperties`,
   and a new module to `_MODULES` below.
3. Give it believable seconds in `time.DURATIONS`.
4. Add it to `tests/local/test_provisioners.py`: read back after create, after update, after delete.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.provisioners import ec2, kms, logs, native, s3, sns, vpc
from tapcfn.local.provisioners.resource import Made, Provisioner, Wanted, explained

_MODULES = (ec2, kms, logs, native, s3, sns, vpc)

_OURS = frozenset(each.type for module in _MODULES for each in module.PROVISIONERS)

# Types that no service of the emulator knows; their properties are kept, and nothing acts on them.
STORED_ONLY: tuple[str, ...] = ()

NOTES: tuple[str, ...] = (
    "A type outside the supported ones is refused by name before anything is created.",
    "Resources of one stack are made one after another; AWS works on several at a time.",
    "Nested stacks take no time, and their own resources have no corrected events.",
    "Replication, flow logs and metric filters are configured and readable, but move no data.",
    "S3 refuses properties that it does not model; other types of the emulator may pass over some.",
)


def install() -> None:
    """Register every provisioner with the emulator."""
    for module in _MODULES:
        for provisioner in module.PROVISIONERS:
            _register(provisioner)
    emulator.send_back_failed_updates(_OURS)


def is_ours(resource_type: str) -> bool:
    """Tell whether one of our provisioners makes this type."""
    return resource_type in _OURS


def supported() -> frozenset[str]:
    """Return the resource types that can be deployed."""
    return frozenset(emulator.RESOURCE_HANDLERS)


def _register(provisioner: Provisioner) -> None:
    handler: dict[str, Any] = {
        **emulator.native(provisioner.type),
        "create": _creating(provisioner),
        "delete": _deleting(provisioner),
    }
    handler.pop("update", None)
    handler.pop("delete_with_logical_id", None)
    if provisioner.update:
        handler |= {"update": _updating(provisioner, provisioner.update)}
        handler["update_with_logical_id"] = True
    emulator.RESOURCE_HANDLERS[provisioner.type] = handler
    emulator.REPLACING_PROPERTIES[provisioner.type] = provisioner.create_only
    if provisioner.conditional:
        emulator.CONDITIONALLY_REPLACING[provisioner.type] = provisioner.conditional
    if provisioner.tags:
        emulator.STACK_TAG_PROPERTY[provisioner.type] = (provisioner.tags, "list")


# The emulator's own shapes of the three calls -----------------------------------------------------


def _creating(provisioner: Provisioner) -> Callable[..., tuple[str, dict[str, Any]]]:
    def create(logical_id: str, properties: Any, stack: str) -> tuple[str, dict[str, Any]]:
        with explained():
            wanted = Wanted(provisioner.type, logical_id, stack, properties)
            return _plain(provisioner.create(wanted))

    return create


def _updating(
    provisioner: Provisioner, update: Callable[[Wanted], Made]
) -> Callable[..., tuple[str, dict[str, Any]]]:
    def apply(
        physical_id: str, old: Any, new: Any, stack: str, logical_id: str
    ) -> tuple[str, dict[str, Any]]:
        with explained():
            wanted = Wanted(provisioner.type, logical_id, stack, new, old, physical_id)
            return _plain(update(wanted))

    return apply


def _deleting(provisioner: Provisioner) -> Callable[[str, Any], None]:
    def delete(physical_id: str, properties: Any) -> None:
        with explained():
            wanted = Wanted(provisioner.type, "", "", properties, physical_id=physical_id)
            provisioner.delete(wanted)

    return delete


def _plain(made: Made) -> tuple[str, dict[str, Any]]:
    return made.physical_id, dict(made.attributes)
