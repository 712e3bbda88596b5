"""Bundles from the command line: built, verified, compared, deployed without a blueprint."""

from __future__ import annotations

import json
from pathlib import Path

from tapcfn.cli.app import run as run_command
from tests.end_to_end.conftest import Bench, Result

NOWHERE = "no_such_package"


def tapcfn(bench: Bench, *words: str) -> Result:
    """Run a command that has no templates of its own to import."""
    bench.capture()
    code = run_command(NOWHERE, words)
    return Result(code, *bench.capture())


def built(bench: Bench, folder: Path, *more: str) -> Path:
    words = ["bundle", "build", "replicated_storage", "--settings", str(bench.file)]
    assert run_command("templates.blueprints", [*words, "--out", str(folder), *more]) == 0
    return folder


def test_a_bundle_is_deployed_as_it_was_reviewed(bench: Bench, tmp_path: Path) -> None:
    """Without the package that made it: apply, nothing more to do, outputs, destroy."""
    bench.settings()
    folder = built(bench, tmp_path / "bundle", "--commit", "0a1b2c")

    verified = tapcfn(bench, "bundle", "verify", str(folder), "--json").of_type("bundle.verified")
    assert (verified[0]["commit"], verified[0]["stacks"]) == ("0a1b2c", 6)

    applied = tapcfn(bench, "apply", "--from-bundle", str(folder))
    assert applied.code == 0, applied.err
    again = tapcfn(bench, "plan", "--from-bundle", str(folder), "--detailed-exitcode")
    assert again.code == 0
    same = bench.run("plan", "--detailed-exitcode")
    assert (same.code, "Nothing to do" in same.out) == (0, True)
    told = tapcfn(bench, "outputs", "--from-bundle", str(folder))
    assert f"tap-primary-bucket-{bench.account}" in told.out
    assert tapcfn(bench, "destroy", "--from-bundle", str(folder)).code == 0


def test_a_bundle_that_was_changed_is_not_deployed(bench: Bench, tmp_path: Path) -> None:
    """Exit 6 before any call: no stack is there, and none in review."""
    bench.settings()
    folder = built(bench, tmp_path / "bundle")
    network = folder / "network.json"
    network.write_text(network.read_text().replace("10.0.1.0/24", "10.0.7.0/24"))

    refused = tapcfn(bench, "apply", "--from-bundle", str(folder))

    assert refused.code == 6
    assert "network.json is not what the manifest says" in refused.err
    assert bench.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_bundle_is_for_one_blueprint_and_stage(bench: Bench, tmp_path: Path) -> None:
    """Another one by name is a mistake, not a wish."""
    bench.settings()
    folder = built(bench, tmp_path / "bundle")

    other = tapcfn(bench, "plan", "other", "--from-bundle", str(folder))
    stage = tapcfn(bench, "plan", "--stage", "prod", "--from-bundle", str(folder))

    assert (other.code, "is a bundle of replicated_storage, not other" in other.err) == (2, True)
    assert (stage.code, "is a bundle for stage local, not prod" in stage.err) == (2, True)


def test_rendered_templates_do_not_say_where_they_go(bench: Bench, tmp_path: Path) -> None:
    """`render` is for reading; settings say where, and may have the blueprint's own keys too."""
    bench.settings()
    folder = tmp_path / "rendered"
    words = ["render", "replicated_storage", "--settings", str(bench.file), "--out", str(folder)]
    assert run_command("templates.blueprints", words) == 0
    inside = str(folder / "replicated_storage")

    refused = tapcfn(bench, "plan", "--from-bundle", inside)
    helped = tapcfn(bench, "plan", "--from-bundle", inside, "--settings", str(bench.file))

    assert (refused.code, "was only rendered" in refused.err) == (2, True)
    assert helped.code == 0


def test_bundles_are_compared_without_a_cloud(bench: Bench, tmp_path: Path) -> None:
    """The same block of addresses is the same bundle; another is one parameter."""
    bench.settings()
    old, same = built(bench, tmp_path / "old"), built(bench, tmp_path / "same")
    bench.settings(cidr="192.168.1.0/24")
    new = built(bench, tmp_path / "new")

    equal = tapcfn(bench, "bundle", "diff", str(old), str(same), "--detailed-exitcode")
    differ = tapcfn(bench, "bundle", "diff", str(old), str(new), "--detailed-exitcode", "--json")

    assert (equal.code, equal.out) == (0, "No differences.\n")
    assert differ.code == 10
    (line,) = differ.of_type("bundle.diff")
    (difference,) = line["differences"]
    assert difference["path"] == ["parameters", "AllowedCidr"]
    assert (json.dumps(difference["before"]), difference["after"]) == (
        '"10.0.0.0/8"',
        "192.168.1.0/24",
    )
