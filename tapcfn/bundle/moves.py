"""A rollout's moves in a manifest: what a bundle is led through is what was built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, get_args

from tapcfn.model import Action, Check, Comparison, Gate, Move, OutputOf, Stack, Target

Entry = Mapping[str, Any]

# What stands in a manifest under its own name: actions, gates and what these look at.
_KINDS: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (*get_args(Action), *get_args(Check), Gate)
}
# What a move has of stacks.
_STACKS = ("stacks", "undone_by")

_WORDS: Mapping[str, type[Enum]] = {"Comparison": Comparison}


def move_entry(move: Move, stack_entry: Callable[[Stack, str], Entry]) -> Entry:
    """Return a move as plain data; stacks as the manifest has those of phases."""
    entry: dict[str, Any] = {
        each.name: plain(getattr(move, each.name))
        for each in fields(move)
        if each.name not in _STACKS
    }
    stacks = {name: getattr(move, name) for name in _STACKS}
    return entry | {
        name: [stack_entry(stack, move.name) for stack in found] for name, found in stacks.items()
    }


def move_of(entry: Entry, stack_of: Callable[[Entry], Stack]) -> Move:
    """Return the move that an entry was made of.

    Raises `KeyError` or `TypeError` for an entry that is none.
    """
    told = {key: value_of(value) for key, value in entry.items() if key not in _STACKS}
    told |= {key: tuple(stack_of(each) for each in entry[key]) for key in _STACKS}
    return Move(**told)


def plain(value: Any) -> Any:
    """Return a value of the nouns as plain data."""
    if isinstance(value, OutputOf):
        return {"output": [value.stack, value.key, plain(value.target)]}
    if isinstance(value, Target):
        return {"target": [value.account, value.region]}
    if isinstance(value, Enum):
        return {"word": [type(value).__name__, value.value]}
    if is_dataclass(value) and not isinstance(value, type):
        told = {each.name: plain(getattr(value, each.name)) for each in fields(value)}
        return {"kind": type(value).__name__, "of": told}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return value


def value_of(value: Any) -> Any:
    """Return the value of the nouns that plain data stands for."""
    if isinstance(value, list):
        return tuple(value_of(each) for each in value)
    if not isinstance(value, Mapping):
        return value
    if "output" in value:
        stack, key, place = value["output"]
        return OutputOf(stack, key, value_of(place))
    if "target" in value:
        return Target(*value["target"])
    if "word" in value:
        name, word = value["word"]
        return _WORDS[name](word)
    told = {key: value_of(each) for key, each in value["of"].items()}
    return _KINDS[value["kind"]](**told)
