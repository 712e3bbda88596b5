"""Stack sets from the command line: from nothing to nothing, and what keeps them from harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tapcfn.local import server
from tests.end_to_end.conftest import Bench, Result
from tests.end_to_end.sets import (
    ALL_AT_ONCE,
    BUCKET,
    NAME,
    REGIONS,
    SetFolder,
    self_managed,
    service_managed,
)

TOLERANT = """
[stack_sets.base.preferences]
tolerance = 1
concurrent = 2
"""

Make = Callable[[str], SetFolder]
MAKERS = {"self": self_managed, "service": service_managed}
DRILL = pytest.mark.drill
KINDS = pytest.mark.parametrize("kind", ["self", pytest.param("service", marks=DRILL)])


@pytest.fixture
def make(bench: Bench, tmp_path: Path) -> Iterator[Make]:
    """Return what makes a folder of a kind; afterwards there are no faults."""
    yield lambda kind: MAKERS[kind](bench, tmp_path / "fleet")
    server.inject(bench.root, "")


@pytest.fixture
def fleet(make: Make) -> SetFolder:
    """A folder of a self-managed set."""
    return make("self")


def said(result: Result) -> str:
    """Return all that a run has told people to heed."""
    return " ".join(each["message"] for each in result.of_type("diagnostic"))


def allowances(result: Result) -> list[str]:
    """Return what a run says that has to be allowed."""
    told = (each["message"].partition("--allow-loss ")[2] for each in result.of_type("finding"))
    return sorted(set(told) - {""})


def allowing(names: list[str]) -> list[str]:
    return [word for each in names for word in ("--allow-loss", each)]


@KINDS
def test_a_set_is_made_changed_and_taken_away(make: Make, kind: str) -> None:
    """One operation each; a preview of every instance leaves nothing behind. (D-1)"""
    fleet = make(kind)
    fleet.settings(ALL_AT_ONCE)

    assert 10 == fleet.do("plan", "--detailed-exitcode").code
    assert not fleet.is_there()
    fleet.done("apply")
    fleet.done("plan", "--detailed-exitcode")
    fleet.wants("second")
    planned = fleet.do("plan", "--detailed-exitcode")
    left = fleet.change_sets()
    fleet.done("apply")

    assert (10, []) == (planned.code, left)
    changed = planned.of_type("plan.change")
    assert fleet.wanted == {(each["account"], each["region"]) for each in changed}
    assert {"second"} == fleet.titles()
    assert Counter(fleet.wanted) == fleet.stacks()
    fleet.done("destroy")
    assert {"CREATE": 1, "UPDATE": 1, "DELETE": 1} == fleet.starts()
    assert (False, Counter()) == (fleet.is_there(), fleet.stacks())
    fleet.done("destroy")


@DRILL
def test_a_set_that_keeps_its_stacks_leaves_them_behind(fleet: SetFolder) -> None:
    """The set goes, and its instances; their stacks stay."""
    fleet.settings(ALL_AT_ONCE, own="retain_stacks = true")
    fleet.done("apply")

    fleet.done("destroy")

    assert not fleet.is_there()
    assert Counter(fleet.wanted) == fleet.stacks()
    (told,) = fleet.done("stackset skew", "--detailed-exitcode").of_type("stackset.skew")
    assert fleet.wanted == {(each["account"], each["region"]) for each in told["retained"]}
    assert told["versions"] == []


# Saved plans --------------------------------------------------------------------------------------


def test_a_saved_plan_is_applied_once_and_is_stale_afterwards(
    fleet: SetFolder, tmp_path: Path
) -> None:
    """What somebody else changes makes it stale: exit 6, and nothing is begun. (D-14)"""
    fleet.settings(ALL_AT_ONCE)
    file = str(tmp_path / "plan.json")
    fleet.done("plan", "--out", file)
    fleet.done("apply", "--plan", file)
    assert {"CREATE": 1} == fleet.starts()

    fleet.wants("second")
    fleet.done("plan", "--out", file)
    fleet.cloudformation.update_stack_set(
        StackSetName=NAME, UsePreviousTemplate=True, Tags=[{"Key": "by", "Value": "somebody"}]
    )
    late = fleet.do("apply", "--plan", file)

    assert 6 == late.code, late.out
    assert "have changed since the plan was saved" in said(late)
    assert {"CREATE": 1} == fleet.starts()


# Losses -------------------------------------------------------------------------------------------


def test_a_bucket_that_leaves_the_template_needs_a_word_for_every_region(fleet: SetFolder) -> None:
    """Exit 4 with the lines that allow it; with them it goes. (D-18)"""
    fleet.wants("first", Bucket=BUCKET)
    fleet.settings(ALL_AT_ONCE)
    fleet.done("apply")
    fleet.wants("first")

    blocked = fleet.do("apply")

    assert 4 == blocked.code, blocked.out
    needed = allowances(blocked)
    assert sorted(f"{NAME}/Bucket@{region}:remove" for region in REGIONS) == needed
    assert {"CREATE": 1} == fleet.starts()
    assert 4 == fleet.do("apply", *allowing(needed[:1])).code
    fleet.done("apply", *allowing(needed))
    assert {"CREATE": 1, "UPDATE": 1} == fleet.starts()


@DRILL
def test_pairs_that_leave_with_data_need_a_word(fleet: SetFolder) -> None:
    """The same for a Region that the set no longer names."""
    fleet.wants("first", Bucket=BUCKET)
    fleet.settings(ALL_AT_ONCE)
    fleet.done("apply")
    fleet.regions = REGIONS[:1]
    fleet.settings(ALL_AT_ONCE)

    blocked = fleet.do("apply")

    assert 4 == blocked.code, blocked.out
    assert [f"{NAME}/Bucket@{REGIONS[1]}"] == [
        each.partition(":")[0] for each in allowances(blocked)
    ]
    assert {"CREATE": 1} == fleet.starts()
    fleet.done("apply", *allowing(allowances(blocked)))
    assert fleet.wanted == fleet.pairs()


@pytest.fixture
def on_aws(fleet: SetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SetFolder:
    """The same folder for AWS, with credentials for the home account and for no other."""
    config = tmp_path / "config"
    config.write_text(f"[default]\nendpoint_url = {fleet.bench.url}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", fleet.bench.account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    fleet.wants("first", Bucket=BUCKET)
    fleet.settings(ALL_AT_ONCE, backend="aws")
    return fleet


@DRILL
def test_a_set_is_deployed_with_credentials_for_its_home_alone(on_aws: SetFolder) -> None:
    """As most have them: the templates tell what happens elsewhere, and the gate holds. (D-18)"""
    on_aws.done("apply", "--yes")
    on_aws.wants("second")

    planned = on_aws.do("plan")
    kept = on_aws.do("destroy", "--yes")
    needed = sorted({each for each in said(kept).split() if each.startswith(f"{NAME}/")})
    gone = on_aws.do("destroy", "--yes", *allowing(needed))

    assert 4 == planned.code, planned.out
    assert f"the credentials are for account {on_aws.bench.account}" in said(planned)
    assert [f"{NAME}/Bucket@{region}:remove" for region in sorted(REGIONS)] == allowances(planned)
    assert 4 == kept.code, kept.out
    assert [f"{NAME}/Bucket@{region}:delete" for region in sorted(REGIONS)] == needed
    assert gone.code == 0, gone.out
    assert (False, Counter()) == (on_aws.is_there(), on_aws.stacks())


# Previews -----------------------------------------------------------------------------------------


DENIED = """
[[fault]]
do = "error"
account = "{account}"
operation = "CreateChangeSet"
code = "AccessDenied"
status = 403
reason = "User is not authorized"
"""


@DRILL
def test_an_account_that_may_not_be_asked_is_told_by_the_templates(fleet: SetFolder) -> None:
    """It is said for how many, and why; nothing is left behind. (D-1)"""
    fleet.settings(ALL_AT_ONCE)
    fleet.done("apply")
    fleet.wants("second")
    fleet.inject(DENIED.format(account=fleet.accounts[0]))

    planned = fleet.do("plan", "--detailed-exitcode")
    fleet.inject("")

    assert 10 == planned.code, planned.out
    assert "2 of 4 instances could not be asked" in planned.out
    assert "User is not authorized" in planned.out
    assert 4 == len(planned.of_type("plan.change"))
    assert [] == fleet.change_sets()


# Waves --------------------------------------------------------------------------------------------


CANARY = """
[stack_sets.base.preferences]
concurrent_percent = 100

[[stack_sets.base.waves]]
name = "canary"
pairs = ["{account}/us-east-1"]
gates = [{{ name = "alarm", kind = "alarm", alarms = ["errors"], timeout = 2, every = 1 }}]
"""


def last_operation(fleet: SetFolder, account: str) -> str:
    """Return the operation that was the last to touch an account's first instance."""
    told = fleet.cloudformation.describe_stack_instance(
        StackSetName=NAME, StackInstanceAccount=account, StackInstanceRegion=REGIONS[0]
    )
    return str(told["StackInstance"]["LastOperationId"])


@DRILL
def test_an_alarm_after_the_canary_leaves_the_rest_untouched(fleet: SetFolder) -> None:
    """Exit 1; once it is quiet, the next run does the rest and no more. (D-9)"""
    canary = fleet.accounts[0]
    fleet.settings(CANARY.format(account=canary))
    cloudwatch = fleet.bench.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        Namespace="App",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    quiet: dict[str, Any] = {"AlarmName": "errors", "StateValue": "OK", "StateReason": "test"}
    cloudwatch.set_alarm_state(**quiet)
    fleet.done("apply")
    fleet.wants("second")
    cloudwatch.set_alarm_state(**quiet | {"StateValue": "ALARM"})

    failed = fleet.do("apply")
    titles, starts, untouched = fleet.titles(), fleet.starts(), last_operation(fleet, canary)
    cloudwatch.set_alarm_state(**quiet)
    again = fleet.next(failed)

    assert 1 == failed.code, failed.out
    assert "later waves were not begun" in failed.out
    assert {"first", "second"} == titles
    assert 1 == starts["UPDATE"]
    assert again.code == 0, again.out
    assert {"second"} == fleet.titles()
    assert untouched == last_operation(fleet, canary)
    assert 3 == fleet.starts()["UPDATE"]


# INOPERABLE ---------------------------------------------------------------------------------------


UNDELETED = """
[[fault]]
do = "fail"
account = "{Account}"
region = "{Region}"
type = "AWS::SNS::Topic"
during = "delete"
reason = "Topic cannot be deleted"
"""


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param(ALL_AT_ONCE, 1, id="failed", marks=DRILL),
        pytest.param(TOLERANT, 5, id="partial"),
    ],
)
def test_an_instance_that_can_not_leave_is_named_until_it_can(
    fleet: SetFolder, more: str, code: int
) -> None:
    """Exit 5 where it was tolerated; each run tries again, and the last one succeeds."""
    fleet.settings(ALL_AT_ONCE)
    fleet.done("apply")
    stuck = next(each for each in fleet.instances() if each["Region"] == REGIONS[1])
    fleet.inject(UNDELETED.format(**stuck))
    fleet.regions = REGIONS[:1]
    fleet.settings(more)

    failed = fleet.do("apply")
    later = fleet.do("apply")
    fleet.inject("")
    fleet.done("apply")

    pair = f"{stuck['Account']}/{stuck['Region']}"
    assert [code, code] == [failed.code, later.code], failed.out + later.out
    for each in (failed, later):
        assert pair in each.lines[-1]["units"][0]["cause"]
        assert "Topic cannot be deleted" in each.lines[-1]["units"][0]["cause"]
    assert fleet.wanted == fleet.pairs()
    assert Counter(fleet.wanted) == fleet.stacks()


@DRILL
def test_an_instance_that_is_inoperable_and_wanted_is_no_success(fleet: SetFolder) -> None:
    """Nothing to write, and not as wanted all the same: exit 5, named."""
    fleet.settings(ALL_AT_ONCE)
    fleet.done("apply")
    stuck = next(each for each in fleet.instances() if each["Region"] == REGIONS[1])
    fleet.inject(UNDELETED.format(**stuck))
    fleet.regions = REGIONS[:1]
    fleet.settings(ALL_AT_ONCE)
    fleet.do("apply")
    fleet.regions = REGIONS
    fleet.settings(ALL_AT_ONCE)

    mixed = fleet.do("apply")
    alone = fleet.do("apply")

    for each in (mixed, alone):
        assert each.code == 5, each.out
        assert f"{stuck['Account']}/{stuck['Region']}" in each.lines[-1]["units"][0]["cause"]
    assert "INOPERABLE" in alone.out
