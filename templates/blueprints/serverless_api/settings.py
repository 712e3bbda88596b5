"""What serverless_api must be told, and what follows from it. (S3)"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from tapcfn.config import Cidr, Common, Region
from templates.blueprints._checks import ACCOUNT_DIGITS, MAX_BUCKET_NAME, other_region
from templates.layers.functions import Runtime

# The longest name that is made of team and environment is a function's: 64 characters.
LONGEST_END = "-migration"
MAX_FUNCTION_NAME = 64


def _name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z](-?[A-Za-z0-9])*", name):
        raise ValueError("cannot be part of the names of buckets and functions")
    return name


NamePart = Annotated[str, AfterValidator(_name)]


class Settings(Common):
    """What serverless_api must be told."""

    team_name: NamePart = Field(
        description="letters, digits and single hyphens, starting with a letter; names start with "
        "it, and it is the tag Owner"
    )
    environment: NamePart = Field(
        description="letters, digits and single hyphens, starting with a letter; the API's stage "
        "is called so, and it is the tag Environment"
    )
    source_region: Region = Field(description="the Region to move from")
    target_region: Region = Field(
        description="the Region to move to, which owns the table: any but source_region"
    )
    allowed_cidr: Cidr = Field(
        description='an IPv4 CIDR block: who may call the API, such as "203.0.113.0/24"; '
        "GET /health is open to everyone"
    )
    traffic_shift_percentage: int = Field(
        10,
        ge=1,
        le=100,
        description="1 to 100: how much of the traffic moves in one step, and the share of a "
        "canary, in percent",
    )
    traffic_shift_interval: int = Field(
        10, ge=1, le=1440, description="1 to 1440: minutes between two steps of a shift"
    )
    shift: Literal["linear", "staged"] = Field(
        "linear",
        description='the steps of a shift: "linear" (traffic_shift_percentage more each time) or '
        '"staged" (10, 50 and 100 percent)',
    )
    target_weight: int = Field(
        0,
        ge=0,
        le=100,
        description="0 to 100: the share of the traffic, in percent, that DNS gives the target "
        "before any move",
    )
    migration_mode: Literal["blue_green", "canary"] = Field(
        "blue_green",
        description='what moves: "blue_green" (traffic, by weights of DNS) or "canary" (a new '
        "deployment of the API; sets enable_canary)",
    )
    enable_canary: bool = Field(
        False,
        description="true or false: a second deployment of the API gets "
        "traffic_shift_percentage of the requests",
    )
    baseline_deployment: str = Field(
        "",
        pattern=r"^(Deployment[0-9a-f]{10})?$",
        description="the deployment that the API's stage keeps serving, as the output "
        'api_deployment calls it, while a canary tries the newest; "" for the newest',
    )
    enable_monitoring: bool = Field(
        True, description="true or false: alarms, and a topic in each Region for them"
    )
    alarm_profile: Literal["standard", "strict", "relaxed"] = Field(
        "standard", description='how soon alarms go off: "standard", "strict" or "relaxed"'
    )
    alarm_email: str = Field(
        "",
        pattern=r"^([^@\s]+@[^@\s]+)?$",
        description="an e-mail address that hears of alarms once it has confirmed, or nothing",
    )
    enable_cross_region_replication: bool = Field(
        True,
        description="true or false: whether there is a source at all: false leaves the target "
        "alone, as after the move",
    )
    hosted_zone_id: str = Field(
        "",
        pattern=r"^([A-Z0-9]{1,32})?$",
        description='the id of the zone of domain_name, such as "Z0123456789ABCDEFGHIJ"',
    )
    domain_name: str = Field(
        "",
        pattern=r"^(([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})?$",
        description="the name by which clients call the API in either Region; needs hosted_zone_id",
        validate_default=True,
    )
    apex: bool = Field(
        False,
        description="true or false: whether domain_name is the name of the zone itself, which "
        "takes alias records only",
    )
    health_check: Literal["endpoint", "alarm"] = Field(
        "endpoint",
        description='what health checks ask: "endpoint" (GET /health over HTTPS) or "alarm" '
        "(the alarm on server errors; needs enable_monitoring)",
    )
    manage_api_account: bool = Field(
        True,
        description="true or false: set the role by which API Gateway writes logs, one for an "
        "account and Region; false where another stack has set it",
    )
    runtime: Runtime = Field("python3.14", description='"python3.14", "python3.13" or "python3.12"')
    function_timeout: Literal[30, 15] = Field(
        30, description="30 or 15: seconds that one request may take"
    )
    table_extras: bool = Field(
        False,
        description="true or false: an index of the table by timestamp, and a key of the account "
        "to encrypt it; DynamoDB wants these in updates of their own once the table is there",
    )
    dlq: bool = Field(
        False, description="true or false: a queue that keeps failed asynchronous calls, 14 days"
    )
    usage_plan: bool = Field(
        False,
        description="true or false: callers need an API key, and have 10,000 requests a day",
    )
    proxy_routes: bool = Field(
        False, description="true or false: every method of every path under /api, and CORS there"
    )
    xray: bool = Field(False, description="true or false: traces of the API and the function")
    dashboard: bool = Field(False, description="true or false: a dashboard of both Regions")
    migration_state: bool = Field(
        False,
        description="true or false: a table and a function that keep the state of the migration",
    )

    @field_validator("target_region")
    @classmethod
    def _is_another_region(cls, region: str, info: ValidationInfo) -> str:
        why = "is the source Region; the target must be another"
        return other_region(region, info, "source_region", why)

    @field_validator("domain_name")
    @classmethod
    def _has_a_zone(cls, domain: str, info: ValidationInfo) -> str:
        if info.data.get("hosted_zone_id") and not domain:
            raise ValueError("missing, and hosted_zone_id is set")
        if domain and info.data.get("hosted_zone_id") == "":
            raise ValueError("hosted_zone_id is missing, which proves the name and holds it")
        return domain

    @field_validator("apex")
    @classmethod
    def _has_a_domain(cls, apex: bool, info: ValidationInfo) -> bool:
        if apex and info.data.get("domain_name") == "":
            raise ValueError("there is no domain_name that could be the zone's own")
        return apex

    @field_validator("health_check")
    @classmethod
    def _has_an_alarm(cls, health_check: str, info: ValidationInfo) -> str:
        if health_check == "alarm" and info.data.get("enable_monitoring") is False:
            raise ValueError("enable_monitoring is false, so there is no alarm to follow")
        return health_check

    @field_validator("enable_monitoring")
    @classmethod
    def _watches_a_canary(cls, enabled: bool, info: ValidationInfo) -> bool:
        if not enabled and info.data.get("migration_mode") == "canary":
            raise ValueError('migration_mode is "canary", and its gates are these alarms')
        return enabled

    @model_validator(mode="after")
    def _leaves_room_in_names(self) -> Settings:
        buckets = (
            f"{self.source_bucket}--{self.source_region}",
            f"{self.target_bucket}--{self.target_region}",
        )
        longest = max(map(len, buckets)) + ACCOUNT_DIGITS
        excess = max(longest - MAX_BUCKET_NAME, len(self.prefix + LONGEST_END) - MAX_FUNCTION_NAME)
        if excess > 0:
            raise ValueError(
                f"team_name, environment: together {excess} too long for the names of "
                f"buckets ({MAX_BUCKET_NAME}) and functions ({MAX_FUNCTION_NAME})"
            )
        return self

    @property
    def prefix(self) -> str:
        """How the names of resources start: team and environment."""
        return f"{self.team_name}-{self.environment}"

    @property
    def tags(self) -> Mapping[str, str]:
        """The system's own tags, on everything that takes tags."""
        return {
            "Owner": self.team_name,
            "Purpose": "ServerlessApp",
            "Environment": self.environment,
            "ManagedBy": "tapcfn",
        }

    @property
    def canary(self) -> bool:
        """Whether the API's stages have a canary."""
        return self.enable_canary or self.migration_mode == "canary"

    @property
    def regions(self) -> tuple[str, ...]:
        """The Regions of the application, the target first."""
        source = (self.source_region,) if self.enable_cross_region_replication else ()
        return (self.target_region, *source)

    @property
    def api(self) -> str:
        """The API's name, by which its metrics are known."""
        return f"{self.prefix}-api"

    @property
    def function(self) -> str:
        """The name of the function behind the API."""
        return f"{self.prefix}-items"

    @property
    def table(self) -> str:
        """The name of the table, the same in both Regions."""
        return f"{self.prefix}-items"

    @property
    def migration(self) -> str:
        """The name of the function, and of the table, that keep the state of the migration."""
        return f"{self.prefix}{LONGEST_END}"

    @property
    def source_bucket(self) -> str:
        """The base of the name of the source's bucket."""
        return f"{self.prefix}-assets".lower()

    @property
    def target_bucket(self) -> str:
        """The base of the name of the target's bucket."""
        return f"{self.source_bucket}-target"

    @property
    def access_log_group(self) -> str:
        """The name of the log group of the API's access logs."""
        return f"/aws/apigateway/{self.api}/access"
