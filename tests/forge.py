"""A stand-in for GitHub: what `gh` would ask it, and the folder that a job's steps share.

The scripts of the workflows are run as a runner does, one process each, with variables and files.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = "example/systems"
PATIENCE = 300

# What the scripts ask of `gh`, answered from folders: comments by number, artifacts by run.
_GH = """\
#!{python}
import os, re, shutil, sys
from pathlib import Path

store, words = Path({store!r}), sys.argv[1:]
comments, artifacts = store / "comments", store / "artifacts"


def body():
    (field,) = [word for word in words if word.startswith("body=@")]
    return Path(field.removeprefix("body=@")).read_text()


if words[:2] == ["run", "download"]:
    name, folder = (words[words.index(option) + 1] for option in ("--name", "--dir"))
    shutil.copytree(artifacts / words[2] / name, folder)
    sys.exit()
if words[0] != "api":
    sys.exit(f"gh: {{words}}: not asked so far")
(path,) = [word for word in words if word.startswith("repos/" + os.environ["GITHUB_REPOSITORY"])]
if found := re.search(r"/actions/artifacts\\?name=([^&]+)", path):
    runs = [each for each in artifacts.iterdir() if (each / found[1]).is_dir()]
    for newest in sorted(runs, key=lambda each: int(each.name))[-1:]:
        print(newest.name)
elif "POST" in words:
    number = len(list(comments.iterdir())) + 1
    (comments / str(number)).write_text(body())
elif "PATCH" in words:
    (comments / path.rpartition("/")[2]).write_text(body())
else:
    for each in comments.iterdir():
        if each.read_text().startswith(os.environ["MARKER"]):
            print(each.name)
"""


@dataclass(frozen=True)
class Step:
    """How a script ended, what it told later steps, and what people see of it."""

    code: int
    said: str
    outputs: Mapping[str, str]
    summary: str


@dataclass
class Forge:
    """Comments and artifacts, and how scripts are run in a checkout."""

    store: Path
    variables: dict[str, str] = field(default_factory=dict)
    run_id: int = 100

    def __post_init__(self) -> None:
        for name in ("comments", "artifacts", "bin"):
            (self.store / name).mkdir(parents=True)
        gh = self.store / "bin" / "gh"
        gh.write_text(_GH.format(python=sys.executable, store=str(self.store)))
        gh.chmod(gh.stat().st_mode | stat.S_IXUSR)

    @property
    def comments(self) -> list[str]:
        return [path.read_text() for path in sorted((self.store / "comments").iterdir())]

    def keep(self, name: str, folder: Path) -> None:
        """Keep a folder as an artifact of this run."""
        shutil.copytree(folder, self.store / "artifacts" / str(self.run_id) / name)

    def fetch(self, name: str, folder: Path) -> None:
        """Put an artifact of this run into a checkout."""
        shutil.copytree(self.store / "artifacts" / str(self.run_id) / name, folder)

    def step(self, checkout: Path, script: str, **variables: str) -> Step:
        """Run one script as a step of a job."""
        files = {
            name: self.store / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        for file in files.values():
            file.write_text("")
        path = [str(self.store / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        done = subprocess.run(
            [str(checkout / ".github" / "scripts" / script)],
            cwd=checkout,
            env={
                "PATH": os.pathsep.join(path),
                "HOME": str(self.store),
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "GITHUB_REF_NAME": "main",
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_RUN_ID": str(self.run_id),
                "GITHUB_SERVER_URL": "https://github.com",
                **{name: str(file) for name, file in files.items()},
                **self.variables,
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        told = files["GITHUB_OUTPUT"].read_text().splitlines()
        return Step(
            done.returncode,
            done.stdout + done.stderr,
            dict(line.split("=", 1) for line in told),
            files["GITHUB_STEP_SUMMARY"].read_text(),
        )
