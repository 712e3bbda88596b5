"""Values of NoEcho parameters stay out of everything that a command says. (5.3)"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tapcfn.cli.app import run as run_command
from tapcfn.local import server
from tests.end_to_end.conftest import Bench

SECRET = "hunter2-hunter2"

SETTINGS = """\
backend = "local"
account = "{account}"
termination_protection = false

[stacks.vault]
template = "vault.json"
region = "us-east-1"

[stacks.vault.parameters]
Password = "{secret}"
"""

VAULT = {
    "Parameters": {"Password": {"Type": "String", "NoEcho": True}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"Shown": {"Value": {"Ref": "Password"}}},
}

REFUSED = """
[[fault]]
do = "error"
service = "cloudformation"
operation = "CreateChangeSet"
code = "ValidationError"
reason = "Parameter Password: {secret} is no password"
"""

FAILING = """
[[fault]]
do = "fail"
type = "AWS::SNS::Topic"
reason = "the password {secret} is too short"
"""

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def vault(bench: Bench, tmp_path: Path) -> Iterator[Run]:
    """A folder with one stack that takes a secret, and commands on it."""
    folder = tmp_path / "vault"
    folder.mkdir()
    text = SETTINGS.format(account=bench.account, secret=SECRET)
    (folder / "tapcfn.toml").write_text(text)
    (folder / "vault.json").write_text(json.dumps(VAULT))

    def command(name: str, *words: str) -> tuple[int, str]:
        bench.capture()
        code = run_command("templates.blueprints", [name, str(folder), *words])
        return code, "".join(bench.capture())

    yield command
    server.inject(bench.root, "")


@pytest.mark.parametrize("words", [(), ("--json",)])
@pytest.mark.parametrize("table", [REFUSED, FAILING], ids=["refused", "failing"])
def test_what_cloudformation_repeats_is_masked(
    bench: Bench, vault: Run, table: str, words: tuple[str, ...]
) -> None:
    """Refusals and reasons of events, for people, for programs, and for reports to come."""
    server.inject(bench.root, table.format(secret=SECRET))

    code, said = vault("apply", *words)

    told = (bench.root / ".tapcfn" / "told").iterdir()
    kept = max(told, key=lambda path: path.stat().st_mtime_ns)
    assert code == 1
    for text in (said, kept.read_text()):
        assert (False, True) == (SECRET in text, "***" in text)


def test_an_output_that_repeats_a_secret_is_masked(vault: Run) -> None:
    """The command that answers with it knows that it is one."""
    assert 0 == vault("apply")[0]

    assert "***" in vault("outputs")[1]
    code, said = vault("outputs", "--json")

    assert (0, True, False) == (code, '"***"' in said, SECRET in said)
