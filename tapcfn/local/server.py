"""Life cycle of the local cloud: start, find, stop, reset, status.

The cloud runs in a process of its own and is found again through a record under `.tapcfn/local/`,
so that it outlives the command that started it. A record is believed only when the process behind
it answers with the token that it was started with. Needs nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import http.client
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tapcfn.errors import LocalCloudError

HOST = "127.0.0.1"
DEFAULT_ACCOUNT = "000000000000"
DEFAULT_SPEED = 20.0
READY_SECONDS = 30.0
ANSWER_SECONDS = 5.0
SETTLE_SECONDS = 60.0
TERM_SECONDS = 5.0
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
    accounts: tuple[str, ...] = ()
    moving: int = 0
    supported: tuple[str, ...] = ()
    stored_only: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the status as plain JSON values."""
        return asdict(self) | {"state": str(self.state)}


@dataclass(frozen=True, slots=True)
class _Record:
    """What `start` wrote down about the process that it started."""

    pid: int
    port: int
    token: str

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


def home_of(root: Path) -> Path:
    """Return the folder in which the local cloud of `root` keeps everything."""
    return Path(root).resolve() / ".tapcfn" / "local"


def find(root: Path) -> LocalCloud | None:
    """Return the running local cloud of `root`, or None; never somebody else's server.

    Raises `LocalCloudError` if the process is there but does not answer.
    """
    home = home_of(root)
    record = _read(home)
    if record is None or not _is_ours(record):
        return None
    return LocalCloud(record.url, record.pid, home)


def start(root: Path, *, speed: float | None = None, port: int = 0) -> LocalCloud:
    """Return the running local cloud of `root`, starting one if there is none.

    `speed` divides the durations of resources (20: a minute takes three seconds; 0: nothing waits)
    and is also told to one that runs already. `port` 0 means the last port if it is free, else any.
    """
    home = home_of(root)
    with _alone(home):
        running = find(root)
        if running is None:
            return _launch(home, DEFAULT_SPEED if speed is None else speed, port)
        if speed is not None:
            _ask(running.url, "/_tapcfn/speed", {"speed": speed})
        return running


def stop(root: Path, *, settle: float = SETTLE_SECONDS) -> bool:
    """End the local cloud of `root`, and return whether one ran; what it holds is kept.

    Waits up to `settle` seconds for moving stacks, then sends SIGTERM, and five seconds later
    SIGKILL to its process group.
    """
    home = home_of(root)
    if not home.is_dir():
        return False
    with _alone(home):
        record = _read(home)
        if record is None or not _is_ours(record):
            _record_file(home).unlink(missing_ok=True)
            return False
        _wait_for_stacks(record.url, settle)
        _end(record.pid)
        _forget(home)
        return True


def reset(root: Path, *, settle: float = SETTLE_SECONDS) -> None:
    """Empty the local cloud of `root`, whether it runs or not."""
    home = home_of(root)
    if not home.is_dir():
        return
    with _alone(home):
        running = find(root)
        if running is None:
            for folder in _data_folders(home):
                shutil.rmtree(folder, ignore_errors=True)
            return
        _wait_for_stacks(running.url, settle)
        _ask(running.url, "/_tapcfn/reset", {})


def status(root: Path) -> Status:
    """Say what the local cloud of `root` is doing and what it can do."""
    running = find(root)
    if running is None:
        return Status(running=False, state=home_of(root))
    told = _ask(running.url, "/_tapcfn/status")
    return Status(
        running=True,
        state=running.state,
        url=running.url,
        pid=running.pid,
        speed=told["speed"],
        moving=told["moving"],
        accounts=tuple(told["accounts"]),
        supported=tuple(told["supported"]),
        stored_only=tuple(told["stored_only"]),
        notes=tuple(told["notes"]),
    )


# The record -------------------------------------------------------------------------------------


def _record_file(home: Path) -> Path:
    return home / "server.json"


def _read(home: Path) -> _Record | None:
    try:
        told = json.loads(_record_file(home).read_text())
        return _Record(int(told["pid"]), int(told["port"]), str(told["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(home: Path, record: _Record) -> None:
    """Write the record so that nobody ever reads half of it, readable by its owner alone."""
    draft = _record_file(home).with_suffix(".new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(record), file)
    draft.replace(_record_file(home))


def _forget(home: Path) -> None:
    """Drop the record but remember the port, so that the next start answers at the same URL."""
    record = _read(home)
    if record is not None:
        (home / "port").write_text(str(record.port))
    _record_file(home).unlink(missing_ok=True)


def _data_folders(home: Path) -> tuple[Path, Path]:
    return home / "state", home / "s3"


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let one command at a time start, stop or reset the cloud of one folder."""
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitignore").write_text("*\n")
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# Talking to it ----------------------------------------------------------------------------------


def _ask(url: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Call a private endpoint of the local cloud; POST if there is a body."""
    try:
        return _call(url, path, body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LocalCloudError(f"local cloud at {url}: no answer to {path} ({error})") from error


def _call(url: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Speak HTTP directly, so that no proxy of the environment comes between."""
    port = int(url.rpartition(":")[2])
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    with closing(connection):
        text = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, text)
        return dict(json.load(connection.getresponse()))


def _is_ours(record: _Record) -> bool:
    """Ask the process whether it is the one that the record speaks of.

    Silence is no answer: to start a second one on the same state would ruin it.
    """
    if not _alive(record.pid):
        return False
    try:
        told = _call(record.url, "/_tapcfn/identity")
    except TimeoutError as error:
        raise LocalCloudError(
            f"local cloud at {record.url}: process {record.pid} does not answer"
        ) from error
    except (OSError, http.client.HTTPException, ValueError):
        return False
    return told.get("pid") == record.pid and told.get("token") == record.token


def _is_up(record: _Record) -> bool:
    """Tell whether a process that was just started answers."""
    with suppress(LocalCloudError):
        return _is_ours(record)
    return False


def _wait_for_stacks(url: str, seconds: float) -> None:
    """Wait until no stack moves, at most so long."""
    with suppress(LocalCloudError):
        _until(lambda: _ask(url, "/_tapcfn/status")["moving"] == 0, seconds)


def _until(true: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Wait until something is true, and return whether it became so in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


# The process ------------------------------------------------------------------------------------

# Children of this very process, so that an ended one is reaped and does not look alive.
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


def _launch(home: Path, speed: float, port: int) -> LocalCloud:
    _require_extra()
    token = secrets.token_hex(16)
    with _listen(home, port) as listener:
        record_port = listener.getsockname()[1]
        child = _spawn(home, listener, _settings(home, record_port, speed, token))
    record = _Record(child.pid, record_port, token)
    _CHILDREN[child.pid] = child
    if not _until(lambda: child.poll() is not None or _is_up(record), READY_SECONDS):
        _end(child.pid)
    if child.poll() is not None:
        raise LocalCloudError(f"local cloud did not start; the end of {_log(home)}:\n{_tail(home)}")
    _write(home, record)
    return LocalCloud(record.url, record.pid, home)


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
            listener.bind((HOST, candidate))
            listener.listen(128)
            return listener
        except OSError as error:
            listener.close()
            if candidate == wanted[-1]:
                raise LocalCloudError(f"port {candidate} is not to be had: {error}") from error
    raise LocalCloudError("no port is to be had")


def _last_port(home: Path) -> int:
    try:
        return int((home / "port").read_text())
    except (OSError, ValueError):
        record = _read(home)
        return record.port if record else 0


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


def _settings(home: Path, port: int, speed: float, token: str) -> dict[str, str]:
    state, objects = _data_folders(home)
    return {
        "TAPCFN_LOCAL_TOKEN": token,
        "TAPCFN_LOCAL_SPEED": repr(float(speed)),
        "BIND_HOST": HOST,
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


def _alive(pid: int) -> bool:
    child = _CHILDREN.get(pid)
    if child is not None:
        return child.poll() is None
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _end(pid: int) -> None:
    """End one process: a polite word first, and its whole group if that is not heard."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if not _until(lambda: not _alive(pid), TERM_SECONDS):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        _until(lambda: not _alive(pid), TERM_SECONDS)
    _CHILDREN.pop(pid, None)
