"""Instances, volumes, key pairs and Amazon's public images: read back, changed, refused, gone."""

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

NAMES = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"
IMAGE = {"Image": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"}}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def place(public: bool = False) -> dict[str, Any]:
    subnet = {
        "VpcId": ref("Vpc"),
        "CidrBlock": "10.0.1.0/24",
        "AvailabilityZone": "us-east-1b",
        "MapPublicIpOnLaunch": public,
    }
    group = {"GroupDescription": "web", "VpcId": ref("Vpc")}
    return {
        "Vpc": resource("EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
        "Subnet": resource("EC2::Subnet", subnet),
        "Group": resource("EC2::SecurityGroup", group),
    }


def server(**more: Any) -> dict[str, Any]:
    wanted = {
        "ImageId": ref("Image"),
        "InstanceType": "t3.micro",
        "SubnetId": ref("Subnet"),
        "SecurityGroupIds": [att("Group", "GroupId")],
        "UserData": "ZWNobw==",
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}},
            {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 5, "DeleteOnTermination": False}},
        ],
        "Tags": [{"Key": "Name", "Value": "web"}],
        **more,
    }
    return resource("EC2::Instance", wanted)


def body(told: dict[str, Any] | None = None, public: bool = False, **resources: Any) -> str:
    image = {"Image": IMAGE["Image"] | {"Default": f"{NAMES}x86_64"}}
    return template({**place(public), **resources}, Parameters=image, Outputs=told or {})


def described(aws: Aws, identifier: str) -> Any:
    found = aws.client("ec2").describe_instances(InstanceIds=[identifier])
    return found["Reservations"][0]["Instances"][0]


def test_an_instance(aws: Aws):
    """It lies in its subnet with the disks it was given; some things change in place."""
    cloudformation, ec2 = aws.client("cloudformation"), aws.client("ec2")
    told = {
        "Private": {"Value": att("Server", "PrivateIp")},
        "Public": {"Value": att("Server", "PublicIp")},
        "Zone": {"Value": att("Server", "AvailabilityZone")},
    }
    made = deploy(cloudformation, "app", body(told, public=True, Server=server()))

    assert failures(cloudformation, "app") == {}

    ids = physical_ids(cloudformation, "app")
    found = described(aws, ids["Server"])
    disks = {each["DeviceName"]: each["Ebs"]["VolumeId"] for each in found["BlockDeviceMappings"]}
    sizes = ec2.describe_volumes(VolumeIds=list(disks.values()))["Volumes"]

    assert outputs(made)["Private"] == found["PrivateIpAddress"] == "10.0.1.4"
    assert outputs(made)["Public"] == found["PublicIpAddress"]
    assert outputs(made)["Zone"] == found["Placement"]["AvailabilityZone"] == "us-east-1b"
    assert sorted(each["Size"] for each in sizes) == [5, 20]
    assert user_data(ec2, ids["Server"]) == "ZWNobw=="

    default = att("Vpc", "DefaultSecurityGroup")
    changed = server(InstanceType="t3.small", UserData="Mg==", SecurityGroupIds=[default])
    changed["Properties"].pop("Tags")
    deploy(cloudformation, "app", body(told, public=True, Server=changed))
    found = described(aws, ids["Server"])

    assert physical_ids(cloudformation, "app") == ids
    assert found["InstanceType"] == "t3.small"
    assert [each["GroupName"] for each in found["SecurityGroups"]] == ["default"]
    assert user_data(ec2, ids["Server"]) == "Mg=="
    assert "Name" not in {each["Key"] for each in found["Tags"]}

    deploy(cloudformation, "app", body(told, public=True, Server=server(KeyName="other")))
    second = physical_ids(cloudformation, "app")["Server"]

    assert second != ids["Server"]
    assert described(aws, ids["Server"])["State"]["Name"] == "terminated"
    assert [each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]].count(
        disks["/dev/sdf"]
    ) == 1
    assert disks["/dev/xvda"] not in str(ec2.describe_volumes())

    destroy(cloudformation, made["StackId"])

    assert described(aws, second)["State"]["Name"] == "terminated"


def user_data(ec2: Any, instance: str) -> str:
    told = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")
    return str(told["UserData"]["Value"])


def test_a_private_instance_has_no_public_address(aws: Aws):
    """The subnet decides; a protected instance fails the deletion of its stack."""
    cloudformation = aws.client("cloudformation")
    made = deploy(cloudformation, "app", body(Server=server(DisableApiTermination=True)))
    identifier = physical_ids(cloudformation, "app")["Server"]

    assert "PublicIpAddress" not in described(aws, identifier)
    assert destroy(cloudformation, made["StackId"])["StackStatus"] == "DELETE_FAILED"
    assert "disableApiTermination" in failures(cloudformation, made["StackId"])["Server"]


def test_what_an_instance_uses_stays(aws: Aws):
    """Its group and its subnet are not deleted while it runs."""
    cloudformation, ec2 = aws.client("cloudformation"), aws.client("ec2")
    deploy(cloudformation, "app", body(Server=server()))
    ids = physical_ids(cloudformation, "app")

    with pytest.raises(ClientError, match="has a dependent object"):
        ec2.delete_security_group(GroupId=ids["Group"])
    with pytest.raises(ClientError, match="has dependencies"):
        ec2.delete_subnet(SubnetId=ids["Subnet"])


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"ImageId": "ami-x"}, "Invalid id"),
        ({"SubnetId": "subnet-0"}, "subnet-0' does not exist"),
        ({"SecurityGroupIds": ["sg-0"]}, "sg-0' does not exist"),
        ({"IamInstanceProfile": "nobody"}, "Value (nobody) for parameter iamInstanceProfile.name"),
        ({"SsmAssociations": [{"DocumentName": "x"}]}, "does not model"),
    ],
)
def test_what_an_instance_refuses(aws: Aws, broken, reason):
    """What is not there, and what cannot be kept, fails the resource."""
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "app", body(Server=server(**broken)))

    assert reason in failures(cloudformation, "app")["Server"]


def test_a_volume_and_a_key_pair(aws: Aws):
    """A volume keeps its key and grows in place; a key's private half lies in Parameter Store."""
    cloudformation, ec2 = aws.client("cloudformation"), aws.client("ec2")
    key = "arn:aws:kms:us-east-1:111122223333:key/1"
    disk = {
        "AvailabilityZone": "us-east-1a",
        "Size": "10",
        "VolumeType": "gp3",
        "Encrypted": True,
        "KmsKeyId": key,
        "Throughput": 250,
        "Tags": [{"Key": "Name", "Value": "disk"}],
    }
    pair = {"Pair": resource("EC2::KeyPair", {"KeyName": "web"})}
    both = {"Disk": resource("EC2::Volume", disk), **pair}
    made = deploy(cloudformation, "app", template(both))

    assert failures(cloudformation, "app") == {}

    ids = physical_ids(cloudformation, "app")
    found = ec2.describe_volumes(VolumeIds=[ids["Disk"]])["Volumes"][0]
    number = ec2.describe_key_pairs(KeyNames=["web"])["KeyPairs"][0]["KeyPairId"]
    secret = aws.client("ssm").get_parameter(Name=f"/ec2/keypair/{number}", WithDecryption=True)

    assert (found["Size"], found["KmsKeyId"], found["Throughput"]) == (10, key, 250)
    assert "PRIVATE KEY" in secret["Parameter"]["Value"]

    bigger = {"Disk": resource("EC2::Volume", disk | {"Size": 20, "Throughput": 300}), **pair}
    deploy(cloudformation, "app", template(bigger))
    found = ec2.describe_volumes(VolumeIds=[ids["Disk"]])["Volumes"][0]

    assert (found["Size"], found["Throughput"]) == (20, 300)

    moved = {"Disk": resource("EC2::Volume", disk | {"AvailabilityZone": "us-east-1b"}), **pair}
    refused = deploy(cloudformation, "app", template(moved))

    assert refused["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "AvailabilityZone is not supported" in failures(cloudformation, "app")["Disk"]

    destroy(cloudformation, made["StackId"])

    assert ec2.describe_volumes()["Volumes"] == []
    assert ec2.describe_key_pairs()["KeyPairs"] == []
    assert aws.client("ssm").describe_parameters()["Parameters"] == []


def test_public_images_are_of_their_region(aws: Aws):
    """The public parameters name an image in each Region, which EC2 describes; no two are alike."""
    seen = set()
    for region in ("us-east-1", AWAY):
        ssm, ec2 = aws.client("ssm", region), aws.client("ec2", region)
        for architecture in ("x86_64", "arm64"):
            image = ssm.get_parameter(Name=NAMES + architecture)["Parameter"]["Value"]
            found = ec2.describe_images(ImageIds=[image])["Images"][0]
            seen.add(image)

            assert (found["Architecture"], found["State"]) == (architecture, "available")
            assert found["ImageOwnerAlias"] == "amazon"

    newest = aws.client("ec2").describe_images(
        Owners=["amazon"], Filters=[{"Name": "name", "Values": ["al2023-ami-2023*arm64"]}]
    )
    assert len(seen) == 4
    assert [each["Architecture"] for each in newest["Images"]] == ["arm64"]
    with pytest.raises(ClientError, match="ParameterNotFound"):
        aws.client("ssm").get_parameter(Name=f"{NAMES}sparc")


def test_a_template_takes_the_image_of_its_region(aws: Aws):
    """One template with the public name as its default launches another image elsewhere."""
    used = {}
    for region in ("us-east-1", AWAY):
        cloudformation = aws.client("cloudformation", region)
        image = {"Image": IMAGE["Image"] | {"Default": f"{NAMES}arm64"}}
        launch = {"LaunchTemplateData": {"ImageId": ref("Image")}}
        resources = {"Template": resource("EC2::LaunchTemplate", launch)}
        deploy(cloudformation, "app", template(resources, Parameters=image))
        identifier = physical_ids(cloudformation, "app")["Template"]
        versions = aws.client("ec2", region).describe_launch_template_versions(
            LaunchTemplateId=identifier
        )["LaunchTemplateVersions"]
        used[region] = versions[0]["LaunchTemplateData"]["ImageId"]

    assert len(set(used.values())) == 2


def test_copies_keep_their_keys(aws: Aws):
    """Snapshots and images are encrypted by the key that their copy names, in its own Region."""
    cloudformation, here = aws.client("cloudformation"), aws.client("ec2")
    there = aws.client("ec2", AWAY)
    keys = [f"arn:aws:kms:{region}:{aws.account}:key/1" for region in (HOME, AWAY)]
    disk = {"AvailabilityZone": "us-east-1a", "Size": 5, "Encrypted": True, "KmsKeyId": keys[0]}
    deploy(cloudformation, "disk", template({"Disk": resource("EC2::Volume", disk)}))
    volume = physical_ids(cloudformation, "disk")["Disk"]
    source = here.create_snapshot(VolumeId=volume)["SnapshotId"]
    copy = there.copy_snapshot(
        SourceSnapshotId=source, SourceRegion=HOME, Encrypted=True, KmsKeyId=keys[1]
    )["SnapshotId"]
    found = [
        api.describe_snapshots(SnapshotIds=[name])["Snapshots"][0]
        for api, name in ((here, source), (there, copy))
    ]

    assert [(each["Encrypted"], each["KmsKeyId"]) for each in found] == [(True, k) for k in keys]

    image = here.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    instance = here.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]
    golden = here.create_image(InstanceId=instance["InstanceId"], Name="golden")["ImageId"]
    copied = there.copy_image(
        Name="golden", SourceImageId=golden, SourceRegion=HOME, Encrypted=True, KmsKeyId=keys[1]
    )["ImageId"]
    told = there.describe_images(ImageIds=[copied])["Images"][0]
    disk = told["BlockDeviceMappings"][0]["Ebs"]
    behind = there.describe_snapshots(SnapshotIds=[disk["SnapshotId"]])["Snapshots"][0]

    assert (told["State"], disk["Encrypted"], behind["KmsKeyId"]) == ("available", True, keys[1])
    assert here.describe_images(ImageIds=[golden])["Images"][0]["Name"] == "golden"
    there.deregister_image(ImageId=copied)
    assert there.describe_images(Owners=["self"])["Images"] == []
