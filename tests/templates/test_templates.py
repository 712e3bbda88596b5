"""What every template promises, whatever the settings: portable, tagged, kept, reproducible."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tapcfn.model import STATEFUL, Stack
from templates import layers
from templates.blueprints import BLUEPRINTS
from templates.layers import network
from tests.templates.systems import SYSTEMS, System, every_choice, every_system

LAYERS = sorted(Path(layers.__path__[0]).glob("[a-z]*.py"))

# Databases leave a snapshot where other data is left itself. (C-6)
DATABASES = frozenset({"AWS::RDS::DBInstance", "AWS::RDS::DBCluster"})


# No transforms, no literals (C-10) ----------------------------------------------------------------


@every_choice
def test_no_account_region_or_partition_is_written_down(
    system: System, keys: Mapping[str, Any]
) -> None:
    """C-10: AWS fills these in, so that one template serves any account."""
    for stack in system.rollout(**keys).units:
        text = stack.template.text
        assert re.findall(r"(?<![0-9])[0-9]{12}(?![0-9])", text) == []
        assert re.findall(r"\b[a-z]{2}-[a-z]+-[0-9]\b", text) == []
        assert "arn:aws" not in text
        assert "amazonaws.com.cn" not in text


@every_system
def test_one_template_serves_any_account_and_region(system: System) -> None:
    """Another account and other Regions change parameters, never a template's bytes."""
    here = system.rollout(**system.all_on)
    there = system.rollout(**{**system.all_on, **system.elsewhere})

    assert [stack.template.text for stack in here.units] == [
        stack.template.text for stack in there.units
    ]


@every_choice
def test_templates_are_raw(system: System, keys: Mapping[str, Any]) -> None:
    """C-10: no transform and no macro; what is reviewed is what is deployed."""
    for stack in system.rollout(**keys).units:
        assert set(stack.template.document) <= {
            "AWSTemplateFormatVersion",
            "Conditions",
            "Description",
            "Outputs",
            "Parameters",
            "Resources",
            "Rules",
        }
        assert stack.template.size < 51_200


@every_choice
def test_distinct_templates_have_distinct_names(system: System, keys: Mapping[str, Any]) -> None:
    """A rendered file is named after its layer, and holds one template."""
    digests: dict[str, str] = {}
    for stack in system.rollout(**keys).units:
        template = stack.template
        assert digests.setdefault(template.layer, template.digest) == template.digest


@every_choice
def test_no_iam_resource_has_a_name(system: System, keys: Mapping[str, Any]) -> None:
    """A role with a name of its own would collide between Regions and stages.

    Stack sets know their roles by name: those have the system's, and are made in one Region.
    """
    for stack in system.rollout(**keys).units:
        if stack.template.layer == "stackset-roles":
            continue
        assert stack.template.capabilities in {(), ("CAPABILITY_IAM",)}


DIGESTS = """
from tests.templates.systems import choices
for system, choice, keys in choices():
    if choice in ("off", "all"):
        for stack in system.rollout(**keys).units:
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
    assert first.count(b"\n") >= 5 * len(SYSTEMS)


IMPORTS = """
import importlib
import sys
from templates.blueprints import BLUEPRINTS
assert not {"troposphere", "awacs", "pydantic"} & set(sys.modules)
for module in BLUEPRINTS.values():
    importlib.import_module(module)
assert not {"boto3", "botocore"} & set(sys.modules)
"""


def test_the_list_of_blueprints_is_light_and_none_of_them_knows_aws() -> None:
    """`--help` reads the names only, and templates never make a call."""
    subprocess.run(
        [sys.executable, "-c", IMPORTS],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )


def test_every_blueprint_is_tested() -> None:
    """A blueprint that these tests did not know would be held by none of them."""
    assert {system.name for system in SYSTEMS} == set(BLUEPRINTS)


# Tags (L-19) --------------------------------------------------------------------------------------


@cache
def tag_property(kind: str) -> str:
    """Return where the type's own schema takes tags, so that a new place is noticed."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    if kind == "AWS::CloudFormation::CustomResource":
        return ""
    tagging = schema.get("tagging", {})
    if not tagging.get("taggable", "Tags" in schema["properties"]):
        return ""
    named = str(tagging.get("tagProperty", "/properties/Tags"))
    return named.removeprefix("/properties/")


def tag_lists(kind: str, properties: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every set of tags of one resource, as keys and values."""
    if kind == "AWS::DynamoDB::GlobalTable":
        lists = [replica.get("Tags", []) for replica in properties["Replicas"]]
    elif kind == "AWS::EC2::LaunchTemplate":
        data = properties["LaunchTemplateData"]
        lists = [spec["Tags"] for spec in data["TagSpecifications"]]
        lists += [spec["Tags"] for spec in properties["TagSpecifications"]]
    else:
        lists = [properties.get(tag_property(kind), [])]
    for each in lists:
        yield each if isinstance(each, dict) else {tag["Key"]: tag["Value"] for tag in each}


@every_choice
def test_whatever_takes_tags_has_the_systems_own(system: System, keys: Mapping[str, Any]) -> None:
    """Every taggable resource carries them; nothing else has a Tags that would be passed over."""
    for stack in system.rollout(**keys).units:
        for title, resource in stack.template.document["Resources"].items():
            kind, properties = resource["Type"], resource.get("Properties", {})
            if not (kind == "AWS::DynamoDB::GlobalTable" or tag_property(kind)):
                assert "Tags" not in properties
                continue
            found = list(tag_lists(kind, properties))
            assert found, title
            for tags in found:
                assert tags.items() >= system.tags.items(), title


# Data (C-6) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "dropped"])
@pytest.mark.parametrize("choice", ["off", "all"])
@every_system
def test_whatever_holds_data_says_what_becomes_of_it(
    system: System, choice: str, keep: bool
) -> None:
    """C-6: keep_data decides for all that holds data; nothing else has a policy."""
    keys = {**system.choices[choice], "keep_data": keep}
    for stack in system.rollout(**keys).units:
        for title, resource in stack.template.document["Resources"].items():
            found = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
            assert found == _policies(system, stack, title, keep), title


def _policies(system: System, stack: Stack, title: str, keep: bool) -> tuple[str | None, ...]:
    """Return the deletion and replacement policies that a resource should have."""
    kind = stack.template.resources[title]
    if kind not in STATEFUL:
        return (None, None)
    if not keep or (stack.template.layer, title) in system.always_deleted:
        return ("Delete", "Delete")
    if kind in DATABASES:
        return ("Snapshot", "Snapshot")
    return ("RetainExceptOnCreate", "Retain")


# The source map -----------------------------------------------------------------------------------


@every_system
def test_every_resource_knows_the_line_that_wrote_it(system: System) -> None:
    """A failed resource leads to its layer or blueprint, never to a shared module."""
    for stack in system.rollout(**system.all_on).units:
        assert set(stack.template.source) == set(stack.template.resources)
        for line in stack.template.source.values():
            assert re.fullmatch(
                r"templates/(layers/[a-z]|blueprints/[a-z_]+/[a-z])[a-z_]+\.py", line.file
            )


# The layers alone ---------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", LAYERS, ids=lambda path: path.stem)
def test_a_layer_knows_no_system(layer: Path) -> None:
    """Names, prefixes and tags are arguments; a second system uses the layer as it is."""
    text = layer.read_text(encoding="utf-8")
    plain = {"baseline", "delivery"}  # which are words as well
    systems = "|".join(set(BLUEPRINTS) - plain)

    assert re.findall(rf"\btap\b|tap-|TapStack|{systems}|[a-z]{{2}}-(?:east|west)-[12]", text) == []
    assert text.startswith('"""')


@every_system
def test_every_parameter_is_used_and_given(system: System) -> None:
    """No stack is told what its template does not ask, nor left without an answer."""
    for stack in system.rollout(**system.all_on).units:
        declared = stack.template.parameters
        open_ends = {key for key, each in declared.items() if "Default" not in each}
        assert open_ends <= set(stack.parameters) <= set(declared)


@every_system
def test_every_output_that_is_asked_for_exists(system: System) -> None:
    """What feeds another stack, or a person, is an output of the stack that it is said to be."""
    for keys in system.choices.values():
        wanted = system.rollout(**keys)
        outputs = {unit.name: unit.template.outputs for unit in wanted.units}
        for stack in wanted.stacks:
            for value in stack.parameters.values():
                if not isinstance(value, str) and hasattr(value, "stack"):
                    assert value.key in outputs[value.stack]
        for value in wanted.outputs.values():
            assert value.key in outputs[value.stack]


def test_a_network_has_as_many_zones_as_its_largest_tier() -> None:
    """Structure is an argument: three blocks, three zones."""
    template = network.Template("Three zones")
    tier = network.public(["10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24"])
    network.add(template, name="x", vpc_cidr="10.1.0.0/16", tiers=[tier], tags={"project": "x"})
    document = template.to_dict()

    subnets = [
        key for key, each in document["Resources"].items() if each["Type"] == "AWS::EC2::Subnet"
    ]
    assert subnets == ["PublicSubnet0", "PublicSubnet1", "PublicSubnet2"]
    assert document["Parameters"]["AvailabilityZone2"]["Type"].endswith("Zone::Name")
    assert document["Parameters"]["PublicSubnetCidr2"]["Default"] == "10.1.3.0/24"


def test_a_digest_is_that_of_the_canonical_text() -> None:
    """Compact, sorted JSON: the same value always has the same bytes."""
    template = SYSTEMS[0].rollout().stacks[0].template

    assert template.digest == hashlib.sha256(template.text.encode()).hexdigest()
