"""Repairs on the local cloud: drift is told, resources are imported, leftovers are named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tapcfn.cli.app import run
from tapcfn.local import record
from tests.end_to_end.conftest import Bench, Result

STORAGE = "storage"

TEMPLATE = """\
Parameters:
  Name: {Type: String}
  Text: {Type: String, Default: mine}
Resources:
  Data:
    Type: AWS::S3::Bucket
    DeletionPolicy: Delete
    Properties: {BucketName: !Sub "${Name}-${AWS::AccountId}"}
  Where:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Ref Text}
"""

STACK = """
[stacks.{name}]
template = "storage.yaml"
region = "us-east-1"
parameters = {{ Name = "{name}" }}
"""


VERSIONED = "Properties: {VersioningConfiguration: {Status: Enabled}"


class Place:
    """A folder with one template, for stacks in an account of its own, and its commands."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench, self.folder = bench, folder
        folder.mkdir()
        self.bucket = f"{STORAGE}-{bench.account}"
        (folder / "storage.yaml").write_text(TEMPLATE)
        head = f'backend = "local"\naccount = "{bench.account}"\ntermination_protection = false\n'
        (folder / "tapcfn.toml").write_text(head + STACK.format(name=STORAGE))

    def add(self, name: str) -> None:
        """Let there be another stack of the same template."""
        with (self.folder / "tapcfn.toml").open("a") as file:
            file.write(STACK.format(name=name))

    def run(self, command: str, *words: str) -> Result:
        self.bench.capture()
        code = run("none.such", [command, str(self.folder), *words])
        return Result(code, *self.bench.capture())

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    @contextmanager
    def stubborn(self, logical_id: str) -> Iterator[None]:
        """Let a resource of this account refuse to be deleted meanwhile."""
        fault = f'do = "fail"\naccount = "{self.bench.account}"\nlogical_id = "{logical_id}"'
        table = f'[[fault]]\n{fault}\nduring = "delete"\nreason = "somebody needs it"'
        record.ask(self.bench.url, "/_tapcfn/faults", {"table": table})
        yield
        record.ask(self.bench.url, "/_tapcfn/faults", {"table": ""})

    def client(self, service: str) -> Any:
        return self.bench.client(service)


@pytest.fixture
def place(bench: Bench, tmp_path: Path) -> Place:
    return Place(bench, tmp_path / "plain")


def test_drift_is_told_and_reverted_only_where_it_is_named(place: Place):
    """Shown with both values, carried out, waited for; nothing has drifted after that. (R-27)"""
    place.edit("storage.yaml", "Value: !Ref Text}", "Value: !Ref Text, Tags: {owner: me}}")
    place.run("apply")
    (parameter,) = place.client("ssm").describe_parameters()["Parameters"]
    place.client("ssm").put_parameter(Name=parameter["Name"], Value="other", Overwrite=True)
    coded = place.run("drift", "--json", "--detailed-exitcode")
    wrong = place.run("drift", "--revert", f"{STORAGE}/Data")

    assert (10, 4) == (coded.code, wrong.code)
    (found,) = coded.of_type("drift")
    drifted = [each["logical_id"] for each in found["resources"] if each["status"] == "MODIFIED"]
    assert ["Where"] == drifted
    assert f"--revert {STORAGE}/Data: has not drifted (drifted there: Where)" in wrong.err

    reverted = place.run("drift", "--revert", f"{STORAGE}/Where")
    after = place.run("drift", "--detailed-exitcode")
    planned = place.run("plan", "--detailed-exitcode")

    assert (0, 0, 0) == (reverted.code, after.code, planned.code), reverted.err + after.out
    assert "MODIFIED  Where  AWS::SSM::Parameter" in reverted.out
    assert "/Value: mine → other" in reverted.out
    assert "it was changed behind CloudFormation's back" in reverted.out
    assert "Value: other → mine" in reverted.out
    value = place.client("ssm").get_parameter(Name=parameter["Name"])["Parameter"]["Value"]
    assert "mine" == value


def test_what_drifted_beside_what_is_named_is_not_reverted_with_it(place: Place):
    """A revert takes back emergency edits, too: each has to be meant."""
    place.run("apply")
    (parameter,) = place.client("ssm").describe_parameters()["Parameters"]
    place.client("ssm").delete_parameter(Name=parameter["Name"])
    place.edit("storage.yaml", "Properties: {BucketName:", f"{VERSIONED}, BucketName:")
    place.run("apply")
    place.client("s3").put_bucket_versioning(
        Bucket=place.bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    drifted = place.run("drift")
    alone = place.run("drift", "--revert", f"{STORAGE}/Data")
    both = place.run("drift", "--revert", f"{STORAGE}/Data", "--revert", f"{STORAGE}/Where")

    assert "DELETED  Where" in drifted.out
    assert (4, 0) == (alone.code, both.code), both.err
    assert "the change set touches Where, too" in alone.err
    assert "0 of 2 resources have drifted." in place.run("drift").out
    told = place.client("s3").get_bucket_versioning(Bucket=place.bucket)
    assert "Enabled" == told["Status"]


def test_each_property_that_was_changed_behind_its_back_is_told(place: Place):
    """With before and after; `plan --drift` tells it where the plan would write over it. (R-27)"""
    place.edit("storage.yaml", "Properties: {BucketName:", f"{VERSIONED}, BucketName:")
    place.edit("storage.yaml", "Value: !Ref Text}", "Value: !Ref Text, Tags: {owner: me}}")
    place.run("apply")
    clean = place.run("drift", "--detailed-exitcode")
    (parameter,) = place.client("ssm").describe_parameters()["Parameters"]
    place.client("s3").put_bucket_versioning(
        Bucket=place.bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    place.client("ssm").add_tags_to_resource(
        ResourceType="Parameter",
        ResourceId=parameter["Name"],
        Tags=[{"Key": "owner", "Value": "you"}],
    )

    drifted = place.run("drift", "--json", "--detailed-exitcode")
    shown = place.run("drift")
    place.edit("storage.yaml", "Default: mine", "Default: new")
    planned = place.run("plan", "--drift")

    assert (0, 10, 0) == (clean.code, drifted.code, shown.code)
    (found,) = drifted.of_type("drift")
    assert {
        ("Data", "/VersioningConfiguration/Status", "NOT_EQUAL", "Enabled", "Suspended"),
        ("Where", "/Tags/owner", "NOT_EQUAL", "me", "you"),
    } == {
        (each["logical_id"], *(pair[key] for key in ("path", "kind", "expected", "actual")))
        for each in found["resources"]
        for pair in each["properties"]
    }
    for result in (shown, planned):
        assert "MODIFIED  Data  AWS::S3::Bucket" in result.out
        assert "/VersioningConfiguration/Status: Enabled → Suspended" in result.out
        assert "/Tags/owner: me → you" in result.out
    assert "2 of 2 resources have drifted." in shown.out


MORE = """\
  More:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Properties: {BucketName: !Sub "more-${AWS::AccountId}"}
"""


def test_an_existing_bucket_is_taken_over_and_the_next_plan_is_empty(place: Place):
    """Shown, carried out, waited for; what was pending besides is still pending."""
    place.run("apply")
    name = f"more-{place.bench.account}"
    place.client("s3").create_bucket(Bucket=name)
    place.client("s3").put_object(Bucket=name, Key="k", Body=b"x")
    place.edit("storage.yaml", "  Where:\n", f"{MORE}  Where:\n")

    unknown = place.run("import", STORAGE, "Moar=x")
    imported = place.run("import", STORAGE, f"More={name}")
    again = place.run("plan", "--detailed-exitcode")

    assert (4, 0, 0) == (unknown.code, imported.code, again.code), imported.err + again.out
    assert "(to import: More)" in unknown.err
    assert f"< More  AWS::S3::Bucket  exists as {name}" in imported.out
    stack = place.client("cloudformation").describe_stacks(StackName=STORAGE)["Stacks"][0]
    assert "IMPORT_COMPLETE" == stack["StackStatus"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([STORAGE, "More"], 2, "More: allowed: LOGICAL_ID=IDENTIFIER"),
        (["nowhere", "More=x"], 2, "nowhere: no such stack"),
        ([STORAGE, "Where=Key=x,Other=y"], 4, "is not deployed, so an import makes it of all"),
    ],
)
def test_a_wrong_import_says_what_would_be_right(
    place: Place, words: list[str], code: int, said: str
):
    """Before any change set is made."""
    found = place.run("import", *words)

    assert (code, True) == (found.code, said in found.err), found.err


def test_what_a_destroy_keeps_is_named_at_the_end(place: Place):
    """With its physical id: nothing else leads back to it."""
    place.edit("storage.yaml", "DeletionPolicy: Delete", "DeletionPolicy: Retain")
    place.run("apply")

    destroyed = place.run("destroy")

    assert destroyed.code == 0, destroyed.err
    assert "Still there, in no stack:" in destroyed.out
    assert place.bucket in destroyed.out.partition("Still there, in no stack:")[2]


def test_a_deletion_that_fails_names_what_stuck_and_the_way_out(place: Place):
    """What is to be left behind, or the stack given up: only by name, only where it failed."""
    place.add("other")
    place.run("apply")
    early = place.run("destroy", "--retain", f"{STORAGE}/Data")
    with place.stubborn("Data"):
        failed = place.run("destroy")
        wrong = place.run("destroy", "--retain", f"{STORAGE}/Dota")
        ended = place.run("destroy", "--retain", f"{STORAGE}/Data", "--force-delete", "other")

    assert (4, 1, 2, 0) == (early.code, failed.code, wrong.code, ended.code), ended.err
    assert "--retain and --force-delete are for stacks whose deletion failed" in early.err
    assert f"Data (AWS::S3::Bucket {place.bucket}): somebody needs it" in failed.out
    assert f"--retain {STORAGE}/Data" in failed.out
    assert "--force-delete other" in failed.out
    assert "no such resource is left in it (there are: Data)" in wrong.err
    assert "other: may stay behind, in no stack:" in ended.out
    kept = ended.out.partition("Still there, in no stack:")[2]
    assert place.bucket in kept
    assert f"other-{place.bench.account}" in kept
    assert place.client("s3").head_bucket(Bucket=place.bucket)
