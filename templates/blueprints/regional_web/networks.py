"""A Region's VPC, or one that is there already, and who may reach what in it."""

from __future__ import annotations

from enum import StrEnum

from troposphere import GetAtt, Output, Ref, ec2

from tapcfn.templating import Template
from templates.blueprints.regional_web import parameters
from templates.blueprints.regional_web.settings import Settings
from templates.layers import (
    dual_stack,
    existing_network,
    flow_logs,
    network,
    peering,
    security_groups,
)
from templates.layers._parameters import cidr
from templates.layers._values import Value

# S2-X12
FLOW_LOG_DAYS = 30


class Out(StrEnum):
    """What the stack answers besides what a network does."""

    BALANCER_GROUP_ID = "LoadBalancerGroupId"
    INSTANCE_GROUP_ID = "InstanceGroupId"


def build(settings: Settings, *, existing: bool) -> Template:
    """Return a Region's network and security groups. (S2-2 to S2-5, S2-X3)"""
    template = Template("A VPC over several zones, and the security groups of the web tier")
    vpc = Ref(existing_network.add(template)) if existing else _own(template, settings)
    _groups(template, settings, vpc)
    if settings.flow_logs:
        _flow_logs(template, settings, vpc)
    return template


def _own(template: Template, settings: Settings) -> Value:
    tiers = settings.figures.tiers(settings.vpc_cidr)
    made = network.add(
        template,
        name=settings.names.label("vpc"),
        vpc_cidr=settings.vpc_cidr,
        tiers=tiers,
        tags=settings.tags,
    )
    if settings.ipv6:
        dual_stack.add(template, made, tiers, tags=settings.tags)
    network.publish(template, made)
    if settings.peering:
        peering.publish_tables(template, made)
    return Ref(made.vpc)


def _groups(template: Template, settings: Settings, vpc: Value) -> None:
    """Add the groups of the balancer, for all, and of the instances, for the balancer. (S2-5)"""
    balancer = security_groups.add(
        template,
        "LoadBalancerGroup",
        vpc=vpc,
        description="HTTP and HTTPS from anywhere",
        ingress=[
            *security_groups.from_anywhere(80, "HTTP from anywhere", ipv6=settings.ipv6),
            *security_groups.from_anywhere(443, "HTTPS from anywhere", ipv6=settings.ipv6),
        ],
        tags=settings.tags,
        label=settings.names.label("alb-sg"),
    )
    allowed = template.add_parameter(cidr("AllowedSshCidr", "IPv4 block that may reach port 22"))
    instances = security_groups.add(
        template,
        "InstanceGroup",
        vpc=vpc,
        description="SSH from the allowed block, HTTP from the load balancer",
        ingress=[
            security_groups.from_block(22, "SSH from the allowed block", allowed),
            security_groups.from_group(
                80, "HTTP from the load balancer", GetAtt(balancer, "GroupId")
            ),
        ],
        tags=settings.tags,
        label=settings.names.label("ec2-sg"),
    )
    if settings.ipv6:
        instances.SecurityGroupEgress.append(security_groups.EVERYTHING_OUT_IPV6)
    _publish(template, Out.BALANCER_GROUP_ID, "load balancer", balancer)
    _publish(template, Out.INSTANCE_GROUP_ID, "instances", instances)


def _publish(template: Template, key: Out, whose: str, group: ec2.SecurityGroup) -> None:
    about = f"Id of the security group of the {whose}"
    template.add_output(Output(key, Description=about, Value=GetAtt(group, "GroupId")))


def _flow_logs(template: Template, settings: Settings, vpc: Value) -> None:
    flow_logs.add(
        template,
        flow_logs.FlowLog("FlowLog", "ALL", settings.names.flow_log_group, FLOW_LOG_DAYS),
        vpc=vpc,
        key=parameters.key(template),
        tags=settings.tags,
        keep_data=settings.keep_data,
    )
