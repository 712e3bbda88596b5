"""Load balancers, listeners, rules and target groups: read back, changed, refused, gone."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import (
    Aws,
    deploy,
    destroy,
    failures,
    outputs,
    physical_ids,
    resource,
    template,
)

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/1"
PROTECTED = {"Key": "deletion_protection.enabled", "Value": "true"}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def network(gateway: bool = True) -> dict[str, Any]:
    subnets = {
        f"Subnet{number}": resource(
            "EC2::Subnet",
            {
                "VpcId": ref("Vpc"),
                "CidrBlock": f"10.0.{number}.0/24",
                "AvailabilityZone": f"us-east-1{zone}",
            },
        )
        for number, zone in enumerate("abb")
    }
    attached = {
        "Gateway": resource("EC2::InternetGateway"),
        "Attachment": resource(
            "EC2::VPCGatewayAttachment",
            {"VpcId": ref("Vpc"), "InternetGatewayId": ref("Gateway")},
        ),
    }
    group = {"GroupDescription": "load balancer", "VpcId": ref("Vpc")}
    return {
        "Vpc": resource("EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
        "Group": resource("EC2::SecurityGroup", group),
        **subnets,
        **(attached if gateway else {}),
    }


def balancer(**more: Any) -> dict[str, Any]:
    wanted = {
        "Subnets": [ref("Subnet0"), ref("Subnet1")],
        "SecurityGroups": [att("Group", "GroupId")],
        **more,
    }
    return resource("ElasticLoadBalancingV2::LoadBalancer", wanted, DependsOn="Attachment")


def target_group(**more: Any) -> dict[str, Any]:
    wanted = {"VpcId": ref("Vpc"), "Protocol": "HTTP", "Port": 80, **more}
    return resource("ElasticLoadBalancingV2::TargetGroup", wanted)


def listener(*actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    wanted = {
        "LoadBalancerArn": ref("Balancer"),
        "Port": 80,
        "Protocol": "HTTP",
        "DefaultActions": list(actions),
        **more,
    }
    return resource("ElasticLoadBalancingV2::Listener", wanted)


def forward(**weights: int) -> dict[str, Any]:
    groups = [
        {"TargetGroupArn": ref(name), "Weight": weight} for name, weight in sorted(weights.items())
    ]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


def rule(priority: int, *conditions: dict[str, Any], **action: Any) -> dict[str, Any]:
    wanted = {
        "ListenerArn": ref("Http"),
        "Priority": priority,
        "Conditions": list(conditions),
        "Actions": [action],
    }
    return resource("ElasticLoadBalancingV2::ListenerRule", wanted)


def attributes(told: Any) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in told["Attributes"]}


def front(blue: int, green: int, **more: Any) -> dict[str, Any]:
    fixed = {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "<away>"}
    return {
        **network(),
        "Balancer": balancer(**more),
        "Blue": target_group(Name="blue", Tags=[{"Key": "side", "Value": "blue"}]),
        "Green": target_group(Name="green"),
        "Http": listener(forward(Blue=blue, Green=green)),
        "Https": listener(
            forward(Blue=1),
            Port=443,
            Protocol="HTTPS",
            Certificates=[{"CertificateArn": CERTIFICATE}],
            SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        ),
        "Away": rule(
            10,
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/away*"]}},
            Type="fixed-response",
            FixedResponseConfig=fixed,
        ),
    }


def test_a_front_with_weights(aws: Aws):
    """Weights, redirects, certificates, attributes and rules are the service's; weights move."""
    cloudformation, elb = aws.client("cloudformation"), aws.client("elbv2")
    told = {
        "Dns": {"Value": att("Balancer", "DNSName")},
        "Zone": {"Value": att("Balancer", "CanonicalHostedZoneID")},
        "Full": {"Value": att("Balancer", "LoadBalancerFullName")},
        "Group": {"Value": att("Blue", "TargetGroupFullName")},
    }
    idle = [{"Key": "idle_timeout.timeout_seconds", "Value": 120}]
    body = template(front(100, 0, Name="front", LoadBalancerAttributes=idle), Outputs=told)
    made = deploy(cloudformation, "web", body)

    assert failures(cloudformation, "web") == {}

    ids = physical_ids(cloudformation, "web")
    found = elb.describe_load_balancers(LoadBalancerArns=[ids["Balancer"]])["LoadBalancers"][0]
    zones = {each["ZoneName"]: each["SubnetId"] for each in found["AvailabilityZones"]}

    assert zones == {"us-east-1a": ids["Subnet0"], "us-east-1b": ids["Subnet1"]}
    assert (found["Scheme"], found["VpcId"]) == ("internet-facing", ids["Vpc"])
    assert found["SecurityGroups"] == [ids["Group"]]
    assert outputs(made)["Dns"] == found["DNSName"]
    assert outputs(made)["Zone"] == found["CanonicalHostedZoneId"] == "Z35SXDOTRQ7X7K"
    assert outputs(made)["Full"].startswith("app/front/")
    assert outputs(made)["Group"].startswith("targetgroup/blue/")
    assert weights(elb, ids) == {ids["Blue"]: 100, ids["Green"]: 0}
    settings = elb.describe_load_balancer_attributes(LoadBalancerArn=ids["Balancer"])
    assert attributes(settings)["idle_timeout.timeout_seconds"] == "120"
    secure = elb.describe_listeners(ListenerArns=[ids["Https"]])["Listeners"][0]
    assert secure["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    assert secure["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    away = elb.describe_rules(RuleArns=[ids["Away"]])["Rules"][0]
    assert away["Actions"][0]["FixedResponseConfig"]["MessageBody"] == "<away>"
    assert away["Conditions"][0]["PathPatternConfig"]["Values"] == ["/away*"]

    deploy(cloudformation, "web", template(front(90, 10, Name="front"), Outputs=told))

    assert physical_ids(cloudformation, "web") == ids
    assert weights(elb, ids) == {ids["Blue"]: 90, ids["Green"]: 10}
    settings = elb.describe_load_balancer_attributes(LoadBalancerArn=ids["Balancer"])
    assert attributes(settings)["idle_timeout.timeout_seconds"] == "60"
    with pytest.raises(ClientError, match="ResourceInUse"):
        elb.delete_target_group(TargetGroupArn=ids["Green"])

    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert elb.describe_load_balancers()["LoadBalancers"] == []
    assert elb.describe_target_groups()["TargetGroups"] == []
    assert elb.describe_listeners()["Listeners"] == []


def weights(elb: Any, ids: dict[str, str]) -> dict[str, int]:
    http = elb.describe_listeners(ListenerArns=[ids["Http"]])["Listeners"][0]
    rules = elb.describe_rules(ListenerArn=ids["Http"])["Rules"]
    default = next(each for each in rules if each["IsDefault"])
    groups = http["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
    assert default["Actions"][0]["ForwardConfig"]["TargetGroups"] == groups
    return {each["TargetGroupArn"]: each["Weight"] for each in groups}


def test_a_target_group(aws: Aws):
    """Health check figures and attributes change in place; another port is another group."""
    cloudformation, elb = aws.client("cloudformation"), aws.client("elbv2")
    checks = {
        "HealthCheckPath": "/health",
        "HealthCheckIntervalSeconds": "30",
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": "200-299"},
        "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}],
    }
    vpc = {"Vpc": network()["Vpc"]}
    deploy(cloudformation, "web", template({**vpc, "Group": target_group(**checks)}))
    first = physical_ids(cloudformation, "web")["Group"]
    group = elb.describe_target_groups(TargetGroupArns=[first])["TargetGroups"][0]
    settings = elb.describe_target_group_attributes(TargetGroupArn=first)

    assert {name: group[name] for name in checks if name in group} == {
        **{name: value for name, value in checks.items() if name in group},
        "HealthCheckIntervalSeconds": 30,
    }
    assert group["ProtocolVersion"] == "HTTP1"
    assert attributes(settings)["deregistration_delay.timeout_seconds"] == "30"
    assert attributes(settings)["stickiness.enabled"] == "false"

    other = checks | {"HealthCheckPath": "/up", "Matcher": {"HttpCode": "204"}}
    other.pop("TargetGroupAttributes")
    deploy(cloudformation, "web", template({**vpc, "Group": target_group(**other)}))
    group = elb.describe_target_groups(TargetGroupArns=[first])["TargetGroups"][0]
    settings = elb.describe_target_group_attributes(TargetGroupArn=first)

    assert (group["HealthCheckPath"], group["Matcher"]) == ("/up", {"HttpCode": "204"})
    assert attributes(settings)["deregistration_delay.timeout_seconds"] == "300"

    deploy(cloudformation, "web", template({**vpc, "Group": target_group(Port=8080)}))

    assert physical_ids(cloudformation, "web")["Group"] != first
    assert [each["Port"] for each in elb.describe_target_groups()["TargetGroups"]] == [8080]


def test_a_protected_balancer_stays(aws: Aws):
    """Deletion protection fails the deletion of the stack until an update turns it off."""
    cloudformation, elb = aws.client("cloudformation"), aws.client("elbv2")
    body = {**network(), "Balancer": balancer(LoadBalancerAttributes=[PROTECTED])}
    made = deploy(cloudformation, "web", template(body))

    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_FAILED"
    assert "deletion protection is enabled" in failures(cloudformation, made["StackId"])["Balancer"]
    assert len(elb.describe_load_balancers()["LoadBalancers"]) == 1

    arn = physical_ids(cloudformation, "web")["Balancer"]
    off = {"Key": "deletion_protection.enabled", "Value": "false"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[off])

    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_an_internal_balancer_needs_no_gateway(aws: Aws):
    """Its name says so; a public one in such a VPC is refused."""
    cloudformation = aws.client("cloudformation")
    inner = balancer(Scheme="internal", Name="inner")
    inner.pop("DependsOn")
    told = {"Dns": {"Value": att("Balancer", "DNSName")}}
    body = template({**network(gateway=False), "Balancer": inner}, Outputs=told)
    made = deploy(cloudformation, "web", body)

    assert outputs(made)["Dns"].startswith("internal-inner-")

    outer = balancer()
    outer.pop("DependsOn")
    body = template({**network(gateway=False), "Balancer": outer})
    made = deploy(cloudformation, "web", body)

    assert made["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "has no internet gateway" in failures(cloudformation, "web")["Balancer"]


@pytest.mark.parametrize(
    ("name", "broken", "reason"),
    [
        ("Balancer", balancer(Subnets=[ref("Subnet0")]), "two different Availability Zones"),
        ("Balancer", balancer(Subnets=[ref("Subnet1"), ref("Subnet2")]), "same Availability Zone"),
        ("Balancer", balancer(Name="n" * 33), "cannot be longer than '32'"),
        (
            "Balancer",
            balancer(LoadBalancerAttributes=[{"Key": "idle_timeout", "Value": "1"}]),
            "'idle_timeout' is not recognized",
        ),
        (
            "Balancer",
            balancer(
                LoadBalancerAttributes=[
                    {"Key": "access_logs.s3.enabled", "Value": "true"},
                    {"Key": "access_logs.s3.bucket", "Value": "tap-nowhere-to-be-found"},
                ]
            ),
            "Access Denied for bucket: tap-nowhere-to-be-found",
        ),
        ("Group80", target_group(HealthCheckTimeoutSeconds=30), "smaller than the interval"),
        ("Http", listener(forward(Blue=1), Protocol="HTTPS"), "certificate must be specified"),
        ("Http", listener(forward(Blue=5000)), "between 0 and 999"),
        (
            "Http",
            listener(
                forward(Blue=1),
                Protocol="HTTPS",
                Certificates=[{"CertificateArn": CERTIFICATE.replace("east", "west")}],
            ),
            "not found",
        ),
    ],
)
def test_what_the_service_refuses(aws: Aws, name, broken, reason):
    """Each comes back as the resource's failure, in the service's words."""
    cloudformation, elb = aws.client("cloudformation"), aws.client("elbv2")
    body = {**network(), "Balancer": balancer(), "Blue": target_group(), name: broken}
    made = deploy(cloudformation, "web", template(body))

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in failures(cloudformation, "web")[name]
    assert elb.describe_load_balancers()["LoadBalancers"] == []


def test_a_port_and_a_priority_are_taken_once(aws: Aws):
    """A second listener on a port, and a second rule of a priority, are refused."""
    cloudformation = aws.client("cloudformation")
    away = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Protocol": "HTTPS"}}
    path = {"Field": "path-pattern", "Values": ["/a"]}
    base = {
        **network(),
        "Balancer": balancer(),
        "Http": listener(away),
        "One": rule(1, path, **away),
    }
    deploy(cloudformation, "web", template(base))
    elb, ids = aws.client("elbv2"), physical_ids(cloudformation, "web")
    told = elb.describe_listeners(ListenerArns=[ids["Http"]])["Listeners"][0]

    assert told["DefaultActions"][0]["RedirectConfig"] == {
        "Protocol": "HTTPS",
        "Port": "#{port}",
        "Host": "#{host}",
        "Path": "/#{path}",
        "Query": "#{query}",
        "StatusCode": "HTTP_301",
    }
    deploy(cloudformation, "web", template({**base, "Again": listener(away)}))
    assert "already exists on this port" in failures(cloudformation, "web")["Again"]
    deploy(cloudformation, "web", template({**base, "Two": rule(1, path, **away)}))
    assert "Priority '1' is currently in use" in failures(cloudformation, "web")["Two"]
