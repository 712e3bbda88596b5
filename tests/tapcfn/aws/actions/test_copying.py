"""Actions that copy, snap and wait: what is asked of AWS, call by call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from tapcfn.acting import ActionState, ActionStatus
from tapcfn.aws.actions import AwsActions
from tapcfn.errors import BlockedError, CloudError, StillRunningError
from tapcfn.model import (
    Action,
    AwaitCertificate,
    CompareItems,
    CompareObjects,
    CopyDatabaseSnapshot,
    CopyImage,
    LockDownDefaultGroup,
    ReplicateObjects,
    ReplicateSecret,
    SnapshotDatabase,
    SnapshotVolumes,
)
from tapcfn.waits import Patience
from tests.fakes import FakeClock
from tests.tapcfn.aws.wire import HERE, Wire, Wires

TOKEN = "tapcfn-" + "0" * 40
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1"
OTHER_KEY = "arn:aws:kms:eu-west-1:111122223333:key/2"
ROLE = "arn:aws:iam::111122223333:role/batch"
ACCOUNT = {"AccountId": "111122223333"}
FAILED, DONE, RUNNING, ABSENT = (
    ActionStatus.FAILED, ActionStatus.DONE, ActionStatus.RUNNING, ActionStatus.ABSENT,
)  # fmt: skip


@pytest.fixture
def patience() -> Patience:
    return Patience(FakeClock(), seconds=600.0)


@pytest.fixture
def actions(wires: Wires, patience: Patience) -> AwsActions:
    return AwsActions(wires, patience)  # type: ignore[arg-type]


def seen(actions: AwsActions, action: Action) -> tuple[ActionStatus, str]:
    state = actions.look(action, TOKEN)
    return state.status, state.text


# Objects ------------------------------------------------------------------------------------------

REPLICATE = ReplicateObjects("old-objects", HERE, "source", ROLE, "reports")
COMPARE = CompareObjects("compare", HERE, "source", HERE, "target")


def lists_jobs(wires: Wires, *jobs: Mapping[str, Any]) -> Wire:
    wire = wires.to("s3control")
    wire.answers("list_jobs", {"Jobs": list(jobs)}, **ACCOUNT, MaxResults=1000)
    return wire


def a_job(status: str, total: int = 0, right: int = 0, wrong: int = 0, **more: Any) -> Any:
    progress = {"TotalNumberOfTasks": total, "NumberOfTasksSucceeded": right}
    progress["NumberOfTasksFailed"] = wrong
    return {"Job": {"JobId": "job-1", "Status": status, "ProgressSummary": progress, **more}}


def test_a_batch_job_replicates_what_no_rule_has_replicated(
    wires: Wires, actions: AwsActions
) -> None:
    """The token stands in the description, too, since nothing else finds a job again."""
    filters = {"EligibleForReplication": True, "ObjectReplicationStatuses": ["NONE", "FAILED"]}
    wires.to("s3control").answers(
        "create_job",
        {"JobId": "job-1"},
        **ACCOUNT,
        ConfirmationRequired=False,
        Operation={"S3ReplicateObject": {}},
        ManifestGenerator={
            "S3JobManifestGenerator": {
                "SourceBucket": "arn:aws:s3:::source",
                "ExpectedBucketOwner": "111122223333",
                "EnableManifestOutput": False,
                "Filter": filters,
            }
        },
        Report={
            "Bucket": "arn:aws:s3:::reports",
            "Format": "Report_CSV_20180820",
            "Enabled": True,
            "Prefix": "batch-replication/source",
            "ReportScope": "FailedTasksOnly",
        },
        Priority=10,
        RoleArn=ROLE,
        ClientRequestToken=TOKEN,
        Description=f"{TOKEN} old-objects",
    )

    actions.begin(REPLICATE, TOKEN)


def test_a_job_of_another_token_is_another(wires: Wires, actions: AwsActions) -> None:
    """Every page is read before there is none."""
    wire = wires.to("s3control")
    jobs = [{"JobId": "job-0", "Description": f"{TOKEN}9 old-objects"}, {"JobId": "job-2"}]
    wire.answers("list_jobs", {"Jobs": jobs, "NextToken": "n"}, **ACCOUNT, MaxResults=1000)
    wire.answers("list_jobs", {"Jobs": []}, **ACCOUNT, MaxResults=1000, NextToken="n")

    assert seen(actions, REPLICATE) == (ABSENT, "")


@pytest.mark.parametrize(
    ("job", "state"),
    [
        (a_job("Preparing"), (RUNNING, "Preparing, 0 of 0 objects replicated")),
        (a_job("Active", 9, 4), (RUNNING, "Active, 4 of 9 objects replicated")),
        (a_job("Active", 9, 4, 1), (RUNNING, "4 of 9 objects replicated, 1 failed")),
        (a_job("Failing", 9, 4), (RUNNING, "Failing, 4 of 9 objects replicated")),
        (a_job("Complete", 9, 9), (DONE, "9 of 9 objects replicated")),
        (
            a_job("Complete", 9, 8, 1),
            (FAILED, "1 of 9 objects failed: s3://reports/batch-replication/source/job-job-1"),
        ),
        (
            a_job("Failed", FailureReasons=[{"FailureReason": "no role"}]),
            (FAILED, "Failed: no role"),
        ),
        (
            a_job("Failed", FailureReasons=[{"FailureReason": "found no keys matching the ..."}]),
            (DONE, "no object was waiting for it"),
        ),
        (a_job("Cancelled"), (FAILED, "Cancelled: no reason given")),
    ],
)
def test_a_job_is_done_when_it_is_complete_and_no_task_failed(
    wires: Wires, actions: AwsActions, job: Any, state: tuple[ActionStatus, str]
) -> None:
    """A job that found nothing fails on AWS, and has nothing to do here."""
    wire = lists_jobs(wires, {"JobId": "job-1", "Description": f"{TOKEN} old-objects"})
    wire.answers("describe_job", job, **ACCOUNT, JobId="job-1")

    assert seen(actions, REPLICATE) == state


def lists(wires: Wires, bucket: str, *objects: tuple[str, int, str], **more: Any) -> None:
    found = [{"Key": key, "Size": size, "ETag": f'"{etag}"'} for key, size, etag in objects]
    follow = {"IsTruncated": True, "NextContinuationToken": more["then"]} if "then" in more else {}
    asked = {"ContinuationToken": more["after"]} if "after" in more else {}
    wires.to("s3").answers("list_objects_v2", {"Contents": found, **follow}, Bucket=bucket, **asked)


def waits(wires: Wires, key: str, status: str) -> None:
    asked = {"Bucket": "source", "Key": key, "ChecksumMode": "ENABLED"}
    wires.to("s3").answers("head_object", {"ReplicationStatus": status}, **asked)


def heads(wires: Wires, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    for bucket, told in (("source", ours), ("target", theirs)):
        asked = {"Bucket": bucket, "Key": "a", "ChecksumMode": "ENABLED"}
        wires.to("s3").answers("head_object", told, **asked)


def test_every_page_of_both_buckets_is_compared(wires: Wires, actions: AwsActions) -> None:
    """Side by side, in the order of the keys; what stands on the last page counts."""
    lists(wires, "source", ("a", 1, "x"), ("b", 1, "x"), then="n")
    lists(wires, "target", ("a", 1, "x"), then="m")
    lists(wires, "target", ("b", 1, "x"), ("ä", 1, "x"), after="m")
    lists(wires, "source", ("z", 1, "x"), ("𝄞", 1, "x"), after="n")
    for key in ("z", "𝄞"):
        waits(wires, key, "FAILED")

    state = actions.look(COMPARE, TOKEN)

    assert (FAILED, "2 missing, the first z") == (state.status, state.text)
    assert ("2", "1", "z, 𝄞") == tuple(
        state.facts[name] for name in ("same ETag", "extra", "first missing")
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "status", "fact"),
    [
        ({"ChecksumCRC64NVME": "1"}, {"ChecksumCRC64NVME": "1"}, DONE, "same checksum"),
        ({"ChecksumCRC64NVME": "1"}, {"ChecksumCRC64NVME": "2"}, FAILED, "different"),
        ({"ChecksumSHA1": "1"}, {"ServerSideEncryption": "aws:kms"}, DONE, "same size"),
        ({"ServerSideEncryption": "AES256"}, {}, FAILED, "different"),
        (
            {"ChecksumCRC32": "1-2", "ChecksumType": "COMPOSITE"},
            {
                "ChecksumCRC32": "9",
                "ChecksumType": "FULL_OBJECT",
                "ServerSideEncryption": "aws:kms:dsse",
            },
            DONE,
            "same size",
        ),
    ],
)
def test_an_etag_under_another_key_is_looked_at_closer(
    wires: Wires,
    actions: AwsActions,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    status: ActionStatus,
    fact: str,
) -> None:
    """By checksums of one kind; the size alone decides only where a key explains the ETag."""
    lists(wires, "source", ("a", 1, "x"))
    lists(wires, "target", ("a", 1, "y"))
    heads(wires, ours, theirs)

    state = actions.look(COMPARE, TOKEN)

    assert (status, "1") == (state.status, state.facts[fact])
    assert ("by size alone" in state.text) is (fact == "same size")


def test_an_object_of_another_size_is_not_looked_at_closer(
    wires: Wires, actions: AwsActions
) -> None:
    """It is another, whatever its ETag."""
    lists(wires, "source", ("a", 1, "x"))
    lists(wires, "target", ("a", 2, "x"))
    waits(wires, "a", "COMPLETED")

    assert seen(actions, COMPARE) == (FAILED, "1 different, the first a")


def test_what_was_just_written_is_on_its_way(wires: Wires, actions: AwsActions) -> None:
    """S3 has it and copies it: a bucket that is written to all the time can be compared."""
    lists(wires, "source", ("a", 1, "x"), ("b", 1, "x"), ("c", 1, "x"))
    lists(wires, "target", ("a", 1, "x"), ("b", 2, "x"))
    for key in ("b", "c"):
        waits(wires, key, "PENDING")

    assert seen(actions, COMPARE) == (DONE, "1 objects are there, 2 on their way")


def test_a_page_that_gets_no_answer_is_asked_for_again(wires: Wires, actions: AwsActions) -> None:
    """The comparison does not begin anew for it."""
    lists(wires, "source", ("a", 1, "x"))
    wires.to("s3").refuses("list_objects_v2", "SlowDown", 503, Bucket="target")
    lists(wires, "target", ("a", 1, "x"))

    assert seen(actions, COMPARE) == (DONE, "all 1 objects are there")


def test_a_comparison_ends_with_the_patience(
    wires: Wires, actions: AwsActions, patience: Patience
) -> None:
    """It is no failure of the buckets'."""
    lists(wires, "source", ("a", 1, "x"), ("b", 1, "x"))
    lists(wires, "target", ("a", 1, "x"))
    patience.clock.sleep(601.0)

    with pytest.raises(StillRunningError, match="0 objects compared"):
        actions.look(COMPARE, TOKEN)


# Items --------------------------------------------------------------------------------------------

ITEMS = CompareItems("count", HERE, "items", HERE)


def counts(wires: Wires, *pages: int) -> None:
    """Queue the pages of one count."""
    asked: dict[str, Any] = {"TableName": "items", "Select": "COUNT"}
    for number, count in enumerate(pages, 1):
        more = {"LastEvaluatedKey": {"id": {"S": str(number)}}} if number < len(pages) else {}
        wires.to("dynamodb").answers("scan", {"Count": count, **more}, **asked)
        asked["ExclusiveStartKey"] = {"id": {"S": str(number)}}


@pytest.mark.parametrize(
    ("before", "there", "after", "expected"),
    [((3, 2), (5,), (5,), DONE), ((5,), (6,), (7,), DONE), ((5,), (4,), (5,), RUNNING)],
)
def test_items_are_counted_around_each_other(
    wires: Wires,
    actions: AwsActions,
    before: tuple[int, ...],
    there: tuple[int, ...],
    after: tuple[int, ...],
    expected: str,
) -> None:
    """Page by page; what is written meanwhile is no difference, and what is missing is awaited."""
    for pages in (before, there, after):
        counts(wires, *pages)

    assert seen(actions, ITEMS)[0] == expected


# Machines -----------------------------------------------------------------------------------------

IMAGE = CopyImage("copy", HERE, "us-west-1", "ami-1", "web", KEY)
VOLUMES = SnapshotVolumes("volumes", HERE, ("Migration", "yes"), "before")
GROUP = LockDownDefaultGroup("lock", HERE, "vpc-1")


def test_an_image_is_copied_encrypted_and_by_its_token(wires: Wires, actions: AwsActions) -> None:
    """A name that is taken is looked at next."""
    asked = {
        "SourceRegion": "us-west-1",
        "SourceImageId": "ami-1",
        "Name": "web",
        "Encrypted": True,
        "KmsKeyId": KEY,
        "ClientToken": TOKEN,
    }
    ec2 = wires.to("ec2")
    ec2.answers("copy_image", {"ImageId": "ami-2"}, **asked)
    ec2.refuses("copy_image", "InvalidAMIName.Duplicate", **asked)
    ec2.refuses("copy_image", "InvalidAMIID.NotFound", **asked)

    actions.begin(IMAGE, TOKEN)
    actions.begin(IMAGE, TOKEN)
    with pytest.raises(CloudError, match="InvalidAMIID"):
        actions.begin(IMAGE, TOKEN)


def disk(encrypted: bool) -> dict[str, Any]:
    return {"BlockDeviceMappings": [{"Ebs": {"Encrypted": encrypted}}, {"VirtualName": "e"}]}


@pytest.mark.parametrize(
    ("image", "state"),
    [
        ({"State": "pending"}, (RUNNING, "ami-2: pending")),
        ({"State": "available", **disk(True)}, (DONE, "available")),
        ({"State": "available", **disk(False)}, (FAILED, "ami-2: is not encrypted")),
        (
            {"State": "available", "SourceImageId": "ami-9", **disk(True)},
            (FAILED, "ami-2: has the name, but is a copy of ami-9"),
        ),
        (
            {"State": "failed", "StateReason": {"Message": "Given key ID is not accessible"}},
            (FAILED, "ami-2: Given key ID is not accessible"),
        ),
    ],
)
def test_an_image_is_found_by_its_name(
    wires: Wires, actions: AwsActions, image: Any, state: tuple[ActionStatus, str]
) -> None:
    """It is the copy that is wanted only if it is of that image, and encrypted."""
    named = {"Owners": ["self"], "Filters": [{"Name": "name", "Values": ["web"]}]}
    answer = {"Images": [{"ImageId": "ami-2", **image}]}
    wires.to("ec2").answers("describe_images", answer, **named)

    assert seen(actions, IMAGE) == state


def finds(wires: Wires, snapshots: Mapping[str, str], instances: Mapping[str, list[str]]) -> None:
    """Queue the snapshots by volume, and the volumes by instance."""
    by_tag = [{"Name": "tag:tapcfn:snapshot", "Values": ["before"]}]
    told = [
        {"SnapshotId": f"snap-{volume}", "VolumeId": volume, "State": state}
        for volume, state in snapshots.items()
    ]
    asked = {"OwnerIds": ["self"], "Filters": by_tag}
    wires.to("ec2").answers("describe_snapshots", {"Snapshots": told}, **asked)
    alive = ["pending", "running", "stopping", "stopped"]
    wanted = {"tag:Migration": ["yes"], "instance-state-name": alive}
    there = [
        {
            "InstanceId": name,
            "BlockDeviceMappings": [{"Ebs": {"VolumeId": each}} for each in volumes],
        }
        for name, volumes in instances.items()
    ]
    wires.to("ec2").answers(
        "describe_instances",
        {"Reservations": [{"Instances": there}]},
        Filters=[{"Name": name, "Values": values} for name, values in wanted.items()],
    )


@pytest.mark.parametrize(
    ("snapshots", "instances", "state"),
    [
        ({}, {"i-1": ["v1"]}, (ABSENT, "")),
        ({"v1": "completed"}, {"i-1": ["v1", "v2"]}, (ABSENT, "")),
        ({"v1": "error"}, {"i-1": ["v1"]}, (ABSENT, "")),
        ({"v1": "completed", "v2": "pending"}, {"i-1": ["v1", "v2"]},
         (RUNNING, "1 of 2 snapshots")),
        ({"v1": "completed"}, {"i-1": ["v1"]}, (DONE, "1 of 1 snapshots")),
        ({"v1": "completed"}, {}, (DONE, "1 of 1 snapshots")),
        ({}, {}, (FAILED, "there are no instances with Migration=yes")),
    ],
)  # fmt: skip
def test_every_volume_must_have_its_snapshot(
    wires: Wires,
    actions: AwsActions,
    snapshots: Mapping[str, str],
    instances: Mapping[str, list[str]],
    state: tuple[ActionStatus, str],
) -> None:
    """A backup of nothing is none; one that was taken stays one when the instances are gone."""
    finds(wires, snapshots, instances)

    assert seen(actions, VOLUMES) == state


def test_only_instances_without_snapshots_are_snapped(wires: Wires, actions: AwsActions) -> None:
    """All volumes of one at one moment, with the tag that finds them again."""
    finds(wires, {"v1": "pending"}, {"i-1": ["v1"], "i-2": ["v2", "v3"]})
    tags = [{"Key": "tapcfn:snapshot", "Value": "before"}, {"Key": "Name", "Value": "before"}]
    wires.to("ec2").answers(
        "create_snapshots",
        {"Snapshots": []},
        InstanceSpecification={"InstanceId": "i-2"},
        Description="before: i-2",
        TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}],
    )

    actions.begin(VOLUMES, TOKEN)


def told_group(wires: Wires, *groups: Mapping[str, Any]) -> None:
    wanted = [("vpc-id", "vpc-1"), ("group-name", "default")]
    filters = [{"Name": name, "Values": [value]} for name, value in wanted]
    answer = {"SecurityGroups": list(groups)}
    wires.to("ec2").answers("describe_security_groups", answer, Filters=filters)


def test_rules_that_were_there_stand_in_the_facts(wires: Wires, actions: AwsActions) -> None:
    """Only who revokes them can know them."""
    among = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-1", "UserId": "1"}]}
    told_group(wires, {"GroupId": "sg-1", "IpPermissions": [among], "IpPermissionsEgress": []})
    wires.to("ec2").answers(
        "revoke_security_group_ingress", {}, GroupId="sg-1", IpPermissions=[among]
    )
    told_group(wires, {"GroupId": "sg-1"})

    actions.begin(GROUP, TOKEN)
    state = actions.look(GROUP, TOKEN)

    before = '[{"IpProtocol":"-1","UserIdGroupPairs":[{"GroupId":"sg-1","UserId":"1"}]}]'
    facts = {"ingress before": before, "egress before": "[]", "group": "sg-1"}
    assert ActionState(DONE, "no rules", facts) == state


def test_a_vpc_that_is_not_there_is_blocked(wires: Wires, actions: AwsActions) -> None:
    """There is no group to lock."""
    told_group(wires)

    with pytest.raises(BlockedError, match="vpc-1"):
        actions.look(GROUP, TOKEN)


# Databases ----------------------------------------------------------------------------------------

TAKE = SnapshotDatabase("take", HERE, "db1", "before")
COPY = CopyDatabaseSnapshot("copy", HERE, "us-west-1", "before", "here", KEY)
SOURCE = "arn:aws:rds:us-west-1:111122223333:snapshot:before"


def a_snapshot(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "DBSnapshotIdentifier": name,
        "DBInstanceIdentifier": "db1",
        "Status": status,
        "PercentProgress": 40,
        **more,
    }


@pytest.mark.parametrize(
    ("snapshot", "state"),
    [
        (a_snapshot("before", "creating"), (RUNNING, "creating, 40 %")),
        (a_snapshot("before", "available"), (DONE, "available")),
        (a_snapshot("before", "failed"), (FAILED, "before: failed")),
        (
            a_snapshot("before", "available", DBInstanceIdentifier="db2"),
            (FAILED, "before is one of database db2"),
        ),
        (None, (ABSENT, "")),
    ],
)
def test_a_snapshot_is_found_by_its_name(
    wires: Wires, actions: AwsActions, snapshot: Any, state: tuple[ActionStatus, str]
) -> None:
    """One of another database is not the one."""
    rds = wires.to("rds")
    if snapshot is None:
        rds.refuses("describe_db_snapshots", "DBSnapshotNotFound", DBSnapshotIdentifier="before")
    else:
        answer = {"DBSnapshots": [snapshot]}
        rds.answers("describe_db_snapshots", answer, DBSnapshotIdentifier="before")

    assert seen(actions, TAKE) == state


@pytest.mark.parametrize(
    ("snapshot", "state"),
    [
        (a_snapshot("here", "creating"), (RUNNING, "creating, 40 %")),
        (a_snapshot("here", "available", KmsKeyId=KEY), (DONE, "available")),
        (a_snapshot("here", "available"), (FAILED, "here is not encrypted")),
        (
            a_snapshot("here", "available", KmsKeyId=OTHER_KEY),
            (FAILED, f"here is encrypted with {OTHER_KEY}"),
        ),
        (
            a_snapshot("here", "creating", SourceDBSnapshotIdentifier="arn:other"),
            (FAILED, "here is a copy of arn:other"),
        ),
    ],
)
def test_a_copy_is_one_of_that_snapshot_under_that_key(
    wires: Wires, actions: AwsActions, snapshot: Any, state: tuple[ActionStatus, str]
) -> None:
    """Any other that has its name is not adopted."""
    answer = {"DBSnapshots": [snapshot]}
    wires.to("rds").answers("describe_db_snapshots", answer, DBSnapshotIdentifier="here")

    assert seen(actions, COPY) == state


def test_a_snapshot_is_taken_once(wires: Wires, actions: AwsActions) -> None:
    """Sent again it is there; a database that is busy is a refusal."""
    asked = {"DBInstanceIdentifier": "db1", "DBSnapshotIdentifier": "before"}
    rds = wires.to("rds")
    rds.answers("create_db_snapshot", {}, **asked)
    rds.refuses("create_db_snapshot", "DBSnapshotAlreadyExists", **asked)
    rds.refuses("create_db_snapshot", "InvalidDBInstanceState", **asked)

    actions.begin(TAKE, TOKEN)
    actions.begin(TAKE, TOKEN)
    with pytest.raises(CloudError, match="InvalidDBInstanceState"):
        actions.begin(TAKE, TOKEN)


def test_a_snapshot_is_copied_from_the_region_that_has_it(
    wires: Wires, actions: AwsActions
) -> None:
    """By its ARN; for the Region that is named botocore signs a request that goes with it."""
    asked = {
        "SourceDBSnapshotIdentifier": SOURCE,
        "TargetDBSnapshotIdentifier": "here",
        "KmsKeyId": KEY,
        "SourceRegion": "us-west-1",
        "CopyTags": True,
    }
    rds = wires.to("rds")
    rds.answers("copy_db_snapshot", {}, **asked)
    rds.refuses("copy_db_snapshot", "DBSnapshotAlreadyExists", **asked)

    actions.begin(COPY, TOKEN)
    actions.begin(COPY, TOKEN)


# Secrets and certificates -------------------------------------------------------------------------

SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:tap-AbCdEf"
REPLICA = ReplicateSecret("replica", HERE, SECRET, "us-east-1", KEY)
CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/1"
AWAIT = AwaitCertificate("certificate", HERE, CERTIFICATE)


def describes_secret(wires: Wires, *replicas: Mapping[str, Any]) -> Wire:
    wire = wires.to("secretsmanager")
    wire.answers("describe_secret", {"ReplicationStatus": list(replicas)}, SecretId=SECRET)
    return wire


@pytest.mark.parametrize(
    ("replica", "state"),
    [
        ({"Region": "us-east-2", "Status": "InSync"}, (ABSENT, "")),
        ({"Status": "InProgress", "KmsKeyId": KEY}, (RUNNING, "us-east-1: InProgress")),
        ({"Status": "InSync", "KmsKeyId": KEY}, (DONE, "in sync")),
        ({"Status": "InSync", "KmsKeyId": "alias/tap"}, (DONE, "in sync")),
        ({"Status": "Failed", "StatusMessage": "no such key"}, (FAILED, "no such key")),
        (
            {"Status": "InSync", "KmsKeyId": OTHER_KEY},
            (FAILED, f"the replica in us-east-1 is encrypted with {OTHER_KEY}"),
        ),
    ],
)
def test_a_replica_is_in_sync_under_its_key(
    wires: Wires, actions: AwsActions, replica: Any, state: tuple[ActionStatus, str]
) -> None:
    """The secret says how it is with each of its Regions."""
    describes_secret(wires, {"Region": "us-east-1", **replica})

    assert seen(actions, REPLICA) == state


def test_a_region_that_the_secret_has_already_is_no_refusal(
    wires: Wires, actions: AwsActions
) -> None:
    """Another secret of the name there is one: it is not overwritten."""
    region = {"Region": "us-east-1", "KmsKeyId": KEY}
    asked = {"SecretId": SECRET, "AddReplicaRegions": [region]}
    wire = wires.to("secretsmanager")
    wire.answers("replicate_secret_to_regions", {}, **asked)
    actions.begin(REPLICA, TOKEN)

    wire.refuses("replicate_secret_to_regions", "InvalidParameterException", **asked)
    describes_secret(wires, {"Region": "us-east-1", "Status": "InProgress"})
    actions.begin(REPLICA, TOKEN)

    wire.refuses("replicate_secret_to_regions", "ResourceExistsException", **asked)
    describes_secret(wires)
    with pytest.raises(CloudError, match="ResourceExists"):
        actions.begin(REPLICA, TOKEN)


def proof(domain: str, status: str, **more: Any) -> dict[str, Any]:
    return {"DomainName": domain, "ValidationStatus": status, "ValidationMethod": "DNS", **more}


RECORD = {"ResourceRecord": {"Name": "_x.a.io.", "Type": "CNAME", "Value": "_y.acm.aws."}}


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (
            {
                "Status": "PENDING_VALIDATION",
                "DomainValidationOptions": [
                    proof("a.io", "PENDING_VALIDATION", **RECORD),
                    proof("*.a.io", "PENDING_VALIDATION", **RECORD),
                    proof("b.io", "SUCCESS", **RECORD),
                    proof("c.io", "PENDING_VALIDATION"),
                ],
            },
            (RUNNING, "write _x.a.io. CNAME _y.acm.aws.; the record for c.io is not known yet"),
        ),
        (
            {"Status": "PENDING_VALIDATION", "DomainValidationOptions": [proof("a.io", "SUCCESS")]},
            (RUNNING, "every name is proved; it is being issued"),
        ),
        ({"Status": "ISSUED"}, (DONE, "issued")),
        ({"Status": "VALIDATION_TIMED_OUT"}, (FAILED, "VALIDATION_TIMED_OUT")),
        ({"Status": "FAILED", "FailureReason": "CAA_ERROR"}, (FAILED, "FAILED: CAA_ERROR")),
        ({"Status": "EXPIRED", "NotAfter": datetime(2026, 1, 1)}, (FAILED, "EXPIRED")),
    ],
)
def test_a_certificate_says_what_is_wanted_of_whom(
    wires: Wires, actions: AwsActions, told: Any, state: tuple[ActionStatus, str]
) -> None:
    """Each record once: a name and its wildcard share one."""
    answer = {"Certificate": {"DomainName": "a.io", **told}}
    wires.to("acm").answers("describe_certificate", answer, CertificateArn=CERTIFICATE)

    assert seen(actions, AWAIT) == state
