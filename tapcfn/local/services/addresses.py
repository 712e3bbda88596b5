"""EC2: more address blocks of a VPC, and IPv6 in its subnets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

# VPC ----------------------------------------------------------------------------------------------


def _associate(asked: Value, _: Do) -> Value:
    vpc = asked["VpcId"]
    record = _vpc(vpc)
    identifier = "vpc-cidr-assoc-" + emulator.new_id().replace("-", "")[:17]
    if asked.get("AmazonProvidedIpv6CidrBlock"):
        block = {"Ipv6CidrBlock": _amazon_block(vpc), "Ipv6Pool": "Amazon"}
    elif asked.get("CidrBlock"):
        _refuse_overlap(record, asked["CidrBlock"])
        block = {"CidrBlock": asked["CidrBlock"]}
    else:
        raise RefusedError("MissingParameter", "Either a CIDR block or an IPv6 block must be given")
    version, kept = _kinds(block)
    association = {"AssociationId": identifier, **block, f"{version}State": {"State": "associated"}}
    record.setdefault(kept, []).append(association)
    return {"VpcId": vpc, f"{version}Association": association}


def _kinds(block: Mapping[str, Any]) -> tuple[str, str]:
    """Return how the service and the record name blocks of this version."""
    return ("Ipv6CidrBlock", "_ipv6") if "Ipv6CidrBlock" in block else ("CidrBlock", "_cidrs")


def _amazon_block(vpc: str) -> str:
    """Return the /56 that Amazon would give to a VPC; the same VPC always gets the same one."""
    digest = hashlib.sha256(vpc.encode()).hexdigest()
    return str(IPv6Network(f"2600:1f{digest[:2]}:{digest[2:6]}:{digest[6:8]}00::/56"))


def _refuse_overlap(record: Mapping[str, Any], cidr: str) -> None:
    try:
        block = IPv4Network(cidr)
    except ValueError as error:
        message = f"Value ({cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR."
        raise RefusedError("InvalidParameterValue", message) from error
    if any(block.overlaps(each) for each in blocks_of(record)):
        message = f"The CIDR '{cidr}' conflicts with another CIDR of the VPC"
        raise RefusedError("InvalidVpc.Range", message)


def blocks_of(record: Mapping[str, Any]) -> list[IPv4Network]:
    """Return every IPv4 block of a VPC."""
    more = [each["CidrBlock"] for each in record.get("_cidrs", ())]
    return [IPv4Network(each) for each in (record["CidrBlock"], *more)]


def _disassociate(asked: Value, _: Do) -> Value:
    identifier = asked["AssociationId"]
    for vpc, record in emulator.ec2.store("_vpcs").items():
        for kept in ("_cidrs", "_ipv6"):
            for block in record.get(kept, ()):
                if block["AssociationId"] == identifier:
                    _refuse_use(vpc, block)
                    record[kept].remove(block)
                    told = block | {f"{_kinds(block)[0]}State": {"State": "disassociated"}}
                    return {"VpcId": vpc, f"{_kinds(block)[0]}Association": told}
    message = f"The vpc CIDR block association ID '{identifier}' does not exist"
    raise RefusedError("InvalidVpcCidrBlockAssociationID.NotFound", message)


def _refuse_use(vpc: str, block: Mapping[str, Any]) -> None:
    """Refuse to take a block away from a VPC while a subnet lies in it."""
    for subnet in emulator.ec2.store("_subnets").values():
        if subnet["VpcId"] == vpc and _lies_in(subnet, block):
            message = f"The CIDR block is in use by subnet {subnet['SubnetId']}"
            raise RefusedError("DependencyViolation", message)


def _lies_in(subnet: Mapping[str, Any], block: Mapping[str, Any]) -> bool:
    if "CidrBlock" in block:
        return IPv4Network(subnet["CidrBlock"]).subnet_of(IPv4Network(block["CidrBlock"]))
    home = IPv6Network(block["Ipv6CidrBlock"])
    mine = subnet.get("_ipv6", ())
    return any(IPv6Network(each["Ipv6CidrBlock"]).subnet_of(home) for each in mine)


def _describe_vpcs(asked: Value, do: Do) -> Value:
    told = do(asked)
    for vpc in told["Vpcs"]:
        record = _vpc(vpc["VpcId"])
        vpc["CidrBlockAssociationSet"] += record.get("_cidrs", [])
        vpc["Ipv6CidrBlockAssociationSet"] = record.get("_ipv6", [])
    return told


def _vpc(vpc: str) -> dict[str, Any]:
    known = emulator.ec2.store("_vpcs")
    if vpc not in known:
        raise RefusedError("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")
    return known[vpc]


# Subnet -------------------------------------------------------------------------------------------


def _create_subnet(asked: Value, do: Do) -> Value:
    block = asked.get("Ipv6CidrBlock")
    if block:
        _refuse_ipv6(asked["VpcId"], block)
    subnet = do(asked)["Subnet"]
    if block:
        _give_ipv6(_subnet(subnet["SubnetId"]), block)
    return {"Subnet": subnet | _ipv6_of(subnet)}


def _refuse_ipv6(vpc: str, cidr: str) -> None:
    """Refuse a block that is no /64 of the VPC's own, or that another subnet has."""
    block = IPv6Network(cidr)
    homes = [IPv6Network(each["Ipv6CidrBlock"]) for each in _vpc(vpc).get("_ipv6", ())]
    if not any(block.subnet_of(home) for home in homes):
        raise RefusedError("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")
    for subnet in emulator.ec2.store("_subnets").values():
        for each in subnet.get("_ipv6", ()):
            if block.overlaps(IPv6Network(each["Ipv6CidrBlock"])):
                message = f"The CIDR '{cidr}' conflicts with another subnet"
                raise RefusedError("InvalidSubnet.Conflict", message)


def _give_ipv6(record: dict[str, Any], block: str) -> Value:
    association = {
        "AssociationId": "subnet-cidr-assoc-" + emulator.new_id().replace("-", "")[:17],
        "Ipv6CidrBlock": block,
        "Ipv6CidrBlockState": {"State": "associated"},
    }
    record.setdefault("_ipv6", []).append(association)
    return association


def _associate_subnet(asked: Value, _: Do) -> Value:
    record = _subnet(asked["SubnetId"])
    _refuse_ipv6(record["VpcId"], asked["Ipv6CidrBlock"])
    made = _give_ipv6(record, asked["Ipv6CidrBlock"])
    return {"SubnetId": asked["SubnetId"], "Ipv6CidrBlockAssociation": made}


def _disassociate_subnet(asked: Value, _: Do) -> Value:
    for subnet, record in emulator.ec2.store("_subnets").items():
        for block in record.get("_ipv6", ()):
            if block["AssociationId"] == asked["AssociationId"]:
                record["_ipv6"].remove(block)
                return {"SubnetId": subnet, "Ipv6CidrBlockAssociation": block}
    message = f"The association ID '{asked['AssociationId']}' does not exist"
    raise RefusedError("InvalidSubnetCidrBlockAssociationID.NotFound", message)


def _modify_subnet(asked: Value, do: Do) -> Value:
    told = do(asked)
    record = _subnet(asked["SubnetId"])
    for name in ("AssignIpv6AddressOnCreation", "EnableDns64"):
        if name in asked:
            record[name] = asked[name]["Value"]
    return told


def _describe_subnets(asked: Value, do: Do) -> Value:
    told = do(asked)
    told["Subnets"] = [each | _ipv6_of(each) for each in told["Subnets"]]
    return told


def _ipv6_of(subnet: Mapping[str, Any]) -> Value:
    record = _subnet(subnet["SubnetId"])
    return {
        "Ipv6CidrBlockAssociationSet": record.get("_ipv6", []),
        "AssignIpv6AddressOnCreation": record.get("AssignIpv6AddressOnCreation", False),
    }


def _subnet(subnet: str) -> dict[str, Any]:
    known = emulator.ec2.store("_subnets")
    if subnet not in known:
        message = f"The subnet ID '{subnet}' does not exist"
        raise RefusedError("InvalidSubnetID.NotFound", message)
    return known[subnet]


FRONTS: Mapping[str, Front] = {
    "AssociateVpcCidrBlock": _associate,
    "DisassociateVpcCidrBlock": _disassociate,
    "DescribeVpcs": _describe_vpcs,
    "CreateSubnet": _create_subnet,
    "AssociateSubnetCidrBlock": _associate_subnet,
    "DisassociateSubnetCidrBlock": _disassociate_subnet,
    "ModifySubnetAttribute": _modify_subnet,
    "DescribeSubnets": _describe_subnets,
}

install = partial(wire.install, "ec2", FRONTS)
