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
4. Test it in the module of its service in `tests/local/`: read back after create, after update,
   after delete.

What the service itself does not do well enough is a matter of `tapcfn.local.services`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local import emulator, services
from tapcfn.local.provisioners import (
    accelerators,
    alarms,
    backup,
    certificates,
    config_rules,
    dns,
    dynamodb,
    ec2,
    endpoints,
    function_access,
    functions,
    health_checks,
    iam,
    instances,
    kms,
    launch_templates,
    load_balancers,
    logs,
    native,
    nested,
    peering,
    rds,
    rest_api,
    rest_api_clients,
    rest_api_stages,
    s3,
    s3_policies,
    scaling,
    secrets,
    shield,
    sns,
    sqs,
    trails,
    vpc,
    waf,
)
from tapcfn.local.provisioners.resource import Adoption, Made, Provisioner, Wanted, explained

_MODULES = (
    accelerators,
    alarms,
    backup,
    certificates,
    config_rules,
    dns,
    dynamodb,
    ec2,
    endpoints,
    function_access,
    functions,
    health_checks,
    iam,
    instances,
    kms,
    launch_templates,
    load_balancers,
    logs,
    native,
    nested,
    peering,
    rds,
    rest_api,
    rest_api_clients,
    rest_api_stages,
    s3,
    s3_policies,
    scaling,
    secrets,
    shield,
    sns,
    sqs,
    trails,
    vpc,
    waf,
)

_OURS = frozenset(each.type for module in _MODULES for each in module.PROVISIONERS)

# Types that no service of the emulator knows; their properties are kept, and nothing acts on them.
STORED_ONLY: tuple[str, ...] = (
    "AWS::GlobalAccelerator::Accelerator",
    "AWS::GlobalAccelerator::EndpointGroup",
    "AWS::GlobalAccelerator::Listener",
    "AWS::Shield::Protection",
)

NOTES: tuple[str, ...] = (
    "A type outside the supported ones is refused by name before anything is created.",
    "Resources of one stack are made one after another; AWS works on several at a time.",
    "A nested stack that cannot be created is deleted at once, even where nothing is rolled back.",
    "Instances are records that run nothing: they are healthy at once, and the signals that Auto "
    "Scaling groups and their update policies wait for are taken as sent.",
    "Replication, flow logs and metric filters are configured and readable, but move no data.",
    "Databases are records that run nothing: snapshots and replicas hold no data.",
    "Nothing happens as time goes by: no rotation, no backup and no scheduled action.",
    "A certificate is issued at once; without a HostedZoneId its stack waits on AWS.",
    "Config rules are not evaluated, trails and delivery channels deliver nothing.",
    "Every account is taken as subscribed to Shield Advanced; a fault can say otherwise.",
    "S3 refuses properties that it does not model; other types of the emulator may pass over some.",
)


def install() -> None:
    """Teach the services what the emulator's leave out, and register every provisioner."""
    services.install()
    for module in _MODULES:
        for provisioner in module.PROVISIONERS:
            _register(provisioner)
    emulator.steps.wrap_operations(nested.renewed)
    emulator.steps.send_back_failed_updates(_OURS)
    emulator.steps.snapshot_replaced()
    emulator.handlers.let_paths_replace()


def is_ours(resource_type: str) -> bool:
    """Tell whether one of our provisioners makes this type."""
    return resource_type in _OURS


def supported() -> frozenset[str]:
    """Return the resource types that can be deployed."""
    return frozenset(emulator.handlers.RESOURCE_HANDLERS)


def _register(provisioner: Provisioner) -> None:
    handler: dict[str, Any] = {
        **emulator.handlers.native(provisioner.type),
        "create": _creating(provisioner),
        "delete": _deleting(provisioner),
    }
    handler.pop("update", None)
    handler.pop("delete_with_logical_id", None)
    if provisioner.update:
        handler |= {"update": _updating(provisioner, provisioner.update)}
        handler["update_with_logical_id"] = True
    if provisioner.snapshot:
        handler["snapshot"] = provisioner.snapshot
    if provisioner.adoption:
        handler["import"] = _adopting(provisioner.adoption)
        known = provisioner.adoption
        emulator.handlers.let_adopt(provisioner.type, known.key, known.is_there)
    emulator.handlers.RESOURCE_HANDLERS[provisioner.type] = handler
    emulator.handlers.REPLACING_PROPERTIES[provisioner.type] = provisioner.create_only
    if provisioner.conditional:
        emulator.handlers.CONDITIONALLY_REPLACING[provisioner.type] = provisioner.conditional
    if provisioner.replacing:
        emulator.handlers.refuse_replacing_named(provisioner.type, provisioner.replacing)
    if provisioner.tags:
        emulator.handlers.STACK_TAG_PROPERTY[provisioner.type] = (provisioner.tags, "list")


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


def _adopting(adoption: Adoption) -> Callable[[Mapping[str, str]], tuple[str, dict[str, Any]]]:
    return lambda identifier: _plain(adoption.take(identifier))


def _plain(made: Made) -> tuple[str, dict[str, Any]]:
    return made.physical_id, dict(made.attributes)
