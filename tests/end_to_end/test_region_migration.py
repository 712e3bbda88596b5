"""A Region is left, move by move: with real objects, gates that fail, and a way back."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Bench, Result
from tests.end_to_end.migration import (
    DATABASE,
    FIRST_WRITE,
    REPLICA,
    Migration,
    Others,
    Writer,
    moves,
    said,
)
from tests.templates.systems.region_migration import SOURCE, TARGET

OLD = {f"old/{number}": bytes([number]) * number for number in range(1, 8)}
LATE = {"late": b"late", "new": b"new"}
PROJECT = Path(__file__).parents[2]
PATIENCE = 120
UNTIL_THE_FIRST_WRITE = [
    *("backfill", "verify", "reverse", "freeze", "promote", "password", "dial-100"),
]

ALL = [*UNTIL_THE_FIRST_WRITE, "open", "watch", "single-group", "retire"]


@pytest.fixture
def migration(bench: Bench) -> Migration:
    """A migration whose source had objects before there was a rule."""
    made = Migration.begin(bench)
    made.settings(replicates=False)
    assert made.apply().code == 0
    for key, body in OLD.items():
        made.put(key, body)
    made.settings()
    return made


def nothing_to_do(migration: Migration) -> None:
    """Make sure that template and reality are equal where the migration stands."""
    whole(migration.bench.of("region_migration", "plan", "--detailed-exitcode"))


def whole(result: Result) -> None:
    """Make sure that a command did all of it."""
    assert result.code == 0, result.out[-3000:] + result.err


@pytest.mark.drill
def test_every_move_leads_back_until_the_first_write_and_none_after_it(
    migration: Migration,
) -> None:
    """S4-1, S4-6, S4-10, S4-16, S4-21: there, back to the first byte, and there for good."""
    whole(migration.apply())
    first = migration.state()
    assert migration.copies() == {}

    whole(gone := migration.until("dial-100"))
    assert [name for name, _, _ in moves(gone)] == UNTIL_THE_FIRST_WRITE
    assert migration.copies() == OLD
    _nobody_writes_and_the_target_is_asked(migration)

    whole(back := migration.apply("--back-to", "base"))
    assert [name for name, _, _ in moves(back)] == UNTIL_THE_FIRST_WRITE[::-1]
    assert migration.state() == first
    migration.put("late", b"late")

    whole(migration.until("open", *FIRST_WRITE))
    assert migration.copies() == OLD | {"late": b"late"}
    assert migration.read_only(REPLICA, TARGET) == "{TrueIfReplica}"
    migration.put("new", b"new", where="target")
    assert migration.objects("source") == migration.copies() == OLD | LATE
    refused = migration.apply("--back-to", "dial-100")
    assert (refused.code, "customers' rows are in the target alone" in said(refused)) == (4, True)

    whole(migration.until("retire"))
    _the_source_is_left(migration, OLD | LATE)


def _nobody_writes_and_the_target_is_asked(migration: Migration) -> None:
    database = migration.database()
    assert migration.dials() == {SOURCE: 0.0, TARGET: 100.0}
    assert (migration.read_only(), migration.read_only(REPLICA, TARGET)) == ("1", "1")
    assert not database.get("ReadReplicaSourceDBInstanceIdentifier")
    assert (database["BackupRetentionPeriod"], database["PreferredBackupWindow"]) == (
        7,
        "03:00-04:00",
    )


def _the_source_is_left(migration: Migration, copies: Mapping[str, bytes]) -> None:
    stacks = migration.client("cloudformation", SOURCE).describe_stacks()["Stacks"]
    snapshots = {
        (region, each["DBSnapshotIdentifier"])
        for region in (SOURCE, TARGET)
        for each in migration.client("rds", region).describe_db_snapshots()["DBSnapshots"]
    }

    assert stacks == []
    assert migration.dials() == {TARGET: 100.0}
    assert snapshots == {
        (SOURCE, "tap-stack-before-migration"),
        (SOURCE, "tap-stack-final-snapshot"),
        (TARGET, "tap-stack-after-migration"),
        (TARGET, "tap-stack-final-snapshot"),
    }
    assert migration.copies() == copies
    nothing_to_do(migration)


@pytest.mark.drill
def test_a_gate_that_fails_stops_there_and_a_freeze_ends_by_itself(migration: Migration) -> None:
    """S4-1, S4-6, S4-16: at each gate in turn; what nobody can write to thaws at once."""
    whole(migration.apply())
    whole(migration.until("backfill"))

    migration.client("s3").delete_object(Bucket=migration.bucket("target"), Key="old/3")
    missing = migration.until("verify")
    assert (missing.code, moves(missing)) == (1, [("verify", False, False)])
    assert "1 missing, the first old/3" in said(missing)
    migration.put("old/3", OLD["old/3"])

    migration.lag(-1)
    lagging = migration.until("verify")
    assert (lagging.code, moves(lagging)) == (1, [("verify", False, False)])
    assert "replica-keeps-up" in lagging.of_type("move.end")[0]["cause"]
    migration.lag(1)
    whole(migration.until("verify"))

    migration.pending(7)
    waiting = migration.until("reverse")
    assert (waiting.code, moves(waiting)) == (1, [("reverse", False, False)])
    migration.lag(1)
    whole(migration.until("reverse"))

    before = migration.state()
    drained = migration.until("promote")
    assert (drained.code, moves(drained)) == (1, [("freeze", False, False), ("freeze", True, True)])
    assert migration.state() == before
    migration.lag(0)
    whole(migration.until("freeze"))

    migration.lose("old/5")
    missing = migration.until("promote")
    assert (missing.code, "1 missing, the first old/5" in said(missing)) == (1, True)
    assert migration.database()["ReadReplicaSourceDBInstanceIdentifier"]
    migration.put("old/5", OLD["old/5"])
    whole(migration.until("password"))

    migration.alarms("ALARM")
    led = migration.until("dial-100")
    assert (led.code, moves(led)) == (1, [("dial-100", False, False), ("dial-100", True, True)])
    assert migration.dials() == {SOURCE: 100.0, TARGET: 0.0}
    migration.alarms("OK")
    whole(migration.until("open", *FIRST_WRITE))
    migration.alarms("ALARM")
    watched = migration.until("watch")
    assert (watched.code, moves(watched)) == (1, [("watch", False, False)])
    migration.alarms("OK")
    whole(migration.until("watch"))


def test_the_first_write_needs_its_name(bench: Bench) -> None:
    """S4-1: nobody is led past the point of no return by a word that means something else."""
    made = Migration.begin(bench)
    made.settings()

    refused = made.apply("--no-input", "--until", "watch")

    assert refused.code == 2
    assert "--confirm-point-of-no-return first-write-in-target" in said(refused)
    assert DATABASE not in refused.out


@pytest.mark.drill
def test_a_promotion_by_a_call_goes_around_the_stack(migration: Migration) -> None:
    """O-15: the stack lets the replica go, and takes the promoted database over; there and back."""
    migration.settings(more='promotion = "call"\n')
    whole(migration.apply())
    first = migration.state()

    whole(migration.until("detach"))
    replica = migration.database()
    assert replica["ReadReplicaSourceDBInstanceIdentifier"]
    whole(migration.apply("--back-to", "freeze"))
    assert migration.database()["DbiResourceId"] == replica["DbiResourceId"]

    whole(gone := migration.until("promote"))
    assert [name for name, _, _ in moves(gone)] == ["keep", "detach", "promote"]
    promoted = migration.database()
    assert not promoted.get("ReadReplicaSourceDBInstanceIdentifier")
    assert (promoted["DbiResourceId"], promoted["BackupRetentionPeriod"]) == (
        *(replica["DbiResourceId"], 7),
    )
    nothing_to_do(migration)

    whole(migration.apply("--back-to", "base"))
    assert migration.state() == first
    whole(migration.until("open", *FIRST_WRITE))
    whole(migration.until("retire"))
    _the_source_is_left(migration, OLD)


@pytest.mark.drill
def test_what_others_made_is_moved_and_left_as_it_was(bench: Bench) -> None:
    """S4-5, S4-9, S4-16: their rules and parameters, there and back; traffic in three steps."""
    made = Others.begin(bench)
    made.settings()
    for key, body in OLD.items():
        made.put(key, body)
    theirs = made.rules()
    whole(made.apply())
    first = made.state()
    assert (made.rules(), made.copies()) == (theirs, {})

    whole(gone := made.until("dial-50"))
    assert [name for name, _, _ in moves(gone)][:2] == ["put-rule", "backfill"]
    assert (made.dials(), made.copies()) == ({SOURCE: 50.0, TARGET: 50.0}, OLD)
    assert [each["ID"] for each in made.rules()["Rules"]] == ["logs", "MigrateEverything"]
    made.alarms("ALARM")
    led = made.until("dial-100")
    assert (led.code, moves(led)) == (1, [("dial-100", False, False), ("dial-100", True, True)])
    assert made.dials() == {SOURCE: 50.0, TARGET: 50.0}
    made.alarms("OK")

    whole(made.apply("--back-to", "base"))
    assert (made.state(), made.rules()) == (first, theirs)
    assert made.read_only() == "{TrueIfReplica}"

    whole(made.until("open", *FIRST_WRITE))
    made.put("new", b"new", where="target")
    assert made.objects("source")["new"] == b"new"
    whole(made.until("retire"))
    assert (made.rules(), made.read_only()) == (theirs, "1")
    assert made.client("cloudformation", SOURCE).describe_stacks()["Stacks"] == []
    assert made.objects("source") == made.copies() == OLD | {"new": b"new"}
    nothing_to_do(made)


# A process that dies, and a writer that does not wait ---------------------------------------------

# Which line of the ledger is the last, drawn once for each move.
_DRAW = random.Random(2026)
DEATHS = {move: [_DRAW.randint(1, 14) for _ in range(2)] for move in ALL}


@pytest.mark.drill
def test_a_process_that_is_killed_in_any_move_is_followed_by_one_that_ends_it(
    migration: Migration,
) -> None:
    """S4-1: kill -9 twice in each move; nothing is done twice, and nothing is left out."""
    whole(migration.apply())
    for move in ALL:
        for line in DEATHS[move]:
            killed(migration, line, "--until", move)
        whole(migration.until(move, *FIRST_WRITE))

    assert migration.jobs() == 1
    _the_source_is_left(migration, OLD)


@pytest.mark.drill
def test_a_way_back_that_is_killed_again_and_again_ends_where_it_began(
    migration: Migration,
) -> None:
    """S4-1, S4-10: also between the database that goes and the replica that comes.

    What the source said of writes is not what the engine says, nor what a thaw might.
    """
    whole(migration.apply())
    migration.say_read_only("{TrueIfReplica}")
    first = migration.state()
    whole(migration.until("dial-100"))
    for line in range(2, 40, 3):
        killed(migration, line, "--back-to", "base")
    whole(migration.apply("--back-to", "base"))

    assert migration.state() == first
    assert migration.read_only() == "{TrueIfReplica}"
    whole(migration.until("password"))


@pytest.mark.drill
def test_each_move_is_taken_back_to_the_very_state_before_it(migration: Migration) -> None:
    """S4-1: until the first write. The step before is found again after each, and after all."""
    whole(migration.apply())
    states = [migration.state()]
    for before, move in zip(["base", *UNTIL_THE_FIRST_WRITE], UNTIL_THE_FIRST_WRITE, strict=False):
        whole(migration.until(move))
        states.append(migration.state())
        whole(migration.apply("--back-to", before))
        assert states[-2] == migration.state(), move
        nothing_to_do(migration)
        whole(migration.until(move))
        assert states[-1] == migration.state(), move
    for number in range(len(UNTIL_THE_FIRST_WRITE) - 1, -1, -1):
        for line in (3, 7):
            killed(migration, line, "--back-to", ["base", *UNTIL_THE_FIRST_WRITE][number])
        whole(migration.apply("--back-to", ["base", *UNTIL_THE_FIRST_WRITE][number]))
        assert states[number] == migration.state(), number


def killed(migration: Migration, line: int, *words: str) -> None:
    """Lead it on by a process that dies at a line of its ledger, if it writes so many."""
    dies = [sys.executable, "-m", "tests.drills.killed", "note-after", str(line), "apply"]
    subprocess.run(
        [*dies, "region_migration", "--settings", str(migration.bench.file), *words],
        cwd=migration.bench.root,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        timeout=PATIENCE,
    )


@pytest.mark.drill
def test_a_writer_loses_nothing_that_was_acknowledged(migration: Migration) -> None:
    """S4-1, S4-6: it writes all the time, to whichever side takes writes; all of it arrives."""
    whole(migration.apply())
    with Writer(migration) as writer:
        for move in ALL[:-1]:
            whole(migration.until(move, *FIRST_WRITE))
            nothing_to_do(migration)
    written = dict(writer.acknowledged)

    assert not writer.faults
    assert {where for where, _ in written.values()} == {"source", "target"}
    assert migration.copies() == OLD | {key: body for key, (_, body) in written.items()}
