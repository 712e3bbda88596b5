"""What a stack policy denies, as the service evaluates it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tapcfn.model import Change, Replacement
from tapcfn.stack_policy import denied
from tests.fakes import a_change

OPEN = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}


def statement(effect: str, action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """Return one statement."""
    return {"Effect": effect, "Action": action, "Principal": "*", "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy."""
    return json.dumps({"Statement": list(statements)})


@pytest.mark.parametrize(
    ("text", "change", "actions"),
    [
        ("", a_change(action="Remove"), ()),
        (policy(OPEN), a_change(action="Remove"), ()),
        # what nobody allows is denied
        (policy(), a_change(), ("Update:Modify",)),
        (
            policy(statement("Allow", "Update:Modify")),
            a_change(action="Remove"),
            ("Update:Delete",),
        ),
        # a Deny counts more
        (
            policy(OPEN, statement("Deny", "Update:Delete", "LogicalResourceId/Buck*")),
            a_change(action="Remove"),
            ("Update:Delete",),
        ),
        (policy(OPEN, statement("Deny", "Update:Delete", "LogicalResourceId/O")), a_change(), ()),
        (
            policy(OPEN, statement("Deny", ["Update:Replace", "Update:Delete"])),
            a_change(replacement=Replacement.TRUE),
            ("Update:Replace",),
        ),
        # what may go either way is left to the service
        (
            policy(OPEN, statement("Deny", "Update:Replace")),
            a_change(replacement=Replacement.CONDITIONAL),
            (),
        ),
        (
            policy(OPEN, statement("Deny", "Update:*")),
            a_change(replacement=Replacement.CONDITIONAL),
            ("Update:Modify", "Update:Replace"),
        ),
        # exceptions and conditions
        (
            policy(OPEN, {"Effect": "Deny", "NotAction": "Update:Modify", "Resource": "*"}),
            a_change(action="Remove"),
            ("Update:Delete",),
        ),
        (
            policy(
                OPEN,
                {
                    "Effect": "Deny",
                    "Action": "Update:*",
                    "NotResource": "LogicalResourceId/Bucket",
                },
            ),
            a_change(action="Remove"),
            (),
        ),
        (
            policy(
                OPEN,
                statement(
                    "Deny",
                    "Update:*",
                    Condition={"StringLike": {"ResourceType": ["AWS::S3::*"]}},
                ),
            ),
            a_change(),
            ("Update:Modify",),
        ),
        (
            policy(
                OPEN,
                statement(
                    "Deny",
                    "Update:*",
                    Condition={"StringEquals": {"ResourceType": "AWS::SQS::Queue"}},
                ),
            ),
            a_change(),
            (),
        ),
        # what is new or imported is no update
        (policy(), a_change(action="Add"), ()),
        (policy(), a_change(action="Import"), ()),
    ],
)
def test_a_policy_is_read_as_the_service_reads_it(
    text: str, change: Change, actions: tuple[str, ...]
) -> None:
    """The actions that are denied, if all that the change may be are."""
    assert actions == denied(text, change)


def test_a_policy_of_one_statement_may_be_no_list() -> None:
    """The service takes both."""
    assert () == denied(json.dumps({"Statement": OPEN}), a_change(action="Remove"))
