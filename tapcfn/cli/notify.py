"""notify: tell others what a run of the past did, from what this folder has written of it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapcfn.cli import completers
from tapcfn.cli.options import Session, Where, common, linked, placed, program
from tapcfn.cli.workplace import STATE, Catalogue, clients_of, workplace
from tapcfn.errors import ConfigError, TapcfnError, UsageError

if TYPE_CHECKING:
    from tapcfn.aws.session import Clients
    from tapcfn.cli.channels import Channels
    from tapcfn.config import Common
    from tapcfn.notices.notice import Notice
    from tapcfn.report.recorded import Recorded
    from tapcfn.runs import Run

# What a CI system calls the end of its own job, as GitHub's `job.status` does.
_JOBS = {"success": "success", "failure": "failure", "cancelled": "interrupted"}


@click.command()
@click.pass_obj
@placed(bundled=False)
@click.option(
    "--run",
    "name",
    shell_complete=completers.runs,
    metavar="RUN",
    default="",
    help="This run, not the newest.",
)
@click.option(
    "--job",
    type=click.Choice(list(_JOBS)),
    help="How the CI job stands: what is told is no better than that, run or no run.",
)
@click.option("--test", is_flag=True, help="Send a test message, whatever was run.")
@linked
@common
def notify(session: Session, /, *, where: Where, name: str, job: str | None, test: bool) -> int:
    """Tell others how the newest run of BLUEPRINT went, by the channels of its settings.

    Where SLACK_WEBHOOK_URL is set, Slack is told without settings, too. A channel that fails is a
    warning, and no error.
    """
    from tapcfn.cli.clock import WallClock
    from tapcfn.cli.notifying import tell_sent, warn
    from tapcfn.notices.post import Post

    blueprint, stage = _meant(session, where)
    settings = _settings(session, where)
    channels = _channels(session, settings)
    if test:
        notice: Notice | None = _test(session, blueprint, stage)
    else:
        notice = _of_past(session, where, (blueprint, stage), name, job)
    if notice is None or not (test or _is_asked_for(settings, notice)):
        what = f"{notice.when} is not in the settings' `on`" if notice else "it never began"
        session.console.say(f"Nothing was told: {what}.")
        return 0
    for channel, fault in channels.faults.items():
        warn(session.console, channel, fault)
    post = Post(channels.ready, channels.limits, WallClock())
    post.send(notice)
    tell_sent(session.console, post.close())
    return 0


# Who is told --------------------------------------------------------------------------------------


def _meant(session: Session, where: Where) -> tuple[str, str]:
    """Return blueprint and stage by name; no template is rendered: one may be why a run failed."""
    from tapcfn import config, plain

    if not where.is_plain:
        Catalogue.load(session.package).check(str(where.blueprint))
        return str(where.blueprint), where.stage
    if where.stage:
        raise UsageError(f"--stage {where.stage}: {where.blueprint} says its stage itself")
    file = plain.file_of(Path(str(where.blueprint)))
    return plain.name_of(file), config.load(file, plain.Settings).stage


def _settings(session: Session, where: Where) -> Common | None:
    """Return the settings; where they are wrong and Slack can be told all the same, only warn."""
    from tapcfn import config, plain
    from tapcfn.notice_settings import SLACK_VARIABLE

    try:
        if where.is_plain:
            return config.load_common(plain.file_of(Path(str(where.blueprint))))
        catalogue = Catalogue.load(session.package)
        return config.load_common(where.file or catalogue.file(str(where.blueprint), where.stage))
    except ConfigError as error:
        if not os.environ.get(SLACK_VARIABLE):
            raise
        from tapcfn.cli.notifying import warn

        warn(session.console, "whoever the settings name", str(error))
        return None


def _channels(session: Session, settings: Common | None) -> Channels:
    """Return the channels; raise `UsageError` where none is there, or none can be used."""
    from tapcfn.cli.channels import Channels
    from tapcfn.model import Target
    from tapcfn.notice_settings import SLACK_VARIABLE

    def clients() -> Clients:
        from tapcfn.cli.clock import WallClock
        from tapcfn.waits import Patience

        assert settings is not None
        if session.clients is None:
            session.clients = clients_of(settings, Patience(WallClock(), session.timeout))
        return session.clients

    account = settings.account_id if settings else ""
    wanted = settings.notifications if settings else None
    channels = Channels(session.console, clients, Target(account, "us-east-1"))
    if wanted is not None:
        channels.take(wanted)
    has_slack = wanted is not None and (wanted.slack_url_env or wanted.slack_secret)
    if not has_slack and os.environ.get(SLACK_VARIABLE):
        channels.slack(SLACK_VARIABLE)
    if not channels.ready:
        why = "; ".join(f"{name}: {fault}" for name, fault in channels.faults.items())
        raise UsageError(
            f"nobody can be told: {why}"
            if why
            else f"nobody is to be told: set {SLACK_VARIABLE} in the environment, or write a table "
            "[notifications] into the settings"
        )
    return channels


def _is_asked_for(settings: Common | None, notice: Notice) -> bool:
    wanted = settings.notifications if settings else None
    return wanted is None or notice.when in wanted.on


# What is told -------------------------------------------------------------------------------------


def _test(session: Session, blueprint: str, stage: str) -> Notice:
    from tapcfn.cli.notifying import link_of
    from tapcfn.notice_settings import When
    from tapcfn.notices.notice import Notice

    link = link_of(os.environ, session.link)
    run = session.console.run
    return Notice("a test of notifications", blueprint, stage, When.SUCCESS, run, link=link)


def _of_past(
    session: Session, where: Where, place: tuple[str, str], name: str, job: str | None
) -> Notice | None:
    """Return what is told of a run, and of the job that it was in."""
    from tapcfn.cli.notifying import link_of
    from tapcfn.notice_settings import When
    from tapcfn.notices.notice import Notice
    from tapcfn.report.noticed import worst

    link = link_of(os.environ, session.link)
    found = _run(place, name)
    if found is None and job is None:
        raise UsageError(
            f"{place[0]}, stage {place[1]}: nothing has been run here that could be told; "
            f"`{program()} runs` lists what there is"
        )
    notice = _noticed(found, link) if found else None
    if job is not None:
        ended = When(_JOBS[job])
        cause = "" if ended is When.SUCCESS else _NO_RUN
        alone = Notice("the CI job", *place, ended, session.console.run, cause=cause, link=link)
        notice = worst(notice, ended) if notice else alone
    if notice is not None and not notice.regions:
        notice = replace(notice, regions=_regions(session, where))
    return notice


_NO_RUN = "no run was begun; the log of the job says why"


def _run(place: tuple[str, str], name: str) -> tuple[Run, Run | None] | None:
    """Return the run that is meant, and the one that went back to an earlier bundle after it."""
    from tapcfn.cli.notifying import TOLD
    from tapcfn.runs import read

    known = read(Path.cwd() / STATE / "runs")
    if name:
        if (one := next((each for each in known if each.name == name), None)) is None:
            raise UsageError(f"--run {name}: no such run; `{program()} runs` lists them")
        return one, None
    here = [each for each in known if (each.blueprint, each.stage) == place]
    here = [each for each in here if each.command in TOLD]
    if not here:
        return None
    newest, before = here[0], here[1] if len(here) > 1 else None
    if before is not None and _went_back(newest) and before.exit_code not in {0, 2}:
        return before, newest
    return newest, None


def _went_back(run: Run) -> bool:
    """Whether it deployed a bundle that this folder had kept, as `rollback` does."""
    shelf = str(STATE / "bundles")
    return run.command == "apply" and any(word.startswith(shelf) for word in run.words)


def _noticed(found: tuple[Run, Run | None], link: str) -> Notice | None:
    from tapcfn.report.noticed import notice_of_past
    from tapcfn.report.past import outcome_of

    run, back = found
    notice = notice_of_past(run, _told(run), link)
    if notice is None or back is None:
        return notice
    return replace(notice, then=f"went back to the last good bundle: {outcome_of(back)}")


def _told(run: Run) -> Recorded | None:
    from tapcfn.report.recorded import recorded

    path = Path.cwd() / STATE / "told" / f"{run.name}.ndjson"
    try:
        return recorded(path.read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError:  # it was never kept, or has been pruned: the ledger knows enough
        return None


def _regions(session: Session, where: Where) -> tuple[str, ...]:
    """Return the Regions of the rollout, as far as it can be made."""
    from tapcfn.cli.notifying import regions_of

    try:
        return regions_of(workplace(session.package, where).rollout)
    except TapcfnError:
        return ()
