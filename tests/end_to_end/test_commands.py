"""Commands that need no deployment: render, check, schema, local; and what a screen shows."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tapcfn.cli.app import run
from tapcfn.local import server
from tests.end_to_end.conftest import Bench
from tests.machine import read_lines

PROJECT = Path(__file__).parents[2]
TEMPLATES = "templates.blueprints"


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return read_lines(capfd.readouterr().out)


def test_render_writes_a_bundle_that_check_finds_current(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    """The same bytes every time: a second look finds nothing stale, a changed byte is named."""
    out = str(tmp_path / "out")
    words = ["render", "--stage", "local", "--out", out]

    assert 0 == run(TEMPLATES, words)
    assert f"wrote {out}/replicated_storage/manifest.json" in capfd.readouterr().out
    assert 0 == run(TEMPLATES, [*words, "--check"])
    assert "current" in capfd.readouterr().out

    (tmp_path / "out/replicated_storage/network.json").write_text("{}")
    assert 1 == run(TEMPLATES, [*words, "--check"])
    told = capfd.readouterr()
    assert f"stale {out}/replicated_storage/network.json" in told.out
    assert "1 stale files" in told.err


@pytest.mark.drill
@pytest.mark.parametrize("stage", ["local", "example"])
def test_check_is_clean(capfd: pytest.CaptureFixture[str], stage: str):
    """cfn-lint finds nothing in what is shipped, for the Regions it goes to.

    The command without a blueprint, which takes half a minute, is what CI runs beside the tests.
    """
    assert 0 == run(TEMPLATES, ["check", "replicated_storage", "--stage", stage])
    said = "replicated_storage: 6 templates for us-east-1, us-west-2: clean"
    assert said in capfd.readouterr().out


# A program that gives back what it is given, in place of Graphviz.
ECHO = "#!/bin/sh\nexec cat\n"


def test_a_blueprint_is_drawn(capfd: pytest.CaptureFixture[str], tmp_path: Path):
    """Mermaid on stdout; a file where one is named."""
    assert 0 == run(TEMPLATES, ["graph", "replicated_storage"])
    assert capfd.readouterr().out.startswith('flowchart LR\n  subgraph p0["1. provision"]\n')

    file = tmp_path / "graph.dot"
    words = ["graph", "replicated_storage", "--format", "dot", "--out", str(file)]
    assert 0 == run(TEMPLATES, words)
    assert file.read_text().startswith('digraph "replicated_storage, stage example" {')


def test_an_svg_is_drawn_by_graphviz_where_it_is(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without it exit 2 names the package; with it what it answers is the picture."""
    words = ["graph", "replicated_storage", "--format", "svg"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert 2 == run(TEMPLATES, words)
    assert "install the package graphviz" in capfd.readouterr().err

    program = tmp_path / "dot"
    program.write_text(ECHO)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert 0 == run(TEMPLATES, words)
    assert "cluster_p0r0" in capfd.readouterr().out


WRONG = """\
from troposphere import s3
from tapcfn.config import Common as Settings
from tapcfn.model import Phase, Rollout, Stack, Target
from tapcfn.templating import Template, body
def rollout(settings, stage):
    template = Template("Wrong")
    template.add(s3.Bucket("Bucket", {properties}))
    stack = Stack("wrong", Target(settings.account_id, "us-east-1"), body("wrong", template))
    return Rollout("wrong", stage, (Phase("all", (stack,)),))
"""


@pytest.mark.parametrize(
    ("properties", "code", "kind", "said"),
    [
        ('AccessControl="PublicRead"', 1, "finding", "AccessControl"),
        ('BucketName="Not_A_Name"', 2, "diagnostic", "Not_A_Name is not a valid s3 bucket name"),
        ('Nonsense="x"', 2, "diagnostic", "Nonsense"),
    ],
)
def test_a_wrong_template_is_refused_with_the_line_that_made_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    properties: str,
    code: int,
    kind: str,
    said: str,
):
    """What troposphere refuses is exit 2; what cfn-lint finds is a finding with its source."""
    name = f"wrongs_{abs(hash(properties))}"
    home = tmp_path / name
    home.mkdir()
    (home / "__init__.py").write_text(f'BLUEPRINTS = {{"wrong": "{name}.wrong"}}\n')
    (home / "wrong.py").write_text(WRONG.format(properties=properties))
    settings = tmp_path / "wrong.toml"
    settings.write_text('backend = "local"\n')
    monkeypatch.syspath_prepend(tmp_path)

    ended = run(name, ["check", "wrong", "--settings", str(settings), "--json"])

    told = lines(capfd)
    first = told[0]
    assert (code, code, kind) == (ended, told[-1]["exit_code"], first["type"])
    assert said in str(first["message"])
    where = first.get("source") or first["message"]
    assert f"{name}/wrong.py" in str(where)
    assert "7" in str(where)


def test_schema_describes_every_key(capfd: pytest.CaptureFixture[str]):
    """Editors and people learn from it what a settings file may say."""
    assert 0 == run(TEMPLATES, ["schema", "replicated_storage"])
    schema = json.loads(capfd.readouterr().out)

    assert ["allowed_cidr"] == schema["required"]
    assert all("description" in each for each in schema["properties"].values())

    assert 0 == run(TEMPLATES, ["schema", "replicated_storage", "--json"])
    told = lines(capfd)
    assert (["schema", "summary"], schema) == ([each["type"] for each in told], told[0]["schema"])


def test_the_local_cloud_is_run_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """Start, look, empty and stop it; each says what it did."""
    monkeypatch.chdir(tmp_path)

    def local(*words: str) -> str:
        assert 0 == run(TEMPLATES, ["local", *words])
        return capfd.readouterr().out

    try:
        assert "running at http://127.0.0.1:" in local("start", "--speed", "0")
        status = read_lines(local("status", "--json"))[0]
        assert (True, "local.status") == (status["running"], status["type"])
        assert "AWS::S3::Bucket" in status["supported"]
        assert "accounts: 000000000000" in local("status")
        assert "empty" in local("reset")
        assert "stopped; its state is kept" in local("stop")
        assert "was not running" in local("stop")
        assert "running: False" in local("status")
    finally:
        server.stop(tmp_path)


def test_a_failure_shows_a_traceback_only_when_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """One clear line otherwise."""
    bench.file.write_text('backend = "local"\n')

    quiet = bench.run("plan")
    loud = bench.run("plan", "--debug")

    assert (2, 2) == (quiet.code, loud.code)
    assert "Traceback" not in quiet.err
    assert "Traceback" in loud.err


@pytest.mark.drill
@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}])
def test_a_person_at_a_terminal_sees_a_table(tmp_path: Path, environment: dict[str, str]):
    """Each stack has a row that ends in done; colours are left out where they are not wanted."""
    shutil.copytree(PROJECT / "templates", tmp_path / "templates")
    shutil.copy(PROJECT / "deploy.py", tmp_path)
    server.start(tmp_path, speed=0)
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "deploy.py", "apply", "replicated_storage"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), "TERM": "xterm-256color"}
            | {key: value for key, value in os.environ.items() if key.startswith("COVERAGE")}
            | environment,
            stdout=subprocess.PIPE,
            stderr=theirs,
        )
        os.close(theirs)
        screen = b""
        while chunk := _read(ours):
            screen += chunk
        process.communicate(timeout=60)
    finally:
        os.close(ours)
        server.stop(tmp_path)

    text = screen.decode()
    assert process.returncode == 0
    assert "local-replicated-storage-" in text
    assert "network" in text
    assert "done" in text
    assert ("\x1b[32m" in text) is not bool(environment)


def _read(terminal: int) -> bytes:
    """Return what came; nothing once the other side is closed."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
