"""A folder with one stack set, the accounts that it is for, and what can be counted afterwards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tapcfn.cli.app import run as run_command
from tapcfn.local import server
from tests.end_to_end.conftest import Bench, Result
from tests.local.stack_sets.fleet import (
    Door,
    Fleet,
    make_administration_role,
    make_execution_role,
)

NAME = "base"
REGIONS = ("us-east-1", "eu-west-1")
TABLES = Path(__file__).parents[1] / "local" / "faults" / "tables" / "sets"

SETTINGS = """\
backend = "{backend}"
accounts = {allowed}
account = "{home}"
region = "us-east-1"

[stack_sets.base]
template = "base.json"
permission = "{permission}"
{own}
[stack_sets.base.targets]
{targets}
regions = {regions}
{more}
"""

TOPIC = {"Type": "AWS::SNS::Topic"}
BUCKET = {"Type": "AWS::S3::Bucket"}
ALL_AT_ONCE = """
[stack_sets.base.preferences]
regions = "parallel"
concurrent_percent = 100
mode = "soft"
"""


@dataclass
class SetFolder:
    """Settings and template of a stack set for two accounts in two Regions."""

    bench: Bench
    folder: Path
    accounts: tuple[str, ...] = ()
    unit: str = ""
    regions: tuple[str, ...] = REGIONS
    document: dict[str, Any] = field(default_factory=dict)
    suspended: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """Whether the set has roles of its own, and not an organization."""
        return not self.unit

    def wants(
        self,
        version: Any,
        *,
        size: int = 0,
        parameters: Mapping[str, Any] = MappingProxyType({}),
        **resources: Any,
    ) -> None:
        """Write the template down anew: a topic, and whatever else there is to be."""
        topic = TOPIC | {"Properties": {"DisplayName": version}}
        size_of = {"Size": {"Type": "String", "Default": "small"}}
        self.document = {
            "Parameters": size_of | parameters,
            "Resources": {"Topic": topic, **resources},
        }
        if size:
            self.document["Metadata"] = {"Padding": "x" * size}
        (self.folder / "base.json").write_text(json.dumps(self.document))

    def settings(self, more: str = "", *, own: str = "", backend: str = "local") -> None:
        """Write the settings down anew; `more` follows the targets, `own` stands in the set."""
        named = f"accounts = {json.dumps(self.accounts)}"
        if self.unit:
            named = f'organizational_units = ["{self.unit}"]'
        text = SETTINGS.format(
            home=self.bench.account,
            permission="self-managed" if self.own else "service-managed",
            own=own,
            targets=named,
            backend=backend,
            allowed=json.dumps([self.bench.account, *self.accounts]),
            regions=json.dumps(self.regions),
            more=more,
        )
        (self.folder / "tapcfn.toml").write_text(text)

    # Commands -----------------------------------------------------------------------------------

    def run(self, *words: str) -> Result:
        """Run a command; its last line is the summary with its code, whatever happened."""
        self.bench.capture()
        result = Result(run_command("there.is.none", [*words, "--json"]), *self.bench.capture())
        assert ("summary", result.code) == (
            result.lines[-1]["type"],
            result.lines[-1]["exit_code"],
        )
        return result

    def do(self, command: str, *words: str) -> Result:
        """Run a command on this folder."""
        return self.run(*command.split(), str(self.folder), *words)

    def done(self, command: str, *words: str) -> Result:
        """Run a command on this folder that has to succeed."""
        result = self.do(command, *words)
        assert result.code == 0, result.out
        return result

    def next(self, result: Result, command: str = "apply") -> Result:
        """Run what comes after a command: what its summary says goes on, or the same again."""
        said = (result.lines[-1].get("resume") or "").partition(" resume ")[2]
        return self.run("resume", said) if said else self.do(command)

    def inject(self, table: str) -> None:
        """Put a table of faults in force: one by its name, or its text; empty ends them all.

        The first of the accounts, which an organization numbers itself, is 2222* there.
        """
        named = _text_of(table).replace('"2222*/', f'"{self.accounts[0]}/')
        server.inject(self.bench.root, named)

    # What there is ------------------------------------------------------------------------------

    @cached_property
    def cloudformation(self) -> Any:
        """The service in the home account."""
        return self.client("cloudformation", self.bench.account)

    def client(self, service: str, account: str, region: str = "us-east-1") -> Any:
        """Return a client of one of the accounts."""
        return Door(self.bench.url, account).client(service, region)

    def is_there(self) -> bool:
        """Whether there is such a set."""
        listed = self.cloudformation.list_stack_sets(Status="ACTIVE")["Summaries"]
        return NAME in {each["StackSetName"] for each in listed}

    def operations(self) -> list[dict[str, Any]]:
        """Return the history of every set of the name, deleted or not, oldest first."""
        listed = self.cloudformation.list_stack_sets()["Summaries"]
        return [each for made in listed for each in self._history(made["StackSetId"])]

    def _history(self, stack_set: str) -> list[dict[str, Any]]:
        pages = self.cloudformation.get_paginator("list_stack_set_operations")
        found = pages.paginate(StackSetName=stack_set)
        return [each for page in found for each in page["Summaries"]][::-1]

    def starts(self) -> Counter[str]:
        """Return how many operations of each kind we have begun."""
        ours = (each for each in self.operations() if each["OperationId"].startswith("tapcfn-"))
        return Counter(each["Action"] for each in ours)

    def moving(self) -> list[str]:
        """Return the operations that have not ended."""
        over = {"SUCCEEDED", "FAILED", "STOPPED"}
        return [each["OperationId"] for each in self.operations() if each["Status"] not in over]

    def states(self) -> Counter[str]:
        """Count the instances by status and detailed status."""
        return Counter(
            f"{each['Status']}/{each['StackInstanceStatus'].get('DetailedStatus')}"
            for each in self.instances()
            if each["Account"] not in self.suspended
        )

    def instances(self) -> list[dict[str, Any]]:
        """Return every instance of the set."""
        pages = self.cloudformation.get_paginator("list_stack_instances")
        found = pages.paginate(StackSetName=NAME)
        return [each for page in found for each in page["Summaries"]]

    def pairs(self) -> set[tuple[str, str]]:
        """Return where the set has instances."""
        listed = self.instances()
        return {
            (each["Account"], each["Region"])
            for each in listed
            if each["Account"] not in self.suspended
        }

    @property
    def wanted(self) -> set[tuple[str, str]]:
        """Return where it is to have them."""
        return {(account, region) for account in self.present for region in self.regions}

    @property
    def present(self) -> list[str]:
        """Return the accounts that are not suspended: only these are looked at."""
        return [each for each in self.accounts if each not in self.suspended]

    def stacks(self) -> Counter[tuple[str, str]]:
        """Count the stacks that are there, wherever the set may have made one, by place."""
        return Counter(
            (account, region)
            for account in self.present
            for region in REGIONS
            for each in self.client("cloudformation", account, region).describe_stacks()["Stacks"]
            if each["StackStatus"] != "DELETE_COMPLETE" and "ParentId" not in each
        )

    def change_sets(self) -> list[str]:
        """Return the change sets that stand on instances' stacks."""
        return [
            found["ChangeSetName"]
            for each in self.instances()
            for found in self.client(
                "cloudformation", each["Account"], each["Region"]
            ).list_change_sets(StackName=each["StackId"])["Summaries"]
        ]

    def titles(self) -> set[str]:
        """Return the display names of all topics: each says which version its stack has."""
        return {
            client.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["DisplayName"]
            for account, region in self.stacks()
            if (client := self.client("sns", account, region))
            for topic in client.list_topics()["Topics"]
        }


def _text_of(table: str) -> str:
    """Return a table that is named, or is the text of one; the sets' own go first."""
    if not table or "\n" in table:
        return table
    own = TABLES / f"{table}.toml"
    return (own if own.exists() else TABLES.parent / own.name).read_text()


def self_managed(bench: Bench, folder: Path, accounts: int = 2) -> SetFolder:
    """Return a folder for accounts in which the roles have been made."""
    folder.mkdir(exist_ok=True)
    targets = tuple(f"{number + 2}" * 4 + bench.account[4:] for number in range(accounts))
    fleet = Fleet(bench.url, bench.account, targets)
    make_administration_role(fleet)
    for account in targets:
        make_execution_role(fleet, account)
    made = SetFolder(bench, folder, targets)
    made.settings()
    made.wants("first")
    return made


def service_managed(bench: Bench, folder: Path, accounts: int = 2) -> SetFolder:
    """Return a folder for the accounts of a unit in an organization of its own."""
    folder.mkdir(exist_ok=True)
    org = Door(bench.url, bench.account).client("organizations")
    org.create_organization()
    root = org.list_roots()["Roots"][0]["Id"]
    made = org.create_organizational_unit(ParentId=root, Name="apps")
    unit = made["OrganizationalUnit"]["Id"]
    targets = []
    for number in range(accounts):
        told = org.create_account(Email=f"a{number}@example.com", AccountName=f"a{number}")
        targets.append(told["CreateAccountStatus"]["AccountId"])
        org.move_account(AccountId=targets[-1], SourceParentId=root, DestinationParentId=unit)
    there = SetFolder(bench, folder, tuple(targets), unit)
    there.cloudformation.activate_organizations_access()
    there.settings()
    there.wants("first")
    return there
