"""EC2: VPC peering, more address blocks of a VPC, and the gateway that lets IPv6 out only."""

from __future__ import annotations

from typing import Any

from tapcfn.local import calls, emulator
from tapcfn.local.provisioners._ec2 import ec2, retag, tagged
from tapcfn.local.provisioners.fitting import fitted
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    gone_is_fine,
    picked,
)

# Peering connection -------------------------------------------------------------------------------


def _create_peering(wanted: Wanted) -> Made:
    """Ask for the connection and accept it, which another account must allow by a role."""
    owner = str(wanted.get("PeerOwnerId") or emulator.account_id())
    if owner != emulator.account_id() and not wanted.get("PeerRoleArn"):
        raise ResourceRefusedError(
            f"PeerRoleArn is needed to accept a connection to a VPC of account {owner}"
        )
    asked = picked(wanted.properties, "VpcId", "PeerVpcId", "PeerOwnerId", "PeerRegion")
    made = ec2().create_vpc_peering_connection(**asked, **tagged(wanted, "vpc-peering-connection"))
    connection = made["VpcPeeringConnection"]
    identifier = connection["VpcPeeringConnectionId"]
    if connection["Status"]["Code"] == "failed":
        raise ResourceRefusedError(
            f"VpcPeeringConnection {identifier} failed: {connection['Status']['Message']}"
        )
    region = str(wanted.get("PeerRegion") or emulator.region())
    with emulator.request_scope(owner, region):
        calls.client("ec2").accept_vpc_peering_connection(VpcPeeringConnectionId=identifier)
    return Made(identifier, {"Id": identifier})


def _update_peering(wanted: Wanted) -> Made:
    retag(wanted)
    return Made(wanted.physical_id, {"Id": wanted.physical_id})


def _delete_peering(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_vpc_peering_connection(VpcPeeringConnectionId=wanted.physical_id)


# Address blocks -----------------------------------------------------------------------------------


def _create_block(wanted: Wanted) -> Made:
    asked = fitted("ec2", "AssociateVpcCidrBlockRequest", wanted.properties)
    told = ec2().associate_vpc_cidr_block(**asked)
    made = told.get("Ipv6CidrBlockAssociation") or told["CidrBlockAssociation"]
    _tell_vpc(wanted)
    return Made(made["AssociationId"], {"Id": made["AssociationId"]})


def _tell_vpc(wanted: Wanted) -> None:
    """Let GetAtt of the VPC know the block, if the VPC is in the same stack."""
    vpc = wanted["VpcId"]
    emulator.engine.tell_attributes(wanted.stack, vpc, block_attributes(vpc))


def block_attributes(vpc: str) -> dict[str, Any]:
    """Return what GetAtt tells about the blocks of a VPC."""
    told = ec2().describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
    return {
        "CidrBlockAssociations": [
            each["AssociationId"] for each in told.get("CidrBlockAssociationSet", ())
        ],
        "Ipv6CidrBlocks": [
            each["Ipv6CidrBlock"] for each in told.get("Ipv6CidrBlockAssociationSet", ())
        ],
    }


def _delete_block(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().disassociate_vpc_cidr_block(AssociationId=wanted.physical_id)


# Egress-only internet gateway ---------------------------------------------------------------------


def _create_egress(wanted: Wanted) -> Made:
    made = ec2().create_egress_only_internet_gateway(
        VpcId=wanted["VpcId"], **tagged(wanted, "egress-only-internet-gateway")
    )["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    return Made(made, {"Id": made})


def _update_egress(wanted: Wanted) -> Made:
    retag(wanted)
    return Made(wanted.physical_id, {"Id": wanted.physical_id})


def _delete_egress(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::EC2::VPCPeeringConnection",
        create=_create_peering,
        update=_update_peering,
        delete=_delete_peering,
        create_only=("PeerRegion", "PeerOwnerId", "PeerVpcId", "VpcId"),
        tags="Tags",
    ),
    Provisioner(
        "AWS::EC2::VPCCidrBlock",
        create=_create_block,
        delete=_delete_block,
        create_only=(
            *("Ipv6Pool", "VpcId", "AmazonProvidedIpv6CidrBlock", "Ipv6CidrBlock", "CidrBlock"),
            *("Ipv4IpamPoolId", "Ipv4NetmaskLength", "Ipv6IpamPoolId", "Ipv6NetmaskLength"),
            "Ipv6CidrBlockNetworkBorderGroup",
        ),
    ),
    Provisioner(
        "AWS::EC2::EgressOnlyInternetGateway",
        create=_create_egress,
        update=_update_egress,
        delete=_delete_egress,
        create_only=("VpcId",),
        tags="Tags",
    ),
)
