"""Pictures of a page: wide and on a phone, in both themes, small enough for a repository."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from tapcfn.report.html import html
from tapcfn.report.recorded import recorded
from tests.pictures import stream
from tests.tapcfn.report.html.browser import chromium, visit

IMAGES = Path(__file__).parents[2] / "docs" / "img"

# How wide a picture is; how high, and where on the page it begins, is the story's own.
WIDTHS = (1280, 390)
HEIGHTS = {"success": 1600, "partial": 2150, "migration": 1900}
BEGINS = {("migration", 1280): "#timeline", ("migration", 390): "#gates"}
THEMES = ("light", "dark")

# A page of few colours looks the same with as many.
_COLOURS = 200


def take(name: str, folder: Path) -> Iterator[Path]:
    """Take the pictures of a recorded run, and yield their files."""
    from PIL import Image

    run = recorded(stream(name))
    assert run is not None
    page = folder / f"{name}.html"
    page.write_text(html(run), encoding="utf-8")
    IMAGES.mkdir(exist_ok=True)
    raw = folder / "raw.png"
    with chromium() as browser:
        for width, theme in product(WIDTHS, THEMES):
            size = {"width": width, "height": HEIGHTS[name]}
            with visit(
                browser, page, viewport=size, color_scheme=theme, reduced_motion="reduce"
            ) as opened:
                if begins := BEGINS.get((name, width)):
                    opened.page.locator(begins).evaluate("part => part.scrollIntoView()")
                opened.page.screenshot(path=raw)
            file = IMAGES / f"report-{name}-{width}-{theme}.png"
            with Image.open(raw) as image:
                image.quantize(_COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
            yield file
