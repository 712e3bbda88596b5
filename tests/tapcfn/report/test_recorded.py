"""A run read back from its lines, whoever kept them."""

from __future__ import annotations

from tapcfn.events import Diagnosed, InstanceMoved, InstancesMoved, RunStarted, Summarised
from tapcfn.report.recorded import Recorded, recorded
from tapcfn.report.stream import Stream
from tests.fakes import AWAY, HOME

TS = "2026-01-02T03:04:05.678Z"
MOVED = InstancesMoved(
    tuple(InstanceMoved("set", each, "op", "CURRENT", "SUCCEEDED") for each in (HOME, AWAY))
)


def lines(run: str = "r1") -> list[str]:
    stream = Stream(run)
    events = (RunStarted("apply", None, (), "b", "s"), MOVED, Summarised("ok", 0))
    return [line for event in events for line in stream.lines(event, TS)]


def read(*texts: str) -> Recorded:
    found = recorded(texts)
    assert found is not None
    return found


def test_a_stream_is_read_back_whole() -> None:
    """Every instance of a crowd has a line and a number of its own."""
    found = read(*lines())

    assert "r1" == found.run
    assert ["run.start", "instance.status", "instance.status", "summary"] == [
        line["type"] for line in found.lines
    ]
    assert ("b", 0) == (found.start["blueprint"], found.summary["exit_code"])


def test_the_log_of_a_ci_job_will_do() -> None:
    """With the time in front, other words between, colours behind, and one step told twice."""
    log = [f"2026-01-02T03:04:05.1234567Z {line}\x1b[0m\r" for line in lines()]

    assert read(*lines()).lines == read("Run tapcfn", *log, "Error: 1", log[1]).lines


def test_of_several_runs_the_last_counts() -> None:
    assert "r2" == read(*lines("r1"), *lines("r2")).run


def test_what_is_torn_or_no_line_is_passed_over() -> None:
    """The process was killed while it wrote; what it had said before stands."""
    first, second, *_ = lines()
    found = read(first, second[: len(second) // 2], '{"v":1,"seq":"x"}', '{"v":2}', "{", "null")

    assert (1, {}) == (len(found.lines), found.summary)


def test_a_line_without_what_is_always_there_is_passed_over() -> None:
    """Somebody's filter has left out fields: the rest of the run can still be shown."""
    first, *rest = lines()
    cut = '{"v":1,"seq":0,"ts":"t","run":"r1","type":"plan.unit","unit":"a"}'

    assert len(read(first, *rest).lines) - 1 == len(read(cut, *rest).lines)


def test_a_text_without_lines_is_no_run() -> None:
    assert recorded(["hello", '{"v":1}']) is None
    assert recorded([]) is None


def test_an_unknown_type_is_kept_for_who_knows_it() -> None:
    stream = Stream("r1")
    told = [*stream.lines(Diagnosed("info", "m"), TS)]
    new = '{"v":1,"seq":1,"ts":"t","run":"r1","type":"new.type","x":1}'

    assert ["diagnostic", "new.type"] == [line["type"] for line in read(*told, new).lines]
