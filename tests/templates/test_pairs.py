"""Every two options together render, and a second validator finds nothing in what they make."""

from __future__ import annotations

import re

import pytest
from cloudformation_validate import CompositeEngine, Severity, TemplateContent

from tapcfn.errors import ConfigError
from tapcfn.model import Rollout, Snapshot, StackSet, TemplateBody
from tapcfn.plan import plan
from tests.templates.systems import SYSTEMS, System, choices, every_system

SERIOUS = frozenset({Severity.WARN, Severity.ERROR, Severity.FATAL})


@pytest.fixture(scope="module")
def engine() -> CompositeEngine:
    """Return the validator; loading its rules takes longer than a hundred templates."""
    return CompositeEngine()


def found(engine: CompositeEngine, template: TemplateBody) -> list[str]:
    """Return the warnings and errors for a template, but for the rules that it silences.

    The validator numbers the linter's rules alike (E3020, F3020), and reads no metadata. What may
    be silenced stands in the linter's own test.
    """
    report = engine.validate_template(TemplateContent(template.text, f"{template.layer}.json"))
    silenced = set(re.findall(r'"ignore_checks":\["E([0-9]+)"\]', template.text))
    return [
        f"{template.layer}: {each.rule_id} {each.message}"
        for each in report.diagnostics
        if each.severity in SERIOUS and each.rule_id[1:] not in silenced
    ]


# One pair of so many is tried on every run, and all of them by `make drill`.
EVERY = 12


def combined(system: System, every: int) -> list[Rollout]:
    """Return the rollouts of a system's options: none, each, all, and every so manieth pair."""
    keys = [keys for each, _, keys in choices() if each is system]
    pairs = [keys for pair, keys in system.pairs.items() if pair not in system.contradictory]
    return [system.rollout(**each) for each in [*keys, *pairs[::every]]]


def ill_told(wanted: Rollout) -> list[str]:
    """Return the stacks that are not told exactly what their templates ask for."""
    wrong = []
    for unit in wanted.units:
        declared = unit.template.parameters
        needed = {key for key, each in declared.items() if "Default" not in each}
        told = set(unit.parameters)
        if isinstance(unit, StackSet):
            told = told.union(*unit.overrides.values())
        if not needed <= told <= set(declared):
            wrong.append(unit.name)
    return wrong


@pytest.mark.parametrize(
    "every", [EVERY, pytest.param(1, marks=pytest.mark.drill)], ids=["some", "all"]
)
@every_system
def test_options_go_together(engine: CompositeEngine, system: System, every: int) -> None:
    """Alone, in pairs and all at once: each renders, and nobody objects to what comes out."""
    rollouts = combined(system, every)
    templates = {
        unit.template.digest: unit.template for wanted in rollouts for unit in wanted.units
    }

    assert len(templates) > len(system.options)
    assert [each for wanted in rollouts for each in ill_told(wanted)] == []
    for wanted in rollouts:
        plan(wanted, Snapshot())
    assert [each for template in templates.values() for each in found(engine, template)] == []


@pytest.mark.parametrize(
    ("system", "pair"),
    [
        pytest.param(system, pair, id="-".join((system.name, *sorted(pair))))
        for system in SYSTEMS
        for pair in sorted(system.contradictory, key=sorted)
    ],
)
def test_contradictory_options_are_refused(system: System, pair: frozenset[str]) -> None:
    """The reason is given before anything is rendered."""
    with pytest.raises(ConfigError):
        system.settings(**system.pairs[pair])


def test_the_validator_is_awake(engine: CompositeEngine) -> None:
    """A wrong template gets another answer."""
    template = SYSTEMS[0].rollout().stacks[0].template
    wrong = TemplateBody("wrong", template.text.replace("EnableKeyRotation", "EnableKeyRotaton"))

    assert found(engine, wrong)
