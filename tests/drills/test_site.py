"""The site of docs/: it is built strictly, asks nobody for anything, and is found one's way in."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tests.pages import ROOT
from tests.tapcfn.report.html.browser import chromium, why_not

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MISSING = "" if importlib.util.find_spec("mkdocs") else "mkdocs is not installed: make docs"

pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(bool(MISSING), reason=MISSING or "mkdocs is there"),
]

PAGES = ("index", "tutorial", "how-to/recover", "reference/commands", "systems/region_migration")


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a copy of the pages."""
    words = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder / "site")]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the pages, to do harm to."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    done = build(folder)
    assert done.returncode == 0, done.stderr

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = partial(Quiet, directory=str(folder / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if reason := why_not():
        pytest.skip(reason)
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("[gone](gone.md)", "gone.md"),
        ("[gone](plain.md#gone)", "#gone"),
        ('<script src="https://example.com/x.js"></script>', "example.com"),
        ('<img src="//example.com/x.png">', "example.com"),
    ],
)
def test_what_leads_nowhere_or_elsewhere_fails_the_build(copy: Path, harm: str, said: str):
    """A broken link, a missing heading, and whatever a browser would fetch from another host."""
    page = copy / "docs/moves.md"
    page.write_text(f"{page.read_text()}\n\n{harm}\n")

    done = build(copy)

    assert done.returncode != 0
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_pages_ask_nobody_and_complain_of_nothing(browser: Browser, url: str, scheme: str):
    """In both themes: every request goes to the site itself, and the console stays empty."""
    asked: set[str] = set()
    said: list[str] = []
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.add(request.url))
        page.on("console", lambda told: said.append(told.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        for name in PAGES:
            page.goto(f"{url}/{name}.html")
            page.wait_for_load_state("networkidle")

    assert [] == [each for each in asked if not each.startswith((url, "data:", "blob:"))]
    assert [] == said


def test_a_word_is_found(browser: Browser, url: str):
    """The search works by itself, and leads to the page that is meant."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{url}/index.html")
        page.locator("input[data-md-component=search-query]").fill("UPDATE_ROLLBACK_FAILED")
        found = page.locator(".md-search-result__link").first
        found.wait_for()

        assert "recover" in str(found.get_attribute("href"))


@pytest.mark.parametrize("width", [390, 1280])
def test_a_picture_of_a_system_fits_the_screen(browser: Browser, url: str, width: int):
    """Nothing makes the page wider than the screen; tables scroll in themselves."""
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{url}/systems/region_migration.html")

        assert page.locator(".rollout .unit").count() > 5
        assert page.evaluate("document.documentElement.scrollWidth") <= width
