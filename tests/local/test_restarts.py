"""What the local cloud holds outlives a stop, and nothing outlives a reset."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from tapcfn.local import record, server
from tests.local.stack_sets.fleet import (
    NAME,
    Fleet,
    create_set,
    fleet,
    instance,
    instances,
    operate,
    operation,
    parameters,
    with_parameters,
)
from tests.local_cloud import AWAY, Aws, deploy, outputs, physical_ids, resource, settled, template

TOKEN = "kept"


@dataclass(frozen=True, slots=True)
class Lives:
    """One cloud before its stop and after it."""

    first: server.LocalCloud
    second: server.LocalCloud
    sets: Fleet
    told: tuple[object, ...]

    @property
    def aws(self) -> Aws:
        """The account that holds everything but stack sets."""
        return Aws(self.second.url, server.DEFAULT_ACCOUNT)


def network(**more: object) -> str:
    return template({"Vpc": resource("EC2::VPC", {"CidrBlock": "10.0.0.0/16", **more})})


def topic(name: str) -> str:
    return template({"Topic": resource("SNS::Topic", {"TopicName": name})})


def about_sets(sets: Fleet) -> tuple[object, ...]:
    """Return what a cloud tells of its stack sets."""
    described = sets.cfn.describe_stack_set(StackSetName=NAME)["StackSet"]
    begun = sets.cfn.list_stack_set_operations(StackSetName=NAME)["Summaries"][0]["OperationId"]
    return described, instances(sets), instance(sets, sets.accounts[0]), operation(sets, begun)


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    """Fill a cloud, stop it, and start it again."""
    root = tmp_path_factory.mktemp("lives")
    first = server.start(root, speed=0)
    aws = Aws(first.url, server.DEFAULT_ACCOUNT)
    aws.client("s3").create_bucket(Bucket="kept-bucket")
    cloudformation = aws.client("cloudformation")
    deploy(cloudformation, "net", network())
    cloudformation.create_stack(
        StackName="named", TemplateBody=topic("one"), ClientRequestToken=TOKEN
    )
    settled(cloudformation, "named")
    api = aws.client("globalaccelerator", AWAY)
    api.create_accelerator(Name="kept", IdempotencyToken="1")
    sets = fleet(first)
    create_set(sets, with_parameters(Size="1"))
    operate(sets, "create_stack_instances", ParameterOverrides=parameters({"Size": "2"}))
    told = physical_ids(cloudformation, "net"), *about_sets(sets)
    server.stop(root)
    second = server.start(root, speed=0)
    yield Lives(first, second, Fleet(second.url, sets.admin, sets.accounts), told)
    server.stop(root, settle=0)


@pytest.mark.drill
def test_another_process_serves_the_same_place(lives: Lives):
    """The URL is the one of before; the process that was stopped is gone."""
    assert lives.second.url == lives.first.url
    assert lives.second.pid != lives.first.pid
    with pytest.raises(ProcessLookupError):
        os.kill(lives.first.pid, 0)


def test_objects_and_stacks_are_there(lives: Lives):
    """They are what they were, and a stack can be updated."""
    cloudformation = lives.aws.client("cloudformation")
    updated = deploy(cloudformation, "net", network(EnableDnsHostnames=True))
    found = lives.aws.client("s3").list_buckets()["Buckets"]

    assert [each["Name"] for each in found] == ["kept-bucket"]
    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert physical_ids(cloudformation, "net") == lives.told[0]


def test_services_that_the_emulator_lacks_have_kept_theirs(lives: Lives):
    """What our own store holds is saved and loaded with everything else."""
    api = lives.aws.client("globalaccelerator", AWAY)

    assert [each["Name"] for each in api.list_accelerators()["Accelerators"]] == ["kept"]


def test_tokens_are_known(lives: Lives):
    """They stand in the saved state with their stack."""
    with pytest.raises(ClientError) as refused:
        lives.aws.client("cloudformation").update_stack(
            StackName="named", TemplateBody=topic("two"), ClientRequestToken=TOKEN
        )

    assert refused.value.response["Error"]["Code"] == "TokenAlreadyExistsException"


def test_stack_sets_are_there(lives: Lives):
    """Set, instances, overrides and operations are the same, and work."""
    assert about_sets(lives.sets) == lives.told[1:]

    body = with_parameters(Size="5", More="m")
    done = operate(lives.sets, "update_stack_set", TemplateBody=body)

    assert done["Status"] == "SUCCEEDED"
    assert outputs(lives.sets.stack(lives.sets.accounts[0], AWAY)) == {"Size": "2", "More": "m"}


def test_a_reset_empties_it(lives: Lives):
    """Reset forgets everything, whether the cloud runs or not."""
    root = lives.second.state.parents[1]
    server.reset(root)
    api = lives.aws.client("globalaccelerator", AWAY)

    assert lives.aws.client("s3").list_buckets()["Buckets"] == []
    assert lives.aws.client("cloudformation").list_stacks()["StackSummaries"] == []
    assert api.list_accelerators()["Accelerators"] == []
    assert lives.sets.cfn.list_stack_sets()["Summaries"] == []

    lives.aws.client("s3").create_bucket(Bucket="kept-bucket")
    server.stop(root)
    saved = [folder for folder in record.data_folders(lives.second.state) if folder.exists()]

    assert saved

    server.reset(root)

    assert [folder for folder in saved if folder.exists()] == []
