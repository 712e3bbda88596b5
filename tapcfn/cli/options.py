"""The options that commands share, and the session that carries what they say."""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tapcfn.cli.console import Console
from tapcfn.cli.reports import Reports
from tapcfn.errors import UsageError

if TYPE_CHECKING:
    from tapcfn.aws.session import Clients
    from tapcfn.cli.notifying import Teller
    from tapcfn.cli.recording import Recording
    from tapcfn.events import Outcome
    from tapcfn.ledger import FileLedger
    from tapcfn.model import Rollout
    from tapcfn.runs import Run
    from tapcfn.selection import Selection

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(slots=True)
class Session:
    """One command: its voice, its options, and what its last line will sum up."""

    package: str
    console: Console
    debug: bool = False
    no_input: bool = False
    timeout: float = 3600.0
    fail_fast: bool = False
    sample: int | None = None
    cancel_on_interrupt: bool = False
    outcome: Outcome | None = None
    resume: str | None = None
    ways: tuple[tuple[str, str], ...] = ()
    clients: Clients | None = None
    words: tuple[str, ...] = ()
    ledger: FileLedger | None = None
    resumes: Run | None = None
    reports: Reports = field(default_factory=Reports)
    link: str = ""
    teller: Teller | None = None
    recording: Recording | None = None

    def record(self, folder: Path) -> None:
        """Keep what is told from now on, as lines in a file of the run's own."""
        from tapcfn.cli.recording import Recording
        from tapcfn.events import Diagnosed

        def warn(text: str) -> None:
            self.console.notify(Diagnosed("warning", text))

        if self.recording is None:
            self.recording = Recording(folder, self.console.run, warn)
            self.console.readers = (*self.console.readers, self.recording)

    @property
    def may_ask(self) -> bool:
        """Whether a person can be asked: not in CI, and not when told not to."""
        return not self.no_input and os.environ.get("CI", "").lower() not in {"1", "true"}


@dataclass(frozen=True, slots=True)
class Where:
    """Which blueprint at which stage, and the settings file if it is not the stage's own.

    With a `bundle` all three say something only where they are given. A folder of templates, or a
    TOML file beside some, may stand where a blueprint's name does.
    """

    blueprint: str | None
    stage: str
    file: Path | None
    bundle: Path | None = None

    @property
    def is_plain(self) -> bool:
        """Whether a path stands where a blueprint's name would."""
        return self.blueprint is not None and _is_path(self.blueprint)


def _is_path(name: str) -> bool:
    """Tell a path from a name: by its form, or because a folder of templates is called so."""
    if "/" in name or name in {".", ".."} or name.endswith(".toml"):
        return True
    return (Path(name) / "tapcfn.toml").is_file()


def program() -> str:
    """Return how this program was called, as a person can type it again from here."""
    if Path(sys.argv[0]).name == "tapcfn":
        return "tapcfn"
    return f"{_python(Path(sys.executable))} deploy.py"


def _python(running: Path) -> str:
    """Return the Python that runs this: from here, by its name if that finds it, or whole."""
    if running.is_relative_to(Path.cwd()):
        return str(running.relative_to(Path.cwd()))
    found = shutil.which("python")
    if found is not None and Path(found).parent == running.parent:
        return "python"
    return shlex.quote(str(running))


def resume_line(session: Session, code: int) -> str | None:
    """Return what goes on with this run exactly, where it was stopped and not refused."""
    if code not in {7, 130} or session.ledger is None or not session.ledger.is_resumable:
        return None
    return f"{program()} resume {session.console.run}"


def again(session: Session, command: str, words: list[str]) -> int:
    """Run another command in place of this one, told as this one is told."""
    group = click.get_current_context().find_root().command
    assert isinstance(group, click.Group)
    flags = (("--debug", session.debug), ("--no-input", session.no_input))
    own = [f"--timeout={session.timeout}s", *(flag for flag, given in flags if given)]
    code = group.commands[command].main(
        [*words, *own], prog_name=f"tapcfn {command}", standalone_mode=False, obj=session
    )
    return int(code or 0)


# What a resume line says in other words, or must not say again.
_NOT_REPEATED = frozenset({"blueprint", "stage", "file", "from_bundle", "plan_file", "out"})

# Flags that the session keeps, and that say what a run wanted and not how it was told.
_KEPT = frozenset({"cancel_on_interrupt", "fail_fast"})


def options_given() -> tuple[str, ...]:
    """Return the options of the command that runs, and its own arguments, to be given again."""
    context = click.get_current_context()
    words: list[str] = []
    for each in context.command.params:
        name = str(each.name)
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in _NOT_REPEATED and name in {*context.params, *_KEPT}:
            words += _again(each, context.params.get(name, True))
    return tuple(words)


def _again(parameter: click.Parameter, value: Any) -> list[str]:
    """Return one option or argument as words of a command line."""
    values = [shlex.quote(str(each)) for each in (value if isinstance(value, tuple) else (value,))]
    if not isinstance(parameter, click.Option):
        return values
    word = max(parameter.opts, key=len)
    if parameter.is_flag:
        return [word] if value else []
    return [part for each in values for part in (word, each)]


class Duration(click.ParamType[float]):
    """A time such as 90s, 30m or 2h; a bare number is minutes."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", str(value))
        if match is None:
            self.fail(f'"{value}" is no duration; allowed: 90s, 30m, 2h', param, ctx)
        return float(match[1]) * _UNITS[match[2] or "m"]


def selected(command: F) -> F:
    """Add what names a part of a rollout, and hand it over as one `Selection`."""

    @functools.wraps(command)
    def call(
        session: Session, *, only: tuple[str, ...], phase: str, until: str, **rest: Any
    ) -> Any:
        from tapcfn.selection import Selection

        return command(session, selection=Selection(only, phase, until), **rest)

    decorated: Any = call
    for decorate in (
        click.option(
            "--only",
            multiple=True,
            metavar="STACK",
            help="This stack alone; * and ? fit any characters. May be given more than once.",
        ),
        click.option("--phase", default="", metavar="NAME", help="This phase alone."),
        click.option(
            "--until",
            default="",
            metavar="NAME",
            help="All phases up to this one; a destroy begins with the last.",
        ),
    ):
        decorated = decorate(decorated)
    result: F = decorated
    return result


def fail_fast(command: F) -> F:
    """Add `--fail-fast`, which goes into the session."""
    return _noted(
        "--fail-fast",
        "fail_fast",
        is_flag=True,
        help="Start nothing new after the first failure.",
    )(command)


def linked(command: F) -> F:
    """Add `--link`, which goes into the session."""
    return _noted(
        "--link",
        "link",
        metavar="URL",
        default="",
        help="The page of the CI job, for notifications; GitHub's, GitLab's and others' is known.",
    )(command)


def sampled(command: F) -> F:
    """Add `--sample`, which goes into the session."""
    return _noted(
        "--sample",
        "sample",
        type=click.IntRange(min=1),
        help="Preview only so many instances of a stack set in each Region.",
    )(command)


def cancel_on_interrupt(command: F) -> F:
    """Add `--cancel-on-interrupt`, which goes into the session."""
    return _noted(
        "--cancel-on-interrupt",
        "cancel_on_interrupt",
        is_flag=True,
        help="After Ctrl-C roll running updates back, and a shift to its last good step; without "
        "it, and creations always, they go on.",
    )(command)


def common(command: F) -> F:
    """Add the options that every command takes; what they say goes into the session."""
    for option in (
        _noted("--debug", "debug", is_flag=True, help="Show a traceback when something fails."),
        _noted("--no-color", None, is_flag=True, help="Print without colours."),
        _noted(
            "--timeout",
            "timeout",
            type=Duration(),
            default="60m",
            show_default=True,
            help="Stop waiting after this long (90s, 30m, 2h); what runs goes on.",
        ),
        _noted(
            "--no-input",
            "no_input",
            is_flag=True,
            help="Never ask; an answer that is needed is exit 2.",
        ),
        _noted("--json", None, is_flag=True, help="Lines of JSON on stdout."),
    ):
        command = option(command)
    return command


def _noted(name: str, attribute: str | None, **rest: Any) -> Callable[[F], F]:
    """Return an option that is kept in the session instead of being handed to the command.

    `--json` and `--no-color` decide how even a wrong command line is told, so they have been read
    before.
    """

    def note(context: click.Context, _: click.Parameter, value: Any) -> None:
        if attribute is not None:
            setattr(context.obj, attribute, value)

    return click.option(name, expose_value=False, callback=note, **rest)


def placed(
    *, required: bool = True, stage: str = "local", bundled: bool = True
) -> Callable[[F], F]:
    """Add what names a blueprint and its stage, and hand it over as one `Where`.

    With `bundled` a bundle may stand for both.
    """

    def add(command: F) -> F:
        @functools.wraps(command)
        def call(
            session: Session,
            *,
            blueprint: str | None,
            stage: str,
            file: Path | None,
            from_bundle: Path | None = None,
            **rest: Any,
        ) -> Any:
            apart = from_bundle is not None or Where(blueprint, "", None).is_plain
            if apart and _is_default("stage"):
                stage = ""
            elif from_bundle is None and blueprint is None and required:
                raise click.UsageError("Missing argument 'BLUEPRINT'.", click.get_current_context())
            return command(session, where=Where(blueprint, stage, file, from_bundle), **rest)

        decorated: Any = call
        for decorate in (
            click.argument("blueprint", required=required and not bundled),
            click.option(
                "--stage",
                default=stage,
                show_default=stage or "local, or the plan's",
                help="Which settings.",
            ),
            click.option(
                "--settings",
                "file",
                type=click.Path(path_type=Path),
                help="A settings file, in place of the stage's own.",
            ),
            *([_from_bundle] if bundled else []),
        ):
            decorated = decorate(decorated)
        result: F = decorated
        return result

    return add


def _is_default(name: str) -> bool:
    """Tell whether a person left an option out."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.DEFAULT


_from_bundle = click.option(
    "--from-bundle",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="What a bundle holds, in place of a blueprint's templates; verified first.",
)

allow_loss = click.option(
    "--allow-loss",
    multiple=True,
    metavar="STACK/LOGICAL_ID[@REGION][:ACTION][:until=DAY]",
    help="Allow this resource, and its data, to be lost. ACTION is remove, replace, dynamic, "
    "policy or delete; DAY such as 2030-12-31. May be given more than once.",
)


@dataclass(frozen=True, slots=True)
class Removal:
    """What may be taken away with stacks: named orphans, named buckets' contents, protection."""

    orphans: tuple[str, ...] = ()
    buckets: frozenset[str] = frozenset()
    lift_protection: bool = False


@dataclass(frozen=True, slots=True)
class Journey:
    """Where a rollout with moves is to be led: `at` says where it stands, if that can't be told.

    `confirmed` are the points of no return that are agreed to on the command line.
    """

    back_to: str = ""
    at: str = ""
    confirmed: tuple[str, ...] = ()

    def goal(self, rollout: Rollout, selection: Selection) -> tuple[int, bool] | None:
        """Return the move to go to and whether that is back, or None where nothing moves.

        Raises `UsageError` for a move that there is not, and for contradictions.
        """
        from tapcfn.journey import number_of

        moves = {move.name for move in rollout.moves}
        if self.back_to and selection.until:
            raise UsageError("--back-to and --until exclude each other")
        if self.back_to:
            if not moves:
                raise UsageError(f"--back-to {self.back_to}: this rollout has no moves")
            return number_of(rollout, self.back_to), True
        if selection.until in moves:
            if selection.only or selection.phase:
                raise UsageError(f"--until {selection.until}: a move is taken whole")
            return number_of(rollout, selection.until), False
        return None


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where a plan is kept as a file, and for how many seconds it is good."""

    out: Path | None = None
    expires: float | None = None


def keeping_a_plan(command: F) -> F:
    """Add what keeps a plan as a file, and hand it over as one `Keeping`."""

    @functools.wraps(command)
    def call(session: Session, *, out: Path | None, expires: float | None, **rest: Any) -> Any:
        return command(session, keeping=Keeping(out, expires), **rest)

    decorated: Any = call
    for decorate in (
        click.option(
            "--expires",
            type=Duration(),
            help="How long the plan file is good for (90m, 24h); 72h unless it is said.",
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Keep the change sets and write a plan file for `apply --plan`.",
        ),
    ):
        decorated = decorate(decorated)
    result: F = decorated
    return result


def stands(command: F) -> F:
    """Add `--at`, for rollouts with moves."""
    return click.option(
        "--at",
        default="",
        metavar="MOVE",
        help="Take a rollout with moves to stand here, where what is deployed does not tell.",
    )(command)


def looking_ahead(command: F) -> F:
    """Add what tells of the way to a move, or back, and hand it over as one `Journey`."""

    @functools.wraps(command)
    def call(session: Session, *, back_to: str, at: str, **rest: Any) -> Any:
        return command(session, journey=Journey(back_to, at), **rest)

    decorated: Any = stands(call)
    decorated = click.option(
        "--back-to",
        default="",
        metavar="MOVE",
        help="Show which moves would be taken back down to this one, and no stacks.",
    )(decorated)
    result: F = decorated
    return result


def travelling(command: F) -> F:
    """Add what leads a rollout through its moves, and hand it over as one `Journey`."""

    @functools.wraps(command)
    def call(
        session: Session,
        *,
        back_to: str,
        at: str,
        confirm_point_of_no_return: tuple[str, ...],
        **rest: Any,
    ) -> Any:
        journey = Journey(back_to, at, confirm_point_of_no_return)
        return command(session, journey=journey, **rest)

    decorated: Any = stands(call)
    for decorate in (
        click.option(
            "--back-to",
            default="",
            metavar="MOVE",
            help='Take moves back, one after another, down to this one; "base" is before all.',
        ),
        click.option(
            "--confirm-point-of-no-return",
            multiple=True,
            metavar="NAME",
            help="Cross this point of no return without being asked; by its name.",
        ),
    ):
        decorated = decorate(decorated)
    result: F = decorated
    return result


def removing(command: F) -> F:
    """Add what it takes to delete stacks, and hand it over as one `Removal`."""

    @functools.wraps(command)
    def call(
        session: Session,
        *,
        remove_orphan: tuple[str, ...],
        empty_buckets: tuple[str, ...],
        lift_protection: bool,
        **rest: Any,
    ) -> Any:
        removal = Removal(remove_orphan, frozenset(empty_buckets), lift_protection)
        return command(session, removal=removal, **rest)

    decorated: Any = call
    for option in (
        click.option(
            "--lift-protection",
            is_flag=True,
            help="Take termination protection off the stacks that are to go.",
        ),
        click.option(
            "--empty-buckets",
            multiple=True,
            metavar="BUCKET",
            help="Delete all that is in this bucket first. May be given more than once.",
        ),
        click.option(
            "--remove-orphan",
            multiple=True,
            metavar="STACK[@REGION]",
            help="Delete this stack of other settings, which the rollout no longer has. May be "
            "given more than once.",
        ),
    ):
        decorated = option(decorated)
    result: F = decorated
    return result
