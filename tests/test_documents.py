"""Every system has a page, and what the code says of it there is what it says today."""

from __future__ import annotations

import re
import time
from importlib import import_module
from typing import Any

import pytest

from tapcfn.config import Common
from tapcfn.notices.web import Signature
from templates.blueprints import BLUEPRINTS
from tests.documents import (
    COMMON,
    NOTIFICATIONS,
    PART,
    notifications_page,
    output_names,
    page,
    settings_page,
    written,
)


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_systems_page_is_current(name: str) -> None:
    """Its picture is written by `make documents`, never by hand; settings and outputs may be."""
    text = page(name).read_text(encoding="utf-8")

    assert "picture" in [found[1] for found in PART.findall(text)]
    assert text == written(name)


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_systems_page_explains_every_key(name: str) -> None:
    """A key that nobody explains is found by nobody."""
    text = page(name).read_text(encoding="utf-8")
    keys = set(import_module(BLUEPRINTS[name]).Settings.model_fields) - set(Common.model_fields)

    assert {key for key in keys if f"`{key}`" not in text} == set()


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_systems_page_names_every_output(name: str) -> None:
    """What a person may ask for, in the shape that the example has."""
    assert [each for each in output_names(name) if f"`{each}`" not in page(name).read_text()] == []


def test_the_page_of_settings_is_current() -> None:
    """The keys that every system has stand there once."""
    assert COMMON.read_text(encoding="utf-8") == settings_page()


def test_the_page_of_notifications_is_current() -> None:
    """Their table has keys of its own."""
    assert NOTIFICATIONS.read_text(encoding="utf-8") == notifications_page()


def test_the_receiver_of_the_page_knows_a_signature() -> None:
    """The lines that people copy take what is sent, and nothing older or other."""
    text = NOTIFICATIONS.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(code, scope)
    key, body = "a key of enough letters", b"{}"

    def accepts(age: float, sent: bytes = body) -> bool:
        headers = Signature(key, now=lambda: time.time() - age).headers(body)
        stamp, signature = headers["X-Tapcfn-Timestamp"], headers["X-Tapcfn-Signature"]
        return bool(scope["is_from_tapcfn"](key, stamp, signature, sent))

    assert (True, False, False) == (accepts(0), accepts(1000), accepts(0, b"{ }"))
