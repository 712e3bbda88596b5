"""The main job, end to end: deploy, look, change, break, mend and destroy on the local cloud."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tapcfn.local import record
from tests.end_to_end.conftest import Bench

ALL_STACKS = {
    f"local-replicated-storage-{layer}"
    for layer in (
        "security-us-east-1",
        "security-us-west-2",
        "storage-us-east-1",
        "storage-us-west-2",
        "network",
        "monitoring",
    )
}

OUTPUTS = [
    "vpc_id",
    "subnet_ids",
    "security_group_id",
    "primary_bucket_name",
    "destination_bucket_name",
    "log_group_name",
    "kms_key_id",
]


def test_apply_deploys_everything_and_the_services_agree(bench: Bench):
    """After one apply the services themselves show what S0 promises, and the seven outputs."""
    result = bench.run("apply")

    assert result.code == 0, result.err
    outputs = dict(
        line.split() for line in result.out.splitlines() if line.startswith(tuple(OUTPUTS))
    )
    assert list(outputs) == OUTPUTS
    assert ALL_STACKS == bench.stack_names()
    primary = bench.bucket("primary", "us-east-1")
    destination = bench.bucket("destination", "us-west-2")
    assert (primary, destination) == (
        outputs["primary_bucket_name"],
        outputs["destination_bucket_name"],
    )
    rule = bench.client("s3").get_bucket_replication(Bucket=primary)["ReplicationConfiguration"][
        "Rules"
    ][0]
    assert ("ReplicateEverything", "Enabled", "STANDARD_IA", f"arn:aws:s3:::{destination}") == (
        rule["ID"],
        rule["Status"],
        rule["Destination"]["StorageClass"],
        rule["Destination"]["Bucket"],
    )
    for name, region in ((primary, "us-east-1"), (destination, "us-west-2")):
        s3 = bench.client("s3", region)
        encryption = s3.get_bucket_encryption(Bucket=name)
        rule = encryption["ServerSideEncryptionConfiguration"]["Rules"][0]
        default = rule["ApplyServerSideEncryptionByDefault"]
        assert default["SSEAlgorithm"] == "aws:kms"
        assert f":kms:{region}:" in default["KMSMasterKeyID"]
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    subnets = bench.client("ec2").describe_subnets(SubnetIds=outputs["subnet_ids"].split(","))
    assert len({subnet["AvailabilityZone"] for subnet in subnets["Subnets"]}) == 2
    group = bench.client("ec2").describe_security_groups(GroupIds=[outputs["security_group_id"]])
    assert {(443, "10.0.0.0/8"), (80, "10.0.0.0/8")} == {
        (rule["FromPort"], each["CidrIp"])
        for rule in group["SecurityGroups"][0]["IpPermissions"]
        for each in rule["IpRanges"]
    }


def test_a_second_apply_finds_nothing_to_do(bench: Bench):
    """What is deployed as wanted is proved so without a change set, and said so."""
    bench.run("apply")

    again = bench.run("apply")
    planned = bench.run("plan", "--detailed-exitcode")

    assert (0, 0) == (again.code, planned.code)
    assert "Nothing to do: all 6 stacks are deployed as wanted." in again.out
    sets = bench.client("cloudformation").list_change_sets(
        StackName="local-replicated-storage-network"
    )
    assert [] == [each for each in sets["Summaries"] if each["ExecutionStatus"] == "AVAILABLE"]


def test_a_changed_setting_is_previewed_applied_and_gone_after_destroy(bench: Bench):
    """The change set says what changes and how; apply does that; destroy leaves nothing."""
    bench.run("apply")
    bench.settings(cidr="192.168.1.0/24")

    planned = bench.run("plan", "--detailed-exitcode", "--json")
    applied = bench.run("apply")

    assert (10, 0) == (planned.code, applied.code)
    (change,) = planned.of_type("plan.change")
    assert ("SecurityGroup", "Modify", "False") == (
        change["logical_id"],
        change["action"],
        change["replacement"],
    )
    assert change["source"]["file"] == "templates/layers/security_groups.py"
    groups = bench.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["tap-security-group"]}]
    )["SecurityGroups"]
    assert {"192.168.1.0/24"} == {
        each["CidrIp"] for rule in groups[0]["IpPermissions"] for each in rule["IpRanges"]
    }

    destroyed = bench.run("destroy")

    assert destroyed.code == 0, destroyed.err
    assert set() == bench.stack_names()
    for base, region in (("primary", "us-east-1"), ("destination", "us-west-2")):
        with pytest.raises(ClientError, match="404|NoSuchBucket"):
            bench.client("s3", region).head_bucket(Bucket=bench.bucket(base, region))
    again = bench.run("destroy")
    assert (0, True) == (again.code, "Nothing to do" in again.out)


def test_a_preview_leaves_nothing_behind(bench: Bench):
    """Neither a change set nor the empty stack that it made is there after a plan."""
    planned = bench.run("plan")

    assert planned.code == 0, planned.err
    assert set() == bench.stack_names()


@contextmanager
def broken(bench: Bench, logical_id: str) -> Iterator[None]:
    """Let a resource of this account fail to be created meanwhile."""
    fault = f'do = "fail"\naccount = "{bench.account}"\nlogical_id = "{logical_id}"'
    table = f'[[fault]]\n{fault}\nduring = "create"\nreason = "no more of these"'
    record.ask(bench.url, "/_tapcfn/faults", {"table": table})
    yield
    record.ask(bench.url, "/_tapcfn/faults", {"table": ""})


def test_a_failed_stack_is_explained_skips_its_dependants_and_can_be_mended(bench: Bench):
    """The run names resource, reason and source line; the next apply after the fix converges."""
    with broken(bench, "RejectFlowLogGroup"):
        failed = bench.run("apply", "--json")

    assert failed.code == 1
    endings = {each["unit"]: each for each in failed.lines[-1]["units"]}
    network = endings["local-replicated-storage-network"]
    assert network["ending"] == "failed"
    assert "RejectFlowLogGroup (AWS::Logs::LogGroup) CREATE_FAILED" in network["cause"]
    assert "templates/layers/log_groups.py:" in network["cause"]
    assert endings["local-replicated-storage-storage-us-east-1"]["ending"] == "done"
    assert bench.stack("network")["StackStatus"] == "ROLLBACK_COMPLETE"

    mended = bench.run("apply")

    assert mended.code == 0, mended.err
    assert bench.stack("network")["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.drill
def test_dependants_of_a_failed_stack_are_skipped_by_name(bench: Bench):
    """Who needs the destination bucket is not tried when it could not be made."""
    with broken(bench, "DestinationBucket"):
        failed = bench.run("apply", "--json")

    assert failed.code == 1
    endings = {each["unit"]: each for each in failed.lines[-1]["units"]}
    taken = endings["local-replicated-storage-storage-us-west-2"]["cause"]
    assert "DestinationBucket" in taken
    assert "templates/layers/storage.py:" in taken
    source = endings["local-replicated-storage-storage-us-east-1"]
    assert ("skipped", "local-replicated-storage-storage-us-west-2 did not succeed") == (
        source["ending"],
        source["cause"],
    )
    assert failed.lines[-1]["resume"].endswith(
        f" deploy.py apply replicated_storage --stage local --settings {bench.file}"
    )


def test_a_saved_plan_is_applied_exactly_or_not_at_all(bench: Bench, tmp_path: Path):
    """What was reviewed runs once; a second time, or after a change, it is refused with exit 6."""
    bench.run("apply")
    bench.settings(cidr="192.168.1.0/24")
    file = tmp_path / "plan.json"

    saved = bench.run("plan", "--out", str(file))
    applied = bench.run("apply", "--plan", str(file))
    stale = bench.run("apply", "--plan", str(file))

    assert (0, 0, 6) == (saved.code, applied.code, stale.code)
    assert "local-replicated-storage-network: has changed since the plan was saved" in stale.err
    bench.settings(cidr="192.168.2.0/24")
    other = bench.run("apply", "--plan", str(file))
    assert (6, True) == (other.code, "settings or the templates have changed" in other.err)


@pytest.mark.drill
def test_a_saved_plan_outlives_plans_that_are_made_after_it(bench: Bench, tmp_path: Path):
    """Another plan has change sets of its own, and removes no others."""
    bench.run("apply")
    bench.settings(cidr="192.168.1.0/24")
    file = tmp_path / "plan.json"
    bench.run("plan", "--out", str(file))

    bench.run("plan")
    applied = bench.run("apply", "--plan", str(file))

    assert applied.code == 0, applied.err


def test_a_plan_file_belongs_to_its_stage(bench: Bench, tmp_path: Path):
    """Another stage on the command line is a mistake, and nothing is written."""
    file = tmp_path / "plan.json"
    bench.run("plan", "--out", str(file))

    refused = bench.run("apply", "--plan", str(file), "--stage", "prod")
    nowhere = bench.run("plan", "--out", str(tmp_path / "gone/plan.json"))

    assert (2, 2) == (refused.code, nowhere.code)
    assert "is a plan for stage local, not prod" in refused.err
    assert "there is no folder" in nowhere.err


def test_one_run_at_a_time_writes_in_a_folder(bench: Bench):
    """A second plan, apply or destroy is refused while one is at work: exit 4."""
    lock = bench.root / ".tapcfn/run.lock"
    with open(lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = bench.run("apply")
        looked = bench.run("status")

    assert (4, 0) == (refused.code, looked.code)
    assert "another plan, apply or destroy is at work in this folder" in refused.err


@pytest.mark.drill
def test_lifted_protection_stands_in_the_plan(bench: Bench):
    """What apply will do to termination protection is shown beside the other changes."""
    bench.settings(protection="true")
    bench.run("apply")
    bench.settings('environment = "test"\n', protection="false")

    planned = bench.run("plan")

    assert planned.out.count("termination protection: on → off") >= 2


def test_a_change_that_loses_data_is_blocked_until_it_is_allowed(bench: Bench):
    """Renaming the buckets would replace them: exit 4, with the allowance that would permit it."""
    bench.run("apply")
    bench.settings('name = "other"\n')

    blocked = bench.run("apply")

    assert blocked.code == 4
    assert "TAP001" in blocked.out
    assert "--allow-loss local-replicated-storage-storage-us-east-1/PrimaryBucket" in blocked.out
    assert bench.client("s3").head_bucket(Bucket=bench.bucket("primary", "us-east-1"))


def test_destroy_refuses_full_buckets_unless_they_are_named(bench: Bench):
    """Objects are never deleted by the way: the bucket must be named to be emptied."""
    bench.run("apply")
    bucket = bench.bucket("primary", "us-east-1")
    bench.client("s3").put_object(Bucket=bucket, Key="a", Body=b"1")
    bench.client("s3").put_object(Bucket=bucket, Key="a", Body=b"2")

    copies = bench.bucket("destination", "us-west-2")
    bench.client("s3", "us-west-2").put_object(Bucket=copies, Key="a", Body=b"1")

    refused = bench.run("destroy")
    half = bench.run("destroy", "--empty-buckets", bucket)
    assert bench.client("s3").get_object(Bucket=bucket, Key="a")["Body"].read() == b"2"
    emptied = bench.run("destroy", "--empty-buckets", bucket, "--empty-buckets", copies)

    assert (4, 4, 0) == (refused.code, half.code, emptied.code), emptied.err
    assert f"--empty-buckets {copies} --empty-buckets {bucket}" in refused.err
    assert f"{bucket}: 2 versions deleted" in emptied.err
    assert set() == bench.stack_names()


def test_protected_stacks_are_not_destroyed_by_accident(bench: Bench):
    """Termination protection is set on stacks with data, and lifted only when that is said."""
    bench.settings(protection="true")
    bench.run("apply")

    refused = bench.run("destroy")
    lifted = bench.run("destroy", "--lift-protection")

    assert (4, 0) == (refused.code, lifted.code), lifted.err
    assert "termination protection is on: " in refused.err
    assert set() == bench.stack_names()


def test_what_a_destroy_kept_is_imported_by_the_next_apply(bench: Bench):
    """With keep_data, create, destroy and create again find the same buckets and logs."""
    bench.settings(keep_data="true")
    bench.run("apply")
    bucket = bench.bucket("primary", "us-east-1")
    bench.client("s3").put_object(Bucket=bucket, Key="precious", Body=b"data")

    destroyed = bench.run("destroy")
    again = bench.run("apply")

    assert (0, 0) == (destroyed.code, again.code), again.err
    assert "is kept" in destroyed.out
    body = bench.client("s3").get_object(Bucket=bucket, Key="precious")["Body"].read()
    assert body == b"data"
    resources = bench.client("cloudformation").describe_stack_resources(
        StackName="local-replicated-storage-storage-us-east-1"
    )["StackResources"]
    assert bucket in {each["PhysicalResourceId"] for each in resources}


@pytest.mark.drill
def test_an_option_that_is_turned_on_again_finds_what_it_left_behind(bench: Bench):
    """With keep_data the flow log's group outlives the option; it is imported, not refused."""
    bench.settings("enable_flow_logs = true\n", keep_data="true")
    bench.run("apply")
    bench.settings(keep_data="true")
    off = bench.run("apply")
    bench.settings("enable_flow_logs = true\n", keep_data="true")

    on = bench.run("apply")

    assert (0, 0) == (off.code, on.code), on.err
    assert "< FlowLogGroup" in on.out


@pytest.mark.drill
def test_all_options_deploy_and_leave_nothing(bench: Bench):
    """Every switch on at once: deployed, unchanged at the second look, and gone."""
    bench.settings(
        "private_subnets = true\nmulti_region_key = true\nenable_flow_logs = true\n"
        'packet_drops = "nat"\nbucket_access_logs = true\n'
    )

    applied = bench.run("apply")
    again = bench.run("plan", "--detailed-exitcode")
    destroyed = bench.run("destroy")

    assert (0, 0, 0) == (applied.code, again.code, destroyed.code), applied.err + destroyed.err
    assert set() == bench.stack_names()


def test_the_stream_for_programs_is_whole(bench: Bench):
    """Every line has the envelope, numbers have no gaps, and the last line is the summary."""
    result = bench.run("apply", "--json")

    lines = result.lines
    assert list(range(len(lines))) == [line["seq"] for line in lines]
    assert all(line["v"] == 1 and line["ts"].endswith("Z") for line in lines)
    assert {"run.start", "plan.unit", "op.start", "stack.event", "op.end", "outputs"} <= {
        line["type"] for line in lines
    }
    assert ("summary", 0, "ok") == (
        lines[-1]["type"],
        lines[-1]["exit_code"],
        lines[-1]["status"],
    )
    assert OUTPUTS == list(result.of_type("outputs")[0]["values"])


def test_status_outputs_and_events_only_look(bench: Bench):
    """They tell where things stand, and change nothing."""
    before = bench.run("status", "--json")
    bench.run("apply")

    status = bench.run("status")
    outputs = bench.run("outputs", "--json")
    events = bench.run("events", "--stack", "local-replicated-storage-network")

    assert {"not deployed"} == {line["status"] for line in before.of_type("stack.status")}
    assert status.out.count("CREATE_COMPLETE") == 6
    assert OUTPUTS == list(outputs.of_type("outputs")[0]["values"])
    assert "Vpc" in events.out
    assert "storage" not in events.out.replace("replicated-storage", "")


def test_no_value_of_a_setting_stands_in_the_ledger(bench: Bench):
    """The ledger keeps tokens and names, nothing that could be a secret."""
    bench.settings(cidr="198.51.100.0/24")
    bench.run("apply")

    text = "".join(path.read_text() for path in (bench.root / ".tapcfn/runs").glob("*.ndjson"))
    assert bench.account in text
    assert "198.51.100" not in text
    assert all(json.loads(line) for line in text.splitlines())
