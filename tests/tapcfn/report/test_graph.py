"""The picture of a rollout, in both languages."""

from __future__ import annotations

from tapcfn.model import OutputOf, Rollout
from tapcfn.report.graph import dot, draw, mermaid
from tests.fakes import AWAY, HOME, a_rollout, a_stack, a_template


def a_system() -> Rollout:
    key = a_stack("key", template=a_template("key", resources={"Key": "AWS::KMS::Key"}))
    data = a_stack(
        "data",
        target=AWAY,
        template=a_template(
            'da"ta',
            resources={
                "A": "AWS::S3::Bucket",
                "B": "AWS::S3::Bucket",
                "Policy": "AWS::S3::BucketPolicy",
            },
        ),
        parameters={"KeyArn": OutputOf("key", "Arn"), "Other": OutputOf("key", "Id")},
    )
    return a_rollout(phases={"first": [key], "then": [data]})


def test_mermaid_has_phases_places_boxes_and_arrows() -> None:
    """Equal types are counted, glue is one line, quotes are escaped, two values are one arrow."""
    assert (
        mermaid(draw(a_system()))
        == f"""\
flowchart LR
  subgraph p0["1. first"]
    subgraph p0r0["{HOME.region}"]
      s0["<b>key</b><br/>KMS Key"]
    end
  end
  subgraph p1["2. then"]
    subgraph p1r0["{AWAY.region}"]
      s1["<b>da&quot;ta</b><br/>2 × S3 Bucket<br/>and 1 more"]
    end
  end
  s0 --> s1
"""
    )


def test_dot_says_the_same() -> None:
    """One cluster for each phase and place."""
    text = dot(draw(a_system()))

    assert text.startswith('digraph "blue, stage test" {\n')
    assert '    label="2. then"; style="rounded,dashed"' in text
    assert f'      label="{AWAY.region}"; style="rounded,filled"' in text
    assert '      s1 [label="da\\"ta\\l\\l2 × S3 Bucket\\land 1 more\\l"];' in text
    assert text.endswith("  s0 -> s1;\n}\n")


def test_accounts_are_named_where_there_are_several() -> None:
    """In one account they would only be noise."""
    one = a_rollout(a_stack("a"), a_stack("b", target=AWAY))
    places = {place for phase in draw(one).phases.values() for place in phase}
    other = a_rollout(a_stack("a"), a_stack("b", target=type(AWAY)("999999999999", AWAY.region)))
    more = {place for phase in draw(other).phases.values() for place in phase}

    assert places == {HOME.region, AWAY.region}
    assert more == {str(HOME), f"999999999999/{AWAY.region}"}
