"""What every template promises, whatever the settings: portable, tagged, kept, reproducible."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tapcfn.model import STATEFUL, Stack
from templates.blueprints import BLUEPRINTS
from templates.layers import flow_logs, monitoring, network, replication, security, storage
from tests.templates.resolved import ALL_ON, OPTIONS, rollout

SYSTEM_TAGS = {"environment": "production", "project": "tap-stack", "managed-by": "tapcfn"}

CHOICES: Mapping[str, Mapping[str, Any]] = {
    "off": {},
    **OPTIONS,
    "all": ALL_ON,
    "all_nat": {**ALL_ON, "packet_drops": "nat"},
}


def stacks(**keys: Any) -> tuple[Stack, ...]:
    """Return the stacks of a rollout."""
    return rollout(**keys).stacks


# No transforms, no literals (C-10) ----------------------------------------------------------------


@pytest.mark.parametrize("keys", CHOICES.values(), ids=CHOICES)
def test_no_account_region_or_partition_is_written_down(keys: Mapping[str, Any]) -> None:
    """C-10: AWS fills these in, so that one template serves any account."""
    for stack in stacks(**keys):
        text = stack.template.text
        assert re.findall(r"(?<![0-9])[0-9]{12}(?![0-9])", text) == []
        assert re.findall(r"\b[a-z]{2}-[a-z]+-[0-9]\b", text) == []
        assert "arn:aws" not in text
        assert "amazonaws.com.cn" not in text


def test_one_template_serves_any_account_and_region() -> None:
    """Another account and other Regions change parameters, never a template's bytes."""
    here = stacks(**ALL_ON)
    there = stacks(
        **ALL_ON,
        account="999999999999",
        home_region="eu-central-1",
        replication_region="ap-southeast-2",
        allowed_cidr="192.168.1.0/24",
    )

    assert [stack.template.text for stack in here] == [stack.template.text for stack in there]


@pytest.mark.parametrize("keys", CHOICES.values(), ids=CHOICES)
def test_templates_are_raw(keys: Mapping[str, Any]) -> None:
    """C-10: no transform and no macro; what is reviewed is what is deployed."""
    for stack in stacks(**keys):
        assert set(stack.template.document) <= {
            "AWSTemplateFormatVersion",
            "Description",
            "Outputs",
            "Parameters",
            "Resources",
        }
        assert stack.template.size < 51_200


def test_distinct_templates_have_distinct_layer_names() -> None:
    """A rendered file is named after its layer."""
    layers = [stack.template.layer for stack in stacks()]

    assert layers == sorted(set(layers), key=layers.index)
    assert set(layers) == {
        "security",
        "security-replica",
        "storage",
        "storage-replica",
        "network",
        "monitoring",
    }


@pytest.mark.parametrize("keys", CHOICES.values(), ids=CHOICES)
def test_no_iam_resource_has_a_name(keys: Mapping[str, Any]) -> None:
    """A role with a name of its own would collide between Regions and stages."""
    for stack in stacks(**keys):
        assert stack.template.capabilities in {(), ("CAPABILITY_IAM",)}


DIGESTS = """
from tests.templates.resolved import ALL_ON, rollout
for keys in ({}, ALL_ON):
    for stack in rollout(**keys).stacks:
        print(stack.name, stack.template.digest, list(stack.parameters), list(stack.tags))
"""


def test_two_renders_are_byte_equal_whatever_the_hash_seed() -> None:
    """C-10: nothing is ordered by a hash."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", DIGESTS],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
        )
        for seed in ("1", "4242")
    ]
    first, second = (run.communicate()[0] for run in runs)

    assert [run.returncode for run in runs] == [0, 0]
    assert first == second
    assert first.count(b"\n") == 12


IMPORTS = """
import sys
import templates.blueprints
assert not {"troposphere", "awacs", "pydantic"} & set(sys.modules)
import templates.blueprints.replicated_storage
assert not {"boto3", "botocore"} & set(sys.modules)
"""


def test_the_list_of_blueprints_is_light_and_none_of_them_knows_aws() -> None:
    """`--help` reads the names only, and templates never make a call."""
    subprocess.run(
        [sys.executable, "-c", IMPORTS],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    assert BLUEPRINTS["replicated_storage"] == "templates.blueprints.replicated_storage"


# Tags (L-19) --------------------------------------------------------------------------------------


@cache
def is_taggable(kind: str) -> bool:
    """Ask the type's own schema, so that a type that becomes taggable is noticed."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return bool(schema.get("tagging", {}).get("taggable", "Tags" in schema["properties"]))


@pytest.mark.parametrize("keys", CHOICES.values(), ids=CHOICES)
def test_whatever_takes_tags_has_the_three(keys: Mapping[str, Any]) -> None:
    """Acceptance 10: environment, project and managed-by on every taggable resource."""
    for stack in stacks(**keys):
        for title, resource in stack.template.document["Resources"].items():
            if not is_taggable(resource["Type"]):
                assert "Tags" not in resource["Properties"]
                continue
            tags = {tag["Key"]: tag["Value"] for tag in resource["Properties"]["Tags"]}
            assert tags.items() >= SYSTEM_TAGS.items(), title
            assert set(tags) <= {*SYSTEM_TAGS, "Name"}


def test_the_environment_is_a_setting() -> None:
    """The tag follows `environment`."""
    for stack in stacks(environment="staging"):
        assert '{"Key":"environment","Value":"staging"}' in stack.template.text
        assert "production" not in stack.template.text


# Data (C-6) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keep", "deletion", "replacement"),
    [(True, "RetainExceptOnCreate", "Retain"), (False, "Delete", "Delete")],
)
@pytest.mark.parametrize("keys", [ALL_ON, {}], ids=["all", "off"])
def test_whatever_holds_data_says_what_becomes_of_it(
    keys: Mapping[str, Any], keep: bool, deletion: str, replacement: str
) -> None:
    """C-6: keep_data decides for buckets, keys and log groups; nothing else has a policy."""
    for stack in stacks(**keys, keep_data=keep):
        for resource in stack.template.document["Resources"].values():
            if resource["Type"] in STATEFUL:
                assert resource["DeletionPolicy"] == deletion
                assert resource["UpdateReplacePolicy"] == replacement
            else:
                assert "DeletionPolicy" not in resource
                assert "UpdateReplacePolicy" not in resource


# The source map -----------------------------------------------------------------------------------


def test_every_resource_knows_the_line_that_wrote_it() -> None:
    """A failed resource leads to the layer, never to a shared module or to troposphere."""
    for stack in stacks(**ALL_ON):
        assert set(stack.template.source) == set(stack.template.resources)
        for line in stack.template.source.values():
            assert re.fullmatch(r"templates/layers/[a-z][a-z_]+\.py", line.file)


# The layers alone ---------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [flow_logs, monitoring, network, replication, security, storage])
def test_a_layer_knows_no_system(layer: Any) -> None:
    """Names, prefixes and tags are arguments; a second system uses the layer as it is."""
    assert layer.__file__ is not None
    with open(layer.__file__, encoding="utf-8") as source:
        text = source.read()

    assert re.findall(r"\btap\b|tap-|TapStack|replicated|us-(?:east|west)-[12]", text) == []
    assert layer.__doc__


def test_every_output_that_a_layer_names_exists() -> None:
    """`Out` promises nothing that no template has."""
    layers = {stack.template.layer: stack.template for stack in stacks(**ALL_ON)}

    assert set(network.Out) == layers["network"].outputs
    assert set(security.Out) == layers["security"].outputs == layers["security-replica"].outputs
    assert set(storage.Out) == layers["storage"].outputs == layers["storage-replica"].outputs
    assert set(monitoring.Out) == layers["monitoring"].outputs


def test_the_layers_take_as_many_zones_as_they_are_given() -> None:
    """Structure is an argument: three blocks, three zones."""
    template = network.build(
        prefix="x",
        vpc_cidr="10.1.0.0/16",
        subnets=network.Subnets(["10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24"]),
        tags={"project": "x"},
        keep_data=False,
    ).to_dict()

    subnets = [
        key for key, each in template["Resources"].items() if each["Type"] == "AWS::EC2::Subnet"
    ]
    assert subnets == ["PublicSubnet0", "PublicSubnet1", "PublicSubnet2"]
    assert template["Parameters"]["AvailabilityZone2"]["Type"].endswith("Zone::Name")
    assert template["Parameters"]["PublicSubnetCidr2"]["Default"] == "10.1.3.0/24"


def test_a_digest_is_that_of_the_canonical_text() -> None:
    """Compact, sorted JSON: the same value always has the same bytes."""
    template = stacks()[0].template

    assert template.digest == hashlib.sha256(template.text.encode()).hexdigest()
