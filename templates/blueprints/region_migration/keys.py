"""What every migration is told: from where to where, which image, and which bucket. (S4)"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from tapcfn.config import Cidr, Common, Region
from templates.blueprints._checks import OF_S3, fits_bucket_names, other_region, start_of_names
from templates.blueprints._existing_vpc import ExistingVpc
from templates.blueprints.region_migration.names import longest_bucket

# Beginnings that S3 keeps for itself, and one that load balancers do.
RESERVED = (*OF_S3, "internal-")

MAX_ENVIRONMENT = 20


class Keys(Common):
    """What every migration is told."""

    source_region: Region = Field("us-west-1", description="the Region that is left")
    target_region: Region = Field(
        "us-east-1",
        description="the Region that is moved to: any but source_region",
        validate_default=True,
    )
    name: str = Field(
        "tap-stack",
        description="lower-case letters, digits and single hyphens, starting with a letter; "
        "everything is named after it",
        validate_default=True,
    )
    environment: str = Field(
        "production",
        description=f"lower-case letters, digits and single hyphens, at most {MAX_ENVIRONMENT}",
    )
    ssh_cidr: Cidr = Field(
        "10.0.0.0/8", description="an IPv4 CIDR block: who may reach port 22 of the instances"
    )
    key_name: str = Field(
        "migration-key",
        description="the name of the instances' key pair, which is made; its private half is then "
        "in Parameter Store",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$",
    )
    vpc_fallback: ExistingVpc | None = Field(
        None,
        description="a table [vpc_fallback]: vpc_id, subnet_ids and private_subnet_ids of a VPC "
        "of the target Region to use where the quota takes no other",
    )

    # Images ---------------------------------------------------------------------------------------

    ami_id: str = Field(
        "",
        description="the id of the instances' image in the target Region; without it there is no "
        "fleet yet",
        pattern=r"^(ami-[0-9a-f]{8,17})?$",
    )
    source_ami_id: str = Field(
        "",
        description="the id of that image in the source Region, before it is copied; needed "
        "while there is no ami_id",
        pattern=r"^(ami-[0-9a-f]{8,17})?$",
        validate_default=True,
    )

    # Bucket ---------------------------------------------------------------------------------------

    source_bucket: Literal["existing", "import", "create"] = Field(
        "existing",
        description='"existing" (the replication rule is put by a move, beside those that are '
        'there), "import" (into the source stack) or "create"',
    )
    source_bucket_name: str = Field(
        "",
        description="the name of the bucket to copy; <name>-source-<account>-<source_region> if "
        'left out, and needed for source_bucket = "import"',
        pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$",
        validate_default=True,
    )
    source_key_arn: str = Field(
        "",
        description="the ARN of the key of that bucket in the source Region; left out if S3's "
        "own keys encrypt it",
        pattern=r"^(arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+)?$",
    )
    source_role_arn: str = Field(
        "",
        description="the ARN of the role by which that bucket is replicated already, if it is: S3 "
        "knows one role for all of its rules, and this one gets a policy for ours",
        pattern=r"^(arn:[a-z-]+:iam::[0-9]{12}:role/.+)?$",
    )
    enable_replication: bool = Field(
        True,
        description="true or false: the rule on a bucket of the source stack; false for the "
        'first deployment of source_bucket = "import"',
    )
    rtc: bool = Field(
        False, description="true or false: copies within 15 minutes, measured; S3 bills for it"
    )

    reverse_replication: bool = Field(
        True,
        description="true or false: what is written to the target's bucket is copied back to the "
        "source's, until the source is given up",
    )

    # What must be true of a single key, or of a key beside those above it -------------------------

    @field_validator("target_region")
    @classmethod
    def _is_another_region(cls, region: str, info: ValidationInfo) -> str:
        return other_region(
            region, info, "source_region", "is the source Region; nothing would move"
        )

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str, info: ValidationInfo) -> str:
        start_of_names(name, of="resources", reserved=RESERVED)
        regions = [info.data.get(key, "") for key in ("source_region", "target_region")]
        return fits_bucket_names(name, longest_bucket(name, *regions))

    @field_validator("environment")
    @classmethod
    def _is_a_word(cls, environment: str) -> str:
        if not re.fullmatch(r"[a-z](-?[a-z0-9])*", environment):
            raise ValueError("cannot be part of a database's identifier")
        if len(environment) > MAX_ENVIRONMENT:
            raise ValueError(f"has {len(environment)} characters")
        return environment

    @field_validator("source_ami_id")
    @classmethod
    def _names_an_image(cls, image: str, info: ValidationInfo) -> str:
        if not image and not info.data.get("ami_id", "unknown"):
            raise ValueError("missing, and so is ami_id: the fleet needs an image")
        return image

    @field_validator("source_bucket")
    @classmethod
    def _keeps_what_it_imports(cls, how: str, info: ValidationInfo) -> str:
        if how == "import" and info.data.get("keep_data") is False:
            raise ValueError("keep_data is false, and an imported bucket is not ours to delete")
        return how

    @field_validator("source_role_arn")
    @classmethod
    def _is_of_a_bucket_of_others(cls, arn: str, info: ValidationInfo) -> str:
        if arn and info.data.get("source_bucket", "existing") != "existing":
            raise ValueError('source_bucket is not "existing": the bucket is of the source stack')
        return arn

    @field_validator("source_bucket_name", "source_key_arn")
    @classmethod
    def _is_about_a_bucket_of_others(cls, given: str, info: ValidationInfo) -> str:
        if given and info.data.get("source_bucket") == "create":
            raise ValueError('source_bucket is "create", which makes its own bucket and key')
        return given

    @field_validator("source_bucket_name")
    @classmethod
    def _says_what_is_imported(cls, given: str, info: ValidationInfo) -> str:
        if not given and info.data.get("source_bucket") == "import":
            raise ValueError("missing: a bucket is imported by its name")
        return given

    @field_validator("enable_replication")
    @classmethod
    def _has_a_rule_to_leave_out(cls, enabled: bool, info: ValidationInfo) -> bool:
        if not enabled and info.data.get("source_bucket") == "existing":
            raise ValueError('source_bucket is "existing": its rule is put by a move')
        return enabled

    @field_validator("source_key_arn")
    @classmethod
    def _is_of_the_source(cls, arn: str, info: ValidationInfo) -> str:
        return of_source(arn, info)


def of_source(arn: str, info: ValidationInfo) -> str:
    """Refuse an ARN of another Region than the source."""
    if arn and arn.split(":")[3] != info.data.get("source_region", arn.split(":")[3]):
        raise ValueError("is not in the source Region")
    return arn
