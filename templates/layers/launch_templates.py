"""Instances before they are launched: their role, image, disk and first script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from awacs.aws import Statement
from troposphere import Base64, GetAtt, Parameter, Ref, Sub, ec2, iam

from tapcfn.templating import Template
from templates.layers import _iam
from templates.layers._tags import tagged
from templates.layers._values import Value, text, value

CLOUDWATCH_AGENT = "CloudWatchAgentServerPolicy"
SESSION_MANAGER = "AmazonSSMManagedInstanceCore"

# Where AWS publishes the id of its newest image, in every Region under the same name.
AMAZON_LINUX = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

ROOT_DEVICE = "/dev/xvda"


@dataclass(frozen=True, slots=True)
class Machine:
    """What is launched: from which image, how large, and the ARN of the key of its disk.

    The key's policy must admit Auto Scaling. (L-8) `key_pair` names that of those who use ssh.
    """

    image: Parameter | Value
    key: Parameter | Value
    instance_type: str = "t3.micro"
    volume_gb: int = 20
    key_pair: Value = ""


def image(template: Template, *, by_id: bool) -> Parameter:
    """Declare where the image comes from: an SSM parameter that holds its id, or the id itself.

    Neither an id nor a Region is in the template: an image belongs to one Region. By SSM the
    newest image enters with the next stack operation; by id nothing changes by itself. (L-17)
    """
    kind = "AWS::EC2::Image::Id"
    return template.add_parameter(
        Parameter(
            "ImageId",
            Type=kind if by_id else f"AWS::SSM::Parameter::Value<{kind}>",
            Description="Image of the instances: its id"
            if by_id
            else "Name of the SSM parameter that holds the id of the instances' image",
        )
    )


def add_role(
    template: Template,
    title: str = "InstanceRole",
    *,
    managed: Sequence[str],
    tags: Mapping[str, str],
    statements: Sequence[Statement] = (),
) -> iam.InstanceProfile:
    """Add a role for instances with AWS's own policies of these names, and return its profile."""
    role = iam.Role(
        title,
        Description="What the instances may do",
        AssumeRolePolicyDocument=_iam.trust("ec2.amazonaws.com"),
        ManagedPolicyArns=[
            Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{each}") for each in managed
        ],
        Tags=tagged(tags),
    )
    if statements:
        role.Policies = [
            iam.Policy(PolicyName="instances", PolicyDocument=_iam.document(*statements))
        ]
    template.add(role)
    return template.add(iam.InstanceProfile(f"{title}Profile", Roles=[Ref(role)]))


def add(
    template: Template,
    title: str = "LaunchTemplate",
    *,
    machine: Machine,
    profile: iam.InstanceProfile,
    groups: Sequence[Value],
    user_data: str,
    tags: Mapping[str, str],
    label: Value = "",
) -> ec2.LaunchTemplate:
    """Add a launch template; `user_data` is text for `Fn::Sub`.

    Metadata answers sessions only (IMDSv2), one network hop away. Detailed monitoring gives alarms
    their one-minute figures.
    """
    data = ec2.LaunchTemplateData(
        ImageId=value(machine.image),
        InstanceType=machine.instance_type,
        IamInstanceProfile=ec2.IamInstanceProfile(Arn=GetAtt(profile, "Arn")),
        SecurityGroupIds=list(groups),
        MetadataOptions=ec2.MetadataOptions(
            HttpTokens="required", HttpEndpoint="enabled", HttpPutResponseHopLimit=1
        ),
        Monitoring=ec2.Monitoring(Enabled=True),
        BlockDeviceMappings=[_root_volume(machine)],
        UserData=Base64(text(user_data)),
        TagSpecifications=[
            ec2.TagSpecifications(ResourceType=kind, Tags=tagged(tags, label))
            for kind in ("instance", "volume")
        ],
    )
    if machine.key_pair:
        data.KeyName = machine.key_pair
    return template.add(
        ec2.LaunchTemplate(
            title,
            LaunchTemplateData=data,
            TagSpecifications=[
                ec2.TagSpecifications(ResourceType="launch-template", Tags=tagged(tags, label))
            ],
        )
    )


def _root_volume(machine: Machine) -> ec2.LaunchTemplateBlockDeviceMapping:
    return ec2.LaunchTemplateBlockDeviceMapping(
        DeviceName=ROOT_DEVICE,
        Ebs=ec2.EBSBlockDevice(
            VolumeType="gp3",
            VolumeSize=machine.volume_gb,
            Encrypted=True,
            KmsKeyId=value(machine.key),
            DeleteOnTermination=True,
        ),
    )
