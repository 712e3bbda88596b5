"""Pictures of the terminal for the README: what the tool prints, as SVG, the same bytes each time.

The plan is that of the tutorial, which a drill holds against the tool; the table of the apply is
drawn by the tool itself, in the middle of the tutorial's change. Run it to draw them anew.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, Group
from rich.text import Text

from tapcfn import plain
from tapcfn.cli.live import Live
from tapcfn.events import OperationStarted, ResourceMoved, StackEnded, StackMoved
from tapcfn.model import Ending, Snapshot, StackEvent
from tapcfn.plan import plan
from tests.pages import DOCS, blocks, commands

IMAGES = DOCS / "img"
TUTORIAL = DOCS / "tutorial.md"
WIDTH = 96

# Without the font that rich would fetch from somebody's host.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*|<!--.*?-->\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def pictures() -> Iterator[tuple[Path, str]]:
    """Yield each picture's file and text."""
    yield IMAGES / "plan.svg", drawn("tapcfn plan shop", Text(_said("tapcfn plan shop")))
    yield IMAGES / "apply.svg", drawn("tapcfn apply shop", _live())


def drawn(typed: str, shown: Text | Group) -> str:
    """Return a terminal in which a command was typed, as SVG."""
    screen = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor",
        legacy_windows=False, _environ={},
    )  # fmt: skip
    screen.print(Text(f"$ {typed}", style="bold"))
    screen.print(shown, highlight=False)
    name = typed.split()[1]
    return screen.export_svg(title=typed, code_format=FORMAT, unique_id=name) + "\n"


def _said(typed: str) -> str:
    """Return what the tutorial says is printed, where it first shows it."""
    found = [each for block in blocks(TUTORIAL) for each in commands(block) if each.text == typed]
    return "\n".join(found[0].says)


def _live() -> Group:
    """Return the table in the middle of an update: two stacks are done, and two at work."""
    with tempfile.TemporaryDirectory() as folder:
        for block in blocks(TUTORIAL):
            if block.title.startswith("shop/") and block.language != "diff":
                path = Path(folder, block.title)
                path.parent.mkdir(exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
        rollout = plain.read(Path(folder, "shop")).rollout
    now = iter([0.0, *(each / 4 for each in range(1000))])
    live = Live(plan(rollout, Snapshot()), lambda: 14.0, color=True, now=lambda: next(now))
    storage, queues = rollout.stacks[:2], rollout.stacks[2:]
    for stack in storage:
        live.notify(OperationStarted(stack.name, stack.target, "update", "", usual=21.0))
        live.notify(StackEnded(stack.name, stack.target, Ending.DONE, seconds=20.0))
    for stack, moved in zip(queues, ("TakeOrders", "Todo"), strict=True):
        live.notify(OperationStarted(stack.name, stack.target, "update", "", usual=18.0))
        live.notify(StackMoved(stack.name, stack.target, "UPDATE_IN_PROGRESS"))
        event = StackEvent("1", moved, "", "UPDATE_IN_PROGRESS")
        live.notify(ResourceMoved(stack.name, stack.target, event))
    return live._picture()


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for file, text in pictures():
        file.write_text(text, encoding="utf-8")
