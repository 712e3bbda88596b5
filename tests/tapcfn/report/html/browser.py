"""A headless Chromium of the system's, and what a page does in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def why_not() -> str:
    """Return why no page can be looked at here, or nothing."""
    try:
        import axe_playwright_python  # noqa: F401
        import playwright  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not installed: make browser"
    if executable() is None:
        return f"none of {', '.join(NAMES)} is installed: make browser"
    return ""


def executable() -> str | None:
    """Return the system's Chromium."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a browser that is closed again; as root it has no sandbox of its own."""
    from playwright.sync_api import sync_playwright

    words = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=words)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """A page that is open, and all that it did which it must not do."""

    page: Page
    file: Path
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def is_quiet(self) -> bool:
        """Whether it asked for nothing but itself, and complained of nothing."""
        return (self.asked, self.said) == ([self.file.as_uri()], [])


@contextmanager
def visit(browser: Browser, file: Path, **how: Any) -> Iterator[Visit]:
    """Open a file in a context of its own; `how` is as for `Browser.new_context`."""
    with browser.new_context(**how) as context:
        context.set_default_timeout(60_000)
        page = context.new_page()
        found = Visit(page, file)
        page.on("request", lambda request: found.asked.append(request.url))
        page.on("console", lambda told: found.said.append(told.text))
        page.on("pageerror", lambda error: found.said.append(str(error)))
        page.on("dialog", lambda dialog: found.said.append(dialog.message))
        page.goto(file.as_uri())
        yield found
