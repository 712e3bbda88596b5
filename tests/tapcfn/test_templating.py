"""Templates that remember where each resource was written down."""

from __future__ import annotations

import _thread
import inspect
import json
import threading
from typing import Any

import pytest
from troposphere import Output, Ref, sns

from tapcfn.errors import TemplateError
from tapcfn.model import SourceLine
from tapcfn.templating import MAX_BODY, MAX_RESOURCES, Template, _caller, body
from tests.tapcfn._shared_part import add_topic

HERE = "tests/tapcfn/test_templating.py"


def this_line() -> int:
    """Return the line that calls this."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def test_each_resource_remembers_the_line_that_added_it() -> None:
    """One by one, several at once, by our own `add` and by troposphere's."""
    template = Template("a layer")

    first = this_line() + 1
    template.add(sns.Topic("Mine"))
    template.add_resource(sns.Topic("Theirs"))
    template.add_resource([sns.Topic("One"), sns.Topic("Two")])

    assert {
        "Mine": SourceLine(HERE, first),
        "Theirs": SourceLine(HERE, first + 1),
        "One": SourceLine(HERE, first + 2),
        "Two": SourceLine(HERE, first + 2),
    } == template.source


def test_a_shared_module_points_at_whoever_called_it() -> None:
    """A module whose name starts with an underscore is passed over. (D-22)"""
    template = Template("a layer")

    line = this_line() + 1
    add_topic(template, "Alarms")

    assert {"Alarms": SourceLine(HERE, line)} == template.source


def test_where_there_is_nothing_but_shared_code_the_file_is_named() -> None:
    """A missing entry degrades; it never fails."""
    code = "import sys\ndef work():\n    found.append(caller(sys._getframe()))\n    over.set()\n"
    space: dict[str, Any] = {
        "__name__": "somewhere._odd",
        "found": [],
        "caller": _caller,
        "over": threading.Event(),
    }
    exec(compile(code, "/somewhere/_odd.py", "exec"), space)

    _thread.start_new_thread(space["work"], ())  # a stack of frames with nothing else in it
    space["over"].wait(5)

    assert [SourceLine("_odd.py", 3)] == space["found"]


def test_adding_gives_the_resource_back() -> None:
    """A resource is kept in a variable and referred to by it."""
    template = Template("a layer")
    one, two = sns.Topic("One"), sns.Topic("Two")

    assert one is template.add(one)
    assert two is template.add_resource(two)


def test_the_body_is_canonical_and_versioned() -> None:
    """Compact, with sorted keys, and with the one format version that there is."""
    template = Template("a layer")
    topic = template.add(sns.Topic("Topic"))
    template.add_output(Output("Arn", Value=Ref(topic)))

    assert (
        '{"AWSTemplateFormatVersion":"2010-09-09","Description":"a layer",'
        '"Outputs":{"Arn":{"Value":{"Ref":"Topic"}}},'
        '"Resources":{"Topic":{"Type":"AWS::SNS::Topic"}}}'
    ) == body("layer", template).text


def test_the_source_map_never_changes_the_bytes() -> None:
    """The same template from another line is the same template."""
    one, two = Template("a layer"), Template("a layer")
    one.add(sns.Topic("Topic"))
    two.add(sns.Topic("Topic"))

    assert body("layer", one) == body("layer", two)
    assert body("layer", one).source != body("layer", two).source


def test_the_source_map_is_sorted() -> None:
    """So that a manifest made of it is the same whatever the order of the code."""
    template = Template("a layer")
    template.add_resource([sns.Topic("B"), sns.Topic("A")])

    assert ["A", "B"] == list(body("layer", template).source)


def test_a_logical_id_can_be_used_once() -> None:
    """Two layers in one template that name a resource alike are refused by troposphere."""
    template = Template("a layer")
    template.add(sns.Topic("Topic"))

    with pytest.raises(ValueError, match="duplicate key"):
        template.add(sns.Topic("Topic"))


def many(count: int, name: str = "") -> Template:
    template = Template("a layer")
    for number in range(count):
        template.add(sns.Topic(f"Topic{number}", DisplayName=name or "t"))
    return template


def test_as_many_resources_as_cloudformation_takes_are_taken() -> None:
    """The limit itself is inside."""
    assert 500 == MAX_RESOURCES
    assert 500 == len(json.loads(body("layer", many(500)).text)["Resources"])


def test_too_many_resources_are_refused_with_both_figures() -> None:
    """troposphere's own check, or ours, before anything is sent."""
    template = many(500)
    template.resources["OneMore"] = sns.Topic("OneMore")

    with pytest.raises((TemplateError, ValueError), match="500"):
        body("layer", template)


def test_a_template_that_is_too_large_is_refused_with_both_figures() -> None:
    """Bytes are counted, not letters."""
    assert 900_000 < body("layer", many(5, "ä" * 99_000)).size <= MAX_BODY

    with pytest.raises(
        TemplateError, match=r"layer: 1000\d{3} bytes; CloudFormation takes 1000000"
    ):
        body("layer", many(5, "ä" * 100_000))
