"""The settings' options on each stack: an ARN goes where it can be used, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tapcfn.config import Common, check
from tapcfn.equipment import equipped
from tapcfn.errors import ConfigError
from tapcfn.model import Move, Rollout
from tapcfn.plan import Reason, Verb, digest
from tapcfn.preview import intent_of
from tapcfn.stack_options import OnFailure, StackOptions
from tests.fakes import AWAY, HOME, World, a_change, a_rollout, a_stack

ALARM = "arn:aws:cloudwatch:{region}:{account}:alarm:errors"
TOPIC = "arn:aws:sns:us-east-1:999999999999:events"
ROLE = "arn:{partition}:iam::{account}:role/deploy"
BOTH = a_rollout(a_stack("one", target=HOME), a_stack("two", target=AWAY))


def settings(**keys: Any) -> Common:
    return check("s.toml", {"backend": "local", **keys}, Common)


def options(rollout: Rollout = BOTH, **keys: Any) -> list[StackOptions]:
    return [each.options for each in equipped(rollout, settings(**keys), "s.toml").stacks]


def test_every_stack_gets_what_is_meant_for_its_place() -> None:
    """Placeholders are filled in; an ARN of one Region stays there."""
    one, two = options(
        rollback_alarms=[ALARM],
        rollback_minutes=10,
        notification_arns=[TOPIC],
        service_role=ROLE,
        on_failure="delete",
        stack_policy=True,
    )

    assert (
        StackOptions(
            ("arn:aws:cloudwatch:us-east-1:111111111111:alarm:errors",),
            10,
            (TOPIC,),
            "arn:aws:iam::111111111111:role/deploy",
            OnFailure.DELETE,
            stack_policy=True,
        )
        == one
    )
    assert (("arn:aws:cloudwatch:us-west-2:111111111111:alarm:errors",), ()) == (
        two.rollback_alarms,
        two.notification_arns,
    )


def test_the_stacks_of_moves_get_the_same() -> None:
    """A move changes what it says, and takes no option away."""
    moved = replace(BOTH, moves=(Move("on", "on", (a_stack("one", target=HOME),)),))

    made = equipped(moved, settings(rollback_alarms=[ALARM], service_role=ROLE), "s.toml")

    assert made.stacks[0].options == made.moves[0].stacks[0].options
    assert made.moves[0].stacks[0].options.service_role.endswith("role/deploy")


@pytest.mark.parametrize(("backend", "policy"), [("local", False), ("aws", True)])
def test_a_stack_policy_is_the_default_on_aws(backend: str, policy: bool) -> None:
    """The local cloud is for trying things out."""
    assert policy is settings(backend=backend, account="111111111111").has_stack_policy


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        (
            {"notification_arns": ["arn:aws:sns:eu-west-1:111111111111:t"]},
            "no stack can use it; the stacks are in 111111111111/us-east-1",
        ),
        ({"rollback_alarms": [ALARM + str(at) for at in range(6)]}, "one would get 6; allowed: at"),
        ({"service_role": "arn:aws:iam::999999999999:role/x"}, "one is in account 111111111111"),
        ({"service_role": "deploy"}, 'service_role = "deploy": is no ARN; allowed: the ARN of'),
        ({"rollback_alarms": ["arn:aws:sns:{zone}:1:x"]}, "has another placeholder than"),
        ({"rollback_minutes": 181}, "rollback_minutes = 181: "),
        ({"on_failure": "nothing"}, 'on_failure = "nothing": '),
        ({"mode": "express"}, "is refused: EXPRESS ends before resources are ready"),
    ],
)
def test_what_can_not_be_is_refused_before_any_call(keys: dict[str, Any], fault: str) -> None:
    """Key, value, and what is allowed."""
    with pytest.raises(ConfigError) as error:
        options(**keys)

    assert fault in str(error.value)


def test_options_are_a_part_of_what_is_wanted() -> None:
    """Another change set for another request, and another plan."""
    stack = a_stack()
    for more in (
        StackOptions(rollback_minutes=1),
        StackOptions(notification_arns=("a",)),
        StackOptions(service_role="r"),
        StackOptions(on_failure=OnFailure.DELETE),
    ):
        other = replace(stack, options=more)
        assert intent_of(stack, {}) != intent_of(other, {})
        assert digest(a_rollout(stack)) != digest(a_rollout(other))


@pytest.mark.parametrize(
    ("wanted", "deployed", "reason"),
    [
        (StackOptions(notification_arns=("t",)), {}, Reason.NOTIFICATIONS_DIFFER),
        (StackOptions(), {"notified": frozenset({"t"})}, Reason.NOTIFICATIONS_DIFFER),
        (StackOptions(service_role="r"), {"role": "other"}, Reason.ROLE_DIFFERS),
        (StackOptions(service_role="r"), {"role": "r"}, None),
        (StackOptions(), {"role": "r"}, None),
        (StackOptions(rollback_alarms=("a",), rollback_minutes=5), {}, None),
    ],
)
def test_topics_and_roles_are_compared(
    wanted: StackOptions, deployed: dict[str, Any], reason: Reason | None
) -> None:
    """A role sticks to its stack; alarms belong to an operation, not to the stack."""
    world, stack = World(), replace(a_stack(), options=wanted)
    world.has(stack, **deployed)

    (step,) = world.plan(a_rollout(stack)).steps

    assert (Verb.UPDATE if reason else Verb.NONE) is step.verb
    assert reason in {None, step.reason}


ALLOWANCES = [
    ([], True),
    (["one/Other"], True),
    (["other/Bucket"], True),
    (["one/Bucket"], False),
    (["one/Bucket@us-west-2"], True),
    (["one/Bucket@us-east-1:remove"], False),
]


@pytest.mark.parametrize("previewed", [True, False])
@pytest.mark.parametrize(("allowed", "kept"), ALLOWANCES)
def test_what_can_not_be_undone_has_no_triggers(
    allowed: list[str], kept: bool, previewed: bool
) -> None:
    """What is lost does not come back when an alarm rolls the stack back.

    An allowance that stands in the settings and lets nothing be lost now drops no alarm.
    """
    options = StackOptions(rollback_alarms=("a",), rollback_minutes=5, service_role="r")
    stack = replace(a_stack("one", resources={"Bucket": "AWS::S3::Bucket"}), options=options)
    world, loses = World(), kept is False
    world.has(stack, role="r", tags={"old": "yes"})
    kind = ("Remove", "AWS::S3::Bucket") if loses else ("Modify", "AWS::S3::Bucket")
    world.cloud.changes["one"] = (a_change("Bucket", *kind),)
    rollout = a_rollout(stack)

    outcome = world.apply(rollout, previews=None if previewed else (), allowed=allowed)

    assert 0 == outcome.exit_code
    (done,) = world.cloud.lives
    (executed,) = [each for each in done.change_sets.values() if each.token]
    asked = executed.request.stack.options
    told = (asked.rollback_alarms, asked.rollback_minutes, asked.service_role)
    assert ((("a",), 5, "r") if kept else ((), 0, "r")) == told
    assert 1 == len(done.change_sets), "the first one is not left behind"
