"""How differences between two bundles read."""

from __future__ import annotations

from tapcfn.bundle import Difference
from tapcfn.model import SourceLine
from tapcfn.report.compared import compared_fields, compared_text

LINE = SourceLine("layers/network.py", 7)
CIDR = Difference(
    "net.json",
    "changed",
    ("Vpc", "Properties", "CidrBlock"),
    "10.0.0.0/16",
    {"Ref": "Block"},
    "AWS::EC2::VPC",
    LINE,
)


def test_differences_stand_under_what_they_are_in() -> None:
    """Sign, path, type and line; both values; what the change does to the resource."""
    differences = [
        CIDR,
        Difference("net.json", "removed", ("Old",), None, None, "AWS::SNS::Topic"),
        Difference("app", "added", ()),
        Difference("web", "added", ("parameters", "Size"), None, "large"),
    ]

    assert """\
net.json
  ~ Vpc.Properties.CidrBlock (AWS::EC2::VPC) — layers/network.py:7
      "10.0.0.0/16" → {"Ref":"Block"}   replaces the resource
  - Old (AWS::SNS::Topic)
app
  + the whole of it
web
  + parameters.Size
      nothing → "large\"""" == compared_text(differences)


def test_a_long_value_is_cut() -> None:
    """The bundles have it whole."""
    text = compared_text([Difference("a", "changed", ("Description",), "x" * 500, "y")])

    assert max(map(len, text.splitlines())) < 100
    assert "…" in text


def test_nothing_is_said_in_words() -> None:
    assert "No differences." == compared_text([])


def test_a_difference_has_fields_for_programs() -> None:
    assert {
        "where": "net.json",
        "kind": "changed",
        "path": ["Vpc", "Properties", "CidrBlock"],
        "resource_type": "AWS::EC2::VPC",
        "before": "10.0.0.0/16",
        "after": {"Ref": "Block"},
        "effect": "replaces the resource",
        "source": "layers/network.py:7",
    } == compared_fields(CIDR)
    assert None is compared_fields(Difference("a", "added", ()))["effect"]
