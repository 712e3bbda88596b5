"""A command line, as it was given and as it can be given again."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import click


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
