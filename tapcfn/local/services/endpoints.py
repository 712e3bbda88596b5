"""EC2: VPC endpoints with their policy, groups, interfaces, names and routes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from tapcfn.local import emulator
from tapcfn.local.services import wire
from tapcfn.local.services.refusal import RefusedError
from tapcfn.local.services.wire import Do, Front, Value

GATEWAYS = ("s3", "dynamodb")
_EVERYTHING = json.dumps(
    {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
)
# The hosted zone of the names of interface endpoints; each Region has one of its own on AWS.
_HOSTED_ZONE = "Z7HUB22UULQXV"


def _create(asked: Value, do: Do) -> Value:
    asked = {"VpcEndpointType": "Gateway", **asked}
    _refuse(asked)
    endpoint = do(asked)["VpcEndpoint"]
    record = emulator.ec2.store("_vpc_endpoints")[endpoint["VpcEndpointId"]]
    record["_also"] = {
        "PolicyDocument": asked.get("PolicyDocument") or _EVERYTHING,
        "PrivateDnsEnabled": asked.get("PrivateDnsEnabled", False),
        "IpAddressType": asked.get("IpAddressType", "ipv4"),
        "DnsOptions": asked.get("DnsOptions"),
        "NetworkInterfaceIds": [],
        "Groups": [],
    }
    if asked["VpcEndpointType"] == "Interface":
        groups = asked.get("SecurityGroupIds") or [_default_group(asked["VpcId"])]
        _set_groups(record, groups)
        _set_interfaces(record)
    _route(record)
    return {"VpcEndpoint": _completed(endpoint)}


# Refusals -----------------------------------------------------------------------------------------


def _refuse(asked: Value) -> None:
    kind, name = asked["VpcEndpointType"], asked["ServiceName"]
    service = name.removeprefix(f"com.amazonaws.{emulator.region()}.")
    if name.startswith("com.amazonaws.") and service == name:
        message = f"The Vpc Endpoint Service '{name}' does not exist"
        raise RefusedError("InvalidServiceName", message)
    if kind == "Gateway" and service not in GATEWAYS:
        message = f"Endpoint type ({kind}) does not match available service types ([Interface])."
        raise RefusedError("InvalidParameter", message)
    if asked["VpcId"] not in emulator.ec2.store("_vpcs"):
        raise RefusedError("InvalidVpcId.NotFound", f"The Vpc Id {asked['VpcId']} does not exist")
    for kept, names in (("_subnets", "SubnetIds"), ("_route_tables", "RouteTableIds")):
        _refuse_missing(kept, asked.get(names, ()))
    _refuse_missing("_security_groups", asked.get("SecurityGroupIds", ()))
    _refuse_zones(asked.get("SubnetIds", ()))
    if asked.get("PrivateDnsEnabled"):
        _refuse_names(asked)


def _refuse_missing(kept: str, identifiers: Any) -> None:
    code, kind = {
        "_subnets": ("InvalidSubnetId.NotFound", "subnet"),
        "_route_tables": ("InvalidRouteTableId.NotFound", "route table"),
        "_security_groups": ("InvalidSecurityGroupId.NotFound", "security group"),
    }[kept]
    for each in identifiers:
        if each not in emulator.ec2.store(kept):
            raise RefusedError(code, f"The {kind} ID '{each}' does not exist")


def _refuse_zones(subnets: Any) -> None:
    zones = [emulator.ec2.store("_subnets")[each]["AvailabilityZone"] for each in subnets]
    for zone in zones:
        if zones.count(zone) > 1:
            message = f"Found another VPC endpoint subnet in the availability zone of {zone}."
            raise RefusedError("DuplicateSubnetsInSameZone", message)


def _refuse_names(asked: Value) -> None:
    """Private names need both DNS attributes of the VPC, and no other endpoint with these names."""
    if asked["VpcEndpointType"] == "Gateway":
        message = "Private DNS is not supported for endpoints of type Gateway"
        raise RefusedError("InvalidParameter", message)
    vpc = emulator.ec2.store("_vpcs")[asked["VpcId"]]
    if not (vpc.get("EnableDnsSupport", True) and vpc.get("EnableDnsHostnames", False)):
        message = "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames "
        message += f"VPC attributes set to true for {asked['VpcId']}"
        raise RefusedError("InvalidParameter", message)
    for other in emulator.ec2.store("_vpc_endpoints").values():
        same = all(other[name] == asked[name] for name in ("VpcId", "ServiceName"))
        if same and other.get("_also", {}).get("PrivateDnsEnabled"):
            message = "private-dns-enabled cannot be set because there is already a conflicting "
            raise RefusedError(
                "InvalidParameter", f"{message}DNS domain in the VPC {asked['VpcId']}"
            )


# Interfaces, groups, routes -----------------------------------------------------------------------


def _default_group(vpc: str) -> str:
    groups = emulator.ec2.store("_security_groups").values()
    mine = (str(each["GroupId"]) for each in groups if _is_default(each, vpc))
    return next(mine)


def _is_default(group: Mapping[str, Any], vpc: str) -> bool:
    return (group["VpcId"], group["GroupName"]) == (vpc, "default")


def _set_groups(record: dict[str, Any], groups: list[str]) -> None:
    known = emulator.ec2.store("_security_groups")
    record["_also"]["Groups"] = [
        {"GroupId": each, "GroupName": known[each]["GroupName"]} for each in groups
    ]


def _set_interfaces(record: dict[str, Any]) -> None:
    """Give an endpoint one network interface in each of its subnets."""
    _drop_interfaces(record)
    make = emulator.ec2.ACTIONS["CreateNetworkInterface"]
    about = f"VPC Endpoint Interface {record['VpcEndpointId']}"
    record["_also"]["NetworkInterfaceIds"] = [
        wire.call("ec2", "CreateNetworkInterface", make, {"SubnetId": each, "Description": about})[
            "NetworkInterface"
        ]["NetworkInterfaceId"]
        for each in record["SubnetIds"]
    ]


def _drop_interfaces(record: dict[str, Any]) -> None:
    known = emulator.ec2.store("_network_interfaces")
    for interface in record["_also"]["NetworkInterfaceIds"]:
        known.pop(interface, None)


def _route(record: Mapping[str, Any]) -> None:
    """Let the route tables of a gateway endpoint lead to it, and no others."""
    target = record["VpcEndpointId"]
    destination = f"pl-{record['ServiceName'].rpartition('.')[2]}"
    for identifier, table in emulator.ec2.store("_route_tables").items():
        rest = [route for route in table["Routes"] if route.get("GatewayId") != target]
        mine = {"DestinationPrefixListId": destination, "GatewayId": target, "State": "active"}
        more = [{**mine, "Origin": "CreateRoute"}] if identifier in record["RouteTableIds"] else []
        table["Routes"] = rest + more


# Changing, reading, deleting ----------------------------------------------------------------------


def _modify(asked: Value, do: Do) -> Value:
    record = emulator.ec2.store("_vpc_endpoints").get(asked["VpcEndpointId"])
    if record is None:
        return do(asked)
    added = {names: asked.get(f"Add{names}", ()) for names in ("SubnetIds", "RouteTableIds")}
    _refuse_missing("_subnets", added["SubnetIds"])
    _refuse_missing("_route_tables", added["RouteTableIds"])
    for names, more in added.items():
        gone = asked.get(f"Remove{names}", ())
        record[names] = [each for each in (*record[names], *more) if each not in gone]
    _modify_also(record, asked)
    if record["VpcEndpointType"] == "Interface":
        _set_interfaces(record)
    _route(record)
    return {"Return": True}


def _modify_also(record: dict[str, Any], asked: Value) -> None:
    also = record["_also"]
    if asked.get("PrivateDnsEnabled") and not also["PrivateDnsEnabled"]:
        _refuse_names({**record, **asked})
    also.update({name: asked[name] for name in also if name in asked})
    if asked.get("ResetPolicy"):
        also["PolicyDocument"] = _EVERYTHING
    gone = asked.get("RemoveSecurityGroupIds", ())
    groups = [each["GroupId"] for each in also["Groups"] if each["GroupId"] not in gone]
    more = [each for each in asked.get("AddSecurityGroupIds", ()) if each not in groups]
    _refuse_missing("_security_groups", more)
    _set_groups(record, [*groups, *more])


def _describe(asked: Value, do: Do) -> Value:
    told = [_completed(each) for each in do(asked)["VpcEndpoints"]]
    missing = set(asked.get("VpcEndpointIds", ())) - {each["VpcEndpointId"] for each in told}
    if missing:
        message = f"The Vpc Endpoint Id '{min(missing)}' does not exist"
        raise RefusedError("InvalidVpcEndpointId.NotFound", message)
    filters = {each["Name"]: each["Values"] for each in asked.get("Filters", ())}
    return {"VpcEndpoints": [each for each in told if _matches(each, filters)]}


def _matches(endpoint: Value, filters: Mapping[str, list[str]]) -> bool:
    by_name = {
        "vpc-id": "VpcId",
        "service-name": "ServiceName",
        "vpc-endpoint-type": "VpcEndpointType",
    }
    return all(
        endpoint[by_name[name]] in values for name, values in filters.items() if name in by_name
    )


def _completed(endpoint: Value) -> Value:
    record = emulator.ec2.store("_vpc_endpoints")[endpoint["VpcEndpointId"]]
    told: Value = endpoint | record.get("_also", {}) | {"DnsEntries": _names(record)}
    return told | {name: record[name] for name in ("SubnetIds", "RouteTableIds")}


def _names(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the names of an interface endpoint: its own, and the private one."""
    if record["VpcEndpointType"] != "Interface":
        return []
    service = record["ServiceName"].rpartition(f"{emulator.region()}.")[2]
    place = f"{service}.{emulator.region()}"
    own = f"{record['VpcEndpointId']}-{record['VpcEndpointId'][-8:]}.{place}.vpce.amazonaws.com"
    names = [{"DnsName": own, "HostedZoneId": _HOSTED_ZONE}]
    if record["_also"]["PrivateDnsEnabled"]:
        names.append({"DnsName": f"{place}.amazonaws.com", "HostedZoneId": _HOSTED_ZONE})
    return names


def _delete(asked: Value, do: Do) -> Value:
    for identifier in asked["VpcEndpointIds"]:
        record = emulator.ec2.store("_vpc_endpoints").get(identifier)
        if record is not None:
            record["RouteTableIds"] = []
            _route(record)
            _drop_interfaces(record)
    return do(asked)


FRONTS: Mapping[str, Front] = {
    "CreateVpcEndpoint": _create,
    "ModifyVpcEndpoint": _modify,
    "DescribeVpcEndpoints": _describe,
    "DeleteVpcEndpoints": _delete,
}

install = partial(wire.install, "ec2", FRONTS)
