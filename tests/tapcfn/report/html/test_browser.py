"""The page in people's hands: looked at, filtered and printed, by mouse and keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tapcfn.report.html import html
from tests.pictures import stream
from tests.tapcfn.report.html.browser import chromium, visit, why_not
from tests.tapcfn.report.html.telling import read, told
from tests.tapcfn.report.html.test_page import crowd

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a browser")

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

# Only faults are told with all their places: the rest takes longer than the looking.
_AXE = {"resultTypes": ["violations"]}

# What the filter shows and hides.
ROWS = ".item:visible"

Write = Callable[[str], Path]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Return the file of a story's page."""
    folder = tmp_path_factory.mktemp("pages")

    def write(name: str) -> Path:
        file = folder / f"{name}.html"
        if not file.exists():
            file.write_text(html(read(stream(name))), encoding="utf-8")
        return file

    return write


def drill(*values: str) -> Any:
    """Return a case for the long drills: what it holds is held by others, on another page."""
    return pytest.param(*values, marks=pytest.mark.drill)


@pytest.mark.parametrize(
    ("name", "theme"),
    [
        ("partial", "light"),
        *(drill("partial", "dark"), drill("migration", "light"), drill("migration", "dark")),
        *(drill("success", "light"), drill("success", "dark")),
    ],
)
def test_nothing_is_asked_for_and_nobody_is_kept_out(
    browser: Browser, page_of: Write, name: str, theme: str
) -> None:
    """No request, no word on the console, no serious fault by axe: folded and unfolded."""
    from axe_playwright_python.sync_playwright import Axe

    with visit(browser, page_of(name), viewport=WIDE, color_scheme=theme) as opened:
        opened.page.click("#fold")
        found: dict[str, Any] = Axe().run(opened.page, options=_AXE).response

        assert opened.is_quiet
        assert [] == [
            (each["id"], [node["html"] for node in each["nodes"][:3]])
            for each in found["violations"]
            if each["impact"] in {"serious", "critical"}
        ]
        assert len(found["passes"]) > 20


@pytest.mark.parametrize("name", [drill("success"), "partial", drill("migration")])
def test_a_phone_shows_all_of_it_without_pushing_the_page_sideways(
    browser: Browser, page_of: Write, name: str
) -> None:
    """Folded and unfolded: what is wider scrolls within itself."""
    with visit(browser, page_of(name), viewport=NARROW) as opened:
        for _ in range(2):
            wide = opened.page.evaluate("document.documentElement.scrollWidth")
            assert NARROW["width"] == wide
            opened.page.click("#fold")
        assert opened.page.locator("h1").is_visible()


def test_the_filter_finds_what_is_folded_away_and_lets_it_go_again(
    browser: Browser, page_of: Write
) -> None:
    """All words must be there; sections without any of it go."""
    with visit(browser, page_of("success"), viewport=WIDE) as opened:
        page = opened.page
        before = page.locator(ROWS).count()
        page.keyboard.press("/")
        page.keyboard.type("kms alias us-west-2")
        page.locator("#found").wait_for()

        (shown,) = page.locator("#plan .item:visible").all_inner_texts()
        assert "AWS::KMS::Alias" in shown
        assert not page.locator("#outputs").is_visible()
        assert page.locator("#verdict").is_visible()
        assert f"of {page.locator('.item').count()} shown" in page.locator("#found").inner_text()

        page.keyboard.press("Escape")
        page.locator("#found").wait_for(state="hidden")
        assert before == page.locator(ROWS).count()
        assert opened.is_quiet


def test_problems_alone_are_the_failed_instances_and_their_causes(
    browser: Browser, page_of: Write
) -> None:
    with visit(browser, page_of("partial"), viewport=WIDE) as opened:
        page = opened.page
        page.click("#bad")

        accounts = page.locator("table.fleet tbody tr:visible th").all_inner_texts()
        assert ["200244442002", "200744442007"] == accounts
        assert 2 == page.locator(".whys li:visible").count()
        assert "true" == page.locator("#bad").get_attribute("aria-pressed")

        page.click("#bad")
        assert 12 == page.locator("table.fleet tbody tr:visible").count()


def test_a_keyboard_is_enough(browser: Browser, page_of: Write) -> None:
    """The first stop leads past all else; folds open, and what scrolls can be reached."""
    with visit(browser, page_of("migration"), viewport=WIDE) as opened:
        page = opened.page
        page.keyboard.press("Tab")
        assert "To the verdict" == page.evaluate("document.activeElement.textContent")
        page.keyboard.press("Enter")
        assert "verdict" == page.evaluate("document.activeElement.id")

        page.locator("#plan summary").first.focus()
        assert not page.locator("#plan .inside").first.is_visible()
        page.keyboard.press("Enter")
        assert page.locator("#plan .inside").first.is_visible()

        page.locator("#architecture .scroll").first.focus()
        assert page.evaluate("document.activeElement.classList.contains('scroll')")


def test_a_theme_is_chosen_and_kept(browser: Browser, page_of: Write) -> None:
    """System, light, dark; against what the system says."""
    with visit(browser, page_of("success"), viewport=WIDE, color_scheme="dark") as opened:
        page = opened.page
        colour = "getComputedStyle(document.body).backgroundColor"
        dark = page.evaluate(colour)
        page.click("#theme")
        light = page.evaluate(colour)

        assert dark != light
        assert "Theme: light" == page.locator("#theme").inner_text()
        page.reload()
        assert light == page.evaluate(colour)
        page.click("#theme")
        assert dark == page.evaluate(colour)


def test_without_a_script_it_can_still_be_read(browser: Browser, page_of: Write) -> None:
    """What would not work is not offered."""
    with visit(browser, page_of("partial"), java_script_enabled=False) as opened:
        page = opened.page
        assert page.get_by_text("explicit deny in a service control policy").first.is_visible()
        assert not page.locator(".tools").is_visible()
        assert 0 == page.locator(".copy:visible").count()
        page.locator("#plan summary").first.click()
        assert page.locator("#plan .inside").first.is_visible()


def test_on_paper_nothing_is_folded_and_nothing_can_be_clicked(
    browser: Browser, page_of: Write
) -> None:
    """Even where no script has unfolded it."""
    with visit(browser, page_of("success"), java_script_enabled=False) as opened:
        opened.page.emulate_media(media="print")

        assert opened.page.locator("#plan .change").last.is_visible()
        assert not opened.page.locator("nav").is_visible()
        assert opened.page.pdf().startswith(b"%PDF")


def test_the_policy_holds_whatever_gets_into_the_page(browser: Browser, page_of: Write) -> None:
    """A picture, a script and a call to a server that would answer: none leaves the page."""
    came: list[str] = []

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(self.path)
            self.send_error(404)

    with HTTPServer(("127.0.0.1", 0), Door) as server, visit(browser, page_of("success")) as opened:
        Thread(target=server.serve_forever, daemon=True).start()
        opened.page.evaluate(
            """async (door) => {
              const image = document.body.appendChild(new Image());
              const script = document.body.appendChild(document.createElement("script"));
              image.src = script.src = door;
              const own = document.body.appendChild(document.createElement("script"));
              own.textContent = "document.title = 'taken'";
              await fetch(door).catch(() => null);
            }""",
            f"http://127.0.0.1:{server.server_port}/x",
        )
        server.shutdown()

        assert [] == came
        assert "taken" != opened.page.title()
        assert all("Content Security Policy" in each for each in opened.said)
        assert len(opened.said) >= 3


@pytest.mark.drill
def test_a_thousand_instances_are_filtered_while_one_types(
    browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "crowd.html"
    file.write_text(html(told(*crowd(200))), encoding="utf-8")
    with visit(browser, file, viewport=WIDE) as opened:
        begun = time.monotonic()
        opened.page.fill("#find", "000000000123")
        opened.page.locator("#found").wait_for()

        assert time.monotonic() - begun < 5
        assert "000000000123" in opened.page.locator("table.fleet tr.item:visible").inner_text()
        assert opened.is_quiet
