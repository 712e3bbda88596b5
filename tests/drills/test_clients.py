"""Many clients at once: the local cloud answers all of them, and refuses nothing that is right."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tapcfn.local import server
from tests.local_cloud import fresh_account, local_cloud

__all__ = ["local_cloud"]

CLIENTS = 16
TEMPLATE = (
    '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, "Queue": {"Type": "AWS::SQS::Queue"}}}'
)


SECONDS = 60


@pytest.mark.drill
def test_sixteen_clients_at_once_meet_no_error_of_the_servers(local_cloud: server.LocalCloud):
    """Each creates, describes, updates and deletes stacks of its own; nobody gets a 5xx."""
    acts = [_one_round(local_cloud.url) for _ in range(CLIENTS)]
    end = time.monotonic() + SECONDS
    faults: Counter[str] = Counter()
    rounds: Counter[int] = Counter()
    lock = threading.Lock()

    def work(number: int) -> None:
        act = acts[number]
        while time.monotonic() < end:
            try:
                act()
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                with lock:
                    faults[f"{status} {error}"] += 1
            with lock:
                rounds[number] += 1

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, range(CLIENTS)))

    assert Counter() == faults
    assert CLIENTS == len(rounds)


def _one_round(url: str) -> Callable[[], None]:
    client = boto3.session.Session().client(
        "cloudformation",
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id=fresh_account(),
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def act() -> None:
        stack = client.create_stack(StackName="mine", TemplateBody=TEMPLATE)["StackId"]
        _settle(client, stack)
        client.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])
        client.describe_stack_events(StackName=stack)
        client.delete_stack(StackName=stack)
        _settle(client, stack)

    return act


def _settle(client, stack: str) -> None:
    for _ in range(3000):
        status = client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            return
        time.sleep(0.01)
    raise AssertionError(f"{stack} never settles")
