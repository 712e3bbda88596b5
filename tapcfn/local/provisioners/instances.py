"""EC2: instances, volumes and key pairs."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from tapcfn.local import calls
from tapcfn.local.provisioners._ec2 import ec2, retag, tagged
from tapcfn.local.provisioners.fitting import fitted
from tapcfn.local.provisioners.resource import (
    Made,
    Provisioner,
    ResourceRefusedError,
    Wanted,
    as_list,
    flag,
    gone_is_fine,
    key_values,
    picked,
    tag_map,
)

# Instance -----------------------------------------------------------------------------------------

_BY_CALL = (
    "Tags",
    "SourceDestCheck",
    "PropagateTagsToVolumeOnCreation",
    "AvailabilityZone",
    "Volumes",
)
_CHANGED_BY_CALL = (
    *("InstanceType", "DisableApiTermination", "UserData", "EbsOptimized", "SourceDestCheck"),
    "InstanceInitiatedShutdownBehavior",
)


def _create_instance(wanted: Wanted) -> Made:
    asked = _asked(wanted)
    made = ec2().run_instances(MinCount=1, MaxCount=1, **asked)["Instances"][0]["InstanceId"]
    if "SourceDestCheck" in wanted.properties:
        check = {"Value": flag(wanted["SourceDestCheck"])}
        ec2().modify_instance_attribute(InstanceId=made, SourceDestCheck=check)
    return _made_instance(made)


def _asked(wanted: Wanted) -> dict[str, Any]:
    """Return what RunInstances takes: a template names the profile, and wants few things else."""
    given = {key: value for key, value in wanted.properties.items() if key not in _BY_CALL}
    if profile := given.pop("IamInstanceProfile", None):
        given["IamInstanceProfile"] = {"Name": profile}
    if "Monitoring" in given:
        given["Monitoring"] = {"Enabled": given["Monitoring"]}
    placement = {"Tenancy": given.pop("Tenancy", None)} | picked(
        wanted.properties, "AvailabilityZone"
    )
    given["Placement"] = {key: value for key, value in placement.items() if value}
    if "UserData" in given:
        given["UserData"] = _decoded(given["UserData"])
    tags = key_values(tag_map(wanted.get("Tags")))
    kinds = ["instance"]
    if flag(wanted.get("PropagateTagsToVolumeOnCreation", False)):
        kinds.append("volume")
    given["TagSpecifications"] = [{"ResourceType": kind, "Tags": tags} for kind in kinds if tags]
    asked: dict[str, Any] = fitted("ec2", "RunInstancesRequest", given)
    return asked


def _decoded(user_data: str) -> str:
    """Return user data as boto3 takes it, which encodes it again; a template has it encoded."""
    try:
        return b64decode(user_data, validate=True).decode()
    except ValueError as error:
        raise ResourceRefusedError("Invalid BASE64 encoding of user data.") from error


def _update_instance(wanted: Wanted) -> Made:
    instance = wanted.physical_id
    for name in _CHANGED_BY_CALL:
        if wanted.changed(name):
            _set(instance, name, wanted.get(name))
    if wanted.changed("SecurityGroupIds"):
        groups = list(as_list(wanted.get("SecurityGroupIds")))
        ec2().modify_instance_attribute(InstanceId=instance, Groups=groups)
    if wanted.changed("Monitoring"):
        on = flag(wanted.get("Monitoring", False))
        (ec2().monitor_instances if on else ec2().unmonitor_instances)(InstanceIds=[instance])
    if wanted.changed("MetadataOptions"):
        options = fitted("ec2", "InstanceMetadataOptionsRequest", wanted.get("MetadataOptions", {}))
        ec2().modify_instance_metadata_options(InstanceId=instance, **options)
    if wanted.changed("IamInstanceProfile"):
        _set_profile(instance, wanted)
    retag(wanted)
    return _made_instance(instance)


def _set(instance: str, name: str, value: Any) -> None:
    usual = {"SourceDestCheck": True, "InstanceInitiatedShutdownBehavior": "stop", "UserData": ""}
    chosen = usual.get(name, False) if value is None else value
    text = name in ("InstanceType", "UserData", "InstanceInitiatedShutdownBehavior")
    if name == "UserData":
        chosen = _decoded(str(chosen))
    told = {"Value": str(chosen) if text else flag(chosen)}
    ec2().modify_instance_attribute(InstanceId=instance, **{name: told})


def _set_profile(instance: str, wanted: Wanted) -> None:
    mine = [{"Name": "instance-id", "Values": [instance]}]
    known = ec2().describe_iam_instance_profile_associations(Filters=mine)
    for each in known["IamInstanceProfileAssociations"]:
        ec2().disassociate_iam_instance_profile(AssociationId=each["AssociationId"])
    if wanted.get("IamInstanceProfile"):
        profile = {"Name": wanted["IamInstanceProfile"]}
        ec2().associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile=profile)


def _made_instance(instance: str) -> Made:
    found = ec2().describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    return Made(
        instance,
        {
            "InstanceId": instance,
            "AvailabilityZone": found["Placement"]["AvailabilityZone"],
            "PrivateIp": found["PrivateIpAddress"],
            "PrivateDnsName": found["PrivateDnsName"],
            "PublicIp": found.get("PublicIpAddress", ""),
            "PublicDnsName": found.get("PublicDnsName", ""),
            "VpcId": found["VpcId"],
        },
    )


def _delete_instance(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().terminate_instances(InstanceIds=[wanted.physical_id])


# Volume -------------------------------------------------------------------------------------------


def _create_volume(wanted: Wanted) -> Made:
    given = {k: v for k, v in wanted.properties.items() if k not in ("Tags", "AutoEnableIO")}
    asked = fitted("ec2", "CreateVolumeRequest", given)
    made = ec2().create_volume(**asked, **tagged(wanted, "volume"))["VolumeId"]
    return Made(made, {"VolumeId": made})


# CloudFormation's documentation says of these that updates are not supported.
_VOLUME_STAYS = ("AvailabilityZone", "Encrypted", "KmsKeyId", "SnapshotId")


def _update_volume(wanted: Wanted) -> Made:
    found = ec2().describe_volumes(VolumeIds=[wanted.physical_id])["Volumes"][0]
    for name in _VOLUME_STAYS:
        if wanted.changed(name) and str(wanted.get(name, "")) != str(found.get(name, "")):
            raise ResourceRefusedError(f"Update to property {name} is not supported.")
    changed = {
        name: wanted.properties[name]
        for name in ("Size", "VolumeType", "Iops", "Throughput")
        if wanted.changed(name) and name in wanted.properties
    }
    if changed:
        asked = fitted("ec2", "ModifyVolumeRequest", changed)
        ec2().modify_volume(VolumeId=wanted.physical_id, **asked)
    retag(wanted)
    return Made(wanted.physical_id, {"VolumeId": wanted.physical_id})


def _delete_volume(wanted: Wanted) -> None:
    with gone_is_fine():
        ec2().delete_volume(VolumeId=wanted.physical_id)


# Key pair -----------------------------------------------------------------------------------------


def _create_key(wanted: Wanted) -> Made:
    """Import the given key, or make one and put its private half where CloudFormation does."""
    name = wanted["KeyName"]
    if material := wanted.get("PublicKeyMaterial"):
        made = ec2().import_key_pair(
            KeyName=name, PublicKeyMaterial=str(material).encode(), **tagged(wanted, "key-pair")
        )
    else:
        asked = picked(wanted.properties, "KeyType", "KeyFormat")
        made = ec2().create_key_pair(KeyName=name, **asked, **tagged(wanted, "key-pair"))
        calls.client("ssm").put_parameter(
            Name=f"/ec2/keypair/{made['KeyPairId']}",
            Type="SecureString",
            Value=made["KeyMaterial"],
        )
    return Made(name, picked(made, "KeyPairId", "KeyFingerprint"))


def _delete_key(wanted: Wanted) -> None:
    known = ec2().describe_key_pairs()["KeyPairs"]
    for key in (each for each in known if each["KeyName"] == wanted.physical_id):
        with gone_is_fine():
            calls.client("ssm").delete_parameter(Name=f"/ec2/keypair/{key['KeyPairId']}")
        ec2().delete_key_pair(KeyName=wanted.physical_id)


PROVISIONERS = (
    Provisioner(
        "AWS::EC2::Instance",
        create=_create_instance,
        update=_update_instance,
        delete=_delete_instance,
        create_only=(
            *("AvailabilityZone", "CpuOptions", "ElasticGpuSpecifications", "EnclaveOptions"),
            *("ElasticInferenceAccelerators", "HibernationOptions", "HostResourceGroupArn"),
            *("ImageId", "Ipv6AddressCount", "Ipv6Addresses", "KeyName", "LaunchTemplate"),
            *("LicenseSpecifications", "NetworkInterfaces", "PlacementGroupName"),
            *("PrivateIpAddress", "SecurityGroups", "SubnetId", "BlockDeviceMappings", "Tenancy"),
        ),
        tags="Tags",
    ),
    Provisioner(
        "AWS::EC2::Volume",
        create=_create_volume,
        update=_update_volume,
        delete=_delete_volume,
        tags="Tags",
    ),
    Provisioner(
        "AWS::EC2::KeyPair",
        create=_create_key,
        delete=_delete_key,
        create_only=("KeyName", "KeyType", "KeyFormat", "PublicKeyMaterial", "Tags"),
    ),
)
