"""What serverless_api's moves want, hold and take back; nothing is deployed here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapcfn import bundle, journey, standing, variants
from tapcfn.errors import ConfigError
from tapcfn.model import (
    AlarmCheck,
    CompareObjects,
    HealthCheck,
    MetricCheck,
    Move,
    OutputOf,
    PromoteCanary,
    ReplicateObjects,
    Rollout,
    Snapshot,
    Stack,
)
from tests.fakes.builders import a_deployed
from tests.templates.systems.serverless_api import SOURCE, SOURCE_BUCKET, TARGET, ZONE, rollout
from tests.templates.watched import hurried

PINNED = "Deployment0123456789"
TRIAL = {"migration_mode": "canary", "baseline_deployment": PINNED}
BOTH = pytest.mark.parametrize("keys", [ZONE, TRIAL], ids=["traffic", "deployment"])


def move(made: Rollout, name: str) -> Move:
    """Return a move by its name."""
    (found,) = (each for each in made.moves if each.name == name)
    return found


def stacks(made: Rollout) -> dict[str, tuple[object, ...]]:
    """Return all that is deployed of a rollout, by the stacks' names."""
    return {each.name: deployed(each) for each in made.stacks}


def deployed(stack: Stack) -> tuple[object, ...]:
    """Return all that makes one deployed stack another than the next."""
    return (stack.target, stack.template.text, dict(stack.parameters), stack.tags, stack.protect)


def test_acceptance_12_the_default_shift_is_ten_moves_each_with_a_way_back() -> None:
    """S3-21, O-11: ten percent more, watched for ten minutes, taken back by a gate that fails."""
    made = rollout(**ZONE)
    variants.check(made)
    shifts = [each for each in made.moves if each.name.startswith("shift-")]

    assert [each.name for each in shifts] == [f"shift-{share}" for share in range(10, 101, 10)]
    for number, each in enumerate(shifts, 1):
        (dns,) = each.stacks
        share = 10 * number
        weights = (dns.parameters["SourceWeight"], dns.parameters["TargetWeight"])
        assert weights == (str(100 - share), str(share))
        assert (each.bake, each.falls_back, each.forever) == (600.0, True, "")
    assert [each.name for each in made.moves if each not in shifts] == [
        "sync",
        "monitor",
        "close-source",
        "retire",
    ]


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        ({"shift": "staged"}, ["shift-10", "shift-50", "shift-100"]),
        (
            {"traffic_shift_percentage": 40, "target_weight": 10},
            ["shift-50", "shift-90", "shift-100"],
        ),
        ({"target_weight": 100}, []),
    ],
)
def test_s3_21_a_shift_begins_with_the_weights_of_the_settings(
    keys: dict[str, object], names: list[str]
) -> None:
    """S3-21, S3-24: linear or in three stages, from target_weight on."""
    made = rollout(**ZONE, **keys)

    assert [each.name for each in made.moves if each.name.startswith("shift-")] == names


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {**ZONE, "enable_cross_region_replication": False},
        {"migration_mode": "canary"},
        {**ZONE, "migration_mode": "canary"},
    ],
)
def test_nothing_moves_where_there_is_nothing_to_move(keys: dict[str, object]) -> None:
    """O-11, O-12: without a zone, without a source, or with a canary of the same definition."""
    assert rollout(**keys).moves == ()


def test_s3_24_the_gates_are_those_of_the_requirement() -> None:
    """S3-24, O-10: replication below 5000 ms over five minutes; then alarms and the target."""
    made = rollout(**ZONE)
    sync, shift = move(made, "sync"), move(made, "shift-50")

    behind, pending = (gate.check for gate in sync.gates)
    assert isinstance(behind, MetricCheck)
    assert isinstance(pending, MetricCheck)
    assert (
        behind.metric,
        behind.statistic,
        behind.comparison,
        behind.threshold,
        behind.period,
    ) == (
        "ReplicationLatency",
        "Average",
        "<",
        5000.0,
        300,
    )
    assert (behind.target.region, dict(behind.dimensions)["ReceivingRegion"]) == (SOURCE, TARGET)
    assert sync.gates[0].hold == 300
    assert (pending.metric, pending.threshold) == ("OperationsPendingReplication", 0.0)
    assert pending.target.region == TARGET
    assert [type(each) for each in sync.before] == [ReplicateObjects, CompareObjects]
    assert [type(gate.check) for gate in shift.gates] == [AlarmCheck, HealthCheck]


def test_s3_24_both_directions_are_looked_at_where_both_regions_write() -> None:
    """O-10: a target with a share of the traffic writes, too; in the end it alone does."""
    made = rollout(**ZONE, target_weight=10)

    metrics = [gate.check for gate in move(made, "sync").gates if "items" in gate.name]
    assert [each.target.region for each in metrics if isinstance(each, MetricCheck)] == [
        SOURCE,
        TARGET,
    ]
    assert "items-in-us-east-1" in [gate.name for gate in move(made, "monitor").gates]


def test_s3_24_the_alarms_of_a_shift_are_an_output_of_the_application() -> None:
    """S3-24: 5XX, latency, the function's errors and the table's throttles."""
    made = rollout(**ZONE)
    check = move(made, "shift-10").gates[0].check
    assert isinstance(check, AlarmCheck)
    (alarms,) = check.alarms
    assert isinstance(alarms, OutputOf)
    (app,) = (stack for stack in made.stacks if stack.name == alarms.stack)

    joined = app.template.document["Outputs"][alarms.key]["Value"]["Fn::Join"]
    assert joined == [
        ",",
        [
            {"Ref": name}
            for name in ("ApiServerErrors", "ApiLatency", "FunctionErrors", "TableThrottles")
        ],
    ]


@BOTH
def test_what_is_deployed_says_after_each_move_where_it_stands(keys: dict[str, object]) -> None:
    """L-13: weights, shares and what is served are parameters; the rest the ledger knows."""
    made = rollout(**keys)
    for here in range(len(made.moves) + 1):
        there = Snapshot({each.name: a_deployed(each) for each in variants.at(made, here).stacks})
        passed = [each.name for each in made.moves[:here]]

        assert standing.position(made, there, passed) == here


@BOTH
def test_a_bundle_has_the_same_moves(keys: dict[str, object], tmp_path: Path) -> None:
    """O-11: and those that were seen to pass are known again."""
    made = rollout(**keys)
    bundle.write(made, tmp_path / "bundle")

    there = bundle.read(tmp_path / "bundle").rollout

    assert there.moves == made.moves
    assert [each.mark for each in there.moves] == [each.mark for each in made.moves]


@BOTH
def test_every_move_before_the_end_leads_back_to_the_first_state(keys: dict[str, object]) -> None:
    """O-11, O-12: template and parameters, byte by byte."""
    made = rollout(**keys)
    last = next(number for number, each in enumerate(made.moves) if each.forever)
    legs = journey.backward(made, last, 0)

    for leg, number in zip(legs, range(last - 1, -1, -1), strict=True):
        assert stacks(leg.rollout) == stacks(variants.at(made, number))
    assert stacks(legs[-1].rollout) == stacks(made)


@pytest.mark.parametrize("more", [{}, {"dashboard": True, "migration_state": True, "apex": True}])
def test_o_13_a_source_that_is_given_up_leaves_what_the_settings_alone_say(
    more: dict[str, object],
) -> None:
    """O-13: so that enable_cross_region_replication = false plans nothing afterwards."""
    made = rollout(**ZONE, **more)
    alone = rollout(**ZONE, **more, enable_cross_region_replication=False)

    assert stacks(variants.at(made, len(made.moves))) == stacks(alone)


@pytest.mark.parametrize("protected", [True, False])
def test_o_13_the_replica_goes_by_an_update_that_does_nothing_else(protected: bool) -> None:
    """L-20: its protection is lifted in the move before, and only its own."""
    made = rollout(**ZONE, termination_protection=protected)
    places = {each.name: number for number, each in enumerate(made.moves, 1)}

    def table(position: int) -> dict[str, object]:
        (data,) = (
            each for each in variants.at(made, position).stacks if each.name.endswith("-data")
        )
        found: dict[str, object] = data.template.document["Resources"]["Table"]["Properties"]
        return found

    before, after = table(places["close-source"]), table(places["retire"])
    (stays, goes), (left,) = before["Replicas"], after["Replicas"]  # type: ignore[misc]
    assert {**before, "Replicas": []} == {**after, "Replicas": []}
    assert (stays, goes["DeletionProtectionEnabled"]) == (left, False)
    assert left["DeletionProtectionEnabled"] is protected
    assert [each.name for each in move(made, "retire").stacks] == ["prod-serverless-api-data"]


def test_s3_16_a_promotion_ends_where_the_settings_alone_lead() -> None:
    """S3-16, O-12: the service's own patch, then a template that says the same."""
    made = rollout(**TRIAL)
    promote = move(made, "promote")

    assert [each.target.region for each in promote.before] == [TARGET, SOURCE]
    assert all(isinstance(each, PromoteCanary) for each in promote.before)
    assert stacks(variants.at(made, len(made.moves))) == stacks(rollout())
    for each in promote.stacks:
        assert each.parameters["ServedDeployment"] != PINNED
        assert "CanarySetting" not in each.template.document["Resources"]["Stage"]["Properties"]


def test_s3_16_a_trial_begins_with_what_is_served_and_no_canary() -> None:
    """S3-16: the baseline and the newest are there; then a canary comes and goes with none."""
    made = rollout(**TRIAL)

    for position, percent in ((0, None), (1, "0"), (2, "10"), (4, "100")):
        for stack in variants.at(made, position).stacks:
            if "-app-" in stack.name:
                assert stack.parameters["ServedDeployment"] == PINNED
                assert stack.parameters.get("CanaryPercent") == percent
                kinds = list(stack.template.resources.values())
                assert kinds.count("AWS::ApiGateway::Deployment") == 2


def test_o_11_a_step_is_watched_for_as_long_as_its_alarms_need() -> None:
    """O-11, S3-24: an alarm that cannot go off during its step would hold nothing back."""
    for keys in (ZONE, TRIAL):
        for profile in ("standard", "strict", "relaxed"):
            made = rollout(**keys, alarm_profile=profile, traffic_shift_interval=1)
            assert hurried(made) == []


@BOTH
def test_o_11_every_move_says_how_long_it_takes_and_what_to_look_at(keys: dict[str, object]):
    """O-11: a runbook with gaps is none."""
    made = rollout(**keys)

    assert [each.name for each in made.moves if not each.look or not each.minutes] == []


def test_o_12_a_promotion_is_confirmed_by_name() -> None:
    """O-12: the old deployment is gone after it."""
    assert move(rollout(**TRIAL), "promote").confirm == "promote-the-canary"


def test_s3_16_a_trial_without_alarms_is_refused() -> None:
    """S3-16, S3-24: nothing would hold a new deployment back."""
    with pytest.raises(ConfigError, match=r"enable_monitoring.*gates are these alarms"):
        rollout(**TRIAL, enable_monitoring=False)


def test_o_13_the_command_that_gives_the_source_up_is_printed_whole() -> None:
    """O-13: what protects the source, and what is in it, has to be named."""
    kept = rollout(**ZONE, termination_protection=True)
    bare = rollout(**ZONE, keep_data=False, termination_protection=False)
    (app,) = set(move(bare, "close-source").removes) - {
        each for each in move(bare, "close-source").removes if "api-account" in each
    }

    assert move(kept, "close-source").needs == ("--lift-protection",)
    assert move(bare, "close-source").needs == (
        f"--empty-buckets {SOURCE_BUCKET}",
        f"--allow-loss {app}/AssetsBucket@{SOURCE}:delete",
    )
