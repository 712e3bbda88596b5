"""The two templates: what an account has one of, and what each of its Regions has."""

from __future__ import annotations

from troposphere import Equals, GetAtt, If, Parameter, Ref

from tapcfn.templating import Template
from templates.blueprints.baseline.settings import Settings
from templates.layers import (
    account,
    config_rules,
    default_groups,
    key_grants,
    security,
    trail,
)
from templates.layers._parameters import REGION_PATTERN

IS_HOME = "IsHome"


def of_account(settings: Settings) -> Template:
    """Return what stands in one Region only: a second one would collide, or count twice."""
    tags, keep_data = settings.all_tags, settings.keep_data
    policy = account.PasswordPolicy(password_reuse_prevention=settings.password_reuse)
    template = Template("What an account has one of: password policy and trail")
    if settings.password_policy:
        template = account.build_password_policy(
            policy, name=f"{settings.name}-password-policy", tags=tags, keep_data=keep_data
        )
    if settings.cloudtrail:
        wanted = trail.Trail(f"{settings.name}-trail", f"{settings.name}-trail-logs")
        key = security.add(
            template,
            alias=f"alias/{settings.name}-trail",
            tags=tags,
            keep_data=keep_data,
            grants=key_grants.trail(trail.arn(wanted.name)),
        )
        trail.add(
            template,
            wanted,
            whole_account=True,
            key=GetAtt(key, "Arn"),
            tags=tags,
            keep_data=keep_data,
        )
    return template


def of_region(settings: Settings) -> Template:
    """Return what each Region has; IAM's resources are recorded in the home Region alone."""
    template = Template("What each Region has: a Config recorder, default groups without rules")
    if settings.default_groups:
        default_groups.add(
            template,
            name=f"{settings.name}-default-groups",
            revision=settings.default_groups,
            key=None,
            tags=settings.all_tags,
            keep_data=settings.keep_data,
        )
    if settings.aws_config:
        _add_recorder(template, settings)
    return template


def _add_recorder(template: Template, settings: Settings) -> None:
    home = template.add_parameter(
        Parameter(
            "HomeRegion",
            Type="String",
            Description="Region whose recorder covers what is no Region's own",
            AllowedPattern=REGION_PATTERN,
        )
    )
    template.add_condition(IS_HOME, Equals(Ref("AWS::Region"), Ref(home)))
    key = security.add(
        template,
        alias=f"alias/{settings.name}-config",
        tags=settings.all_tags,
        keep_data=settings.keep_data,
        grants=[key_grants.config_delivery()],
    )
    config_rules.add_recorder(
        template,
        bucket=f"{settings.name}-config-logs",
        global_types=If(IS_HOME, True, False),
        key=GetAtt(key, "Arn"),
        tags=settings.all_tags,
        keep_data=settings.keep_data,
    )
