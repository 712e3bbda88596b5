"""URLs on this machine, commands and people: what gates ask of others than AWS."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tapcfn.errors import BlockedError, UsageError
from tapcfn.gates import Reading
from tapcfn.model import (
    AlarmCheck,
    ApprovalCheck,
    Check,
    CommandCheck,
    Comparison,
    Gate,
    HealthCheck,
    MetricCheck,
    ProbeCheck,
    TargetHealthCheck,
)
from tapcfn.probing import Approve, Looks, probe, run
from tests.fakes import HOME
from tests.local_cloud import until

METRIC = MetricCheck(HOME, "AWS/RDS", "ReplicaLag", (), "Maximum", Comparison.AT_MOST, 0.0)


class NoCloud:
    """An AWS that says only which question was asked."""

    def alarms(self, check: AlarmCheck) -> Reading:
        raise LookupError("alarms", check)

    def metric(self, check: MetricCheck, seconds: float) -> Reading:
        raise LookupError("metric", check, seconds)

    def health_check(self, check: HealthCheck) -> Reading:
        raise LookupError("health_check", check)

    def target_health(self, check: TargetHealthCheck) -> Reading:
        raise LookupError("target_health", check)


def told(reading: Reading) -> tuple[bool | None, object, str]:
    """Return the one sample of a reading, taken now."""
    (sample,) = reading.samples
    assert (sample.at, sample.covers, reading.whole) == (0.0, 0.0, False)
    return sample.good, sample.value, sample.text


# URLs ---------------------------------------------------------------------------------------------


class _Site(BaseHTTPRequestHandler):
    """Answers with the status that its path names; /slow waits, /garbage is no HTTP."""

    def do_GET(self) -> None:
        if self.path == "/slow":
            self.server.let_go.wait(5)  # type: ignore[attr-defined]
        if self.path == "/garbage":
            self.wfile.write(b"nonsense\r\n\r\n")
            return
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(int(self.path[1:]) if self.path[1:].isdigit() else 200)
        if self.path == "/302":
            self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Site)
        self.asked: list[str] = []
        self.let_go = threading.Event()

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.let_go.set()
        made.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "wanted", "answer"),
    [
        ("200", (200,), (True, 200.0, "answered 200 OK")),
        ("204", (200, 204), (True, 204.0, "answered 204 No Content")),
        ("204", (200,), (False, 204.0, "answered 204 No Content, not 200")),
        ("503", (200, 204), (False, 503.0, "answered 503 Service Unavailable, not 200, 204")),
        ("404", (404,), (True, 404.0, "answered 404 Not Found")),
        ("302", (302,), (True, 302.0, "answered 302 Found")),  # not followed
        ("302", (200,), (False, 302.0, "answered 302 Found, not 200")),
    ],
)
def test_a_url_must_answer_with_a_status_that_is_wanted(
    site: Site, path: str, wanted: tuple[int, ...], answer: tuple[bool, float, str]
) -> None:
    """Its own: an answer that points elsewhere is the answer."""
    assert answer == told(probe(ProbeCheck(site.at(path), wanted), proxies=False))
    assert [f"/{path}"] == site.asked


@pytest.mark.parametrize("path", ["slow", "garbage"])
def test_no_answer_is_bad(site: Site, path: str) -> None:
    """One that does not come in time, and one that is none."""
    good, value, text = told(probe(ProbeCheck(site.at(path), seconds=0.1), proxies=False))

    assert (False, None) == (good, value)
    assert text.startswith("no answer: ")


def test_nobody_at_the_door_is_bad() -> None:
    """Nothing listens there any more."""
    with Site() as gone:
        url = gone.at("200")

    assert (False, None) == told(probe(ProbeCheck(url), proxies=False))[:2]


def test_a_local_stage_probes_this_machine_only(site: Site) -> None:
    """And without a proxy; what would leave it is refused, first of all before anything starts."""
    looks = Looks(NoCloud(), at_home=True)
    away = Gate("smoke", ProbeCheck("https://shop.example.com/health"))
    near = Gate("smoke", ProbeCheck(site.at("200")))

    assert told(looks.read(near, 0.0))[0] is True
    looks.make_sure([near])
    for refused in (lambda: looks.make_sure([near, away]), lambda: looks.read(away, 0.0)):
        with pytest.raises(BlockedError, match=r"shop.example.com: not on this machine"):
            refused()
    Looks(NoCloud()).make_sure([away])


def test_a_file_is_no_url() -> None:
    """A gate reads nothing off the disk."""
    with pytest.raises(UsageError, match="http and https only"):
        probe(ProbeCheck("file:///etc/passwd"))


# Commands -----------------------------------------------------------------------------------------


def python(code: str, seconds: float = 10.0) -> CommandCheck:
    return CommandCheck((sys.executable, "-c", code), seconds)


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("print('all well')", (True, 0.0, "exit code 0: all well")),
        ("", (True, 0.0, "exit code 0")),
        ("import sys; sys.exit('down')", (False, 1.0, "exit code 1: down")),
        ("raise SystemExit(3)", (False, 3.0, "exit code 3")),
        ("import os; os.kill(os.getpid(), 9)", (False, -9.0, "exit code -9")),
    ],
)
def test_a_command_must_exit_with_0(code: str, answer: tuple[bool, float, str]) -> None:
    """What it prints, on either stream, is shown."""
    assert answer == told(run(python(code)))


def test_only_the_end_of_the_output_is_kept() -> None:
    """However much there is."""
    text = told(run(python("print('x' * 100_000 + 'end')")))[2]

    assert text.endswith("xend")
    assert len(text) < 600


def test_a_command_has_no_shell_and_no_input() -> None:
    """Its words are its own, whatever is in them."""
    code = "import sys; print(sys.argv[1:], repr(sys.stdin.read()))"
    words = (sys.executable, "-c", code, "$HOME; echo *")

    assert "exit code 0: ['$HOME; echo *'] ''" == told(run(CommandCheck(words)))[2]


def test_a_command_that_takes_too_long_is_ended() -> None:
    """And that is bad."""
    assert (False, None, "took longer than 0.2 s") == told(
        run(python("import time; time.sleep(60)", 0.2))
    )


def test_an_interrupt_ends_a_command_with_what_it_started(tmp_path: Path) -> None:
    """A minute is too long to wait for, and nothing may go on. (X-35)"""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    script = f"(echo up; exec sleep 60) > {pipe} & wait"

    run(CommandCheck(("sh", "-c", script), 60.0), interrupted=lambda: _said(end) == b"up\n")

    assert b"" == until(lambda: (said := _said(end)) is not None and [said])[0]
    os.close(end)


def _said(end: int) -> bytes | None:
    """Return what came through a pipe: nothing once nobody has it open, None while all is quiet."""
    try:
        return os.read(end, 10)
    except BlockingIOError:
        return None


def test_a_command_that_is_not_there_is_bad() -> None:
    """And says so."""
    good, value, text = told(run(CommandCheck(("/nowhere/smoke.sh",))))

    assert (False, None) == (good, value)
    assert text.startswith("cannot be run: ")


def test_secrets_in_the_output_are_masked() -> None:
    """What a command prints may end in files and streams."""
    looks = Looks(NoCloud(), secrets=frozenset({"hunter2"}))
    gate = Gate("smoke", python("print('password hunter2'); raise SystemExit(1)"))

    assert (False, 1.0, "exit code 1: password ***") == told(looks.read(gate, 0.0))


# People -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("approve", "answer"),
    [(lambda _: True, (True, "yes", "approved")), (lambda _: False, (False, "no", "declined"))],
)
def test_a_person_is_asked(approve: Approve, answer: tuple[bool, str, str]) -> None:
    """And the answer is a sample."""
    gate = Gate("go", ApprovalCheck("go on?"))
    looks = Looks(NoCloud(), approve=approve)

    looks.make_sure([gate])
    assert answer == told(looks.read(gate, 0.0))


def test_a_question_that_was_answered_before_is_not_asked() -> None:
    """By the gate's name: a pipeline cannot be asked, and who approved of it has been."""
    gate, other = Gate("go", ApprovalCheck("go on?")), Gate("stay", ApprovalCheck("stay?"))
    looks = Looks(NoCloud(), approved=frozenset({"go"}))

    looks.make_sure([gate])
    (sample,) = looks.read(gate, 0.0).samples

    assert (sample.good, sample.text) == (True, "approved beforehand")
    with pytest.raises(UsageError, match="gate stay: an answer is needed; .* --approve stay"):
        looks.make_sure([gate, other])


def test_where_nobody_can_be_asked_nothing_starts() -> None:
    """An answer that is needed and cannot come is a fault of usage: exit 2."""
    gates = [Gate("errors", AlarmCheck(HOME, ("errors",))), Gate("go", ApprovalCheck("go on?"))]

    with pytest.raises(UsageError, match="gate go: an answer is needed"):
        Looks(NoCloud()).make_sure(gates)


# AWS ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "asked"),
    [
        (AlarmCheck(HOME, ("a",)), ("alarms",)),
        (METRIC, ("metric", 50.0)),
        (HealthCheck(HOME, "h"), ("health_check",)),
        (TargetHealthCheck(HOME, "arn"), ("target_health",)),
    ],
)
def test_each_check_of_aws_has_a_reading(check: Check, asked: tuple[object, ...]) -> None:
    """A metric is read for as long as the gate is open."""
    with pytest.raises(LookupError) as caught:
        Looks(NoCloud()).read(Gate("g", check), 50.0)

    assert (asked[0], check, *asked[1:]) == caught.value.args


def test_a_metric_is_not_read_for_longer_than_the_gate_looks_back() -> None:
    """Its hold, what may be missing of it, and two periods: not the hours that it was open."""
    with pytest.raises(LookupError) as caught:
        Looks(NoCloud()).read(Gate("g", METRIC, hold=300.0), 86_400.0)

    assert 300.0 + 180.0 + 120.0 == caught.value.args[2]
