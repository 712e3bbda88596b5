"""Every system has a page, and what the code says there and in the reference is current."""

from __future__ import annotations

import ast
import inspect
import re
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from tapcfn.cli.app import STATUSES
from tapcfn.config import Common
from tapcfn.notices.web import Signature
from tapcfn.report.ndjson import stream_schema
from templates.blueprints import BLUEPRINTS
from tests.documents import (
    COMMON,
    NOTIFICATIONS,
    PART,
    ROOT,
    notifications_page,
    output_names,
    page,
    settings_page,
    written,
)
from tests.reference import FOLDER, reference
from tests.reference.machine import MEANINGS, VARIABLES, variables
from tests.reference.python import PUBLIC, SAID, explained
from tests.terminal import pictures


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


# The reference ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", reference())
def test_a_page_of_the_reference_is_current(name: str) -> None:
    """It is written by `make documents`, never by hand."""
    assert reference()[name] == (FOLDER / name).read_text(encoding="utf-8")


def test_the_pictures_of_the_terminal_are_current() -> None:
    """They are drawn by `make documents`, the same bytes each time, and load nothing."""
    for file, drawn in pictures():
        assert drawn == file.read_text(encoding="utf-8"), file
        assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", drawn)


def test_every_exit_code_and_every_variable_is_explained() -> None:
    """Neither one too few, nor one that nobody reads any more (tests/reference/machine.py)."""
    assert set(STATUSES) == set(MEANINGS)
    assert set(variables()) == set(VARIABLES)


def test_every_line_of_json_says_what_it_is() -> None:
    """By a `description` in the schema itself, so that a reader without the site has it too."""
    found = stream_schema()["definitions"]

    assert [] == [name for name, each in found.items() if not each.get("description")]


# Public names -------------------------------------------------------------------------------------

NAMES = [(module, name) for module, names in PUBLIC.items() for name in names]


def test_every_public_name_is_there_and_explained() -> None:
    """By its docstring; what can have none is explained in tests/reference/python.py."""
    assert [] == [f"{module}.{name}" for module, name in NAMES if not explained(module, name)]
    assert set(SAID) <= {name for _, name in NAMES}


def test_every_public_function_is_typed_throughout() -> None:
    """Each parameter, and what comes back: a type checker is told by `py.typed` to rely on it."""
    untyped = [
        f"{module}.{found.__qualname__}"
        for module, name in NAMES
        for found in _functions(getattr(import_module(module), name))
        if {*inspect.signature(found).parameters, "return"} - {"self"} - set(found.__annotations__)
    ]

    assert [] == untyped


def _functions(found: Any) -> Iterator[Any]:
    if inspect.isfunction(found):
        yield found
    elif isinstance(found, type):
        yield from (each for each in vars(found).values() if _is_ours(each))


def _is_ours(each: Any) -> bool:
    """Tell a method that stands in our source from one that a library made."""
    return inspect.isfunction(each) and each.__code__.co_filename.startswith(str(ROOT / "tapcfn"))


def test_blueprints_use_public_names_alone() -> None:
    """Whoever writes one needs no other; `delivery` is about the deployer itself."""
    public = {module: set(names) for module, names in PUBLIC.items()}
    used = {
        (node.module, alias.name)
        for path in (ROOT / "templates").rglob("*.py")
        if not {path.stem, path.parent.name} & {"delivery"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tapcfn")
        for alias in node.names
    }

    assert set() == {(module, name) for module, name in used if name not in public.get(module, ())}
