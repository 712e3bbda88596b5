"""Three runs on the local cloud, written down as if they had been on AWS.

The clock is set back to a day of its own and runs at the pace of AWS, so that the pages that are
made of them say believable times; everything else is as it was told.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from tapcfn.cli.app import run
from tapcfn.local import server
from tapcfn.report.recorded import Line, recorded
from tests.end_to_end.conftest import Bench
from tests.end_to_end.migration import FIRST_WRITE, Migration
from tests.local.stack_sets.fleet import Fleet, make_administration_role, make_execution_role
from tests.pictures import file

# How many seconds of AWS pass in one: a migration takes hours.
SPEEDS = {"success": 30.0, "partial": 30.0, "migration": 120.0}

HOME = "111122223333"
ACCOUNTS = tuple(f"{number:04d}4444{number:04d}" for number in range(2000, 2012))
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2")

BEGINS = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

# Fields that hold a length of time which passed on the local cloud's own clock.
_LENGTHS = ("duration_ms", "elapsed_ms", "left_ms", "usual_ms", "longest_wait_ms")


def success(bench: Bench) -> None:
    """Deploy a system over two Regions."""
    bench.settings()
    _call("apply", "replicated_storage", "--settings", str(bench.file))


def migration(bench: Bench) -> None:
    """Lead a migration from the copy to the first write, and stop before it is given up."""
    made = Migration.begin(bench)
    made.settings()
    words = ["region_migration", "--settings", str(bench.file)]
    _call("apply", *words)
    for number in range(1, 6):
        made.put(f"photos/{number}", bytes([number]) * 1000)
    made.script(_LAG)
    _call("apply", *words, "--until", "open", *FIRST_WRITE)


def partial(bench: Bench) -> None:
    """Update a set in twelve accounts and five Regions, some of which have their own ideas."""
    fleet = Fleet(bench.url, HOME, ACCOUNTS)
    make_administration_role(fleet)
    for account in ACCOUNTS:
        make_execution_role(fleet, account)
    folder = bench.root / "landing-zone"
    folder.mkdir()
    _landing_zone(folder, days=30)
    _call("apply", str(folder))
    _landing_zone(folder, days=365)
    server.inject(bench.root, _FAULTS)
    _call("apply", str(folder), code=5)


# A replica that has to catch up first: minutes of AWS, and seconds.
_LAG = """\
metric = "ReplicaLag"
namespace = "AWS/RDS"
course = [[0, 30], [14, 26], [24, 3], [40, 1], [50, 0]]
"""

_FAULTS = f"""\
[[fault]]
do = "fail"
account = "{ACCOUNTS[2]}"
type = "AWS::SNS::Topic"
during = "update"
reason = "User is not authorized to perform: SNS:SetTopicAttributes with an explicit deny in a \
service control policy"

[[fault]]
do = "fail"
account = "{ACCOUNTS[7]}"
region = "eu-west-1"
type = "AWS::S3::Bucket"
during = "update"
reason = "A conflicting conditional operation is currently in progress against this resource"
"""


def _landing_zone(folder: Path, *, days: int) -> None:
    (folder / "tapcfn.toml").write_text(
        f"""\
backend = "local"
stage = "live"
account = "{HOME}"
accounts = {json.dumps([HOME, *ACCOUNTS])}
region = "eu-central-1"

[stacks.audit]
template = "audit.json"

[stack_sets.guardrails]
template = "guardrails.json"
phase = "accounts"
parameters = {{ Retention = "{days}" }}

[stack_sets.guardrails.targets]
accounts = {json.dumps(ACCOUNTS)}
regions = {json.dumps(REGIONS)}
exceptions = ["{ACCOUNTS[11]}/ap-southeast-2"]

[stack_sets.guardrails.preferences]
regions = "parallel"
concurrent_percent = 50
tolerance_percent = 50
mode = "soft"
"""
    )
    _write(folder / "audit.json", {"Log": _log(days), "Alerts": {"Type": "AWS::SNS::Topic"}})
    document = {
        "Parameters": {"Retention": {"Type": "String"}},
        "Resources": {
            "Log": _log({"Ref": "Retention"}),
            "Findings": {
                "Type": "AWS::SNS::Topic",
                "Properties": {"DisplayName": f"guardrails, {days} days"},
            },
            "Evidence": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "LifecycleConfiguration": {
                        "Rules": [{"Status": "Enabled", "ExpirationInDays": days}]
                    }
                },
            },
        },
    }
    (folder / "guardrails.json").write_text(json.dumps(document))


def _log(days: object) -> dict[str, Any]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": days}}


def _write(file: Path, resources: Mapping[str, Any]) -> None:
    file.write_text(json.dumps({"Resources": resources}))


def _call(*words: str, code: int = 0) -> None:
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        ended = run("templates.blueprints", [*words, "--no-input"])
    assert ended == code, said.getvalue()


STORIES: Mapping[str, Callable[[Bench], None]] = {
    "success": success,
    "partial": partial,
    "migration": migration,
}


@contextmanager
def _bench(speed: float) -> Iterator[Bench]:
    """Yield a folder with a local cloud that takes its time."""
    with tempfile.TemporaryDirectory(prefix="tapcfn-") as folder, chdir(folder):
        root = Path(folder)
        cloud = server.start(root, speed=speed)
        try:
            yield Bench(root, cloud.url, HOME, root / "settings.toml", lambda: ("", ""))
        finally:
            server.stop(root, settle=0)


def record(name: str) -> None:
    """Play a story, and write down its last run."""
    with _bench(SPEEDS[name]) as bench:
        STORIES[name](bench)
        files = (bench.root / ".tapcfn" / "told").iterdir()
        last = max(files, key=lambda each: each.stat().st_mtime_ns)
        found = recorded(last.read_text(encoding="utf-8").splitlines())
    assert found is not None
    lines = as_on_aws(found.lines, name)
    texts = (json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)
    file(name).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


def as_on_aws(lines: tuple[Line, ...], name: str) -> Iterator[Line]:
    """Yield lines at the pace of AWS, from a morning in January on, under a name of their own."""
    began, speed = datetime.fromisoformat(lines[0]["ts"]), SPEEDS[name]

    def moved(text: str) -> str:
        moment = BEGINS + (datetime.fromisoformat(text) - began) * speed
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    for line in lines:
        new = {**line, "ts": moved(line["ts"]), "run": f"20260105T090000Z-{name}"}
        if new.get("at"):
            new["at"] = moved(new["at"])
        for key in _LENGTHS:
            if isinstance(new.get(key), int):
                new[key] = round(new[key] * speed)
        yield _without_paths(new)


def _without_paths(line: Line) -> Line:
    """Return a line whose commands are called as an installed program is."""
    text = json.dumps(line, ensure_ascii=False)
    text = re.sub(r'[^" ]*python[0-9.]* deploy\.py', "tapcfn", text)
    whole: Line = json.loads(re.sub(r'[^" ]*/tapcfn-[^/" ]+/', "", text))
    return whole
