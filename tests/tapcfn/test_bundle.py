"""Templates as files: the same rollout gives the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tapcfn.bundle import Difference, compare, files_of, stale, write
from tapcfn.bundle import read as read_bundle
from tapcfn.errors import StaleError, TemplateError, UsageError
from tapcfn.model import OutputOf, Rollout, Stack, ZoneOf
from tests.fakes import AWAY, a_rollout, a_stack, a_template

TEMPLATE = a_template(
    "network",
    resources={
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"Description": "grün"}},
        "Topic": "AWS::SNS::Topic",
    },
    parameters=["Zone"],
    outputs=["Id"],
)


def a_bundle(**more: Any) -> Rollout:
    """Return a rollout in which one template serves two stacks."""
    here = Stack("here", replace(AWAY), TEMPLATE, {"Zone": ZoneOf(0)}, {"b": "2", "a": "1"}, True)
    there = a_stack("app", parameters={"Vpc": OutputOf("here", "Id")})
    rollout = a_rollout(phases={"base": [here, replace(here, name="again")], "rest": [there]})
    return replace(rollout, outputs={"VpcId": OutputOf("here", "Id")}, **more)


def read(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def manifest(rollout: Rollout) -> Any:
    return json.loads(files_of(rollout)["manifest.json"])


def test_the_same_rollout_gives_the_same_bytes(tmp_path: Path) -> None:
    """Twice, in two folders, whatever the order of tags."""
    other = a_bundle()
    first = other.phases[0].stacks[0]
    turned = replace(first, tags=dict(reversed(list(first.tags.items()))))
    phases = (replace(other.phases[0], stacks=(turned, *other.phases[0].stacks[1:])),)
    other = replace(other, phases=phases + other.phases[1:])

    write(a_bundle(), tmp_path / "one")
    write(other, tmp_path / "two")

    assert read(tmp_path / "one") == read(tmp_path / "two")


def test_there_is_one_file_for_each_distinct_template() -> None:
    """However many stacks it serves; and the manifest."""
    assert ["app.json", "manifest.json", "network.json"] == sorted(files_of(a_bundle()))


def test_files_are_laid_out_for_reading() -> None:
    """Indented, sorted, in UTF-8 letters, with an end of line at the end."""
    text = files_of(a_bundle())["network.json"]

    assert TEMPLATE.document == json.loads(text)
    assert '\n  "Outputs": {\n' in text
    assert "grün" in text
    assert text.endswith("}\n")


def test_the_manifest_tells_what_each_file_is() -> None:
    """Digests of the file and of what is deployed, capabilities, inventory, lines."""
    files = files_of(a_bundle())

    assert {
        "sha256": hashlib.sha256(files["network.json"].encode()).hexdigest(),
        "digest": TEMPLATE.digest,
        "bytes": TEMPLATE.size,
        "capabilities": ["CAPABILITY_IAM"],
        "parameters": {"Zone": {"Type": "String"}},
        "outputs": ["Id"],
        "resources": {"Role": "AWS::IAM::Role", "Topic": "AWS::SNS::Topic"},
        "source": {"Role": "layers/network.py:10", "Topic": "layers/network.py:11"},
    } == manifest(a_bundle())["templates"]["network"]


def test_the_manifest_tells_where_each_template_goes() -> None:
    """Every stack in order, with what it is given and what it waits for."""
    stacks = manifest(a_bundle())["stacks"]

    assert ["here", "again", "app"] == [stack["name"] for stack in stacks]
    assert {
        "name": "here",
        "phase": "base",
        "account": "111111111111",
        "region": "us-west-2",
        "template": "network",
        "parameters": {"Zone": {"zone": 0}},
        "tags": {"a": "1", "b": "2"},
        "needs": [],
        "termination_protection": True,
        "adopts": False,
    } == stacks[0]
    assert ({"Vpc": {"stack": "here", "output": "Id"}}, ["here"]) == (
        stacks[2]["parameters"],
        stacks[2]["needs"],
    )


def test_the_manifest_tells_what_made_it_and_nothing_of_when() -> None:
    """Versions, but no time and no commit."""
    found = manifest(a_bundle())

    assert {
        "manifest_version", "blueprint", "stage", "versions", "templates", "stacks", "outputs",
    } == set(found)  # fmt: skip
    assert {"tapcfn", "troposphere", "awacs"} == set(found["versions"])
    assert (2, "blue", {"VpcId": {"stack": "here", "output": "Id"}}) == (
        found["manifest_version"],
        found["blueprint"],
        found["outputs"],
    )


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (("network", "network"), "network: two different templates have this name"),
        (
            ("manifest", "network"),
            "manifest.json: no layer can have this name, the manifest has it",
        ),
    ],
)
def test_two_files_of_one_name_are_refused(names: tuple[str, str], fault: str) -> None:
    """Two templates that share a layer's name, or one that is called like the manifest."""
    stacks = [
        a_stack(f"s{number}", template=a_template(name, version=str(number)))
        for number, name in enumerate(names)
    ]

    with pytest.raises(TemplateError) as caught:
        files_of(a_rollout(*stacks))

    assert fault == str(caught.value)


# On disk ------------------------------------------------------------------------------------------


def test_writing_says_what_changed(tmp_path: Path) -> None:
    """Everything the first time, nothing the second."""
    folder = tmp_path / "rendered" / "blue"

    assert ("app.json", "manifest.json", "network.json") == write(a_bundle(), folder)
    assert () == write(a_bundle(), folder)
    assert () == stale(a_bundle(), folder)


def test_a_folder_that_is_not_there_is_all_stale(tmp_path: Path) -> None:
    """And asking does not make it."""
    folder = tmp_path / "nowhere"

    assert ("app.json", "manifest.json", "network.json") == stale(a_bundle(), folder)
    assert not folder.exists()


@pytest.mark.parametrize("content", [None, b"{}", b"\xff\xfe"])
def test_a_file_that_is_missing_or_different_is_stale(
    tmp_path: Path, content: bytes | None
) -> None:
    """It is named, and writing puts it right."""
    write(a_bundle(), tmp_path)
    if content is None:
        (tmp_path / "network.json").unlink()
    else:
        (tmp_path / "network.json").write_bytes(content)

    assert ("network.json",) == stale(a_bundle(), tmp_path)
    assert ("network.json",) == write(a_bundle(), tmp_path)
    assert () == stale(a_bundle(), tmp_path)


def test_a_line_ending_of_another_system_is_stale(tmp_path: Path) -> None:
    """The bytes are what the manifest has digests of."""
    write(a_bundle(), tmp_path)
    text = (tmp_path / "network.json").read_bytes()
    (tmp_path / "network.json").write_bytes(text.replace(b"\n", b"\r\n"))

    assert ("network.json",) == stale(a_bundle(), tmp_path)


def test_a_template_that_is_no_longer_there_is_removed(tmp_path: Path) -> None:
    """Its file, and nothing that is no JSON."""
    write(a_bundle(), tmp_path)
    (tmp_path / "README.md").write_text("kept", encoding="utf-8")
    smaller = a_bundle(phases=a_bundle().phases[:1])

    assert ("app.json", "manifest.json") == stale(smaller, tmp_path)
    assert ("app.json", "manifest.json") == write(smaller, tmp_path)
    assert ["README.md", "manifest.json", "network.json"] == sorted(read(tmp_path))


def test_a_moved_line_changes_the_manifest_and_no_template(tmp_path: Path) -> None:
    """The source map is only told there. (D-22)"""
    write(a_bundle(), tmp_path)
    moved = replace(TEMPLATE, source={})
    stacks = tuple(
        replace(stack, template=moved) if stack.template is TEMPLATE else stack
        for stack in a_bundle().phases[0].stacks
    )
    rollout = a_bundle()
    rollout = replace(
        rollout, phases=(replace(rollout.phases[0], stacks=stacks), *rollout.phases[1:])
    )

    assert ("manifest.json",) == stale(rollout, tmp_path)


# Read again ---------------------------------------------------------------------------------------


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    """Order, outputs of others, zones, tags, protection, lines: a deployment is the same."""
    wanted = a_bundle()
    write(wanted, tmp_path, {"commit": "0a1b", "deployment": {"backend": "local"}})

    found = read_bundle(tmp_path)

    assert wanted == found.rollout
    assert [stack.template.source for stack in wanted.stacks] == [
        stack.template.source for stack in found.rollout.stacks
    ]
    assert ("0a1b", {"backend": "local"}) == (found.commit, found.deployment)


def test_a_bundle_has_a_digest_of_its_own(tmp_path: Path) -> None:
    """Whoever knows it needs to trust nothing else."""
    write(a_bundle(), tmp_path)

    manifest = (tmp_path / "manifest.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == read_bundle(tmp_path).digest


def changed(folder: Path) -> None:
    (folder / "network.json").write_bytes((folder / "network.json").read_bytes() + b" ")


def missing(folder: Path) -> None:
    (folder / "app.json").unlink()


def one_too_many(folder: Path) -> None:
    (folder / "other.json").write_text("{}", encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (changed, "network.json is not what the manifest says"),
        (missing, "app.json is missing"),
        (one_too_many, "other.json is not part of the bundle"),
    ],
)
def test_a_bundle_that_is_not_as_it_was_written_is_stale(
    tmp_path: Path, harm: Any, fault: str
) -> None:
    """Every file that is missing, different or one too many is named."""
    write(a_bundle(), tmp_path)
    harm(tmp_path)

    with pytest.raises(StaleError, match=fault):
        read_bundle(tmp_path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "is no bundle: it has no manifest.json; `bundle build` makes one"),
        ("[", "is no manifest"),
        ("[]", "is no manifest"),
        ('{"manifest_version": 1}', "manifest_version is 1; this tapcfn reads 2"),
        ('{"manifest_version": 2}', "is no manifest"),
    ],
)
def test_a_folder_that_is_no_bundle_is_refused(
    tmp_path: Path, text: str | None, fault: str
) -> None:
    """With the file and the reason."""
    if text is not None:
        (tmp_path / "manifest.json").write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=fault):
        read_bundle(tmp_path)


# Compared -----------------------------------------------------------------------------------------


def differences(tmp_path: Path, old: Rollout, new: Rollout) -> list[Difference]:
    """Return what two rollouts differ in once they are files."""
    write(old, tmp_path / "old")
    write(new, tmp_path / "new")
    return list(compare(read_bundle(tmp_path / "old"), read_bundle(tmp_path / "new")))


def a_vpc(cidr: Any, *more: str) -> Rollout:
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": cidr, "Tags": [{"Key": "a"}]}}
    resources = {"Vpc": vpc, **dict.fromkeys(more, "AWS::SNS::Topic")}
    return a_rollout(a_stack("net", template=a_template("net", resources=resources)))


def test_equal_bundles_do_not_differ(tmp_path: Path) -> None:
    assert [] == differences(tmp_path, a_bundle(), a_bundle())


def test_a_changed_property_is_named_with_both_values(tmp_path: Path) -> None:
    """And with its resource's type, for whoever asks what the change does to it."""
    (found,) = differences(tmp_path, a_vpc("10.0.0.0/16"), a_vpc({"Ref": "Block"}))

    assert ("net.json", "changed", ("Vpc", "Properties", "CidrBlock")) == (
        found.where,
        found.kind,
        found.path,
    )
    assert ("10.0.0.0/16", {"Ref": "Block"}, "AWS::EC2::VPC") == (
        found.before,
        found.after,
        found.resource_type,
    )


def test_a_resource_that_comes_or_goes_is_one_difference(tmp_path: Path) -> None:
    found = differences(tmp_path, a_vpc("10.0.0.0/16", "Old"), a_vpc("10.0.0.0/16", "New"))

    assert [("added", ("New",)), ("removed", ("Old",))] == [
        (each.kind, each.path) for each in found
    ]


def test_stacks_are_compared_too(tmp_path: Path) -> None:
    """One that comes or goes, and a parameter that changes."""
    old, new = a_bundle(), a_bundle()
    first = new.phases[0].stacks[0]
    given = replace(first, parameters={"Zone": ZoneOf(1)})
    new = replace(new, phases=(replace(new.phases[0], stacks=(given,)), *new.phases[1:]))

    found = differences(tmp_path, old, new)

    assert [("again", "removed", ()), ("here", "changed", ("parameters", "Zone"))] == [
        (each.where, each.kind, each.path) for each in found
    ]
