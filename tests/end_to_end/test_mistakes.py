"""The mistakes that people make: each is told in one go, with what would be right, and exit 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tapcfn.cli.app import run
from tapcfn.local import server
from tests.machine import read_lines

PROJECT = Path(__file__).parents[2]

AWS = 'backend = "aws"\nallowed_cidr = "203.0.113.0/24"\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, where nothing runs yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        ('backend = "local"\n', ["allowed_cidr: missing; allowed: an IPv4 CIDR block"]),
        (
            'backend = "local"\nallowed_cdir = "10.0.0.0/8"\n',
            ['allowed_cdir: unknown key; did you mean "allowed_cidr"?', "allowed_cidr: missing"],
        ),
        (
            'backend = "local"\nallowed_cidr = "10.0.0.1/8"\nreplication_region = "us-east-1"\n',
            ['allowed_cidr = "10.0.0.1/8": ', 'replication_region = "us-east-1": '],
        ),
        (AWS + 'account = "123"\n', ['account = "123": is no account id; allowed: ']),
        (AWS, ['account: missing, and backend is "aws"; allowed: ']),
        ('backend = "lokal"\n', ['backend = "lokal": ', 'allowed: "local"']),
        ("backend = \n", ["is not TOML: "]),
        ("backend = local\n", ["is not TOML: ", "; a text stands in quotes"]),
    ],
)
def test_every_fault_of_the_settings_is_told_at_once(
    here: Path, capfd: pytest.CaptureFixture[str], settings: str, faults: list[str]
):
    """Each fault names the key, the value and what is allowed; no cloud is started for it."""
    file = here / "mine.toml"
    file.write_text(settings)

    code = run("templates.blueprints", ["apply", "replicated_storage", "--settings", str(file)])

    err = capfd.readouterr().err
    assert code == 2
    assert all(fault in err for fault in faults), err
    assert str(file) in err
    assert server.find(here) is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["plan", "replicated_storag"], "did you mean replicated_storage?"),
        (["plan", "replicated_storage", "--stage", "prod"], 'stage "prod" has no settings: '),
        (["plan", "replicated_storage", "--settings", "gone.toml"], "gone.toml:"),
        (["plan"], "Missing argument 'BLUEPRINT' (there are: baseline, "),
        (["plan", "--nonsense"], "deploy.py plan --help"),
        (["plan", "replicated_storage", "--stage", "loca"], "; did you mean local? (there are: "),
        (["plan", "replicated_storage", "--phase", "provison"], "; did you mean provision? ("),
        (["plan", "replicated_storage", "--until", "provison"], "; did you mean provision? ("),
        (
            ["plan", "replicated_storage", "--only", "network"],
            "; did you mean local-replicated-storage-network? (",
        ),
        (
            ["act", "serverless_api", "--name", "remove-canary-us-east"],
            "; did you mean remove-canar",
        ),
        (
            ["stackset", "simulate", "baseline", "--set", "account"],
            "; did you mean local-baseline-acc",
        ),
        (["apply", "--from-bundle", "."], "is no bundle: it has no manifest.json; `bundle build`"),
        (["plan", "./shop"], "shop: does not exist; a tapcfn.toml there names the stacks of"),
        (["apply"], "which blueprint?"),
        (["aply"], "No such command 'aply'"),
        (["plan", "replicated_storage", "--timeout", "soon"], '"soon" is no duration; allowed: '),
        (["render", "--stage", "local"], "--out is missing"),
        (["check", "--stage", "prod"], 'no blueprint has a stage "prod"'),
        (
            ["apply", "--plan", "gone.json"],
            "gone.json: does not exist; `plan --out FILE` writes one",
        ),
        (["events", "replicated_storage", "--stack", "x"], "--stack x: no such stack"),
        (["plan", "replicated_storage", "--stage", "a_b"], 'stage "a_b": names of stacks start'),
        (["schema", "nothing"], 'blueprint "nothing" does not exist'),
    ],
)
def test_a_wrong_command_line_says_what_would_be_right(
    here: Path, capfd: pytest.CaptureFixture[str], words: list[str], told: str
):
    """Exit 2, and one clear line."""
    code = run("templates.blueprints", words)

    err = capfd.readouterr().err
    assert code == 2, err
    assert told in err
    assert "Traceback" not in err


def test_even_a_wrong_command_line_ends_with_a_summary(
    here: Path, capfd: pytest.CaptureFixture[str]
):
    """A program that reads the stream is always told how it ended."""
    code = run("templates.blueprints", ["plan", "--json", "--nonsense"])

    lines = read_lines(capfd.readouterr().out)
    assert (2, ["diagnostic", "summary"]) == (code, [line["type"] for line in lines])
    assert ("usage", 2) == (lines[-1]["status"], lines[-1]["exit_code"])


def test_a_mistyped_folder_is_recognised(here: Path, capfd: pytest.CaptureFixture[str]):
    """By those that lie beside it; where there are no blueprints, they are what there is."""
    (here / "shop").mkdir()
    (here / "shop" / "tapcfn.toml").touch()

    codes = [run("nothing.here", ["plan", name]) for name in ("./shpo", "shpo")]

    err = capfd.readouterr().err
    assert [2, 2] == codes
    assert "shpo: does not exist; did you mean shop?" in err
    assert "or name a folder that has a tapcfn.toml: shop" in err


def test_a_tab_in_a_template_is_named(here: Path, capfd: pytest.CaptureFixture[str]):
    """YAML's own words for it help nobody."""
    (here / "tapcfn.toml").write_text(
        'backend = "local"\n[stacks.a]\ntemplate = "a.yaml"\nregion = "us-east-1"\n'
    )
    (here / "a.yaml").write_text("Resources:\n\tA: {}\n")

    assert 2 == run("nothing.here", ["plan", "."])

    assert "a.yaml:2: " in (err := capfd.readouterr().err)
    assert "; YAML is indented by spaces, and this line by a tab" in err


def test_a_profile_that_there_is_not_is_refused_before_anything(
    here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Like credentials that are not there: exit 4, and where to look."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(here / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(here / "none"))
    monkeypatch.setenv("AWS_PROFILE", "deplyo")
    file = here / "mine.toml"
    file.write_text(AWS + 'account = "111122223333"\naccounts = ["111122223333"]\n')

    code = run("templates.blueprints", ["plan", "replicated_storage", "--settings", str(file)])

    err = capfd.readouterr().err
    assert 4 == code, err
    assert "profile (deplyo) could not be found; `aws configure list-profiles`" in err


def test_a_stage_whose_account_is_not_allowed_is_refused(
    here: Path, capfd: pytest.CaptureFixture[str]
):
    """The allow-list is asked before anything else, credentials included: exit 4."""
    file = here / "mine.toml"
    file.write_text(AWS + 'account = "111122223333"\naccounts = ["444455556666"]\n')

    code = run("templates.blueprints", ["apply", "replicated_storage", "--settings", str(file)])

    err = capfd.readouterr().err
    assert code == 4
    assert "account 111122223333 is not in the settings' accounts (444455556666)" in err


def test_a_folder_without_templates_says_so(tmp_path: Path):
    """The installed command, run in the wrong place, says where it wants to be run."""
    done = subprocess.run(
        [sys.executable, "-c", "from tapcfn.cli import main; main()", "status"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(_only_tapcfn(tmp_path))},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 2, done.stderr
    assert "there is no package templates.blueprints here" in done.stderr


def _only_tapcfn(folder: Path) -> Path:
    """Return a path that has tapcfn on it and templates not."""
    place = folder / "site"
    place.mkdir()
    (place / "tapcfn").symlink_to(PROJECT / "tapcfn")
    return place


def test_help_and_version_import_nothing_heavy():
    """boto3, troposphere, cfn-lint, pydantic and rich stay out of `--help` and `--version`."""
    code = (
        "import sys\n"
        "from tapcfn.cli.app import run\n"
        "run('templates.blueprints', [sys.argv[1]])\n"
        "heavy = {'boto3', 'botocore', 'troposphere', 'cfnlint', 'pydantic', 'rich', 'ministack'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    for word in ("--help", "--version"):
        done = subprocess.run(
            [sys.executable, "-c", code, word],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_a_terminal_cannot_say_is_replaced(encoding: str):
    """The rest of the page is still there."""
    done = subprocess.run(
        [sys.executable, "deploy.py", "--help"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
    )
    wrong = subprocess.run(
        [sys.executable, "deploy.py", "plan", "é → ü"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
    )

    assert (0, 2) == (done.returncode, wrong.returncode)
    assert b"does not exist" in wrong.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "there is no package theirs.blueprints here, but theirs"),
        ("", "theirs.blueprints has no BLUEPRINTS: a mapping such as"),
        ("BLUEPRINTS = ['a']", "theirs.blueprints has no BLUEPRINTS: a mapping such as"),
        ("import no_such_module", "No module named 'no_such_module'"),
    ],
)
def test_a_package_without_blueprints_says_what_belongs_there(
    here: Path, text: str | None, told: str
):
    """A fault of somebody's own code is told as that."""
    (here / "theirs").mkdir()
    (here / "theirs" / "__init__.py").touch()
    if text is not None:
        (here / "theirs" / "blueprints.py").write_text(text)

    done = subprocess.run(
        [sys.executable, "-c", "from tapcfn.cli import main; main('theirs.blueprints')", "check"],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert told in done.stderr
    assert "Traceback" not in done.stderr
