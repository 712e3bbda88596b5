"""EC2: the network of a stack, from the VPC to NAT gateways and flow logs."""

from __future__ import annotations

from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    as_list,
    flag,
    gone_is_fine,
    key_values,
    picked,
    tag_changes,
    tag_map,
    there_is_fine,
)


def _ec2() -> Any:
    return calls.client("ec2")


def _tagged(wanted: Wanted, kind: str) -> dict[str, Any]:
    """Return the tag specification with which the resource is born."""
    tags = key_values(tag_map(wanted.get("Tags")))
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def _retag(wanted: Wanted, identifier: str = "") -> None:
    resource = [identifier or wanted.physical_id]
    put, removed = tag_changes(wanted)
    if removed:
        _ec2().delete_tags(Resources=resource, Tags=[{"Key": key} for key in removed])
    if put:
        _ec2().create_tags(Resources=resource, Tags=key_values(put))


# VPC ----------------------------------------------------------------------------------------------


def _create_vpc(wanted: Wanted) -> Made:
    asked = picked(wanted.properties, "CidrBlock", "InstanceTenancy", "Ipv4IpamPoolId")
    made = _ec2().create_vpc(**asked, **_tagged(wanted, "vpc"))["Vpc"]["VpcId"]
    _set_dns(made, wanted)
    return Made(made, _vpc_attributes(made))


def _update_vpc(wanted: Wanted) -> Made:
    _set_dns(wanted.physical_id, wanted)
    if wanted.changed("InstanceTenancy"):
        tenancy = wanted.get("InstanceTenancy", "default")
        _ec2().modify_vpc_tenancy(VpcId=wanted.physical_id, InstanceTenancy=tenancy)
    _retag(wanted)
    return Made(wanted.physical_id, _vpc_attributes(wanted.physical_id))


def _set_dns(vpc: str, wanted: Wanted) -> None:
    """Set the two DNS attributes; the API takes one at a time."""
    for name, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
        if wanted.changed(name):
            value = {"Value": flag(wanted.get(name, default))}
            _ec2().modify_vpc_attribute(VpcId=vpc, **{name: value})


def _vpc_attributes(vpc: str) -> dict[str, Any]:
    mine = [{"Name": "vpc-id", "Values": [vpc]}]
    told = _ec2().describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
    groups = _ec2().describe_security_groups(Filters=mine)["SecurityGroups"]
    acls = _ec2().describe_network_acls(Filters=mine)["NetworkAcls"]
    blocks = told.get("CidrBlockAssociationSet", [])
    return {
        "VpcId": vpc,
        "CidrBlock": told["CidrBlock"],
        "CidrBlockAssociations": [block["AssociationId"] for block in blocks],
        "DefaultSecurityGroup": next(g["GroupId"] for g in groups if g["GroupName"] == "default"),
        "DefaultNetworkAcl": next((a["NetworkAclId"] for a in acls if a["IsDefault"]), ""),
        "Ipv6CidrBlocks": [],
    }


def _delete_vpc(wanted: Wanted) -> None:
    with gone_is_fine():
        _ec2().delete_vpc(VpcId=wanted.physical_id)


# Internet gateway and its attachment --------------------------------------------------------------


def _create_gateway(wanted: Wanted) -> Made:
    answer = _ec2().create_internet_gateway(**_tagged(wanted, "internet-gateway"))
    made = answer["InternetGateway"]["InternetGatewayId"]
    return Made(made, {"InternetGatewayId": made})


def _update_gateway(wanted: Wanted) -> Made:
    _retag(wanted)
    return Made(wanted.physical_id, {"InternetGatewayId": wanted.physical_id})


def _delete_gateway(wanted: Wanted) -> None:
    with gone_is_fine():
        _ec2().delete_internet_gateway(InternetGatewayId=wanted.physical_id)


def _attach(wanted: Wanted) -> Made:
    if wanted.get("VpnGatewayId"):
        _ec2().attach_vpn_gateway(VpcId=wanted["VpcId"], VpnGatewayId=wanted["VpnGatewayId"])
        return Made(f"VGW|{wanted['VpcId']}", {"AttachmentType": "VGW"})
    _ec2().attach_internet_gateway(
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
            _ec2().detach_vpn_gateway(VpcId=vpc, VpnGatewayId=wanted["VpnGatewayId"])
        else:
            _ec2().detach_internet_gateway(VpcId=vpc, InternetGatewayId=wanted["InternetGatewayId"])


# Subnet -------------------------------------------------------------------------------------------

_ON_LAUNCH = ("MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation", "EnableDns64")


def _create_subnet(wanted: Wanted) -> Made:
    asked = picked(
        wanted.properties,
        *("VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "Ipv6CidrBlock"),
    )
    made = _ec2().create_subnet(**asked, **_tagged(wanted, "subnet"))["Subnet"]["SubnetId"]
    _set_on_launch(made, wanted)
    return Made(made, _subnet_attributes(made))


def _update_subnet(wanted: Wanted) -> Made:
    _set_on_launch(wanted.physical_id, wanted)
    _retag(wanted)
    return Made(wanted.physical_id, _subnet_attributes(wanted.physical_id))


def _set_on_launch(subnet: str, wanted: Wanted) -> None:
    for name in _ON_LAUNCH:
        if wanted.changed(name):
            value = {"Value": flag(wanted.get(name, False))}
            _ec2().modify_subnet_attribute(SubnetId=subnet, **{name: value})


def _subnet_attributes(subnet: str) -> dict[str, Any]:
    told = _ec2().describe_subnets(SubnetIds=[subnet])["Subnets"][0]
    return {
        "SubnetId": subnet,
        "Ipv6CidrBlocks": [],
        **picked(told, "VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId"),
    }


def _delete_subnet(wanted: Wanted) -> None:
    with gone_is_fine():
        _ec2().delete_subnet(SubnetId=wanted.physical_id)


# Route table, routes, associations ----------------------------------------------------------------

_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_ROUTE_TARGETS = (
    *("GatewayId", "NatGatewayId", "InstanceId", "NetworkInterfaceId", "TransitGatewayId"),
    *("VpcPeeringConnectionId", "EgressOnlyInternetGatewayId", "CarrierGatewayId"),
    *("LocalGatewayId", "VpcEndpointId", "CoreNetworkArn"),
)


def _create_table(wanted: Wanted) -> Made:
    answer = _ec2().create_route_table(VpcId=wanted["VpcId"], **_tagged(wanted, "route-table"))
    made = answer["RouteTable"]["RouteTableId"]
    return Made(made, {"RouteTableId": made})


def _update_table(wanted: Wanted) -> Made:
    _retag(wanted)
    return Made(wanted.physical_id, {"RouteTableId": wanted.physical_id})


def _delete_table(wanted: Wanted) -> None:
    with gone_is_fine():
        _ec2().delete_route_table(RouteTableId=wanted.physical_id)


def _route(wanted: Wanted) -> dict[str, Any]:
    return picked(wanted.properties, "RouteTableId", *_DESTINATIONS, *_ROUTE_TARGETS)


def _create_route(wanted: Wanted) -> Made:
    destination = next((wanted[name] for name in _DESTINATIONS if wanted.get(name)), "")
    if not any(wanted.get(name) for name in _ROUTE_TARGETS):
        raise ResourceRefusedError("The request must contain exactly one route target")
    _require_target(wanted)
    _ec2().create_route(**_route(wanted))
    return Made(f"{wanted['RouteTableId']}|{destination}", {"CidrBlock": destination})


def _update_route(wanted: Wanted) -> Made:
    _require_target(wanted)
    _ec2().replace_route(**_route(wanted))
    return Made(wanted.physical_id, {"CidrBlock": wanted.physical_id.partition("|")[2]})


def _require_target(wanted: Wanted) -> None:
    """Refuse a NAT gateway given as a gateway, and one that is not there."""
    gateway, nat = str(wanted.get("GatewayId", "")), wanted.get("NatGatewayId")
    if gateway.startswith("nat-"):
        raise ResourceRefusedError(f"invalid value for parameter gateway-id: {gateway}")
    if nat:
        _require_nat(nat)


def _delete_route(wanted: Wanted) -> None:
    with gone_is_fine():
        _ec2().delete_route(**picked(wanted.properties, "RouteTableId", *_DESTINATIONS))


def _associate(wanted: Wanted) -> Made:
    answer = _ec2().associate_route_table(
        RouteTableId=wanted["RouteTableId"], SubnetId=wanted["SubnetId"]
    )
    return Made(answer["AssociationId"], {"Id": answer["AssociationId"]})


def _disassociate(wanted: Wanted) -> None:
    with gone_is_fine():
        _ec2().disassociate_route_table(AssociationId=wanted.physical_id)


# Security group -----------------------------------------------------------------------------------

_ANYWHERE = [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]


def _create_group(wanted: Wanted) -> Made:
    asked = {"GroupName": wanted.name("GroupName", longest=255)} | picked(
        wanted.properties, "VpcId"
    )
    made = _ec2().create_security_group(
        Description=wanted["GroupDescription"], **asked, **_tagged(wanted, "security-group")
    )["GroupId"]
    _set_rules(made, wanted)
    return Made(made, _group_attributes(made))


def _update_group(wanted: Wanted) -> Made:
    _set_rules(wanted.physical_id, wanted)
    _retag(wanted)
    return Made(wanted.physical_id, _group_attributes(wanted.physical_id))


def _set_rules(group: str, wanted: Wanted) -> None:
    """Bring the rules from what the stack had to what it wants; rules of others stay."""
    ec2 = _ec2()
    old, new = (_rules(source, "SecurityGroupIngress") for source in _sides(wanted))
    _swap(
        group, old, new, (ec2.revoke_security_group_ingress, ec2.authorize_security_group_ingress)
    )
    old, new = (_rules(source, "SecurityGroupEgress") or _ANYWHERE for source in _sides(wanted))
    _swap(group, old, new, (ec2.revoke_security_group_egress, ec2.authorize_security_group_egress))


def _sides(wanted: Wanted) -> tuple[Any, Any]:
    return wanted.before, wanted.properties


def _rules(source: Any, name: str) -> list[Any]:
    return list(as_list(source.get(name)))


def _swap(group: str, old: list[Any], new: list[Any], doors: tuple[Any, Any]) -> None:
    """Remove and add the rules that differ, one by one, so that it can be done again."""
    revoke, authorize = doors
    for rule in (rule for rule in old if rule not in new):
        with gone_is_fine():
            revoke(GroupId=group, IpPermissions=[_permission(rule)])
    for rule in (rule for rule in new if rule not in old):
        with there_is_fine():
            authorize(GroupId=group, IpPermissions=[_permission(rule)])


def _permission(rule: Any) -> dict[str, Any]:
    """Return one rule of a template in the shape of the API."""
    made: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    made |= {port: int(rule[port]) for port in ("FromPort", "ToPort") if port in rule}
    described = picked(rule, "Description")
    peer = rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId")
    prefixes = rule.get("SourcePrefixListId") or rule.get("DestinationPrefixListId")
    if rule.get("CidrIp"):
        made["IpRanges"] = [{"CidrIp": rule["CidrIp"], **described}]
    if rule.get("CidrIpv6"):
        made["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **described}]
    if peer:
        made["UserIdGroupPairs"] = [{"GroupId": peer, **described}]
    if prefixes:
        made["PrefixListIds"] = [{"PrefixListId": prefixes, **described}]
    return made


def _group_attributes(group: str) -> dict[str, Any]:
    told = _ec2().describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return {"GroupId": group, "Id": group, **picked(told, "VpcId")}


def _delete_group(wanted: Wanted) -> None:
    with gone_is_fine():
        _ec2().delete_security_group(GroupId=wanted.physical_id)


# Elastic IP and NAT gateway -----------------------------------------------------------------------


def _create_address(wanted: Wanted) -> Made:
    made = _ec2().allocate_address(Domain="vpc", **_tagged(wanted, "elastic-ip"))
    address, allocation = made["PublicIp"], made["AllocationId"]
    return Made(address, {"PublicIp": address, "AllocationId": allocation})


def _update_address(wanted: Wanted) -> Made:
    allocation = _allocation_of(wanted.physical_id)
    _retag(wanted, allocation)
    address = wanted.physical_id
    return Made(address, {"PublicIp": address, "AllocationId": allocation})


def _allocation_of(address: str) -> str:
    """Return the allocation behind a public address, or an empty string."""
    known = _ec2().describe_addresses()["Addresses"]
    return next((str(a["AllocationId"]) for a in known if a["PublicIp"] == address), "")


def _release_address(wanted: Wanted) -> None:
    allocation = _allocation_of(wanted.physical_id)
    if allocation:
        _ec2().release_address(AllocationId=allocation)


def _create_nat(wanted: Wanted) -> Made:
    asked = picked(
        wanted.properties,
        *("SubnetId", "AllocationId", "ConnectivityType", "PrivateIpAddress", "VpcId"),
    )
    made = _ec2().create_nat_gateway(**asked, **_tagged(wanted, "natgateway"))["NatGateway"]
    return Made(made["NatGatewayId"], {"NatGatewayId": made["NatGatewayId"]})


def _update_nat(wanted: Wanted) -> Made:
    _retag(wanted)
    return Made(wanted.physical_id, {"NatGatewayId": wanted.physical_id})


def _require_nat(nat: str) -> None:
    known = _ec2().describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"]
    if not any(gateway["State"] in ("pending", "available") for gateway in known):
        raise ResourceRefusedError(f"The natGateway ID '{nat}' does not exist", "NotFound")


def _delete_nat(wanted: Wanted) -> None:
    with gone_is_fine():
        _ec2().delete_nat_gateway(NatGatewayId=wanted.physical_id)


# Flow log -----------------------------------------------------------------------------------------


def _create_flow_log(wanted: Wanted) -> Made:
    asked = picked(
        wanted.properties,
        *("ResourceType", "TrafficType", "LogDestinationType", "LogDestination", "LogGroupName"),
        *("DeliverLogsPermissionArn", "DeliverCrossAccountRole", "LogFormat"),
        *("DestinationOptions",),
    )
    if wanted.get("MaxAggregationInterval"):
        asked["MaxAggregationInterval"] = int(wanted["MaxAggregationInterval"])
    answer = _ec2().create_flow_logs(
        ResourceIds=[wanted["ResourceId"]], **asked, **_tagged(wanted, "vpc-flow-log")
    )
    made = answer["FlowLogIds"][0]
    return Made(made, {"Id": made})


def _update_flow_log(wanted: Wanted) -> Made:
    _retag(wanted)
    return Made(wanted.physical_id, {"Id": wanted.physical_id})


def _delete_flow_log(wanted: Wanted) -> None:
    with gone_is_fine():
        _ec2().delete_flow_logs(FlowLogIds=[wanted.physical_id])


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
    Provisioner(
        "AWS::EC2::SecurityGroup",
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
        create_only=("GroupDescription", "GroupName", "VpcId"),
        tags="Tags",
    ),
    Provisioner(
        "AWS::EC2::EIP",
        create=_create_address,
        update=_update_address,
        delete=_release_address,
        create_only=("NetworkBorderGroup", "TransferAddress", "IpamPoolId", "Address"),
        tags="Tags",
    ),
    Provisioner(
        "AWS::EC2::NatGateway",
        create=_create_nat,
        update=_update_nat,
        delete=_delete_nat,
        create_only=(
            *("VpcId", "SubnetId", "ConnectivityType", "AllocationId", "PrivateIpAddress"),
            *("AvailabilityMode",),
        ),
        tags="Tags",
    ),
    Provisioner(
        "AWS::EC2::FlowLog",
        create=_create_flow_log,
        update=_update_flow_log,
        delete=_delete_flow_log,
        create_only=(
            *("DeliverCrossAccountRole", "DeliverLogsPermissionArn", "LogGroupName"),
            *("LogDestination", "ResourceId", "TrafficType", "LogDestinationType"),
            *("ResourceType", "LogFormat", "MaxAggregationInterval", "DestinationOptions"),
            *("TagFieldSpecifications",),
        ),
        tags="Tags",
    ),
)
