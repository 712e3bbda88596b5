"""Hand large templates to CloudFormation through S3, named by what is in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tapcfn.aws.calls import code_of, told
from tapcfn.aws.session import is_loopback
from tapcfn.errors import BlockedError, CloudError
from tapcfn.model import Target, TemplateBody

# The service takes this many bytes in the request itself.
INLINE_LIMIT = 51_200

_ABSENT = frozenset({"404", "NoSuchBucket", "NoSuchKey", "NotFound"})
_DENIED = frozenset({"403", "AccessDenied", "Forbidden"})


def hand_over(
    client: Any, template: TemplateBody, target: Target, pattern: str | None
) -> Mapping[str, str]:
    """Upload a large template unless it is there, and return how to name it in a request.

    Raises `BlockedError` where there is no bucket that it can go to, saying how to make one, and
    `CloudError` where the bucket lets nobody in: units of other places go on. (X-34)
    """
    bucket = bucket_of(template, target, pattern)
    key = f"templates/{template.digest}.json"
    with told(f"artifact bucket {bucket}", target):
        try:
            _upload(client, template, target, key, **_place(bucket, target, pattern))
        except ClientError as error:
            if code_of(error) not in _DENIED:
                raise
            raise CloudError(
                f"{template.layer}: {error.operation_name} was denied in the artifact bucket "
                f"{bucket}; s3:ListBucket, s3:GetObject and s3:PutObject are needed there, and "
                f"the bucket must be the account's own ({target})",
                code=code_of(error),
                lasting=True,
            ) from error
    return {"TemplateURL": _url(client.meta.endpoint_url, bucket, key)}


def fault(client: Any, template: TemplateBody, target: Target, pattern: str | None) -> str:
    """Say why a large template cannot be uploaded, as far as reading tells; or nothing."""
    bucket = bucket_of(template, target, pattern)
    with told(f"artifact bucket {bucket}", target):
        try:
            if _answers(client.head_bucket, **_place(bucket, target, pattern)):
                return ""
        except ClientError as error:
            if code_of(error) not in _DENIED:
                raise
            return f"the artifact bucket {bucket} may not be read"
    made = is_loopback(client.meta.endpoint_url)
    return "" if made else f"the artifact bucket {bucket} does not exist"


def bucket_of(template: TemplateBody, target: Target, pattern: str | None) -> str:
    """Return the artifact bucket of a target; raise `BlockedError` if none is named."""
    if pattern is None:
        raise BlockedError(
            f"{template.layer}: {template.size} bytes, and only {INLINE_LIMIT} fit into a request; "
            'set artifact_bucket, such as "artifacts-{account}-{region}", in the settings'
        )
    name = pattern.replace("{account}", target.account).replace("{region}", target.region)
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise BlockedError(
            f'artifact_bucket = "{pattern}": {name} is no name for a bucket (3 to 63 lower-case '
            "letters, digits, dots and hyphens); {account} and {region} are all that it may hold "
            "in braces"
        )
    return name


def _place(bucket: str, target: Target, pattern: str | None) -> dict[str, str]:
    """Name the bucket, and its owner if it is named after one.

    Such a name can be guessed. Without the owner, whoever makes the bucket first could give
    CloudFormation other templates than ours.
    """
    owner = {"ExpectedBucketOwner": target.account} if "{account}" in str(pattern) else {}
    return {"Bucket": bucket, **owner}


def _upload(client: Any, template: TemplateBody, target: Target, key: str, **place: str) -> None:
    """Upload the template; an object of that name holds the same bytes, and stays as it is."""
    if _answers(client.head_object, Key=key, **place):
        return
    if not _answers(client.head_bucket, **place):
        _make(client, place["Bucket"], template, target)
    client.put_object(Key=key, Body=template.text.encode(), **place)


def _answers(head: Any, **names: str) -> bool:
    try:
        head(**names)
    except ClientError as error:
        if code_of(error) in _ABSENT:
            return False
        raise
    return True


def _make(client: Any, bucket: str, template: TemplateBody, target: Target) -> None:
    """Make the bucket on the local cloud; on AWS that is for a person to do."""
    if not is_loopback(client.meta.endpoint_url):
        raise BlockedError(
            f"{template.layer}: {template.size} bytes go through the artifact bucket {bucket}, "
            f"which does not exist; make it: aws s3 mb s3://{bucket} --region {target.region}"
        )
    try:
        client.create_bucket(Bucket=bucket, **_location(target))
    except ClientError as error:
        if code_of(error) != "BucketAlreadyOwnedByYou":
            raise


def _location(target: Target) -> dict[str, Any]:
    """us-east-1 is S3's default, and refused as a constraint."""
    if target.region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": target.region}}


def _url(endpoint: str, bucket: str, key: str) -> str:
    """Return the object's URL: by virtual host on AWS, by path on the local cloud.

    By path too if the name has dots, which S3's certificate does not cover.
    """
    if is_loopback(endpoint) or "." in bucket:
        return f"{endpoint}/{bucket}/{key}"
    scheme, _, host = endpoint.partition("://")
    return f"{scheme}://{bucket}.{host}/{key}"
