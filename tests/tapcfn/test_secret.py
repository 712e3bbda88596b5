"""NoEcho values: found in a rollout, and cut out of texts."""

from __future__ import annotations

import json
from dataclasses import replace

from tapcfn.events import Outcome, OutputsKnown, StackEnded, Summarised
from tapcfn.model import Ending, Phase, Rollout, StackSet, Target, canonical
from tapcfn.secret import masked, secrets_of, veiled
from tests.fakes import a_rollout, a_stack, a_template
from tests.fakes.builders import HOME


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


def test_a_secret_is_found_on_one_line_and_inside_json() -> None:
    """Refusals are laid out anew, and a policy that holds one is JSON."""
    secret = 'a "b"\nc'

    assert 'x *** y {"P":"***"}' == masked(
        'x a "b" c y ' + '{"P":"a \\"b\\"\\nc"}', frozenset({secret})
    )


def test_an_event_loses_its_secrets_and_keeps_its_names() -> None:
    """However deep they lie; a stack that is called like a secret can still be followed."""
    here = Target("111122223333", "eu-west-1")
    secrets = frozenset({"shop", "DONE", "done"})
    ended = StackEnded("shop", here, Ending.DONE, "shop is done", "DONE", warnings=("no shop",))
    seen = StackEnded("shop", here, Ending.DONE, "*** is ***", "DONE", warnings=("no ***",))
    summary = Summarised("done", 0, Outcome((ended,)), resume="apply shop")
    outputs = OutputsKnown({"token": "shop", "other": "x"})

    assert summary == veiled(summary, frozenset())
    assert Summarised("done", 0, Outcome((seen,)), resume="apply ***") == veiled(summary, secrets)
    assert OutputsKnown({"token": "***", "other": "x"}) == veiled(outputs, secrets)


def test_a_stack_sets_values_and_its_overrides_are_secret_too() -> None:
    """What one pair is told for itself is told to nobody else."""
    template = a_template(parameters=["Key"], defaults={"Size": "1"})
    document = json.loads(template.text)
    document["Parameters"]["Key"]["NoEcho"] = True
    body = replace(template, text=canonical(document))
    stack_set = StackSet(
        "baseline",
        HOME,
        body,
        parameters={"Key": "of-all", "Size": "9"},
        overrides={HOME: {"Key": "of-one"}},
    )
    rollout = Rollout("blue", "test", (Phase("all", (), stack_sets=(stack_set,)),))

    assert secrets_of(rollout) == {"of-all", "of-one"}
