"""The VPC of replicated_storage: its tiers, its security groups and its flow logs."""

from __future__ import annotations

from troposphere import GetAtt, Output, Parameter, Ref

from tapcfn.templating import Template
from templates.blueprints.replicated_storage.settings import EXTRA_DAYS, Settings
from templates.layers import flow_logs, log_groups, network, security_groups, tiered_groups
from templates.layers._parameters import cidr, key_arn
from templates.layers._values import Value

VPC_CIDR = "10.0.0.0/16"
PUBLIC_CIDRS = ("10.0.1.0/24", "10.0.2.0/24")
PRIVATE_CIDRS = ("10.0.10.0/24", "10.0.11.0/24")
ZONES = len(PUBLIC_CIDRS)

SECURITY_GROUP_ID = "SecurityGroupId"
INFRASTRUCTURE_GROUP_NAME = "InfrastructureLogGroupName"


def build(settings: Settings) -> Template:
    """Return the VPC at home with all that the options put into it."""
    template = Template("A VPC with public subnets and a security group for the web")
    tiers = [network.public(PUBLIC_CIDRS)]
    if settings.private_subnets:
        tiers.append(network.private(PRIVATE_CIDRS))
    made = network.add(
        template,
        name=f"{settings.prefix}-vpc",
        vpc_cidr=VPC_CIDR,
        tiers=tiers,
        tags=settings.tags,
    )
    network.publish(template, made)
    _web_group(template, settings, Ref(made.vpc))
    if settings.tiered_sgs:
        ssh = template.add_parameter(cidr("SshCidr", "IPv4 block that may use ssh"))
        tiered_groups.add(template, vpc=Ref(made.vpc), ssh_block=ssh, tags=settings.tags)
    if needs_key(settings):
        key = template.add_parameter(key_arn("KeyArn", "ARN of this Region's key"))
        _records(template, settings, Ref(made.vpc), key)
    return template


def needs_key(settings: Settings) -> bool:
    """Tell whether there is a log group, which the Region's key encrypts."""
    return bool(settings.flow_logs) or settings.extra_log_groups


def build_replica(settings: Settings) -> Template:
    """Return a VPC for the database's replica, without any way to or from the internet."""
    template = Template("A VPC with private subnets for a database's replica")
    made = network.add(
        template,
        name=f"{settings.prefix}-replica-vpc",
        vpc_cidr=VPC_CIDR,
        tiers=[network.private(PRIVATE_CIDRS, network.Way.NONE)],
        tags=settings.tags,
    )
    network.publish(template, made)
    group = security_groups.add(
        template,
        "DatabaseGroup",
        vpc=Ref(made.vpc),
        description="The database, from inside the VPC",
        ingress=[security_groups.from_block(5432, "PostgreSQL from inside the VPC", VPC_CIDR)],
        egress=security_groups.NOTHING_OUT,
        tags=settings.tags,
    )
    template.add_output(
        Output(
            tiered_groups.Out.DATABASE,
            Description="Id of the database's group",
            Value=GetAtt(group, "GroupId"),
        )
    )
    return template


def _records(template: Template, settings: Settings, vpc: Value, key: Parameter) -> None:
    """Add the flow logs, and the infrastructure's log group even if none of them writes to it."""
    for each in settings.flow_logs:
        flow_logs.add(
            template, each, vpc=vpc, key=key, tags=settings.tags, keep_data=settings.keep_data
        )
    if settings.extra_log_groups and not settings.enable_flow_logs:
        log_groups.add(
            template,
            "FlowLogGroup",
            name=settings.infrastructure_group,
            days=EXTRA_DAYS,
            key=key,
            tags=settings.tags,
            keep_data=settings.keep_data,
        )
    if settings.extra_log_groups:
        template.add_output(
            Output(
                INFRASTRUCTURE_GROUP_NAME,
                Description="Name of the infrastructure's log group",
                Value=Ref("FlowLogGroup"),
            )
        )


def _web_group(template: Template, settings: Settings, vpc: Value) -> None:
    """Add the group that lets one block of addresses reach the web ports. (S0-5)"""
    allowed = template.add_parameter(
        cidr("AllowedCidr", "IPv4 block that may reach ports 443 and 80")
    )
    group = security_groups.add(
        template,
        "SecurityGroup",
        vpc=vpc,
        description="HTTPS and HTTP from the allowed block",
        ingress=[
            security_groups.from_block(443, "HTTPS from the allowed block", allowed),
            security_groups.from_block(80, "HTTP from the allowed block", allowed),
        ],
        tags=settings.tags,
        name=f"{settings.prefix}-security-group",
        label=f"{settings.prefix}-sg",
    )
    template.add_output(
        Output(
            SECURITY_GROUP_ID,
            Description="Id of the security group",
            Value=GetAtt(group, "GroupId"),
        )
    )
