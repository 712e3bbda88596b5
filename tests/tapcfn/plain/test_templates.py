"""Reading templates as people write them: short functions, JSON, lines; and what is no template."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tapcfn.plain.templates import TemplateFault, keeping, load, normal

YAML = """\
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Cidr: {Type: String}
Conditions:
  IsWide: !Equals [!Ref Cidr, 10.0.0.0/8]
Resources:
  # a comment moves the lines
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: !Ref Cidr
      EnableDnsSupport: yes
      Tags: [{Key: Name, Value: !Sub "a-${AWS::Region}"}]

  "Log":
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Join ["/", [a, !GetAtt Vpc.CidrBlockAssociations]]
Outputs:
  Id: {Value: !Select [0, !GetAZs ""]}
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_short_functions_become_long_ones(tmp_path: Path):
    """The canonical JSON is what CloudFormation reads in the YAML; an unquoted date is a text."""
    body = load(write(tmp_path, "a.yaml", YAML), "a")

    document = body.document
    assert {"Fn::Equals": [{"Ref": "Cidr"}, "10.0.0.0/8"]} == document["Conditions"]["IsWide"]
    assert {
        "CidrBlock": {"Ref": "Cidr"},
        "EnableDnsSupport": True,
        "Tags": [{"Key": "Name", "Value": {"Fn::Sub": "a-${AWS::Region}"}}],
    } == document["Resources"]["Vpc"]["Properties"]
    assert {"Fn::Join": ["/", ["a", {"Fn::GetAtt": ["Vpc", "CidrBlockAssociations"]}]]} == document[
        "Resources"
    ]["Log"]["Properties"]["LogGroupName"]
    assert {"Fn::Select": [0, {"Fn::GetAZs": ""}]} == document["Outputs"]["Id"]["Value"]
    assert "2010-09-09" == document["AWSTemplateFormatVersion"]


def test_each_resource_remembers_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As people would type the file's name from where they are. (D-22)"""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stacks").mkdir()
    body = load(write(tmp_path / "stacks", "a.yaml", YAML), "a")
    other = load(write(tmp_path, "b.json", json.dumps(dict(body.document), indent=1)), "b")

    assert {"Vpc": "stacks/a.yaml:8", "Log": "stacks/a.yaml:15"} == {
        key: str(line) for key, line in body.source.items()
    }
    lines = (tmp_path / "b.json").read_text().splitlines()
    assert all(f'"{key}"' in lines[line.line - 1] for key, line in other.source.items())
    assert body.text == other.text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Resources:\n  A:\n    Type: [\n", "a.yaml:4: did not find expected node content"),
        ("Resources:\n  A: {Type: x}\n  A: {Type: y}\n", "a.yaml:3: Duplicate found 'A' (line 3)"),
        ("- a\n", "a.yaml: is no template"),
        ("", "a.yaml: has no Resources"),
        ("Resources: [a]\n", "a.yaml: Resources is no table"),
        ("Resources:\n  A:\n", "a.yaml:2: Resources/A has no Type"),
        ("Resources: {A: {Type: x}}\nOutputs:\n  O: x\n", "a.yaml:3: Outputs/O has no Value"),
        (
            "Resources:\n  Fn::ForEach::L: [a, [b], {}]\n",
            "a.yaml:2: Fn::ForEach::L: loops cannot be planned",
        ),
    ],
)
def test_what_is_no_template_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, fault: str
):
    """Somebody else's file may hold anything."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(TemplateFault) as caught:
        load(write(tmp_path, "a.yaml", text), "a")

    assert fault in str(caught.value)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path):
    """Bytes that are no text are no template."""
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(TemplateFault, match=r"a\.yaml: is not UTF-8"):
        load(tmp_path / "a.yaml", "a")


def test_what_holds_data_is_kept_unless_the_template_says_otherwise(tmp_path: Path):
    """`keep_data` speaks only where the template is silent."""
    text = (
        "Resources:\n  A: {Type: AWS::S3::Bucket}\n"
        "  B: {Type: AWS::S3::Bucket, DeletionPolicy: Delete}\n  C: {Type: AWS::SNS::Topic}\n"
    )
    body = load(write(tmp_path, "a.yaml", text), "a")

    kept = keeping(body).document["Resources"]

    assert ["Retain", "Delete", None] == [kept[key].get("DeletionPolicy") for key in "ABC"]
    assert ["Retain", "Retain", None] == [kept[key].get("UpdateReplacePolicy") for key in "ABC"]
    assert body.source == keeping(body).source


def test_what_a_transform_makes_may_be_iam(tmp_path: Path):
    """SAM makes roles that the template does not show."""
    text = "Transform: AWS::Serverless-2016-10-31\nResources: {F: {Type: AWS::Serverless::Api}}\n"

    body = load(write(tmp_path, "a.yaml", text), "a")

    assert ("CAPABILITY_IAM",) == body.capabilities


def test_the_same_template_is_the_same_text_however_it_was_written(tmp_path: Path) -> None:
    """YAML or JSON, with comments or without; what is no template stays what it is."""
    body = load(write(tmp_path, "one.yaml", YAML), "one")

    assert normal(YAML) == normal(json.dumps(body.document, indent=4)) == body.text
    assert normal("- no\n- template\n") == "- no\n- template\n"
