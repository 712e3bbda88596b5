"""Who takes what from whom: the graph of references between stacks, weak ones included. (D-16)

CloudFormation tracks imports alone. The deployer carries outputs as parameters; parameters of SSM
and Fn::GetStackOutput are read once and are tracked by nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tapcfn.errors import TemplateError
from tapcfn.intrinsics import text_of, walk
from tapcfn.model import OutputOf, Rollout, Stack, Target


class Kind(StrEnum):
    """By which way a value travels."""

    OUTPUT = "output"
    IMPORT = "import"
    STACK_OUTPUT = "stack output"
    SSM = "ssm"


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """The consumer takes a value called `key` from the producer.

    A producer that is no stack of the rollout is "outside".
    """

    producer: str
    consumer: str
    kind: Kind
    key: str

    def __str__(self) -> str:
        return f"{self.consumer} takes {self.key} of {self.producer} ({self.kind})"


OUTSIDE = "outside"

_SSM = re.compile(r"\{\{resolve:ssm(?:-secure)?:([a-zA-Z0-9_.\-/]+)(?::[0-9]+)?\}\}")

# A template without any of these texts refers to no stack by itself.
_SIGNS = ("Fn::ImportValue", "Fn::GetStackOutput", "{{resolve:ssm", "AWS::SSM::Parameter::")


def edges(rollout: Rollout) -> tuple[Edge, ...]:
    """Return all references of the rollout's stacks; sorted, each once."""
    wired = {
        Edge(value.stack, stack.name, Kind.OUTPUT, value.key)
        for stack in rollout.stacks
        for value in stack.parameters.values()
        if isinstance(value, OutputOf)
    }
    return tuple(sorted({*wired, *weak_edges(rollout)}))


def weak_edges(rollout: Rollout) -> tuple[Edge, ...]:
    """Return the references that the deployer does not carry itself; sorted, each once."""
    if not any(_has_signs(stack) for stack in rollout.stacks):
        return ()
    made = _Made.of(rollout)
    return tuple(sorted({edge for stack in rollout.stacks for edge in _weak(stack, made)}))


def weak_needs(rollout: Rollout) -> Mapping[str, frozenset[str]]:
    """Return, by stack, the stacks of the rollout that it refers to by itself.

    Raises `TemplateError` with the path where references of any kind go in a circle.
    """
    weak = [edge for edge in weak_edges(rollout) if edge.producer != OUTSIDE]
    if weak:
        _refuse_circles(edge for edge in edges(rollout) if edge.producer != OUTSIDE)
    return {name: frozenset(each) for name, each in _needs(weak).items()}


def consumers(found: Iterable[Edge], producer: str, key: str | None = None) -> tuple[str, ...]:
    """Return who takes something, or this one thing, from a stack; sorted, each once."""
    return tuple(
        sorted(
            {
                edge.consumer
                for edge in found
                if edge.producer == producer
                and edge.consumer != producer
                and key in {None, edge.key}
            }
        )
    )


@dataclass(frozen=True, slots=True)
class _Made:
    """What the rollout's stacks offer to others: names of exports and of SSM parameters."""

    exports: Mapping[tuple[Target, str], tuple[str, str]]
    parameters: Mapping[tuple[Target, str], str]
    stacks: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, rollout: Rollout) -> _Made:
        exports, parameters = {}, {}
        for stack in rollout.stacks:
            for key, name in exports_of(stack).items():
                exports[stack.target, name] = (stack.name, key)
            for name in _ssm_names(stack):
                parameters[stack.target, name] = stack.name
        stacks = {(stack.target.region, stack.name): stack.name for stack in rollout.stacks}
        return cls(exports, parameters, stacks)


def exports_of(stack: Stack) -> Mapping[str, str]:
    """Return the names of a template's exports by output key, as far as they can be known."""
    outputs = stack.template.document.get("Outputs", {})
    named = {
        key: text_of(output["Export"].get("Name"), stack)
        for key, output in outputs.items()
        if "Export" in output
    }
    return {key: name for key, name in named.items() if name is not None}


def _ssm_names(stack: Stack) -> Iterator[str]:
    for resource in stack.template.document["Resources"].values():
        if resource["Type"] == "AWS::SSM::Parameter":
            name = text_of(resource.get("Properties", {}).get("Name"), stack)
            if name is not None:
                yield name


def _weak(stack: Stack, made: _Made) -> Iterator[Edge]:
    """Yield what a template refers to by itself."""
    if not _has_signs(stack):
        return
    for each in walk(stack.template.document):
        if len(each) == 1 and "Fn::ImportValue" in each:
            yield _import(stack, made, each["Fn::ImportValue"])
        elif len(each) == 1 and "Fn::GetStackOutput" in each:
            yield _stack_output(stack, made, each["Fn::GetStackOutput"])
    for name in sorted({*_SSM.findall(stack.template.text), *_ssm_typed(stack)}):
        producer = made.parameters.get((stack.target, name), OUTSIDE)
        yield Edge(producer, stack.name, Kind.SSM, name)


def _import(stack: Stack, made: _Made, said: Any) -> Edge:
    name = text_of(said, stack)
    producer, key = made.exports.get((stack.target, name or ""), (OUTSIDE, name or "?"))
    return Edge(producer, stack.name, Kind.IMPORT, key)


def _stack_output(stack: Stack, made: _Made, said: Mapping[str, Any]) -> Edge:
    region = text_of(said.get("Region"), stack) or stack.target.region
    name = text_of(said.get("StackName"), stack) or "?"
    name = name.split("/")[1] if name.startswith("arn:") and "/" in name else name
    producer = made.stacks.get((region, name))
    key = text_of(said.get("OutputName"), stack) or "?"
    if producer is None:
        return Edge(OUTSIDE, stack.name, Kind.STACK_OUTPUT, f"{name}.{key}")
    return Edge(producer, stack.name, Kind.STACK_OUTPUT, key)


def _ssm_typed(stack: Stack) -> Iterator[str]:
    """Yield the names that SSM-typed parameters have for values."""
    for key, declaration in stack.template.parameters.items():
        if declaration["Type"].startswith("AWS::SSM::Parameter::"):
            value = stack.parameters.get(key, declaration.get("Default"))
            if isinstance(value, str):
                yield value


def _has_signs(stack: Stack) -> bool:
    return any(sign in stack.template.text for sign in _SIGNS)


def _needs(found: Iterable[Edge]) -> dict[str, set[str]]:
    """Return the producers of each consumer; who takes from itself needs nobody."""
    needs: dict[str, set[str]] = {}
    for edge in found:
        if edge.producer != edge.consumer:
            needs.setdefault(edge.consumer, set()).add(edge.producer)
    return needs


def _refuse_circles(found: Iterable[Edge]) -> None:
    needs = {name: sorted(each) for name, each in sorted(_needs(found).items())}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        raise TemplateError("stacks need each other: " + " -> ".join(error.args[1])) from error
