"""The key that encrypts what a Region holds, or a replica of another Region's key.

A key serves one Region only (L-6), so that this layer goes to every Region that holds data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from awacs.aws import PolicyDocument, Statement
from troposphere import GetAtt, Output, Ref
from troposphere.kms import Alias, Key, ReplicaKey

from tapcfn.templating import Template
from templates.layers import _iam, key_grants
from templates.layers._parameters import key_arn
from templates.layers._retention import retained
from templates.layers._tags import tagged
from templates.layers._values import Value

# The longest window that KMS has: a key scheduled for deletion by mistake can be saved until then.
PENDING_DAYS = 30

PURPOSE = "Encrypts the buckets and log groups of its Region"


class Out(StrEnum):
    """What other layers may ask this one for."""

    KEY_ID = "KeyId"
    KEY_ARN = "KeyArn"


def build(
    *,
    alias: str,
    tags: Mapping[str, str],
    keep_data: bool,
    grants: Sequence[Statement] = (),
    multi_region: bool = False,
) -> Template:
    """Return a rotated key that the account may use, and the services that `grants` let in.

    `multi_region` is for ever: KMS does not turn a key of one Region into a multi-Region key.
    """
    template = Template("A KMS key for one Region's buckets and log groups")
    key = add(
        template,
        alias=f"alias/{alias}",
        tags=tags,
        keep_data=keep_data,
        grants=grants,
        multi_region=multi_region,
    )
    publish(template, key)
    return template


def build_replica(
    *,
    alias: str,
    tags: Mapping[str, str],
    keep_data: bool,
    grants: Sequence[Statement] = (),
) -> Template:
    """Return a replica of another Region's multi-Region key, with a policy and alias of its own.

    Rotation is the primary's: a replica takes no such property.
    """
    template = Template("A replica of a multi-Region KMS key, for one Region's buckets")
    key = add_replica(
        template, alias=f"alias/{alias}", tags=tags, keep_data=keep_data, grants=grants
    )
    publish(template, key)
    return template


def add(
    template: Template,
    title: str = "Key",
    *,
    alias: Value,
    tags: Mapping[str, str],
    keep_data: bool,
    grants: Sequence[Statement] = (),
    purpose: str = PURPOSE,
    multi_region: bool = False,
    pending_days: int = PENDING_DAYS,
) -> Key:
    """Add a rotated key and its alias: the whole name, `alias/` included."""
    key = Key(
        title,
        Description=purpose,
        EnableKeyRotation=True,
        PendingWindowInDays=pending_days,
        KeyPolicy=_key_policy(grants),
        Tags=tagged(tags),
    )
    if multi_region:
        key.MultiRegion = True
    template.add(retained(key, keep_data))
    name = "Alias" if title == "Key" else f"{title}Alias"
    template.add(Alias(name, AliasName=alias, TargetKeyId=Ref(key)))
    return key


def add_replica(
    template: Template,
    *,
    alias: Value,
    tags: Mapping[str, str],
    keep_data: bool,
    grants: Sequence[Statement] = (),
    purpose: str = PURPOSE,
    pending_days: int = PENDING_DAYS,
) -> ReplicaKey:
    """Add a replica of another Region's key, which a parameter names, and its alias."""
    primary = template.add_parameter(
        key_arn("PrimaryKeyArn", "ARN of the multi-Region key to replicate, in its own Region")
    )
    key = ReplicaKey(
        "Key",
        Description=purpose,
        PrimaryKeyArn=Ref(primary),
        PendingWindowInDays=pending_days,
        # troposphere wants a plain mapping here, and a document on a Key.
        KeyPolicy=_key_policy(grants).JSONrepr(),
        Tags=tagged(tags),
    )
    template.add(retained(key, keep_data))
    template.add(Alias("Alias", AliasName=alias, TargetKeyId=Ref(key)))
    return key


def publish(template: Template, key: Key | ReplicaKey) -> None:
    """Add the outputs: the key's id and its ARN."""
    template.add_output(Output(Out.KEY_ID, Description="Id of the key", Value=Ref(key)))
    template.add_output(Output(Out.KEY_ARN, Description="ARN of the key", Value=GetAtt(key, "Arn")))


def _key_policy(grants: Sequence[Statement]) -> PolicyDocument:
    return _iam.document(key_grants.account(), *grants)
