"""EC2 resources: readable through EC2 after a deploy, changed in place, replaced, and gone."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    Aws,
    deploy,
    destroy,
    events,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)

VPC = resource("EC2::VPC", {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": True})
ANYWHERE = {"Type": "String", "Default": "0.0.0.0/0"}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def tags(**pairs: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def own_tags(found: Any) -> dict[str, str]:
    return {
        tag["Key"]: tag["Value"]
        for tag in found.get("Tags", ())
        if not tag["Key"].startswith("aws:")
    }


def subnet(number: int, zone: str, **more: Any) -> dict[str, Any]:
    return resource(
        "EC2::Subnet",
        {
            "VpcId": ref("Vpc"),
            "CidrBlock": f"10.0.{number}.0/24",
            "AvailabilityZone": zone,
            **more,
        },
    )


def public_network(**more: Any) -> dict[str, Any]:
    return {
        "Vpc": VPC,
        "Gateway": resource("EC2::InternetGateway", {"Tags": tags(Name="gateway")}),
        "Attachment": resource(
            "EC2::VPCGatewayAttachment",
            {"VpcId": ref("Vpc"), "InternetGatewayId": ref("Gateway")},
        ),
        "Subnet": subnet(1, "us-east-1a", MapPublicIpOnLaunch=True),
        "Table": resource("EC2::RouteTable", {"VpcId": ref("Vpc")}),
        "Route": resource(
            "EC2::Route",
            {
                "RouteTableId": ref("Table"),
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": ref("Gateway"),
            },
            DependsOn="Attachment",
        ),
        "Association": resource(
            "EC2::SubnetRouteTableAssociation",
            {"RouteTableId": ref("Table"), "SubnetId": ref("Subnet")},
        ),
        **more,
    }


NAT = {
    "Address": resource("EC2::EIP", {"Domain": "vpc"}, DependsOn="Attachment"),
    "Nat": resource(
        "EC2::NatGateway",
        {"SubnetId": ref("Subnet"), "AllocationId": att("Address", "AllocationId")},
    ),
}


def test_a_vpc_is_changed_in_place_and_goes(aws: Aws):
    """DNS attributes, tags and GetAtts of a VPC are EC2's; an update keeps the VPC."""
    ec2, cloudformation = aws.client("ec2"), aws.client("cloudformation")
    wanted = {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": True, "Tags": tags(Name="one")}
    told = {
        "Cidr": {"Value": att("Vpc", "CidrBlock")},
        "Group": {"Value": att("Vpc", "DefaultSecurityGroup")},
    }
    made = deploy(
        cloudformation,
        "net",
        template({"Vpc": resource("EC2::VPC", wanted)}, Outputs=told),
        Tags=tags(stage="test"),
    )
    vpc = physical_ids(cloudformation, "net")["Vpc"]
    group = ec2.describe_security_groups(GroupIds=[outputs(made)["Group"]])["SecurityGroups"][0]

    assert outputs(made)["Cidr"] == "10.0.0.0/16"
    assert (group["VpcId"], group["GroupName"]) == (vpc, "default")
    assert dns(ec2, vpc) == {"EnableDnsHostnames": True, "EnableDnsSupport": True}
    assert own_tags(ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]) == {"Name": "one", "stage": "test"}

    changed = wanted | {"EnableDnsHostnames": False, "Tags": tags(Name="two")}
    deploy(cloudformation, "net", template({"Vpc": resource("EC2::VPC", changed)}), Tags=[])

    assert physical_ids(cloudformation, "net")["Vpc"] == vpc
    assert dns(ec2, vpc) == {"EnableDnsHostnames": False, "EnableDnsSupport": True}
    assert own_tags(ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]) == {"Name": "two"}

    destroy(cloudformation, made["StackId"])

    with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
        ec2.describe_vpcs(VpcIds=[vpc])


def dns(ec2: Any, vpc: str) -> dict[str, bool]:
    return {
        name: ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name[0].lower() + name[1:])[name][
            "Value"
        ]
        for name in ("EnableDnsHostnames", "EnableDnsSupport")
    }


def test_another_cidr_replaces_the_vpc(aws: Aws):
    """A create-only property makes a new VPC and deletes the old one afterwards."""
    ec2, cloudformation = aws.client("ec2"), aws.client("cloudformation")
    deploy(cloudformation, "net", template({"Vpc": VPC}))
    first = physical_ids(cloudformation, "net")["Vpc"]
    wider = resource("EC2::VPC", {"CidrBlock": "10.1.0.0/16"})
    deploy(cloudformation, "net", template({"Vpc": wider}))
    second = physical_ids(cloudformation, "net")["Vpc"]
    known = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]]

    assert second != first
    assert second in known
    assert first not in known


def test_a_public_network(aws: Aws):
    """Subnet, gateway, table, route and association are wired as the template says."""
    ec2, cloudformation = aws.client("ec2"), aws.client("cloudformation")
    told = {"Vpc": {"Value": att("Subnet", "VpcId")}}
    made = deploy(cloudformation, "net", template(public_network(), Outputs=told))
    ids = physical_ids(cloudformation, "net")
    zone = ec2.describe_subnets(SubnetIds=[ids["Subnet"]])["Subnets"][0]
    gateway = ec2.describe_internet_gateways(InternetGatewayIds=[ids["Gateway"]])
    table = ec2.describe_route_tables(RouteTableIds=[ids["Table"]])["RouteTables"][0]

    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert outputs(made)["Vpc"] == ids["Vpc"] == zone["VpcId"]
    assert (zone["AvailabilityZone"], zone["MapPublicIpOnLaunch"]) == ("us-east-1a", True)
    assert gateway["InternetGateways"][0]["Attachments"][0]["VpcId"] == ids["Vpc"]
    assert own_tags(gateway["InternetGateways"][0]) == {"Name": "gateway"}
    assert targets(table)["0.0.0.0/0"] == ids["Gateway"]
    assert [one["SubnetId"] for one in table["Associations"]] == [ids["Subnet"]]
    assert ids["Attachment"] == f"IGW|{ids['Vpc']}"
    assert ids["Route"] == f"{ids['Table']}|0.0.0.0/0"

    destroy(cloudformation, made["StackId"])

    assert ids["Subnet"] not in str(ec2.describe_subnets())
    assert ids["Table"] not in str(ec2.describe_route_tables())
    assert ids["Gateway"] not in str(ec2.describe_internet_gateways())


def targets(table: Any) -> dict[str, str]:
    return {
        route["DestinationCidrBlock"]: route.get("NatGatewayId") or route.get("GatewayId", "")
        for route in table["Routes"]
    }


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"CidrBlock": "10.9.0.0/24"}, "The CIDR '10.9.0.0/24' is invalid"),
        ({"CidrBlock": "10.0.1.128/25"}, "conflicts with another subnet"),
        ({"AvailabilityZone": "us-west-2a"}, "parameter availabilityZone is invalid"),
        ({"VpcId": "vpc-0"}, "The vpc ID 'vpc-0' does not exist"),
    ],
)
def test_a_subnet_that_does_not_fit(aws: Aws, wanted, reason):
    """A block outside the VPC or over another subnet, a foreign zone, no VPC: all are refused."""
    cloudformation = aws.client("cloudformation")
    other = subnet(2, "us-east-1b") | {"DependsOn": "Subnet"}
    other["Properties"] |= wanted
    body = template({"Vpc": VPC, "Subnet": subnet(1, "us-east-1a"), "Other": other})

    assert deploy(cloudformation, "net", body)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in failures(cloudformation, "net")["Other"]


def test_a_subnet_cannot_be_replaced_over_itself(aws: Aws):
    """Another zone needs a new subnet, but the old one still holds the block."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "net", template({"Vpc": VPC, "Subnet": subnet(1, "us-east-1a")}))
    first = physical_ids(cloudformation, "net")["Subnet"]
    body = template({"Vpc": VPC, "Subnet": subnet(1, "us-east-1b")})
    made = deploy(cloudformation, "net", body)

    assert made["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "conflicts with another subnet" in failures(cloudformation, "net")["Subnet"]
    assert physical_ids(cloudformation, "net")["Subnet"] == first


def test_a_zone_by_parameter(aws: Aws):
    """A parameter of type AvailabilityZone::Name decides where the subnet lies."""
    ec2, cloudformation = aws.client("ec2"), aws.client("cloudformation")
    zone = {"Zone": {"Type": "AWS::EC2::AvailabilityZone::Name"}}
    body = template({"Vpc": VPC, "Subnet": subnet(2, ref("Zone"))}, Parameters=zone)  # type: ignore[arg-type]
    deploy(cloudformation, "net", body, Parameters={"Zone": "us-east-1b"})
    made = physical_ids(cloudformation, "net")["Subnet"]

    assert ec2.describe_subnets(SubnetIds=[made])["Subnets"][0]["AvailabilityZone"] == "us-east-1b"


def test_a_nat_gateway_has_its_address(aws: Aws):
    """The address belongs to the gateway, private routes lead to it, and both go again."""
    ec2, cloudformation = aws.client("ec2"), aws.client("cloudformation")
    more = {
        **NAT,
        "PrivateTable": resource("EC2::RouteTable", {"VpcId": ref("Vpc")}),
        "PrivateRoute": resource(
            "EC2::Route",
            {
                "RouteTableId": ref("PrivateTable"),
                "DestinationCidrBlock": "0.0.0.0/0",
                "NatGatewayId": ref("Nat"),
            },
        ),
    }
    told = {
        "Ip": {"Value": att("Address", "PublicIp")},
        "Nat": {"Value": att("Nat", "NatGatewayId")},
    }
    made = deploy(cloudformation, "net", template(public_network(**more), Outputs=told))
    ids = physical_ids(cloudformation, "net")
    gateway = nat_gateway(ec2, ids["Nat"])
    address = gateway["NatGatewayAddresses"][0]
    table = ec2.describe_route_tables(RouteTableIds=[ids["PrivateTable"]])["RouteTables"][0]

    assert (gateway["State"], gateway["SubnetId"]) == ("available", ids["Subnet"])
    assert address["PublicIp"] == ids["Address"] == outputs(made)["Ip"]
    assert outputs(made)["Nat"] == ids["Nat"]
    assert targets(table)["0.0.0.0/0"] == ids["Nat"]
    with pytest.raises(ClientError, match=r"InvalidIPAddress\.InUse"):
        ec2.release_address(AllocationId=address["AllocationId"])

    destroy(cloudformation, made["StackId"])

    assert nat_gateway(ec2, ids["Nat"])["State"] == "deleted"
    assert ec2.describe_addresses()["Addresses"] == []


def nat_gateway(ec2: Any, identifier: str) -> Any:
    return ec2.describe_nat_gateways(NatGatewayIds=[identifier])["NatGateways"][0]


@pytest.mark.parametrize(
    ("nat", "reason"),
    [
        ({"SubnetId": ref("Subnet")}, "must contain the parameter AllocationId"),
        ({"SubnetId": "subnet-0", "AllocationId": "eipalloc-0"}, "subnet-0' does not exist"),
        ({"SubnetId": ref("Subnet"), "AllocationId": "eipalloc-0"}, "eipalloc-0' does not exist"),
    ],
)
def test_a_nat_gateway_needs_subnet_and_address(aws: Aws, nat, reason):
    """A gateway without what it needs fails, and the creation is rolled back."""
    cloudformation, ec2 = aws.client("cloudformation"), aws.client("ec2")
    made = deploy(
        cloudformation, "net", template(public_network(Nat=resource("EC2::NatGateway", nat)))
    )

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in failures(cloudformation, "net")["Nat"]
    assert [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]] == []


def test_rules_of_a_security_group(aws: Aws):
    """Rules and their descriptions are EC2's; an update adds and removes only what differs."""
    ec2, cloudformation = aws.client("ec2"), aws.client("cloudformation")
    made = deploy(cloudformation, "net", group_template(443, 80, cidr="10.0.0.0/8"))
    ids = physical_ids(cloudformation, "net")
    group = ec2.describe_security_groups(GroupIds=[ids["Group"]])["SecurityGroups"][0]

    assert group["GroupName"] == "tap-security-group"
    assert ingress(group) == {(443, "10.0.0.0/8", "port 443"), (80, "10.0.0.0/8", "port 80")}
    assert [rule["IpProtocol"] for rule in group["IpPermissionsEgress"]] == ["-1"]

    deploy(cloudformation, "net", group_template(443, 22, cidr="10.0.0.0/8"))
    group = ec2.describe_security_groups(GroupIds=[ids["Group"]])["SecurityGroups"][0]

    assert ingress(group) == {(443, "10.0.0.0/8", "port 443"), (22, "10.0.0.0/8", "port 22")}
    assert physical_ids(cloudformation, "net")["Group"] == ids["Group"]

    destroy(cloudformation, made["StackId"])

    with pytest.raises(ClientError, match=r"InvalidGroup\.NotFound"):
        ec2.describe_security_groups(GroupIds=[ids["Group"]])


def group_template(*ports: int, cidr: str) -> str:
    rules = [
        {
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            "CidrIp": cidr,
            "Description": f"port {port}",
        }
        for port in ports
    ]
    group = {
        "GroupName": "tap-security-group",
        "GroupDescription": "web",
        "VpcId": ref("Vpc"),
        "SecurityGroupIngress": rules,
        "Tags": tags(Name="tap-sg"),
    }
    return template({"Vpc": VPC, "Group": resource("EC2::SecurityGroup", group)})


def ingress(group: Any) -> set[tuple[int, str, str]]:
    return {
        (rule["FromPort"], one["CidrIp"], one["Description"])
        for rule in group["IpPermissions"]
        for one in rule["IpRanges"]
    }


def test_groups_that_admit_each_other(aws: Aws):
    """A rule may name another group instead of a block; explicit egress replaces the default."""
    ec2, cloudformation = aws.client("ec2"), aws.client("cloudformation")
    web = {"GroupDescription": "web", "VpcId": ref("Vpc")}
    app = web | {
        "SecurityGroupIngress": [
            {
                "IpProtocol": "tcp",
                "FromPort": 8080,
                "ToPort": 8080,
                "SourceSecurityGroupId": att("Web", "GroupId"),
            }
        ],
        "SecurityGroupEgress": [{"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}],
    }
    groups = {
        "Web": resource("EC2::SecurityGroup", web),
        "App": resource("EC2::SecurityGroup", app),
    }
    deploy(cloudformation, "net", template({"Vpc": VPC, **groups}))
    ids = physical_ids(cloudformation, "net")
    found = ec2.describe_security_groups(GroupIds=[ids["App"]])["SecurityGroups"][0]

    assert found["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == ids["Web"]
    assert found["IpPermissionsEgress"][0]["IpRanges"][0]["CidrIp"] == "127.0.0.1/32"
    assert len(found["IpPermissionsEgress"]) == 1


def test_a_flow_log(aws: Aws):
    """What a flow log was created with is readable; another traffic type replaces it."""
    ec2, cloudformation = aws.client("ec2"), aws.client("cloudformation")
    made = deploy(cloudformation, "net", flow_log_template("REJECT"))
    first = physical_ids(cloudformation, "net")["Log"]
    found = ec2.describe_flow_logs(FlowLogIds=[first])["FlowLogs"][0]

    assert outputs(made)["Log"] == first
    assert found["TrafficType"] == "REJECT"
    assert found["LogGroupName"] == "/aws/tap-stack/flow-rejects"
    assert found["DeliverLogsPermissionArn"].endswith(":role/flow")
    assert found["MaxAggregationInterval"] == 60
    assert found["ResourceId"] == physical_ids(cloudformation, "net")["Vpc"]

    deploy(cloudformation, "net", flow_log_template("ALL"))
    second = physical_ids(cloudformation, "net")["Log"]
    found = ec2.describe_flow_logs()["FlowLogs"]

    assert [(log["FlowLogId"], log["TrafficType"]) for log in found] == [(second, "ALL")]
    assert second != first

    destroy(cloudformation, made["StackId"])

    assert ec2.describe_flow_logs()["FlowLogs"] == []


def flow_log_template(traffic: str) -> str:
    log = {
        "ResourceType": "VPC",
        "ResourceId": ref("Vpc"),
        "TrafficType": traffic,
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": "/aws/tap-stack/flow-rejects",
        "DeliverLogsPermissionArn": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/flow"},
        "MaxAggregationInterval": 60,
    }
    resources = {"Vpc": VPC, "Log": resource("EC2::FlowLog", log)}
    return template(resources, Outputs={"Log": {"Value": att("Log", "Id")}})


def test_a_route_changes_its_target_in_place(aws: Aws):
    """Another target is an update of the route, and no replacement."""
    ec2, cloudformation = aws.client("ec2"), aws.client("cloudformation")
    deploy(cloudformation, "net", template(public_network(**NAT)))
    to_nat = {
        "RouteTableId": ref("Table"),
        "DestinationCidrBlock": "0.0.0.0/0",
        "NatGatewayId": ref("Nat"),
    }
    changed = public_network(**NAT) | {"Route": resource("EC2::Route", to_nat)}
    deploy(cloudformation, "net", template(changed))
    ids = physical_ids(cloudformation, "net")
    table = ec2.describe_route_tables(RouteTableIds=[ids["Table"]])["RouteTables"][0]
    said = [
        e["ResourceStatus"]
        for e in events(cloudformation, "net")
        if e["LogicalResourceId"] == "Route"
    ]

    assert targets(table)["0.0.0.0/0"] == ids["Nat"]
    assert said == [
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]
