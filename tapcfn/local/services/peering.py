"""EC2: VPC peering, told alike in both Regions, and refused where address blocks overlap."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.addresses import blocks_of
from tapcfn.local.services.wire import Do, Front, Value

_SIDES = ("RequesterVpcInfo", "AccepterVpcInfo")
_FAILED = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"


def _create(asked: Value, do: Do) -> Value:
    connection = do(asked)["VpcPeeringConnection"]
    vpcs = [_vpc(connection[side]) for side in _SIDES]
    if not all(vpcs) or _overlap(*vpcs):
        _fail(connection)
    return {"VpcPeeringConnection": _completed(connection)}


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return any(mine.overlaps(yours) for mine in blocks_of(one) for yours in blocks_of(other))


def _fail(connection: Value) -> None:
    for side in _SIDES:
        place = connection[side]
        with emulator.request_scope(place["OwnerId"], place["Region"]):
            known = emulator.ec2.store("_vpc_peering")
            record = known[connection["VpcPeeringConnectionId"]]
            record["Status"] = {"Code": "failed", "Message": _FAILED}


def _accept(asked: Value, do: Do) -> Value:
    return {"VpcPeeringConnection": _completed(do(asked)["VpcPeeringConnection"])}


def _describe(asked: Value, do: Do) -> Value:
    told = do(asked)["VpcPeeringConnections"]
    return {"VpcPeeringConnections": [_completed(each) for each in told]}


def _completed(connection: Value) -> Value:
    """Add the status and the address blocks of both sides."""
    record = emulator.ec2.store("_vpc_peering")[connection["VpcPeeringConnectionId"]]
    told = {side: connection[side] | _blocks(_vpc(connection[side])) for side in _SIDES}
    return connection | told | {"Status": record["Status"]}


def _vpc(side: Mapping[str, str]) -> Mapping[str, Any]:
    with emulator.request_scope(side["OwnerId"], side["Region"]):
        return emulator.ec2.store("_vpcs").get(side["VpcId"], {})


def _blocks(vpc: Mapping[str, Any]) -> Value:
    if not vpc:
        return {}
    blocks = [{"CidrBlock": str(each)} for each in blocks_of(vpc)]
    return {"CidrBlock": vpc["CidrBlock"], "CidrBlockSet": blocks}


FRONTS: Mapping[str, Front] = {
    "CreateVpcPeeringConnection": _create,
    "AcceptVpcPeeringConnection": _accept,
    "DescribeVpcPeeringConnections": _describe,
}

install = partial(wire.install, "ec2", FRONTS)
