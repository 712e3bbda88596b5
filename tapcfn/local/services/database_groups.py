"""RDS: what it refuses about subnet groups and parameter groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

_FAMILY = re.compile(
    r"mysql(5\.7|8\.0|8\.4)|postgres1[2-8]|mariadb(10\.(5|6|11)|11\.(4|8))"
    r"|aurora-mysql(5\.7|8\.0)|aurora-postgresql1[2-8]"
    r"|oracle-(ee|se2)(-cdb)?-(19|21)|sqlserver-(ee|se|ex|web)-1[3-6]\.0"
)


def _create_subnets(asked: Value, do: Do) -> Value:
    name = asked["DBSubnetGroupName"]
    if name in emulator.rds.store("_subnet_groups"):
        message = f"The DB subnet group '{name}' already exists."
        raise RefusedError("DBSubnetGroupAlreadyExists", message)
    return _change_subnets(asked, do)


def _change_subnets(asked: Value, do: Do) -> Value:
    there, wanted = emulator.ec2.store("_subnets"), asked.get("SubnetIds", [])
    found = [there[each] for each in wanted if each in there]
    zones = sorted({subnet["AvailabilityZone"] for subnet in found})
    if len(zones) <= 1 and len(found) == len(wanted):
        raise RefusedError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current "
            f"AZ coverage: {', '.join(zones)}. Add subnets to cover at least 2 AZs.",
        )
    return do(asked)


def _delete_subnets(asked: Value, do: Do) -> Value:
    name = asked["DBSubnetGroupName"]
    for record in emulator.rds.store("_instances").values():
        if record["DBSubnetGroup"]["DBSubnetGroupName"] == name:
            message = f"Cannot delete the subnet group '{name}' because at least one database "
            user = f"instance: {record['DBInstanceIdentifier']} is still using it."
            raise RefusedError("InvalidDBSubnetGroupStateFault", message + user)
    return do(asked)


def _create_parameters(asked: Value, do: Do) -> Value:
    family = asked.get("DBParameterGroupFamily", "")
    if not _FAMILY.fullmatch(family):
        message = f"ParameterGroupFamily {family} is not a valid parameter group family"
        raise RefusedError("InvalidParameterValue", message)
    return do(asked)


def _delete_parameters(asked: Value, do: Do) -> Value:
    name = asked["DBParameterGroupName"]
    for record in emulator.rds.store("_instances").values():
        if any(used["DBParameterGroupName"] == name for used in record["DBParameterGroups"]):
            message = "One or more database instances are still members of this parameter "
            tail = f"group {name}, so the group cannot be deleted"
            raise RefusedError("InvalidDBParameterGroupState", message + tail)
    return do(asked)


FRONTS: Mapping[str, Front] = {
    "CreateDBParameterGroup": _create_parameters,
    "CreateDBSubnetGroup": _create_subnets,
    "DeleteDBParameterGroup": _delete_parameters,
    "DeleteDBSubnetGroup": _delete_subnets,
    "ModifyDBSubnetGroup": _change_subnets,
}

install = partial(wire.install, "rds", FRONTS)
