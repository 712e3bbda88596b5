"""Resource types: their handlers, what replaces them, and the names that they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from contextvars import Context
from typing import Any

from ministack.services.cloudformation import changesets as _changesets
from ministack.services.cloudformation import provisioners as _provisioners
from ministack.services.cloudformation import stacks as _stacks

from tapcfn.local.emulator.core import new_id

# The emulator reads these tables at every call: what is put in is used from then on.
RESOURCE_HANDLERS: MutableMapping[str, dict[str, Any]] = _provisioners._RESOURCE_HANDLERS
REPLACING_PROPERTIES: MutableMapping[str, tuple[str, ...]] = _provisioners._REPLACING_PROPERTIES
CONDITIONALLY_REPLACING: MutableMapping[str, tuple[str, ...]] = (
    _provisioners._CONDITIONALLY_REPLACING_PROPERTIES
)
STACK_TAG_PROPERTY: MutableMapping[str, tuple[str, str]] = _provisioners._STACK_TAG_PROPERTY

_NATIVE = {resource_type: dict(handler) for resource_type, handler in RESOURCE_HANDLERS.items()}

physical_name: Callable[..., str] = _provisioners._physical_name


def is_replaced(resource_type: str, before: Any, after: Any) -> bool:
    """Tell whether such a change makes a new resource."""
    return bool(_provisioners._replacing_change(resource_type, before, after))


def let_paths_replace() -> None:
    """Let a path into a property, such as `Options/Kind`, be one of those that replace."""
    replacing = _provisioners._replacing_change

    def replaces(kind: str, before: Any, after: Any) -> bool:
        paths = [path for path in REPLACING_PROPERTIES.get(kind, ()) if "/" in path]
        changed = any(_at(before, path) != _at(after, path) for path in paths)
        return changed or bool(replacing(kind, before, after))

    _provisioners._replacing_change = _stacks._replacing_change = replaces


def _at(properties: Any, path: str) -> Any:
    for name in path.split("/"):
        properties = properties.get(name) if isinstance(properties, Mapping) else None
    return properties


def native(resource_type: str) -> dict[str, Any]:
    """Return the emulator's own handler of a type, empty if it has none."""
    return dict(_NATIVE.get(resource_type, {}))


def fresh_name(stack: str, logical_id: str, **shape: Any) -> str:
    """Return a made-up name, a new one for each resource, as CloudFormation does.

    The engine keeps the seed with the resource, so that a later call draws the same name.
    """
    if not _provisioners._NAME_SEED.get():
        _provisioners._NAME_SEED.set(new_id()[:8])
    return physical_name(stack, logical_id, **shape)


def keep_name_seed(context: Context) -> None:
    """Take over the name seed that a handler drew in another context."""
    if _provisioners._NAME_SEED in context:
        _provisioners._NAME_SEED.set(context[_provisioners._NAME_SEED])


def exists(resource_type: str, identifier: str) -> bool:
    """Tell whether a resource of a type that can be imported is there, in any stack or in none."""
    return _changesets._IMPORT_LOOKUPS[resource_type][1](identifier) is None


def let_adopt(kind: str, key: str, is_there: Callable[[str], bool]) -> None:
    """Let change sets import resources of a type that `is_there` finds by their identifier."""

    def problem(value: str) -> str | None:
        missing = _changesets._IMPORT_NOT_FOUND.format(type=kind, value=value)
        return None if is_there(value) else str(missing)

    _changesets._IMPORT_LOOKUPS[kind] = ((key,), problem)


def refuse_replacing_named(kind: str, also: Callable[[Any, Any], bool]) -> None:
    """Count more changes as ones that would replace a resource with a name of its own."""
    rule = _provisioners._CUSTOM_NAME_REPLACEMENT[kind]
    replaces = rule["requires_replacement"]
    rule["requires_replacement"] = lambda old, new: replaces(old, new) or also(old, new)
