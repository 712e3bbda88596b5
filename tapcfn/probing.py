"""What gates ask of others than AWS: a URL, a command of the user's, a person."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any, TypeAlias
from urllib.parse import urlsplit

from tapcfn.aws.session import is_loopback
from tapcfn.errors import BlockedError, UsageError
from tapcfn.gates import GateCloud, Reading, Sample
from tapcfn.holding import MEASURED
from tapcfn.model import (
    AlarmCheck,
    ApprovalCheck,
    CommandCheck,
    Gate,
    HealthCheck,
    MetricCheck,
    ProbeCheck,
    TargetHealthCheck,
)
from tapcfn.secret import masked

# Asks a person, and returns whether the answer is yes.
Approve: TypeAlias = Callable[[str], bool]

# Seconds between two looks at a command, so that an interrupt is heeded.
_SLICE = 0.05

# How much of a command's output a sample keeps: its last bytes.
_TAIL = 500


@dataclass(frozen=True, slots=True)
class Looks:
    """Reads the check of any gate.

    `at_home` is for a stage on the local cloud: nothing leaves this machine then. Nobody can be
    asked where `approve` is None, but for the gates that are `approved` by name. What a command
    prints is told without the `secrets`. A rehearsal asks nobody but its own cloud: commands, URLs
    and people are taken for good.
    """

    cloud: GateCloud
    at_home: bool = False
    approve: Approve | None = None
    interrupted: Callable[[], bool] = lambda: False
    secrets: frozenset[str] = frozenset()
    rehearsed: bool = False
    approved: frozenset[str] = frozenset()

    def make_sure(self, gates: Iterable[Gate]) -> None:
        """Refuse, before anything starts, the gates that could never be read.

        Raises `UsageError` where somebody must answer and nobody can be asked, and `BlockedError`
        for a probe that would leave this machine.
        """
        if self.rehearsed:
            return
        for gate in gates:
            if isinstance(gate.check, ApprovalCheck) and not self._has_answer(gate):
                raise UsageError(
                    f"gate {gate.name}: an answer is needed; run it where a person can answer, or "
                    f"give --approve {gate.name}"
                )
            if isinstance(gate.check, ProbeCheck) and isinstance(gate.check.url, str):
                self._stay_home(gate.check)

    def read(self, gate: Gate, seconds: float) -> Reading:
        """Take one look. `seconds` is how long the gate has been open.

        Raises `CloudError` where AWS gives no answer.
        """
        if self.rehearsed and not isinstance(gate.check, MEASURED):
            return _one(True, "not asked", "a rehearsal asks nobody")
        match gate.check:
            case ProbeCheck() as check:
                self._stay_home(check)
                return probe(check, proxies=not self.at_home)
            case CommandCheck() as check:
                return self._masked(run(check, self.interrupted))
            case ApprovalCheck(question=question):
                return self._asked(gate, question)
            case MetricCheck() as check:
                window = min(seconds, gate.hold + gate.stale_after + 2 * check.period)
                return self.cloud.metric(check, window)
            case check:
                return self._state(check)

    def _state(self, check: AlarmCheck | HealthCheck | TargetHealthCheck) -> Reading:
        match check:
            case AlarmCheck():
                return self.cloud.alarms(check)
            case HealthCheck():
                return self.cloud.health_check(check)
            case TargetHealthCheck():
                return self.cloud.target_health(check)

    def _stay_home(self, check: ProbeCheck) -> None:
        url = str(check.url)
        if self.at_home and not is_loopback(url):
            raise BlockedError(
                f"{urlsplit(url).hostname}: not on this machine; a stage on the local cloud "
                "probes 127.0.0.1, ::1 and localhost only"
            )

    def _has_answer(self, gate: Gate) -> bool:
        return self.approve is not None or gate.name in self.approved

    def _asked(self, gate: Gate, question: str) -> Reading:
        if gate.name in self.approved:
            return _one(True, "yes", "approved beforehand")
        if self.approve is None:
            raise UsageError(f"an answer is needed: {question}")
        yes = self.approve(question)
        return _one(yes, "yes" if yes else "no", "approved" if yes else "declined")

    def _masked(self, reading: Reading) -> Reading:
        (sample,) = reading.samples
        text = masked(sample.text, self.secrets)
        return _one(sample.good is True, sample.value, text)


def _one(good: bool, value: float | str | None, text: str) -> Reading:
    """Return a reading of this moment."""
    return Reading((Sample(0.0, good, value, text),))


# URLs ---------------------------------------------------------------------------------------------


class _Here(urllib.request.HTTPRedirectHandler):
    """Takes an answer that points elsewhere as the answer."""

    def redirect_request(self, *_: Any) -> None:
        return None


def probe(check: ProbeCheck, *, proxies: bool = True) -> Reading:
    """Ask a URL once; no answer is as bad as a wrong one. Redirects are not followed.

    `seconds` bounds each wait for the other side, not the look-up of its name.
    """
    url = str(check.url)
    if urlsplit(url).scheme not in {"http", "https"}:
        raise UsageError(f'"{url}": a gate can probe http and https only')
    handlers: list[urllib.request.BaseHandler] = [_Here()]
    if not proxies:
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(url, timeout=check.seconds) as answer:
            return _answered(check, answer.status, answer.reason)
    except urllib.error.HTTPError as answer:
        with answer:
            return _answered(check, answer.code, answer.reason)
    except urllib.error.URLError as error:
        return _one(False, None, f"no answer: {error.reason}")
    except (OSError, ssl.SSLError, http.client.HTTPException) as error:
        return _one(False, None, f"no answer: {error or type(error).__name__}")


def _answered(check: ProbeCheck, status: int, reason: str) -> Reading:
    wanted = ", ".join(map(str, check.status))
    good = status in check.status
    text = f"answered {status} {reason}".rstrip()
    return _one(good, float(status), text if good else f"{text}, not {wanted}")


# Commands -----------------------------------------------------------------------------------------


def run(check: CommandCheck, interrupted: Callable[[], bool] = lambda: False) -> Reading:
    """Run a command once, without a shell and without input; keep the end of what it prints.

    One that takes too long is ended with all that it has started.
    """
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own words, and no shell
                check.words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return _one(False, None, f"cannot be run: {error}")
        code = _ended(process, check.seconds, interrupted)
        said = _tail(output)
    how = f"took longer than {check.seconds:g} s" if code is None else f"exit code {code}"
    return _one(code == 0, None if code is None else float(code), f"{how}: {said}" if said else how)


def _ended(
    process: subprocess.Popen[bytes], seconds: float, interrupted: Callable[[], bool]
) -> int | None:
    """Return the exit code, or None where the command had to be ended."""
    limit = time.monotonic() + seconds
    while True:
        try:
            return process.wait(_SLICE)
        except subprocess.TimeoutExpired:
            if time.monotonic() < limit and not interrupted():
                continue
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it has just ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def _tail(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(size - _TAIL, 0))
    return output.read().decode("utf-8", errors="replace").strip()
