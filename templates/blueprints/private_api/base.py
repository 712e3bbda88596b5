"""What private_api must be told of what it always has. (S1)"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from tapcfn.config import Cidr, Common, Region
from templates.blueprints._checks import ACCOUNT_DIGITS, MAX_BUCKET_NAME, start_of_names

# CloudFormation takes 50 tags for a resource; these many are not ours to give away.
MAX_TAGS = 40
TAG_TEXT = r"[\w\s.:/=+@-]"


class BaseSettings(Common):
    """What private_api must be told of what it always has."""

    name: str = Field(
        "private-api",
        description="lower-case letters, digits and single hyphens, starting with a letter; "
        "the names of resources start with it and the Region",
        validate_default=True,
    )
    regions: tuple[Region, ...] = Field(
        ("us-east-1", "us-west-2", "eu-central-1"),
        description="a list of distinct Regions; the first one is deployed first, and has what "
        "the account has one of",
        validate_default=True,
    )
    tags: Mapping[str, str] = Field(
        default_factory=dict,
        description='a table of tags, such as { team = "payments" }; on everything, beside '
        "Environment and Name",
    )
    vpc_cidr: Cidr = Field(
        "10.0.0.0/16",
        description="an IPv4 CIDR block of /16 to /22 (/18 with slash20_subnets): the VPC of each "
        "Region; equal ones cannot be peered",
    )
    admin_cidr: Cidr = Field("10.0.0.0/24", description="an IPv4 CIDR block: who may reach port 22")
    rollout: Literal["stacks", "stackset"] = Field(
        "stacks",
        description='"stacks" (a stack in each Region, the first Region before the others) or '
        '"stackset" (one stack set over the Regions, with roles of its own)',
    )
    password_policy: Literal["custom_resource", "operation"] = Field(
        "custom_resource",
        description='"custom_resource" (a function sets it, and restores the old one at the end) '
        'or "operation" (no resource: it is set by hand)',
    )
    password_reuse: int = Field(
        5, ge=1, le=24, description="1 to 24: how many old passwords may not be used again"
    )
    api_stage: str = Field(
        "prod",
        description="letters, digits, hyphens and underscores, at most 128: the API's stage",
    )
    manage_api_account: bool = Field(
        True,
        description="true or false: whether API Gateway's role for logs, one for an account and "
        "Region, is ours to set",
    )
    force_destroy: Literal["operation", "custom_resource", "off"] = Field(
        "operation",
        description='how the secure bucket is emptied at the end: "operation" (destroy '
        '--empty-buckets), "custom_resource" (a function does it) or "off" (it is kept or '
        "dropped as keep_data says)",
    )
    bucket_key: bool = Field(
        False,
        description="true or false: a key of the bucket's own, so that KMS is asked less often",
    )

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        return start_of_names(name)

    @field_validator("regions")
    @classmethod
    def _are_distinct(cls, regions: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not regions:
            raise ValueError("names no Region")
        if twice := sorted({region for region in regions if regions.count(region) > 1}):
            raise ValueError(f"names {', '.join(twice)} more than once")
        if name := info.data.get("name"):
            check_bucket_name(f"{name}-{{}}-secure-bucket", "name", regions)
        return regions

    @field_validator("tags")
    @classmethod
    def _are_tags(cls, tags: Mapping[str, str]) -> Mapping[str, str]:
        if len(tags) > MAX_TAGS:
            raise ValueError(f"has {len(tags)} tags; {MAX_TAGS} are left for you")
        for key, text in tags.items():
            if key.lower().startswith("aws:") or not re.fullmatch(f"{TAG_TEXT}{{1,128}}", key):
                raise ValueError(f'"{key}" cannot be the key of a tag')
            if not re.fullmatch(f"{TAG_TEXT}{{0,256}}", text):
                raise ValueError(f'"{text}" cannot be the value of a tag')
        return tags

    @field_validator("vpc_cidr")
    @classmethod
    def _is_a_vpc(cls, block: str) -> str:
        if not 16 <= ipaddress.IPv4Network(block).prefixlen <= 22:
            raise ValueError("has no room for the subnets, or more than a VPC may have")
        return block

    @field_validator("api_stage")
    @classmethod
    def _is_a_stage(cls, stage: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", stage):
            raise ValueError("cannot be the name of a stage")
        return stage


def check_bucket_name(base: str, key: str, regions: tuple[str, ...]) -> None:
    """Refuse a name that makes a bucket's name too long in one of the Regions. (C-2)"""
    longest = max((len(base.format(region)) for region in regions), default=0) + 1 + ACCOUNT_DIGITS
    if (excess := longest - MAX_BUCKET_NAME) > 0:
        raise ValueError(
            f"makes a bucket name of {longest} characters, and S3 takes {MAX_BUCKET_NAME}; "
            f"{key} must be shorter by {excess}"
        )
