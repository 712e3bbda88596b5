"""What settings ask of every stack: roles, topics and alarms, through the deployer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tapcfn.cli.app import run
from tests.end_to_end.conftest import Bench, Result

NO_PACKAGE = "there.are.no.blueprints"
TRUST = {
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "cloudformation.amazonaws.com"},
        }
    ]
}


@dataclass
class Kept:
    """A folder with one stack, and an account with a role, a topic and an alarm for it."""

    bench: Bench
    folder: Path

    def write(self, days: int, extra: str = "") -> None:
        group = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": days}}
        group |= {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
        (self.folder / "kept.json").write_text(json.dumps({"Resources": {"Group": group}}))
        (self.folder / "tapcfn.toml").write_text(
            f'account = "{self.bench.account}"\nbackend = "local"\n'
            f'region = "us-east-1"\ntermination_protection = false\n{extra}'
            '[stacks.kept]\ntemplate = "kept.json"\n'
        )

    def ring(self, state: str) -> None:
        cloudwatch = self.bench.client("cloudwatch")
        cloudwatch.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="told so")

    def run(self, command: str, *words: str) -> Result:
        self.bench.capture()
        code = run(NO_PACKAGE, [command, str(self.folder), *words])
        return Result(code, *self.bench.capture())


@pytest.fixture
def kept(bench: Bench, tmp_path: Path) -> Kept:
    made = Kept(bench, tmp_path / "kept")
    made.folder.mkdir()
    bench.client("iam").create_role(RoleName="works", AssumeRolePolicyDocument=json.dumps(TRUST))
    bench.client("sns").create_topic(Name="told")
    bench.client("cloudwatch").put_metric_alarm(
        AlarmName="errors",
        Namespace="Test",
        MetricName="errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    made.ring("OK")
    return made


OPTIONS = """\
rollback_alarms = ["arn:aws:cloudwatch:{region}:{account}:alarm:errors"]
rollback_minutes = 5
notification_arns = ["arn:aws:sns:{region}:{account}:told"]
service_role = "arn:aws:iam::{account}:role/works"
"""


def test_options_are_put_on_stacks_and_are_then_nothing_to_do(kept: Kept):
    """They are what the service tells of the stack; without them, the topics go and the role
    stays.
    """
    kept.write(7, OPTIONS)
    applied = kept.run("apply")
    assert 0 == applied.code, applied.err
    cloudformation = kept.bench.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="kept")["Stacks"]
    account = kept.bench.account
    assert [f"arn:aws:sns:us-east-1:{account}:told"] == stack["NotificationARNs"]
    assert f"arn:aws:iam::{account}:role/works" == stack["RoleARN"]
    assert 5 == stack["RollbackConfiguration"]["MonitoringTimeInMinutes"]
    assert 0 == kept.run("plan", "--detailed-exitcode").code

    kept.write(7)
    assert 0 == kept.run("apply").code
    (stack,) = cloudformation.describe_stacks(StackName="kept")["Stacks"]
    assert ([], f"arn:aws:iam::{account}:role/works") == (
        stack["NotificationARNs"],
        stack["RoleARN"],
    )
    assert 0 == kept.run("plan", "--detailed-exitcode").code


def test_an_alarm_that_rings_sends_an_update_back(kept: Kept):
    """Exit 1 with the alarm's name, and the stack is as it was."""
    kept.write(7, OPTIONS)
    assert 0 == kept.run("apply").code
    kept.write(14, OPTIONS)
    kept.ring("ALARM")

    failed = kept.run("apply")

    assert 1 == failed.code
    assert "alarm:errors is in ALARM state" in failed.err
    (group,) = kept.bench.client("logs").describe_log_groups()["logGroups"]
    assert 7 == group["retentionInDays"]
