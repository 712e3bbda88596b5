"""Account gates: a function in a target that decides."""

from __future__ import annotations

import io
import zipfile

from tests.local.stack_sets.fleet import (
    Fleet,
    create_set,
    ending,
    fleet,
    operate,
    results,
    stacks,
    state,
    topics,
)
from tests.local_cloud import HOME

AT_ONCE = {"MaxConcurrentCount": 4, "FailureToleranceCount": 3}
FUNCTION = "AWSCloudFormationStackSetAccountGate"


def put_gate(fleet: Fleet, account: str, answer: str) -> None:
    """Make a gate that answers so."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("gate.py", f"def handler(event, context):\n    {answer}\n")
    fleet.of(account).client("lambda").create_function(
        FunctionName=FUNCTION,
        Runtime="python3.12",
        Role=f"arn:aws:iam::{account}:role/gate",
        Handler="gate.handler",
        Code={"ZipFile": packed.getvalue()},
    )


def gate(fleet: Fleet, operation_id: str, account: str) -> dict[str, str]:
    """Return what the gate of an account said."""
    told = {each["Account"]: each for each in results(fleet, operation_id)}
    return dict(told[account]["AccountGateResult"])


def test_no_gate_lets_all_in(pair):
    """It was skipped, with the function that was looked for."""
    one, _ = pair.accounts
    create_set(pair, topics())
    done = operate(pair, "create_stack_instances", Regions=[HOME])

    assert {
        "Status": "SKIPPED",
        "StatusReason": f"Function not found: arn:aws:lambda:{HOME}:{one}:function:{FUNCTION}",
    } == gate(pair, done["OperationId"], one)


def test_gates_that_are_shut(local_cloud):
    """The target FAILED and has no stack; only a gate that says SUCCEEDED lets in."""
    four = fleet(local_cloud, 4)
    good, refusing, broken, strange = four.accounts
    for account, answer in (
        (good, 'return {"Status": "SUCCEEDED"}'),
        (refusing, 'return {"Status": "FAILED"}'),
        (broken, 'raise ValueError("not today")'),
        (strange, "return 7"),
    ):
        put_gate(four, account, answer)
    create_set(four, topics())
    done = operate(four, "create_stack_instances", Regions=[HOME], preferences=AT_ONCE)
    said = {each: gate(four, done["OperationId"], each) for each in four.accounts}

    assert ("SUCCEEDED", 3) == ending(done)
    assert {"Status": "SUCCEEDED"} == said[good]
    assert ["FAILED"] * 3 == [said[each]["Status"] for each in (refusing, broken, strange)]
    for account, reason in ((refusing, "FAILED"), (broken, "not today"), (strange, "returned 7")):
        assert reason in said[account]["StatusReason"]
        assert ("OUTDATED", "FAILED") == state(four, account)
        assert [] == stacks(four, account)
