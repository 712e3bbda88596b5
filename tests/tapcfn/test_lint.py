"""cfn-lint's findings in our own words, each template asked about once."""

from __future__ import annotations

import pytest

from tapcfn.lint import lint
from tapcfn.model import Finding, Severity, SourceLine
from tests.fakes import AWAY, HOME, a_stack, a_template

WRONG = a_template(
    "storage",
    resources={
        "Topic": "AWS::SNS::Topic",
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"Colour": "red"}},
    },
    outputs=[],
)
UNUSED = a_template("unused", parameters=["Size"])
RIGHT = a_template("right")


@pytest.fixture(scope="module")
def found() -> tuple[Finding, ...]:
    """Lint four stacks with three templates, once for all tests."""
    return lint(
        [
            a_stack("a", template=WRONG, target=HOME),
            a_stack("b", template=WRONG, target=AWAY),
            a_stack("c", template=UNUSED),
            a_stack("d", template=RIGHT),
        ]
    )


def test_each_template_is_asked_about_once(found: tuple[Finding, ...]) -> None:
    """However many stacks and Regions it serves; a clean one is silent."""
    assert ["storage", "unused"] == [each.stack for each in found]


def test_an_error_names_rule_resource_and_line(found: tuple[Finding, ...]) -> None:
    """With the path to the property in its message."""
    error = found[0]

    assert ("E3002", Severity.ERROR, "Bucket", SourceLine("layers/storage.py", 11), "lint") == (
        error.rule,
        error.severity,
        error.logical_id,
        error.source,
        error.origin,
    )
    assert "Colour" in error.message
    assert error.message.endswith("(Resources/Bucket/Properties/Colour)")


def test_a_warning_outside_of_resources_has_no_resource(found: tuple[Finding, ...]) -> None:
    """The weight follows the first letter of the rule."""
    warning = found[1]

    assert ("W2001", Severity.WARNING, "", None) == (
        warning.rule,
        warning.severity,
        warning.logical_id,
        warning.source,
    )
    assert warning.message.endswith("(Parameters/Size)")


def test_nothing_has_no_findings() -> None:
    """No stacks, no answer."""
    assert () == lint([])
