"""pipeline: workflows for a repository of one's own, and what a pull request is told."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapcfn.cli import completers
from tapcfn.cli.files import write_text_whole
from tapcfn.cli.options import Session, Where, common
from tapcfn.cli.workplace import Workplace, workplace
from tapcfn.errors import UsageError

if TYPE_CHECKING:
    from tapcfn.pipelines import System

_REPOSITORY = r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+"
_NAME = r"[A-Za-z0-9._-]+"
_BRANCH = r"[A-Za-z0-9][A-Za-z0-9._/-]*"

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def pipeline() -> None:
    """Write workflows of GitHub Actions, and what they tell a pull request."""


@pipeline.command()
@click.pass_obj
@click.argument(
    "systems",
    metavar="BLUEPRINT[@STAGE][:ENVIRONMENT]...",
    nargs=-1,
    required=True,
    shell_complete=completers.blueprints,
)
@click.option("--stage", default="prod", show_default=True, help="Which settings.")
@click.option("--repository", required=True, metavar="OWNER/NAME", help="Whose workflows run.")
@click.option(
    "--environment",
    default="production",
    show_default=True,
    help="GitHub's environment, whose rules say who approves, where BLUEPRINT names no other.",
)
@click.option("--branch", default="main", show_default=True, help="The branch that is deployed.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The repository, if not here.",
)
@click.option("--force", is_flag=True, help="Write over files that differ.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file differs.")
@common
def init(
    session: Session,
    /,
    *,
    systems: tuple[str, ...],
    stage: str,
    repository: str,
    environment: str,
    branch: str,
    folder: Path,
    force: bool,
    check: bool,
) -> int:
    """Write the workflows that plan, approve and deploy these systems, and their scripts.

    They go to .github/workflows and .github/scripts. Moves of a system become a workflow of their
    own, with a job for each stretch of the way.
    """
    from tapcfn.pipelines import files

    _check("--repository", repository, _REPOSITORY, "OWNER/NAME")
    _check("--branch", branch, _BRANCH, "the name of a branch")
    found = [_system(session, each, stage, environment) for each in systems]
    if len({each.slug for each in found}) < len(found):
        raise UsageError("two of the systems are called alike; allowed: each once")
    made = files(found, repository, branch)
    changed = [path for path, text in made.items() if _differs(folder / path, text)]
    if check:
        return _tell_check(session, changed)
    if not force:
        _check_new(folder, changed)
    _write(folder, {path: made[path] for path in changed})
    environments = sorted(
        {each.environment for each in found}
        | {leg.environment for each in found for leg in each.legs}
    )
    lines = [*(f"wrote {folder / path}" for path in changed)] or ["every file is current"]
    session.console.answer(
        "pipeline.written",
        {"folder": str(folder), "changed": changed, "environments": environments},
        "\n".join(lines),
    )
    session.console.say(_what_next(repository, environments))
    return 0


def _system(session: Session, word: str, stage: str, usual: str) -> System:
    from tapcfn.pipelines import system

    named, colon, own = word.partition(":")
    blueprint, _, other = named.partition("@")
    environment, stage = own if colon else usual, other or stage
    _check("environment", environment, _NAME, "letters, digits, dots, hyphens and underscores")
    place = _place(session, blueprint, stage)
    if not re.fullmatch(r"[A-Za-z0-9._/-]+", blueprint):
        raise UsageError(f"{blueprint}: allowed: letters, digits, dots, slashes, hyphens")
    return system(place.rollout, blueprint, "" if place.plain else stage, environment)


def _place(session: Session, blueprint: str, stage: str) -> Workplace:
    where = Where(blueprint, stage, None)
    return workplace(session.package, Where(blueprint, "", None) if where.is_plain else where)


def _check(what: str, value: str, pattern: str, allowed: str) -> None:
    if not re.fullmatch(pattern, value):
        raise UsageError(f'{what} "{value}": allowed: {allowed}')


def _differs(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_bytes() != text.encode() or not _is_as_meant(path)


def _is_as_meant(path: Path) -> bool:
    """Whether a script can be run; common.sh is read by the others."""
    runs = path.suffix == ".sh" and path.name != "common.sh"
    return not runs or bool(path.stat().st_mode & stat.S_IXUSR)


def _check_new(folder: Path, changed: list[str]) -> None:
    if there := [path for path in changed if (folder / path).exists()]:
        raise UsageError(
            f"{', '.join(there)}: there already, and other than it would be; --force writes over it"
        )


def _write(folder: Path, made: Mapping[str, str]) -> None:
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text_whole(path, text)
        if not _is_as_meant(path):
            path.chmod(path.stat().st_mode | 0o111)


def _tell_check(session: Session, changed: list[str]) -> int:
    text = "\n".join(f"{path}: differs" for path in changed) or "every file is current"
    session.console.answer("pipeline.checked", {"changed": changed}, text)
    return 1 if changed else 0


def _what_next(repository: str, environments: list[str]) -> str:
    return (
        "\nWhat is left to do once, in GitHub and in AWS (docs/ci.md):\n"
        f"  environments of {repository}: {', '.join(environments)}; each with reviewers, and for "
        "the branch alone\n"
        "  the blueprint delivery, deployed by hand: identity provider and roles\n"
        "  variables AWS_PLAN_ROLE (repository) and AWS_DEPLOY_ROLE (environments): the roles' "
        "ARNs\n"
        "  secret SLACK_WEBHOOK_URL, if Slack is to be told"
    )


@pipeline.command()
@click.pass_obj
@click.option("--title", required=True, help="What it is about.")
@click.option("--plan", type=FILE, help="What `plan --markdown` has written.")
@click.option("--diff", type=FILE, help="What `bundle diff` has printed.")
@click.option("--link", default="", metavar="URL", help="Where all of it is.")
@click.option("--marker", default="", help="The comment's first line, to find it by.")
@common
def comment(
    session: Session,
    /,
    *,
    title: str,
    plan: Path | None,
    diff: Path | None,
    link: str,
    marker: str,
) -> int:
    """Print a comment for a pull request: folded, and below 60,000 characters."""
    from tapcfn.pipelines import comment as made

    text = made(title, plan=_read(plan), diff=_read(diff), link=link, marker=marker)
    session.console.answer("pipeline.comment", {"text": text}, text.rstrip("\n"))
    return 0


def _read(file: Path | None) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file else ""
