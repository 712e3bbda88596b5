"""EC2: a VPC, its gateway, its subnets and the routes between them."""

from __future__ import annotations

from typing import Any

from tapcfn.local.provisioners._ec2 import ec2, retag, tagged
from tapcfn.local.provisioners.peering import block_attributes
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    flag,
    gone_is_fine,
    picked,
)

# VPC ----------------------------------------------------------------------------------------------


def _create_vpc(wanted: Wanted) -> Made:
    asked = picked(wanted.properties, "CidrBlock", "InstanceTenancy", "Ipv4IpamPoolId")
    made = ec2().create_vpc(**asked, **tagged(wanted, "vpc"))["Vpc"]["VpcId"]
    _set_dns(made, wanted)
    return Made(made, _vpc_attributes(made))


def _update_vpc(wanted: Wanted) -> Made:
    _set_dns(wanted.physical_id, wanted)
    if wanted.changed("InstanceTenancy"):
        tenancy = wanted.get("InstanceTenancy", "default")
        ec2().modify_vpc_tenancy(VpcId=wanted.physical_id, InstanceTenancy=tenancy)
    retag(wanted)
    return Made(wanted.physical_id, _vpc_attributes(wanted.physical_id))


def _set_dns(vpc: str, wanted: Wanted) -> None:
    """Set the two DNS attributes; the API takes one at a time."""
    for name, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
        if wanted.changed(name):
            value = {"Value": flag(wanted.get(name, default))}
            ec2().modify_vpc_attribute(VpcId=vpc, **{name: value})


def _vpc_attributes(vpc: str) -> dict[str, Any]:
    mine = [{"Name": "vpc-id", "Values": [vpc]}]
    told = ec2().describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
    groups = ec2().describe_security_groups(Filters=mine)["SecurityGroups"]
    acls = ec2().describe_network_acls(Filters=mine)["NetworkAcls"]
    return {
        "VpcId": vpc,
        "CidrBlock": told["CidrBlock"],
        "DefaultSecurityGroup": next(g["GroupId"] for g in groups if g["GroupName"] == "default"),
        "DefaultNetworkAcl": next((a["NetworkAclId"] for a in acls if a["IsDefault"]), ""),
        **block_attributes(vpc),
    }


def _delete_vpc(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_vpc(VpcId=wanted.physical_id)


# Internet gateway and its attachment --------------------------------------------------------------


def _create_gateway(wanted: Wanted) -> Made:
    answer = ec2().create_internet_gateway(**tagged(wanted, "internet-gateway"))
    made = answer["InternetGateway"]["InternetGatewayId"]
    return Made(made, {"InternetGatewayId": made})


def _update_gateway(wanted: Wanted) -> Made:
    retag(wanted)
    return Made(wanted.physical_id, {"InternetGatewayId": wanted.physical_id})


def _delete_gateway(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_internet_gateway(InternetGatewayId=wanted.physical_id)


def _attach(wanted: Wanted) -> Made:
    if wanted.get("VpnGatewayId"):
        ec2().attach_vpn_gateway(VpcId=wanted["VpcId"], VpnGatewayId=wanted["VpnGatewayId"])
        return Made(f"VGW|{wanted['VpcId']}", {"AttachmentType": "VGW"})
    ec2().attach_internet_gateway(
        VpcId=wanted["VpcId"], InternetGatewayId=wanted["InternetGatewayId"]
    )
    return Made(f"IGW|{wanted['VpcId']}", {"AttachmentType": "IGW"})


def _reattach(wanted: Wanted) -> Made:
    _detach(Wanted(wanted.type, wanted.logical_id, wanted.stack, wanted.before))
    return _attach(wanted)


def _detach(wanted: Wanted) -> None:
    vpc = wanted["VpcId"]
    with gone_is_fine():
        if wanted.get("VpnGatewayId"):
            ec2().detach_vpn_gateway(VpcId=vpc, VpnGatewayId=wanted["VpnGatewayId"])
        else:
            ec2().detach_internet_gateway(VpcId=vpc, InternetGatewayId=wanted["InternetGatewayId"])


# Subnet -------------------------------------------------------------------------------------------

_ON_LAUNCH = ("MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation", "EnableDns64")


def _create_subnet(wanted: Wanted) -> Made:
    asked = picked(
        wanted.properties,
        *("VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "Ipv6CidrBlock"),
    )
    made = ec2().create_subnet(**asked, **tagged(wanted, "subnet"))["Subnet"]["SubnetId"]
    _set_on_launch(made, wanted)
    return Made(made, _subnet_attributes(made))


def _update_subnet(wanted: Wanted) -> Made:
    if wanted.changed("Ipv6CidrBlock"):
        _set_ipv6(wanted)
    _set_on_launch(wanted.physical_id, wanted)
    retag(wanted)
    return Made(wanted.physical_id, _subnet_attributes(wanted.physical_id))


def _set_ipv6(wanted: Wanted) -> None:
    """Give a subnet another IPv6 block than it has, or none."""
    subnet = wanted.physical_id
    told = ec2().describe_subnets(SubnetIds=[subnet])["Subnets"][0]
    for block in told["Ipv6CidrBlockAssociationSet"]:
        ec2().disassociate_subnet_cidr_block(AssociationId=block["AssociationId"])
    if block := wanted.get("Ipv6CidrBlock"):
        ec2().associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=block)


def _set_on_launch(subnet: str, wanted: Wanted) -> None:
    for name in _ON_LAUNCH:
        if wanted.changed(name):
            value = {"Value": flag(wanted.get(name, False))}
            ec2().modify_subnet_attribute(SubnetId=subnet, **{name: value})


def _subnet_attributes(subnet: str) -> dict[str, Any]:
    told = ec2().describe_subnets(SubnetIds=[subnet])["Subnets"][0]
    return {
        "SubnetId": subnet,
        "Ipv6CidrBlocks": [each["Ipv6CidrBlock"] for each in told["Ipv6CidrBlockAssociationSet"]],
        **picked(told, "VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId"),
    }


def _delete_subnet(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_subnet(SubnetId=wanted.physical_id)


# Route table, routes, associations ----------------------------------------------------------------

_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_ROUTE_TARGETS = (
    *("GatewayId", "NatGatewayId", "InstanceId", "NetworkInterfaceId", "TransitGatewayId"),
    *("VpcPeeringConnectionId", "EgressOnlyInternetGatewayId", "CarrierGatewayId"),
    *("LocalGatewayId", "VpcEndpointId", "CoreNetworkArn"),
)


def _create_table(wanted: Wanted) -> Made:
    answer = ec2().create_route_table(VpcId=wanted["VpcId"], **tagged(wanted, "route-table"))
    made = answer["RouteTable"]["RouteTableId"]
    return Made(made, {"RouteTableId": made})


def _update_table(wanted: Wanted) -> Made:
    retag(wanted)
    return Made(wanted.physical_id, {"RouteTableId": wanted.physical_id})


def _delete_table(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_route_table(RouteTableId=wanted.physical_id)


def _route(wanted: Wanted) -> dict[str, Any]:
    return picked(wanted.properties, "RouteTableId", *_DESTINATIONS, *_ROUTE_TARGETS)


def _create_route(wanted: Wanted) -> Made:
    destination = next((wanted[name] for name in _DESTINATIONS if wanted.get(name)), "")
    if not any(wanted.get(name) for name in _ROUTE_TARGETS):
        raise ResourceRefusedError("The request must contain exactly one route target")
    _require_target(wanted)
    ec2().create_route(**_route(wanted))
    return Made(f"{wanted['RouteTableId']}|{destination}", {"CidrBlock": destination})


def _update_route(wanted: Wanted) -> Made:
    _require_target(wanted)
    ec2().replace_route(**_route(wanted))
    return Made(wanted.physical_id, {"CidrBlock": wanted.physical_id.partition("|")[2]})


def _require_target(wanted: Wanted) -> None:
    """Refuse a NAT gateway given as a gateway, and one that is not there."""
    gateway, nat = str(wanted.get("GatewayId", "")), wanted.get("NatGatewayId")
    if gateway.startswith("nat-"):
        raise ResourceRefusedError(f"invalid value for parameter gateway-id: {gateway}")
    if nat:
        _require_nat(nat)


def _require_nat(nat: str) -> None:
    known = ec2().describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"]
    if not any(gateway["State"] in ("pending", "available") for gateway in known):
        raise ResourceRefusedError(f"The natGateway ID '{nat}' does not exist", "NotFound")


def _delete_route(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_route(**picked(wanted.properties, "RouteTableId", *_DESTINATIONS))


def _associate(wanted: Wanted) -> Made:
    answer = ec2().associate_route_table(
        RouteTableId=wanted["RouteTableId"], SubnetId=wanted["SubnetId"]
    )
    return Made(answer["AssociationId"], {"Id": answer["AssociationId"]})


def _disassociate(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().disassociate_route_table(AssociationId=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::EC2::VPC",
        create=_create_vpc,
        update=_update_vpc,
        delete=_delete_vpc,
        create_only=("CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "VpcEncryptionControl"),
        tags="Tags",
    ),
    Provisioner(
        "AWS::EC2::InternetGateway",
        create=_create_gateway,
        update=_update_gateway,
        delete=_delete_gateway,
        tags="Tags",
    ),
    Provisioner(
        "AWS::EC2::VPCGatewayAttachment",
        create=_attach,
        update=_reattach,
        delete=_detach,
        create_only=("VpcId",),
    ),
    Provisioner(
        "AWS::EC2::Subnet",
        create=_create_subnet,
        update=_update_subnet,
        delete=_delete_subnet,
        create_only=(
            *("VpcId", "AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "OutpostArn"),
            *("Ipv6Native", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "Ipv6IpamPoolId"),
            *("Ipv6NetmaskLength",),
        ),
        tags="Tags",
    ),
    Provisioner(
        "AWS::EC2::RouteTable",
        create=_create_table,
        update=_update_table,
        delete=_delete_table,
        create_only=("VpcId",),
        tags="Tags",
    ),
    Provisioner(
        "AWS::EC2::Route",
        create=_create_route,
        update=_update_route,
        delete=_delete_route,
        create_only=("RouteTableId", *_DESTINATIONS),
    ),
    Provisioner(
        "AWS::EC2::SubnetRouteTableAssociation",
        create=_associate,
        delete=_disassociate,
        create_only=("SubnetId", "RouteTableId"),
    ),
)
