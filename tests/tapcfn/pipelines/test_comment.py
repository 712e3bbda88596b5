"""What a pull request is told stays below the limit, and stays Markdown where it is cut."""

from __future__ import annotations

from tapcfn.pipelines import comment
from tapcfn.pipelines.comment import LONGEST

PLAN = (
    "### tapcfn plan: done\n\n<details><summary>Changes</summary>\n\n```text\n{}\n```\n\n</details>"
)


def test_the_first_line_is_what_a_comment_is_found_by() -> None:
    """It is not seen, and nothing in it ends it."""
    text = comment("A system", plan="### a plan", marker="tapcfn shop --> prod\nx")

    assert text.startswith("<!-- tapcfn shop prod x -->\n\n## A system\n\n### a plan")


def test_plan_difference_and_link_stand_in_one_comment() -> None:
    text = comment("A system", plan=PLAN.format("+ Bucket"), diff="a\n```\nb\n", link="https://x/1")

    assert "+ Bucket" in text
    assert "````text\na\n```\nb\n````" in text
    assert text.endswith("[The whole run](https://x/1)\n")


def test_a_plan_that_was_not_made_is_told() -> None:
    """A comment of an earlier push would be taken for this one's."""
    assert "There is no plan" in comment("A system", marker="tapcfn shop")
    assert "There is no plan" not in comment("Templates", diff="a")


def test_a_comment_is_never_too_long_and_never_left_open() -> None:
    """GitHub refuses it, or shows all that comes after as code."""
    long = PLAN.format("\n".join(f"+ Resource{n}  AWS::S3::Bucket" for n in range(5_000)))
    difference = "\n".join(f"~ Resource{n}" for n in range(5_000))

    text = comment("A system", plan=long, diff=difference, link="https://x", marker="m")

    assert 50_000 < len(text) < LONGEST
    assert text.count("```") % 2 == 0
    assert text.count("<details>") == text.count("</details>") == 2
    assert text.count("… cut: ") == 2
