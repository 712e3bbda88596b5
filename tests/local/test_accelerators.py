"""Accelerators and protections: kept, readable, and nothing behind them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    AWAY,
    HOME,
    Aws,
    deploy,
    destroy,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def balancer(aws: Aws, region: str) -> str:
    """Return the ARN of a load balancer in the default network of a Region."""
    subnets = aws.client("ec2", region).describe_subnets()["Subnets"]
    made = aws.client("elbv2", region).create_load_balancer(
        Name="alb", Subnets=[each["SubnetId"] for each in subnets[:2]]
    )
    return str(made["LoadBalancers"][0]["LoadBalancerArn"])


ADDRESSES = {
    "Addresses": {"Value": {"Fn::Join": [",", att("Accelerator", "Ipv4Addresses")]}},
    "Host": {"Value": att("Accelerator", "DnsName")},
}


def accelerated(
    endpoint: str, *, dial: Any = 100, name: str = "tap", tag: str = "one", region: str = HOME
) -> str:
    body = {
        "Accelerator": resource(
            "GlobalAccelerator::Accelerator",
            {"Name": name, "Enabled": True, "Tags": [{"Key": "k", "Value": tag}]},
        ),
        "Listener": resource(
            "GlobalAccelerator::Listener",
            {
                "AcceleratorArn": ref("Accelerator"),
                "Protocol": "TCP",
                "PortRanges": [{"FromPort": "80", "ToPort": "80"}],
            },
        ),
        "Group": resource(
            "GlobalAccelerator::EndpointGroup",
            {
                "ListenerArn": ref("Listener"),
                "EndpointGroupRegion": region,
                "TrafficDialPercentage": dial,
                "EndpointConfigurations": [{"EndpointId": endpoint, "Weight": 100}],
                "HealthCheckPath": "/health",
                "HealthCheckProtocol": "HTTP",
                "ThresholdCount": 2,
            },
        ),
    }
    return template(body, Outputs=ADDRESSES)


def group_of(aws: Aws, arn: str) -> dict[str, Any]:
    api = aws.client("globalaccelerator", AWAY)
    return dict(api.describe_endpoint_group(EndpointGroupArn=arn)["EndpointGroup"])


def test_an_accelerator_keeps_its_addresses(aws: Aws):
    """Dial, name and tags change in place from any Region, and the two addresses stay."""
    cloudformation, api = aws.client("cloudformation"), aws.client("globalaccelerator", AWAY)
    endpoint = balancer(aws, HOME)
    made = deploy(cloudformation, "edge", accelerated(endpoint), Tags=[{"Key": "s", "Value": "t"}])
    ids, first = physical_ids(cloudformation, "edge"), outputs(made)
    found = api.describe_accelerator(AcceleratorArn=ids["Accelerator"])["Accelerator"]
    listener = api.describe_listener(ListenerArn=ids["Listener"])["Listener"]
    group = group_of(aws, ids["Group"])

    assert found["IpSets"][0]["IpAddresses"] == first["Addresses"].split(",")
    assert len(set(first["Addresses"].split(","))) == 2
    assert (found["DnsName"], found["Name"], found["Enabled"]) == (first["Host"], "tap", True)
    assert (found["IpAddressType"], found["Status"]) == ("IPV4", "DEPLOYED")
    assert listener["PortRanges"] == [{"FromPort": 80, "ToPort": 80}]
    assert (listener["Protocol"], listener["ClientAffinity"]) == ("TCP", "NONE")
    assert (group["EndpointGroupRegion"], group["TrafficDialPercentage"]) == (HOME, 100)
    assert group["EndpointDescriptions"][0]["EndpointId"] == endpoint
    assert group["EndpointDescriptions"][0]["Weight"] == 100
    assert (group["HealthCheckPath"], group["ThresholdCount"]) == ("/health", 2)
    assert (group["HealthCheckPort"], group["HealthCheckIntervalSeconds"]) == (80, 30)

    body = accelerated(endpoint, dial="40", name="renamed", tag="two")
    second = outputs(deploy(cloudformation, "edge", body, Tags=[]))
    tags = api.list_tags_for_resource(ResourceArn=ids["Accelerator"])["Tags"]

    assert second == first
    assert physical_ids(cloudformation, "edge") == ids
    assert group_of(aws, ids["Group"])["TrafficDialPercentage"] == 40
    assert {"Key": "k", "Value": "two"} in tags
    assert "s" not in [tag["Key"] for tag in tags]

    destroy(cloudformation, made["StackId"])

    assert api.list_accelerators()["Accelerators"] == []
    with pytest.raises(ClientError, match="EndpointGroupNotFoundException"):
        group_of(aws, ids["Group"])


def test_the_dial_by_hand(aws: Aws):
    """update_endpoint_group turns the dial and leaves all else; a wrong percentage is refused."""
    cloudformation, api = aws.client("cloudformation"), aws.client("globalaccelerator", AWAY)
    deploy(cloudformation, "edge", accelerated(balancer(aws, HOME)))
    ids = physical_ids(cloudformation, "edge")
    before = group_of(aws, ids["Group"])
    api.update_endpoint_group(EndpointGroupArn=ids["Group"], TrafficDialPercentage=0)
    with pytest.raises(ClientError, match="InvalidArgumentException"):
        api.update_endpoint_group(EndpointGroupArn=ids["Group"], TrafficDialPercentage=101)

    assert group_of(aws, ids["Group"]) == before | {"TrafficDialPercentage": 0}
    assert api.list_endpoint_groups(ListenerArn=ids["Listener"])["EndpointGroups"] == [
        before | {"TrafficDialPercentage": 0}
    ]
    assert api.list_listeners(AcceleratorArn=ids["Accelerator"])["Listeners"][0]["Protocol"] == (
        "TCP"
    )
    assert aws.client("globalaccelerator", HOME).list_accelerators()["Accelerators"] == []


def test_what_an_accelerator_refuses(aws: Aws):
    """It goes only when disabled and empty, and has one endpoint group in a Region."""
    cloudformation, api = aws.client("cloudformation"), aws.client("globalaccelerator", AWAY)
    deploy(cloudformation, "edge", accelerated(balancer(aws, HOME)))
    ids = physical_ids(cloudformation, "edge")
    with pytest.raises(ClientError, match="AcceleratorNotDisabledException"):
        api.delete_accelerator(AcceleratorArn=ids["Accelerator"])
    with pytest.raises(ClientError, match="AssociatedEndpointGroupFoundException"):
        api.delete_listener(ListenerArn=ids["Listener"])
    with pytest.raises(ClientError, match="EndpointGroupAlreadyExistsException"):
        api.create_endpoint_group(ListenerArn=ids["Listener"], EndpointGroupRegion=HOME)
    api.update_accelerator(AcceleratorArn=ids["Accelerator"], Enabled=False)
    with pytest.raises(ClientError, match="AssociatedListenerFoundException"):
        api.delete_accelerator(AcceleratorArn=ids["Accelerator"])


def test_an_endpoint_must_be_in_the_region_of_its_group(aws: Aws):
    """A load balancer of another Region, or none at all, fails the group and takes all back."""
    cloudformation = aws.client("cloudformation")
    endpoint = balancer(aws, HOME)
    deploy(cloudformation, "edge", accelerated(endpoint, region=AWAY))

    assert "is not in the Region" in failures(cloudformation, "edge")["Group"]

    deploy(cloudformation, "gone", accelerated(endpoint.replace("/alb/", "/other/")))

    assert "not found" in failures(cloudformation, "gone")["Group"]
    assert aws.client("globalaccelerator", AWAY).list_accelerators()["Accelerators"] == []


def test_another_region_is_another_group(aws: Aws):
    """The Region of a group is fixed, so that the group is replaced."""
    cloudformation, api = aws.client("cloudformation"), aws.client("globalaccelerator", AWAY)
    deploy(cloudformation, "edge", accelerated(balancer(aws, HOME)))
    deploy(cloudformation, "edge", accelerated(balancer(aws, AWAY), region=AWAY))
    ids = physical_ids(cloudformation, "edge")
    groups = api.list_endpoint_groups(ListenerArn=ids["Listener"])["EndpointGroups"]

    assert [each["EndpointGroupRegion"] for each in groups] == [AWAY]
    assert groups[0]["EndpointGroupArn"] == ids["Group"]


def test_pages_of_accelerators(aws: Aws):
    """A list comes in pages, whose tokens lead on."""
    api = aws.client("globalaccelerator", AWAY)
    names = [f"a{n}" for n in range(5)]
    for name in names:
        api.create_accelerator(Name=name, IdempotencyToken=name)
    pages = list(api.get_paginator("list_accelerators").paginate(PaginationConfig={"PageSize": 2}))

    assert [each["Name"] for page in pages for each in page["Accelerators"]] == names
    assert len(pages) == 3


def test_a_protection(aws: Aws):
    """A protection is found by its id and by what it protects, and its health checks change."""
    cloudformation, shield = aws.client("cloudformation", AWAY), aws.client("shield")
    endpoint = balancer(aws, HOME)
    checks = [f"arn:aws:route53:::healthcheck/{n}" for n in (1, 2)]

    def protected(check: str, **more: Any) -> str:
        wanted = {"Name": "alb", "ResourceArn": endpoint, "HealthCheckArns": [check], **more}
        told = {"Id": {"Value": att("One", "ProtectionId")}}
        return template({"One": resource("Shield::Protection", wanted)}, Outputs=told)

    made = deploy(cloudformation, "edge", protected(checks[0], Tags=[{"Key": "k", "Value": "v"}]))
    arn, identifier = physical_ids(cloudformation, "edge")["One"], outputs(made)["Id"]
    found = shield.describe_protection(ResourceArn=endpoint)["Protection"]

    assert shield.describe_protection(ProtectionId=identifier)["Protection"] == found
    assert (found["Name"], found["ProtectionArn"], found["HealthCheckIds"]) == ("alb", arn, ["1"])
    assert {"Key": "k", "Value": "v"} in shield.list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert shield.get_subscription_state()["SubscriptionState"] == "ACTIVE"

    response = {"Status": "ENABLED", "Action": {"Block": {}}}
    changed = protected(checks[1], ApplicationLayerAutomaticResponseConfiguration=response)
    deploy(cloudformation, "edge", changed)
    found = shield.list_protections()["Protections"][0]

    assert (found["Id"], found["HealthCheckIds"]) == (identifier, ["2"])
    assert found["ApplicationLayerAutomaticResponseConfiguration"] == response

    deploy(cloudformation, "edge", protected(checks[1]))

    assert "ApplicationLayerAutomaticResponseConfiguration" not in str(shield.list_protections())

    destroy(cloudformation, made["StackId"])

    assert shield.list_protections()["Protections"] == []
