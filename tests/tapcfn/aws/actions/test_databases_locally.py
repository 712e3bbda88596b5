"""Actions on databases against the local cloud: what they are for comes true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tapcfn.acting import ActionState, ActionStatus, ActMeans, act
from tapcfn.aws.actions import AwsActions
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.local import record
from tapcfn.local.server import LocalCloud
from tapcfn.model import (
    Action,
    CompareDatabases,
    FailoverDrill,
    PromoteDatabase,
    ResetPassword,
    RestoreDrill,
    RestoreReadOnly,
    SetReadOnly,
    Target,
)
from tapcfn.waits import Patience
from tests.fakes import FakeClock, FakeLedger
from tests.local_cloud import HOME, Aws, aws, deploy, local_cloud, resource, template, until

__all__ = ["aws", "local_cloud"]

FIRST = "not-so-secret"


@pytest.fixture
def here(aws: Aws) -> Target:
    return Target(aws.account, HOME)


@pytest.fixture
def actions(local_cloud: LocalCloud) -> AwsActions:
    return AwsActions(Clients(on_local_cloud(local_cloud.url)), Patience(FakeClock()))


def done(action: Action, actions: AwsActions) -> ActionState:
    """Do an action as a run does it, and find it done by the next run."""
    clock = FakeClock()
    means = ActMeans(actions, clock, FakeLedger(), Patience(clock), lambda _: None)
    state = act(action, means)
    assert state.status is ActionStatus.DONE
    assert FIRST not in repr(state)
    return state


@pytest.fixture
def slowly(local_cloud: LocalCloud, request: pytest.FixtureRequest) -> Iterator[None]:
    """Let what takes so many seconds on AWS take half a second, for this test."""
    record.ask(local_cloud.url, "/_tapcfn/speed", {"speed": 2 * request.param})
    yield
    record.ask(local_cloud.url, "/_tapcfn/speed", {"speed": 0})


def create(aws: Aws, name: str = "db1", **more: Any) -> dict[str, Any]:
    made = aws.client("rds").create_db_instance(
        **{
            "DBInstanceIdentifier": name,
            "Engine": "mysql",
            "EngineVersion": "8.4.8",
            "DBInstanceClass": "db.t3.micro",
            "AllocatedStorage": 20,
            "MasterUsername": "admin",
            "MasterUserPassword": FIRST,
            **more,
        }
    )
    return dict(made["DBInstance"])


def seen(aws: Aws, name: str = "db1") -> dict[str, Any]:
    found = aws.client("rds").describe_db_instances(DBInstanceIdentifier=name)
    return dict(found["DBInstances"][0])


def opens(aws: Aws, password: str) -> bool:
    """Log in."""
    asked = {"account": aws.account, "region": HOME, "database": "db1", "password": password}
    return bool(record.ask(aws.url, "/_tapcfn/login", asked)["opens"])


@pytest.mark.parametrize("before", [None, "0", "1", "{TrueIfReplica}"])
def test_writes_are_stopped_and_then_as_they_were(
    aws: Aws, here: Target, actions: AwsActions, before: str | None
):
    """The group itself tells it, and keeps no note of it in the end."""
    rds = aws.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="tuned", DBParameterGroupFamily="mysql8.4", Description="tuned"
    )
    create(aws, DBParameterGroupName="tuned")

    def told() -> list[str]:
        rows = rds.describe_db_parameters(DBParameterGroupName="tuned", Source="user")
        return [each["ParameterValue"] for each in rows["Parameters"]]

    first = [before] if before else []
    row = {"ParameterName": "read_only", "ApplyMethod": "immediate"}
    for value in first:
        changed = [{**row, "ParameterValue": value}]
        rds.modify_db_parameter_group(DBParameterGroupName="tuned", Parameters=changed)

    done(SetReadOnly("freeze", here, "tuned"), actions)
    frozen = told()
    done(RestoreReadOnly("thaw", here, "tuned"), actions)
    (group,) = rds.describe_db_parameter_groups(DBParameterGroupName="tuned")["DBParameterGroups"]
    tags = rds.list_tags_for_resource(ResourceName=group["DBParameterGroupArn"])["TagList"]

    assert (["1"], first, []) == (frozen, told(), tags)


@pytest.mark.usefixtures("slowly")
@pytest.mark.parametrize("slowly", [420], indirect=True)
def test_a_replica_is_promoted(aws: Aws, here: Target, actions: AwsActions):
    """It is modified for a while; in the end it stands alone and keeps backups."""
    create(aws)
    rds = aws.client("rds")
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="db1"
    )
    action = PromoteDatabase("promote", here, "copy", 7, "03:00-04:00")

    actions.begin(action, "t")
    while_it_lasts = actions.look(action, "t"), seen(aws, "copy")["DBInstanceStatus"]
    until(lambda: actions.look(action, "t").status is ActionStatus.DONE)

    assert while_it_lasts[0].status is ActionStatus.RUNNING
    assert while_it_lasts[1] == "modifying"
    assert seen(aws, "copy")["BackupRetentionPeriod"] == 7
    assert seen(aws)["ReadReplicaDBInstanceIdentifiers"] == []


@pytest.mark.usefixtures("slowly")
@pytest.mark.parametrize("slowly", [420], indirect=True)
def test_a_stack_is_complete_when_its_database_is(aws: Aws):
    """What a stack asks for takes the time of its resource, and none after it."""
    create(aws)
    cloudformation = aws.client("cloudformation")
    copy = {"DBInstanceIdentifier": "copy", "Engine": "mysql", "DBInstanceClass": "db.t3.micro"}
    source = {"SourceDBInstanceIdentifier": "db1"}
    alone = copy | {"BackupRetentionPeriod": 7}
    deploy(cloudformation, "one", template({"Db": resource("RDS::DBInstance", copy | source)}))

    deploy(cloudformation, "one", template({"Db": resource("RDS::DBInstance", alone)}))
    promoted = seen(aws, "copy")

    assert promoted["DBInstanceStatus"] == "available"
    assert promoted["BackupRetentionPeriod"] == 7


def test_the_password_of_the_secret_opens_the_database(aws: Aws, here: Target, actions: AwsActions):
    """And the one before does not; another version is another password."""
    create(aws)
    secrets = aws.client("secretsmanager")
    arn = secrets.create_secret(Name="db", SecretString=json.dumps({"password": "second-one"}))
    action = ResetPassword("reset", here, "db1", arn["ARN"])

    assert opens(aws, FIRST)
    done(action, actions)
    assert (opens(aws, FIRST), opens(aws, "second-one")) == (False, True)

    secrets.put_secret_value(SecretId="db", SecretString=json.dumps({"password": "third-one"}))
    assert actions.look(action, "t").status is ActionStatus.ABSENT
    done(action, actions)
    assert opens(aws, "third-one")


def test_a_copy_is_restored_and_gone(aws: Aws, here: Target, actions: AwsActions):
    """The database itself is left as it was."""
    create(aws)

    facts = done(RestoreDrill("drill", here, "db1", "db1-drill"), actions).facts

    found = aws.client("rds").describe_db_instances()["DBInstances"]
    assert ["db1"] == [each["DBInstanceIdentifier"] for each in found]
    assert facts["GiB"] == "20"


def test_a_database_is_compared_with_its_copy_by_what_is_told(
    aws: Aws, here: Target, actions: AwsActions
):
    """Version, storage, name and user; parameters that differ are named, and rows are not seen."""
    create(aws, DBName="shop")
    rds = aws.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="tuned", DBParameterGroupFamily="mysql8.4", Description="tuned"
    )
    rows = {"sql_mode": "ANSI", "read_only": "1"}
    rds.modify_db_parameter_group(
        DBParameterGroupName="tuned",
        Parameters=[
            {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
            for name, value in rows.items()
        ],
    )
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="db1", DBParameterGroupName="tuned"
    )
    create(aws, "small", EngineVersion="8.4.5", MasterUsername="root", DBName="shop")
    create(aws, "large", AllocatedStorage=100, DBName="shop")

    def compared(one: str, other: str) -> ActionState:
        return actions.look(CompareDatabases("compare", here, one, here, other), "t")

    same = compared("db1", "copy")
    lower, less = compared("db1", "small"), compared("large", "db1")

    assert same.text == "alike by what RDS tells, 1 parameters differ; rows are not compared"
    assert same.facts["parameters that differ"] == "sql_mode"
    assert same.facts["not compared"].startswith("rows")
    assert (same.facts["source GiB"], same.facts["copy version"]) == ("20", "8.4.8")
    assert "restorable until" in " ".join(same.facts)
    assert (lower.status, lower.text) == (
        ActionStatus.FAILED,
        "MasterUsername is root, not admin; EngineVersion is 8.4.5, below 8.4.8",
    )
    assert (less.status, less.text) == (ActionStatus.FAILED, "AllocatedStorage is 20, below 100")


@pytest.mark.usefixtures("slowly")
@pytest.mark.parametrize("slowly", [1200], indirect=True)
def test_a_restore_takes_its_time(aws: Aws):
    """And needs backups."""
    create(aws)
    create(aws, "bare", BackupRetentionPeriod=0)
    rds, latest = aws.client("rds"), {"UseLatestRestorableTime": True}
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier="db1", TargetDBInstanceIdentifier="copy", **latest
    )

    assert seen(aws, "copy")["DBInstanceStatus"] == "creating"
    assert until(lambda: seen(aws, "copy")["DBInstanceStatus"] == "available")
    with pytest.raises(ClientError, match="restore is not enabled for bare"):
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="bare", TargetDBInstanceIdentifier="other", **latest
        )


@pytest.mark.usefixtures("slowly")
@pytest.mark.parametrize("slowly", [90], indirect=True)
def test_a_database_fails_over_to_its_standby(aws: Aws, here: Target, actions: AwsActions):
    """Its zones change places; without a standby it is refused."""
    create(aws, MultiAZ=True)
    create(aws, "single")
    before = seen(aws)
    action = FailoverDrill("fail-over", here, "db1")

    actions.begin(action, "t")
    meanwhile = seen(aws)["DBInstanceStatus"]
    state = until(lambda: (now := actions.look(action, "t")).status is ActionStatus.DONE and now)

    assert meanwhile == "rebooting"
    assert state.facts == {
        "zone before": before["AvailabilityZone"],
        "zone": before["SecondaryAvailabilityZone"],
    }
    assert seen(aws)["SecondaryAvailabilityZone"] == before["AvailabilityZone"]
    with pytest.raises(ClientError, match="not configured for MultiAZ"):
        aws.client("rds").reboot_db_instance(DBInstanceIdentifier="single", ForceFailover=True)
