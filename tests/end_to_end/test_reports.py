"""Files for CI servers, written however a run ends; and what GitHub Actions is told. (5.4)"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tapcfn.cli.app import run
from tapcfn.cli.console import Console
from tapcfn.cli.reports import Reports
from tapcfn.events import StackEnded, Summarised
from tapcfn.local import record
from tapcfn.model import Ending
from tapcfn.report.markdown import markdown
from tests.end_to_end.conftest import Bench, Result
from tests.fakes import HOME
from tests.machine import read_lines

EXAMPLE = Path(__file__).parents[2] / "examples" / "plain"
NETWORK = "plain-network-us-east-1"


TOLD = Path(".tapcfn", "told")


def kept() -> str:
    """Return what the last run has told, as it is kept."""
    return max(TOLD.iterdir(), key=lambda path: path.stat().st_mtime_ns).read_text()


@dataclass(frozen=True)
class Shop:
    """A copy of the example, for an account of its own, and a folder for files."""

    bench: Bench
    folder: Path
    files: Path

    def run(self, command: str, *words: str) -> Result:
        self.bench.capture()
        code = run("there.are.none", [command, str(self.folder), *words])
        return Result(code, *self.bench.capture())

    def wanted(self, *kinds: str) -> list[str]:
        return [word for kind in kinds for word in (f"--{kind}", str(self.files / kind))]

    def cases(self) -> dict[tuple[str, str], str]:
        """Return what the JUnit file says of each case: passed, or the element in it."""
        root = ElementTree.parse(self.files / "junit").getroot()
        return {
            (str(suite.get("name")), str(case.get("name"))): next(
                (element.tag for element in case), "passed"
            )
            for suite in root
            for case in suite
        }

    @contextmanager
    def broken(self, logical_id: str) -> Iterator[None]:
        fault = f'do = "fail"\naccount = "{self.bench.account}"\nlogical_id = "{logical_id}"'
        table = f'[[fault]]\n{fault}\nduring = "create"\nreason = "no more of these"'
        record.ask(self.bench.url, "/_tapcfn/faults", {"table": table})
        yield
        record.ask(self.bench.url, "/_tapcfn/faults", {"table": ""})


@pytest.fixture
def shop(bench: Bench, tmp_path: Path) -> Shop:
    folder = tmp_path / "plain"
    shutil.copytree(EXAMPLE, folder)
    file = folder / "tapcfn.toml"
    file.write_text(f'account = "{bench.account}"\n' + file.read_text())
    files = tmp_path / "files"
    files.mkdir()
    return Shop(bench, folder, files)


def test_a_run_that_fails_leaves_every_file_and_the_next_one_replaces_them(shop: Shop):
    """Cause, how to go on, the outputs of what is there; then the same of a run that went well."""
    words = shop.wanted("junit", "sarif", "markdown", "outputs-file", "html")
    with shop.broken("Data"):
        failed = shop.run("apply", *words)

    assert failed.code == 1
    lines = read_lines(kept())
    assert list(range(len(lines))) == [line["seq"] for line in lines]
    assert ("run.start", "summary") == (lines[0]["type"], lines[-1]["type"])
    assert {"plan.unit", "plan.change", "op.start", "stack.event", "op.end"} < {
        line["type"] for line in lines
    }, "without --json too"
    assert ("passed", "failure") == tuple(
        shop.cases()["all", name] for name in (NETWORK, "plain-storage")
    )
    page = (shop.files / "html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.index("Failed</h1>") < page.index("CREATE_FAILED: no more of these")
    assert "Exit code</dt><dd>1 (failed)" in page
    text = (shop.files / "markdown").read_text()
    assert "Data (AWS::S3::Bucket) CREATE_FAILED: no more of these" in text
    assert "tapcfn apply: failed (exit code 1)" in text
    assert "+ Data  AWS::S3::Bucket" in text
    assert " apply " in text.rpartition("To go on")[2]
    outputs = json.loads((shop.files / "outputs-file").read_text())
    assert {NETWORK, "plain-network-eu-west-1"} == set(outputs)
    assert outputs[NETWORK][shop.bench.account]["us-east-1"]["VpcId"].startswith("vpc-")
    assert "2.1.0" == json.loads((shop.files / "sarif").read_text())["version"]

    mended = shop.run("apply", *words, "--json")

    assert (0, 1) == (mended.code, len(mended.of_type("outputs")))
    assert mended.out == kept()
    assert {"passed"} == set(shop.cases().values())
    assert "plain-storage" in json.loads((shop.files / "outputs-file").read_text())
    page = (shop.files / "html").read_text()
    assert "Done</h1>" in page
    assert shop.bench.account in page
    assert ["html", "junit", "markdown", "outputs-file", "sarif"] == sorted(
        each.name for each in shop.files.iterdir()
    )

    looked = shop.run("drift", *shop.wanted("junit"))
    assert (0, "passed") == (looked.code, shop.cases()["drift", NETWORK])

    gone = shop.run("destroy", *shop.wanted("junit"))
    assert (gone.code, shop.cases()["all", NETWORK]) == (0, "passed"), gone.err


def test_a_deployment_goes_on_where_nothing_can_be_kept(shop: Shop) -> None:
    """Whoever wants a report later is told that there will be none."""
    TOLD.mkdir(exist_ok=True)
    TOLD.rename(aside := TOLD.with_name("aside"))
    TOLD.write_text("a file")
    try:
        applied = shop.run("apply")
    finally:
        TOLD.unlink()
        aside.rename(TOLD)

    assert (0, 1) == (applied.code, applied.err.count("no report can be made of this run later"))


def test_github_is_told_once_and_on_its_own_stream(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Groups for phases, errors with lines, a summary, and answers for later steps."""
    summary, answers = tmp_path / "summary", tmp_path / "answers"
    summary.write_text("from the step before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(answers))

    planned = shop.run("plan")
    assert (0, True) == (planned.code, "changed=true\n" in answers.read_text())
    assert summary.read_text().startswith("from the step before\n### tapcfn plan: done")

    with shop.broken("Data"):
        failed = shop.run("apply", "--json")

    assert failed.code == 1
    assert "summary" == read_lines(failed.out)[-1]["type"]
    said = failed.err.splitlines()
    assert ["::group::phase all", "::endgroup::"] == said[:2]
    (error,) = (each for each in said if each.startswith("::error "))
    assert error.startswith("::error ")
    assert "title=plain-storage::" in error
    assert "no more of these" in error
    told = dict(line.split("=", 1) for line in answers.read_text().splitlines())
    assert ("1", "true") == (told["exit_code"], told["changed"])
    assert read_lines(failed.out)[0]["plan_digest"] == told["plan_digest"]
    assert len(json.loads(told["operation_ids"])) >= 2
    assert "### tapcfn apply: failed" in summary.read_text()


def test_without_json_the_errors_are_among_what_the_step_prints(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    code = run("there.are.none", ["plan", "no/such"])

    out, _ = bench.capture()
    assert (2, 1) == (code, out.count("::error title=")), out


@pytest.mark.parametrize(
    ("option", "file", "why"),
    [
        ("--junit", "gone/file", "there is no folder"),
        ("--sarif", ".", "is a folder"),
        ("--markdown", "note/file", "there is no folder"),
        ("--outputs-file", "gone/file", "there is no folder"),
    ],
)
def test_a_file_that_cannot_be_written_stops_the_run_before_it_begins(
    shop: Shop, option: str, file: str, why: str
):
    """Exit 2 with the option's name, and nothing is deployed."""
    (shop.files / "note").write_text("a file")

    refused = shop.run("apply", option, str(shop.files / file))

    assert (2, True) == (refused.code, f"'{option}'" in refused.err and why in refused.err)
    assert [] == shop.bench.client("cloudformation").list_stacks()["StackSummaries"]


def test_two_options_do_not_share_a_file(shop: Shop):
    file = str(shop.files / "both")

    refused = shop.run("apply", "--junit", file, "--sarif", file)

    assert (2, True) == (refused.code, "is where --junit goes" in refused.err)


def test_a_file_that_cannot_be_written_in_the_end_fails_the_run(shop: Shop):
    """It was asked for: whoever reads an old one would take it for this run's."""
    # A name that is as long as the file system takes leaves no room for that of the half.
    file = shop.files / ("n" * 250)

    failed = shop.run("plan", "--sarif", str(file))

    assert (1, True) == (failed.code, "error: --sarif " in failed.err), failed.err


def test_no_report_holds_a_secret() -> None:
    """What files are written from is heard after the masking."""
    console, reports = Console("run-1", json=False, color=False), Reports()
    console.secrets = frozenset({"hunter2"})
    reports.listen(console)
    console.notify(StackEnded("a", HOME, Ending.FAILED, "the password hunter2 is too short"))

    text = markdown(reports.of(Summarised("failed", 1)))

    assert ("hunter2" in text, "the password *** is too short" in text) == (False, True)
