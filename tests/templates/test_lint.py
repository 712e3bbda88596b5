"""cfn-lint, with its information rules, for the Regions that each template goes to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.core import get_rules

from tests.templates.systems import System, choices
from tests.templates.systems.replicated_storage import rollout

# What `make lint` asks about; options alone are linted by `make drill`, and looked at by a quicker
# validator on every run, alone and in pairs.
ALWAYS = frozenset({"off", "all"})


_linted: set[tuple[str, str]] = set()


def bodies(system: System, keys: Mapping[str, Any]) -> dict[str, tuple[str, set[str]]]:
    """Return the templates of a rollout by layer, each with the Regions that it goes to.

    One that was returned for the same Region before is left out.
    """
    found: dict[str, tuple[str, set[str]]] = {}
    wanted = system.rollout(**keys)
    moved = (stack for move in wanted.moves for stack in (*move.stacks, *move.undone_by))
    for stack in (*wanted.stacks, *moved):
        template, region = stack.template, stack.target.region
        if (template.digest, region) not in _linted:
            _linted.add((template.digest, region))
            found.setdefault(template.layer, (template.text, set()))[1].add(region)
    return found


# Every rule, the informational ones included; read once, for reading them takes longer than a lint.
RULES = get_rules([], [], ["I"])

ENCRYPTED_REPLICA = "RDS wants StorageEncrypted beside a replica's key; the rule does not"

# Findings that templates are allowed, by layer and rule, each with the reason: see the metadata
# beside the resource.
SUPPRESSED: dict[tuple[str, str], str] = {
    ("replica", "E3020"): ENCRYPTED_REPLICA,
    ("data-replica", "E3020"): ENCRYPTED_REPLICA,
}


def found(text: str, regions: set[str]) -> list[str]:
    """Return what cfn-lint says of a template in these Regions."""
    matches = lint(text, rules=RULES, regions=sorted(regions))
    return [f"{match.rule.id} {match.message}" for match in matches]


@pytest.mark.parametrize(
    ("system", "keys"),
    [
        pytest.param(
            system,
            keys,
            id=f"{system.name}-{choice}",
            marks=pytest.mark.lint if choice in ALWAYS else pytest.mark.drill,
        )
        for system, choice, keys in choices()
    ],
)
def test_the_linter_has_nothing_to_say(system: System, keys: Mapping[str, Any]) -> None:
    """No error, no warning, no information."""
    answers = {layer: found(*body) for layer, body in bodies(system, keys).items()}

    assert {layer: said for layer, said in answers.items() if said} == {}


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ('"Status":"Enabled"', '"Status":"On"', "E3030"),
        ("arn:${AWS::Partition}:s3", "arn:aws:s3", "I3042"),
    ],
)
def test_the_linter_is_awake(right: str, wrong: str, rule: str) -> None:
    """A suite of clean answers proves nothing unless a wrong template gets another."""
    (stack,) = [each for each in rollout().stacks if each.template.layer == "storage"]
    answers = found(stack.template.text.replace(right, wrong), {stack.target.region})

    assert rule in {answer.split()[0] for answer in answers}


def test_every_suppression_is_counted_and_has_a_reason() -> None:
    """A finding is hidden by metadata on its resource alone, and only if it stands here."""
    hidden = set()
    for system, _, keys in choices():
        for stack in system.rollout(**keys).stacks:
            for rules in re.findall(r'"ignore_checks":\[([^\]]*)\]', stack.template.text):
                hidden |= {(stack.template.layer, rule.strip('"')) for rule in rules.split(",")}

    assert hidden == set(SUPPRESSED)
    assert all(SUPPRESSED.values())
