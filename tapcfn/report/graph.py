"""A picture of what a rollout builds: Regions, stacks with what is in them, and what flows.

One drawing as data, and two ways to write it down: Mermaid, which code hosts draw by themselves,
and DOT, from which Graphviz makes an SVG.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tapcfn.model import Rollout, Stack, StackSet

# Glue that says nothing of what a system is: counted, and named as one.
_GLUE = frozenset(
    {
        "ApiGateway::Method",
        "ApiGateway::Resource",
        "EC2::Route",
        "EC2::SubnetRouteTableAssociation",
        "EC2::VPCGatewayAttachment",
        "IAM::InstanceProfile",
        "KMS::Alias",
        "Lambda::Permission",
        "S3::BucketPolicy",
        "SNS::TopicPolicy",
    }
)


@dataclass(frozen=True, slots=True)
class Box:
    """One stack: an id that both languages take, its layer, and its contents line by line."""

    id: str
    title: str
    contents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes by phase and place, and arrows from who knows a value to who needs it."""

    title: str
    phases: Mapping[str, Mapping[str, tuple[Box, ...]]]
    arrows: tuple[tuple[str, str], ...]


def draw(rollout: Rollout) -> Drawing:
    """Return the drawing of a rollout, in its own order."""
    ids = {unit.name: f"s{index}" for index, unit in enumerate(rollout.units)}
    several = len({target.account for target in rollout.targets}) > 1
    phases: dict[str, dict[str, tuple[Box, ...]]] = {}
    for phase in rollout.phases:
        places: dict[str, list[Box]] = {}
        for stack in phase.stacks:
            place = str(stack.target) if several else stack.target.region
            places.setdefault(place, []).append(_box(stack, ids[stack.name]))
        for each in phase.stack_sets:
            places.setdefault(_spread(each), []).append(_box(each, ids[each.name]))
        phases[phase.name] = {place: tuple(boxes) for place, boxes in places.items()}
    arrows = tuple(
        (ids[need], ids[unit.name]) for unit in rollout.units for need in sorted(unit.needs)
    )
    return Drawing(f"{rollout.blueprint}, stage {rollout.stage}", phases, arrows)


def _spread(stack_set: StackSet) -> str:
    """Return where the instances of a stack set are: how many accounts or units, and Regions."""
    organization = stack_set.organization
    count = len({pair.account for pair in stack_set.pairs})
    whom = f"{count} account{'s' * (count != 1)}"
    if organization:
        whom = f"units {', '.join(organization.units)}"
    return f"stack set: {whom}, {', '.join(stack_set.regions)}"


def _box(unit: Stack | StackSet, identity: str) -> Box:
    return Box(identity, unit.template.layer, contents(Counter(unit.template.resources.values())))


def contents(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return what a stack holds, line by line, from how many resources of each type it has."""
    kinds = {kind.removeprefix("AWS::"): count for kind, count in counts.items()}
    glue = sum(count for kind, count in kinds.items() if kind in _GLUE)
    lines = [
        _counted(kind.replace("::", " "), count)
        for kind, count in sorted(kinds.items())
        if kind not in _GLUE
    ]
    return (*lines, *([f"and {glue} more"] if glue else []))


def _counted(name: str, count: int) -> str:
    return name if count == 1 else f"{count} × {name}"


# Mermaid ------------------------------------------------------------------------------------------


def mermaid(drawing: Drawing) -> str:
    """Return the drawing as a Mermaid flowchart."""
    return "\n".join(_mermaid(drawing)) + "\n"


def _mermaid(drawing: Drawing) -> Iterator[str]:
    yield "flowchart LR"
    for number, (phase, places) in enumerate(drawing.phases.items()):
        yield f'  subgraph p{number}["{number + 1}. {_escaped(phase)}"]'
        for index, (place, boxes) in enumerate(places.items()):
            yield f'    subgraph p{number}r{index}["{_escaped(place)}"]'
            for box in boxes:
                lines = [f"<b>{_escaped(box.title)}</b>", *map(_escaped, box.contents)]
                yield f'      {box.id}["{"<br/>".join(lines)}"]'
            yield "    end"
        yield "  end"
    for tail, head in drawing.arrows:
        yield f"  {tail} --> {head}"


def _escaped(text: str) -> str:
    """Return text as a Mermaid label takes it."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(sign, entity)
    return text


# DOT ----------------------------------------------------------------------------------------------


def dot(drawing: Drawing) -> str:
    """Return the drawing in Graphviz's language."""
    return "\n".join(_dot(drawing)) + "\n"


def _dot(drawing: Drawing) -> Iterator[str]:
    yield f"digraph {json.dumps(drawing.title)} {{"
    yield "  rankdir=LR; compound=true; nodesep=0.25; ranksep=0.6;"
    yield '  fontname="Helvetica,Arial,sans-serif"; fontsize=12; bgcolor=white;'
    yield (
        '  node [shape=box style="rounded,filled" fillcolor=white color="#5b6b7b" '
        'fontname="Helvetica,Arial,sans-serif" fontsize=10 margin="0.15,0.08"];'
    )
    yield '  edge [color="#5b6b7b" arrowsize=0.7];'
    for number, (phase, places) in enumerate(drawing.phases.items()):
        yield f"  subgraph cluster_p{number} {{"
        label = json.dumps(f"{number + 1}. {phase}", ensure_ascii=False)
        yield f'    label={label}; style="rounded,dashed"; color="#9aa7b4"; labeljust=l;'
        for index, (place, boxes) in enumerate(places.items()):
            yield f"    subgraph cluster_p{number}r{index} {{"
            label = json.dumps(place, ensure_ascii=False)
            style = 'style="rounded,filled"; color="#dfe7ef"; fillcolor="#f3f7fb"'
            yield f"      label={label}; {style};"
            for box in boxes:
                yield f"      {box.id} [label={_label(box)}];"
            yield "    }"
        yield "  }"
    for tail, head in drawing.arrows:
        yield f"  {tail} -> {head};"
    yield "}"


def _label(box: Box) -> str:
    """Return a box's text: the title, an empty line, the contents at the left."""
    lines = [box.title, "", *box.contents]
    return json.dumps("".join(f"{line}\n" for line in lines), ensure_ascii=False).replace(
        "\\n", "\\l"
    )
