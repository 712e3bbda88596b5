"""Walk through a page: write its files, type its commands, and compare what is printed.

- A block with a title is a file, written where it says. One in the language `diff` changes that
  file: lines with `-` give way to those with `+`.
- A command of a `console` block is typed as it stands. Each line below it must be printed, by
  whichever stream and in any order; `…` stands for anything. A command that fails must be followed
  by `echo $?` with the code that the page tells.
- What stands behind `Type …:` is what the reader answers.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.pages import Block, Command, blocks, commands

PATIENCE = 300.0

_QUESTION = re.compile(r"^(?:Type|Really) .*: (\S+)$")


@dataclass
class Reader:
    """Somebody in a folder; `instead` is what of theirs stands for what the page has."""

    folder: Path
    environment: Mapping[str, str]
    instead: Mapping[str, str] = field(default_factory=dict)
    code: int = 0

    def follow(self, page: Path) -> int:
        """Do all that a page says; return how many commands that were."""
        count = 0
        for block in blocks(page):
            if block.title:
                self._write(block)
            elif block.language == "console":
                for command in commands(block):
                    self._type(command)
                    count += 1
        assert self.code == 0, f"{page}: the last command failed"
        return count

    def _write(self, block: Block) -> None:
        path = self.folder / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        text = self._mine(block.text)
        if block.language == "diff":
            text = changed(path.read_text(encoding="utf-8"), text)
        path.write_text(text, encoding="utf-8")

    def _type(self, command: Command) -> None:
        if command.text == "echo $?":
            told = [int(line) for line in command.says if line.strip()]
            assert [self.code] == told, f"{command.where}: exit code {self.code}"
            self.code = 0
            return
        assert self.code == 0, f"{command.where}: exit code {self.code} before: {command.text}"
        answers = [found[1] for line in command.says if (found := _QUESTION.match(line))]
        done = subprocess.run(
            ["bash", "-c", self._mine(command.text)],
            cwd=self.folder,
            env=dict(self.environment),
            input="".join(f"{each}\n" for each in answers),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        self.code = done.returncode
        missing = [line for line in self._expected(command) if not _is_in(line, done.stdout)]
        assert [] == missing, f"{command.where}: {command.text}\n{done.stdout}"
        if self.code:
            self._said = done.stdout

    def _expected(self, command: Command) -> Iterator[str]:
        for line in command.says:
            if line.strip(" …"):
                yield self._mine(_QUESTION.sub(lambda found: found[0][: -len(found[1])], line))

    def _mine(self, text: str) -> str:
        for old, new in self.instead.items():
            text = text.replace(old, new)
        return text


def _is_in(line: str, said: str) -> bool:
    pattern = ".*".join(map(re.escape, line.rstrip().split("…")))
    return re.search(f"^.*{pattern}" if line.startswith("Type") else f"^{pattern}\\s*$", said, re.M)


def changed(text: str, difference: str) -> str:
    """Return a text with one stretch of lines in the place of another; fails if it is not there."""
    lines = difference.splitlines()
    old = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    new = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    assert text.count(old) == 1, f"not there once:\n{old}"
    return text.replace(old, new)


def surroundings(home: Path, programs: Path, **more: str) -> dict[str, str]:
    """Return the environment of a person who has just sat down; tapcfn is among the programs."""
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "COLUMNS": "100", **more}
