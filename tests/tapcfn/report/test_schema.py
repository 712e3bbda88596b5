"""The schema of the stream: each line is held against it, here and wherever a test reads one."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from cfnlint.jsonschema import StandardValidator

from tapcfn.cli.app import run
from tapcfn.events import Event
from tests.machine import SCHEMA, faults
from tests.tapcfn.report.test_ndjson import FAILED, SAID, said

# Nothing in it is null: cfn-lint's validator takes that for absent.
LINE = said(replace(FAILED, operation_id="op-1"))


def broken(**fields: Any) -> dict[str, Any]:
    """Return the end of a stack, with some fields as they must not be."""
    return {**copy.deepcopy(LINE), **fields}


@pytest.mark.parametrize("event", [each for each, _ in SAID], ids=lambda each: type(each).__name__)
def test_every_line_is_as_the_schema_says(event: Event) -> None:
    assert [] == list(faults(said(event)))


@pytest.mark.parametrize(
    "line",
    [
        broken(v=2),
        broken(seq=-1),
        broken(seq=True),
        broken(ts="2026-01-02 03:04:05"),
        broken(unit=None),
        broken(region=7),
        broken(ending="gone"),
        broken(duration_ms=1.5),
        broken(causes=[{"reason": "r", "count": 1}]),
        broken(causes=[{"reason": "r", "count": "1", "first": "f"}]),
        broken(causes={}),
        {key: value for key, value in LINE.items() if key != "operation_id"},
    ],
)
def test_a_standard_validator_refuses_what_the_schema_does_not_allow(line: dict[str, Any]) -> None:
    """The schema speaks for itself: whoever reads the stream with another library is told so."""
    whole = StandardValidator(SCHEMA)

    assert [] == list(whole.iter_errors(LINE))
    assert [] != list(whole.iter_errors(line))
    assert [] != list(faults(line))


def test_readers_let_pass_what_is_new() -> None:
    """Version 1 only grows: neither a new type nor a new field makes a line wrong for a reader."""
    whole = StandardValidator(SCHEMA)
    envelope = {key: LINE[key] for key in ("v", "seq", "ts", "run")}

    for line in (broken(new=1), {**envelope, "type": "new.type", "anything": []}):
        assert [] == list(whole.iter_errors(line))
        assert [] != list(faults(line)), "but whoever writes it has to enter it in the schema"


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    """For whoever has the package and no source."""
    assert 0 == run("templates.blueprints", ["schema", "--ndjson"])
    assert SCHEMA == json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("words", [[], ["private_api", "--ndjson"]])
def test_a_schema_is_of_one_thing(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run("templates.blueprints", ["schema", *words])
    assert "BLUEPRINT or --ndjson" in capsys.readouterr().err
