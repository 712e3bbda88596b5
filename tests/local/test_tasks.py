"""What services do for others than stacks takes its time: snapshots, copies, jobs, replicas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tapcfn.local import server
from tests.local_cloud import AWAY, HOME, Aws, current, until

# A job of S3 Batch takes three minutes on AWS, and a second here once this speed is in force.
FAST = 180

RULE = {
    "ID": "all", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""},
    "DeleteMarkerReplication": {"Status": "Disabled"},
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder of a cloud in which everything takes as long as on AWS."""
    made = tmp_path_factory.mktemp("tasks")
    server.start(made, speed=1)
    yield made
    server.stop(made, settle=1)


@pytest.fixture
def slow(root: Path) -> Aws:
    return current(server.start(root, speed=1).url)


def control(aws: Aws) -> Any:
    """Return a client of S3 Control: its host has the account in front, but here."""
    client = aws.client("s3control")

    def plain(request: Any, **_: Any) -> None:
        request.url = request.url.replace(f"//{aws.account}.", "//", 1)

    client.meta.events.register_first("request-created.s3-control.*", plain)
    return client


def test_snapshots_and_copies_are_pending_at_first(slow: Aws) -> None:
    """Of volumes, images and databases; a filter by state knows it, too."""
    ec2, rds = slow.client("ec2"), slow.client("rds")
    instance = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)
    name = instance["Instances"][0]["InstanceId"]
    made = ec2.create_snapshots(InstanceSpecification={"InstanceId": name})["Snapshots"]
    assert ["pending"] == [each["State"] for each in made]
    done = [{"Name": "status", "Values": ["completed"]}]
    assert ec2.describe_snapshots(OwnerIds=["self"], Filters=done)["Snapshots"] == []
    image = ec2.create_image(InstanceId=name, Name="web")["ImageId"]
    away = slow.client("ec2", AWAY)
    asked = {"SourceRegion": HOME, "SourceImageId": image, "Name": "web", "ClientToken": "t"}
    copy = away.copy_image(**asked)["ImageId"]
    assert copy == away.copy_image(**asked)["ImageId"]
    assert away.describe_images(ImageIds=[copy])["Images"][0]["State"] == "pending"

    rds.create_db_instance(
        DBInstanceIdentifier="db", DBInstanceClass="db.t3.micro", Engine="mysql",
        AllocatedStorage=20, MasterUsername="admin", MasterUserPassword="not-a-secret",
    )  # fmt: skip
    rds.create_db_snapshot(DBInstanceIdentifier="db", DBSnapshotIdentifier="one")
    assert rds.describe_db_snapshots()["DBSnapshots"][0]["Status"] == "creating"
    with pytest.raises(rds.exceptions.ClientError, match="not in the available state"):
        rds.copy_db_snapshot(SourceDBSnapshotIdentifier="one", TargetDBSnapshotIdentifier="two")


def test_a_replica_of_a_secret_is_in_progress_at_first(slow: Aws) -> None:
    """Until then its Region says so."""
    secrets = slow.client("secretsmanager")
    secrets.create_secret(Name="shop", SecretString="hush")
    secrets.replicate_secret_to_regions(SecretId="shop", AddReplicaRegions=[{"Region": AWAY}])

    (told,) = secrets.describe_secret(SecretId="shop")["ReplicationStatus"]
    assert (AWAY, "InProgress") == (told["Region"], told["Status"])


def test_a_batch_job_works_whether_or_not_anybody_looks(root: Path) -> None:
    """It is prepared first; then the objects come by themselves, and its token is its own."""
    aws = current(server.start(root, speed=FAST).url)
    s3, jobs = aws.client("s3"), control(aws)
    source, target = (f"{name}-{aws.account}" for name in ("source", "target"))
    for bucket in (source, target):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=source, Key="a", Body=b"1")
    rules = [RULE | {"Destination": {"Bucket": f"arn:aws:s3:::{target}"}}]
    rule = {"Role": "arn:aws:iam::111111111111:role/r", "Rules": rules}
    s3.put_bucket_replication(Bucket=source, ReplicationConfiguration=rule)
    generator = {"SourceBucket": f"arn:aws:s3:::{source}", "EnableManifestOutput": False}
    order: dict[str, Any] = {
        "AccountId": aws.account, "Operation": {"S3ReplicateObject": {}}, "Priority": 1,
        "Report": {"Enabled": False}, "ClientRequestToken": "t", "RoleArn": rule["Role"],
        "ManifestGenerator": {"S3JobManifestGenerator": generator},
    }  # fmt: skip

    job = jobs.create_job(**order)["JobId"]

    assert job == jobs.create_job(**order)["JobId"]
    until(lambda: s3.list_objects_v2(Bucket=target)["KeyCount"])
    told = jobs.describe_job(AccountId=aws.account, JobId=job)["Job"]
    assert ("Complete", 1) == (told["Status"], told["ProgressSummary"]["NumberOfTasksSucceeded"])
    (listed,) = jobs.list_jobs(AccountId=aws.account)["Jobs"]
    assert (job, "S3ReplicateObject") == (listed["JobId"], listed["Operation"])
