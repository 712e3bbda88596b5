"""Life cycle of the local cloud: start, find, stop, reset, status.

The cloud runs in a process of its own and is found again through a record under `.tapcfn/local/`,
so that it outlives the command that started it. A record is believed only when the process behind
it answers with the token that it was started with. Needs nothing but the standard library.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tapcfn.errors import LocalCloudError
from tapcfn.local import record

DEFAULT_ACCOUNT = "000000000000"
DEFAULT_SPEED = 20.0
READY_SECONDS = 30.0
SETTLE_SECONDS = 60.0
TERM_SECONDS = 5.0
# The longest that a process may take to save what it holds.
SAVE_SECONDS = 120.0
NEEDED = ("ministack", "hypercorn", "boto3")
LOG_TAIL_LINES = 15

# Variables that would change what the emulator does; the local cloud behaves the same everywhere.
FOREIGN_PREFIXES = ("AWS_", "MINISTACK_", "LOCALSTACK_", "LAMBDA_", "DOCKER_")
FOREIGN_NAMES = frozenset(
    {"AUTH", "SERVICES", "USE_SSL", "EDGE_PORT", "PERSIST_STATE", "CLOUDTRAIL_RECORDING"}
)


@dataclass(frozen=True, slots=True)
class LocalCloud:
    """A local cloud that runs: where it answers, which process it is, where it keeps its state."""

    url: str
    pid: int
    state: Path


@dataclass(frozen=True, slots=True)
class Status:
    """What there is to say about the local cloud of one folder."""

    running: bool
    state: Path
    url: str = ""
    pid: int = 0
    speed: float | None = None
    seed: int = 0
    faults: int = 0
    faults_file: str = ""
    account: str = DEFAULT_ACCOUNT
    accounts: tuple[str, ...] = ()
    moving: int = 0
    supported: tuple[str, ...] = ()
    stored_only: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the status as plain JSON values."""
        port = int(self.url.rpartition(":")[2]) if self.url else 0
        return asdict(self) | {"state": str(self.state), "port": port}


def find(root: Path) -> LocalCloud | None:
    """Return the running local cloud of `root`, or None; never somebody else's server.

    Raises `LocalCloudError` if the process is there but does not answer.
    """
    home = record.home_of(root)
    known = record.read(home)
    if known is None or not record.is_ours(known):
        return None
    return LocalCloud(known.url, known.pid, home)


def start(
    root: Path,
    *,
    speed: float | None = None,
    port: int = 0,
    seed: int = 0,
    faults: str = "",
    faults_file: str = "",
) -> LocalCloud:
    """Return the running local cloud of `root`, starting one if there is none.

    `speed` divides the durations of resources (20: a minute takes three seconds; 0: nothing waits)
    and is also told to one that runs already. `port` 0 means the last port if it is free, else any.
    `seed` draws other durations, and `faults` is the text of a table of faults, from `faults_file`
    if it has one; they are for a cloud that is started here.
    """
    home = record.home_of(root)
    with record.alone(home):
        running = find(root)
        if running is None:
            told = {
                "TAPCFN_LOCAL_SPEED": repr(float(DEFAULT_SPEED if speed is None else speed)),
                "TAPCFN_LOCAL_SEED": str(seed),
                "TAPCFN_LOCAL_FAULTS": faults or os.environ.get("TAPCFN_LOCAL_FAULTS", ""),
                "TAPCFN_LOCAL_FAULTS_FILE": faults_file,
            }
            return _launch(home, told, port)
        if speed is not None:
            record.ask(running.url, "/_tapcfn/speed", {"speed": speed})
        return running


def stop(root: Path, *, settle: float = SETTLE_SECONDS) -> bool:
    """End the local cloud of `root`, and return whether one ran; what it holds is kept.

    Waits up to `settle` seconds for moving stacks, then sends SIGTERM, and five seconds after the
    process has saved what it holds SIGKILL to its group.
    """
    home = record.home_of(root)
    if not home.is_dir():
        return False
    with record.alone(home):
        running = find(root)
        if running is not None:
            record.wait_for_stacks(running.url, settle)
            _end(running.pid, home)
        record.forget(home)
        return running is not None


def reset(root: Path, *, settle: float = SETTLE_SECONDS) -> None:
    """Empty the local cloud of `root`, whether it runs or not."""
    home = record.home_of(root)
    if not home.is_dir():
        return
    with record.alone(home):
        running = find(root)
        if running is None:
            for folder in record.data_folders(home):
                shutil.rmtree(folder, ignore_errors=True)
            return
        record.wait_for_stacks(running.url, settle)
        record.ask(running.url, "/_tapcfn/reset", {})


def inject(root: Path, faults: str, faults_file: str = "") -> None:
    """Put a table of faults in force in the running cloud of `root`, in place of the last one.

    Raises `LocalCloudError` if none runs or the table is refused.
    """
    running = find(root)
    if running is None:
        raise LocalCloudError("the local cloud is not running")
    told = record.ask(running.url, "/_tapcfn/faults", {"table": faults, "file": faults_file})
    if "error" in told:
        raise LocalCloudError(str(told["error"]))


def add_zones(running: LocalCloud, zones: Mapping[str, Mapping[str, str]]) -> None:
    """Let there be hosted zones in a running cloud, by account: the id and the name of each."""
    record.ask(running.url, "/_tapcfn/zones", {"zones": zones})


def injected(root: Path) -> list[dict[str, Any]]:
    """Return the faults of a running cloud's table, each with how often it has been `done`."""
    running = find(root)
    told = record.ask(running.url, "/_tapcfn/faults") if running else {}
    return list(told.get("faults", ()))


def status(root: Path) -> Status:
    """Say what the local cloud of `root` is doing and what it can do."""
    running = find(root)
    if running is None:
        return Status(running=False, state=record.home_of(root))
    told = record.ask(running.url, "/_tapcfn/status")
    return Status(
        running=True,
        state=running.state,
        url=running.url,
        pid=running.pid,
        speed=told["speed"],
        seed=told["seed"],
        faults=told["faults"],
        faults_file=told["faults_file"],
        moving=told["moving"],
        accounts=tuple(told["accounts"]),
        supported=tuple(told["supported"]),
        stored_only=tuple(told["stored_only"]),
        notes=tuple(told["notes"]),
    )


# The process ------------------------------------------------------------------------------------


def _launch(home: Path, told: Mapping[str, str], port: int) -> LocalCloud:
    _require_extra()
    token = secrets.token_hex(16)
    with _listen(home, port) as listener:
        free = listener.getsockname()[1]
        child = _spawn(home, listener, {**_settings(home, free, token), **told})
    known = record.Record(child.pid, free, token)
    record.CHILDREN[child.pid] = child
    if not record.until(lambda: child.poll() is not None or record.is_up(known), READY_SECONDS):
        _end(child.pid, home)
    if child.poll() is not None:
        raise LocalCloudError(f"local cloud did not start; the end of {_log(home)}:\n{_tail(home)}")
    record.write(home, known)
    return LocalCloud(known.url, known.pid, home)


def _require_extra() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise LocalCloudError(
            f"the local cloud needs {', '.join(missing)}: pip install 'tapcfn[local]'"
        )


def _listen(home: Path, port: int) -> socket.socket:
    """Return a listening socket that the child inherits, so that nobody can take the port."""
    wanted = [port] if port else [_last_port(home), 0]
    for candidate in wanted:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((record.HOST, candidate))
            listener.listen(128)
            return listener
        except (OSError, OverflowError) as error:
            listener.close()
            if candidate == wanted[-1]:
                raise LocalCloudError(f"port {candidate} is not to be had: {error}") from error
    raise LocalCloudError("no port is to be had")


def _last_port(home: Path) -> int:
    try:
        return int((home / "port").read_text())
    except (OSError, ValueError):
        known = record.read(home)
        return known.port if known else 0


def _spawn(
    home: Path, listener: socket.socket, settings: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    handle = listener.fileno()
    environment = _clean_environment() | dict(settings) | {"TAPCFN_LOCAL_SOCKET": str(handle)}
    with open(_log(home), "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tapcfn.local"],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(handle,),
            start_new_session=True,
        )


def _clean_environment() -> dict[str, str]:
    """Return the environment without what would steer an AWS client or the emulator."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN_PREFIXES) and name not in FOREIGN_NAMES
    }
    here = str(Path(__file__).resolve().parents[2])
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (here, kept.get("PYTHONPATH", ""))))
    return kept


def _settings(home: Path, port: int, token: str) -> dict[str, str]:
    state, objects = record.data_folders(home)
    return {
        "TAPCFN_LOCAL_TOKEN": token,
        "TAPCFN_LOCAL_HOME": str(home),
        "BIND_HOST": record.HOST,
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(objects),
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        # It starts no containers, and leaves those of others alone.
        "DOCKER_HOST": f"unix://{home / 'no-docker.sock'}",
    }


def _log(home: Path) -> Path:
    return home / "server.log"


def _tail(home: Path) -> str:
    lines = _log(home).read_text(errors="replace").splitlines()
    return "\n".join(lines[-LOG_TAIL_LINES:])


def _end(pid: int, home: Path) -> None:
    """End one process: a polite word first, and its whole group if that is not heard.

    However long it takes to save, which is what comes first: the seconds count from then on.
    """
    record.saved_mark(home).unlink(missing_ok=True)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    record.until(lambda: not record.alive(pid) or record.saved_mark(home).exists(), SAVE_SECONDS)
    if not record.until(lambda: not record.alive(pid), TERM_SECONDS):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        record.until(lambda: not record.alive(pid), TERM_SECONDS)
    record.saved_mark(home).unlink(missing_ok=True)
    record.CHILDREN.pop(pid, None)
