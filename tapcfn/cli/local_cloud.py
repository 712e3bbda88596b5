"""Commands for the local cloud: start, stop, status and reset."""

from __future__ import annotations

from pathlib import Path

import click

from tapcfn.cli.options import Session, common


@click.group()
def local() -> None:
    """Run the local cloud that stages with `backend = "local"` are deployed to."""


@local.command()
@click.pass_obj
@click.option("--speed", type=float, help="How many times faster than AWS; 0 is at once.")
@click.option("--port", type=int, default=0, help="The port on 127.0.0.1; 0 takes a free one.")
@common
def start(session: Session, /, *, speed: float | None, port: int) -> int:
    """Start it, or say where it runs."""
    from tapcfn.local import server

    cloud = server.start(Path.cwd(), speed=speed, port=port)
    session.console.result(f"running at {cloud.url} (process {cloud.pid}, state in {cloud.state})")
    return 0


@local.command()
@click.pass_obj
@common
def stop(session: Session, /) -> int:
    """Stop it; its state is kept."""
    from tapcfn.local import server

    stopped = server.stop(Path.cwd())
    session.console.result("stopped; its state is kept" if stopped else "was not running")
    return 0


@local.command()
@click.pass_obj
@common
def reset(session: Session, /) -> int:
    """Empty it: every account, stack and bucket."""
    from tapcfn.local import server

    server.reset(Path.cwd())
    session.console.result("empty")
    return 0


@local.command("status")
@click.pass_obj
@common
def local_status(session: Session, /) -> int:
    """Say whether it runs, where, and what it can't do."""
    from tapcfn.local import server

    found = server.status(Path.cwd()).to_dict()
    lines = [
        f"{key}: {', '.join(map(str, value)) if isinstance(value, list | tuple) else value}"
        for key, value in found.items()
    ]
    session.console.answer("local.status", found, "\n".join(lines))
    return 0
