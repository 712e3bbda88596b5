"""What regional_web may be told besides, and what follows from all of it. (S2)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from tapcfn.config import Region
from templates.blueprints._existing_vpc import ExistingVpc
from templates.blueprints.regional_web import layout as layouts
from templates.blueprints.regional_web.keys import LEAST_REGIONS, Keys, same_regions
from templates.blueprints.regional_web.layout import Layout
from templates.blueprints.regional_web.names import Names
from templates.layers.scaling import Size

CERTIFICATE = r"^arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$"


class Settings(Keys):
    """All that regional_web is told; what stands here is off unless it is asked for."""

    read_replicas: bool = Field(
        False, description="true or false: a replica of MySQL in every other Region"
    )
    postgres: Literal["off", "basic", "managed"] = Field(
        "off", description='PostgreSQL in every Region: "off", "basic" or "managed"'
    )
    kms_profile: Literal["off", "regional", "multi_region"] = Field(
        "off",
        description='"off", "regional" (7-day window, alias PROD-<region>-<environment>) or '
        '"multi_region" (one key with replicas); fixed once deployed',
    )
    secrets: Literal["off", "regional", "replicated"] = Field(
        "off",
        description='a secret of the application, rotated every 30 days: "off", "regional" (one '
        'in each Region) or "replicated" (one, copied to the others)',
    )
    session_table: bool = Field(
        False, description="true or false: a table of sessions with a replica in every Region"
    )
    cloudtrail: bool = Field(
        False, description="true or false: record who did what in the account, in every Region"
    )
    aws_config: bool = Field(
        False,
        description="true or false: record resources and check two rules; only where the account "
        "has no recorder yet",
    )
    waf: bool = Field(False, description="true or false: a web ACL before the load balancers")
    shield: bool = Field(
        False, description="true or false: Shield Advanced, if the account has subscribed to it"
    )
    hosted_zone_id: str = Field(
        "", description="the id of the hosted zone of domain_name", pattern=r"^([A-Z0-9]{1,32})?$"
    )
    domain_name: str = Field(
        "",
        description='the name that visitors use, such as "www.example.com"',
        pattern=r"^([a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+)?$",
    )
    certificates: Mapping[Region, Annotated[str, Field(pattern=CERTIFICATE)]] = Field(
        default_factory=dict,
        description="a table with a certificate's ARN for each Region; without it certificates "
        "for domain_name are issued",
    )
    tls: bool = Field(
        False,
        description="true or false: HTTPS, with certificates or with hosted_zone_id and "
        "domain_name",
    )
    dns_failover: Literal["off", "failover", "weighted"] = Field(
        "off",
        description='how domain_name is answered: "off", "failover" (the first Region while it '
        'is healthy) or "weighted" (all alike)',
    )
    vpc_fallback: Mapping[Region, ExistingVpc] = Field(
        default_factory=dict,
        description="tables [vpc_fallback.<region>]: vpc_id, subnet_ids and private_subnet_ids "
        "of a VPC to use where the quota takes no other",
    )
    peering: bool = Field(
        False, description="true or false: private ways between all VPCs; needs VPCs of our own"
    )
    ipv6: bool = Field(False, description="true or false: IPv6 beside IPv4; needs VPCs of our own")
    flow_logs: bool = Field(False, description="true or false: record the VPCs' traffic, 30 days")
    vpc_lambda: bool = Field(
        False, description="true or false: a function in each VPC that tests what can be reached"
    )
    ssm_access: bool = Field(
        False, description="true or false: sessions on instances by Systems Manager"
    )
    alerts: str = Field(
        "",
        description="an e-mail address that hears of alarms once it has confirmed",
        pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$",
    )
    regional_dashboards: bool = Field(
        False, description="true or false: a dashboard of its own for each Region"
    )
    extra_outputs: bool = Field(
        False,
        description="true or false: also kms_key_arn, secrets_manager_arn and primary_vpc_id",
    )

    @field_validator("certificates")
    @classmethod
    def _covers_every_region(cls, arns: Mapping[str, str], info: ValidationInfo) -> Any:
        if arns:
            same_regions(arns, info)
        for region, arn in arns.items():
            if arn.split(":")[3] != region:
                raise ValueError(f"{arn} is not of {region}, and a certificate serves one Region")
        return arns

    @field_validator("tls")
    @classmethod
    def _has_certificates(cls, tls: bool, info: ValidationInfo) -> bool:
        if tls and not info.data.get("certificates") and not _has_domain(info):
            raise ValueError("certificates, or hosted_zone_id and domain_name, are missing")
        return tls

    @field_validator("dns_failover")
    @classmethod
    def _has_a_zone(cls, how: str, info: ValidationInfo) -> str:
        if how != "off" and not _has_domain(info):
            raise ValueError("hosted_zone_id and domain_name are missing")
        return how

    @field_validator("vpc_fallback")
    @classmethod
    def _is_about_our_regions(cls, vpcs: Mapping[str, Any], info: ValidationInfo) -> Any:
        if strange := sorted(set(vpcs) - set(info.data.get("regions", vpcs))):
            raise ValueError(f"{strange[0]} is none of the regions")
        return vpcs

    @field_validator("peering", "ipv6")
    @classmethod
    def _has_vpcs_of_our_own(cls, wanted: bool, info: ValidationInfo) -> bool:
        if wanted and info.data.get("vpc_fallback"):
            raise ValueError("vpc_fallback names VPCs that are not ours to change")
        return wanted

    # What follows ---------------------------------------------------------------------------------

    @property
    def first(self) -> str:
        """The Region of the database and of what the account has once."""
        return self.regions[0]

    @property
    def others(self) -> tuple[str, ...]:
        """All Regions but the first."""
        return self.regions[1:]

    @property
    def names(self) -> Names:
        """What everything is called."""
        return Names(self.team_name, self.environment)

    @property
    def tags(self) -> Mapping[str, str]:
        """The system's own tags, on everything that takes tags. (S2-25)"""
        return {
            "Owner": self.team_name,
            "Purpose": self.project_name,
            "Environment": self.environment,
            "CostCenter": self.names.base,
        }

    @property
    def figures(self) -> Layout:
        """The figures of the chosen layout."""
        return layouts.THREE_AZ if self.layout == "three_az" else layouts.STANDARD

    @property
    def size(self) -> Size:
        """How many instances each Region has. (S2-13, S2-X14)"""
        figures = self.figures.size
        least = max(self.min_capacity, LEAST_REGIONS if self.resilience else 1)
        most = self.max_capacity or figures.maximum
        return Size(least, most, min(max(figures.desired, least), most) if figures.desired else 0)

    @property
    def log_days(self) -> int:
        """How many days log groups remember."""
        return self.log_retention_days or self.figures.log_days

    def block(self, region: str) -> str:
        """Return the block of a Region's VPC: its own if the VPCs are to be peered. (S2-X12)"""
        place = self.regions.index(region) if self.peering else 0
        return layouts.following(self.vpc_cidr, place)

    def ssh_block(self, region: str) -> str:
        """Return who may reach port 22."""
        return self.block(region) if self.figures.ssh_from_vpc else self.allowed_ssh_cidr

    @property
    def log_groups(self) -> tuple[str, ...]:
        """The names of all log groups of a Region: those that its key must serve. (L-7)"""
        names = self.names
        return (
            names.log_group,
            *([names.flow_log_group] if self.flow_logs else []),
            *([names.function_group("probe")] if self.vpc_lambda else []),
            *([names.function_group("rotation")] if self.secrets != "off" else []),
        )


def _has_domain(info: ValidationInfo) -> bool:
    return bool(info.data.get("hosted_zone_id") and info.data.get("domain_name"))
