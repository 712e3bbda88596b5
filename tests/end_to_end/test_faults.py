"""Every fault of CloudFormation's that has a table, against the deployer itself.

Each row runs one command under its table and the same again without. Asserted: operations start
once, the exit code, the summary as the last line, and that the second run ends with 0.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tapcfn.cli.app import run as run_command
from tapcfn.local import server
from tests.end_to_end.conftest import Bench, Result

TABLES = Path(__file__).parents[1] / "local" / "faults" / "tables"

SETTINGS = """\
backend = "local"
account = "{account}"
stage = "fault"
termination_protection = false

[stacks.shop]
template = "shop.json"
region = "us-east-1"

[stacks.till]
template = "till.json"
region = "us-west-2"

[stacks.till.parameters]
Shop = {{ output = "Arn", of = "shop" }}
"""


@dataclass(frozen=True)
class Row:
    """What is done under a table, how it ends, and how often a stack may begin an operation.

    `tells` is what has to stand in its answer.
    """

    table: str
    story: str = "create"
    code: int = 0
    starts: int = 1
    options: tuple[str, ...] = ()
    tells: str = ""


# The most telling ones, in every run of the suite.
SLICE = (
    Row("x01"),
    Row("x02"),
    Row("x02_before"),
    Row("x04", "destroy"),
    Row("x06", code=7, options=("--timeout", "2s")),
    Row("x13", code=1),
    Row("x20"),
    Row("x31", "update", code=1, starts=2),
)

# The others, where there is time.
SWEEP = (
    Row("x01", "update"),
    Row("x01_before"),
    Row("x02", "update"),
    Row("x02_before", "update"),
    Row("x04_before", "destroy"),
    Row("x05", code=1),
    Row("x06", "update"),
    Row("x09"),
    Row("x09", "update"),
    Row("x10"),
    Row("x12"),
    Row("x16", code=7, options=("--timeout", "2s")),
    Row("x11", code=7, tells="The security token included in the request is expired"),
    Row("x11", "update", code=7),
    Row("x17", "update", code=6, tells="somebody else has changed it"),
    Row("x18", "update", code=6),
    Row("x19"),
    Row("x19", "update"),
    Row("x20", "update"),
    Row("x21"),
    Row("x21", "update"),
    Row("x21", "destroy"),
    Row("x22", "update"),
    Row("x23", code=1, tells="this machine's clock differs from AWS's"),
    Row("x24", code=7, options=("--timeout", "2s")),
    Row("x25", code=1, starts=3),
    Row("x29", code=1),
    Row("x30"),
    Row("x31", "create"),
    Row("x32", code=1, starts=3),
    Row("x33", "update", code=4, tells="the stack policy denies Update:Modify"),
    Row("x33", "destroy", code=4, tells="its TerminationProtection refuses the deletion"),
    Row("x34", "big", code=1),
    Row("x35", code=7, options=("--timeout", "2s")),
    Row("x37", "update", code=1, tells="UPDATE_PONDERED"),
)


def name_of(row: Row) -> str:
    return f"{row.table}-{row.story}"


class Shop:
    """Two stacks in two Regions, one of which needs the other."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench, self.folder = bench, folder
        (folder / "tapcfn.toml").write_text(SETTINGS.format(account=bench.account))

    def wants(self, version: str, *, size: int = 0) -> None:
        """Write the templates down anew."""
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": version}}
        shop = {"Resources": {"Topic": topic}, "Outputs": {"Arn": {"Value": {"Ref": "Topic"}}}}
        till = {
            "Parameters": {"Shop": {"Type": "String"}},
            "Resources": {"Topic": topic, "Queue": {"Type": "AWS::SQS::Queue"}},
        }
        for name, body in (("shop", shop), ("till", till)):
            padded = {"Metadata": {"Padding": "x" * size}, **body}
            (self.folder / f"{name}.json").write_text(json.dumps(padded))

    def run(self, *words: str) -> Result:
        """Run a command on the folder; its last line is the summary, whatever happened."""
        self.bench.capture()
        code = run_command("templates.blueprints", [*words, "--json"])
        result = Result(code, *self.bench.capture())
        assert ("summary", code) == (result.lines[-1]["type"], result.lines[-1]["exit_code"])
        return result

    def lift_protection(self) -> bool:
        """Do what only a person may; whether there was protection to lift."""
        client = self.bench.client("cloudformation", "us-east-1")
        (stack,) = client.describe_stacks(StackName="shop")["Stacks"]
        policy = client.get_stack_policy(StackName="shop").get("StackPolicyBody", "")
        client.update_termination_protection(StackName="shop", EnableTerminationProtection=False)
        if policy:
            client.set_stack_policy(
                StackName="shop", StackPolicyBody=policy.replace("Deny", "Allow")
            )
        return stack["EnableTerminationProtection"] or "Deny" in policy

    def starts(self) -> Counter[tuple[str, str]]:
        """Return how many operations of each kind each stack has begun, deleted or not."""
        begun: Counter[tuple[str, str]] = Counter()
        for region in ("us-east-1", "us-west-2"):
            client = self.bench.client("cloudformation", region)
            for stack in client.list_stacks()["StackSummaries"]:
                events = client.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
                own = [each for each in events if each["PhysicalResourceId"] == stack["StackId"]]
                kinds = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"}
                for event in own:
                    status = event["ResourceStatus"]
                    if status in kinds and event.get("ClientRequestToken"):
                        begun[stack["StackName"], status] += 1
        return begun


@pytest.fixture
def shop(bench: Bench, tmp_path: Path) -> Iterator[Shop]:
    """A folder of templates, and no faults afterwards."""
    folder = tmp_path / "shop"
    folder.mkdir()
    yield Shop(bench, folder)
    server.inject(bench.root, "")


@pytest.mark.parametrize("row", SLICE, ids=name_of)
def test_a_fault_is_survived(row: Row, shop: Shop) -> None:
    """The rows that say most."""
    _survives(row, shop)


@pytest.mark.drill
@pytest.mark.parametrize("row", SWEEP, ids=name_of)
def test_every_other_fault_is_survived(row: Row, shop: Shop) -> None:
    """All rows that CloudFormation's stacks have."""
    _survives(row, shop)


def test_credentials_that_have_expired_beforehand_are_told_before_any_write(shop: Shop) -> None:
    """Nothing runs, so there is nothing to resume: exit 4, with the service's word for why."""
    shop.wants("first")
    server.inject(shop.bench.root, '[[fault]]\ndo = "expire_token"')

    result = shop.run("apply", str(shop.folder), "--yes")
    server.inject(shop.bench.root, "")

    assert (4, None) == (result.code, result.lines[-1]["resume"])
    assert "preflight: credentials" in result.out
    assert "The security token included in the request is expired" in result.out
    assert not shop.starts()


def test_no_row_is_forgotten() -> None:
    """What is not here belongs to stack sets, other accounts, or to a kill of its own."""
    elsewhere = {"x03", "x03_before", "x07", "x14", "x15", "x26", "x36"}
    here = {row.table for row in (*SLICE, *SWEEP)}

    assert {path.stem for path in TABLES.glob("*.toml")} == here | elsewhere


def _survives(row: Row, shop: Shop) -> None:
    command = "destroy" if row.story == "destroy" else "apply"
    words = (command, str(shop.folder), "--yes")
    size = 60_000 if row.story == "big" else 0
    shop.wants("first", size=size)
    if row.story in {"update", "destroy"}:
        assert 0 == shop.run("apply", str(shop.folder), "--yes").code
        shop.wants("second")

    server.inject(shop.bench.root, (TABLES / f"{row.table}.toml").read_text())
    result = shop.run(*words, *row.options)
    server.inject(shop.bench.root, "")

    assert row.code == result.code, result.out
    assert row.tells in result.out
    if row.table == "x33":
        assert shop.lift_protection(), "we have lifted it"
    again = shop.run(*_next(result, words))
    assert 0 == again.code, again.out
    assert 0 == shop.run("plan", str(shop.folder), "--detailed-exitcode").code or (
        row.story == "destroy"
    )
    starts = shop.starts()
    assert max(starts.values()) <= row.starts, starts


def _next(result: Result, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command line after this one: what the summary says goes on, where it is exact."""
    said = (result.lines[-1]["resume"] or "").partition(" resume ")[2]
    return ("resume", said) if said else words
