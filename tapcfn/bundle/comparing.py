"""What two bundles differ in, property by property, without a call to AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tapcfn.bundle.reading import Bundle
from tapcfn.bundle.units import set_entry
from tapcfn.model import SourceLine, Stack, TemplateBody

# Sections of a template that hold no resources.
_SECTIONS = ("Parameters", "Rules", "Conditions", "Outputs", "Description")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: in a template or a stack, at a path, from one value to another.

    `kind` is `added`, `removed` or `changed`. `resource_type` is empty where the path is no
    resource's; `path` starts with the logical ID where it is.
    """

    where: str
    kind: str
    path: tuple[str, ...]
    before: Any = None
    after: Any = None
    resource_type: str = ""
    source: SourceLine | None = None


def compare(old: Bundle, new: Bundle) -> tuple[Difference, ...]:
    """Return every difference: templates first, then stacks and where they go."""
    return (*_templates(old, new), *_stacks(old, new))


def _templates(old: Bundle, new: Bundle) -> Iterator[Difference]:
    before, after = _bodies(old), _bodies(new)
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Difference(f"{name}.json", "added", ())
        elif name not in after:
            yield Difference(f"{name}.json", "removed", ())
        else:
            yield from _bodies_differ(before[name], after[name])


def _bodies(bundle: Bundle) -> Mapping[str, TemplateBody]:
    return {unit.template.layer: unit.template for unit in bundle.rollout.units}


def _bodies_differ(before: TemplateBody, after: TemplateBody) -> Iterator[Difference]:
    where = f"{after.layer}.json"
    for section in _SECTIONS:
        one, other = (body.document.get(section) for body in (before, after))
        yield from _values_differ(where, (section,), one, other)
    old, new = before.document["Resources"], after.document["Resources"]
    for title in sorted(old.keys() | new.keys()):
        kind = (new.get(title) or old[title])["Type"]
        line = after.source.get(title) or before.source.get(title)
        if title not in old or title not in new:
            change = "added" if title in new else "removed"
            yield Difference(where, change, (title,), None, None, kind, line)
        else:
            for each in _values_differ(where, (title,), old[title], new[title]):
                yield Difference(where, each.kind, each.path, each.before, each.after, kind, line)


def _values_differ(
    where: str, path: tuple[str, ...], before: Any, after: Any
) -> Iterator[Difference]:
    """Yield the smallest parts that differ; a function or a list is one part."""
    if before == after:
        return
    if _is_open(before) and _is_open(after):
        for key in sorted(before.keys() | after.keys()):
            yield from _values_differ(where, (*path, key), before.get(key), after.get(key))
    else:
        kind = "added" if before is None else "removed" if after is None else "changed"
        yield Difference(where, kind, path, before, after)


def _is_open(value: Any) -> bool:
    """Tell a mapping of names from a function such as `{"Ref": ...}`."""
    if not isinstance(value, dict):
        return False
    (first, *rest) = value or [""]
    return bool(rest) or not (first == "Ref" or first.startswith("Fn::"))


def _stacks(old: Bundle, new: Bundle) -> Iterator[Difference]:
    before, after = _units(old), _units(new)
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            yield Difference(name, "added" if name in after else "removed", ())
        else:
            yield from _values_differ(name, (), before[name], after[name])


def _units(bundle: Bundle) -> Mapping[str, dict[str, Any]]:
    """Return what each stack and each stack set is told, by its name."""
    rollout = bundle.rollout
    sets = {
        each.name: {**set_entry(each, phase.name)}
        for phase in rollout.phases
        for each in phase.stack_sets
    }
    return {stack.name: _facts(stack) for stack in rollout.stacks} | sets


def _facts(stack: Stack) -> dict[str, Any]:
    return {
        "account": stack.target.account,
        "region": stack.target.region,
        "template": stack.template.layer,
        "parameters": {key: str(value) for key, value in stack.parameters.items()},
        "tags": dict(stack.tags),
        "termination_protection": stack.protect,
    }
