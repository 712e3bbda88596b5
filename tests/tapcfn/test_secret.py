"""NoEcho values: found in a rollout, and cut out of texts."""

from __future__ import annotations

from tapcfn.secret import masked, secrets_of
from tests.fakes import a_rollout, a_stack, a_template


def test_only_values_that_are_declared_secret_count() -> None:
    """A dynamic reference is a pointer, and an empty value is none."""
    declared = {"Type": "String", "NoEcho": True}
    plain = {"Type": "String"}
    body = a_template(
        Parameters={"A": declared, "B": plain, "C": declared, "D": {**declared, "NoEcho": "true"}}
    )
    values = {"A": "hunter2", "B": "plain", "C": "{{resolve:ssm-secure:x}}", "D": "other"}

    found = secrets_of(a_rollout(a_stack(template=body, parameters=values)))

    assert {"hunter2", "other"} == found


def test_the_longest_secret_is_masked_first() -> None:
    """Else a part of it would stay readable."""
    assert "*** and ***" == masked("abcdef and abc", frozenset({"abc", "abcdef"}))
