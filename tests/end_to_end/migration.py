"""A region migration in an account of its own: led by the command line, asked by the services."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from tapcfn.aws.session import on_local_cloud
from tapcfn.local import server
from tapcfn.model import PROOF_KEY, Target
from tests.end_to_end.conftest import Bench, Result
from tests.templates.systems.region_migration import IMAGE, SOURCE, TARGET

SETTINGS = """\
backend = "local"
account = "{account}"
keep_data = false
termination_protection = false
environment = "local"
ami_id = "{image}"
source_alb_arn = "{balancer}"
source_bucket = "create"
enable_replication = {replicates}
small_db = true
"""
OF_OTHERS = """\
backend = "local"
account = "{account}"
keep_data = false
termination_protection = false
environment = "local"
ami_id = "{image}"
source_alb_arn = "{balancer}"
source_bucket_name = "{bucket}"
source_role_arn = "arn:aws:iam::{account}:role/copies"
source_db_id = "shop"
source_db_parameter_group = "shop"
dial_steps = [10, 50, 100]
"""
REPLICA = "tap-stack-target-replica"
DATABASE = "tap-db-local"

# What is agreed to by name, and what goes with the source of a rehearsal.
FIRST_WRITE = ("--confirm-point-of-no-return", "first-write-in-target")
GIVE_UP = ("--confirm-point-of-no-return", "give-up-the-source")
LOSSES = (
    *("source/Key", "source/SourceBucket", "source-data/Database", "source-data/Secret"),
    "return-key/Key",
)


@dataclass(frozen=True)
class Migration:
    """What is deployed, and what is in it."""

    bench: Bench
    balancer: str

    @classmethod
    def begin(cls, bench: Bench) -> Migration:
        """Make what is left: a load balancer, and an instance that is tagged."""
        elb, ec2 = (bench.client(each, SOURCE) for each in ("elbv2", "ec2"))
        subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"][:2]]
        (made,) = elb.create_load_balancer(Name="old", Subnets=subnets)["LoadBalancers"]
        tags = [{"Key": "Migration", "Value": "cross-region"}]
        tagged = [{"ResourceType": "instance", "Tags": tags}]
        ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, TagSpecifications=tagged)
        return cls(bench, made["LoadBalancerArn"])

    def settings(self, *, replicates: bool = True, more: str = "") -> None:
        """Write the settings file."""
        self.bench.file.write_text(
            more
            + SETTINGS.format(
                account=self.bench.account,
                image=IMAGE,
                balancer=self.balancer,
                replicates=str(replicates).lower(),
            )
        )

    def apply(self, *words: str) -> Result:
        """Apply, in the language of programs."""
        return self.bench.of("region_migration", "apply", "--json", *words)

    def until(self, move: str, *words: str) -> Result:
        """Lead the migration on; the move that ends the source gets all that it needs."""
        if move == "retire":
            stack = "local-region-migration-"
            allowed = [
                part for each in LOSSES for part in ("--allow-loss", f"{stack}{each}:delete")
            ]
            words = (*words, *GIVE_UP, *allowed, "--empty-buckets", self.bucket("source"))
        return self.apply("--until", move, *words)

    def client(self, service: str, region: str = TARGET) -> Any:
        """Return a client; it asks the target unless another Region is said."""
        return self.bench.client(service, region)

    # Objects --------------------------------------------------------------------------------------

    def bucket(self, which: str) -> str:
        """Return the name of the source's or the target's bucket."""
        region = SOURCE if which == "source" else TARGET
        return f"tap-stack-{which}-{self.bench.account}-{region}"

    def put(self, key: str, body: bytes, *, where: str = "source") -> None:
        """Write an object."""
        region = SOURCE if where == "source" else TARGET
        self.client("s3", region).put_object(Bucket=self.bucket(where), Key=key, Body=body)

    def copies(self) -> Mapping[str, bytes]:
        """Return what is in the target bucket, but for what proves that it is copied."""
        return self.objects("target")

    def objects(self, where: str) -> Mapping[str, bytes]:
        """Return what is in the source's or the target's bucket."""
        region = SOURCE if where == "source" else TARGET
        s3, bucket = self.client("s3", region), self.bucket(where)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return {
            key: s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            for key in keys
            if key != PROOF_KEY
        }

    def jobs(self) -> int:
        """Return how many jobs of S3 Batch were begun."""
        connect = on_local_cloud(self.bench.url)
        client = connect("s3control", Target(self.bench.account, SOURCE))
        return len(client.list_jobs(AccountId=self.bench.account)["Jobs"])

    # Databases and traffic ------------------------------------------------------------------------

    def database(self) -> Mapping[str, Any]:
        """Return the target's database."""
        rds = self.client("rds")
        (found,) = rds.describe_db_instances(DBInstanceIdentifier=REPLICA)["DBInstances"]
        return dict(found)

    @property
    def source_database(self) -> str:
        """The identifier of the database that is left."""
        return DATABASE

    def read_only(self, database: str = "", region: str = SOURCE) -> str:
        """Return what the parameter group of a database says of writes, if anything."""
        return _value(self.client("rds", region), database or self.source_database)

    def say_read_only(self, value: str) -> None:
        """Let the parameter group of the source's database say this of writes."""
        rds = self.client("rds", SOURCE)
        name = self.source_database
        (found,) = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        row = {"ParameterName": "read_only", "ParameterValue": value, "ApplyMethod": "immediate"}
        rds.modify_db_parameter_group(
            DBParameterGroupName=found["DBParameterGroups"][0]["DBParameterGroupName"],
            Parameters=[row],
        )

    def lose(self, key: str) -> None:
        """Take an object from the target's bucket so that nothing of it is left to be copied."""
        s3, bucket = self.client("s3"), self.bucket("target")
        for each in s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]:
            s3.delete_object(Bucket=bucket, Key=key, VersionId=each["VersionId"])

    def pending(self, objects: int) -> None:
        """Let so many objects wait to be copied from now on, in either direction."""
        metric = 'metric = "OperationsPendingReplication"'
        self.script(f'{metric}\nnamespace = "AWS/S3"\ncourse = [[0, {objects}]]')

    def lag(self, seconds: float) -> None:
        """Let the replica be so far behind from now on."""
        self.script(f'metric = "ReplicaLag"\nnamespace = "AWS/RDS"\ncourse = [[0, {seconds}]]')

    def alarms(self, state: str) -> None:
        """Let the alarm of the database's processors say this from now on."""
        self.script(f'alarm = "*DatabaseCpu*"\ncourse = [[0, "{state}"]]')

    def script(self, measure: str) -> None:
        """Say how one thing goes that is measured; all else is as it usually is."""
        text = f'[[measure]]\naccount = "{self.bench.account}"\n{measure}\n'
        server.inject(self.bench.root, text)

    def dials(self) -> Mapping[str, float]:
        """Return the percentage of each Region."""
        api = self.client("globalaccelerator", "us-west-2")
        (accelerator,) = api.list_accelerators()["Accelerators"]
        arn = accelerator["AcceleratorArn"]
        (listener,) = api.list_listeners(AcceleratorArn=arn)["Listeners"]
        groups = api.list_endpoint_groups(ListenerArn=listener["ListenerArn"])["EndpointGroups"]
        return {each["EndpointGroupRegion"]: each["TrafficDialPercentage"] for each in groups}

    def state(self) -> Mapping[str, Any]:
        """Return all that a way back must find again: templates, parameters, dials, writes."""
        found: dict[str, Any] = {"dials": self.dials(), "read_only": self.read_only()}
        found["source"] = self.database().get("ReadReplicaSourceDBInstanceIdentifier")
        for region in (SOURCE, TARGET):
            cfn = self.client("cloudformation", region)
            for stack in cfn.describe_stacks()["Stacks"]:
                body = cfn.get_template(StackName=stack["StackName"])["TemplateBody"]
                text = body if isinstance(body, str) else json.dumps(body)
                found[stack["StackName"]] = (text, stack.get("Parameters"))
        return found


@dataclass(frozen=True)
class Others(Migration):
    """A migration of a bucket and a database that others made, with a rule that is theirs."""

    @classmethod
    def begin(cls, bench: Bench) -> Others:
        """Make what is left, the bucket with its rule and the database with its parameters."""
        made = cls(bench, Migration.begin(bench).balancer)
        s3 = made.client("s3", SOURCE)
        for name in (made.bucket("source"), made.bucket("vault")):
            place = {"LocationConstraint": SOURCE}
            s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
            versions = {"Status": "Enabled"}
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versions)
        trust = {"Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **trust}]}
        role = made.client("iam").create_role(
            RoleName="copies", AssumeRolePolicyDocument=json.dumps(document)
        )
        arn = role["Role"]["Arn"]
        rule = {
            "ID": "logs", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": "logs/"},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{made.bucket('vault')}"},
        }  # fmt: skip
        s3.put_bucket_replication(
            Bucket=made.bucket("source"),
            ReplicationConfiguration={"Role": arn, "Rules": [rule]},
        )
        rds = made.client("rds", SOURCE)
        rds.create_db_parameter_group(
            DBParameterGroupName="shop", DBParameterGroupFamily="mysql8.4", Description="shop"
        )
        rds.create_db_instance(
            DBInstanceIdentifier="shop", Engine="mysql", EngineVersion="8.4.11",
            DBInstanceClass="db.t3.medium", AllocatedStorage=100, MasterUsername="admin",
            MasterUserPassword="not-so-secret", StorageEncrypted=True, DBName="shop",
            KmsKeyId=made.client("kms", SOURCE).create_key()["KeyMetadata"]["Arn"],
            DBParameterGroupName="shop", BackupRetentionPeriod=7,
        )  # fmt: skip
        made.say_read_only("{TrueIfReplica}")
        return made

    @property
    def source_database(self) -> str:
        """The identifier of the database that is left."""
        return "shop"

    def settings(self, *, replicates: bool = True, more: str = "") -> None:
        """Write the settings file."""
        self.bench.file.write_text(
            more
            + OF_OTHERS.format(
                account=self.bench.account,
                image=IMAGE,
                balancer=self.balancer,
                bucket=self.bucket("source"),
            )
        )

    def until(self, move: str, *words: str) -> Result:
        """Lead the migration on; nothing of others is lost at the end."""
        if move == "retire":
            lost = "local-region-migration-return-key/Key:delete"
            words = (*words, *GIVE_UP, "--allow-loss", lost)
        return self.apply("--until", move, *words)

    def bucket(self, which: str) -> str:
        """Return the name of a bucket of others, or of the target's."""
        return super().bucket(which) if which == "target" else f"{which}-{self.bench.account}"

    def rules(self) -> Mapping[str, Any]:
        """Return how the source bucket is replicated."""
        s3 = self.client("s3", SOURCE)
        told = s3.get_bucket_replication(Bucket=self.bucket("source"))
        return dict(told["ReplicationConfiguration"])


class Writer:
    """A customer who writes an object as soon as the last one was taken, or was refused.

    The application refuses while the side that gets the traffic is read-only, as its database is.
    `refused` is the longest time, in seconds, in which nothing was taken.
    """

    def __init__(self, migration: Migration) -> None:
        self._migration = migration
        self._clients = {where: _own_clients(migration, where) for where in ("source", "target")}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._taken_at = time.monotonic()
        self.refused = 0.0
        self.acknowledged: dict[str, tuple[str, bytes]] = {}
        self.faults: list[Exception] = []

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            try:
                self._write(number)
            except Exception as error:  # a thread that ends in silence would prove nothing
                self.faults.append(error)
                return

    def _write(self, number: int) -> None:
        where = self._open_side()
        now = time.monotonic()
        self.refused = max(self.refused, now - self._taken_at)
        if where is None:
            self._stop.wait(0.01)
            return
        key, body = f"new/{number:06d}", f"{where} {number}".encode()
        s3, _ = self._clients[where]
        s3.put_object(Bucket=self._migration.bucket(where), Key=key, Body=body)
        self.acknowledged[key], self._taken_at = (where, body), time.monotonic()

    def _open_side(self) -> str | None:
        """Return the side that takes writes: the source until it is frozen, then the target."""
        if _value(self._clients["source"][1], DATABASE) != "1":
            return "source"
        rds = self._clients["target"][1]
        (found,) = rds.describe_db_instances(DBInstanceIdentifier=REPLICA)["DBInstances"]
        is_replica = bool(found.get("ReadReplicaSourceDBInstanceIdentifier"))
        return None if is_replica or _value(rds, REPLICA) == "1" else "target"


def _own_clients(migration: Migration, where: str) -> tuple[Any, Any]:
    """Return clients of S3 and RDS for a thread of its own."""
    region = SOURCE if where == "source" else TARGET
    session = boto3.Session(migration.bench.account, "local", region_name=region)
    url = migration.bench.url
    return session.client("s3", endpoint_url=url), session.client("rds", endpoint_url=url)


def _value(rds: Any, database: str) -> str:
    """Return what the parameter group of a database says of writes, if anything."""
    (found,) = rds.describe_db_instances(DBInstanceIdentifier=database)["DBInstances"]
    name = found["DBParameterGroups"][0]["DBParameterGroupName"]
    told = rds.describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"]
    values = {each["ParameterName"]: each.get("ParameterValue", "") for each in told}
    return str(values.get("read_only", ""))


def moves(result: Result) -> list[tuple[str, bool, bool]]:
    """Return how each move ended: its name, whether it was taken back, whether it passed."""
    ends = result.of_type("move.end")
    return [(each["move"], each["back"], each["passed"]) for each in ends]


def said(result: Result) -> str:
    """Return the last fault that a command told."""
    return str(result.of_type("diagnostic")[-1]["message"])
