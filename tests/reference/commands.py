"""Every command with its options, as click knows them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from tapcfn.cli.app import cli

HEAD = """\
# Commands

Written by `make documents` from the commands themselves; `--help` says the same.

A `BLUEPRINT` is the name of a blueprint, or a folder with a `tapcfn.toml`
([more](../plain.md)). Where a part of a command line stands in brackets it may be left out.

## Options of every command

"""
# What each command takes, shown once.
SHARED = ("--json", "--no-input", "--timeout", "--no-color", "--debug", "--help")


def commands() -> str:
    """Return the text of the page."""
    example = cli.commands["plan"]
    shared = [each for each in _options(example) if each.opts[0] in SHARED]
    assert len(shared) == len(SHARED) - 1, "an option of every command has gone"
    return "\n".join([HEAD + _table(shared), *_pages(cli, "tapcfn")])


def _pages(group: click.Group, path: str) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        yield from _page(command, f"{path} {name}")
        if isinstance(command, click.Group):
            yield from _pages(command, f"{path} {name}")


def _page(command: click.Command, path: str) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    own = [each for each in _options(command) if each.opts[0] not in SHARED]
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield f"## {path}\n"
    yield f"```text\n{usage}\n```\n"
    yield _paragraphs(command.help or "") + "\n"
    if own:
        yield _table(own)


def _options(command: click.Command) -> list[click.Option]:
    return [each for each in command.params if isinstance(each, click.Option) and not each.hidden]


def _paragraphs(text: str) -> str:
    """Return a docstring as paragraphs, each on one line."""
    parts = text.replace("\b\n", "").strip().split("\n\n")
    return "\n\n".join(_plain(" ".join(part.split())) for part in parts)


def _table(options: list[click.Option]) -> str:
    lines = ["| option | meaning |", "|-|-|", *map(_row, options)]
    return "\n".join(lines) + "\n"


def _row(option: click.Option) -> str:
    context = click.Context(click.Command("any"))
    names = ", ".join(option.opts) + "".join(f" / {each}" for each in option.secondary_opts)
    metavar = "" if option.is_flag else f" {option.make_metavar(context)}"
    default = _default(option)
    meaning = _plain(option.help or "")
    return f"| `{names}{metavar}` | {meaning}{default} |".replace("|`", "| `")


def _default(option: click.Option) -> str:
    shown = option.show_default
    if not shown:
        return ""
    return f" Default: {shown if isinstance(shown, str) else f'`{option.default}`'}."


def _plain(text: str) -> str:
    """Return text as it is read in a table: no tags, no column marks."""
    return text.replace("<", "&lt;").replace("|", "\\|")
