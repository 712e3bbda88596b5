"""cfn-lint, with its information rules, for the Regions that each template goes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.core import get_rules

from tests.templates.resolved import ALL_ON, OPTIONS, rollout

CHOICES: Mapping[str, Mapping[str, Any]] = {
    "off": {"keep_data": False},
    **OPTIONS,
    "all": ALL_ON,
    "all_nat": {**ALL_ON, "packet_drops": "nat"},
}


def _bodies() -> dict[str, tuple[str, set[str]]]:
    """Return every distinct template once, with all the Regions that it goes to."""
    bodies: dict[str, tuple[str, set[str]]] = {}
    labels: dict[str, str] = {}
    for choice, keys in CHOICES.items():
        for stack in rollout(**keys).stacks:
            label = labels.setdefault(stack.template.digest, f"{choice}/{stack.template.layer}")
            bodies.setdefault(label, (stack.template.text, set()))[1].add(stack.target.region)
    return bodies


BODIES = _bodies()

# Every rule, the informational ones included; read once, for reading them takes longer than a lint.
RULES = get_rules([], [], ["I"])


def found(text: str, regions: set[str]) -> list[str]:
    """Return what cfn-lint says of a template in these Regions."""
    matches = lint(text, rules=RULES, regions=sorted(regions))
    return [f"{match.rule.id} {match.message}" for match in matches]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
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


def test_nothing_is_suppressed() -> None:
    """Were a finding ever hidden, it would be by metadata on its resource, and counted here."""
    texts = [stack.template.text for keys in CHOICES.values() for stack in rollout(**keys).stacks]

    assert sum("ignore_checks" in text for text in texts) == 0
