"""What is done to a stack set while something goes wrong: how each story begins, and must end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.end_to_end.set_rows import QUEUELESS, Row
from tests.end_to_end.sets import REGIONS, SetFolder

SECRET = "hunter2-hunter2"
OTHER_SIZE = """
[[stack_sets.base.overrides]]
accounts = ["{account}"]
parameters = {{ Size = "large" }}
"""
TAGGED = 'tags = { team = "blue", old = "yes" }'
UNTAGGED = 'tags = { team = "blue" }'
WITH_PASSWORD = f'parameters = {{ Password = "{SECRET}" }}'
PASSWORD = {"Password": {"Type": "String", "NoEcho": True}}
FROM_SSM = {"Title": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/title"}}


@dataclass(frozen=True)
class Story:
    """How a set comes to where the command begins, and what must be at the end."""

    begin: Callable[[SetFolder, Row], None]
    check: Callable[[SetFolder], None]
    command: str = "apply"


def begin(row: Row, fleet: SetFolder) -> str:
    """Bring the set to where the row's story begins, ask for what comes next, say the command."""
    fleet.settings(row.more, own=row.own)
    story = STORY[row.story]
    story.begin(fleet, row)
    return story.command


def _nothing(_: SetFolder, __: Row) -> None:
    """Begin without a set."""


def _big(fleet: SetFolder, _: Row) -> None:
    fleet.wants("first", size=60_000)


def _there(fleet: SetFolder, _: Row) -> None:
    fleet.done("apply")


def _update(fleet: SetFolder, _: Row) -> None:
    fleet.done("apply")
    fleet.wants("second")


def _shrink(fleet: SetFolder, row: Row) -> None:
    fleet.done("apply")
    fleet.regions = REGIONS[:1]
    fleet.settings(row.more, own=row.own)


def _override(fleet: SetFolder, row: Row) -> None:
    fleet.done("apply")
    fleet.settings(row.more + OTHER_SIZE.format(account=fleet.accounts[0]), own=row.own)


def _roles(fleet: SetFolder, row: Row) -> None:
    """Change something that no stack sees: each preview is an empty change set."""
    fleet.done("apply")
    fleet.settings(row.more, own=QUEUELESS)


def _untag(fleet: SetFolder, row: Row) -> None:
    fleet.settings(row.more, own=TAGGED)
    fleet.done("apply")
    assert [{"team": "blue", "old": "yes"}] * 4 == _tags(fleet)
    fleet.settings(row.more, own=UNTAGGED)


def _secret(fleet: SetFolder, row: Row) -> None:
    fleet.settings(row.more, own=WITH_PASSWORD)
    fleet.wants("first", parameters=PASSWORD)
    fleet.done("apply")
    fleet.wants("second", parameters=PASSWORD)


def _ssm(fleet: SetFolder, _: Row) -> None:
    _title(fleet, "first")
    fleet.wants({"Ref": "Title"}, parameters=FROM_SSM)
    fleet.done("apply")
    _title(fleet, "second")


def _title(fleet: SetFolder, text: str) -> None:
    for account, region in fleet.wanted:
        fleet.client("ssm", account, region).put_parameter(
            Name="/title", Value=text, Type="String", Overwrite=True
        )


def _nested(fleet: SetFolder, _: Row) -> None:
    fleet.wants("first", Nested=_nest(fleet, 1))
    fleet.done("apply")
    fleet.wants("first", Nested=_nest(fleet, 2))


def _nest(fleet: SetFolder, delay: int) -> Mapping[str, Any]:
    """Return a nested stack with a queue of this delay."""
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": delay}}
    for account in fleet.accounts:
        s3 = fleet.client("s3", account)
        s3.create_bucket(Bucket=f"nested-{account}")
        s3.put_object(
            Bucket=f"nested-{account}",
            Key=f"{delay}.json",
            Body=json.dumps({"Resources": {"Inner": queue}}),
        )
    url = f"https://nested-${{AWS::AccountId}}.s3.us-east-1.amazonaws.com/{delay}.json"
    return {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": {"Fn::Sub": url}}}


# At the end ---------------------------------------------------------------------------------------


def _is(version: str) -> Callable[[SetFolder], None]:
    def check(fleet: SetFolder) -> None:
        assert {version} == fleet.titles()

    return check


def _untagged(fleet: SetFolder) -> None:
    assert [{"team": "blue"}] * 4 == _tags(fleet)


def _tags(fleet: SetFolder) -> list[dict[str, str]]:
    return [
        {tag["Key"]: tag["Value"] for tag in stack["Tags"]}
        for account, region in sorted(fleet.wanted)
        for stack in fleet.client("cloudformation", account, region).describe_stacks()["Stacks"]
    ]


def _is_kept(fleet: SetFolder) -> None:
    """Assert that the secret arrived, and stands in none of our files but the settings."""
    _is("second")(fleet)
    state = fleet.bench.root / ".tapcfn"
    files = [*(state / "runs").rglob("*.*"), *(state / "sets").rglob("*.*")]
    assert files
    assert [] == [path for path in files if SECRET.encode() in path.read_bytes()]


STORY: Mapping[str, Story] = {
    "create": Story(_nothing, _is("first")),
    "update": Story(_update, _is("second")),
    "override": Story(_override, _is("first")),
    "shrink": Story(_shrink, _is("first")),
    "destroy": Story(_there, _is("first"), "destroy"),
    "big": Story(_big, _is("first")),
    "roles": Story(_roles, _is("first")),
    "untag": Story(_untag, _untagged),
    "secret": Story(_secret, _is_kept),
    "ssm": Story(_ssm, _is("second")),
    "nested": Story(_nested, _is("first")),
}
