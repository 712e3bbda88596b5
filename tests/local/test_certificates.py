"""Certificates: read back, proved in their hosted zone, changed, replaced and refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_cloud import Aws, deploy, destroy, failures, physical_ids, resource, template

NAMES = {"DomainName": "example.com", "SubjectAlternativeNames": ["www.example.com"]}


def certificate(**properties: Any) -> str:
    wanted = {**NAMES, "ValidationMethod": "DNS", **properties}
    return template({"One": resource("CertificateManager::Certificate", wanted)})


def validated(zone: str) -> list[dict[str, str]]:
    return [{"DomainName": "example.com", "HostedZoneId": zone}]


def described(aws: Aws) -> dict[str, Any]:
    arn = physical_ids(aws.client("cloudformation"), "stack")["One"]
    return dict(aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"])


def tags(aws: Aws, arn: str) -> dict[str, str]:
    listed = aws.client("acm").list_tags_for_certificate(CertificateArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in listed if not tag["Key"].startswith("aws:")}


def hosted_zone(aws: Aws) -> str:
    dns = aws.client("route53")
    made = dns.create_hosted_zone(Name="example.com", CallerReference=aws.account)
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


def test_certificate(aws: Aws):
    """Names, options and tags are readable; tags change in place and another name replaces."""
    cloudformation, acm = aws.client("cloudformation"), aws.client("acm")
    prop = "CertificateTransparencyLoggingPreference"
    own = {prop: "DISABLED", "Tags": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "m"}]}
    made = deploy(cloudformation, "stack", certificate(**own))
    first = described(aws)

    assert (first["DomainName"], first["Status"]) == ("example.com", "ISSUED")
    assert set(first["SubjectAlternativeNames"]) == {"example.com", "www.example.com"}
    assert first["Options"] == {prop: "DISABLED"}
    assert tags(aws, first["CertificateArn"]) == {"k": "v", "l": "m"}

    deploy(cloudformation, "stack", certificate(Tags=[{"Key": "k", "Value": "w"}]))
    again = described(aws)

    assert again["CertificateArn"] == first["CertificateArn"]
    assert again["Options"] == {prop: "ENABLED"}
    assert tags(aws, first["CertificateArn"]) == {"k": "w"}

    deploy(cloudformation, "stack", certificate(DomainName="other.example.com"))
    listed = acm.list_certificates()["CertificateSummaryList"]

    assert [each["DomainName"] for each in listed] == ["other.example.com"]
    assert described(aws)["CertificateArn"] != first["CertificateArn"]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert acm.list_certificates()["CertificateSummaryList"] == []


def test_certificate_is_proved_in_its_zone(aws: Aws):
    """The record that proves the domain stands in the hosted zone, and stays there."""
    cloudformation, zone = aws.client("cloudformation"), hosted_zone(aws)
    wanted = certificate(DomainValidationOptions=validated(zone))
    made = deploy(cloudformation, "stack", wanted)
    options = {each["DomainName"]: each for each in described(aws)["DomainValidationOptions"]}
    record = options["example.com"]["ResourceRecord"]
    destroy(cloudformation, made["StackId"])
    found = aws.client("route53").list_resource_record_sets(HostedZoneId=zone)

    assert [
        (each["Name"], each["ResourceRecords"][0]["Value"])
        for each in found["ResourceRecordSets"]
        if each["Type"] == "CNAME"
    ] == [(record["Name"], record["Value"])]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"DomainValidationOptions": validated("Z000NOBODY")}, "Z000NOBODY"),
        ({"KeyAlgorithm": "EC_prime256v1"}, "RSA_2048"),
        ({"CertificateExport": "ENABLED"}, "CertificateExport"),
    ],
)
def test_certificate_is_refused(aws: Aws, wanted: dict[str, Any], words: str):
    """A zone that is not there, and what is not modelled; nothing is left behind."""
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "stack", certificate(**wanted))

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert words in failures(cloudformation, "stack")["One"]
    assert aws.client("acm").list_certificates()["CertificateSummaryList"] == []


def test_certificate_of_another_zone_is_refused(aws: Aws):
    """A zone must hold the domain that it is to prove."""
    cloudformation = aws.client("cloudformation")
    options = [{"DomainName": "elsewhere.org", "HostedZoneId": hosted_zone(aws)}]
    body = json.loads(certificate(DomainValidationOptions=options))
    body["Resources"]["One"]["Properties"]["DomainName"] = "elsewhere.org"
    deploy(cloudformation, "stack", json.dumps(body))

    assert "does not hold elsewhere.org" in failures(cloudformation, "stack")["One"]
