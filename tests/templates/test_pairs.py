"""Every two options together render, and a second validator finds nothing in what they make."""

from __future__ import annotations

import pytest
from cloudformation_validate import CompositeEngine, Severity, TemplateContent

from tapcfn.errors import ConfigError
from tapcfn.model import TemplateBody
from tests.templates.systems import SYSTEMS, System, choices, every_system

SERIOUS = frozenset({Severity.WARN, Severity.ERROR, Severity.FATAL})


@pytest.fixture(scope="module")
def engine() -> CompositeEngine:
    """Return the validator; loading its rules takes longer than a hundred templates."""
    return CompositeEngine()


def found(engine: CompositeEngine, template: TemplateBody) -> list[str]:
    """Return the warnings and errors for a template."""
    report = engine.validate_template(TemplateContent(template.text, f"{template.layer}.json"))
    return [
        f"{template.layer}: {each.rule_id} {each.message}"
        for each in report.diagnostics
        if each.severity in SERIOUS
    ]


def distinct(system: System) -> dict[str, TemplateBody]:
    """Return every distinct template of a system's options: none, each, all, and every pair."""
    keys = [keys for each, _, keys in choices() if each is system]
    keys += [keys for pair, keys in system.pairs.items() if pair not in system.contradictory]
    return {
        stack.template.digest: stack.template
        for each in keys
        for stack in system.rollout(**each).stacks
    }


@every_system
def test_options_go_together(engine: CompositeEngine, system: System) -> None:
    """Alone, in pairs and all at once: each renders, and nobody objects to what comes out."""
    templates = distinct(system)

    assert len(templates) > len(system.options)
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
