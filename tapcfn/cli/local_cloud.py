"""Commands for the local cloud: start, stop, status and reset."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapcfn.cli.options import Session, common
from tapcfn.errors import UsageError

if TYPE_CHECKING:
    from tapcfn.local.server import Status

LAST_PORT = 65_535


class Speed(click.ParamType[float]):
    """How many times faster than AWS: a number from 0, which is at once."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number; not a number, none below zero and no endless one."""
        try:
            speed = float(value)
        except ValueError:
            speed = math.nan
        if not 0 <= speed < math.inf:
            self.fail(f'"{value}" is no speed; allowed: a number from 0', param, ctx)
        return speed


@click.group()
def local() -> None:
    """Run the local cloud that stages with `backend = "local"` are deployed to."""


@local.command()
@click.pass_obj
@click.option("--speed", type=Speed(), help="How many times faster than AWS; 0 is at once.")
@click.option(
    "--port",
    type=click.IntRange(0, LAST_PORT),
    default=0,
    help="The port on 127.0.0.1; 0 takes the last one if it is free, else any.",
)
@click.option("--seed", type=int, help="Draws other durations.")
@click.option(
    "--faults",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML table of what goes wrong; docs/local-cloud.md has its grammar.",
)
@common
def start(
    session: Session,
    /,
    *,
    speed: float | None,
    port: int,
    seed: int | None,
    faults: Path | None,
) -> int:
    """Start it, or say where it runs; one that runs keeps its port and its seed."""
    from tapcfn.local import server
    from tapcfn.local.faults import read

    table = read(faults) if faults else ""
    running = server.status(Path.cwd())
    if running.running:
        _refuse_others(running, port, seed)
    server.start(
        Path.cwd(), speed=speed, port=port, seed=seed or 0, faults=table, faults_file=_full(faults)
    )
    if running.running and faults is not None:
        server.inject(Path.cwd(), table, _full(faults))
    found = server.status(Path.cwd())
    session.console.answer("local.start", _for_scripts(found), _where(found))
    return 0


@local.command()
@click.pass_obj
@common
def stop(session: Session, /) -> int:
    """Stop it; its state is kept."""
    from tapcfn.local import server

    before = server.status(Path.cwd())
    stopped = server.stop(Path.cwd())
    text = "stopped; its state is kept" if stopped else "was not running"
    fields = _for_scripts(before) | {"running": False, "stopped": stopped}
    session.console.answer("local.stop", fields, text)
    return 0


@local.command()
@click.pass_obj
@common
def reset(session: Session, /) -> int:
    """Empty it: every account, stack and bucket."""
    from tapcfn.local import server

    server.reset(Path.cwd())
    session.console.answer("local.reset", _for_scripts(server.status(Path.cwd())), "empty")
    return 0


@local.command("status")
@click.pass_obj
@click.option("--types", is_flag=True, help="List the resource types that it knows.")
@common
def local_status(session: Session, /, *, types: bool) -> int:
    """Say whether it runs, where, and what it can't do."""
    from tapcfn.local import server

    found = server.status(Path.cwd())
    text = "\n".join(_types(found) if types else _lines(found))
    session.console.answer("local.status", found.to_dict(), text)
    return 0


# What was asked for -------------------------------------------------------------------------------


def _full(faults: Path | None) -> str:
    return str(faults.resolve()) if faults else ""


def _refuse_others(running: Status, port: int, seed: int | None) -> None:
    """Refuse a port or a seed that the running cloud does not have: it keeps those of its start."""
    here = int(running.url.rpartition(":")[2])
    for name, wanted, there in (("port", port or None, here), ("seed", seed, running.seed)):
        if wanted is not None and wanted != there:
            raise UsageError(
                f"the local cloud runs already, with {name} {there}; to start it with another: "
                "tapcfn local stop"
            )


# Answers ------------------------------------------------------------------------------------------


def _for_scripts(found: Status) -> dict[str, Any]:
    """Return the status without the long lists of types and notes."""
    return {
        name: value
        for name, value in found.to_dict().items()
        if name not in {"supported", "stored_only", "notes"}
    }


def _where(found: Status) -> str:
    return f"running at {found.url} (process {found.pid}, state in {found.state})"


def _lines(found: Status) -> list[str]:
    """Return the status for a person, without the types."""
    if not found.running:
        return ["running: False", f"state: {found.state}"]
    faults = f"{found.faults} from {found.faults_file or 'a table'}" if found.faults else "none"
    return [
        _where(found),
        f"account: {found.account}",
        f"accounts: {', '.join(found.accounts)}",
        f"speed: {found.speed:g}" if found.speed else "speed: 0 (at once)",
        f"seed: {found.seed}",
        f"faults: {faults}",
        f"moving: {found.moving}",
        f"types: {len(found.supported)}, listed by: tapcfn local status --types",
        f"stored only: {len(found.stored_only)}, marked in that list",
        *(f"note: {note}" for note in found.notes),
    ]


def _types(found: Status) -> list[str]:
    """Return the resource types, one on a line."""
    if not found.running:
        raise UsageError("the local cloud is not running; start it: tapcfn local start")
    return [
        f"{name} (stored only)" if name in found.stored_only else name for name in found.supported
    ]
