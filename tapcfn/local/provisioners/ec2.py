"""EC2: security groups, Elastic IPs, NAT gateways and flow logs."""

from __future__ import annotations

from typing import Any

from tapcfn.local.provisioners._ec2 import ec2, retag, tagged
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    Wanted,
    as_list,
    gone_is_fine,
    picked,
    there_is_fine,
)

# Security group -----------------------------------------------------------------------------------

_ANYWHERE = [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]


def _create_group(wanted: Wanted) -> Made:
    asked = {"GroupName": wanted.name("GroupName", longest=255)} | picked(
        wanted.properties, "VpcId"
    )
    made = ec2().create_security_group(
        Description=wanted["GroupDescription"], **asked, **tagged(wanted, "security-group")
    )["GroupId"]
    _set_rules(made, wanted)
    return Made(made, _group_attributes(made))


def _update_group(wanted: Wanted) -> Made:
    _set_rules(wanted.physical_id, wanted)
    retag(wanted)
    return Made(wanted.physical_id, _group_attributes(wanted.physical_id))


def _set_rules(group: str, wanted: Wanted) -> None:
    """Bring the rules from what the stack had to what it wants; rules of others stay."""
    api = ec2()
    old, new = (_rules(source, "SecurityGroupIngress") for source in _sides(wanted))
    _swap(
        group, old, new, (api.revoke_security_group_ingress, api.authorize_security_group_ingress)
    )
    old, new = (_rules(source, "SecurityGroupEgress") or _ANYWHERE for source in _sides(wanted))
    _swap(group, old, new, (api.revoke_security_group_egress, api.authorize_security_group_egress))


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
    made |= {port: int(value) for port, value in picked(rule, "FromPort", "ToPort").items()}
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
    told = ec2().describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return {"GroupId": group, "Id": group, **picked(told, "VpcId")}


def _delete_group(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_security_group(GroupId=wanted.physical_id)


# Rules of their own -------------------------------------------------------------------------------


def _create_ingress(wanted: Wanted) -> Made:
    return _create_rule(wanted, ec2().authorize_security_group_ingress)


def _create_egress(wanted: Wanted) -> Made:
    return _create_rule(wanted, ec2().authorize_security_group_egress)


def _create_rule(wanted: Wanted, authorize: Any) -> Made:
    told = authorize(GroupId=wanted["GroupId"], IpPermissions=[_permission(wanted)])
    made = told["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    return Made(made, {"Id": made})


def _update_ingress(wanted: Wanted) -> Made:
    _delete_ingress(Wanted(wanted.type, wanted.logical_id, wanted.stack, wanted.before))
    return _create_ingress(wanted)


def _update_egress(wanted: Wanted) -> Made:
    _delete_egress(Wanted(wanted.type, wanted.logical_id, wanted.stack, wanted.before))
    return _create_egress(wanted)


def _delete_ingress(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().revoke_security_group_ingress(
            GroupId=wanted["GroupId"], IpPermissions=[_permission(wanted)]
        )


def _delete_egress(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().revoke_security_group_egress(
            GroupId=wanted["GroupId"], IpPermissions=[_permission(wanted)]
        )


# Elastic IP and NAT gateway -----------------------------------------------------------------------


def _create_address(wanted: Wanted) -> Made:
    made = ec2().allocate_address(Domain="vpc", **tagged(wanted, "elastic-ip"))
    address, allocation = made["PublicIp"], made["AllocationId"]
    return Made(address, {"PublicIp": address, "AllocationId": allocation})


def _update_address(wanted: Wanted) -> Made:
    allocation = _allocation_of(wanted.physical_id)
    retag(wanted, allocation)
    address = wanted.physical_id
    return Made(address, {"PublicIp": address, "AllocationId": allocation})


def _allocation_of(address: str) -> str:
    """Return the allocation behind a public address, or an empty string."""
    known = ec2().describe_addresses()["Addresses"]
    return next((str(a["AllocationId"]) for a in known if a["PublicIp"] == address), "")


def _release_address(wanted: Wanted) -> None:
    allocation = _allocation_of(wanted.physical_id)
    if allocation:
        ec2().release_address(AllocationId=allocation)


def _create_nat(wanted: Wanted) -> Made:
    asked = picked(
        wanted.properties,
        *("SubnetId", "AllocationId", "ConnectivityType", "PrivateIpAddress", "VpcId"),
    )
    made = ec2().create_nat_gateway(**asked, **tagged(wanted, "natgateway"))["NatGateway"]
    return Made(made["NatGatewayId"], {"NatGatewayId": made["NatGatewayId"]})


def _update_nat(wanted: Wanted) -> Made:
    retag(wanted)
    return Made(wanted.physical_id, {"NatGatewayId": wanted.physical_id})


def _delete_nat(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_nat_gateway(NatGatewayId=wanted.physical_id)


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
    answer = ec2().create_flow_logs(
        ResourceIds=[wanted["ResourceId"]], **asked, **tagged(wanted, "vpc-flow-log")
    )
    made = answer["FlowLogIds"][0]
    return Made(made, {"Id": made})


def _update_flow_log(wanted: Wanted) -> Made:
    retag(wanted)
    return Made(wanted.physical_id, {"Id": wanted.physical_id})


def _delete_flow_log(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_flow_logs(FlowLogIds=[wanted.physical_id])


PROVISIONERS = (
    Provisioner(
        "AWS::EC2::SecurityGroup",
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
        create_only=("GroupDescription", "GroupName", "VpcId"),
        tags="Tags",
    ),
    Provisioner(
        "AWS::EC2::SecurityGroupIngress",
        create=_create_ingress,
        update=_update_ingress,
        delete=_delete_ingress,
        create_only=(
            *("GroupName", "IpProtocol", "SourceSecurityGroupId", "SourcePrefixListId", "ToPort"),
            *("CidrIp", "SourceSecurityGroupName", "SourceSecurityGroupOwnerId", "FromPort"),
            *("GroupId", "CidrIpv6"),
        ),
    ),
    Provisioner(
        "AWS::EC2::SecurityGroupEgress",
        create=_create_egress,
        update=_update_egress,
        delete=_delete_egress,
        create_only=(
            *("IpProtocol", "DestinationSecurityGroupId", "ToPort", "CidrIp", "FromPort"),
            *("GroupId", "CidrIpv6", "DestinationPrefixListId"),
        ),
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
