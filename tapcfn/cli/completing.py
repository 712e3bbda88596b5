"""completion: the script that lets a shell complete this program's words, and its side of it.

Made by click's own machinery. What differs: a script asks the program that printed it, wherever it
is, and says nothing when that fails; `--stage=lo` is completed like `--stage lo`.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any, ClassVar

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from tapcfn.cli.options import Session, common
from tapcfn.errors import UsageError

VARIABLE = "_TAPCFN_COMPLETE"

_BASH = """\
%(function)s() {
    local IFS=$'\\n' response completion type value
    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
        %(variable)s=bash_complete %(call)s 2>/dev/null)
    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done
}
complete -o nosort -F %(function)s %(program)s
"""

_ZSH = """\
#compdef %(program)s
%(function)s() {
    local -a plain described response
    local type key says
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \\
        %(variable)s=zsh_complete %(call)s 2>/dev/null)}")
    for type key says in ${response}; do
        case $type in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain)
                if [[ $says == _ ]]; then plain+=("$key"); else described+=("$key:$says"); fi ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(function)s "$@"
else
    compdef %(function)s %(program)s
fi
"""

_FISH = """\
function %(function)s
    set -l response (env %(variable)s=fish_complete COMP_WORDS=(commandline -cp) \\
        COMP_CWORD=(commandline -t) %(call)s 2>/dev/null)
    for completion in $response
        set -l found (string split -m 1 "," -- $completion)
        switch $found[1]
            case dir
                __fish_complete_directories $found[2]
            case file
                __fish_complete_path $found[2]
            case plain
                echo $found[2]
        end
    end
end
complete --no-files --command %(program)s --arguments "(%(function)s)"
"""


class _KnowsAll(ShellComplete):
    """A side that has parsed all that stands before an option whose value is begun.

    Click gives up the arguments of a line that ends in an option without its value.
    """

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Return what fits, the option and what is begun taken as one word."""
        if args and re.fullmatch(r"--[a-z][^=]*", args[-1]):
            return super().get_completions(args[:-1], f"{args[-1]}={incomplete}")
        return super().get_completions(args, incomplete)


class _Bash(_KnowsAll, BashComplete):
    """Bash, which takes `--stage=lo` for three words."""

    source_template: ClassVar[str] = _BASH

    def source(self) -> str:
        """Return the script without asking which Bash there is: it may be for another machine."""
        return ShellComplete.source(self)

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before, put together again, and the one that is begun."""
        args, begun = super().get_completion_args()
        if begun == "=":
            begun = ""
        elif args and args[-1] == "=":
            args = args[:-1]
        return _joined(args), begun


def _joined(words: list[str]) -> list[str]:
    """Return words with `--option`, `=` and `value` as the one word that they are."""
    joined: list[str] = []
    for word in words:
        if joined and (word == "=" or joined[-1].endswith("=")):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


class _WholeWords(_KnowsAll):
    """A shell that puts what it is offered in the place of the whole word."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Return what fits, with the option in front where it stands there."""
        found = super().get_completions(args, incomplete)
        option, equals, _ = incomplete.partition("=")
        if not (equals and option.startswith("--")):
            return found
        return [CompletionItem(f"{option}={each.value}", each.type, each.help) for each in found]


class _Zsh(_WholeWords, ZshComplete):
    source_template: ClassVar[str] = _ZSH


class _Fish(_WholeWords, FishComplete):
    source_template: ClassVar[str] = _FISH


SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


def answer_shells() -> None:
    """Have shells answered by the classes of ours."""
    for name, each in SHELLS.items():
        add_completion_class(each, name)


@click.command()
@click.pass_obj
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.option(
    "--program",
    metavar="NAME",
    help="The word that is completed; else this program's own name.",
)
@common
def completion(session: Session, /, *, shell: str, program: str | None) -> None:
    """Print a script that lets bash, zsh or fish complete commands, options and names.

    Names of stacks, phases, moves and actions are those that the last command on a rollout saw.
    """
    name = program or Path(sys.argv[0]).name
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", name):
        raise UsageError(f'--program "{name}": is no name; allowed: letters, digits and "_.+-"')
    script = SHELLS[shell].source_template % {
        "function": "_" + re.sub(r"\W", "_", name) + "_completion",
        "variable": VARIABLE,
        "program": name,
        "call": _call(),
    }
    session.console.answer("completion", {"shell": shell, "script": script}, script.rstrip("\n"))


def _call() -> str:
    """Return what runs this program from anywhere."""
    own = Path(sys.argv[0])
    if own.name == "tapcfn":
        return "tapcfn"
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(own.resolve()))}"
