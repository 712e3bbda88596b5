"""What Python programs may use, by name: the page of the public names, from their docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, get_args

from tapcfn import errors, model
from tests.pages import without_marks

HEAD = """\
# Python

Written by `make documents` from the docstrings. These names are public: they change as
[what is stable](stability.md) says. Everything else in `tapcfn` may change at any time. All of it
is typed (`py.typed`).

A blueprint needs little: `Common` for its settings, `Template` and `body` for its templates, and
`Rollout`, `Phase`, `Stack`, `Target` and `OutputOf` to say what goes where
([how](../how-to/own-blueprint.md)).
"""

# A module's public names, in the order in which they are read.
PUBLIC: Mapping[str, tuple[str, ...]] = {
    "tapcfn": ("__version__",),
    "tapcfn.cli": ("main",),
    "tapcfn.config": ("Common", "Strict", "AccountId", "Region", "Cidr"),
    "tapcfn.templating": ("Template", "body"),
    "tapcfn.model": (
        *("Rollout", "Phase", "Stack", "Target", "TemplateBody"),
        *("ParameterValue", "OutputOf", "ZoneOf", "Later"),
        *("StackSet", "Organization", "AccountFilter", "Preferences", "Share", "Wave"),
        *("Permission", "SelfManaged", "ServiceManaged", "AutoDeployment"),
        *("Move", "Gate", "Check", *(each.__name__ for each in get_args(model.Check))),
        *("Comparison",),
        *("Action", *(each.__name__ for each in get_args(model.Action))),
        *("canonical", "digest_of", "EMPTY", "STATEFUL"),
        *("ADMINISTRATION_ROLE", "EXECUTION_ROLE"),
    ),
    "tapcfn.set_settings": (
        *("SetSettings", "TargetSettings", "PreferencesSettings", "WaveSettings"),
        "OverrideSettings",
    ),
    "tapcfn.gate_settings": ("GateSettings", "GateList", "gates_of"),
    "tapcfn.intrinsics": ("partition_of",),
    "tapcfn.stack_set_roles": ("Delivery", "add_administration", "add_execution"),
    "tapcfn.errors": tuple(
        name for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, errors.TapcfnError)
    ),
}  # fmt: skip

# Names that have no docstring of their own: types in other words, and constants.
SAID: Mapping[str, str] = {
    "__version__": "The version, as PEP 440 has it.",
    "AccountId": "The type of a key that holds an account id: 12 digits, in quotes.",
    "Region": 'The type of a key that holds the name of a Region, such as "us-east-1".',
    "Cidr": "The type of a key that holds an IPv4 CIDR block without host bits.",
    "ParameterValue": "What a stack's parameter may be: a text, `OutputOf` or `ZoneOf`.",
    "Later": "A text, or an `OutputOf` that is known once its stack is deployed.",
    "Permission": "Whose roles a stack set works with: `SelfManaged` or `ServiceManaged`.",
    "Check": "What a gate looks at: any of the checks.",
    "Action": "Any of the actions.",
    "EMPTY": "A mapping that is empty and stays so.",
    "STATEFUL": "The resource types whose loss is a loss of data, or of access to data.",
    "ADMINISTRATION_ROLE": "The administration role's name where none is given.",
    "EXECUTION_ROLE": "The execution role's name where none is given.",
    "GateList": "The type of a key that holds gates, each name once.",
}
_WIDTH = 88


def python() -> str:
    """Return the text of the page."""
    return "\n".join([HEAD, *(part for each in PUBLIC for part in _module(each))])


def explained(module: str, name: str) -> str:
    """Return what is said of a name, empty if nothing is; raises `AttributeError` without it."""
    found = getattr(import_module(module), name)
    if name in SAID:
        return SAID[name]
    said = inspect.cleandoc(found.__doc__ or "")
    return "" if said.startswith(f"{name}(") else without_marks(said)


def _module(module: str) -> Iterator[str]:
    yield f"## {module}\n"
    yield without_marks(inspect.cleandoc(import_module(module).__doc__ or "")) + "\n"
    for name in PUBLIC[module]:
        yield f"### {name}\n"
        found = getattr(import_module(module), name)
        if name not in SAID:
            yield f"```text\n{_signature(name, found)}\n```\n"
        yield explained(module, name) + "\n"
        yield from _members(found)


def _signature(name: str, found: Any) -> str:
    if isinstance(found, type) and hasattr(found, "__members__"):
        return f"{name}: " + ", ".join(found.__members__)
    if isinstance(found, type) and hasattr(found, "model_fields"):
        return f"class {name}({found.__mro__[1].__name__})"
    if isinstance(found, type) and issubclass(found, Exception):
        return f"{name}  # exit code {found.exit_code}" if hasattr(found, "exit_code") else name
    signature = inspect.signature(found)
    parts = [_parameter(each) for each in signature.parameters.values()]
    back = signature.return_annotation
    tail = "" if isinstance(found, type) or back is signature.empty else f" -> {back}"
    line = f"{name}({', '.join(parts)}){tail}"
    if len(line) <= _WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {each},\n" for each in parts) + f"){tail}"


def _parameter(each: inspect.Parameter) -> str:
    kind = "" if each.annotation is each.empty else f": {each.annotation}"
    if each.default is each.empty:
        return f"{each.name}{kind}"
    shown = repr(each.default)
    return f"{each.name}{kind} = {'{}' if '<' in shown else shown}"


def _members(found: Any) -> Iterator[str]:
    """Yield the methods and properties of a class that are its own, and said something of."""
    if not isinstance(found, type) or issubclass(found, Exception):
        return
    rows = []
    for name, each in vars(found).items():
        said = inspect.getdoc(each) if not name.startswith("_") else None
        if said and (inspect.isfunction(each) or isinstance(each, property)):
            call = "" if isinstance(each, property) else "()"
            first = without_marks(" ".join(said.split("\n\n")[0].split())).replace("|", "\\|")
            rows.append(f"| `{name}{call}` | {first} |")
    if rows:
        yield "\n".join(["| member | what it is |", "|-|-|", *rows]) + "\n"
