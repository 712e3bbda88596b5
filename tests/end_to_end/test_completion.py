"""Real shells complete real words, by the scripts that `completion` prints."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tapcfn.cli.app import run
from tests.machine import read_lines

PROJECT = Path(__file__).parents[2]
PROGRAM = f"{shlex.quote(sys.executable)} {shlex.quote(str(PROJECT / 'deploy.py'))}"
PATIENCE = 60.0


def needs(shell: str) -> str:
    """Return a shell's path, or skip the test."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


def said_by(words: list[str], text: str) -> str:
    done = subprocess.run(
        words, input=text, cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ("", 0) == (done.stderr, done.returncode)
    return done.stdout


def test_bash_completes_a_word() -> None:
    """As it calls the function of a program: the words, which of them, and the answers."""
    script = f"""
eval "$({PROGRAM} completion bash --program deploy)"
complete -p deploy
COMP_WORDS=(deploy plan replicated_storage --stage = lo) COMP_CWORD=5
_deploy_completion deploy
echo "${{COMPREPLY[@]}}"
compopt() {{ echo "files: $2"; }}
COMP_WORDS=(deploy plan ./no) COMP_CWORD=2 COMPREPLY=()
_deploy_completion deploy
"""
    said = said_by([needs("bash"), "--norc"], script)

    assert "complete -o nosort -F _deploy_completion deploy\nlocal\nfiles: default\n" == said


def test_fish_completes_a_word() -> None:
    """Fish can be asked what it would offer, and shows what each is."""
    script = f"""
{PROGRAM} completion fish --program deploy | source
complete -C "deploy boots"
complete -C "deploy plan --stage=loc"
"""
    said = said_by([needs("fish"), "--no-config"], script).splitlines()

    assert ["bootstrap", "--stage=local"] == [line.split("\t")[0] for line in said]
    assert said[0].split("\t")[1].startswith("Make what the stack sets")


def test_zsh_completes_a_word() -> None:
    """At a terminal: what is begun is there whole after a tab."""
    zsh = needs("zsh")
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [zsh, "-f", "-i"],
        cwd=PROJECT,
        env={**os.environ, "TERM": "dumb", "PS1": "> "},
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    )
    os.close(end)
    try:
        begin = "deploy() { :; }; autoload -Uz compinit; compinit -u -D"
        script = f'eval "$({PROGRAM} completion zsh --program deploy)"'
        _type(terminal, f"{begin}; {script}; echo re''ady\n", until="ready\r")
        _type(terminal, "deploy plan --stage=loc\t", until="--stage=local")
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def _type(terminal: int, keys: str, *, until: str) -> None:
    """Type something, and read until it is answered; fail if it never is."""
    os.write(terminal, keys.encode())
    seen, deadline = "", time.monotonic() + PATIENCE
    while until not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 1.0)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["completion"], "Missing argument '{bash|zsh|fish}'"),
        (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
        (["completion", "bash", "--program", "a b; rm"], '--program "a b; rm": is no name'),
    ],
)
def test_a_script_is_for_a_shell_that_is_known(
    capfd: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    """And for a name that can stand in it."""
    assert 2 == run("templates.blueprints", words)
    assert told in capfd.readouterr().err


def test_programs_get_the_script_as_a_field(capfd: pytest.CaptureFixture[str]) -> None:
    """Like every answer."""
    assert 0 == run("templates.blueprints", ["completion", "fish", "--json", "--program", "x"])

    (answer, _) = read_lines(capfd.readouterr().out)
    assert ("fish", True) == (answer["shell"], "complete --no-files" in answer["script"])
