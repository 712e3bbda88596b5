"""The ledger: every token is on disk before it is sent, and no secret ever is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tapcfn import runs
from tapcfn.errors import TapcfnError
from tapcfn.events import OperationStarted, StackEnded
from tapcfn.ledger import FileLedger
from tapcfn.model import Ending
from tests.fakes import AWAY, HOME, FakeLedger, a_rollout, a_stack
from tests.fakes.world import World

SECRET = "hunter2-hunter2"


def a_ledger(folder: Path, run: str = "r1") -> FileLedger:
    return FileLedger(folder, run, {"command": "apply"})


def lines(path: Path) -> list[dict[str, Any]]:
    """Return what another process reads there now."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_note_is_on_disk_before_the_call_returns(tmp_path: Path) -> None:
    """The file is read back while the ledger is still in use."""
    ledger = a_ledger(tmp_path / "runs")

    ledger.intend("stage", a_stack(), "token-1")

    assert [
        {"kind": "run", "run": "r1", "command": "apply"},
        {
            "kind": "intend",
            "operation": "stage",
            "stack": "network",
            "account": "111111111111",
            "region": "us-east-1",
            "token": "token-1",
        },
    ] == lines(tmp_path / "runs" / "r1.ndjson")


def test_the_disk_knows_the_file_by_name_before_a_token_is_given_out(tmp_path: Path) -> None:
    """The line first, then each folder that may be new: a power cut takes no run away. (X-8)"""
    synced: list[Path] = []

    def sync(number: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{number}"))
        assert path.is_dir() or "token" in path.read_text()
        synced.append(path.relative_to(tmp_path))
        os.fsync(number)

    folder = tmp_path / ".tapcfn" / "runs"
    ledger = FileLedger(folder, "r1", {"command": "apply"}, sync=sync)
    ledger.intend("stage", a_stack(), "token-1")
    first, synced[:] = [str(each) for each in synced], []
    ledger.intend("execute", a_stack(), "token-2")

    assert [".tapcfn/runs/r1.ndjson", ".tapcfn/runs", ".tapcfn", "."] == first
    assert [Path(".tapcfn/runs/r1.ndjson")] == synced


def test_a_token_that_the_disk_did_not_take_is_not_given_out(tmp_path: Path) -> None:
    """Written is not kept: the disk may still refuse, here the name of the new file."""

    def sync(number: int) -> None:
        if Path(os.readlink(f"/proc/self/fd/{number}")).is_dir():
            raise OSError(5, "Input/output error")

    ledger = FileLedger(tmp_path / "runs", "r1", {"command": "apply"}, sync=sync)

    with pytest.raises(TapcfnError, match="Input/output error"):
        ledger.intend("execute", a_stack(), "token-1")

    assert not ledger.is_ours("token-1")
    with pytest.raises(TapcfnError, match="Input/output error"):
        ledger.intend("execute", a_stack(), "token-2")


def test_nothing_is_written_before_there_is_something_to_note(tmp_path: Path) -> None:
    """A command that only reads leaves no file and no folder."""
    a_ledger(tmp_path / "runs")

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [a_ledger, lambda _: FakeLedger()], ids=["file", "fake"])
def test_a_token_is_ours_once_noted_and_over_once_ended(make: Any, tmp_path: Path) -> None:
    """The fake keeps the same promises as the file."""
    ledger = make(tmp_path)

    before = (ledger.is_ours("t"), ledger.has_ended("t"))
    ledger.intend("stage", a_stack(), "t")
    noted = (ledger.is_ours("t"), ledger.has_ended("t"))
    ledger.ended("t")
    after = (ledger.is_ours("t"), ledger.has_ended("t"))

    assert ((False, False), (True, False), (True, True)) == (before, noted, after)


def test_an_end_is_noted_once(tmp_path: Path) -> None:
    """However often the same end is seen."""
    ledger = a_ledger(tmp_path)
    ledger.intend("execute", a_stack(), "t")

    ledger.ended("t")
    ledger.ended("t")

    assert ["run", "intend", "ended"] == [line["kind"] for line in lines(ledger.path)]


def test_the_next_run_knows_what_earlier_runs_have_sent(tmp_path: Path) -> None:
    """The process is gone, the tokens are not."""
    first = a_ledger(tmp_path, "r1")
    first.intend("execute", a_stack(), "sent")
    first.ended("sent")
    first.intend("execute", a_stack(), "moving")

    second = a_ledger(tmp_path, "r2")

    assert (True, True) == (second.is_ours("sent"), second.has_ended("sent"))
    assert (True, False) == (second.is_ours("moving"), second.has_ended("moving"))
    assert not second.is_ours("foreign")


@pytest.mark.parametrize(
    "torn",
    [
        b'{"kind": "intend", "tok',
        b"\xff\xfe\x00",
        b"[1, 2]\n",
        b"null",
        b'{"kind": "intend", "token": 7}\n',
        b'{"kind": "intend"}\n',
    ],
)
def test_a_torn_or_odd_line_is_passed_over(tmp_path: Path, torn: bytes) -> None:
    """A process that was killed while it wrote does no harm to the next. (X-8)"""
    ledger = a_ledger(tmp_path, "r1")
    ledger.intend("stage", a_stack(), "whole")
    with ledger.path.open("ab") as file:
        file.write(torn)

    assert a_ledger(tmp_path, "r2").is_ours("whole")


def test_a_note_after_a_torn_line_is_a_line_of_its_own(tmp_path: Path) -> None:
    """The disk was full for a moment; what is noted then can be read by the next run."""
    ledger = a_ledger(tmp_path, "r1")
    ledger.intend("stage", a_stack(), "whole")
    with ledger.path.open("ab") as file:
        file.write(b'{"kind": "int')
    ledger.intend("stage", a_stack(), "after")

    later = a_ledger(tmp_path, "r2")

    assert (True, True) == (later.is_ours("whole"), later.is_ours("after"))


def test_what_cannot_be_kept_is_not_sent(tmp_path: Path) -> None:
    """A write that fails is an error of ours, and the token is not taken for known."""
    (tmp_path / "runs").write_text("a file where the folder should be")
    ledger = a_ledger(tmp_path / "runs")

    with pytest.raises(TapcfnError, match=r"r1\.ndjson: cannot be written: ") as caught:
        ledger.intend("stage", a_stack(), "t")

    assert 1 == caught.value.exit_code
    assert not ledger.is_ours("t")


def test_a_full_disk_is_said_in_one_line() -> None:
    """/dev/full is a disk without room."""
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    ledger = a_ledger(Path("/nowhere"))
    ledger.path = Path("/dev/full")

    with pytest.raises(TapcfnError, match="/dev/full: cannot be written: No space left on device"):
        ledger.intend("stage", a_stack(), "t")


def test_a_ledger_that_cannot_be_read_stops_the_run(tmp_path: Path) -> None:
    """Without the tokens of earlier runs nobody knows what may be sent."""
    (tmp_path / "r0.ndjson").mkdir()

    with pytest.raises(TapcfnError, match=r"r0\.ndjson: cannot be read: Is a directory"):
        a_ledger(tmp_path)


def test_no_parameter_value_ever_stands_in_it(tmp_path: Path) -> None:
    """Tokens are digests; values and outputs, which may be secret, stay out."""
    world = World(FileLedger(tmp_path, "r1", {"command": "apply"}))
    rollout = a_rollout(
        a_stack("db", parameters={"Password": SECRET}, tags={"t": SECRET}), a_stack("two")
    )
    world.cloud.puts_out("db", Id=SECRET)

    world.apply(rollout)
    world.destroy(rollout)

    text = (tmp_path / "r1.ndjson").read_text(encoding="utf-8")
    assert {"stage", "execute", "delete"} == {
        line["operation"] for line in map(json.loads, text.splitlines()) if line["kind"] == "intend"
    }
    assert SECRET not in text


# Past runs ----------------------------------------------------------------------------------------


def test_a_run_says_how_it_was_called_how_each_stack_ended_and_how_it_ended(tmp_path: Path) -> None:
    """What `runs` shows is read back from the file; secrets of NoEcho parameters are masked."""
    about = {"command": "apply", "blueprint": "blue", "stage": "test", "words": ["apply", "blue"]}
    ledger = FileLedger(tmp_path, "r1", about, frozenset({SECRET}))
    ledger.begin()
    ledger.intend("execute", a_stack("two"), "t")
    ledger.tell(OperationStarted("one", HOME, "create", "t"))
    ledger.tell(StackEnded("one", HOME, Ending.FAILED, f"bad {SECRET}", "CREATE_FAILED", 12.34))
    ledger.close(1, 20.06, "now")

    (run,) = runs.read(tmp_path)

    assert ("r1", "apply", "blue", "test", 1, 20.1) == (
        *(run.name, run.command, run.blueprint, run.stage),
        *(run.exit_code, run.seconds),
    )
    assert ("apply", "blue") == run.words
    assert [
        ("one", "create", "failed", 12.3, "bad ***"),
        ("two", "execute", "", 0.0, ""),
    ] == [(s.stack, s.operation, s.ending, s.seconds, s.cause) for s in run.stacks]


def test_a_run_that_never_began_leaves_no_end(tmp_path: Path) -> None:
    """Commands that only look have no file."""
    ledger = a_ledger(tmp_path / "runs")

    ledger.close(0, 1.0, "now")

    assert not ledger.path.exists()


def test_runs_are_pruned_but_never_one_whose_operation_may_go_on(tmp_path: Path) -> None:
    """The last two hundred stay, and of the older ones those with a token that has not ended.

    A token that only staged keeps none: a change set is found by its name.
    """
    for number in range(202):
        operation = "stage" if number == 0 else "execute"
        noted = [{"kind": "intend", "operation": operation, "token": f"token-{number}"}]
        ended = [{"kind": "ended", "token": f"token-{number}"}] if number > 1 else []
        text = "".join(json.dumps(line) + "\n" for line in [*noted, *ended])
        (tmp_path / f"r{number:03}.ndjson").write_text(text)

    ledger = a_ledger(tmp_path, "r202")
    ledger.begin()

    names = sorted(path.stem for path in tmp_path.iterdir())
    assert ["r001", *(f"r{number:03}" for number in range(3, 203))] == names
    assert a_ledger(tmp_path, "r999").is_ours("token-1")


def test_a_file_that_is_gone_is_begun_anew(tmp_path: Path) -> None:
    """Somebody tidied up meanwhile: the next note stands in a whole file again. (X-8)"""
    ledger = a_ledger(tmp_path)
    ledger.intend("stage", a_stack(), "first")
    ledger.path.unlink()

    ledger.intend("execute", a_stack(), "second")

    assert ["run", "intend"] == [line["kind"] for line in lines(ledger.path)]
    assert ledger.is_ours("first")


def test_after_a_note_that_could_not_be_kept_no_token_is_given_out(tmp_path: Path) -> None:
    """Not even when there is room again: what follows may rely on what is missing. (X-8)"""
    ledger = a_ledger(tmp_path / "runs")
    (tmp_path / "runs").write_text("in the way")
    ledger.ended("t")
    (tmp_path / "runs").unlink()

    with pytest.raises(TapcfnError, match="cannot be written"):
        ledger.intend("stage", a_stack(), "u")

    assert "cannot be written" in ledger.fault
    assert ledger.has_ended("t")


@pytest.mark.parametrize("make", [a_ledger, lambda _: FakeLedger()], ids=["file", "fake"])
def test_durations_are_remembered_for_each_operation_on_each_stack(
    make: Any, tmp_path: Path
) -> None:
    """The fake keeps the same promises as the file."""
    ledger = make(tmp_path)
    ledger.took("create", a_stack("one"), 60.0)

    assert 60.0 == ledger.usually("create", a_stack("one"))
    assert ledger.usually("update", a_stack("one")) is None
    assert ledger.usually("create", a_stack("two")) is None


def test_a_later_run_knows_the_median_of_the_last_five(tmp_path: Path) -> None:
    """One odd time says nothing, and old times are forgotten; another Region has its own."""
    for number, seconds in enumerate([900.0, 10.0, 12.0, 500.0, 11.0, 13.0]):
        a_ledger(tmp_path, f"r{number}").took("create", a_stack(), seconds)

    later = a_ledger(tmp_path, "later")

    assert 12.0 == later.usually("create", a_stack())
    assert (10.0, 12.0, 500.0, 11.0, 13.0) == later.times("create", a_stack())
    assert later.usually("create", a_stack(target=AWAY)) is None


def test_a_later_run_knows_where_a_stage_was_deployed(tmp_path: Path) -> None:
    """What was only staged was never there; another stage's places are its own."""
    for stage, run in (("test", "r1"), ("prod", "r2")):
        about = {"blueprint": "blue", "stage": stage}
        ledger = FileLedger(tmp_path, run, about)
        ledger.intend("execute", a_stack(target=AWAY if stage == "test" else HOME), run)
    FileLedger(tmp_path, "r3", {"blueprint": "blue", "stage": "new"}).intend(
        "stage", a_stack(), "s"
    )

    later = FileLedger(tmp_path, "later", {})

    assert {AWAY} == later.places("blue", "test")
    assert {HOME} == later.places("blue", "prod")
    assert frozenset() == later.places("blue", "new")


def test_places_are_known_by_the_file_with_the_settings_too(tmp_path: Path) -> None:
    """Another file may mean another account."""
    about = {"blueprint": "blue", "stage": "test"}
    FileLedger(tmp_path, "r1", {**about, "source": "a.toml"}).intend("execute", a_stack(), "t1")
    FileLedger(tmp_path, "r2", about).intend("execute", a_stack(target=AWAY), "t2")

    later = FileLedger(tmp_path, "later", {})

    assert {HOME, AWAY} == later.places("blue", "test")
    assert {HOME} == later.places("blue", "test", "a.toml")
    assert {AWAY} == later.places("blue", "test", "")


FILE = {"blueprint": "blue", "stage": "test", "source": "blue/tapcfn.toml", "plain": True}


def made(folder: Path) -> dict[str, set[str]]:
    """Return what a later run knows to be deployed from the file, with the tokens."""
    known = FileLedger(folder, "later", {}).made("blue/tapcfn.toml", "test")
    return {f"{name}@{target.region}": set(tokens) for (target, name), tokens in known.items()}


def delete(ledger: FileLedger, name: str, ending: Ending) -> None:
    """Let a run delete a stack, well or badly."""
    ledger.tell(OperationStarted(name, HOME, "delete", "d"))
    ledger.tell(StackEnded(name, HOME, ending))


def test_a_later_run_knows_what_a_file_has_deployed(tmp_path: Path) -> None:
    """By the tokens that were sent; what was only staged, or from another file, is not its."""
    ledger = FileLedger(tmp_path, "r1", FILE)
    ledger.intend("execute", a_stack("one"), "t1")
    ledger.intend("execute", a_stack("far", target=AWAY), "t2")
    ledger.intend("stage", a_stack("never"), "t3")
    FileLedger(tmp_path, "r2", {**FILE, "source": "x/tapcfn.toml"}).intend(
        "execute", a_stack("others"), "t4"
    )
    FileLedger(tmp_path, "r3", {**FILE, "plain": False}).intend("execute", a_stack("tagged"), "t5")

    assert {"one@us-east-1": {"t1"}, "far@us-west-2": {"t2"}} == made(tmp_path)


@pytest.mark.parametrize("label", ["one", "one@us-east-1"])
def test_what_was_deleted_is_no_longer_a_files(tmp_path: Path, label: str) -> None:
    """As a stack of the rollout or as an orphan; a deletion that failed has deleted nothing."""
    ledger = FileLedger(tmp_path, "r1", FILE)
    ledger.intend("execute", a_stack("one"), "t1")
    delete(ledger, label, Ending.FAILED)
    assert {"one@us-east-1": {"t1"}} == made(tmp_path)

    delete(ledger, label, Ending.DONE)
    assert {} == made(tmp_path)
    ledger.intend("execute", a_stack("one"), "t2")
    assert {"one@us-east-1": {"t2"}} == made(tmp_path)


def test_a_run_that_alone_tells_of_a_stack_is_kept(tmp_path: Path) -> None:
    """However many runs come after it; those that tell nothing go."""
    first = FileLedger(tmp_path, "r000", FILE)
    first.intend("execute", a_stack("one"), "t1")
    first.ended("t1")
    for number in range(1, 203):
        (tmp_path / f"r{number:03}.ndjson").write_text('{"kind": "run", "stage": "test"}\n')

    FileLedger(tmp_path, "r999", FILE).begin()

    assert {"one@us-east-1": {"t1"}} == made(tmp_path)
    left = sorted(path.stem for path in tmp_path.glob("*.ndjson"))
    assert 201 == len(left)
    assert "r001" not in left


def test_change_sets_that_a_killed_run_left_are_known_by_their_tokens(tmp_path: Path) -> None:
    """Those of its own blueprint and stage, until they are known to be over. (X-5)"""
    about = {"command": "apply", "blueprint": "blue", "stage": "test"}
    killed = FileLedger(tmp_path, "r1", about)
    killed.intend("stage", a_stack("network"), "one")
    killed.intend("stage", a_stack("app", target=AWAY), "two")
    killed.intend("execute", a_stack("network"), "three")
    killed.ended("one")
    other = FileLedger(tmp_path, "r2", {**about, "stage": "prod"})
    other.intend("stage", a_stack("network"), "theirs")

    assert {"two": (AWAY, "app")} == FileLedger(tmp_path, "r3", about).staged("blue", "test")


def test_a_confirmed_move_has_not_passed_and_a_passed_one_stays_so(tmp_path: Path) -> None:
    """Somebody's word for a point of no return is kept, and is not the deed."""
    ledger = a_ledger(tmp_path, "r1")
    ledger.moved("shop", "prod", "retire", "confirmed")
    ledger.moved("shop", "prod", "sync", "passed")
    ledger.moved("shop", "prod", "sync", "confirmed")

    ledger.moved("shop", "prod", "shift", "begun")
    ledger.moved("shop", "prod", "watch", "begun")
    ledger.moved("shop", "prod", "watch", "back")

    assert a_ledger(tmp_path, "r2").passed("shop", "prod") == {"sync"}
    assert a_ledger(tmp_path, "r2").begun("shop", "prod") == {"shift"}
    assert '"confirmed"' in ledger.path.read_text()


def test_what_another_file_has_deployed_is_known_by_that_file(tmp_path: Path) -> None:
    """With its stage; what the asking file has deployed itself is not among it."""
    FileLedger(tmp_path, "r1", FILE).intend("execute", a_stack("mine"), "t1")
    other = {**FILE, "source": "x/tapcfn.toml", "stage": "live"}
    FileLedger(tmp_path, "r2", other).intend("execute", a_stack("theirs"), "t2")

    known = FileLedger(tmp_path, "later", {}).makers("blue/tapcfn.toml", "test")

    assert known == {(HOME, "theirs"): "x/tapcfn.toml of stage live"}
