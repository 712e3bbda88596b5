"""Empties a bucket when it is about to be deleted, as far as the time goes."""

import contextlib
from typing import Any

import boto3
import cfnresponse

# Milliseconds that are kept for the answer.
SPARE = 30_000

s3 = boto3.client("s3")


class OutOfTimeError(Exception):
    """There is still something in the bucket."""


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens.

    The physical id is the bucket's name. When the bucket is replaced, the old one gets a Delete
    with the old properties.
    """
    bucket = event["ResourceProperties"]["BucketName"]
    try:
        if event["RequestType"] == "Delete":
            empty(bucket, context)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:1000]
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, bucket, reason=reason)
    else:
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {}, bucket)


def empty(bucket: str, context: Any) -> None:
    """Delete all versions and delete markers, then what was being uploaded in parts."""
    with contextlib.suppress(s3.exceptions.NoSuchBucket):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            delete(bucket, page)
            check(bucket, context)
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", []):
                s3.abort_multipart_upload(
                    Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
            check(bucket, context)


def delete(bucket: str, page: dict[str, Any]) -> None:
    """Delete one page of versions: at most 1,000, which is what one call takes."""
    found = page.get("Versions", []) + page.get("DeleteMarkers", [])
    keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
    if not keys:
        return
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    for error in answer.get("Errors", []):
        raise PermissionError(f"{error['Key']}: {error.get('Message', error['Code'])}")


def check(bucket: str, context: Any) -> None:
    """Raise while there is still time to answer."""
    if context.get_remaining_time_in_millis() < SPARE:
        raise OutOfTimeError(f"{bucket} holds more than one run can delete; delete the stack again")
