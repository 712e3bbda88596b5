"""A custom resource that empties one bucket before the stack deletes it. (L-5)

CloudFormation deletes empty buckets only. This takes versions, delete markers and unfinished
uploads with it: for buckets whose content is worth nothing without their stack.
"""

from __future__ import annotations

from collections.abc import Mapping

from awacs import s3 as s3_actions
from awacs.aws import Allow, Statement
from troposphere import GetAtt, Parameter, Ref, Sub, s3
from troposphere.cloudformation import CustomResource

from tapcfn.templating import Template
from templates.layers import custom_resources, storage
from templates.layers._values import Value

# Fifteen minutes are Lambda's most: some millions of objects.
HANDLER = custom_resources.Handler("empty_bucket", "Empties a bucket before its deletion", 900)


class EmptiedBucket(CustomResource):
    """A bucket that is emptied when this resource goes."""

    props = CustomResource.props | {"BucketName": (str, True)}


def add(
    template: Template,
    bucket: s3.Bucket,
    *,
    name: str,
    key: Parameter | Value | None,
    tags: Mapping[str, str],
    keep_data: bool,
) -> None:
    """Have the function `name` empty the bucket before it is deleted; it may touch no other.

    The policy of the bucket stands until then: the calls travel over TLS all the same.
    """
    function = custom_resources.add_function(
        template,
        "EmptyBucket",
        HANDLER,
        name=name,
        may=(_find(bucket), _delete(bucket)),
        key=key,
        tags=tags,
        keep_data=keep_data,
    )
    template.add(
        EmptiedBucket(
            f"{bucket.title}Emptying",
            ServiceToken=GetAtt(function, "Arn"),
            ServiceTimeout=HANDLER.patience,
            BucketName=Ref(bucket),
            DependsOn=[custom_resources.once(function), storage.policy_title(str(bucket.title))],
        )
    )


def _find(bucket: s3.Bucket) -> Statement:
    return Statement(
        Sid="FindContent",
        Effect=Allow,
        Action=[s3_actions.ListBucketVersions, s3_actions.ListBucketMultipartUploads],
        Resource=[GetAtt(bucket, "Arn")],
    )


def _delete(bucket: s3.Bucket) -> Statement:
    return Statement(
        Sid="DeleteContent",
        Effect=Allow,
        Action=[
            s3_actions.DeleteObject,
            s3_actions.DeleteObjectVersion,
            s3_actions.AbortMultipartUpload,
        ],
        Resource=[Sub(f"${{{bucket.title}.Arn}}/*")],
    )
