"""Buckets that stand in the way of a deletion."""

import pytest

from tapcfn.aws import buckets
from tapcfn.errors import CloudError, StillRunningError
from tests.tapcfn.aws.wire import HERE

LOGS = {"Bucket": "logs"}


@pytest.fixture
def s3(wires):
    return wires.to("s3")


def version(key, number="1"):
    return {"Key": key, "VersionId": number}


def lists(s3, *versions, markers=(), then=None, **request):
    page = {"Versions": list(versions), "DeleteMarkers": list(markers), "IsTruncated": bool(then)}
    follow = {"NextKeyMarker": then, "NextVersionIdMarker": "v"} if then else {}
    s3.answers("list_object_versions", page | follow, **LOGS, **request)


def deletes(s3, *objects, **answer):
    order = {"Objects": list(objects), "Quiet": True}
    s3.answers("delete_objects", answer, **LOGS, Delete=order)


def uploads(s3, *ids, then=None, **request):
    page = {"Uploads": [{"Key": "k", "UploadId": each} for each in ids], "IsTruncated": bool(then)}
    follow = {"NextKeyMarker": then, "NextUploadIdMarker": "u"} if then else {}
    s3.answers("list_multipart_uploads", page | follow, **LOGS, **request)


@pytest.mark.parametrize(
    ("page", "holds"),
    [
        ({"Versions": [version("a")]}, True),
        ({"DeleteMarkers": [version("a")]}, True),
        ({"IsTruncated": True}, True),
        ({}, False),
    ],
)
def test_a_bucket_holds_whatever_would_stop_its_deletion(s3, page, holds):
    """A version, a delete marker, or more than the first page shows."""
    s3.answers("list_object_versions", page, **LOGS, MaxKeys=1)

    assert holds is buckets.holds_objects(s3.client, "logs", HERE)


def test_a_bucket_that_is_gone_holds_nothing(s3):
    """It stands in nobody's way."""
    s3.refuses("list_object_versions", "NoSuchBucket", 404, **LOGS, MaxKeys=1)

    assert not buckets.holds_objects(s3.client, "logs", HERE)


def test_a_bucket_that_may_not_be_read_is_an_error(s3):
    """Not knowing is not empty."""
    s3.refuses("list_object_versions", "AccessDenied", 403, **LOGS, MaxKeys=1)

    with pytest.raises(CloudError, match=r"^logs \(111122223333/eu-west-1\): ListObjectVersions"):
        buckets.holds_objects(s3.client, "logs", HERE)


def test_versions_markers_and_uploads_all_go(s3):
    """Page by page, and the answer counts them."""
    lists(s3, version("a", "1"), version("a", "2"), then="b")
    deletes(s3, version("a", "1"), version("a", "2"))
    lists(s3, markers=[version("b")], KeyMarker="b", VersionIdMarker="v")
    deletes(s3, version("b"))
    uploads(s3, "u1", then="k")
    s3.answers("abort_multipart_upload", {}, **LOGS, Key="k", UploadId="u1")
    uploads(s3, "u2", KeyMarker="k", UploadIdMarker="u")
    s3.answers("abort_multipart_upload", {}, **LOGS, Key="k", UploadId="u2")

    assert 5 == buckets.empty(s3.client, "logs", HERE)


def test_no_more_than_a_thousand_objects_go_at_once(s3):
    """That is what one request may name, however long a page is."""
    many = [version(f"k{number}") for number in range(2001)]
    lists(s3, *many)
    deletes(s3, *many[:1000])
    deletes(s3, *many[1000:2000])
    deletes(s3, *many[2000:])
    uploads(s3)

    assert 2001 == buckets.empty(s3.client, "logs", HERE)


def test_an_empty_bucket_is_left_alone(s3):
    """No request to delete nothing."""
    lists(s3)
    uploads(s3)

    assert 0 == buckets.empty(s3.client, "logs", HERE)


def test_what_cannot_be_deleted_is_named(s3):
    """How many stay, one of them, and why."""
    lists(s3, version("a"), version("b"), version("c"))
    refused = [
        {"Key": "b", "Code": "AccessDenied", "Message": "is locked"},
        {"Key": "c", "Code": "InternalError"},
    ]
    deletes(s3, version("a"), version("b"), version("c"), Errors=refused)

    with pytest.raises(CloudError) as error:
        buckets.empty(s3.client, "logs", HERE)

    assert (
        "logs: 2 of 3 objects can't be deleted, the first of them b: is locked [AccessDenied]"
    ) == str(error.value)


def test_a_bucket_that_goes_meanwhile_is_empty(s3):
    """Somebody deletes it between two pages; what we deleted still counts."""
    lists(s3, version("a"), then="b")
    deletes(s3, version("a"))
    s3.refuses(
        "list_object_versions", "NoSuchBucket", 404, **LOGS, KeyMarker="b", VersionIdMarker="v"
    )

    assert 1 == buckets.empty(s3.client, "logs", HERE)


def test_an_upload_that_ends_meanwhile_is_no_error(s3):
    """Whoever ended it, it is gone."""
    lists(s3)
    uploads(s3, "u1")
    s3.refuses("abort_multipart_upload", "NoSuchUpload", 404, **LOGS, Key="k", UploadId="u1")

    assert 1 == buckets.empty(s3.client, "logs", HERE)


def test_an_upload_that_stays_is_an_error(s3):
    """The bucket is not empty then."""
    lists(s3)
    uploads(s3, "u1")
    s3.refuses("abort_multipart_upload", "AccessDenied", 403, **LOGS, Key="k", UploadId="u1")

    with pytest.raises(CloudError, match="AbortMultipartUpload was refused"):
        buckets.empty(s3.client, "logs", HERE)


def test_an_interrupt_ends_it_between_two_pages(s3):
    """A million objects take longer than anybody waits after Ctrl-C. (X-35)"""
    lists(s3, version("a"), then="a")
    deletes(s3, version("a"))
    lists(s3, version("b"), KeyMarker="a", VersionIdMarker="v")
    asked = iter([False, True])

    with pytest.raises(StillRunningError, match="logs: 1 versions deleted, not yet all"):
        buckets.empty(s3.client, "logs", HERE, lambda: next(asked))
