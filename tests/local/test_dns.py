"""Hosted zones, records and health checks, read back through Route 53."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tapcfn.local import server
from tapcfn.local.server import LocalCloud
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

ALB = {"DNSName": "alb.us-east-1.elb.amazonaws.com", "HostedZoneId": "Z35SXDOTRQ7X7K"}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def zone_of(aws: Aws, name: str = "example.com") -> str:
    made = aws.client("route53").create_hosted_zone(Name=name, CallerReference=name)
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


def records(aws: Aws, zone: str) -> list[dict[str, Any]]:
    found = aws.client("route53").list_resource_record_sets(HostedZoneId=zone)
    return [each for each in found["ResourceRecordSets"] if each["Type"] not in ("NS", "SOA")]


# Zones --------------------------------------------------------------------------------------------


def test_a_zone_that_is_there_beforehand_has_its_own_id(aws: Aws, local_cloud: LocalCloud):
    """As a rehearsal needs it: records go into it by the id that the settings say."""
    server.add_zones(local_cloud, {aws.account: {"ZBEFOREHAND": "example.com"}})

    dns = aws.client("route53")
    change = {
        "Action": "CREATE",
        "ResourceRecordSet": {
            "Name": "api.example.com", "Type": "A", "TTL": 60,
            "ResourceRecords": [{"Value": "192.0.2.1"}],
        },
    }  # fmt: skip
    dns.change_resource_record_sets(HostedZoneId="ZBEFOREHAND", ChangeBatch={"Changes": [change]})

    assert "example.com." == dns.get_hosted_zone(Id="ZBEFOREHAND")["HostedZone"]["Name"]
    assert ["api.example.com."] == [each["Name"] for each in records(aws, "ZBEFOREHAND")]


def zone_template(**properties: Any) -> str:
    zone = resource("Route53::HostedZone", {"Name": "example.com", **properties})
    told = {"Servers": {"Value": {"Fn::Join": [",", {"Fn::GetAtt": ["Zone", "NameServers"]}]}}}
    return template({"Zone": zone}, Outputs=told)


def test_a_zone(aws: Aws):
    """Comment and tags change in place; a name is another zone; a zone with records stays."""
    cloudformation, dns = aws.client("cloudformation", AWAY), aws.client("route53")
    body = zone_template(
        HostedZoneConfig={"Comment": "one"}, HostedZoneTags=[{"Key": "k", "Value": "v"}]
    )
    made = deploy(cloudformation, "dns", body)
    zone = physical_ids(cloudformation, "dns")["Zone"]
    found = dns.get_hosted_zone(Id=zone)
    servers = [name.removesuffix(".") for name in found["DelegationSet"]["NameServers"]]

    assert found["HostedZone"]["Config"]["Comment"] == "one"
    assert outputs(made)["Servers"].split(",") == servers
    assert tags_of(dns, "hostedzone", zone) == {"k": "v"}

    deploy(cloudformation, "dns", zone_template(HostedZoneConfig={"Comment": "two"}))

    assert dns.get_hosted_zone(Id=zone)["HostedZone"]["Config"]["Comment"] == "two"
    assert tags_of(dns, "hostedzone", zone) == {}

    change(dns, zone, "CREATE", "www.example.com.")
    refused = destroy(cloudformation, made["StackId"])

    assert refused["StackStatus"] == "DELETE_FAILED"
    assert "other than the default SOA and NS" in failures(cloudformation, "dns")["Zone"]

    change(dns, zone, "DELETE", "www.example.com.")
    destroy(cloudformation, made["StackId"])

    assert dns.list_hosted_zones()["HostedZones"] == []


def test_another_name_is_another_zone(aws: Aws):
    """A zone's name is fixed, so the zone is replaced."""
    cloudformation, dns = aws.client("cloudformation"), aws.client("route53")
    deploy(cloudformation, "dns", zone_template())
    deploy(cloudformation, "dns", zone_template(Name="example.org"))

    assert [zone["Name"] for zone in dns.list_hosted_zones()["HostedZones"]] == ["example.org."]


def change(dns: Any, zone: str, action: str, name: str, **more: Any) -> None:
    plain = {"TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    record = {"Name": name, "Type": "A", **(more or plain)}
    dns.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
    )


def tags_of(dns: Any, kind: str, identifier: str) -> dict[str, str]:
    found = dns.list_tags_for_resource(ResourceType=kind, ResourceId=identifier)
    tags = found["ResourceTagSet"]["Tags"]
    return {each["Key"]: each["Value"] for each in tags if not each["Key"].startswith("aws:")}


# Records ------------------------------------------------------------------------------------------


def test_a_plain_record(aws: Aws):
    """A record is found by the name of its zone, changes in place and goes with its stack."""
    cloudformation, zone = aws.client("cloudformation", AWAY), zone_of(aws)
    wanted = {"HostedZoneName": "example.com.", "Name": "www.example.com", "Type": "A"}
    wanted |= {"TTL": "60", "ResourceRecords": ["192.0.2.1"]}
    body = {"Record": resource("Route53::RecordSet", wanted)}
    made = deploy(cloudformation, "dns", template(body, Outputs={"R": {"Value": ref("Record")}}))

    assert outputs(made)["R"] == "www.example.com"
    assert records(aws, zone) == [
        {
            "Name": "www.example.com.",
            "Type": "A",
            "TTL": 60,
            "ResourceRecords": [{"Value": "192.0.2.1"}],
        }
    ]

    wanted |= {"TTL": "300", "Type": "AAAA", "ResourceRecords": ["2001:db8::1"]}
    deploy(cloudformation, "dns", template({"Record": resource("Route53::RecordSet", wanted)}))

    assert [(each["Type"], each["TTL"]) for each in records(aws, zone)] == [("AAAA", 300)]

    destroy(cloudformation, made["StackId"])

    assert records(aws, zone) == []


def test_another_name_is_another_record(aws: Aws):
    """The new record is there before the old one goes."""
    cloudformation, zone = aws.client("cloudformation"), zone_of(aws)
    wanted = {"HostedZoneId": zone, "Name": "a.example.com", "Type": "A", "AliasTarget": ALB}
    deploy(cloudformation, "dns", template({"Record": resource("Route53::RecordSet", wanted)}))
    wanted["Name"] = "b.example.com"
    deploy(cloudformation, "dns", template({"Record": resource("Route53::RecordSet", wanted)}))

    assert [each["Name"] for each in records(aws, zone)] == ["b.example.com."]
    assert physical_ids(cloudformation, "dns") == {"Record": "b.example.com"}


def group(zone: str, first: int, second: int, **more: Any) -> str:
    """Return two weighted aliases of one name, with a health check each."""
    checks = {f"Check{n}": health_check(f"{n}.example.com") for n in (1, 2)}
    sets = [
        {
            "Name": "www.example.com.",
            "Type": "A",
            "SetIdentifier": f"side-{n}",
            "Weight": weight,
            "HealthCheckId": ref(f"Check{n}"),
            "AliasTarget": ALB | {"EvaluateTargetHealth": True},
        }
        for n, weight in ((1, first), (2, second))
    ]
    wanted = {"HostedZoneId": zone, "RecordSets": sets, **more}
    return template(checks | {"Records": resource("Route53::RecordSetGroup", wanted)})


def health_check(host: str, **config: Any) -> dict[str, Any]:
    about = {"Type": "HTTPS", "FullyQualifiedDomainName": host, "ResourcePath": "/healthz"}
    return resource("Route53::HealthCheck", {"HealthCheckConfig": about | config})


def test_weighted_aliases(aws: Aws):
    """A group sets its records in one batch, moves weights in place and takes all away again."""
    cloudformation, zone = aws.client("cloudformation"), zone_of(aws)
    made = deploy(cloudformation, "dns", group(zone, 255, 0))
    checks = physical_ids(cloudformation, "dns")
    first = records(aws, zone)[0]

    assert [each["Weight"] for each in records(aws, zone)] == [255, 0]
    assert (first["SetIdentifier"], first["HealthCheckId"]) == ("side-1", checks["Check1"])
    assert first["AliasTarget"] == ALB | {
        "DNSName": ALB["DNSName"] + ".",
        "EvaluateTargetHealth": True,
    }

    deploy(cloudformation, "dns", group(zone, 0, 255))

    assert [each["Weight"] for each in records(aws, zone)] == [0, 255]
    assert physical_ids(cloudformation, "dns") == checks

    destroy(cloudformation, made["StackId"])

    assert records(aws, zone) == []
    assert aws.client("route53").list_health_checks()["HealthChecks"] == []


def test_a_group_that_cannot_change_changes_nothing(aws: Aws):
    """One bad record refuses the whole batch, and the rollback finds the old records in place."""
    cloudformation, zone = aws.client("cloudformation"), zone_of(aws)
    deploy(cloudformation, "dns", group(zone, 200, 55))
    stack = deploy(cloudformation, "dns", group(zone, 10, 256))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Weight must be from 0 to 255" in failures(cloudformation, "dns")["Records"]
    assert [each["Weight"] for each in records(aws, zone)] == [200, 55]


def test_failover_records(aws: Aws):
    """A primary and a secondary of one name stand side by side."""
    cloudformation, zone = aws.client("cloudformation"), zone_of(aws)
    usual = {"HostedZoneId": zone, "Name": "www.example.com", "Type": "A", "AliasTarget": ALB}
    body = {
        role: resource(
            "Route53::RecordSet", usual | {"SetIdentifier": role, "Failover": role.upper()}
        )
        for role in ("Primary", "Secondary")
    }
    deploy(cloudformation, "dns", template(body))

    assert [each["Failover"] for each in records(aws, zone)] == ["PRIMARY", "SECONDARY"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"Weight": 1}, "Missing field 'SetIdentifier'"),
        ({"ResourceRecords": ["192.0.2.1"]}, "but found none"),
        ({"TTL": 60, "ResourceRecords": ["192.0.2.1"], "AliasTarget": ALB}, "more than one"),
        ({"AliasTarget": ALB, "Name": "www.example.org"}, "not permitted in zone example.com."),
        (
            {"Type": "CNAME", "Name": "example.com", "TTL": 60, "ResourceRecords": ["a.b"]},
            "not permitted at apex",
        ),
        ({"AliasTarget": ALB, "SetIdentifier": "a", "Weight": 1}, "other RRSets exist"),
        ({"AliasTarget": ALB}, "but it already exists"),
        ({"Type": "CNAME", "TTL": 60, "ResourceRecords": ["a.b"]}, "conflicting RRSet of type A"),
        ({"Name": "b.example.com", "AliasTarget": ALB, "HealthCheckId": "none"}, "does not exist"),
        ({"HostedZoneName": "example.net.", "AliasTarget": ALB}, "No hosted zones named"),
    ],
)
def test_a_record_that_does_not_fit(aws: Aws, more: dict[str, Any], reason: str):
    """What Route 53 refuses fails the resource, beside a plain A record of the same name."""
    cloudformation, zone = aws.client("cloudformation"), zone_of(aws)
    change(aws.client("route53"), zone, "CREATE", "www.example.com.")
    home = {} if "HostedZoneName" in more else {"HostedZoneId": zone}
    wanted = {"Name": "www.example.com", "Type": "A", **home, **more}
    body = template({"Record": resource("Route53::RecordSet", wanted)})

    assert deploy(cloudformation, "dns", body)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in failures(cloudformation, "dns")["Record"]
    assert len(records(aws, zone)) == 1


def test_a_simple_record_becomes_weighted_in_one_batch(aws: Aws):
    """Deleting the plain record and creating the weighted one is one change for Route 53."""
    dns, zone = aws.client("route53"), zone_of(aws)
    change(dns, zone, "CREATE", "www.example.com.")
    old = records(aws, zone)[0]
    new = {"Name": old["Name"], "Type": "A", "SetIdentifier": "a", "Weight": 1}
    new |= {"AliasTarget": ALB | {"EvaluateTargetHealth": False}}
    with pytest.raises(ClientError, match="other RRSets exist"):
        change(dns, zone, "CREATE", **new | {"name": new.pop("Name")})
    new["Name"] = old["Name"]
    dns.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={
            "Changes": [
                {"Action": "DELETE", "ResourceRecordSet": old},
                {"Action": "CREATE", "ResourceRecordSet": new},
            ]
        },
    )

    assert [each.get("Weight") for each in records(aws, zone)] == [1]


# Health checks ------------------------------------------------------------------------------------


def test_a_health_check(aws: Aws):
    """Settings, defaults and tags are Route 53's; path and port change in place."""
    cloudformation, dns = aws.client("cloudformation"), aws.client("route53")
    wanted = health_check(
        "a.example.com",
        RequestInterval=10,
        FailureThreshold=2,
        Regions=["us-east-1", "us-west-2", "eu-west-1"],
    )
    wanted["Properties"]["HealthCheckTags"] = [{"Key": "Name", "Value": "a"}]
    told = {"Id": {"Value": {"Fn::GetAtt": ["Check", "HealthCheckId"]}}}
    made = deploy(cloudformation, "dns", template({"Check": wanted}, Outputs=told))
    check = outputs(made)["Id"]
    config = dns.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]

    assert config == {
        "Type": "HTTPS",
        "FullyQualifiedDomainName": "a.example.com",
        "ResourcePath": "/healthz",
        "Port": 443,
        "RequestInterval": 10,
        "FailureThreshold": 2,
        "MeasureLatency": False,
        "EnableSNI": True,
        "Inverted": False,
        "Disabled": False,
        "Regions": ["us-east-1", "us-west-2", "eu-west-1"],
    }
    assert tags_of(dns, "healthcheck", check) == {"Name": "a"}

    changed = health_check("a.example.com", RequestInterval=10, ResourcePath="/", Port=8443)
    deploy(cloudformation, "dns", template({"Check": changed}))
    config = dns.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]

    assert (config["ResourcePath"], config["Port"], config["FailureThreshold"]) == ("/", 8443, 3)
    assert "Regions" not in config
    assert tags_of(dns, "healthcheck", check) == {}


def test_checkers_say_success_until_the_checks_metric_says_otherwise(aws: Aws):
    """From the Regions of the check; nobody is really asked."""
    dns = aws.client("route53")
    regions = ["eu-west-1", "sa-east-1", "us-east-1", "us-west-1"]
    config = {"Type": "TCP", "IPAddress": "192.0.2.9", "Port": 80, "Regions": regions}
    made = dns.create_health_check(CallerReference="one", HealthCheckConfig=config)
    check = made["HealthCheck"]["Id"]
    told = [checkers(dns, check)]
    for value in (0.0, 1.0):
        aws.client("cloudwatch").put_metric_data(
            Namespace="AWS/Route53",
            MetricData=[
                {
                    "MetricName": "HealthCheckStatus",
                    "Value": value,
                    "Dimensions": [{"Name": "HealthCheckId", "Value": check}],
                }
            ],
        )
        told.append(checkers(dns, check))

    assert told == [dict.fromkeys(regions, word) for word in ("Success", "Failure", "Success")]
    with pytest.raises(ClientError, match="NoSuchHealthCheck"):
        dns.get_health_check_status(HealthCheckId="none")


def checkers(dns: Any, check: str) -> dict[str, str]:
    """Return what the checkers in each Region say, as one word."""
    told = dns.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
    return {each["Region"]: each["StatusReport"]["Status"].partition(":")[0] for each in told}


def test_another_interval_is_another_health_check(aws: Aws):
    """The interval is fixed: a new check takes the place of the old one, tags and all."""
    cloudformation, dns = aws.client("cloudformation"), aws.client("route53")
    wanted = health_check("a.example.com")
    wanted["Properties"]["HealthCheckTags"] = [{"Key": "Name", "Value": "a"}]
    deploy(cloudformation, "dns", template({"Check": wanted}))
    first = physical_ids(cloudformation, "dns")["Check"]
    wanted["Properties"]["HealthCheckConfig"]["RequestInterval"] = 10
    deploy(cloudformation, "dns", template({"Check": wanted}))
    second = physical_ids(cloudformation, "dns")["Check"]

    assert second != first
    assert [each["Id"] for each in dns.list_health_checks()["HealthChecks"]] == [second]
    assert tags_of(dns, "healthcheck", second) == {"Name": "a"}


def test_checks_of_checks_and_of_alarms(aws: Aws):
    """One check counts another one and one follows an alarm, upside down."""
    cloudformation, dns = aws.client("cloudformation"), aws.client("route53")
    aws.client("cloudwatch", AWAY).put_metric_alarm(
        AlarmName="broken", Namespace="Tap", MetricName="Errors", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    followed = {"Type": "CLOUDWATCH_METRIC", "Inverted": True}
    followed |= {"AlarmIdentifier": {"Name": "broken", "Region": AWAY}}
    followed |= {"InsufficientDataHealthStatus": "Healthy"}
    counted = {"Type": "CALCULATED", "ChildHealthChecks": [ref("One")], "HealthThreshold": 1}
    body = {
        "One": resource("Route53::HealthCheck", {"HealthCheckConfig": followed}),
        "All": resource("Route53::HealthCheck", {"HealthCheckConfig": counted}),
    }
    deploy(cloudformation, "dns", template(body))
    ids = physical_ids(cloudformation, "dns")
    found = {
        name: dns.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]
        for name, check in ids.items()
    }

    assert found["One"] == followed | {"Disabled": False}
    assert found["All"]["ChildHealthChecks"] == [ids["One"]]
    assert found["All"]["HealthThreshold"] == 1


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"Type": "HTTPS"}, "an IP address or a fully qualified domain name"),
        ({"Type": "HTTP", "IPAddress": "192.0.2.1", "RequestInterval": 20}, "must be one of"),
        ({"Type": "TCP", "IPAddress": "192.0.2.1"}, "needs Port"),
        ({"Type": "CALCULATED", "HealthThreshold": 1}, "needs ChildHealthChecks"),
        (
            {"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": {"Name": "no", "Region": AWAY}},
            "alarm no does not exist",
        ),
    ],
)
def test_a_health_check_that_route_53_refuses(aws: Aws, config: dict[str, Any], reason: str):
    """A wrong setting fails the resource."""
    cloudformation = aws.client("cloudformation")
    body = template({"Check": resource("Route53::HealthCheck", {"HealthCheckConfig": config})})

    assert deploy(cloudformation, "dns", body)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in failures(cloudformation, "dns")["Check"]
