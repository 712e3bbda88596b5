"""A process whose folder is gone, or another's: it ends in good order, and writes nothing there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapcfn.local import record, server
from tests.local_cloud import Aws, deploy, fresh_account, resource, template

PATIENCE = 20.0
IN_ORDER = 0


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[server.LocalCloud]:
    """Run a cloud, in a folder of its own, that holds a stack and an object not yet saved."""
    cloud = server.start(tmp_path, speed=0)
    aws = Aws(cloud.url, fresh_account())
    aws.client("s3").create_bucket(Bucket="kept")
    deploy(aws.client("cloudformation"), "shop", template({"Topic": resource("SNS::Topic")}))
    yield cloud
    server.stop(tmp_path, settle=0)


def test_a_deleted_folder_ends_its_cloud(cloud: server.LocalCloud, tmp_path: Path) -> None:
    """It notices within seconds, and does not bring the folder back."""
    shutil.rmtree(tmp_path / ".tapcfn")

    assert IN_ORDER == record.CHILDREN[cloud.pid].wait(PATIENCE)
    assert not (tmp_path / ".tapcfn").exists()


@pytest.mark.drill
def test_a_folder_that_another_took_over_is_left_to_it(
    cloud: server.LocalCloud, tmp_path: Path
) -> None:
    """A new cloud starts in a new folder of the same name; what it holds is not written over."""
    shutil.rmtree(tmp_path / ".tapcfn")
    other = server.start(tmp_path, speed=0)
    first = record.CHILDREN[cloud.pid]

    assert IN_ORDER == first.wait(PATIENCE)
    assert other == server.find(tmp_path)
    assert [] == Aws(other.url, fresh_account()).client("s3").list_buckets()["Buckets"]
    assert not list((tmp_path / ".tapcfn").rglob("cloudformation.json"))


@pytest.mark.drill
def test_one_that_is_known_goes_on(cloud: server.LocalCloud) -> None:
    """Several looks have found the record by now, and it still runs."""
    ended = record.until(lambda: not record.alive(cloud.pid), 3.5)

    assert not ended
    assert cloud == server.find(cloud.state.parents[1])
