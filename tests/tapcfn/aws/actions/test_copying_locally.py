"""Copies, snapshots and waits against the local cloud: begun, waited for, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tapcfn.acting import ActionState, ActionStatus, ActMeans, act
from tapcfn.actions import inverse
from tapcfn.aws.actions import AwsActions
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.errors import BlockedError, CloudError, StackError
from tapcfn.local.server import LocalCloud
from tapcfn.model import (
    PROOF_KEY,
    Action,
    AwaitCertificate,
    CompareObjects,
    CopyDatabaseSnapshot,
    CopyImage,
    LockDownDefaultGroup,
    ProveReplication,
    PutReplicationRule,
    RemoveReplicationRule,
    ReplicateObjects,
    ReplicateSecret,
    SnapshotDatabase,
    SnapshotVolumes,
    Target,
)
from tapcfn.waits import Patience
from tests.fakes import FakeClock, FakeLedger
from tests.local_cloud import AWAY, HOME, Aws, aws, local_cloud

__all__ = ["aws", "local_cloud"]

ROLE = "arn:aws:iam::111111111111:role/batch"


class Doing:
    """Does actions in one account, home and away."""

    def __init__(self, clients: Clients, account: str) -> None:
        self.clock = FakeClock()
        self.patience = Patience(self.clock, seconds=600.0)
        self.actions = AwsActions(clients, self.patience)
        self.home, self.away = Target(account, HOME), Target(account, AWAY)

    def __call__(self, action: Action) -> ActionState:
        means = ActMeans(self.actions, self.clock, FakeLedger(), self.patience, lambda _: None)
        return act(action, means)

    def look(self, action: Action) -> ActionStatus:
        return self.actions.look(action, "token").status


@pytest.fixture
def doing(local_cloud: LocalCloud, aws: Aws) -> Doing:
    """Return a doer whose clients are those of the tests, made once, where that is the same."""
    own = on_local_cloud(local_cloud.url)

    def connect(service: str, target: Target) -> Any:
        known = service != "s3control"  # the only one whose host is another
        return aws.client(service, target.region) if known else own(service, target)

    return Doing(Clients(connect), aws.account)


# Buckets ------------------------------------------------------------------------------------------


def a_bucket(aws: Aws, name: str, region: str, objects: Mapping[str, bytes]) -> str:
    """Make a bucket with objects that are older than its versions."""
    s3, bucket = aws.client("s3", region), f"{name}-{aws.account}"
    place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **(place if region != HOME else {}))
    for key, body in objects.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def put_rule(aws: Aws, source: str, destination: str) -> None:
    rule = {
        "ID": "all", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{destination}"},
    }  # fmt: skip
    aws.client("s3", AWAY).put_bucket_replication(
        Bucket=source, ReplicationConfiguration={"Role": ROLE, "Rules": [rule]}
    )


def test_what_was_there_before_the_rule_is_replicated_and_compared(aws: Aws, doing: Doing) -> None:
    """The comparison fails before and passes after; the copies are real, and marked as replicas."""
    source = a_bucket(aws, "source", AWAY, {"a": b"1", "b": b"22", "other/c": b"3"})
    target = a_bucket(aws, "target", HOME, {})
    put_rule(aws, source, target)
    compare = CompareObjects("compare", doing.away, source, doing.home, target)
    with pytest.raises(StackError, match="3 missing, the first a"):
        doing(compare)

    state = doing(ReplicateObjects("replicate", doing.away, source, ROLE, target))

    assert ("3 of 3 objects replicated", "0") == (state.text, state.facts["failed"])
    copy = aws.client("s3").get_object(Bucket=target, Key="b")
    assert (b"22", "REPLICA") == (copy["Body"].read(), copy["ReplicationStatus"])
    head = aws.client("s3", AWAY).head_object(Bucket=source, Key="b")
    assert head["ReplicationStatus"] == "COMPLETED"
    state = doing(compare)
    assert ("3", "0") == (state.facts["same ETag"], state.facts["missing"])


def test_an_object_that_cannot_be_replicated_fails_the_job(aws: Aws, doing: Doing) -> None:
    """Its destination is not versioned any more."""
    source, target = (a_bucket(aws, each, AWAY, {"a": b"1"}) for each in ("source", "target"))
    put_rule(aws, source, target)
    aws.client("s3", AWAY).put_bucket_versioning(
        Bucket=target, VersioningConfiguration={"Status": "Suspended"}
    )

    with pytest.raises(StackError, match=r"1 of 1 objects failed: s3://target-"):
        doing(ReplicateObjects("replicate", doing.away, source, ROLE, target))


def test_a_bucket_in_which_nothing_waits_is_done(aws: Aws, doing: Doing) -> None:
    """S3 calls the job failed, since it found no object."""
    source, target = (a_bucket(aws, each, AWAY, {}) for each in ("source", "target"))
    put_rule(aws, source, target)

    state = doing(ReplicateObjects("replicate", doing.away, source, ROLE, target))

    assert (ActionStatus.DONE, "no object was waiting for it") == (state.status, state.text)


def test_a_comparison_counts_what_differs(aws: Aws, doing: Doing) -> None:
    """Another size, another content of the same size, one too many, one too few."""
    source = a_bucket(aws, "source", AWAY, {"a": b"1", "b": b"22", "c": b"3", "e": b"5"})
    target = a_bucket(aws, "target", HOME, {"a": b"11", "b": b"23", "d": b"4", "e": b"5"})

    state = doing.actions.look(
        CompareObjects("compare", doing.away, source, doing.home, target), "token"
    )

    assert state.status is ActionStatus.FAILED
    assert state.text == "1 missing and 2 different, the first c"
    assert {
        "same ETag": "1", "extra": "1", "missing": "1", "different": "2",
        "first missing": "c", "first different": "a, b",
    } == state.facts  # fmt: skip


# Rules --------------------------------------------------------------------------------------------


def rules_of(aws: Aws, bucket: str) -> dict[str, Any] | None:
    """Return the replication configuration of a bucket, if it has one."""
    s3 = aws.client("s3", AWAY)
    try:
        return dict(s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"])
    except s3.exceptions.ClientError:
        return None


def of_others(bucket: str, **more: Any) -> dict[str, Any]:
    return {
        "ID": "logs", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": "logs/"},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{bucket}", "StorageClass": "STANDARD_IA"}, **more,
    }  # fmt: skip


def ours(doing: Doing, source: str, target: str, role: str = ROLE) -> PutReplicationRule:
    rule = of_others(target, ID="ours", Filter={"Prefix": ""})
    told = json.dumps({"Role": role, "Rules": [rule]})
    return PutReplicationRule("rule", doing.away, source, "ours", told)


@pytest.mark.parametrize("others", [0, 2])
def test_a_rule_stands_beside_those_of_others_and_goes_alone(
    aws: Aws, doing: Doing, others: int
) -> None:
    """To the last byte, and to no configuration at all where there was none."""
    source, target, vault = (a_bucket(aws, each, AWAY, {}) for each in ("one", "two", "vault"))
    found = [of_others(vault, ID=f"logs-{each}", Priority=each) for each in range(1, others + 1)]
    if found:
        aws.client("s3", AWAY).put_bucket_replication(
            Bucket=source, ReplicationConfiguration={"Role": ROLE, "Rules": found}
        )
    before = rules_of(aws, source)
    action = ours(doing, source, target)

    doing(action)
    both = rules_of(aws, source) or {}
    put = both["Rules"][-1]
    aws.client("s3", AWAY).put_object(Bucket=source, Key="a", Body=b"1")
    doing(back := RemoveReplicationRule("back", doing.away, source, "ours"))

    assert (both["Rules"][:-1], put["ID"], put["Priority"]) == (found, "ours", others + 1)
    assert aws.client("s3", AWAY).get_object(Bucket=target, Key="a")["Body"].read() == b"1"
    assert rules_of(aws, source) == before
    assert inverse(action) == replace(back, name="rule-back")
    assert doing(back).text == f"{others} other rules stay"


def test_a_rule_of_ours_is_brought_up_to_date(aws: Aws, doing: Doing) -> None:
    """It keeps its name, and is there once; with another priority it is the same one."""
    source, target = (a_bucket(aws, each, AWAY, {}) for each in ("one", "two"))
    old = of_others(target, ID="ours", Status="Disabled")
    put = {"Role": ROLE, "Rules": [old]}
    aws.client("s3", AWAY).put_bucket_replication(Bucket=source, ReplicationConfiguration=put)
    action = ours(doing, source, target)

    doing(action)

    (rule,) = (rules_of(aws, source) or {})["Rules"]
    assert (rule["ID"], rule["Status"]) == ("ours", "Enabled")
    put["Rules"] = [{**rule, "Priority": 7}]
    aws.client("s3", AWAY).put_bucket_replication(Bucket=source, ReplicationConfiguration=put)
    assert doing.look(action) is ActionStatus.DONE


def test_a_rule_that_is_in_the_way_is_left_alone(aws: Aws, doing: Doing) -> None:
    """One of our name that leads elsewhere, and the role of others: S3 knows one for them all."""
    source, target, vault = (a_bucket(aws, each, AWAY, {}) for each in ("one", "two", "vault"))
    for rule, words in (
        (of_others(vault, ID="ours"), "leads to arn:aws:s3:::vault-.*; it is left alone"),
        (of_others(vault), "S3 knows one role for all rules of a bucket: the rule has to name"),
    ):
        put = {"Role": f"{ROLE}-of-others", "Rules": [rule]}
        aws.client("s3", AWAY).put_bucket_replication(Bucket=source, ReplicationConfiguration=put)
        with pytest.raises(BlockedError, match=words):
            doing(ours(doing, source, target))
        assert rules_of(aws, source) == put


def test_a_proof_is_written_here_and_read_there(aws: Aws, doing: Doing) -> None:
    """Where there is no rule, or S3 could not do it, that is told."""
    source, target = a_bucket(aws, "source", AWAY, {}), a_bucket(aws, "target", HOME, {})
    action = ProveReplication("prove", doing.away, source, doing.home, target)
    with pytest.raises(StackError, match=f"no enabled rule of bucket {source} is for tapcfn/"):
        doing(action)

    put_rule(aws, source, target)
    state = doing(action)
    found = aws.client("s3").get_object(Bucket=target, Key=PROOF_KEY)
    assert (state.facts["key"], found["ReplicationStatus"]) == (PROOF_KEY, "REPLICA")

    aws.client("s3").put_bucket_versioning(
        Bucket=target, VersioningConfiguration={"Status": "Suspended"}
    )
    with pytest.raises(StackError, match=f"S3 could not replicate {PROOF_KEY}"):
        doing(replace(action, name="again"))


# Machines -----------------------------------------------------------------------------------------


def an_instance(aws: Aws, **tags: str) -> str:
    """Launch one with two volumes."""
    told = [{"Key": key, "Value": value} for key, value in tags.items()]
    made = aws.client("ec2", AWAY).run_instances(
        ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, InstanceType="t3.micro",
        BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 8}}],
        TagSpecifications=[{"ResourceType": "instance", "Tags": told}] if told else [],
    )  # fmt: skip
    return str(made["Instances"][0]["InstanceId"])


def a_key(aws: Aws) -> str:
    return str(aws.client("kms").create_key()["KeyMetadata"]["Arn"])


def test_an_image_is_copied_under_a_key(aws: Aws, doing: Doing) -> None:
    """The target Region has it; done once more, it is the same one."""
    image = aws.client("ec2", AWAY).create_image(InstanceId=an_instance(aws), Name="web")
    key = a_key(aws)
    action = CopyImage("copy", doing.home, AWAY, image["ImageId"], "web-copy", key)

    copy = doing(action).facts["image_id"]

    ec2 = aws.client("ec2")
    (found,) = ec2.describe_images(ImageIds=[copy])["Images"]
    disks = [each["Ebs"]["SnapshotId"] for each in found["BlockDeviceMappings"]]
    snapshots = ec2.describe_snapshots(SnapshotIds=disks)["Snapshots"]
    assert ("web-copy", {key}) == (found["Name"], {each["KmsKeyId"] for each in snapshots})
    assert doing(action).facts["image_id"] == copy
    doing.actions.begin(action, "another")
    assert len(ec2.describe_images(Owners=["self"])["Images"]) == 1


def test_every_volume_is_snapped_once(aws: Aws, doing: Doing) -> None:
    """Two volumes of each instance with the tag; they count when the instances are gone, too."""
    here = [an_instance(aws, Migration="yes") for _ in range(2)]
    an_instance(aws, Migration="no")
    before = SnapshotVolumes("before", doing.away, ("Migration", "yes"), "before-move")
    ec2 = aws.client("ec2", AWAY)

    def count() -> int:
        return len(ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"])

    state = doing(before)
    assert ("4 of 4 snapshots", 4) == (state.text, count())
    doing.actions.begin(before, "another")
    assert count() == 4
    ec2.terminate_instances(InstanceIds=here)
    assert doing.look(before) is ActionStatus.DONE
    with pytest.raises(StackError, match="there are no instances with Migration=yes"):
        doing(SnapshotVolumes("after", doing.away, ("Migration", "yes"), "after-move"))


def test_the_default_group_loses_its_rules(aws: Aws, doing: Doing) -> None:
    """What was there stands in the facts; without rules there is nothing to do."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    action = LockDownDefaultGroup("lock", doing.home, vpc)

    facts = doing(action).facts

    (rule,) = json.loads(facts["egress before"])
    assert [{"CidrIp": "0.0.0.0/0"}] == rule["IpRanges"]
    (group,) = ec2.describe_security_groups(GroupIds=[facts["group"]])["SecurityGroups"]
    assert ([], []) == (group["IpPermissions"], group["IpPermissionsEgress"])
    assert doing.look(action) is ActionStatus.DONE


# Databases, secrets and certificates --------------------------------------------------------------


def a_database(aws: Aws, name: str) -> None:
    aws.client("rds", AWAY).create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="mysql",
        AllocatedStorage=20, MasterUsername="admin", MasterUserPassword="not-a-secret",
    )  # fmt: skip


def test_a_database_is_snapped_and_the_snapshot_copied(aws: Aws, doing: Doing) -> None:
    """The copy is in the other Region, under its key; both are found again."""
    a_database(aws, "shop")
    key = a_key(aws)
    take = SnapshotDatabase("take", doing.away, "shop", "shop-before")
    copy = CopyDatabaseSnapshot("copy", doing.home, AWAY, "shop-before", "shop-here", key)

    doing(take)
    facts = doing(copy).facts

    told = aws.client("rds").describe_db_snapshots(DBSnapshotIdentifier="shop-here")
    (found,) = told["DBSnapshots"]
    assert (key, True) == (found["KmsKeyId"], found["Encrypted"])
    assert facts["snapshot_arn"] == found["DBSnapshotArn"]
    assert found["SourceDBSnapshotIdentifier"].endswith(":snapshot:shop-before")
    for each in (take, copy):
        doing.actions.begin(each, "another")
        assert doing.look(each) is ActionStatus.DONE


def test_a_snapshot_of_another_database_is_no_snapshot(aws: Aws, doing: Doing) -> None:
    """Its name is taken, and it is not adopted."""
    for name in ("shop", "other"):
        a_database(aws, name)
    doing(SnapshotDatabase("take", doing.away, "other", "before"))

    with pytest.raises(StackError, match="before is one of database other"):
        doing(SnapshotDatabase("take", doing.away, "shop", "before"))


def test_a_secret_is_replicated(aws: Aws, doing: Doing) -> None:
    """The replica has its value; nothing that is told has."""
    secrets = aws.client("secretsmanager", AWAY)
    arn = secrets.create_secret(Name="shop", SecretString="hush")["ARN"]
    action = ReplicateSecret("replicate", doing.away, arn, HOME, a_key(aws))

    state = doing(action)

    there = aws.client("secretsmanager").get_secret_value(SecretId="shop")
    assert there["SecretString"] == "hush"
    assert "hush" not in repr(state)
    doing.actions.begin(action, "another")
    assert doing.look(action) is ActionStatus.DONE


def test_a_certificate_is_issued_when_its_record_is_there(aws: Aws, doing: Doing) -> None:
    """Until then the state says which record that is."""
    arn = aws.client("acm").request_certificate(
        DomainName="www.example.com", ValidationMethod="DNS"
    )["CertificateArn"]
    route53 = aws.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="one")["HostedZone"]
    action = AwaitCertificate("certificate", doing.home, arn)
    waiting = doing.actions.look(action, "token")
    _, name, kind, value = waiting.text.split()

    def prove() -> None:
        record: dict[str, Any] = {"Name": name, "Type": kind, "TTL": 300}
        record["ResourceRecords"] = [{"Value": value}]
        change = {"Action": "CREATE", "ResourceRecordSet": record}
        route53.change_resource_record_sets(
            HostedZoneId=zone["Id"], ChangeBatch={"Changes": [change]}
        )

    doing.clock.at(30.0, prove)
    state = doing(action)

    assert waiting.status is ActionStatus.RUNNING
    assert (ActionStatus.DONE, True) == (state.status, doing.clock.now() >= 30.0)


def test_a_certificate_that_is_not_there_is_no_state(doing: Doing) -> None:
    """It is refused, since nobody will make it."""
    arn = f"arn:aws:acm:{HOME}:{doing.home.account}:certificate/none"

    with pytest.raises(CloudError, match="not found"):
        doing.look(AwaitCertificate("certificate", doing.home, arn))
