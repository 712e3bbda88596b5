"""RDS: subnet groups and parameter groups, made, changed and deleted."""

from __future__ import annotations

from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    Wanted,
    already_exists,
    gone_is_fine,
    key_values,
    tag_changes,
    tag_map,
)

SUBNETS = "AWS::RDS::DBSubnetGroup"
PARAMETERS = "AWS::RDS::DBParameterGroup"
BATCH = 20  # parameters in one call, the service's limit


def _rds() -> Any:
    return calls.client("rds")


def retag(arn: str, wanted: Wanted) -> None:
    """Bring the tags of an RDS resource from what the stack had to what it wants."""
    put, removed = tag_changes(wanted)
    if removed:
        _rds().remove_tags_from_resource(ResourceName=arn, TagKeys=removed)
    if put:
        _rds().add_tags_to_resource(ResourceName=arn, Tags=key_values(put))


# Subnet group -------------------------------------------------------------------------------------


def _create_subnets(wanted: Wanted) -> Made:
    name = wanted.name("DBSubnetGroupName", lowercase=True, longest=255).lower()
    made = _rds().create_db_subnet_group(
        DBSubnetGroupName=name,
        DBSubnetGroupDescription=wanted["DBSubnetGroupDescription"],
        SubnetIds=list(wanted["SubnetIds"]),
        Tags=key_values(tag_map(wanted.get("Tags"))),
    )["DBSubnetGroup"]
    return Made(name, {"DBSubnetGroupArn": made["DBSubnetGroupArn"]})


def _update_subnets(wanted: Wanted) -> Made:
    made = _rds().modify_db_subnet_group(
        DBSubnetGroupName=wanted.physical_id,
        DBSubnetGroupDescription=wanted["DBSubnetGroupDescription"],
        SubnetIds=list(wanted["SubnetIds"]),
    )["DBSubnetGroup"]
    retag(made["DBSubnetGroupArn"], wanted)
    return Made(wanted.physical_id, {"DBSubnetGroupArn": made["DBSubnetGroupArn"]})


def _delete_subnets(wanted: Wanted) -> None:
    with gone_is_fine():
        _rds().delete_db_subnet_group(DBSubnetGroupName=wanted.physical_id)


# Parameter group ----------------------------------------------------------------------------------


def _create_parameters(wanted: Wanted) -> Made:
    name = wanted.name("DBParameterGroupName", lowercase=True, longest=255).lower()
    if name in _parameter_groups():
        raise already_exists(PARAMETERS, name)
    made = _rds().create_db_parameter_group(
        DBParameterGroupName=name,
        DBParameterGroupFamily=wanted["Family"],
        Description=wanted["Description"],
        Tags=key_values(tag_map(wanted.get("Tags"))),
    )["DBParameterGroup"]
    _set_parameters(name, wanted)
    return _made_parameters(name, made["DBParameterGroupArn"])


def _parameter_groups() -> set[str]:
    found = _rds().describe_db_parameter_groups()["DBParameterGroups"]
    return {group["DBParameterGroupName"] for group in found}


def _update_parameters(wanted: Wanted) -> Made:
    name = wanted.physical_id
    _set_parameters(name, wanted)
    found = _rds().describe_db_parameter_groups(DBParameterGroupName=name)["DBParameterGroups"]
    arn = found[0]["DBParameterGroupArn"]
    retag(arn, wanted)
    return _made_parameters(name, arn)


def _made_parameters(name: str, arn: str) -> Made:
    return Made(name, {"DBParameterGroupName": name, "DBParameterGroupArn": arn})


def _set_parameters(name: str, wanted: Wanted) -> None:
    now, before = (dict(side.get("Parameters") or {}) for side in (wanted, wanted.before))
    changed = {key: value for key, value in now.items() if before.get(key) != value}
    for part in _parts(changed):
        rows = [_row(key) | {"ParameterValue": str(changed[key])} for key in part]
        _rds().modify_db_parameter_group(DBParameterGroupName=name, Parameters=rows)
    for part in _parts(before.keys() - now.keys()):
        rows = [_row(key) for key in part]
        _rds().reset_db_parameter_group(
            DBParameterGroupName=name, Parameters=rows, ResetAllParameters=False
        )


def _parts(names: Any) -> list[list[str]]:
    ordered = sorted(names)
    return [ordered[at : at + BATCH] for at in range(0, len(ordered), BATCH)]


def _row(name: str) -> dict[str, str]:
    """Name a parameter, to be applied with the next reboot, which suits every kind."""
    return {"ParameterName": name, "ApplyMethod": "pending-reboot"}


def _delete_parameters(wanted: Wanted) -> None:
    with gone_is_fine():
        _rds().delete_db_parameter_group(DBParameterGroupName=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        SUBNETS,
        create=_create_subnets,
        update=_update_subnets,
        delete=_delete_subnets,
        create_only=("DBSubnetGroupName",),
        tags="Tags",
    ),
    Provisioner(
        PARAMETERS,
        create=_create_parameters,
        update=_update_parameters,
        delete=_delete_parameters,
        create_only=("DBParameterGroupName", "Description", "Family"),
        tags="Tags",
    ),
)
