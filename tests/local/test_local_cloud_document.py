"""The document of the local cloud explains every word that a table of faults may hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tapcfn.local.faults import measures, parse, table

TEXT = (Path(__file__).parents[2] / "docs" / "local-cloud.md").read_text(encoding="utf-8")
FAULTS = TEXT[TEXT.index("## Faults") : TEXT.index("## Measures")]
MEASURES = TEXT[TEXT.index("## Measures") : TEXT.index("## Adding a resource type")]
SELECTORS = {"account", "region", "nth"}


def rows(heading: str, text: str = FAULTS) -> list[list[str]]:
    """Return the cells of the table whose first column has this heading."""
    _, _, rest = text.partition(f"| {heading} |")
    lines = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def words(cell: str) -> list[str]:
    """Return what a cell quotes."""
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("do", table.KEYS)
def test_every_fault_has_its_row(do: str):
    """Its selectors and its own keys are those that are accepted, and what it needs comes first."""
    (row,) = [row for row in rows("`do`") if words(row[0]) == [do]]
    first, _, rest = row[3].partition(";")
    needed, more = words(first), words(rest)
    if do == "early_validation":
        assert table.FINDING_KEYS == {*needed[1:], *more}
        needed, more = ["findings"], []

    assert table.KEYS[do] == {"do", *SELECTORS, *words(row[2]), *needed, *more}
    assert list(filter(None, [table.NEEDED.get(do)])) == needed


def test_the_rows_are_the_faults():
    """None is told of that is not there."""
    assert list(table.KEYS) == [words(row[0])[0] for row in rows("`do`")]


def test_every_key_is_explained():
    """Of faults, of findings and of the throttle."""
    explained = {word for row in rows("key") for word in words(row[0])}

    known = table.FAULT_KEYS | table.FINDING_KEYS | table.THROTTLE_KEYS
    assert known - {"do", "findings"} == explained


@pytest.mark.parametrize("word", [*table.DURING, *table.MODES, *table.PER, *table.TARGETS])
def test_every_value_is_named(word: str):
    """Wherever only some words are allowed."""
    assert f"`{word}`" in FAULTS


def test_the_example_can_be_used():
    """It is read as it stands."""
    example = re.findall(r"```toml\n(.*?)```", FAULTS, re.DOTALL)

    assert [2] == [len(parse(each).faults) for each in example]
    assert all("throttle" in tomllib.loads(each) for each in example)


# Measures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", measures.SUBJECTS)
def test_every_measure_has_its_row(subject: str):
    """With the words of its course, and the keys that only some take."""
    (row,) = [row for row in rows("measure of", MEASURES) if words(row[0]) == [subject]]
    everywhere = {"account", "since", "nth", "course"}

    assert list(measures.SUBJECTS[subject]) == words(row[1])
    assert ("numbers" in row[1]) is (subject == "metric")
    assert measures.MEASURE_KEYS[subject] == {subject, *everywhere, *words(row[2])}


def test_every_key_of_a_measure_is_explained():
    """And none that is not there."""
    explained = {word for row in rows("key of a measure", MEASURES) for word in words(row[0])}

    assert explained == table.MEASURE_KEYS


def test_the_example_of_measures_can_be_used():
    """It is read as it stands, and has one of each."""
    (example,) = re.findall(r"```toml\n(.*?)```", MEASURES, re.DOTALL)
    found = parse(example).measures

    assert all(any(getattr(each, key) for each in found) for key in measures.SUBJECTS)
