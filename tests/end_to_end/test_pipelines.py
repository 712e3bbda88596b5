"""A pull request of somebody's own repository: planned by the scripts that were written into it."""

from __future__ import annotations

import shutil
from pathlib import Path

from tapcfn.cli.app import run
from tests.end_to_end.conftest import Bench
from tests.forge import REPOSITORY, Forge

EXAMPLE = Path(__file__).parents[2] / "examples" / "plain"


def test_a_pull_request_gets_its_plan_as_a_comment(bench: Bench, tmp_path: Path):
    """W-3: real change sets, which are gone when the comment is there. The drill goes on."""
    checkout = tmp_path / "checkout"
    shutil.copytree(EXAMPLE, checkout / "shop")
    file = checkout / "shop" / "tapcfn.toml"
    file.write_text(f'account = "{bench.account}"\n' + file.read_text())
    (checkout / ".tapcfn").mkdir()
    (checkout / ".tapcfn" / "local").symlink_to(bench.root / ".tapcfn" / "local")
    words = [str(checkout / "shop"), "--repository", REPOSITORY, "--folder", str(checkout)]
    assert run("there.are.none", ["pipeline", "init", *words]) == 0
    forge = Forge(tmp_path / "forge", {"TAPCFN_BLUEPRINT": "shop"})

    planned = forge.step(checkout, "pull-request.sh")
    (checkout / "delivery").rename(checkout / "comments")
    told = forge.step(checkout, "comment.sh", PULL_REQUEST="7")

    assert (planned.code, told.code) == (0, 0), planned.said + told.said
    (comment,) = forge.comments
    assert comment.startswith("<!-- tapcfn shop -->\n\n## shop\n")
    assert "**Stacks: 2 to create, 1 to be asked about once others are deployed. " in comment
    assert "+ Vpc  AWS::EC2::VPC" in comment
    assert "### tapcfn plan: " in planned.summary
    assert bench.client("cloudformation").describe_stacks()["Stacks"] == []
