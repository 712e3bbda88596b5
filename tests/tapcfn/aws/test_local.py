"""The adapter against the local cloud: the same port, with nothing queued and nothing cut."""

import pytest

from tapcfn.aws.cloud import AwsCloud
from tapcfn.aws.session import Clients, on_local_cloud
from tapcfn.cli.clock import WallClock
from tapcfn.errors import StaleError
from tapcfn.model import StackStatus, Target
from tests.fakes.builders import a_stack, a_template
from tests.local_cloud import fresh_account, local_cloud, until
from tests.tapcfn.aws.wire import a_request

__all__ = ["local_cloud"]

BUCKET = {"Logs": {"Type": "AWS::S3::Bucket"}}


@pytest.fixture
def here():
    return Target(fresh_account(), "eu-west-1")


@pytest.fixture
def clients(local_cloud):
    return Clients(on_local_cloud(local_cloud.url))


@pytest.fixture
def cloud(clients):
    return AwsCloud(clients, WallClock(), "artifacts-{account}-{region}")


def settled(cloud, stack_id, here):
    return until(
        lambda: (seen := cloud.stack(stack_id, here)) and not seen.status.is_moving and seen
    )


def deploy(cloud, here, **request):
    made = cloud.stage(request.pop("order"))
    cloud.execute(made, here, "tapcfn-x")
    return settled(cloud, made.stack_id, here)


def test_a_change_set_is_staged_again_under_its_token_and_discarded(cloud, here):
    """The second call finds the first one's change set; discarded, it takes the shell along."""
    request = a_request(a_stack(target=here, resources=BUCKET))

    first, second = cloud.stage(request), cloud.stage(request)
    cloud.discard(first, here)

    assert ["Logs"] == [change.logical_id for change in first.changes]
    assert first == second
    assert cloud.change_set(first.arn, here) is None
    assert {} == cloud.stacks(here)


def test_a_stack_lives_and_dies(cloud, here):
    """Created, found unchanged, told of by token, looked into, emptied and deleted."""
    stack = a_stack(target=here, resources=BUCKET, outputs=["Logs"])
    request = a_request(stack)
    made = cloud.stage(request)
    cloud.execute(made, here, "tapcfn-x")
    cloud.execute(made, here, "tapcfn-x")
    deployed = settled(cloud, made.stack_id, here)
    again = cloud.stage(a_request(stack, create=False, token="tapcfn-t2"))
    ((kind, bucket),) = cloud.resources(made.stack_id, here).values()
    told = cloud.events(made.stack_id, here, "tapcfn-x")
    held = cloud.holds_objects(bucket, here)
    cloud.delete(made.stack_id, here, "tapcfn-d")
    cloud.delete(made.stack_id, here, "tapcfn-d")

    assert StackStatus.CREATE_COMPLETE is deployed.status
    assert again.empty
    assert stack.template.text == cloud.template(made.stack_id, here)
    assert ("AWS::S3::Bucket", {"Logs": bucket}, False) == (kind, deployed.outputs, held)
    assert ("CREATE_IN_PROGRESS", "CREATE_COMPLETE") == (told[0].status, told[-1].status)
    assert StackStatus.DELETE_COMPLETE is settled(cloud, made.stack_id, here).status


def test_a_bucket_is_emptied(cloud, clients, here):
    """Versions and delete markers; the answer counts them."""
    s3 = clients("s3", here)
    s3.create_bucket(
        Bucket=f"full-{here.account}",
        CreateBucketConfiguration={"LocationConstraint": here.region},
    )
    s3.put_bucket_versioning(
        Bucket=f"full-{here.account}", VersioningConfiguration={"Status": "Enabled"}
    )
    for _ in range(2):
        s3.put_object(Bucket=f"full-{here.account}", Key="a", Body=b"x")
    s3.delete_object(Bucket=f"full-{here.account}", Key="a")

    assert cloud.holds_objects(f"full-{here.account}", here)
    assert 3 == cloud.empty(f"full-{here.account}", here)
    assert not cloud.holds_objects(f"full-{here.account}", here)


def test_a_large_template_is_handed_over_through_a_bucket(cloud, clients, here):
    """The bucket is made, and the second time neither it nor the object is."""
    stack = a_stack(
        target=here,
        template=a_template(resources=BUCKET, outputs=["Logs"], Metadata={"x": "x" * 51_200}),
    )
    cloud.prepare(stack)
    before = clients.calls
    cloud.prepare(stack)
    once = clients.calls - before

    deployed = deploy(cloud, here, order=a_request(stack))

    assert 1 == once
    assert StackStatus.CREATE_COMPLETE is deployed.status
    assert stack.template.text == cloud.template(deployed.stack_id, here)


def test_a_change_set_is_not_carried_out_after_another(cloud, here):
    """The other one has made it obsolete; a person must look again."""
    deployed = deploy(
        cloud, here, order=a_request(a_stack(target=here, resources=BUCKET), token="tapcfn-t0")
    )
    updates = [
        cloud.stage(
            a_request(
                a_stack(target=here, resources={**BUCKET, name: {"Type": "AWS::SNS::Topic"}}),
                create=False,
                token=f"tapcfn-{name}",
            )
        )
        for name in ("One", "Two")
    ]
    cloud.execute(updates[0], here, "tapcfn-1")
    settled(cloud, deployed.stack_id, here)

    with pytest.raises(StaleError, match="^network: the change set is .*; plan again$"):
        cloud.execute(updates[1], here, "tapcfn-2")


def test_the_caller_is_the_account(cloud, here):
    """The local cloud believes the access key; zones are those of the Region."""

    assert here.account == cloud.caller(here)
    assert ["eu-west-1"] == sorted({zone[:-1] for zone in cloud.zones(here)})
