"""A bucket to which a log group can be exported: by `CreateExportTask`, never by itself."""

from __future__ import annotations

from collections.abc import Mapping

from awacs import s3 as s3_actions
from awacs.aws import Allow, ArnLike, Condition, Principal, Statement, StringEquals
from troposphere import Parameter, Ref, Sub, s3

from tapcfn.templating import Template
from templates.layers import _iam, storage
from templates.layers._values import Value


def add(
    template: Template,
    title: str,
    *,
    base: str,
    log_group: str,
    key: Parameter | Value,
    tags: Mapping[str, str],
    keep_data: bool,
) -> s3.Bucket:
    """Add a bucket that CloudWatch Logs may write one log group to.

    Both names are texts for `Fn::Sub`. The key's policy must let Logs in too
    (`key_grants.log_exports`).
    """
    return storage.add(
        template,
        storage.Bucket(title, base),
        key=key,
        tags=tags,
        keep_data=keep_data,
        statements=[
            _may(log_group, "LogsLooksAtBucket", s3_actions.GetBucketAcl, storage.bucket_arn(base)),
            _may(log_group, "LogsExports", s3_actions.PutObject, f"{storage.bucket_arn(base)}/*"),
        ],
    )


def _may(log_group: str, sid: str, action: s3_actions.Action, resource: str) -> Statement:
    return Statement(
        Sid=sid,
        Effect=Allow,
        Principal=Principal("Service", Sub("logs.${AWS::Region}.${AWS::URLSuffix}")),
        Action=[action],
        Resource=[Sub(resource)],
        Condition=Condition(
            [
                StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
                ArnLike("aws:SourceArn", _iam.log_group_arn(f"{log_group}:*")),
            ]
        ),
    )
