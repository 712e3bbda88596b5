"""EC2: VPC endpoints, for interfaces and for gateways."""

from __future__ import annotations

from typing import Any

from tapcfn.local.provisioners._ec2 import ec2, retag, tagged
from tapcfn.local.provisioners.fitting import fitted
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    Wanted,
    as_list,
    document,
    flag,
    gone_is_fine,
)

_LISTS = ("RouteTableIds", "SubnetIds", "SecurityGroupIds")


def _create(wanted: Wanted) -> Made:
    given = {name: value for name, value in wanted.properties.items() if name != "Tags"}
    asked = fitted("ec2", "CreateVpcEndpointRequest", given)
    answer = ec2().create_vpc_endpoint(**asked, **tagged(wanted, "vpc-endpoint"))
    return _made(answer["VpcEndpoint"]["VpcEndpointId"])


def _update(wanted: Wanted) -> Made:
    asked: dict[str, Any] = {}
    for name in _LISTS:
        now, before = (as_list(each.get(name)) for each in (wanted.properties, wanted.before))
        asked[f"Add{name}"] = [each for each in now if each not in before]
        asked[f"Remove{name}"] = [each for each in before if each not in now]
    if wanted.changed("PrivateDnsEnabled"):
        asked["PrivateDnsEnabled"] = flag(wanted.get("PrivateDnsEnabled", False))
    if wanted.changed("PolicyDocument"):
        policy = wanted.get("PolicyDocument")
        asked |= {"PolicyDocument": document(policy)} if policy else {"ResetPolicy": True}
    if wanted.changed("IpAddressType", "DnsOptions"):
        kept = ("IpAddressType", "DnsOptions")
        given = {name: wanted[name] for name in kept if wanted.get(name)}
        asked |= fitted("ec2", "ModifyVpcEndpointRequest", given)
    asked = {name: value for name, value in asked.items() if value or value is False}
    if asked:
        ec2().modify_vpc_endpoint(VpcEndpointId=wanted.physical_id, **asked)
    retag(wanted)
    return _made(wanted.physical_id)


def _made(endpoint: str) -> Made:
    told = ec2().describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0]
    names = [f"{each['HostedZoneId']}:{each['DnsName']}" for each in told.get("DnsEntries", ())]
    interfaces = told.get("NetworkInterfaceIds", [])
    return Made(endpoint, {"Id": endpoint, "DnsEntries": names, "NetworkInterfaceIds": interfaces})


def _delete(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_vpc_endpoints(VpcEndpointIds=[wanted.physical_id])


PROVISIONERS = (
    Provisioner(
        "AWS::EC2::VPCEndpoint",
        create=_create,
        update=_update,
        delete=_delete,
        create_only=(
            *("ServiceName", "VpcEndpointType", "VpcId", "ServiceNetworkArn"),
            *("ResourceConfigurationArn", "ServiceRegion"),
            *("DnsOptions/PrivateDnsPreference", "DnsOptions/PrivateDnsSpecifiedDomains"),
        ),
        conditional=("DnsOptions",),
        tags="Tags",
    ),
)
