"""The moves of a region migration: their order, what each changes, and how far each leads back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tapcfn import journey, variants
from tapcfn.actions import inverse
from tapcfn.errors import BlockedError, ConfigError
from tapcfn.model import (
    CompareObjects,
    CopyDatabaseSnapshot,
    CopyImage,
    LockDownDefaultGroup,
    MetricCheck,
    Move,
    ProveReplication,
    PutReplicationRule,
    RemoveReplicationRule,
    ReplicateObjects,
    ResetPassword,
    RestoreDrill,
    RestoreReadOnly,
    Rollout,
    SetReadOnly,
    Snapshot,
    SnapshotDatabase,
    SnapshotVolumes,
    Stack,
)
from tapcfn.plan import plan
from tests.templates.resolved import seen
from tests.templates.systems.region_migration import (
    ALL_ON,
    IMAGE,
    OPTIONS,
    SOURCE,
    SOURCE_BUCKET,
    SYSTEM,
    TARGET,
    TARGET_BUCKET,
    rollout,
)
from tests.templates.watched import hurried

NAMES = [
    "put-rule",
    "backfill",
    "verify",
    "reverse",
    "freeze",
    "promote",
    "password",
    "dial-100",
    "open",
    "watch",
    "single-group",
    "retire",
]
REPLICA = "prod-region-migration-replica"
GROUP = {"source_db_parameter_group": "source-parameters"}
END = {
    "promoted": True,
    "password_reset": True,
    "dial_source": 0,
    "dial_target": 100,
    "source_alb_arn": "",
}


@pytest.fixture(scope="module")
def wanted() -> Rollout:
    return rollout(**GROUP)


def move(wanted: Rollout, name: str) -> Move:
    """Return a move by its name."""
    (found,) = [each for each in wanted.moves if each.name == name]
    return found


def stacks(wanted: Rollout, name: str) -> Mapping[str, Stack]:
    """Return the stacks as they are after a move, by name."""
    there = variants.at(wanted, journey.number_of(wanted, name))
    return {stack.name: stack for stack in there.stacks}


def told(stack: Stack) -> tuple[str, Mapping[str, Any], bool]:
    """Return what CloudFormation is told of a stack."""
    return stack.template.digest, stack.parameters, stack.protect


def dials(wanted: Rollout, name: str) -> tuple[Any, Any]:
    """Return the percentages of both Regions after a move."""
    told = stacks(wanted, name)["prod-region-migration-accelerator"].parameters
    return told.get("SourceDial"), told.get("TargetDial")


def test_promotion_dial_and_retirement_are_gated_moves_in_that_order(wanted: Rollout) -> None:
    """S4-1: each move but the last is closed by what must hold, or by the next one's."""
    variants.check(wanted)

    assert [each.name for each in wanted.moves] == NAMES
    gated = {each.name for each in wanted.moves if each.gates}
    assert gated == {"verify", "reverse", "freeze", "dial-100", "watch"}


@pytest.mark.parametrize("choice", sorted(SYSTEM.choices))
def test_every_choice_of_options_has_moves_that_can_be_planned(choice: str) -> None:
    """S4-1: at every place on the way, back included, nothing asks for what nobody gives."""
    wanted = rollout(**SYSTEM.choices[choice])
    variants.check(wanted)
    for number in range(len(wanted.moves) + 1):
        plan(variants.at(wanted, number), Snapshot())
        if number and not wanted.moves[number - 1].forever:
            for step in journey.backward(wanted, number, number - 1)[0].steps:
                plan(step, Snapshot())


def test_what_is_copied_is_what_the_rule_copies_and_both_are_compared(wanted: Rollout) -> None:
    """S4-6: old objects by a job of S3, then key by key, before the freeze and before the end."""
    jobs = [each for each in move(wanted, "backfill").actions if isinstance(each, ReplicateObjects)]
    compared = {
        each.name: action
        for each in wanted.moves
        for action in each.before
        if isinstance(action, CompareObjects)
    }

    assert [(each.bucket, each.target.region) for each in jobs] == [(SOURCE_BUCKET, SOURCE)]
    assert set(compared) == {"verify", "promote"}
    for each in compared.values():
        assert (each.bucket, each.target.region) == (SOURCE_BUCKET, SOURCE)
        assert (each.other_bucket, each.other.region) == (TARGET_BUCKET, TARGET)


def test_the_role_of_the_job_may_do_no_more_than_that() -> None:
    """S4-6, S4-X4: it starts replication of this bucket alone, and reports into it."""
    role = seen(rollout(**OPTIONS["created"]))["source"]["BatchRole"]
    (policy,) = role["Policies"]
    allowed = {
        (action, resource if isinstance(resource, str) else str(resource))
        for each in policy["PolicyDocument"]["Statement"]
        for action in each["Action"]
        for resource in each["Resource"]
    }
    bucket = f"arn:aws:s3:::{SOURCE_BUCKET}"

    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "batchoperations.s3.amazonaws.com"}
    assert {each for each in allowed if each[0].startswith("s3:")} == {
        ("s3:GetReplicationConfiguration", bucket),
        ("s3:PutInventoryConfiguration", bucket),
        ("s3:InitiateReplication", f"{bucket}/*"),
        ("s3:PutObject", f"{bucket}/batch-replication/*"),
    }
    assert {each[0] for each in allowed if each[0].startswith("kms:")} == {
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }


def test_backups_are_taken_before_and_after_and_once_more_at_the_end() -> None:
    """S4-10, S4-21, S4-X8: of database and volumes; the source's last one before it is given up."""
    wanted = rollout(**GROUP, manual_snapshot=True)
    taken = {
        each.name: [
            (
                type(action).__name__.removeprefix("Snapshot"),
                action.target.region,
                getattr(action, "snapshot_id", "") or getattr(action, "snapshot_name", ""),
            )
            for action in each.before
            if isinstance(action, SnapshotDatabase | SnapshotVolumes)
        ]
        for each in wanted.moves
    }

    assert {name: each for name, each in taken.items() if each} == {
        "backfill": [
            ("Database", SOURCE, "tap-stack-before-migration"),
            ("Database", SOURCE, "tap-migration-snapshot-production"),
            ("Volumes", SOURCE, "tap-stack-before-migration"),
        ],
        "watch": [
            ("Database", TARGET, "tap-stack-after-migration"),
            ("Volumes", TARGET, "tap-stack-after-migration"),
        ],
        "retire": [("Database", SOURCE, "tap-stack-final-snapshot")],
    }


def test_gates_have_the_figures_that_were_asked_for(wanted: Rollout) -> None:
    """S4-1, S4-6: below 5 s for 30 minutes, 0 pending for 15; then 0, and not -1, for 5."""
    figures = {
        gate.name: (
            gate.check.metric,
            str(gate.check.comparison),
            gate.check.threshold,
            gate.hold,
            gate.check.target.region,
        )
        for name in ("verify", "freeze")
        for gate in move(wanted, name).gates
        if isinstance(gate.check, MetricCheck)
    }

    assert figures == {
        "replica-keeps-up": ("ReplicaLag", "<", 5, 1800, TARGET),
        "objects-keep-up": ("OperationsPendingReplication", "<=", 0, 900, TARGET),
        "replica-drained": ("ReplicaLag", "<=", 0, 300, TARGET),
        "objects-drained": ("OperationsPendingReplication", "<=", 0, 300, TARGET),
    }
    assert all(
        (gate.check.lowest, gate.check.period, gate.check.statistic) == (0, 60, "Maximum")
        for gate in (*move(wanted, "verify").gates, *move(wanted, "freeze").gates)
        if isinstance(gate.check, MetricCheck)
    )


def test_a_freeze_is_seen_and_taken_back_by_itself(wanted: Rollout) -> None:
    """S4-1: the stack changes before the source, so that no source stays frozen unseen."""
    freeze = move(wanted, "freeze")
    (stop,) = freeze.after

    assert isinstance(stop, SetReadOnly)
    assert (stop.parameter_group, stop.target.region) == ("source-parameters", SOURCE)
    assert inverse(stop) == RestoreReadOnly("freeze-source-back", stop.target, "source-parameters")
    assert freeze.before == ()
    assert freeze.falls_back
    assert stacks(wanted, "freeze")[REPLICA].parameters["ReadOnly"] == "1"


def test_without_a_parameter_group_a_person_says_that_writes_have_stopped() -> None:
    """S4-1: before anything is measured; nobody's word comes after the measurement."""
    names = [each.name for each in rollout().moves]

    assert names[names.index("freeze") - 1] == "stop-writes"
    assert move(rollout(), "freeze").after == ()


def test_the_promotion_changes_the_source_of_one_database_and_its_backups(wanted: Rollout) -> None:
    """S4-9, S4-10, S4-11: nothing else is in that update; the password is one of its own."""
    before, after = (
        stacks(wanted, name)[REPLICA].template.document["Resources"]
        for name in ("freeze", "promote")
    )
    was, now = before["Database"]["Properties"], after["Database"]["Properties"]

    assert {key for key in before | after if before.get(key) != after.get(key)} == {"Database"}
    assert set(was) - set(now) == {"SourceDBInstanceIdentifier"}
    assert {key: now[key] for key in now if key not in was} == {
        "BackupRetentionPeriod": 7,
        "PreferredBackupWindow": "03:00-04:00",
    }
    assert {key for key in was if key in now and was[key] != now[key]} == set()
    last = stacks(wanted, "password")[REPLICA].template.document["Resources"]["Database"]
    assert set(last["Properties"]) - set(now) == {"MasterUserPassword"}
    assert move(wanted, "promote").allow[0] == f"{REPLICA}/Database:replace"


def test_the_dials_go_from_one_region_to_the_other_and_end_in_one_group() -> None:
    """S4-16: 100 and 0, in steps, 0 and 100; then the source's group is gone."""
    wanted = rollout(**GROUP, dial_steps=[10, 50, 100])
    names = [each.name for each in wanted.moves if each.name.startswith("dial-")]

    assert [dials(wanted, name) for name in ("base", *names, "single-group")] == [
        ("100", "0"),
        ("90", "10"),
        ("50", "50"),
        ("0", "100"),
        (None, "100"),
    ]
    for name in names:
        number = journey.number_of(wanted, name)
        (leg,) = journey.backward(wanted, number, number - 1)
        assert leg.rollout == variants.at(wanted, number - 1)
        assert move(wanted, name).falls_back


def test_no_write_reaches_the_target_before_its_name_is_typed(wanted: Rollout) -> None:
    """S4-1, S4-16: traffic comes first, writes are let in by the move that has no way back."""
    told = {name: stacks(wanted, name)[REPLICA].parameters["ReadOnly"] for name in NAMES}

    assert {name for name, value in told.items() if value == "1"} == {
        "freeze",
        "promote",
        "password",
        "dial-100",
    }
    assert {each.name: each.confirm for each in wanted.moves if each.confirm} == {
        "open": "first-write-in-target",
        "retire": "give-up-the-source",
    }


def test_everything_before_the_first_write_leads_back_and_nothing_after_it(
    wanted: Rollout,
) -> None:
    """S4-1: the promotion by another replica; afterwards the reason is said."""
    number = journey.number_of(wanted, "dial-100")
    legs = journey.backward(wanted, number, 0)
    (promote,) = [leg for leg in legs if leg.move.name == "promote"]

    assert legs[-1].rollout == variants.at(wanted, 0)
    databases = [
        {stack.name: stack for stack in step.stacks}[REPLICA]
        .template.document["Resources"]
        .get("Database", {})
        for step in promote.steps
    ]
    assert databases[0]["Properties"]["DeletionProtection"] is False
    assert databases[1] == {}
    with pytest.raises(BlockedError, match="open cannot be taken back: customers' rows are in"):
        journey.backward(wanted, number + 1, number)


def test_the_end_of_the_way_is_where_the_settings_may_begin(wanted: Rollout) -> None:
    """S4-16: once they say so, the next apply finds nothing to do."""
    there = stacks(wanted, "single-group")
    begun = rollout(**GROUP, **END)

    assert {stack.name: told(stack) for stack in journey.at(begun, 1).stacks} == {
        name: told(stack) for name, stack in there.items()
    }
    assert [each.name for each in begun.moves] == ["reverse", "watch", "retire"]


def test_the_bucket_of_others_gets_its_rule_by_a_move_and_loses_it_at_the_end(
    wanted: Rollout,
) -> None:
    """S4-5: as the source stack says it, beside those of others; the ours take no such thing."""
    (put,) = move(wanted, "put-rule").before
    rules = [
        each for each in move(wanted, "retire").before if isinstance(each, RemoveReplicationRule)
    ]

    assert isinstance(put, PutReplicationRule)
    assert (put.bucket, put.target.region) == (SOURCE_BUCKET, SOURCE)
    assert str(put.configuration) == "prod-region-migration-source.ReplicationConfiguration"
    assert [(each.bucket, each.rule_id) for each in rules] == [(SOURCE_BUCKET, put.rule_id)]
    for how in ("created", "imported"):
        actions = [each for found in rollout(**OPTIONS[how]).moves for each in found.actions]
        assert not [
            each for each in actions if isinstance(each, PutReplicationRule | RemoveReplicationRule)
        ]


def test_a_role_of_others_gets_what_the_rule_needs() -> None:
    """S4-5: S3 knows one role for all rules of a bucket; the policy is what ours would have had."""
    told, own = (seen(rollout(**keys))["source"] for keys in (OPTIONS["source_role"], {}))
    (policy,) = own["ReplicationRole"]["Policies"]

    assert told["ReplicationPolicy"]["Roles"] == ["others"]
    assert told["ReplicationPolicy"]["PolicyDocument"] == policy["PolicyDocument"]
    assert "ReplicationRole" not in told.resources
    assert json.loads(told.outputs["ReplicationConfiguration"])["Role"].endswith(":role/of/others")


def test_what_is_written_to_the_target_comes_back_until_the_source_is_given_up(
    wanted: Rollout,
) -> None:
    """S4-1: the rule is there before the first write, is proved, and goes with the source."""
    storage = "prod-region-migration-storage"
    rules = {
        number: journey_rules(wanted, number, storage) for number in range(len(wanted.moves) + 1)
    }
    there = [number for number, found in rules.items() if found]
    names = ["base", *NAMES]

    assert (names[there[0]], names[there[-1]]) == ("reverse", "single-group")
    assert there == list(range(there[0], there[-1] + 1))
    (rule,) = rules[there[0]]
    destination = rule["Destination"]
    assert (rule["Id"], rule["SourceSelectionCriteria"]["SseKmsEncryptedObjects"]) == (
        "CopyBack",
        {"Status": "Enabled"},
    )
    told = {each.name: each for each in journey.at(wanted, there[0]).stacks}[storage].parameters
    assert told[destination["Bucket"]["Ref"]] == f"arn:aws:s3:::{SOURCE_BUCKET}"
    key = told[destination["EncryptionConfiguration"]["ReplicaKmsKeyID"]["Ref"]]
    assert str(key) == "prod-region-migration-return-key.KeyArn"
    old, proof = move(wanted, "reverse").after
    assert isinstance(old, ReplicateObjects)
    assert isinstance(proof, ProveReplication)
    assert (old.bucket, old.target.region) == (TARGET_BUCKET, TARGET)
    assert (proof.bucket, proof.other_bucket, proof.other.region) == (
        *(TARGET_BUCKET, SOURCE_BUCKET, SOURCE),
    )


def journey_rules(wanted: Rollout, number: int, storage: str) -> list[Mapping[str, Any]]:
    """Return the replication rules of the target's bucket after so many moves."""
    stack = {each.name: each for each in journey.at(wanted, number).stacks}[storage]
    bucket = stack.template.document["Resources"]["TargetBucket"]["Properties"]
    found: list[Mapping[str, Any]] = bucket.get("ReplicationConfiguration", {}).get("Rules", [])
    return found


def test_nothing_comes_back_where_that_is_not_wanted() -> None:
    """And no key is made for it; the key of a bucket of others is used where there is one."""
    without = rollout(reverse_replication=False)
    key = rollout(**OPTIONS["source_key"])

    assert "reverse" not in [each.name for each in without.moves]
    for each in (without, key):
        assert "prod-region-migration-return-key" not in {stack.name for stack in each.stacks}
    (storage,) = move(key, "reverse").stacks
    assert storage.parameters["DestinationKeyArn"] == OPTIONS["source_key"]["source_key_arn"]


def test_what_takes_writes_already_gets_them_with_the_first_step_of_traffic() -> None:
    """S4-1: who begins behind the promotion has the point of no return at the dial."""
    begun = rollout(promoted=True, password_reset=True, dial_steps=[50, 100])
    said = {each.name: (bool(each.forever), each.confirm) for each in begun.moves}

    assert said["dial-50"] == (True, "first-write-in-target")
    assert said["dial-100"] == (False, "")
    assert "open" not in said


def test_without_an_image_its_copy_is_the_one_move() -> None:
    """S4-13: with the key of the target; the settings then name it."""
    (only,) = rollout(**OPTIONS["no_image_yet"]).moves
    (copy,) = only.actions

    assert isinstance(copy, CopyImage)
    assert (copy.image_id, copy.source_region, copy.target.region) == (IMAGE, SOURCE, TARGET)


def test_what_the_migration_made_in_the_source_goes_last() -> None:
    """S4-1, S4-23: by the name that gives it up, with its rehearsal's database."""
    last = rollout(**ALL_ON).moves[-1]

    assert (last.name, last.confirm) == ("retire", "give-up-the-source")
    assert last.removes == (
        "prod-region-migration-source",
        "prod-region-migration-source-data",
        "prod-region-migration-return-key",
    )


@pytest.mark.parametrize(
    ("steps", "why"),
    [([10, 50], "does not end with 100"), ([50, 10, 100], "must rise"), ([0, 100], "must rise")],
)
def test_steps_lead_somewhere(steps: list[int], why: str) -> None:
    """S4-16: up, and to the end."""
    with pytest.raises(ConfigError, match=why):
        rollout(dial_steps=steps)


def test_a_step_is_watched_for_as_long_as_its_alarms_need() -> None:
    """S4-16, S4-18: an alarm that cannot go off during its step would hold nothing back."""
    assert hurried(rollout(**GROUP, dial_steps=[10, 50, 100])) == []


@pytest.mark.parametrize("choice", sorted(SYSTEM.choices))
def test_every_move_says_how_long_it_takes_and_what_to_look_at(choice: str) -> None:
    """S4-1: a runbook with gaps is none."""
    wanted = rollout(**SYSTEM.choices[choice])

    assert [each.name for each in wanted.moves if not each.look or not each.minutes] == []


def test_the_command_that_gives_the_source_up_is_printed_whole() -> None:
    """S4-1: what protects the source, what is in it, and each thing that is lost."""
    kept = rollout(termination_protection=True)
    bare = rollout(
        **OPTIONS["created"], small_db=True, keep_data=False, termination_protection=False
    )
    stack = "prod-region-migration-source"

    assert move(kept, "retire").needs == ("--lift-protection",)
    assert set(move(bare, "retire").needs) == {
        f"--empty-buckets {SOURCE_BUCKET}",
        f"--allow-loss {stack}/Key:delete",
        f"--allow-loss {stack}/SourceBucket:delete",
        f"--allow-loss {stack}-data/Database:delete",
        f"--allow-loss {stack}-data/Secret:delete",
        "--allow-loss prod-region-migration-return-key/Key:delete",
    }


def test_what_can_be_asked_for_follows_the_settings() -> None:
    """O-15, O-18: a replica has no backups, and no password; the database that it becomes has."""

    def asked(**keys: Any) -> list[tuple[type, str]]:
        return [(type(each), each.target.region) for each in rollout(**keys).actions]

    source, target = (RestoreDrill, SOURCE), (RestoreDrill, TARGET)
    group, password = (LockDownDefaultGroup, TARGET), (ResetPassword, TARGET)

    assert asked() == [source, group]
    assert asked(promoted=True) == [source, target, group]
    assert asked(promoted=True, password_reset=True) == [source, target, password, group]
    assert asked(**OPTIONS["vpc_fallback"]) == [source]


def test_the_last_snapshot_outlives_its_region() -> None:
    """S4-10, O-14: it is copied under the key of the target's database."""
    final, copy = move(rollout(**OPTIONS["created"]), "retire").before

    assert isinstance(final, SnapshotDatabase)
    assert isinstance(copy, CopyDatabaseSnapshot)
    assert (copy.snapshot_id, copy.source_region) == (final.snapshot_id, final.target.region)
    assert (copy.target.region, str(copy.key_arn)) == (
        TARGET,
        "prod-region-migration-security.DatabaseKeyArn",
    )
