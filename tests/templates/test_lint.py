"""cfn-lint, with its information rules, for the Regions that each template goes to."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.core import get_rules

from tests.templates.systems import choices
from tests.templates.systems.replicated_storage import rollout

# What is linted on every run; options alone are linted by `make drill`, and looked at by a quicker
# validator on every run, alone and in pairs.
ALWAYS = frozenset({"off", "all"})


def _bodies() -> dict[str, tuple[str, set[str]]]:
    """Return every distinct template once, with all the Regions that it goes to."""
    bodies: dict[str, tuple[str, set[str]]] = {}
    labels: dict[str, str] = {}
    for system, choice, keys in sorted(choices(), key=lambda each: each[1] not in ALWAYS):
        for stack in system.rollout(**keys).stacks:
            template = stack.template
            label = f"{system.name}-{choice}-{template.layer}"
            label = labels.setdefault(template.digest, label)
            bodies.setdefault(label, (template.text, set()))[1].add(stack.target.region)
    return bodies


BODIES = _bodies()


def _parameter(label: str) -> Any:
    marks = () if label.split("-")[1] in ALWAYS else pytest.mark.drill
    return pytest.param(BODIES[label], id=label, marks=marks)


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


@pytest.mark.parametrize("body", [_parameter(label) for label in BODIES])
def test_the_linter_has_nothing_to_say(body: tuple[str, set[str]]) -> None:
    """No error, no warning, no information."""
    text, regions = body

    assert found(text, regions) == []


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
    for label, (text, _) in BODIES.items():
        for rules in re.findall(r'"ignore_checks":\[([^\]]*)\]', text):
            layer = label.split("-", 2)[2]
            hidden |= {(layer, rule.strip('"')) for rule in rules.split(",")}

    assert hidden == set(SUPPRESSED)
    assert all(SUPPRESSED.values())
