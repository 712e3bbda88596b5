"""What goes to a screen, and what goes elsewhere."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from tapcfn.cli.console import Console

WIDE = "              + Subnet  AWS::EC2::SubnetRouteTableAssociation"

Shown = Callable[..., str]


class Terminal(io.StringIO):
    """A screen, as far as a stream is one."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Return what a page looks like on a terminal of 50 columns."""
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setenv("TERM", "xterm-256color")

    def page(**console: bool) -> str:
        screen = Terminal()
        monkeypatch.setattr(sys, "stdout", screen)
        Console("r", **{"json": False, "color": True, **console}).page(WIDE)
        return screen.getvalue()

    return page


def test_a_screen_gets_a_page(shown: Shown) -> None:
    """Wrapped, and coloured."""
    assert "\x1b[32m              + Subnet\x1b[0m\n                  AWS::EC2" in shown()


def test_a_screen_without_colours_gets_none(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR and --no-color come in as `color`; a dumb terminal has none anyway."""
    plain = "              + Subnet\n                  AWS::EC2::SubnetRouteTableAssociation\n"

    assert plain == shown(color=False)
    monkeypatch.setenv("TERM", "dumb")
    assert plain == shown()


def test_a_file_gets_the_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """So does whatever reads a pipe."""
    Console("r", json=False, color=True).page(WIDE)

    assert f"{WIDE}\n" == capsys.readouterr().out


def test_programs_get_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    """They get events."""
    Console("r", json=True, color=True).page(WIDE)

    assert "" == capsys.readouterr().out
