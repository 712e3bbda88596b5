"""serverless_api moves: traffic to another Region, an API to another deployment. (S3-16, S3-24)"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tapcfn.cli.app import run as run_command
from tapcfn.local import server
from tests.end_to_end.conftest import Bench, Result
from tests.machine import read_line

PROJECT = Path(__file__).parents[2]
SOURCE, TARGET = "us-east-1", "us-west-2"
GIVE_UP = ("--confirm-point-of-no-return", "give-up-source")
ALL_OF_IT = ("sync", "shift-10", "shift-50", "shift-100", "monitor", "close-source", "retire")

SETTINGS: Mapping[str, Any] = {
    "backend": "local",
    "keep_data": True,
    "termination_protection": True,
    "team_name": "web",
    "environment": "local",
    "source_region": SOURCE,
    "target_region": TARGET,
    "allowed_cidr": "127.0.0.0/8",
    "shift": "staged",
    "traffic_shift_interval": 2,
}

# What fails a step: one of the alarms, or the check of the target.
ALARMS = ("ApiServerErrors", "ApiLatency", "FunctionErrors", "TableThrottles")


@dataclass
class Api:
    """The system in its own account of the local cloud, and what a person would do with it."""

    bench: Bench
    keys: dict[str, Any] = field(default_factory=dict)

    def settings(self, **keys: Any) -> None:
        """Write the settings, with these changed for good."""
        self.keys |= keys
        wanted = {**SETTINGS, "account": self.bench.account, **self.keys}
        lines = (f"{key} = {json.dumps(value)}" for key, value in wanted.items())
        self.bench.file.write_text("\n".join(lines) + "\n")

    def run(self, command: str, *words: str) -> Result:
        """Run a command on the system."""
        self.bench.capture()
        told = [command, "serverless_api", "--settings", str(self.bench.file), *words]
        return Result(run_command("templates.blueprints", told), *self.bench.capture())

    def apply(self, *words: str) -> Result:
        """Apply, in the language of programs."""
        return self.run("apply", "--json", *words)

    def done(self, *words: str) -> Result:
        """Apply what must work."""
        result = self.apply(*words)
        assert 0 == result.code, result.out[-3000:] + result.err
        return result

    def script(self, *measures: str) -> None:
        """Say how what is measured goes from now on; all is well, without a word."""
        measures = measures or ('alarm = "*"\ncourse = [[0, "OK"]]',)
        text = "\n".join(f'[[measure]]\naccount = "{self.bench.account}"\n{m}' for m in measures)
        server.inject(self.bench.root, text)

    def zone(self) -> dict[str, str]:
        """Make the zone of the records."""
        made = self.bench.client("route53").create_hosted_zone(
            Name="example.com", CallerReference="zone"
        )
        zone = str(made["HostedZone"]["Id"]).rpartition("/")[2]
        return {"hosted_zone_id": zone, "domain_name": "api.example.com"}

    # What is there --------------------------------------------------------------------------

    @property
    def weight(self) -> int:
        """What Route 53 gives the target, of 100."""
        found = self.bench.client("route53").list_resource_record_sets(
            HostedZoneId=self.keys["hosted_zone_id"]
        )
        weights = {
            each["SetIdentifier"]: each["Weight"]
            for each in found["ResourceRecordSets"]
            if "SetIdentifier" in each
        }
        assert 100 == sum(weights.values())
        return int(weights["new-region"])

    def stage(self, region: str) -> Mapping[str, Any]:
        """Return the stage of a Region's API, as the service tells it."""
        client = self.bench.client("apigateway", region)
        (api,) = client.get_rest_apis()["items"]
        (stage,) = client.get_stages(restApiId=api["id"])["item"]
        return dict(stage)

    def deployment(self, region: str, title: str) -> str:
        """Return the id of a deployment of a Region's stack."""
        found = self.bench.client("cloudformation", region).describe_stack_resource(
            StackName=f"local-serverless-api-app-{region}", LogicalResourceId=title
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    @property
    def state(self) -> Mapping[str, Any]:
        """Return all that is deployed: template, parameters, tags, outputs, byte by byte."""
        return {
            f"{region}/{stack['StackName']}": self._stack(region, stack)
            for region in (SOURCE, TARGET)
            for stack in self.bench.client("cloudformation", region).describe_stacks()["Stacks"]
        }

    def _stack(self, region: str, stack: Mapping[str, Any]) -> Mapping[str, Any]:
        client = self.bench.client("cloudformation", region)
        body = client.get_template(StackName=stack["StackName"])["TemplateBody"]
        text = body if isinstance(body, str) else json.dumps(body)
        told = {key: stack.get(key) for key in ("Parameters", "Tags", "Outputs")}
        return {**told, "template": hashlib.sha256(text.encode()).hexdigest()}

    @property
    def names(self) -> set[str]:
        """The layers that are deployed."""
        return {each.partition("/")[2].removeprefix("local-serverless-api-") for each in self.state}


@pytest.fixture
def api(bench: Bench) -> Api:
    """Return the system with a zone, before anything is deployed."""
    made = Api(bench)
    made.settings(**made.zone())
    server.inject(bench.root, "")
    return made


def moves(result: Result) -> list[tuple[str, bool, bool]]:
    """Return how each move ended: its name, whether it was taken back, whether it passed."""
    return [(each["move"], each["back"], each["passed"]) for each in result.of_type("move.end")]


# Traffic to another Region ------------------------------------------------------------------------


def test_acceptance_12_traffic_moves_step_by_step_and_the_source_is_given_up(api: Api) -> None:
    """S3-21, S3-24, O-10, O-11, O-13: to the end, and the rollout stands as settings alone say."""
    api.done()
    source = api.bench.client("s3")
    bucket = f"web-local-assets-{api.bench.account}-{SOURCE}"
    source.put_object(Bucket=bucket, Key="index.html", Body=b"hello")
    item = {"id": {"S": "one"}}
    api.bench.client("dynamodb").put_item(TableName="web-local-items", Item=item)
    counted = api.run("act", "--json", "--name", "compare-items")
    assert counted.of_type("op.end")[-1]["text"] == "1 items in both Regions"

    moved = api.done("--until", "monitor")

    assert [(name, False, True) for name in ALL_OF_IT[:5]] == moves(moved)
    assert 100 == api.weight
    refused = api.apply("--no-input", "--until", "retire")
    assert (2, 100) == (refused.code, api.weight)
    assert "--confirm-point-of-no-return give-up-source" in refused.lines[-2]["message"]

    given_up = api.done("--until", "retire", *GIVE_UP, "--lift-protection")

    assert [("close-source", False, True), ("retire", False, True)] == moves(given_up)
    assert {"api-account-us-west-2", "data", "app-us-west-2", "dns"} == api.names
    table = api.bench.client("dynamodb", TARGET).describe_table(TableName="web-local-items")
    assert [] == table["Table"].get("Replicas", [])
    assert b"hello" == source.get_object(Bucket=bucket, Key="index.html")["Body"].read()
    back = api.apply("--back-to", "shift-100")
    assert (4, 100) == (back.code, api.weight)
    assert "close-source cannot be taken back: the source's API" in back.lines[-2]["message"]
    api.settings(enable_cross_region_replication=False)
    assert 0 == api.run("plan", "--detailed-exitcode").code


@pytest.mark.drill
def test_every_step_goes_back_and_a_gate_that_fails_takes_its_own_back(api: Api) -> None:
    """S3-21, O-11: the weights of the last good step, exit 1, the samples; then the first state."""
    api.done()
    first = api.state
    api.done("--until", "shift-10")
    ten = api.state
    api.script('alarm = "*ApiServerErrors*"\nreason = "too many"\ncourse = [[0, "ALARM"]]')

    failed = api.apply("--until", "shift-100")

    assert (1, 10) == (failed.code, api.weight)
    assert [("shift-50", False, False), ("shift-50", True, True)] == moves(failed)
    gate = next(each for each in failed.of_type("gate") if each["verdict"] == "failed")
    assert ("quiet-us-west-2", False) == (gate["name"], gate["samples"][-1]["good"])
    assert "too many" in gate["samples"][-1]["text"]
    assert ten == api.state
    api.script()
    api.done("--until", "shift-50")
    back = moves(api.done("--back-to", "base"))
    assert [("shift-50", True, True), ("shift-10", True, True), ("sync", True, True)] == back
    assert (first, 0) == (api.state, api.weight)


EVENTS = ("move.start", "op.start", "op.end", "gate", "move.end")
STEPS = ("sync", "shift-10", "shift-50", "shift-100", "monitor")
BAD = {
    alarm: f'alarm = "*{alarm}*"\nregion = "{TARGET}"\ncourse = [[0, "ALARM"]]' for alarm in ALARMS
}
BAD["health check"] = 'health_check = "*.execute-api.us-west-2.*"\ncourse = [[0, "unhealthy"]]'
LATE = {
    "items": 'metric = "ReplicationLatency"\nnamespace = "AWS/DynamoDB"\ncourse = [[0, 9000]]',
    "objects": 'metric = "OperationsPendingReplication"\nnamespace = "AWS/S3"\ncourse = [[0, 7]]',
}


@pytest.mark.drill
@pytest.mark.parametrize(
    ("step", "what"),
    [
        *(("sync", each) for each in LATE),
        *((step, each) for step in STEPS[1:] for each in BAD),
        ("monitor", "items"),
    ],
)
def test_each_gate_fails_each_step(api: Api, step: str, what: str) -> None:
    """O-10, O-11: what stands then is the step before, and what decided is told."""
    before = ("base", *STEPS)[STEPS.index(step)]
    words = ("--until", before) if before != "base" else ()
    if step == "monitor":  # what it watches is the last shift
        api.done("--until", "shift-50")
        stood = api.state
        api.done(*words)
    else:
        api.done(*words)
        stood = api.state
    api.script({**BAD, **LATE}[what])

    failed = api.apply("--until", step)

    assert 1 == failed.code
    assert (step, False, False) == moves(failed)[0]
    ends = {"sync": 1, "monitor": 3}.get(step, 2)
    assert (ends, stood) == (len(moves(failed)), api.state)
    (gate,) = (each for each in failed.of_type("gate") if each["verdict"] == "failed")
    assert gate["samples"][-1]["good"] is not True
    api.script()
    api.done("--until", step)


@pytest.mark.drill
def test_no_data_is_no_pass(api: Api) -> None:
    """O-10: nobody has written to the table for an hour, and nothing moves."""
    api.done()
    dimensions = {"TableName": "web-local-items", "ReceivingRegion": TARGET}
    api.bench.client("cloudwatch").put_metric_data(
        Namespace="AWS/DynamoDB",
        MetricData=[
            {
                "MetricName": "ReplicationLatency",
                "Dimensions": [{"Name": key, "Value": dimensions[key]} for key in dimensions],
                "Timestamp": datetime.now(UTC) - timedelta(hours=1),
                "Value": 100,
            }
        ],
    )

    failed = api.apply("--until", "shift-10")

    assert (1, 0) == (failed.code, api.weight)
    gate = next(each for each in failed.of_type("gate") if each["verdict"] == "failed")
    assert "no data of AWS/DynamoDB ReplicationLatency" in gate["reason"]


@pytest.mark.drill
@pytest.mark.parametrize("step", STEPS)
def test_each_step_can_be_taken_back(api: Api, step: str) -> None:
    """S3-21: to the very state before it, and to the first."""
    states = {"base": (api.done(), api.state)[1]}
    for each in STEPS[: STEPS.index(step) + 1]:
        api.done("--until", each)
        states[each] = api.state

    api.done("--back-to", list(states)[-2])

    assert list(states.values())[-2] == api.state
    api.done("--back-to", "base")
    assert states["base"] == api.state


@pytest.mark.drill
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("move", ALL_OF_IT)
def test_a_run_that_is_killed_is_taken_up(api: Api, move: str, event: str) -> None:
    """O-11: whenever it dies, the same command leads on, and the end is the same."""
    api.done()
    words = ("--until", "retire", *GIVE_UP, "--lift-protection")
    _kill_at(api, move, event, *words)

    api.done(*words)

    assert {"api-account-us-west-2", "data", "app-us-west-2", "dns"} == api.names
    api.settings(enable_cross_region_replication=False)
    assert 0 == api.run("plan", "--detailed-exitcode").code


@pytest.mark.drill
@pytest.mark.parametrize("event", EVENTS)
def test_a_way_back_that_is_killed_in_each_move_ends_where_it_began(api: Api, event: str) -> None:
    """S3-21: five processes die, the last one ends it; templates, parameters, weights are equal."""
    api.done()
    first = api.state
    api.done("--until", "monitor")
    for move in STEPS[::-1]:
        _kill_at(api, move, event, "--back-to", "base")

    api.done("--back-to", "base")

    assert (first, 0) == (api.state, api.weight)
    assert '"here":"base"' in api.run("phases", "--json").out.replace(" ", "")
    api.done("--until", "shift-10")


def _kill_at(api: Api, move: str, event: str, *words: str) -> None:
    """Apply in a process of its own, and kill it at the first such event of a move."""
    told = ["apply", "serverless_api", "--settings", str(api.bench.file), "--json", *words]
    process = subprocess.Popen(
        [sys.executable, str(PROJECT / "deploy.py"), *told],
        cwd=api.bench.root,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    here = ""
    for line in process.stdout:
        said = read_line(line)
        here = said["move"] if said["type"] == "move.start" else here
        if here == move and said["type"] == event:
            break
        if said["type"] == "move.end" and said["move"] == move:
            break  # a move without such an event
    process.kill()
    process.communicate(timeout=60)


# An API to another deployment ---------------------------------------------------------------------


@pytest.fixture
def canary(api: Api) -> Api:
    """Return the system with routes that are to be tried against those that are served."""
    api.settings(hosted_zone_id="", domain_name="", keep_data=False, termination_protection=False)
    api.done()
    (served,) = {each["DeploymentName"] for each in _outputs(api)}
    api.settings(proxy_routes=True, baseline_deployment=served, migration_mode="canary")
    api.done()
    return api


def _outputs(api: Api) -> list[Mapping[str, str]]:
    return [
        {each["OutputKey"]: each["OutputValue"] for each in told["Outputs"]}
        for name, told in api.state.items()
        if "-app-" in name
    ]


def _percents(api: Api) -> list[float | None]:
    canaries = [api.stage(region).get("canarySettings") or {} for region in (SOURCE, TARGET)]
    return [each.get("percentTraffic") for each in canaries]


@pytest.mark.drill
def test_s3_16_a_canary_is_tried_aborted_and_promoted(canary: Api) -> None:
    """S3-16, O-12: shares, back to nothing, and both stages serve the new deployment alone."""
    base, old = canary.state, canary.stage(TARGET)["deploymentId"]
    assert [None, None] == _percents(canary)
    canary.done("--until", "canary")
    assert [10.0, 10.0] == _percents(canary)
    canary.done("--back-to", "base")
    assert (base, old) == (canary.state, canary.stage(TARGET)["deploymentId"])
    assert [None, None] == _percents(canary)  # which no template takes off
    canary.script('alarm = "*ApiLatency*"\nregion = "us-east-1"\ncourse = [[0, "ALARM"]]')
    words = ("--until", "promote", "--confirm-point-of-no-return", "promote-the-canary")
    failed = canary.apply(*words)
    assert (1, [0.0, 0.0]) == (failed.code, _percents(canary))
    canary.script()

    promoted = canary.done(*words)

    steps = ["canary", "watch", "canary-100", "promote"]
    assert steps == [name for name, _, _ in moves(promoted)]
    canary.settings(migration_mode="blue_green", baseline_deployment="")
    assert 0 == canary.run("plan", "--detailed-exitcode").code
    for told in _outputs(canary):
        region = SOURCE if SOURCE in told["ApiUrl"] else TARGET
        stage = canary.stage(region)
        assert canary.deployment(region, told["DeploymentName"]) == stage["deploymentId"]
    assert [None, None] == _percents(canary)
    assert old != canary.stage(TARGET)["deploymentId"]


@pytest.mark.drill
def test_s3_16_one_canary_is_given_up_and_the_next_one_promoted_with_what_was_kept(
    api: Api,
) -> None:
    """S3-16, C-6: logs that are kept are in nobody's way; what a template drops, act takes off."""
    api.settings(hosted_zone_id="", domain_name="", keep_data=True)
    api.done()
    words = ("--until", "promote", "--confirm-point-of-no-return", "promote-the-canary")
    for options in ({"proxy_routes": True}, {"usage_plan": True}):
        (served,) = {each["DeploymentName"] for each in _outputs(api)}
        api.settings(**options, baseline_deployment=served, migration_mode="canary")
        api.done("--until", "canary")
        old = api.stage(TARGET)["deploymentId"]

        api.settings(migration_mode="blue_green")
        api.done()
        assert [10.0, 10.0] == _percents(api)  # the template has none any more
        for region in (TARGET, SOURCE):
            assert 0 == api.run("act", "--name", f"remove-canary-{region}", "--yes").code
        assert ([None, None], old) == (_percents(api), api.stage(TARGET)["deploymentId"])

        api.settings(migration_mode="canary")
        api.done(*words)
        api.settings(migration_mode="blue_green", baseline_deployment="")
        assert 0 == api.run("plan", "--detailed-exitcode").code
        assert ([None, None], True) == (_percents(api), old != api.stage(TARGET)["deploymentId"])


PROMOTED = ("--until", "promote", "--confirm-point-of-no-return", "promote-the-canary")


def _trial(api: Api) -> list[str]:
    """Return the names of the moves to another deployment."""
    (told,) = api.run("phases", "--json").of_type("phases")
    return list(told["moves"][1:])


def _served(api: Api) -> Mapping[str, Any]:
    """Return all that a way back must find again: stacks, and what each stage serves."""
    stages = {region: api.stage(region) for region in (SOURCE, TARGET)}
    told = {
        region: (stage["deploymentId"], (stage.get("canarySettings") or {}).get("percentTraffic"))
        for region, stage in stages.items()
    }
    return {"stages": told, **api.state}


@pytest.mark.drill
def test_s3_16_each_step_of_a_canary_can_be_taken_back_until_it_is_promoted(canary: Api) -> None:
    """S3-16, S3-21: to the very state before it, step by step; after that it is refused."""
    names = ["base", *_trial(canary)]
    states = [_served(canary)]
    for each in names[1:-1]:
        canary.done("--until", each)
        states.append(_served(canary))
    for number in range(len(states) - 2, -1, -1):
        canary.done("--back-to", names[number])
        assert states[number] == _served(canary), names[number]

    canary.done(*PROMOTED)

    refused = canary.apply("--back-to", "base")
    assert 4 == refused.code
    said = refused.of_type("diagnostic")[-1]["message"]
    assert "promote cannot be taken back: the stages serve the new deployment" in said


@pytest.mark.drill
@pytest.mark.parametrize("event", EVENTS)
def test_s3_16_a_canary_whose_runs_are_killed_ends_all_the_same(canary: Api, event: str) -> None:
    """S3-16, O-12: in each move on the way back, and again on the way there."""
    names, first = _trial(canary), _served(canary)
    canary.done("--until", names[-2])
    for move in names[-2::-1]:
        _kill_at(canary, move, event, "--back-to", "base")
    canary.done("--back-to", "base")
    assert first == _served(canary)
    for move in names:
        _kill_at(canary, move, event, *PROMOTED)

    canary.done(*PROMOTED)

    canary.settings(migration_mode="blue_green", baseline_deployment="")
    assert 0 == canary.run("plan", "--detailed-exitcode").code
    assert [None, None] == _percents(canary)
    assert all(
        first["stages"][region][0] != _served(canary)["stages"][region][0]
        for region in (SOURCE, TARGET)
    )
