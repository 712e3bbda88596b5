"""A text as a screen shows it: wrapped between words, and coloured beside its words."""

from __future__ import annotations

import re

import pytest

from tapcfn.report.page import page

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

PLAN = """\
shop · stage prod · account 111111111111 · us-east-1

phase base
  wave 1
    create    network  us-east-1  (no such stack yet)
              + PublicSubnetWithAName  AWS::EC2::SubnetRouteTableAssociation
              - Old  AWS::EC2::Subnet
    update    storage  us-east-1  (the template differs)
              ± Bucket  AWS::S3::Bucket  is replaced
                  BucketName: a → b  (forces replacement)
              error TAP001 Bucket: its data would be lost

Stacks: 1 to create, 1 to update. Resources: 1 to add, 1 to remove, 1 to replace."""


@pytest.mark.parametrize("width", [60, 80, 120, 160, 200])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    """And no word is lost, nor cut in two."""
    shown = page(PLAN, width, color=False)

    assert all(len(line) <= width for line in shown.splitlines())
    assert PLAN.split() == shown.split()


def test_the_rest_of_a_line_stands_further_in() -> None:
    """So that the eye finds where the next one begins."""
    shown = page("              + Subnet  AWS::EC2::SubnetRouteTableAssociation", 50, color=False)

    assert [
        "              + Subnet",
        "                  AWS::EC2::SubnetRouteTableAssociation",
    ] == shown.splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "    needs: --empty-buckets a-bucket-with-a-name --allow-loss storage/Bucket:delete",
        " " * 50 + "a text that has no room at all where it stands",
        "arn:aws:cloudformation:us-east-1:111111111111:stack/network/0123456789abcdef",
    ],
)
def test_what_is_copied_or_has_no_room_is_left_to_the_screen(line: str) -> None:
    """Options of a command, and words that are longer than any line."""
    assert line == page(line, 60, color=False)


def test_colours_only_repeat_what_signs_and_words_say() -> None:
    """Without them every letter is the same, so nobody needs them."""
    shown = page(PLAN, 80, color=True)

    assert page(PLAN, 80, color=False) == ESCAPE.sub("", shown)
    assert "\x1b" not in page(PLAN, 80, color=False)


@pytest.mark.parametrize(
    ("words", "style"),
    [
        ("              + PublicSubnetWithAName", "32"),
        ("              - Old", "31"),
        ("              ± Bucket", "1;31"),
        ("is replaced", "1;31"),
        ("(forces replacement)", "1;31"),
    ],
)
def test_what_is_lost_is_red_and_what_is_new_green(words: str, style: str) -> None:
    """A replacement stands out."""
    assert f"\x1b[{style}m{words}\x1b[0m" in page(PLAN, 80, color=True)
