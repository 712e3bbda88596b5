"""A rollout is tried out on a local cloud of its own, failures included, and nothing is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapcfn.cli.app import run
from tapcfn.local import server
from tests.machine import read_lines

TEMPLATES = "templates.blueprints"
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder; even a stage for AWS is rehearsed without credentials."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    return tmp_path


@pytest.mark.drill
def test_a_rehearsal_says_how_long_and_on_which_path(here: Path, capfd: pytest.CaptureFixture[str]):
    """The stage for AWS is played through; what it told is left here, no ledger and no cloud."""
    words = ["rehearse", "replicated_storage", "--stage", "example", "--speed", "200", "--json"]

    code = run(TEMPLATES, words)

    told = read_lines(capfd.readouterr().out)
    (taught,) = [line for line in told if line["type"] == "rehearsal"]
    assert (0, 0) == (code, told[-1]["exit_code"])
    assert 6 == len(taught["units"])
    assert taught["critical_path"][-1] in {
        "example-replicated-storage-network",
        "example-replicated-storage-storage-us-east-1",
    }
    assert taught["seconds"] == max(unit["end"] for unit in taught["units"]) > 60
    assert None is server.find(here)
    (kept,) = (path for path in here.rglob("*") if path.is_file())
    assert (kept.parent.name, told) == ("told", read_lines(kept.read_text()))


@pytest.mark.drill
def test_a_rehearsed_failure_exits_like_apply(here: Path, capfd: pytest.CaptureFixture[str]):
    """It says which fault fired, what failed and why, what it left, and who was not tried."""
    faults = here / "faults.toml"
    faults.write_text(
        '[[fault]]\ndo = "fail"\nregion = "us-west-2"\ntype = "AWS::S3::Bucket"\n'
        'reason = "no room"\n[[fault]]\ndo = "throttle"\noperation = "ListStacks"\nnth = 1\n'
    )

    words = ["rehearse", "replicated_storage", "--speed", "500", "--faults", str(faults)]

    code = run(TEMPLATES, words)

    out = capfd.readouterr().out
    assert code == 1
    assert (
        "local-replicated-storage-storage-us-west-2 fails: DestinationBucket (AWS::S3::Bucket) "
        "CREATE_FAILED: no room — templates/layers/storage.py:"
    ) in out
    assert "leaves: ROLLBACK_COMPLETE, no resources" in out
    assert "Not tried: local-replicated-storage-storage-us-east-1" in out
    assert "fault fired 1 times: do=throttle" in out


def test_a_wrong_table_of_faults_is_refused(here: Path, capfd: pytest.CaptureFixture[str]):
    """Every fault of the table at once, before anything is started: exit 2."""
    faults = here / "faults.toml"
    faults.write_text('[[fault]]\ndo = "fial"\nregoin = "x"\n')

    code = run(TEMPLATES, ["rehearse", "replicated_storage", "--faults", str(faults)])

    err = capfd.readouterr().err
    assert code == 2
    assert "fial" in err
    assert "regoin" in err


@pytest.mark.drill
def test_a_migration_is_rehearsed_from_the_first_copy_to_the_retired_source(
    here: Path, capfd: pytest.CaptureFixture[str]
):
    """O-10 to O-16: every move with its gates, the path, and for how long nobody writes."""
    words = ["rehearse", "region_migration", "--until", "retire", "--speed", "500", "--json"]

    code = run(TEMPLATES, words)

    told = read_lines(capfd.readouterr().out)
    (taught,) = [line for line in told if line["type"] == "rehearsal"]
    assert (0, []) == (code, taught["not_tried"])
    took = {each["move"]: each["seconds"] for each in taught["moves"]}
    assert ("backfill", "retire") == (next(iter(took)), list(took)[-1])
    assert all(each["passed"] for each in taught["moves"])
    assert took["verify"] >= 1800
    assert took["freeze"] >= 300
    assert "verify: gate replica-keeps-up" in taught["critical_path"]
    assert 300 + took["promote"] + took["password"] <= taught["longest_refusal"]
    assert taught["longest_refusal"] < took["freeze"] + took["promote"] + took["password"] + 120
    assert not taught["refused_at_end"]


@pytest.mark.drill
def test_a_shift_by_dns_is_rehearsed_in_a_zone_that_is_there(
    here: Path, capfd: pytest.CaptureFixture[str]
):
    """O-10, O-11, O-13: the zone of the settings is nowhere else than in AWS."""
    settings = (PROJECT / "templates/settings/serverless_api.example.toml").read_text()
    file = here / "prod.toml"
    text = settings + 'hosted_zone_id = "Z0123456789ABCDEFGHIJ"\ndomain_name = "a.example.com"\n'
    file.write_text(text + 'shift = "staged"\n')
    words = ["rehearse", "serverless_api", "--settings", str(file), "--until", "retire"]

    code = run(TEMPLATES, [*words, "--speed", "500", "--json"])

    told = read_lines(capfd.readouterr().out)
    (taught,) = [line for line in told if line["type"] == "rehearsal"]
    assert (0, [], None) == (code, taught["not_tried"], taught["longest_refusal"])
    took = {each["move"]: each["seconds"] for each in taught["moves"]}
    assert ["sync", "shift-10", "shift-50", "shift-100", "monitor", "close-source", "retire"] == (
        list(took)
    )
    assert all(took[each] >= 600 for each in ("shift-10", "shift-50", "shift-100", "monitor"))


@pytest.mark.drill
def test_a_gate_that_fails_in_a_rehearsal_ends_it(here: Path, capfd: pytest.CaptureFixture[str]):
    """The freeze falls back, so that writes go on; what was not tried is named: exit 1."""
    table = here / "lag.toml"
    table.write_text(
        '[[measure]]\nmetric = "ReplicaLag"\nnamespace = "AWS/RDS"\ncourse = [[0, 2]]\n'
    )
    words = ["rehearse", "region_migration", "--until", "open", "--speed", "500"]

    code = run(TEMPLATES, [*words, "--faults", str(table)])

    out = capfd.readouterr().out
    assert code == 1
    assert "freeze does not pass: gate replica-drained" in out
    assert "freeze, back" in out
    assert "Moves not tried: promote, password, open" in out
    assert "Nobody can write for about" in out
