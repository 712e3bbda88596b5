"""Web ACLs, what they guard and where they log, read back through WAF."""

from __future__ import annotations

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


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def visible(name: str) -> dict[str, Any]:
    return {"CloudWatchMetricsEnabled": True, "SampledRequestsEnabled": True, "MetricName": name}


MANAGED = {
    "Name": "common",
    "Priority": 0,
    "OverrideAction": {"None": {}},
    "Statement": {
        "ManagedRuleGroupStatement": {
            "VendorName": "AWS",
            "Name": "AWSManagedRulesCommonRuleSet",
            "ExcludedRules": [{"Name": "SizeRestrictions_BODY"}],
        }
    },
    "VisibilityConfig": visible("common"),
}
BYTES = {
    "Name": "bytes",
    "Priority": "1",
    "Action": {"Block": {}},
    "Statement": {
        "ByteMatchStatement": {
            "SearchStringBase64": "YmFk",
            "FieldToMatch": {"UriPath": {}},
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
            "PositionalConstraint": "CONTAINS",
        }
    },
    "VisibilityConfig": visible("bytes"),
}
ACL = {
    "Name": "tap-acl",
    "Scope": "REGIONAL",
    "DefaultAction": {"Allow": {}},
    "VisibilityConfig": visible("tap"),
    "Rules": [MANAGED],
}
TOLD = {"Arn": {"Value": att("Acl", "Arn")}, "Id": {"Value": att("Acl", "Id")}}


def acl(**more: Any) -> dict[str, Any]:
    return {"Acl": resource("WAFv2::WebACL", {**ACL, **more})}


def found_acl(aws: Aws, physical_id: str, region: str = AWAY) -> dict[str, Any]:
    name, identifier, scope = physical_id.split("|")
    waf = aws.client("wafv2", region)
    return dict(waf.get_web_acl(Name=name, Id=identifier, Scope=scope)["WebACL"])


def tags_of(aws: Aws, arn: str) -> dict[str, str]:
    found = aws.client("wafv2", AWAY).list_tags_for_resource(ResourceARN=arn)
    tags = found["TagInfoForResource"]["TagList"]
    return {each["Key"]: each["Value"] for each in tags if not each["Key"].startswith("aws:")}


def test_a_web_acl(aws: Aws):
    """Rules, default, description and tags are WAF's and change in place."""
    cloudformation = aws.client("cloudformation", AWAY)
    body = acl(
        Description="first",
        TokenDomains=["example.com"],
        CustomResponseBodies={"no": {"ContentType": "TEXT_PLAIN", "Content": "no"}},
        Tags=[{"Key": "k", "Value": "v"}],
    )
    made = deploy(cloudformation, "edge", template(body, Outputs=TOLD))
    told, physical = outputs(made), physical_ids(cloudformation, "edge")["Acl"]
    found = found_acl(aws, physical)

    assert physical == f"tap-acl|{told['Id']}|REGIONAL"
    assert found["ARN"] == told["Arn"]
    assert told["Arn"].endswith(f"regional/webacl/tap-acl/{told['Id']}")
    assert (found["DefaultAction"], found["Description"]) == ({"Allow": {}}, "first")
    assert (found["Rules"], found["VisibilityConfig"]) == ([MANAGED], visible("tap"))
    assert found["TokenDomains"] == ["example.com"]
    assert found["CustomResponseBodies"]["no"]["Content"] == "no"
    assert found["LabelNamespace"] == f"awswaf:{aws.account}:webacl:tap-acl:"
    assert tags_of(aws, told["Arn"]) == {"k": "v"}

    changed = acl(Description="second", DefaultAction={"Block": {}}, Rules=[BYTES])
    deploy(cloudformation, "edge", template(changed, Outputs=TOLD))
    found = found_acl(aws, physical)
    statement = found["Rules"][0]["Statement"]["ByteMatchStatement"]

    assert physical_ids(cloudformation, "edge")["Acl"] == physical
    assert (found["DefaultAction"], found["Description"]) == ({"Block": {}}, "second")
    assert (found["Rules"][0]["Priority"], statement["SearchString"]) == (1, b"bad")
    assert "TokenDomains" not in found
    assert tags_of(aws, told["Arn"]) == {}

    destroy(cloudformation, made["StackId"])

    with pytest.raises(ClientError, match="WAFNonexistentItemException"):
        found_acl(aws, physical)


def test_a_renamed_web_acl(aws: Aws):
    """The name is fixed, so that another one makes another ACL; a name is given once."""
    cloudformation = aws.client("cloudformation", AWAY)
    deploy(cloudformation, "edge", template(acl()))
    deploy(cloudformation, "edge", template(acl(Name="other")))
    stack = deploy(cloudformation, "twin", template(acl(Name="other")))
    listed = aws.client("wafv2", AWAY).list_web_acls(Scope="REGIONAL")["WebACLs"]

    assert [each["Name"] for each in listed] == ["other"]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "duplicate" in failures(cloudformation, "twin")["Acl"]


def balancer(aws: Aws) -> str:
    subnets = aws.client("ec2", AWAY).describe_subnets()["Subnets"]
    made = aws.client("elbv2", AWAY).create_load_balancer(
        Name="alb", Subnets=[each["SubnetId"] for each in subnets[:2]]
    )
    return str(made["LoadBalancers"][0]["LoadBalancerArn"])


def guarded(resource_arn: str) -> dict[str, Any]:
    wanted = {"ResourceArn": resource_arn, "WebACLArn": att("Acl", "Arn")}
    return acl() | {"Guard": resource("WAFv2::WebACLAssociation", wanted)}


def test_what_an_acl_guards(aws: Aws):
    """The ACL of a load balancer is found by the balancer, and must be let go before it goes."""
    cloudformation, waf = aws.client("cloudformation", AWAY), aws.client("wafv2", AWAY)
    endpoint = balancer(aws)
    made = deploy(cloudformation, "edge", template(guarded(endpoint)))
    physical = physical_ids(cloudformation, "edge")
    arn = waf.get_web_acl_for_resource(ResourceArn=endpoint)["WebACL"]["ARN"]
    name, identifier, scope = physical["Acl"].split("|")

    assert arn == found_acl(aws, physical["Acl"])["ARN"]
    assert physical["Guard"] == f"{endpoint}|{arn}"
    assert waf.list_resources_for_web_acl(WebACLArn=arn)["ResourceArns"] == [endpoint]
    token = waf.get_web_acl(Name=name, Id=identifier, Scope=scope)["LockToken"]
    with pytest.raises(ClientError, match="WAFAssociatedItemException"):
        waf.delete_web_acl(Name=name, Id=identifier, Scope=scope, LockToken=token)

    destroy(cloudformation, made["StackId"])

    assert waf.list_web_acls(Scope="REGIONAL")["WebACLs"] == []
    with pytest.raises(ClientError, match="WAFNonexistentItemException"):
        waf.get_web_acl_for_resource(ResourceArn=endpoint)


def test_nothing_to_guard(aws: Aws):
    """A load balancer that is not there is not guarded."""
    cloudformation = aws.client("cloudformation", AWAY)
    missing = "arn:aws:elasticloadbalancing:us-west-2:1:loadbalancer/app/none/0"
    stack = deploy(cloudformation, "edge", template(guarded(missing)))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "not found" in failures(cloudformation, "edge")["Guard"]


def logged(group: str, **more: Any) -> str:
    place = {"Fn::Sub": "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:" + group}
    wanted = {"ResourceArn": att("Acl", "Arn"), "LogDestinationConfigs": [place], **more}
    return template(acl() | {"Logs": resource("WAFv2::LoggingConfiguration", wanted)})


def test_where_an_acl_logs(aws: Aws):
    """Destination and redaction are readable and change in place; a wrong name is refused."""
    cloudformation, waf = aws.client("cloudformation", AWAY), aws.client("wafv2", AWAY)
    hidden = [{"SingleHeader": {"Name": "authorization"}}]
    made = deploy(cloudformation, "edge", logged("aws-waf-logs-one", RedactedFields=hidden))
    arn = physical_ids(cloudformation, "edge")["Logs"]
    found = waf.get_logging_configuration(ResourceArn=arn)["LoggingConfiguration"]

    assert found["LogDestinationConfigs"][0].endswith("log-group:aws-waf-logs-one")
    assert (found["ResourceArn"], found["RedactedFields"]) == (arn, hidden)

    deploy(cloudformation, "edge", logged("aws-waf-logs-two"))
    listed = waf.list_logging_configurations(Scope="REGIONAL")["LoggingConfigurations"]

    assert [each["LogDestinationConfigs"][0].rpartition(":")[2] for each in listed] == [
        "aws-waf-logs-two"
    ]
    assert "RedactedFields" not in listed[0]

    stack = deploy(cloudformation, "edge", logged("elsewhere"))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "LOG_DESTINATION" in failures(cloudformation, "edge")["Logs"]

    destroy(cloudformation, made["StackId"])

    with pytest.raises(ClientError, match="WAFNonexistentItemException"):
        waf.get_logging_configuration(ResourceArn=arn)
