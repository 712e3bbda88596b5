"""What pages say can be followed: links lead somewhere, commands and settings are accepted."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click
import pytest
import yaml

from tapcfn import plain
from tapcfn.cli.app import cli
from tapcfn.cli.console import Console
from tapcfn.cli.options import Session
from tapcfn.config import Common, Strict, check
from tapcfn.errors import TapcfnError
from tapcfn.local.faults import parse
from tapcfn.recovery import SICK
from templates.blueprints import BLUEPRINTS
from tests.pages import (
    DOCS,
    ROOT,
    SHELLS,
    Block,
    anchors,
    blocks,
    commands,
    links,
    of_tapcfn,
    pages,
    spoken,
)

SITE = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
NOT_ON_THE_SITE = re.findall(r"^  ([\w-]+\.md)$", SITE, re.MULTILINE)

PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))


@PAGES
def test_links_lead_somewhere(page: Path):
    """Files and headings, without asking any host; a page of the site links to no other place."""
    assert [] == [
        f"line {line}: {to}: {why}" for line, to in links(page) if (why := _lost(page, to))
    ]


def _lost(page: Path, link: str) -> str:
    """Return why a link leads nowhere, or nothing."""
    if re.match(r"(https?|mailto):", link):
        return ""
    name, _, anchor = unquote(link).partition("#")
    to = (page.parent / name).resolve() if name else page
    if not to.exists():
        return "there is no such file"
    if _is_on_the_site(page) and not _is_on_the_site(to):
        return "is not on the site: name it in code, or link to a page of docs/"
    if anchor and anchor not in anchors(to):
        return f"there is no such heading (there are: {', '.join(sorted(anchors(to)))})"
    return ""


def _is_on_the_site(path: Path) -> bool:
    return path.is_relative_to(DOCS) and path.name not in NOT_ON_THE_SITE


def test_the_site_has_every_page_of_docs():
    """A page that the navigation of mkdocs.yml does not name is found by nobody."""
    named = set(re.findall(r"^ +- .*: ([\w/.-]+\.md)$", SITE, re.MULTILINE))

    there = {str(page.relative_to(DOCS)) for page in pages() if _is_on_the_site(page)}
    assert there == named


# Commands -----------------------------------------------------------------------------------------


@PAGES
def test_commands_are_those_that_there_are(page: Path):
    """An option that tapcfn does not have, or a target that make does not have, is a fault."""
    told = [each for block in blocks(page) if block.language in SHELLS for each in commands(block)]
    wrong = {
        f"{each.where}: {each.text}": why
        for each in (*told, *spoken(page))
        for words in each.calls
        if (why := _refused(of_tapcfn(words)) or _no_target(words))
    }

    assert {} == wrong


def _refused(words: list[str] | None) -> str:
    """Return why a command line is refused, or nothing; files need not be there."""
    if not words:  # another program, or only the name of this one
        return ""
    session = Session("templates.blueprints", Console("run", json=False, color=False))
    command: click.Command = cli
    try:
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            inner = command.get_command(click.Context(command), words[0])
            if inner is None:
                return f"there is no command {words[0]}"
            command, words = inner, words[1:]
        if not {"--help", "-h", "--version"} & set(words):
            command.make_context(command.name, list(words), obj=session)
    except click.ClickException as error:
        is_only_absent = isinstance(error, click.BadParameter) and "does not exist" in str(error)
        return "" if is_only_absent else error.format_message()
    return ""


def _no_target(words: list[str]) -> str:
    if words[:1] != ["make"]:
        return ""
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [word for word in words[1:] if "=" not in word]
    variables = [word.partition("=")[0] for word in words[1:] if "=" in word]
    lost = [each for each in targets if not re.search(rf"^{each}:", made, re.MULTILINE)]
    lost += [each for each in variables if not re.search(rf"^{each} \?=", made, re.MULTILINE)]
    return f"make has no {', '.join(lost)}" if lost else ""


# Blocks -------------------------------------------------------------------------------------------


def _blocks(*languages: str) -> list[Any]:
    found = [block for page in pages() for block in blocks(page)]
    return [pytest.param(each, id=str(each)) for each in found if each.language in languages]


@pytest.mark.parametrize("block", _blocks("python", "json", "yaml", "yml"))
def test_code_can_be_read(block: Block):
    """By the language's own reader; CloudFormation's short forms are tags of YAML."""
    if block.language == "python":
        ast.parse(block.text)
    elif block.language == "json":
        json.loads(block.text)
    else:
        assert yaml.compose(block.text) is not None


@pytest.mark.parametrize("block", _blocks("toml"))
def test_settings_are_accepted(block: Block):
    """A whole file by the settings that it belongs to, a part by those that know its keys."""
    document = tomllib.loads(block.text)
    if {"fault", "measure", "throttle"} & document.keys():
        parse(block.text)
    elif Path(block.title).name == plain.settings.FILE:
        check(str(block), document, plain.settings.Settings)
    elif match := re.fullmatch(r"templates/settings/(\w+)\.\w+\.toml", block.title):
        check(str(block), document, import_module(BLUEPRINTS[match[1]]).Settings)
    else:
        assert [] == _faults_of_part(block, document)


def _faults_of_part(block: Block, document: Mapping[str, Any]) -> list[str]:
    """Return why none takes a part of a settings file, one reason for each; empty if one does."""
    models: list[type[Common]] = [plain.settings.Settings, *_settings()]
    reasons = []
    for model in models:
        whole = _missing(model) | dict(document)
        try:
            check(str(block), whole, model)
        except TapcfnError as error:
            reasons.append(f"{model.__module__}: {error}")
        else:
            return []
    return reasons


def _settings() -> list[type[Common]]:
    return [import_module(BLUEPRINTS[name]).Settings for name in BLUEPRINTS]


def _missing(model: type[Strict]) -> dict[str, Any]:
    """Return what a part of a file need not say."""
    accounts = ["111111111111", "111122223333"]
    said: dict[str, Any] = {"account": accounts[0], "accounts": accounts, "region": "us-east-1"}
    said |= {"allowed_cidr": "203.0.113.0/24", "stacks": {"network": {"template": "network.yaml"}}}
    return {key: value for key, value in said.items() if key in model.model_fields}


def test_the_blueprint_of_the_guide_is_the_example():
    """So what a reader copies is what is deployed by tests; and it is as short as it says."""
    example = ROOT / "examples/blueprint"
    shown = {each.title: each.text for each in blocks(DOCS / "how-to/own-blueprint.md")}
    files = [path for path in example.rglob("*") if path.suffix in {".py", ".toml"}]
    lines = shown["ours/blueprints/uploads.py"].splitlines()

    for path in files:
        assert path.read_text(encoding="utf-8") == shown[str(path.relative_to(example))]
    assert len([line for line in lines if line.strip()]) <= 40


def test_every_state_that_can_be_cured_is_in_the_guide():
    """Whoever looks a status up finds a row."""
    text = (DOCS / "how-to/recover.md").read_text(encoding="utf-8")

    assert [] == [each for each in SICK if f"`{each}`" not in text]
