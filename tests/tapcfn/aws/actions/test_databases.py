"""Actions on databases: what is asked of RDS and Secrets Manager, call by call."""

from __future__ import annotations

from typing import Any

import pytest

from tapcfn.acting import ActionState, ActionStatus, ActMeans, act
from tapcfn.aws.actions import AwsActions
from tapcfn.errors import BlockedError, CloudError, StackError
from tapcfn.model import (
    Action,
    CompareDatabases,
    FailoverDrill,
    PromoteDatabase,
    ResetPassword,
    RestoreDrill,
    RestoreReadOnly,
    SetReadOnly,
)
from tapcfn.waits import Patience
from tests.fakes import FakeClock, FakeLedger
from tests.tapcfn.aws.wire import HERE, Wire, Wires

ARN = "arn:aws:rds:eu-west-1:111122223333:db:db1"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:tap-AbCdEf"
GROUP = "tuned"
FREEZE = SetReadOnly("freeze", HERE, GROUP)
THAW = RestoreReadOnly("thaw", HERE, GROUP)
PROMOTE = PromoteDatabase("promote", HERE, "db1", 7, "03:00-04:00")
RESET = ResetPassword("reset", HERE, "db1", SECRET)
RESTORE = RestoreDrill("drill", HERE, "db1", "db1-drill")
FAIL_OVER = FailoverDrill("fail-over", HERE, "db1")
NAMED = {"DBInstanceIdentifier": "db1"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def actions(wires: Wires, clock: FakeClock) -> AwsActions:
    return AwsActions(wires, Patience(clock, seconds=600.0))  # type: ignore[arg-type]


@pytest.fixture
def rds(wires: Wires) -> Wire:
    return wires.to("rds")


def a_database(name: str = "db1", status: str = "available", **more: Any) -> dict[str, Any]:
    tag = more.pop("tag", None)
    return {
        "DBInstanceIdentifier": name,
        "DBInstanceArn": ARN.replace(":db1", f":{name}"),
        "DBInstanceStatus": status,
        "Engine": "mysql",
        "EngineVersion": "8.4.8",
        "AllocatedStorage": 100,
        "DBSubnetGroup": {"DBSubnetGroupName": "two-zones"},
        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
        "TagList": [{"Key": tag[0], "Value": tag[1]}] if tag else [],
        **more,
    }


def there(rds: Wire, *found: dict[str, Any], name: str = "db1") -> None:
    """Queue what is there of one name."""
    if found:
        rds.answers("describe_db_instances", {"DBInstances": list(found)}, **named(name))
    else:
        rds.refuses("describe_db_instances", "DBInstanceNotFound", 404, **named(name))


def named(name: str) -> dict[str, str]:
    return {"DBInstanceIdentifier": name}


def status_of(state: ActionState) -> str:
    return str(state.status)


def test_a_database_that_is_not_there_is_named(rds: Wire, actions: AwsActions):
    """Nothing is waited for."""
    there(rds)

    with pytest.raises(BlockedError, match="database db1 .*eu-west-1.* is not there"):
        actions.look(PROMOTE, "t")


# Read-only ----------------------------------------------------------------------------------------


def users(rds: Wire, *statuses: str) -> None:
    found = [
        a_database(
            f"db{number}",
            DBParameterGroups=[{"DBParameterGroupName": GROUP, "ParameterApplyStatus": each}],
        )
        for number, each in enumerate(statuses, 1)
    ]
    rds.answers("describe_db_instances", {"DBInstances": found})


def says(rds: Wire, value: str | None) -> None:
    row = {"ParameterName": "read_only", "ParameterValue": value, "Source": "user"}
    rds.answers(
        "describe_db_parameters",
        {"Parameters": [row] if value is not None else []},
        DBParameterGroupName=GROUP,
        Source="user",
    )


@pytest.mark.parametrize(
    ("value", "statuses", "expected"),
    [
        (None, ("in-sync",), "absent"),
        ("0", ("in-sync",), "absent"),
        ("1", ("in-sync", "applying"), "running"),
        ("1", ("in-sync", "pending-reboot"), "done"),
    ],
)
def test_a_group_says_whether_writes_are_stopped(
    rds: Wire, actions: AwsActions, value: str | None, statuses: tuple[str, ...], expected: str
):
    """The parameter holds at once where the group is in use, also beside one that waits."""
    users(rds, *statuses)
    says(rds, value)

    assert expected == status_of(actions.look(FREEZE, "t"))


GROUP_ARN = "arn:aws:rds:eu-west-1:111122223333:pg:tuned"
ROW = {"ParameterName": "read_only", "ApplyMethod": "immediate"}
NOTED = "tapcfn:read-only-before"

# What a group says, what of it is noted, and how people call it.
NOTES = [
    ("0", "0", "0"),
    ("1", "1", "1"),
    ("{TrueIfReplica}", "TrueIfReplica", "{TrueIfReplica}"),
    (None, "engine-default", "the engine's default"),
]


def known(rds: Wire) -> None:
    told = {"DBParameterGroups": [{"DBParameterGroupArn": GROUP_ARN}]}
    rds.answers("describe_db_parameter_groups", told, DBParameterGroupName=GROUP)


def noted(rds: Wire, note: str | None) -> None:
    known(rds)
    tags = [{"Key": "Environment", "Value": "1"}]
    tags += [{"Key": NOTED, "Value": note}] if note is not None else []
    rds.answers("list_tags_for_resource", {"TagList": tags}, ResourceName=GROUP_ARN)


def changes(rds: Wire, value: str | None) -> None:
    call = "modify_db_parameter_group" if value else "reset_db_parameter_group"
    row = ROW | ({"ParameterValue": value} if value else {})
    rds.answers(call, {}, DBParameterGroupName=GROUP, Parameters=[row])


@pytest.mark.parametrize(("before", "note", "words"), NOTES)
def test_writes_are_stopped_and_what_stood_there_is_noted_first(
    rds: Wire, actions: AwsActions, before: str | None, note: str, words: str
):
    """The note stands before anything is changed: a process that dies between leaves it."""
    users(rds, "in-sync")
    noted(rds, None)
    known(rds)
    says(rds, before)
    tag = {"Key": NOTED, "Value": note}
    rds.answers("add_tags_to_resource", {}, ResourceName=GROUP_ARN, Tags=[tag])
    changes(rds, "1")
    users(rds, "in-sync")
    says(rds, "1")

    actions.begin(FREEZE, "t")

    assert actions.look(FREEZE, "t").facts == {"read_only before": words}


def test_a_note_of_an_earlier_try_is_kept(rds: Wire, actions: AwsActions):
    """It says what stood there before; the group itself may say 1 by now."""
    users(rds, "in-sync")
    noted(rds, "TrueIfReplica")
    known(rds)
    changes(rds, "1")

    actions.begin(FREEZE, "t")


@pytest.mark.parametrize(("before", "note", "words"), NOTES)
def test_writes_go_on_as_they_did(
    rds: Wire, actions: AwsActions, before: str | None, note: str, words: str
):
    """The note goes last, so that a process that dies between does it again."""
    noted(rds, note)
    changes(rds, before)
    known(rds)
    rds.answers("remove_tags_from_resource", {}, ResourceName=GROUP_ARN, TagKeys=[NOTED])
    users(rds, "in-sync")
    noted(rds, None)
    says(rds, before)

    actions.begin(THAW, "t")

    assert actions.look(THAW, "t").facts == {"read_only": words}


@pytest.mark.parametrize(
    ("note", "status", "expected"),
    [
        ("0", "in-sync", "absent"),
        (None, "applying", "running"),
        (None, "in-sync", "done"),
    ],
)
def test_a_group_without_a_note_says_what_it_said(
    rds: Wire, actions: AwsActions, note: str | None, status: str, expected: str
):
    """One that refused writes before anybody stopped them goes on refusing them."""
    users(rds, status)
    noted(rds, note)
    if note is None:
        says(rds, "1")

    assert expected == status_of(actions.look(THAW, "t"))


def test_a_group_that_stops_nothing_is_refused(rds: Wire, actions: AwsActions):
    """The engine's own, which takes no change, and one that no database uses."""
    with pytest.raises(BlockedError, match="default.mysql8.4 .* group of its own"):
        actions.look(SetReadOnly("freeze", HERE, "default.mysql8.4"), "t")
    users(rds)
    with pytest.raises(BlockedError, match="no database uses parameter group tuned"):
        actions.look(FREEZE, "t")


# Promotion ----------------------------------------------------------------------------------------

SOURCE = {"ReadReplicaSourceDBInstanceIdentifier": "first"}
BACKUPS = {"BackupRetentionPeriod": 7, "PreferredBackupWindow": "03:00-04:00"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (a_database(**SOURCE), "ready"),
        (a_database(status="backing-up", **SOURCE), "running"),
        (a_database(status="rebooting", BackupRetentionPeriod=7), "running"),
        (a_database(BackupRetentionPeriod=7), "done"),
        (a_database(BackupRetentionPeriod=0), "ready"),
        (a_database(status="incompatible-network", **SOURCE), "failed"),
    ],
)
def test_a_promoted_database_stands_alone_and_keeps_backups(
    rds: Wire, actions: AwsActions, found: dict[str, Any], expected: str
):
    """Whoever promoted it."""
    there(rds, found)

    assert expected == status_of(actions.look(PROMOTE, "t"))


def test_a_replica_is_promoted_once_it_can_be(rds: Wire, actions: AwsActions, clock: FakeClock):
    """While it is backed up it can't be, and nothing is sent; whose it was is a fact."""
    there(rds, a_database(status="backing-up", **SOURCE))
    there(rds, a_database(**SOURCE))
    there(rds, a_database(**SOURCE))
    rds.answers("promote_read_replica", {}, **NAMED, **BACKUPS)
    there(rds, a_database(status="modifying"))
    there(rds, a_database(BackupRetentionPeriod=7))
    means = ActMeans(actions, clock, FakeLedger(), Patience(clock), lambda _: None)

    assert act(PROMOTE, means).facts["source before"] == "first"


def test_a_promotion_that_was_sent_before_is_not_sent_again(rds: Wire, actions: AwsActions):
    """And one without backups gets them."""
    there(rds, a_database(status="modifying", BackupRetentionPeriod=7))
    actions.begin(PROMOTE, "t")

    there(rds, a_database(BackupRetentionPeriod=0))
    rds.answers("modify_db_instance", {}, **NAMED, **BACKUPS, ApplyImmediately=True)
    actions.begin(PROMOTE, "t")


def test_a_promotion_that_is_refused_is_told(rds: Wire, actions: AwsActions):
    """An idle replica that may not be promoted will not be."""
    there(rds, a_database(**SOURCE))
    rds.refuses("promote_read_replica", "InvalidDBInstanceState", **NAMED, **BACKUPS)

    with pytest.raises(CloudError, match="InvalidDBInstanceState"):
        actions.begin(PROMOTE, "t")


# Passwords ----------------------------------------------------------------------------------------

HIDDEN = "hidden-Pa55"
NOTE = ("tapcfn:password", "version-two-of-the-secret-0000000")


def versions(wires: Wires) -> None:
    stages = {"version-one-of-the-secret-0000000": ["AWSPREVIOUS"], NOTE[1]: ["AWSCURRENT"]}
    told = {"VersionIdsToStages": stages}
    wires.to("secretsmanager").answers("describe_secret", told, SecretId=SECRET)


def a_secret(wires: Wires, value: str) -> None:
    told = {"SecretString": value, "VersionId": NOTE[1]}
    wires.to("secretsmanager").answers(
        "get_secret_value", told, SecretId=SECRET, VersionStage="AWSCURRENT"
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (a_database(), "absent"),
        (a_database(tag=(NOTE[0], "version-one-of-the-secret-0000000")), "absent"),
        (a_database(status="resetting-master-credentials", tag=NOTE), "running"),
        (a_database(tag=NOTE, PendingModifiedValues={"MasterUserPassword": "****"}), "running"),
        (a_database(tag=NOTE), "done"),
    ],
)
def test_a_tag_says_which_password_a_database_has(
    wires: Wires, rds: Wire, actions: AwsActions, found: dict[str, Any], expected: str
):
    """The secret's value is not read for that."""
    there(rds, found)
    versions(wires)

    assert expected == status_of(actions.look(RESET, "t"))


@pytest.mark.parametrize("value", [HIDDEN, f'{{"username": "a", "password": "{HIDDEN}"}}'])
def test_the_password_goes_from_the_secret_to_the_database(
    wires: Wires, rds: Wire, actions: AwsActions, value: str
):
    """And into nothing else: no fact and no text holds it."""
    there(rds, a_database())
    a_secret(wires, value)
    rds.answers("modify_db_instance", {}, **NAMED, MasterUserPassword=HIDDEN, ApplyImmediately=True)
    note = {"Key": NOTE[0], "Value": NOTE[1]}
    rds.answers("add_tags_to_resource", {}, ResourceName=ARN, Tags=[note])
    there(rds, a_database(tag=NOTE))
    versions(wires)

    actions.begin(RESET, "t")
    state = actions.look(RESET, "t")

    assert state.facts == {"secret": SECRET, "version": NOTE[1]}
    assert HIDDEN not in repr(state)


@pytest.mark.parametrize("value", ['{"username": "hidden"}', '{"password": 5}', '{"password": ""}'])
def test_a_secret_without_a_password_is_refused(
    wires: Wires, rds: Wire, actions: AwsActions, value: str
):
    """Without saying what it holds instead."""
    there(rds, a_database())
    a_secret(wires, value)

    with pytest.raises(BlockedError, match="holds no password$") as caught:
        actions.begin(RESET, "t")
    assert "hidden" not in str(caught.value)


# Comparisons --------------------------------------------------------------------------------------


def test_a_replica_that_has_stopped_is_no_copy(rds: Wire, actions: AwsActions):
    """RDS says why; one that stands alone follows nobody, whatever it did before."""
    stopped = {"StatusType": "read replication", "Normal": False, "Status": "error"}
    copies = [
        a_database("copy", StatusInfos=[{**stopped, "Message": "duplicate key"}], **more)
        for more in (SOURCE, {})
    ]
    action = CompareDatabases("compare", HERE, "db1", HERE, "copy")
    states = []
    for copy in copies:
        there(rds, a_database())
        there(rds, copy, name="copy")
        states.append(actions.look(action, "t"))

    assert ["failed", "done"] == [status_of(each) for each in states]
    assert states[0].text == "replication is error: duplicate key"


# Drills -------------------------------------------------------------------------------------------

OURS = ("tapcfn:drill", "t")
COPY = "db1-drill"


def restores(rds: Wire) -> None:
    """Expect exactly the copy that only we can reach and delete."""
    rds.answers(
        "restore_db_instance_to_point_in_time",
        {},
        SourceDBInstanceIdentifier="db1",
        TargetDBInstanceIdentifier=COPY,
        UseLatestRestorableTime=True,
        PubliclyAccessible=False,
        MultiAZ=False,
        DeletionProtection=False,
        DBSubnetGroupName="two-zones",
        VpcSecurityGroupIds=["sg-1"],
        Tags=[{"Key": OURS[0], "Value": OURS[1]}],
    )


def deletes(rds: Wire) -> None:
    rds.answers(
        "delete_db_instance",
        {},
        DBInstanceIdentifier=COPY,
        SkipFinalSnapshot=True,
        DeleteAutomatedBackups=True,
    )


def notes(rds: Wire) -> None:
    tags = [{"Key": OURS[0], "Value": OURS[1]}]
    rds.answers("add_tags_to_resource", {}, ResourceName=ARN, Tags=tags)


def copy_is(rds: Wire, status: str = "", **more: Any) -> None:
    found = [a_database(COPY, status, **{"tag": OURS, **more})] if status else []
    there(rds, *found, name=COPY)


def test_a_copy_is_restored_looked_at_and_deleted(rds: Wire, actions: AwsActions, clock: FakeClock):
    """By three steps, none of which waits; each look says what comes next."""
    statuses = []

    def looked(tag: Any, status: str) -> None:
        there(rds, a_database(tag=tag))
        copy_is(rds, status)
        statuses.append(status_of(actions.look(RESTORE, "t")))

    looked(None, "")
    there(rds, a_database())
    copy_is(rds)
    restores(rds)
    actions.begin(RESTORE, "t")
    looked(None, "creating")
    looked(None, "available")
    there(rds, a_database())
    copy_is(rds, "available")
    notes(rds)
    deletes(rds)
    actions.begin(RESTORE, "t")
    looked(OURS, "deleting")
    looked(OURS, "")

    assert statuses == ["ready", "running", "ready", "running", "done"]
    assert clock.now() == 0.0
    there(rds, a_database(tag=OURS))
    copy_is(rds)
    assert actions.look(RESTORE, "t").facts == {
        "copy": COPY, "engine": "mysql", "version": "8.4.8", "GiB": "100",
    }  # fmt: skip


def test_a_drill_goes_on_where_it_ended(rds: Wire, actions: AwsActions):
    """The copy was found good; only its deletion is left. One on its way is left alone."""
    there(rds, a_database(tag=OURS))
    copy_is(rds, "available")
    assert status_of(actions.look(RESTORE, "t")) == "ready"
    there(rds, a_database(tag=OURS))
    copy_is(rds, "available")
    deletes(rds)
    actions.begin(RESTORE, "t")

    there(rds, a_database())
    copy_is(rds, "creating")
    actions.begin(RESTORE, "t")


@pytest.mark.parametrize(
    ("status", "size", "words"),
    [
        ("available", 20, "AllocatedStorage is 20, not 100"),
        ("incompatible-restore", 100, "db1-drill is incompatible-restore"),
    ],
)
def test_a_copy_that_is_not_what_it_was_to_be_is_deleted_and_told(
    rds: Wire, actions: AwsActions, status: str, size: int, words: str
):
    """Its size is another, or it never answers; the drill is not noted as passed."""
    there(rds, a_database())
    copy_is(rds, status, AllocatedStorage=size)
    assert status_of(actions.look(RESTORE, "t")) == "ready"
    there(rds, a_database())
    copy_is(rds, status, AllocatedStorage=size)
    deletes(rds)

    with pytest.raises(StackError, match=words):
        actions.begin(RESTORE, "t")


@pytest.mark.parametrize("tag", [None, ("tapcfn:drill", "another")])
@pytest.mark.parametrize("what", ["look", "begin"])
def test_nobody_elses_database_is_deleted(rds: Wire, actions: AwsActions, tag: Any, what: str):
    """One with the name of the copy, and without this drill's tag, stays."""
    there(rds, a_database())
    there(rds, a_database(COPY, tag=tag), name=COPY)

    with pytest.raises(BlockedError, match="db1-drill .* is left alone"):
        getattr(actions, what)(RESTORE, "t")


def tells(rds: Wire, *messages: str) -> None:
    rds.answers(
        "describe_events",
        {"Events": [{"Message": each} for each in messages]},
        SourceIdentifier="db1",
        SourceType="db-instance",
        EventCategories=["failover"],
        Duration=15,
    )


STARTED, OVER = "Multi-AZ instance failover started.", "Multi-AZ instance failover completed"


@pytest.mark.parametrize(
    ("status", "messages", "expected"),
    [
        ("available", (), "absent"),
        ("rebooting", (), "running"),
        ("available", (STARTED,), "running"),
        ("rebooting", (STARTED, OVER), "running"),
        ("available", (STARTED, OVER), "done"),
    ],
)
def test_events_say_whether_a_database_failed_over(
    rds: Wire, actions: AwsActions, status: str, messages: tuple[str, ...], expected: str
):
    """It is over when it answers again."""
    there(rds, a_database(status=status, AvailabilityZone="eu-west-1b"))
    tells(rds, *messages)

    assert expected == status_of(actions.look(FAIL_OVER, "t"))


def test_a_database_is_failed_over_once(rds: Wire, actions: AwsActions):
    """Sent again, it finds the database rebooting."""
    both = a_database(MultiAZ=True, AvailabilityZone="eu-west-1a")
    there(rds, both)
    rds.answers("reboot_db_instance", {}, **NAMED, ForceFailover=True)
    there(rds, both)
    rds.refuses("reboot_db_instance", "InvalidDBInstanceState", **NAMED, ForceFailover=True)
    there(rds, both | {"DBInstanceStatus": "rebooting"})
    there(rds, both | {"AvailabilityZone": "eu-west-1b"})
    tells(rds, STARTED, OVER)

    actions.begin(FAIL_OVER, "t")
    actions.begin(FAIL_OVER, "t")

    facts = actions.look(FAIL_OVER, "t").facts
    assert facts == {"zone before": "eu-west-1a", "zone": "eu-west-1b"}


def test_a_database_without_a_standby_is_refused(rds: Wire, actions: AwsActions):
    """A reboot would be an outage, and prove nothing."""
    there(rds, a_database(MultiAZ=False))

    with pytest.raises(BlockedError, match="not Multi-AZ"):
        actions.begin(FAIL_OVER, "t")


@pytest.mark.parametrize("action", [PROMOTE, RESET, FAIL_OVER])
def test_a_broken_database_is_a_failure(rds: Wire, actions: AwsActions, action: Action):
    """A state that does not pass by itself is not waited for."""
    there(rds, a_database(status="storage-full"))

    state = actions.look(action, "t")

    assert state.status is ActionStatus.FAILED
    assert "storage-full" in state.text
