"""What private_api must be told, and what follows from it. (S1)"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from tapcfn.config import Cidr, Region
from templates.blueprints._checks import start_of_names
from templates.blueprints.private_api.base import BaseSettings, check_bucket_name
from templates.layers import custom_resources, trail
from templates.layers._names import short
from templates.layers.flow_logs import FlowLog

CERTIFICATE = r"^arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$"


class Settings(BaseSettings):
    """What private_api must be told, options included."""

    cloudtrail: bool = Field(
        False, description="true or false: a trail in each Region, account-wide in the first"
    )
    unauthorized_calls_alarm: bool = Field(
        False,
        description="true or false: an alarm on refused calls, by e-mail; with cloudtrail = true",
    )
    alarm_email: str = Field(
        "secops@example.com",
        description="an e-mail address, which must confirm: who hears of refused calls",
        pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    )
    aws_config: bool = Field(
        False,
        description="true or false: a Config recorder in each Region, where there is none yet",
    )
    key_age_rule: bool = Field(
        False,
        description="true or false: a Config rule that access keys are changed within 90 days; "
        "works with any recorder",
    )
    remediation: bool = Field(
        False,
        description="true or false: a Config rule against public buckets, and their closing; "
        "works with any recorder",
    )
    slash20_subnets: bool = Field(
        False,
        description="true or false: two public and two private /20 subnets with NAT gateways "
        "instead of two /24 ones; fixed once deployed",
    )
    ingress_cidr: Cidr = Field(
        "203.0.113.0/24",
        description="an IPv4 CIDR block: who else may reach port 443, with slash20_subnets = true",
    )
    flow_logs: bool = Field(
        False, description="true or false: record all traffic of the VPCs, for 30 days"
    )
    artifacts_bucket: bool = Field(
        False,
        description="true or false: a bucket for artifacts, and one with its access logs",
    )
    artifacts_name: str = Field(
        "nova-prod-artifacts",
        description="lower-case letters, digits and single hyphens: how the names of the "
        "artifacts' buckets start",
        validate_default=True,
    )

    hosted_zone_id: str = Field(
        "", description="the id of the hosted zone of domain_name", pattern=r"^([A-Z0-9]{1,32})?$"
    )
    domain_name: str = Field(
        "",
        description='the name that visitors use, such as "api.example.com"',
        pattern=r"^([a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+)?$",
    )
    certificates: Mapping[Region, Annotated[str, Field(pattern=CERTIFICATE)]] = Field(
        default_factory=dict,
        description="a table with a certificate's ARN for each Region",
    )
    alb_front: bool = Field(
        False,
        description="true or false: a public load balancer in each Region, with hosted_zone_id, "
        "domain_name and certificates",
    )

    @field_validator("artifacts_name")
    @classmethod
    def _is_a_name_with_room(cls, name: str, info: ValidationInfo) -> str:
        start_of_names(name)
        check_bucket_name(f"{name}-logs-{{}}", "artifacts_name", info.data.get("regions", ()))
        return name

    @field_validator("unauthorized_calls_alarm")
    @classmethod
    def _has_a_trail(cls, alarm: bool, info: ValidationInfo) -> bool:
        if alarm and info.data.get("cloudtrail") is False:
            raise ValueError("cloudtrail is false, so there is no trail to count refused calls in")
        return alarm

    @field_validator("slash20_subnets")
    @classmethod
    def _has_room_for_them(cls, wanted: bool, info: ValidationInfo) -> bool:
        block = info.data.get("vpc_cidr", "10.0.0.0/16")
        if wanted and ipaddress.IPv4Network(block).prefixlen > 18:
            raise ValueError(f"four /20 subnets do not fit into vpc_cidr {block}")
        return wanted

    @field_validator("alb_front")
    @classmethod
    def _has_a_name(cls, wanted: bool, info: ValidationInfo) -> bool:
        needed = ("hosted_zone_id", "domain_name", "certificates")
        missing = [key for key in needed if key in info.data and not info.data[key]]
        if wanted and missing:
            raise ValueError(f"missing beside it: {', '.join(missing)}")
        if wanted and set(info.data.get("regions", ())) != set(info.data.get("certificates", ())):
            raise ValueError("certificates must name each of the regions, and no other")
        return wanted

    @field_validator("certificates")
    @classmethod
    def _are_of_their_regions(cls, arns: Mapping[str, str]) -> Mapping[str, str]:
        for region, arn in arns.items():
            if arn.split(":")[3] != region:
                raise ValueError(f"{arn} is not of {region}, and a certificate serves one Region")
        return arns

    # What follows from the settings ---------------------------------------------------------------

    @property
    def home(self) -> str:
        """The Region that is deployed first and has what the account has one of."""
        return self.regions[0]

    @property
    def prefix(self) -> str:
        """How the names of a Region's resources start, as text for `Fn::Sub`."""
        return f"{self.name}-${{AWS::Region}}"

    @property
    def all_tags(self) -> Mapping[str, str]:
        """The tags on everything that takes tags. (S1-16)"""
        return {"Environment": "Production", "Name": self.name, **self.tags}

    @property
    def alias(self) -> str:
        """The alias of a Region's key, as text for `Fn::Sub`. (S1-7)"""
        return f"alias/{self.prefix}-key"

    @property
    def api_log_group(self) -> str:
        """The log group of the API's stage, as text for `Fn::Sub`. (S1-11)"""
        return f"/aws/apigateway/{self.prefix}"

    @property
    def secure_bucket(self) -> str:
        """The base of the secure bucket's name. (S1-12)"""
        return f"{self.prefix}-secure-bucket"

    @property
    def emptying_function(self) -> str:
        """The name of the function that empties the secure bucket; empty where there is none."""
        return f"{self.name}-empty-bucket" if self.force_destroy == "custom_resource" else ""

    @property
    def password_function(self) -> str:
        """The name of the function that sets the password policy; empty where there is none."""
        by_function = self.password_policy == "custom_resource"  # noqa: S105 - a word, no password
        return f"{self.name}-password-policy" if by_function else ""

    @property
    def trail(self) -> trail.Trail | None:
        """The trail of each Region, if one is asked for. (S1-X1)"""
        if not self.cloudtrail:
            return None
        watched = f"/aws/cloudtrail/{self.prefix}" if self.unauthorized_calls_alarm else ""
        return trail.Trail(f"{self.prefix}-cloudtrail", f"{self.prefix}-trail-logs", watched)

    @property
    def config_bucket(self) -> str:
        """The base of the name of the bucket that Config delivers to. (S1-X2)"""
        return f"{self.prefix}-config-logs"

    @property
    def flow_log(self) -> FlowLog | None:
        """The VPC's flow log, if one is asked for. (S1-X6)"""
        group = f"/aws/vpc/flowlogs/{self.name}"
        return FlowLog("FlowLog", "ALL", group, 30) if self.flow_logs else None

    @property
    def front_name(self) -> str:
        """The name of the load balancer, its target group and the function behind. (S1-X8)"""
        return short(f"{self.name}-front")

    @property
    def front_bucket(self) -> str:
        """The base of the name of the bucket with the load balancer's records."""
        return f"{self.prefix}-front-logs"

    @property
    def log_groups(self) -> tuple[str, ...]:
        """Every log group of a Region, as texts for `Fn::Sub`: those that the key must serve."""
        groups = [self.api_log_group]
        if self.trail and self.trail.log_group:
            groups.append(self.trail.log_group)
        if self.flow_log:
            groups.append(self.flow_log.group)
        if self.emptying_function:
            groups.append(custom_resources.log_group(self.emptying_function))
        if self.alb_front:
            groups.append(custom_resources.log_group(self.front_name))
        return tuple(groups)

    @property
    def metric_namespace(self) -> str:
        """The namespace of the metric that counts refused calls. (S1-X7)"""
        return "".join(word.capitalize() for word in self.name.split("-")) + "/Security"

    @property
    def subnets(self) -> tuple[str, str]:
        """The blocks of the two /24 subnets: the second and third of the VPC. (S1-4)"""
        _, first, second, *_ = ipaddress.IPv4Network(self.vpc_cidr).subnets(new_prefix=24)
        return str(first), str(second)

    @property
    def wide_subnets(self) -> tuple[str, str, str, str]:
        """The blocks of the four /20 subnets: two public ones, then two private ones. (S1-X5)"""
        one, two, three, four, *_ = ipaddress.IPv4Network(self.vpc_cidr).subnets(new_prefix=20)
        return str(one), str(two), str(three), str(four)
