"""The migration's database, traffic and options, and what follows from all of it. (S4)

Where a migration begins is what the settings say: `promoted`, `password_reset`, `dial_source`,
`dial_target` and `source_alb_arn` are what it is before any move, and its moves lead on from there.
"""

from __future__ import annotations

import itertools
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from templates.blueprints.region_migration.keys import Keys, of_source
from templates.blueprints.region_migration.names import Names
from templates.layers import databases
from templates.layers.functions import Runtime

MAX_IDENTIFIER = 63
MAX_GROUP = 255


class Settings(Keys):
    """What region_migration must be told."""

    # Database -------------------------------------------------------------------------------------

    source_db_id: str = Field(
        "",
        description="the identifier of the database to copy; <name>-source-db if left out",
        pattern=r"^([a-z](-?[a-z0-9])*)?$",
        max_length=MAX_IDENTIFIER,
    )
    small_db: bool = Field(
        False,
        description="true or false: a small database in the source Region, to rehearse with",
    )
    db_engine_version: str = Field(
        databases.MYSQL,
        description="a full MySQL version, the source's: 8.4.5 to 8.4.11, or 8.0.42 to 8.0.46",
    )
    source_db_parameter_group: str = Field(
        "",
        description="the parameter group of the source database, one of its own: by it writes are "
        "stopped; without it a person is asked whether they are",
        pattern=r"^([a-z](-?[a-z0-9])*)?$",
        max_length=MAX_GROUP,
    )
    promoted: bool = Field(
        False, description="true or false: whether the replica is a database of its own by now"
    )
    promotion: Literal["update", "call"] = Field(
        "update",
        description='how the replica is promoted: "update" (of its stack) or "call" (while no '
        "stack has it: for a change set that would replace the database)",
    )
    password_reset: bool = Field(
        False,
        description="true or false: give the promoted database the password of its secret; in "
        "an update after that of promoted",
    )

    # Traffic --------------------------------------------------------------------------------------

    global_accelerator: bool = Field(
        True, description="true or false: fixed addresses for both Regions; false in rehearsals"
    )
    source_alb_arn: str = Field(
        "",
        description="the ARN of the source Region's load balancer; left out once dial_source is "
        "0 and that Region is retired",
        pattern=r"^(arn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/app/.+)?$",
    )
    dial_source: int = Field(
        100,
        description="the percentage of traffic that the source takes: 0 to 100",
        ge=0,
        le=100,
        validate_default=True,
    )
    dial_target: int = Field(
        0,
        description="the percentage of traffic that the target takes: 0 to 100",
        ge=0,
        le=100,
        validate_default=True,
    )

    dial_steps: tuple[int, ...] = Field(
        (100,),
        description="the percentages that the target takes one after another, up to 100; the "
        "target takes no writes before the last of them",
    )

    # Options --------------------------------------------------------------------------------------

    rds_cpu_threshold: int = Field(
        80, description="the percentage above which the database is busy: 1 to 99", ge=1, le=99
    )
    log_export: bool = Field(
        False, description="true or false: an encrypted bucket to export the log group to"
    )
    promotion_function: bool = Field(
        False, description="true or false: a function that promotes the replica"
    )
    runtime: Runtime = Field(
        "python3.14", description='of the function: "python3.14", "python3.13" or "python3.12"'
    )
    aws_backup: bool = Field(
        False, description="true or false: a vault with daily backups, kept for a year"
    )
    three_keys: bool = Field(
        False,
        description="true or false: keys of their own for the target bucket and the database; "
        'needs source_bucket = "create" or source_key_arn; fixed once deployed',
    )
    fixed_instances: bool = Field(
        False, description="true or false: two single instances beside the fleet"
    )
    rich_dashboard: bool = Field(
        False, description="true or false: six more metrics on the dashboard"
    )
    manual_snapshot: bool = Field(
        False, description="true or false: room for a snapshot taken by hand"
    )

    # What must be true of a single key, or of a key beside those above it -------------------------

    @field_validator("source_alb_arn")
    @classmethod
    def _balancer_is_of_the_source(cls, arn: str, info: ValidationInfo) -> str:
        return of_source(arn, info)

    @field_validator("small_db")
    @classmethod
    def _is_the_source_itself(cls, small: bool, info: ValidationInfo) -> bool:
        if small and info.data.get("source_db_id"):
            raise ValueError("source_db_id names another source")
        return small

    @field_validator("db_engine_version")
    @classmethod
    def _is_a_version(cls, version: str) -> str:
        if version not in databases.MYSQL_VERSIONS:
            raise ValueError("is no version that RDS offers and supports")
        return version

    @field_validator("password_reset")
    @classmethod
    def _comes_after_the_promotion(cls, reset: bool, info: ValidationInfo) -> bool:
        if reset and info.data.get("promoted") is False:
            raise ValueError("promoted is false, and a replica has the password of its source")
        return reset

    @field_validator("dial_source")
    @classmethod
    def _has_somewhere_to_lead(cls, dial: int, info: ValidationInfo) -> int:
        if dial and info.data.get("global_accelerator") and not info.data.get("source_alb_arn", 1):
            raise ValueError("source_alb_arn is missing, and the source takes traffic")
        return dial

    @field_validator("dial_target")
    @classmethod
    def _leaves_one_open(cls, dial: int, info: ValidationInfo) -> int:
        if not dial and info.data.get("dial_source") == 0:
            raise ValueError("dial_source is 0 as well, and no Region would answer")
        return dial

    @field_validator("dial_steps")
    @classmethod
    def _rises_to_all(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if not steps or steps[-1] != 100:
            raise ValueError("does not end with 100, and the source would go on serving")
        if steps[0] < 1 or any(low >= high for low, high in itertools.pairwise(steps)):
            raise ValueError("must rise from step to step, from 1 at least")
        return steps

    @field_validator("three_keys")
    @classmethod
    def _has_a_source_key(cls, three: bool, info: ValidationInfo) -> bool:
        created = info.data.get("source_bucket") == "create"
        if three and not created and not info.data.get("source_key_arn"):
            raise ValueError("source_key_arn is missing: the first key is that of the source")
        return three

    # What follows ---------------------------------------------------------------------------------

    @property
    def names(self) -> Names:
        """What everything is called."""
        return Names(self.name, self.environment)

    @property
    def tags(self) -> dict[str, str]:
        """The system's own tags, on everything that takes tags."""
        return {"Environment": self.environment, "Migration": "cross-region"}

    @property
    def copied_bucket(self) -> str:
        """The whole name of the bucket in the source Region."""
        return self.source_bucket_name or self.names.bucket_in(
            "source", self.account_id, self.source_region
        )

    @property
    def target_bucket(self) -> str:
        """The whole name of the bucket in the target Region."""
        return self.names.bucket_in("target", self.account_id, self.target_region)

    @property
    def copied_database(self) -> str:
        """The identifier of the database in the source Region."""
        if self.small_db:
            return self.names.small_database
        return self.source_db_id or f"{self.name}-source-db"

    @property
    def has_source_key(self) -> bool:
        """Whether the source stack makes a key."""
        return self.source_bucket == "create" or self.small_db

    @property
    def has_return_key(self) -> bool:
        """Whether what comes back to the source needs a key: S3 takes none off what it copies."""
        return self.reverse_replication and not self.source_key_arn
