"""IAM beside roles: profiles, inline policies, service-linked roles, and the password policy.

Also what functions are wired with: resource policies of logs, event sources and event rules.
"""

from __future__ import annotations

import json
import textwrap
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


def trusting(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    return resource("IAM::Role", {"AssumeRolePolicyDocument": trust})


def may(action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


ROLE = trusting("ec2.amazonaws.com")
OTHER = trusting("ec2.amazonaws.com")


def test_instance_profile(aws: Aws):
    """Ref is its name; its role changes in place, another name replaces it."""
    cloudformation, iam = aws.client("cloudformation"), aws.client("iam")

    def body(role: str, name: str) -> str:
        wanted = {"InstanceProfileName": name, "Roles": [{"Ref": role}]}
        made = {"Profile": resource("IAM::InstanceProfile", wanted), "Role": ROLE, "Other": OTHER}
        arn = {"Fn::GetAtt": ["Profile", "Arn"]}
        told = {"Name": {"Value": {"Ref": "Profile"}}, "Arn": {"Value": arn}}
        return template(made, Outputs=told)

    made = deploy(cloudformation, "stack", body("Role", "one"))
    ids = physical_ids(cloudformation, "stack")
    told = iam.get_instance_profile(InstanceProfileName="one")["InstanceProfile"]

    assert outputs(made) == {"Name": "one", "Arn": told["Arn"]}
    assert [role["RoleName"] for role in told["Roles"]] == [ids["Role"]]

    deploy(cloudformation, "stack", body("Other", "one"))
    told = iam.get_instance_profile(InstanceProfileName="one")["InstanceProfile"]

    assert [role["RoleName"] for role in told["Roles"]] == [ids["Other"]]

    deploy(cloudformation, "stack", body("Other", "two"))
    listed = iam.list_instance_profiles()["InstanceProfiles"]

    assert [each["InstanceProfileName"] for each in listed] == ["two"]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert iam.list_instance_profiles()["InstanceProfiles"] == []


def test_instance_profile_is_refused(aws: Aws):
    """A role that is not there and a name that is taken; nothing is left behind."""
    cloudformation, iam = aws.client("cloudformation"), aws.client("iam")
    alone = {"InstanceProfileName": "one", "Roles": ["nobody"]}
    deploy(cloudformation, "alone", template({"One": resource("IAM::InstanceProfile", alone)}))

    assert "nobody" in failures(cloudformation, "alone")["One"]
    assert iam.list_instance_profiles()["InstanceProfiles"] == []

    iam.create_instance_profile(InstanceProfileName="one")
    deploy(cloudformation, "taken", template({"One": resource("IAM::InstanceProfile", alone)}))

    assert "already exists" in failures(cloudformation, "taken")["One"]
    assert iam.get_instance_profile(InstanceProfileName="one")


def test_identity_providers(aws: Aws):
    """Ref is the ARN; audiences and tags change in place, a second one of a URL is refused."""
    cloudformation, iam = aws.client("cloudformation"), aws.client("iam")

    def body(audience: str, tag: str) -> str:
        wanted = {"Url": "https://tokens.example.com", "ClientIdList": [audience]}
        tagged = wanted | {"Tags": [{"Key": "for", "Value": tag}]}
        made = {"Provider": resource("IAM::OIDCProvider", tagged)}
        arn = {"Fn::GetAtt": ["Provider", "Arn"]}
        return template(
            made, Outputs={"Ref": {"Value": {"Ref": "Provider"}}, "Arn": {"Value": arn}}
        )

    made = deploy(cloudformation, "stack", body("sts.amazonaws.com", "one"))
    (listed,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    arn = listed["Arn"]

    assert outputs(made) == {"Ref": arn, "Arn": arn}
    assert arn.endswith(":oidc-provider/tokens.example.com")

    deploy(cloudformation, "stack", body("other", "two"))
    told = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)

    assert ["other"] == told["ClientIDList"]
    assert {"Key": "for", "Value": "two"} in told["Tags"]

    deploy(cloudformation, "second", body("sts.amazonaws.com", "one"))
    assert "already exists" in failures(cloudformation, "second")["Provider"]
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_inline_policies(aws: Aws):
    """A Policy and a RolePolicy stand on the role, change in place, are replaced, and go."""
    cloudformation, iam = aws.client("cloudformation"), aws.client("iam")

    def body(action: str, name: str) -> str:
        named = {"PolicyDocument": may(action), "PolicyName": name}
        single = {"PolicyDocument": may(action), "PolicyName": f"{name}-single"}
        return template(
            {
                "Role": ROLE,
                "Policy": resource("IAM::Policy", named | {"Roles": [{"Ref": "Role"}]}),
                "Single": resource("IAM::RolePolicy", single | {"RoleName": {"Ref": "Role"}}),
            }
        )

    def held() -> dict[str, str]:
        role = physical_ids(cloudformation, "stack")["Role"]
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        policies = [iam.get_role_policy(RoleName=role, PolicyName=name) for name in names]
        return {
            each["PolicyName"]: each["PolicyDocument"]["Statement"][0]["Action"]
            for each in policies
        }

    made = deploy(cloudformation, "stack", body("s3:GetObject", "one"))
    assert held() == {"one": "s3:GetObject", "one-single": "s3:GetObject"}

    deploy(cloudformation, "stack", body("s3:PutObject", "one"))
    assert held() == {"one": "s3:PutObject", "one-single": "s3:PutObject"}

    deploy(cloudformation, "stack", body("s3:PutObject", "two"))
    assert held() == {"two": "s3:PutObject", "two-single": "s3:PutObject"}
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_role_policy_is_refused(aws: Aws):
    """A name that the role has already, and a role that is not there."""
    cloudformation = aws.client("cloudformation")
    wanted = {"PolicyDocument": may("s3:*"), "PolicyName": "one", "RoleName": {"Ref": "Role"}}
    twins = {
        "Role": ROLE,
        "Single": resource("IAM::RolePolicy", wanted),
        "Twin": resource("IAM::RolePolicy", wanted, DependsOn="Single"),
    }
    deploy(cloudformation, "twins", template(twins))
    alone = resource("IAM::RolePolicy", wanted | {"RoleName": "nobody"})
    deploy(cloudformation, "alone", template({"Single": alone}))

    assert "already exists" in failures(cloudformation, "twins")["Twin"]
    assert "nobody" in failures(cloudformation, "alone")["Single"]


def test_service_linked_role(aws: Aws):
    """It is made for its service, taken if it is there, and goes with the stack."""
    cloudformation, iam = aws.client("cloudformation"), aws.client("iam")
    wanted = {"AWSServiceName": "config.amazonaws.com", "Description": "own"}
    body = template({"Role": resource("IAM::ServiceLinkedRole", wanted)})
    made = deploy(cloudformation, "stack", body)
    name = physical_ids(cloudformation, "stack")["Role"]
    role = iam.get_role(RoleName=name)["Role"]

    assert name == "AWSServiceRoleForConfig"
    assert role["Path"] == "/aws-service-role/config.amazonaws.com/"
    assert role["Description"] == "own"

    deploy(cloudformation, "again", body)
    assert "already exists" in failures(cloudformation, "again")["Role"]
    assert iam.get_role(RoleName=name)

    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName=name)


# Password policy ----------------------------------------------------------------------------------

# It keeps what it found, in its physical id, and puts that back when it goes.
PASSWORDS = textwrap.dedent(
    """
    import boto3
    import cfnresponse

    iam = boto3.client("iam")

    def handler(event, context):
        name = event.get("PhysicalResourceId", "password-policy")
        try:
            asked = event["ResourceProperties"]
            if event["RequestType"] == "Delete":
                iam.delete_account_password_policy()
            else:
                iam.update_account_password_policy(
                    MinimumPasswordLength=int(asked["Length"]),
                    HardExpiry=asked["HardExpiry"] == "true",
                    PasswordReusePrevention=5,
                    MaxPasswordAge=90,
                    RequireSymbols=True,
                )
            found = iam.get_account_password_policy() if asked["Length"] else {}
            told = {"Length": str(found["PasswordPolicy"]["MinimumPasswordLength"])}
            cfnresponse.send(event, context, cfnresponse.SUCCESS, told, name)
        except iam.exceptions.NoSuchEntityException:
            cfnresponse.send(event, context, cfnresponse.SUCCESS, {}, name)
        except Exception as error:
            cfnresponse.send(event, context, cfnresponse.FAILED, {}, name, reason=str(error))
    """
)


def guarded(length: int) -> str:
    function = {
        "Code": {"ZipFile": PASSWORDS},
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.13",
        "Timeout": 30,
    }
    token = {"Fn::GetAtt": ["Function", "Arn"]}
    wanted = {"ServiceToken": token, "ServiceTimeout": 20, "Length": length, "HardExpiry": True}
    made = {
        "Role": trusting("lambda.amazonaws.com"),
        "Function": resource("Lambda::Function", function),
        "Passwords": resource("CloudFormation::CustomResource", wanted),
    }
    return template(made, Outputs={"Length": {"Value": {"Fn::GetAtt": ["Passwords", "Length"]}}})


def test_password_policy_by_a_custom_resource(aws: Aws):
    """A function of the stack sets, changes and deletes it; a refusal fails in IAM's words."""
    cloudformation, iam = aws.client("cloudformation"), aws.client("iam")
    made = deploy(cloudformation, "stack", guarded(14))
    told = iam.get_account_password_policy()["PasswordPolicy"]

    assert outputs(made) == {"Length": "14"}
    assert (told["MinimumPasswordLength"], told["PasswordReusePrevention"]) == (14, 5)
    assert (told["MaxPasswordAge"], told["ExpirePasswords"]) == (90, True)
    assert told["HardExpiry"] is told["RequireSymbols"] is True

    made = deploy(cloudformation, "stack", guarded(20))
    assert outputs(made) == {"Length": "20"}

    deploy(cloudformation, "stack", guarded(3))
    assert "MinimumPasswordLength" in failures(cloudformation, "stack")["Passwords"]
    assert iam.get_account_password_policy()["PasswordPolicy"]["MinimumPasswordLength"] == 20

    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_account_password_policy()


# Wiring -------------------------------------------------------------------------------------------

SOURCE = {"BatchSize": 5, "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}}
PATTERN = {"source": ["aws.ec2"]}


def wired(state: str, batch: int) -> str:
    function = {
        "Code": {"ZipFile": "def handler(event, context):\n    return 1\n"},
        "FunctionName": "wired",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.13",
    }
    arn = {"Fn::GetAtt": ["Function", "Arn"]}
    targets = [{"Arn": arn, "Id": "one", "Input": '{"a": 1}'}]
    rule = {"EventPattern": PATTERN, "Name": "rule", "State": state, "Targets": targets}
    source = SOURCE | {"BatchSize": batch, "FunctionName": {"Ref": "Function"}}
    document = json.dumps(may("logs:PutLogEvents"))
    return template(
        {
            "Role": trusting("lambda.amazonaws.com"),
            "Function": resource("Lambda::Function", function),
            "Queue": resource("SQS::Queue"),
            "Source": resource("Lambda::EventSourceMapping", source),
            "Rule": resource("Events::Rule", rule),
            "Policy": resource(
                "Logs::ResourcePolicy", {"PolicyDocument": document, "PolicyName": "own"}
            ),
        }
    )


def test_event_sources_rules_and_log_policies(aws: Aws):
    """They are readable with what they point at, change in place, and go."""
    cloudformation, api = aws.client("cloudformation"), aws.client("lambda")
    events, logs = aws.client("events"), aws.client("logs")
    made = deploy(cloudformation, "stack", wired("ENABLED", 5))
    source = physical_ids(cloudformation, "stack")["Source"]
    assert physical_ids(cloudformation, "stack")["Rule"] == "rule"
    mapping = api.get_event_source_mapping(UUID=source)
    (target,) = events.list_targets_by_rule(Rule="rule")["Targets"]
    (policy,) = logs.describe_resource_policies()["resourcePolicies"]

    assert (mapping["BatchSize"], mapping["FunctionArn"].split(":")[-1]) == (5, "wired")
    assert (target["Arn"], target["Input"]) == (mapping["FunctionArn"], '{"a": 1}')
    assert json.loads(events.describe_rule(Name="rule")["EventPattern"]) == PATTERN
    assert (policy["policyName"], json.loads(policy["policyDocument"])) == (
        *("own", may("logs:PutLogEvents")),
    )

    deploy(cloudformation, "stack", wired("DISABLED", 7))

    assert events.describe_rule(Name="rule")["State"] == "DISABLED"
    assert api.get_event_source_mapping(UUID=source)["BatchSize"] == 7
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert events.list_rules()["Rules"] == []
    assert api.list_event_source_mappings()["EventSourceMappings"] == []
    assert logs.describe_resource_policies()["resourcePolicies"] == []
