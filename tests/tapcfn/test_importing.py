"""What an import sends: the deployed template and the named resources, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapcfn.errors import BlockedError
from tapcfn.importing import importing, values
from tests.fakes import a_deployed, a_stack, a_template

DATA = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}

THERE = a_template(resources={"Topic": "AWS::SNS::Topic"}, defaults={"Old": "1"})
WANTED = a_template(
    resources={"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "new"}},
               "Data": DATA, "More": "AWS::S3::Bucket"},
    defaults={"Old": "2", "New": "3"},
    outputs=("Id", "Another"),
    version="2",
)  # fmt: skip


def test_only_the_named_resources_join_the_deployed_template():
    """Other changes that are pending, and outputs, wait for the next apply."""
    stack = a_stack(template=WANTED, tags={"new": "tag"}, adopt=True)
    deployed = a_deployed(a_stack(template=THERE, tags={"old": "tag"}))

    found = importing(stack, deployed, THERE.text, ["Data"])

    document = found.template.document
    assert {"Topic": {"Type": "AWS::SNS::Topic"}, "Data": DATA} == document["Resources"]
    assert {"Id"} == set(document["Outputs"])
    assert ["1", "3"] == [document["Parameters"][key]["Default"] for key in ("Old", "New")]
    assert ({"old": "tag"}, False) == (found.tags, found.adopt)


def test_parameters_that_the_stack_has_stay_as_they_are():
    """Only new ones take the wanted value."""
    stack = a_stack(template=WANTED)
    deployed = replace(a_deployed(stack), parameters={"Old": "deployed"})

    found = values(stack, deployed, {"Old": "wanted", "New": "new"})

    assert {"Old": "deployed", "New": "new"} == found


def test_a_stack_that_is_not_there_is_made_of_what_is_imported():
    """Without outputs, which an import does not take."""
    stack = a_stack(template=a_template(resources={"Data": DATA}))

    found = importing(stack, None, "", ["Data"])

    assert {"Data": DATA} == found.template.document["Resources"]
    assert "Outputs" not in found.template.document


@pytest.mark.parametrize(
    ("template", "names", "fault"),
    [
        (THERE.text, ["Topic"], "network/Topic: is in the deployed stack already"),
        (THERE.text, ["Dota"], r"network/Dota: is not in the template \(to import: Data, More\)"),
        (THERE.text, ["More"], "network/More: has no DeletionPolicy, which an import asks for"),
        ("", ["Data"], "is not deployed, so an import makes it of all .* name More, Topic too"),
        ("Resources: {}", ["Data"], "its deployed template is YAML"),
    ],
)
def test_what_the_service_would_refuse_is_refused_before(
    template: str, names: list[str], fault: str
):
    """Exit 4, with the resource named."""
    with pytest.raises(BlockedError, match=fault):
        importing(a_stack(template=WANTED), None, template, names)
