"""What is known of the local cloud that runs for a folder, and how to speak to its process.

`start` writes a record; whoever reads it asks the process behind it for the token of the record
before believing it. Needs nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tapcfn.errors import LocalCloudError

HOST = "127.0.0.1"
ANSWER_SECONDS = 5.0

# Children of this very process, so that an ended one is reaped and does not look alive.
CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Record:
    """What `start` wrote down about the process that it started."""

    pid: int
    port: int
    token: str

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"


def home_of(root: Path) -> Path:
    """Return the folder in which the local cloud of `root` keeps everything."""
    return Path(root).resolve() / ".tapcfn" / "local"


def record_file(home: Path) -> Path:
    """Return where the record stands."""
    return home / "server.json"


def read(home: Path) -> Record | None:
    """Return the record, or None if there is none that can be read."""
    try:
        told = json.loads(record_file(home).read_text())
        return Record(int(told["pid"]), int(told["port"]), str(told["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(home: Path, record: Record) -> None:
    """Write the record so that nobody ever reads half of it, readable by its owner alone."""
    draft = record_file(home).with_suffix(".new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(record), file)
    draft.replace(record_file(home))


def forget(home: Path) -> None:
    """Drop the record but remember the port, so that the next start answers at the same URL."""
    record = read(home)
    if record is not None:
        (home / "port").write_text(str(record.port))
    record_file(home).unlink(missing_ok=True)


def data_folders(home: Path) -> tuple[Path, Path]:
    """Return the folders of what the cloud holds: its state, and the objects in its buckets."""
    return home / "state", home / "s3"


def saved_mark(home: Path) -> Path:
    """Return the file by which a process that was told to end says that it has saved."""
    return home / "saved"


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Let one command at a time start, stop or reset the cloud of one folder."""
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitignore").write_text("*\n")
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# Talking to it ----------------------------------------------------------------------------------


def ask(url: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
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


def is_ours(record: Record) -> bool:
    """Ask the process whether it is the one that the record speaks of.

    Silence is no answer: to start a second one on the same state would ruin it.
    """
    if not alive(record.pid):
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


def is_up(record: Record) -> bool:
    """Tell whether a process that was just started answers."""
    with suppress(LocalCloudError):
        return is_ours(record)
    return False


def wait_for_stacks(url: str, seconds: float) -> None:
    """Wait until no stack moves, at most so long."""
    with suppress(LocalCloudError):
        until(lambda: ask(url, "/_tapcfn/status")["moving"] == 0, seconds)


def until(true: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Wait until something is true, and return whether it became so in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def alive(pid: int) -> bool:
    """Tell whether a process runs."""
    child = CHILDREN.get(pid)
    if child is not None:
        return child.poll() is None
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
