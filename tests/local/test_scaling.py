"""Launch templates, Auto Scaling groups, what changes their size, their instances and targets."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.test_load_balancers import (
    att,
    balancer,
    forward,
    listener,
    network,
    ref,
    target_group,
)
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

IMAGE = "ami-0123456789abcdef0"
USER_DATA = base64.b64encode(b"#!/bin/bash\nyum install -y httpd & echo <ok>\n").decode()
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ROLLING = {"AutoScalingRollingUpdate": {"MinInstancesInService": 1, "WaitOnResourceSignals": True}}


def launch_template(**more: Any) -> dict[str, Any]:
    root = {
        "VolumeSize": 20,
        "VolumeType": "gp3",
        "Encrypted": True,
        "KmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/1",
        "DeleteOnTermination": True,
    }
    data = {
        "ImageId": IMAGE,
        "InstanceType": "t3.micro",
        "SecurityGroupIds": [att("Group", "GroupId")],
        "IamInstanceProfile": {"Arn": att("Profile", "Arn")},
        "UserData": USER_DATA,
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": root}],
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "Monitoring": {"Enabled": True},
        "TagSpecifications": [
            {"ResourceType": "volume", "Tags": [{"Key": "of", "Value": "template"}]}
        ],
        **more,
    }
    return resource("EC2::LaunchTemplate", {"LaunchTemplateData": data})


def group(**more: Any) -> dict[str, Any]:
    wanted = {
        "MinSize": "1",
        "MaxSize": "3",
        "VPCZoneIdentifier": [ref("Subnet0"), ref("Subnet1")],
        "LaunchTemplate": {
            "LaunchTemplateId": ref("Template"),
            "Version": att("Template", "LatestVersionNumber"),
        },
        "Tags": [
            {"Key": "team", "Value": "web", "PropagateAtLaunch": True},
            {"Key": "note", "Value": "group only", "PropagateAtLaunch": False},
        ],
        **more,
    }
    return resource("AutoScaling::AutoScalingGroup", wanted)


def base(**more: Any) -> dict[str, Any]:
    profile = resource("IAM::InstanceProfile", {"Roles": [ref("Role")]})
    return {
        **network(),
        "Role": resource("IAM::Role", {"AssumeRolePolicyDocument": TRUST}),
        "Profile": profile,
        "Template": launch_template(),
        **more,
    }


def served(**more: Any) -> dict[str, Any]:
    arns = [ref("Blue")]
    checked = {"HealthCheckType": "ELB", "HealthCheckGracePeriod": 300, "TargetGroupARNs": arns}
    return base(
        Balancer=balancer(),
        Blue=target_group(HealthCheckPath="/health"),
        Http=listener(forward(Blue=1)),
        Fleet=group(**checked, **more),
    )


def fleet(aws: Aws, stack: str = "app") -> Any:
    name = physical_ids(aws.client("cloudformation"), stack)["Fleet"]
    found = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return found["AutoScalingGroups"][0]


def instance(aws: Aws, identifier: str) -> Any:
    found = aws.client("ec2").describe_instances(InstanceIds=[identifier])
    return found["Reservations"][0]["Instances"][0]


def test_a_launch_template_is_kept_whole(aws: Aws):
    """Every part of its data is readable; an update is a new version; tags are its own."""
    cloudformation, ec2 = aws.client("cloudformation"), aws.client("ec2")
    told = {"Latest": {"Value": att("Template", "LatestVersionNumber")}}
    made = deploy(cloudformation, "app", template(base(), Outputs=told), Tags=[])
    ids = physical_ids(cloudformation, "app")
    data = version(ec2, ids["Template"], "1")
    root = data["BlockDeviceMappings"][0]["Ebs"]

    assert outputs(made) == {"Latest": "1"}
    assert (data["ImageId"], data["UserData"]) == (IMAGE, USER_DATA)
    assert root["KmsKeyId"] == "arn:aws:kms:us-east-1:111122223333:key/1"
    assert (root["VolumeType"], root["VolumeSize"], root["Encrypted"]) == ("gp3", 20, True)
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["Monitoring"] == {"Enabled": True}
    assert data["SecurityGroupIds"] == [ids["Group"]]
    assert data["TagSpecifications"][0]["Tags"] == [{"Key": "of", "Value": "template"}]
    assert data["IamInstanceProfile"]["Arn"].endswith(ids["Profile"])

    changed = base(Template=launch_template(InstanceType="t4g.small", KeyName="key"))
    made = deploy(cloudformation, "app", template(changed, Outputs=told))

    assert outputs(made) == {"Latest": "2"}
    assert physical_ids(cloudformation, "app")["Template"] == ids["Template"]
    assert version(ec2, ids["Template"], "$Latest")["InstanceType"] == "t4g.small"
    assert version(ec2, ids["Template"], "$Default")["InstanceType"] == "t3.micro"

    destroy(cloudformation, made["StackId"])

    with pytest.raises(ClientError, match=r"InvalidLaunchTemplateId\.NotFound"):
        ec2.describe_launch_templates(LaunchTemplateIds=[ids["Template"]])


def version(ec2: Any, identifier: str, number: str) -> Any:
    found = ec2.describe_launch_template_versions(LaunchTemplateId=identifier, Versions=[number])
    return found["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def test_a_group_has_instances_that_are_healthy(aws: Aws):
    """They are EC2's, spread over zones, tagged, encrypted, registered, and gone with the group."""
    cloudformation, ec2, elb = (aws.client(n) for n in ("cloudformation", "ec2", "elbv2"))
    made = deploy(cloudformation, "app", template(served(DesiredCapacity=2)))

    assert failures(cloudformation, "app") == {}

    ids, told = physical_ids(cloudformation, "app"), fleet(aws)
    launched = [instance(aws, each["InstanceId"]) for each in told["Instances"]]
    volume = launched[0]["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    disk = ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]
    tags = {each["Key"]: each["Value"] for each in launched[0]["Tags"]}

    assert (told["MinSize"], told["MaxSize"], told["DesiredCapacity"]) == (1, 3, 2)
    assert (told["HealthCheckType"], told["HealthCheckGracePeriod"]) == ("ELB", 300)
    assert told["TargetGroupARNs"] == [ids["Blue"]]
    assert sorted(told["AvailabilityZones"]) == ["us-east-1a", "us-east-1b"]
    assert [each["LifecycleState"] for each in told["Instances"]] == ["InService"] * 2
    assert {each["SubnetId"] for each in launched} == {ids["Subnet0"], ids["Subnet1"]}
    assert {each["InstanceType"] for each in launched} == {"t3.micro"}
    assert tags["team"] == "web"
    assert tags["aws:autoscaling:groupName"] == ids["Fleet"]
    assert "note" not in tags
    assert launched[0]["Monitoring"]["State"] == "enabled"
    assert launched[0]["MetadataOptions"]["HttpTokens"] == "required"
    assert launched[0]["IamInstanceProfile"]["Arn"].endswith(ids["Profile"])
    assert (disk["Size"], disk["VolumeType"], disk["Encrypted"]) == (20, "gp3", True)
    assert disk["KmsKeyId"] == "arn:aws:kms:us-east-1:111122223333:key/1"
    assert disk["Tags"] == [{"Key": "of", "Value": "template"}]
    assert health(elb, ids["Blue"]) == {each["InstanceId"]: "healthy" for each in launched}

    destroy(cloudformation, made["StackId"])

    assert {instance(aws, each["InstanceId"])["State"]["Name"] for each in launched} == {
        "terminated"
    }
    assert volume not in str(ec2.describe_volumes())
    assert aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []


def health(elb: Any, arn: str) -> dict[str, str]:
    told = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in told}


def test_a_target_group_without_a_listener_is_not_used(aws: Aws):
    """Its targets are not healthy, as nothing checks them."""
    cloudformation, elb = aws.client("cloudformation"), aws.client("elbv2")
    body = base(Blue=target_group(), Fleet=group(TargetGroupARNs=[ref("Blue")]))
    deploy(cloudformation, "app", template(body))
    arn = physical_ids(cloudformation, "app")["Blue"]

    assert list(health(elb, arn).values()) == ["unused"]
    with pytest.raises(ClientError, match="not in a running state"):
        elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "i-00000000000000000"}])


def test_a_group_is_updated(aws: Aws):
    """A rolling update replaces the instances; without one only the group knows the version."""
    cloudformation = aws.client("cloudformation")
    metrics = [{"Granularity": "1Minute", "Metrics": ["GroupInServiceInstances"]}]
    deploy(cloudformation, "app", template(served(MetricsCollection=metrics, Cooldown="60")))
    before = fleet(aws)
    first = before["Instances"][0]["InstanceId"]

    assert before["EnabledMetrics"] == [
        {"Metric": "GroupInServiceInstances", "Granularity": "1Minute"}
    ]
    assert before["DefaultCooldown"] == 60

    body = served(MinSize=2) | {"Template": launch_template(InstanceType="t3.small")}
    deploy(cloudformation, "app", template(body))
    after = fleet(aws)

    assert after["LaunchTemplate"]["Version"] == "2"
    assert [each["LaunchTemplate"]["Version"] for each in after["Instances"]] == ["1", "2"]
    assert after["Instances"][0]["InstanceId"] == first
    assert after["EnabledMetrics"] == []

    body |= {"Template": launch_template(InstanceType="t3.medium")}
    body["Fleet"] |= {"UpdatePolicy": ROLLING}
    deploy(cloudformation, "app", template(body))
    rolled = fleet(aws)

    assert {each["InstanceType"] for each in rolled["Instances"]} == {"t3.medium"}
    assert instance(aws, first)["State"]["Name"] == "terminated"
    assert len(rolled["Instances"]) == 2


def test_sizes_that_something_else_set(aws: Aws):
    """An update resets the desired capacity that the template gives, unless told to ignore it."""
    cloudformation, scaling = aws.client("cloudformation"), aws.client("autoscaling")
    ignoring = {"AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": True}}
    for policy, expected in ((ignoring, 3), ({}, 1)):
        body = base(Fleet=group(DesiredCapacity=1) | {"UpdatePolicy": policy})
        deploy(cloudformation, "app", template(body))
        name = physical_ids(cloudformation, "app")["Fleet"]
        scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
        body["Fleet"]["Properties"]["HealthCheckGracePeriod"] = 120 + expected
        deploy(cloudformation, "app", template(body))

        assert fleet(aws)["DesiredCapacity"] == len(fleet(aws)["Instances"]) == expected


def policies(**more: Any) -> dict[str, Any]:
    name = {"AutoScalingGroupName": ref("Fleet")}
    simple = {"AdjustmentType": "ChangeInCapacity", "Cooldown": "300", **name}
    tracking = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "TargetValue": 50,
    }
    return {
        "Up": resource("AutoScaling::ScalingPolicy", {**simple, "ScalingAdjustment": 1, **more}),
        "Track": resource(
            "AutoScaling::ScalingPolicy",
            {
                **name,
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingConfiguration": tracking,
            },
        ),
        "Hook": resource(
            "AutoScaling::LifecycleHook",
            {
                **name,
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
                "HeartbeatTimeout": 120,
            },
        ),
        "Night": resource(
            "AutoScaling::ScheduledAction",
            {**name, "MinSize": 1, "DesiredCapacity": 1, "Recurrence": "0 22 * * *"},
        ),
    }


def test_what_changes_the_size(aws: Aws):
    """Policies, hooks, scheduled actions and notifications are the group's and keep their names."""
    cloudformation, scaling = aws.client("cloudformation"), aws.client("autoscaling")
    topic = resource("SNS::Topic")
    told = {"TopicARN": ref("Topic"), "NotificationTypes": ["autoscaling:EC2_INSTANCE_LAUNCH"]}
    notified = group(NotificationConfigurations=[told])
    made = deploy(cloudformation, "app", template(base(Topic=topic, Fleet=notified, **policies())))

    assert failures(cloudformation, "app") == {}

    ids = physical_ids(cloudformation, "app")
    up = scaling.describe_policies(PolicyNames=[ids["Up"]])["ScalingPolicies"][0]
    track = scaling.describe_policies(PolicyNames=[ids["Track"]])["ScalingPolicies"][0]
    hook = scaling.describe_lifecycle_hooks(AutoScalingGroupName=ids["Fleet"])["LifecycleHooks"][0]
    night = scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"][0]

    assert up["PolicyARN"] == ids["Up"]
    assert (up["PolicyType"], up["ScalingAdjustment"], up["Cooldown"]) == ("SimpleScaling", 1, 300)
    assert track["TargetTrackingConfiguration"]["TargetValue"] == 50
    assert (hook["HeartbeatTimeout"], hook["LifecycleHookName"]) == (120, ids["Hook"])
    assert (night["Recurrence"], night["ScheduledActionName"]) == ("0 22 * * *", ids["Night"])
    notices = scaling.describe_notification_configurations()["NotificationConfigurations"]
    assert [each["TopicARN"] for each in notices] == [ids["Topic"]]

    scaling.execute_policy(AutoScalingGroupName=ids["Fleet"], PolicyName=up["PolicyName"])
    assert len(fleet(aws)["Instances"]) == 2

    body = base(Topic=topic, Fleet=group(), **policies(ScalingAdjustment=2))
    deploy(cloudformation, "app", template(body))
    up = scaling.describe_policies(PolicyNames=[ids["Up"]])["ScalingPolicies"][0]

    assert (up["PolicyARN"], up["ScalingAdjustment"]) == (ids["Up"], 2)
    assert scaling.describe_notification_configurations()["NotificationConfigurations"] == []

    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert scaling.describe_policies()["ScalingPolicies"] == []


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"DesiredCapacity": 5}, "Desired capacity:5 must be between"),
        ({"MinSize": 4}, "must be greater than or equal to min bound"),
        ({"LaunchTemplate": ref("AWS::NoValue")}, "must contain either LaunchTemplate"),
        ({"VPCZoneIdentifier": ["subnet-0"]}, "subnet-0' does not exist"),
        ({"TargetGroupARNs": ["arn:aws:nothing"]}, "Target Groups may not be valid"),
        (
            {"LaunchTemplate": {"LaunchTemplateId": ref("Template"), "Version": "7"}},
            "Could not find launch template version 7",
        ),
        ({"NotificationConfiguration": {"TopicARN": "arn:x"}}, "does not model"),
    ],
)
def test_what_a_group_refuses(aws: Aws, broken, reason):
    """A group that cannot be is not made, and nothing is left of it."""
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "app", template(base(Fleet=group(**broken))))

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in failures(cloudformation, "app")["Fleet"]
    assert aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_an_image_by_the_name_of_a_parameter(aws: Aws):
    """A launch template may leave the image to SSM; it is looked up at each launch."""
    cloudformation = aws.client("cloudformation")
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    named = launch_template(ImageId=f"resolve:ssm:{name}")
    deploy(cloudformation, "app", template(base(Template=named, Fleet=group())))
    meant = aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    launched = fleet(aws)["Instances"][0]["InstanceId"]

    assert instance(aws, launched)["ImageId"] == meant


def test_an_instance_that_cannot_start_fails_the_group(aws: Aws):
    """A profile that is not there shows when the first instance is launched."""
    cloudformation = aws.client("cloudformation")
    nobody = launch_template(IamInstanceProfile={"Name": "nobody"})
    made = deploy(cloudformation, "app", template(base(Template=nobody, Fleet=group())))

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert (
        "Value (nobody) for parameter iamInstanceProfile"
        in failures(cloudformation, "app")["Fleet"]
    )
    assert json.dumps(aws.client("ec2").describe_instances()["Reservations"]) == "[]"
