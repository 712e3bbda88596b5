"""VPC endpoints, peering between Regions, IPv6, and rules that stand on their own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    AWAY,
    Aws,
    deploy,
    destroy,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)

API = "com.amazonaws.us-east-1.execute-api"
S3 = "com.amazonaws.us-east-1.s3"
INVOKE = {
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}
    ]
}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def vpc(cidr: str = "10.0.0.0/16", **more: Any) -> dict[str, Any]:
    return resource("EC2::VPC", {"CidrBlock": cidr, "EnableDnsHostnames": True, **more})


def network(**more: Any) -> dict[str, Any]:
    places = {"VpcId": ref("Vpc")}
    zones = {
        f"Subnet{number}": resource(
            "EC2::Subnet",
            {
                **places,
                "CidrBlock": f"10.0.{number}.0/24",
                "AvailabilityZone": f"us-east-1{zone}",
            },
        )
        for number, zone in enumerate("ab")
    }
    group = resource("EC2::SecurityGroup", {**places, "GroupDescription": "endpoint"})
    table = resource("EC2::RouteTable", places)
    return {"Vpc": vpc(), **zones, "Group": group, "Table": table, **more}


def endpoint(service: str, **more: Any) -> dict[str, Any]:
    return resource("EC2::VPCEndpoint", {"VpcId": ref("Vpc"), "ServiceName": service, **more})


def interface(**more: Any) -> dict[str, Any]:
    wanted = {
        "VpcEndpointType": "Interface",
        "SubnetIds": [ref("Subnet0"), ref("Subnet1")],
        "SecurityGroupIds": [att("Group", "GroupId")],
        "PrivateDnsEnabled": True,
        "PolicyDocument": INVOKE,
        "Tags": [{"Key": "Name", "Value": "api"}],
    }
    return endpoint(API, **wanted | more)


def told(ec2: Any, identifier: str) -> Any:
    return ec2.describe_vpc_endpoints(VpcEndpointIds=[identifier])["VpcEndpoints"][0]


def test_endpoints(aws: Aws):
    """Policy, subnets, groups, names and routes are EC2's, change in place, and go."""
    cloudformation, ec2 = aws.client("cloudformation"), aws.client("ec2")
    gateway = endpoint(S3, RouteTableIds=[ref("Table")])
    names = {"Names": {"Value": {"Fn::Join": [",", att("Api", "DnsEntries")]}}}
    body = template(network(Api=interface(), Store=gateway), Outputs=names)
    made = deploy(cloudformation, "net", body)

    assert failures(cloudformation, "net") == {}

    ids = physical_ids(cloudformation, "net")
    api, store = told(ec2, ids["Api"]), told(ec2, ids["Store"])
    table = ec2.describe_route_tables(RouteTableIds=[ids["Table"]])["RouteTables"][0]

    assert (api["VpcEndpointType"], api["PrivateDnsEnabled"]) == ("Interface", True)
    assert api["SubnetIds"] == [ids["Subnet0"], ids["Subnet1"]]
    assert [each["GroupId"] for each in api["Groups"]] == [ids["Group"]]
    assert json.loads(api["PolicyDocument"]) == INVOKE
    assert {"Key": "Name", "Value": "api"} in api["Tags"]
    assert len(api["NetworkInterfaceIds"]) == 2
    assert "execute-api.us-east-1.amazonaws.com" in outputs(made)["Names"]
    assert (store["VpcEndpointType"], store["RouteTableIds"]) == ("Gateway", [ids["Table"]])
    assert ids["Store"] in [route.get("GatewayId") for route in table["Routes"]]

    changed = interface(SubnetIds=[ref("Subnet1")], PrivateDnsEnabled=False)
    changed["Properties"].pop("PolicyDocument")
    open_store = endpoint(S3, RouteTableIds=[])
    deploy(cloudformation, "net", template(network(Api=changed, Store=open_store)))
    api, store = told(ec2, ids["Api"]), told(ec2, ids["Store"])
    table = ec2.describe_route_tables(RouteTableIds=[ids["Table"]])["RouteTables"][0]

    assert (api["SubnetIds"], api["PrivateDnsEnabled"]) == ([ids["Subnet1"]], False)
    assert json.loads(api["PolicyDocument"])["Statement"][0]["Action"] == "*"
    assert store["RouteTableIds"] == []
    assert ids["Store"] not in [route.get("GatewayId") for route in table["Routes"]]

    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match=r"InvalidVpcEndpointId\.NotFound"):
        told(ec2, ids["Api"])
    assert api["NetworkInterfaceIds"][0] not in str(ec2.describe_network_interfaces())


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"Api": endpoint(API)}, "does not match available service types"),
        ({"Api": interface(ServiceName=API.replace("east", "west"))}, "does not exist"),
        ({"Api": interface(), "Again": interface()}, "conflicting DNS domain"),
        ({"Api": interface(), "Vpc": vpc(EnableDnsHostnames=False)}, "enableDnsHostnames"),
        ({"Api": interface(SubnetIds=["subnet-0"])}, "The subnet ID"),
        ({"Api": endpoint(S3, PrivateDnsEnabled=True)}, "not supported for endpoints of type"),
    ],
)
def test_what_an_endpoint_refuses(aws: Aws, broken, reason):
    """What the service refuses fails the resource, and the creation is rolled back."""
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "net", template(network(**broken)))

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in str(failures(cloudformation, "net"))


def test_vpcs_of_two_regions(aws: Aws):
    """The connection is active and alike in both Regions, with routes over it; both see it go."""
    home, away = aws.client("cloudformation"), aws.client("cloudformation", AWAY)
    deploy(away, "net", template({"Vpc": vpc("10.1.0.0/16")}))
    peer = physical_ids(away, "net")["Vpc"]
    asked = {"VpcId": ref("Vpc"), "PeerVpcId": peer, "PeerRegion": AWAY, "PeerOwnerId": aws.account}
    over = {"RouteTableId": ref("Table"), "VpcPeeringConnectionId": ref("Peering")}
    body = network(
        Peering=resource("EC2::VPCPeeringConnection", asked),
        Route=resource("EC2::Route", {**over, "DestinationCidrBlock": "10.1.0.0/16"}),
    )
    made = deploy(home, "net", template(body))

    assert failures(home, "net") == {}

    ids = physical_ids(home, "net")
    seen = [peering(aws, region, ids["Peering"]) for region in ("us-east-1", AWAY)]
    routes = aws.client("ec2").describe_route_tables(RouteTableIds=[ids["Table"]])
    route = next(
        each
        for each in routes["RouteTables"][0]["Routes"]
        if each["DestinationCidrBlock"] == "10.1.0.0/16"
    )

    assert [each["Status"]["Code"] for each in seen] == ["active", "active"]
    assert seen[0]["RequesterVpcInfo"] == seen[1]["RequesterVpcInfo"]
    assert seen[0]["RequesterVpcInfo"]["CidrBlock"] == "10.0.0.0/16"
    assert seen[0]["AccepterVpcInfo"]["VpcId"] == peer
    assert seen[0]["AccepterVpcInfo"]["Region"] == AWAY
    assert route["VpcPeeringConnectionId"] == ids["Peering"]

    destroy(home, made["StackId"])

    assert peering(aws, AWAY, ids["Peering"])["Status"]["Code"] == "deleted"


def peering(aws: Aws, region: str, identifier: str) -> Any:
    ec2 = aws.client("ec2", region)
    found = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[identifier])
    return found["VpcPeeringConnections"][0]


def test_vpcs_that_overlap_do_not_peer(aws: Aws):
    """Neither with the same addresses nor with a VPC that is not there."""
    home, away = aws.client("cloudformation"), aws.client("cloudformation", AWAY)
    deploy(away, "net", template({"Vpc": vpc()}))
    for peer in (physical_ids(away, "net")["Vpc"], "vpc-0"):
        asked = {"VpcId": ref("Vpc"), "PeerVpcId": peer, "PeerRegion": AWAY}
        body = {"Vpc": vpc(), "Peering": resource("EC2::VPCPeeringConnection", asked)}
        made = deploy(home, f"net-{len(peer)}", template(body))

        assert made["StackStatus"] == "ROLLBACK_COMPLETE"
        assert "overlapping CIDR range" in failures(home, made["StackId"])["Peering"]


def test_ipv6(aws: Aws):
    """The block is the VPC's, subnets take theirs of it, and it leaves by a gateway of its own."""
    cloudformation, ec2 = aws.client("cloudformation"), aws.client("ec2")
    block = {"Fn::Select": [0, att("Vpc", "Ipv6CidrBlocks")]}
    places = {"VpcId": ref("Vpc")}
    body = {
        "Vpc": vpc(),
        "Six": resource("EC2::VPCCidrBlock", {**places, "AmazonProvidedIpv6CidrBlock": True}),
        "More": resource("EC2::VPCCidrBlock", {**places, "CidrBlock": "10.1.0.0/16"}),
        "Subnet": resource(
            "EC2::Subnet",
            {
                **places,
                "CidrBlock": "10.1.1.0/24",
                "Ipv6CidrBlock": {"Fn::Select": [1, {"Fn::Cidr": [block, 4, 64]}]},
                "AssignIpv6AddressOnCreation": True,
            },
            DependsOn=["Six", "More"],
        ),
        "Egress": resource("EC2::EgressOnlyInternetGateway", places),
        "Table": resource("EC2::RouteTable", places),
        "Out": resource(
            "EC2::Route",
            {
                "RouteTableId": ref("Table"),
                "DestinationIpv6CidrBlock": "::/0",
                "EgressOnlyInternetGatewayId": ref("Egress"),
            },
        ),
    }
    made = deploy(cloudformation, "net", template(body))

    assert failures(cloudformation, "net") == {}

    ids = physical_ids(cloudformation, "net")
    found = ec2.describe_vpcs(VpcIds=[ids["Vpc"]])["Vpcs"][0]
    home = found["Ipv6CidrBlockAssociationSet"][0]
    subnet = ec2.describe_subnets(SubnetIds=[ids["Subnet"]])["Subnets"][0]
    table = ec2.describe_route_tables(RouteTableIds=[ids["Table"]])["RouteTables"][0]
    own = subnet["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    cidrs = [each["CidrBlock"] for each in found["CidrBlockAssociationSet"]]

    assert home["AssociationId"] == ids["Six"]
    assert home["Ipv6CidrBlock"].endswith("00::/56")
    assert own == home["Ipv6CidrBlock"].replace("00::/56", "01::/64")
    assert subnet["AssignIpv6AddressOnCreation"] is True
    assert cidrs == ["10.0.0.0/16", "10.1.0.0/16"]
    assert ids["Egress"] in [each.get("EgressOnlyInternetGatewayId") for each in table["Routes"]]

    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"] == []


def test_rules_of_their_own(aws: Aws):
    """Two groups admit each other by rules beside them; a new port is a new rule."""
    cloudformation, ec2 = aws.client("cloudformation"), aws.client("ec2")
    group = resource("EC2::SecurityGroup", {"GroupDescription": "one", "VpcId": ref("Vpc")})

    def body(port: int) -> str:
        ports = {"IpProtocol": "tcp", "FromPort": str(port), "ToPort": port, "Description": "app"}
        entry = {
            "GroupId": att("One", "GroupId"),
            "SourceSecurityGroupId": att("Two", "GroupId"),
            **ports,
        }
        leave = {
            "GroupId": att("Two", "GroupId"),
            "DestinationSecurityGroupId": att("One", "GroupId"),
            **ports,
        }
        rules = {
            "In": resource("EC2::SecurityGroupIngress", entry),
            "Out": resource("EC2::SecurityGroupEgress", leave),
        }
        return template({"Vpc": vpc(), "One": group, "Two": group, **rules})

    made = deploy(cloudformation, "net", body(3306))

    assert failures(cloudformation, "net") == {}

    ids = physical_ids(cloudformation, "net")
    one, two = (security_group(ec2, ids[name]) for name in ("One", "Two"))

    assert ids["In"].startswith("sgr-")
    assert admitted(one["IpPermissions"]) == [(3306, ids["Two"], "app")]
    assert (3306, ids["One"], "app") in admitted(two["IpPermissionsEgress"])

    deploy(cloudformation, "net", body(5432))
    one = security_group(ec2, ids["One"])

    assert admitted(one["IpPermissions"]) == [(5432, ids["Two"], "app")]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def security_group(ec2: Any, identifier: str) -> Any:
    return ec2.describe_security_groups(GroupIds=[identifier])["SecurityGroups"][0]


def admitted(permissions: Any) -> list[tuple[int, str, str]]:
    return [
        (rule["FromPort"], pair["GroupId"], pair["Description"])
        for rule in permissions
        for pair in rule["UserIdGroupPairs"]
    ]
