"""Every key of every settings file, and the gates and actions of blueprints, from their models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from importlib import import_module
from typing import Any, get_args

from pydantic import BaseModel

from tapcfn import gate_settings, model, plain, set_settings
from tapcfn.config import Common, Credentials
from templates.blueprints import BLUEPRINTS
from tests.documents import table
from tests.pages import without_marks

SETTINGS = """\
# Every key

Written by `make documents` from the models that read the settings. `tapcfn schema BLUEPRINT` prints
the same as a JSON Schema; [how settings are read](../settings.md) says what becomes of a wrong key.

"""
NESTED = (
    ("targets", "Targets of a stack set", set_settings.TargetSettings),
    ("preferences", "Preferences of a stack set", set_settings.PreferencesSettings),
    ("waves", "Waves of a stack set", set_settings.WaveSettings),
    ("overrides", "Overrides of a stack set", set_settings.OverrideSettings),
)

GATES = """\
# Gates and actions

Written by `make documents` from the code. What they are for is told in [moves](../moves.md).

## Gates in settings

A gate is a table with a `kind`. These keys every kind takes:

"""
ACTIONS = """\
## Actions of moves

What a move does beside the stacks, from `tapcfn.model`. Each has a `name` and a `target` (an
account and a Region); a value that only a deployed stack knows is an `OutputOf`. Actions are begun
once: a run that was killed finds them again.

| action | what it does | what it must be told |
|-|-|-|
"""


def settings() -> str:
    """Return the page of settings."""
    parts = [SETTINGS, "## Every blueprint and every folder\n\n", table(Common)]
    parts += ['\n## Credentials\n\n`[credentials."<account id>"]`:\n\n', table(Credentials)]
    parts += [f"\n{each}" for each in _folder()]
    for name in BLUEPRINTS:
        own = import_module(BLUEPRINTS[name]).Settings
        parts += [f"\n## {name}\n\n[The system](../systems/{name}.md).\n\n"]
        parts += [table(own, frozenset(Common.model_fields))]
    return "".join(parts)


def _folder() -> Iterator[str]:
    common = frozenset(Common.model_fields)
    yield "## A folder of templates\n\nAt the top of `tapcfn.toml`:\n\n"
    yield table(plain.settings.Settings, common - {"keep_data"})
    yield "## A stack of a folder\n\n`[stacks.<name>]`:\n\n" + table(plain.settings.StackSettings)
    yield "## A stack set of a folder\n\n`[stack_sets.<name>]`:\n\n"
    yield table(plain.settings.PlainSet)
    for key, title, kind in NESTED:
        yield f"## {title}\n\n`{key}`:\n\n" + table(kind)


def gates_and_actions() -> str:
    """Return the page of gates and actions."""
    own = frozenset(gate_settings.OWN)
    parts = [GATES, table(gate_settings.GateSettings, own)]
    parts += ["\n| kind | must be told | may be told |\n|-|-|-|\n"]
    for kind, form in gate_settings.FORMS.items():
        parts.append(f'| `"{kind}"` | {_keys(form.needs)} | {_keys(form.takes)} |\n')
    others = frozenset(gate_settings.GateSettings.model_fields) - own
    parts += ["\n", table(gate_settings.GateSettings, others), "\n"]
    parts += ["## Checks in a blueprint\n\n| check | what it looks at |\n|-|-|\n"]
    parts += [f"| `{each.__name__}` | {_sentence(each)} |\n" for each in get_args(model.Check)]
    parts += ["\n", ACTIONS, *map(_action, get_args(model.Action))]
    return "".join(parts)


def _keys(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{each}`" for each in names) or "nothing"


def _action(kind: type[Any]) -> str:
    told = [each for each in fields(kind) if each.name not in {"name", "target"}]
    return f"| `{kind.__name__}` | {_sentence(kind)} | {_keys(tuple(map(_field, told)))} |\n"


def _field(each: Field[Any]) -> str:
    return each.name if each.default is MISSING else f"{each.name}={each.default!r}"


def _sentence(kind: type[Any] | type[BaseModel]) -> str:
    """Return the first paragraph of a docstring, without the marks of requirements."""
    text = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
    return without_marks(text).replace("|", "\\|")
