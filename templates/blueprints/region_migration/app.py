"""The fleet in the target Region, and the load balancer before it. (S4-13 to S4-15)"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from troposphere import GetAtt, Join, Output, Parameter, Ref, Select, autoscaling, ec2, iam
from troposphere import elasticloadbalancingv2 as elb

from tapcfn.templating import Template
from templates.blueprints import _parameters as parameters
from templates.blueprints.region_migration.foundation import ZONES
from templates.blueprints.region_migration.settings import Settings
from templates.layers import (
    fixed_instances,
    launch_templates,
    load_balancers,
    scaling,
    user_data,
)
from templates.layers._tags import tagged

GROUP = "AutoScalingGroup"
SIZE = scaling.Size(2, 4, 2)
VOLUME_GB = 20
ACCESS_LOG = "/var/log/httpd/access_log"


class Out(StrEnum):
    """What other stacks, and people, may ask this one for."""

    BALANCER_ARN = "LoadBalancerArn"
    DNS_NAME = "LoadBalancerDnsName"
    BALANCER = "LoadBalancerFullName"
    TARGET_GROUP = "TargetGroupFullName"
    TARGET_GROUP_ARN = "TargetGroupArn"
    SCALING_GROUP = "AutoScalingGroupName"
    INSTANCE_IDS = "InstanceIds"
    INSTANCE_IPS = "InstanceIps"


@dataclass(frozen=True, slots=True)
class _Common:
    """What the fleet and the single instances share."""

    key: Parameter
    image: Parameter
    group: Parameter
    subnets: Parameter
    profile: iam.InstanceProfile
    key_pair: ec2.KeyPair


def build(settings: Settings) -> Template:
    """Return the fleet and what stands before it."""
    template = Template("The fleet in the target Region and its load balancer")
    common = _Common(
        parameters.key(template),
        launch_templates.image(template, by_id=True),
        parameters.group(template, "WebGroupId", "the web"),
        parameters.subnets(template, "SubnetIds", "public"),
        launch_templates.add_role(
            template, managed=[launch_templates.CLOUDWATCH_AGENT], tags=settings.tags
        ),
        _key_pair(template, settings),
    )
    balancer, targets = _front(template, settings, common)
    listeners = load_balancers.add_listeners(template, balancer, targets, tags=settings.tags)
    group = _fleet(template, settings, common, targets, listeners)
    if settings.fixed_instances:
        _fixed(template, settings, common, targets)
    _publish(template, balancer, targets, group)
    return template


def _front(
    template: Template, settings: Settings, common: _Common
) -> tuple[elb.LoadBalancer, elb.TargetGroup]:
    """Add what requests meet first, and what they reach through it. (S4-15)"""
    balancer = load_balancers.add(
        template,
        name=settings.names.short("alb"),
        subnets=Ref(common.subnets),
        groups=[Ref(common.group)],
        tags=settings.tags,
    )
    targets = load_balancers.add_target_group(
        template,
        name=settings.names.short("tg"),
        vpc=Ref(parameters.vpc(template)),
        check=load_balancers.HealthCheck(user_data.HEALTH_PATH),
        tags=settings.tags,
    )
    return balancer, targets


def _key_pair(template: Template, settings: Settings) -> ec2.KeyPair:
    """Add the pair for ssh; EC2 makes it, and puts the private half into Parameter Store."""
    name = parameters.take(template, "KeyName", "Name of the key pair for ssh")
    return template.add(
        ec2.KeyPair("KeyPair", KeyName=Ref(name), KeyType="ed25519", Tags=tagged(settings.tags))
    )


def _fleet(
    template: Template,
    settings: Settings,
    common: _Common,
    targets: elb.TargetGroup,
    listeners: tuple[elb.Listener, ...],
) -> autoscaling.AutoScalingGroup:
    """Add two to four instances, which answer before they count."""
    script = user_data.signalling(_parts(settings), group=GROUP)
    return scaling.add(
        template,
        GROUP,
        name=settings.names.of("asg"),
        size=SIZE,
        launch_template=_template(template, settings, common, "LaunchTemplate", script),
        subnets=Ref(common.subnets),
        behind=scaling.Behind([Ref(targets)], [str(each.title) for each in listeners]),
        tags=settings.tags,
    )


def _template(
    template: Template,
    settings: Settings,
    common: _Common,
    title: str,
    script: str,
    instance_type: str = "t3.medium",
) -> ec2.LaunchTemplate:
    return launch_templates.add(
        template,
        title,
        machine=launch_templates.Machine(
            common.image, common.key, instance_type, VOLUME_GB, Ref(common.key_pair)
        ),
        profile=common.profile,
        groups=[Ref(common.group)],
        user_data=script,
        tags=settings.tags,
        label=settings.names.of("web"),
    )


def _parts(settings: Settings) -> list[str]:
    """Return the first script: a page, `/health`, and the access log in the log group."""
    names = settings.names
    return [
        user_data.web_server(names.name),
        user_data.log_agent({ACCESS_LOG: "{instance_id}/access"}, names.log_group),
    ]


def _fixed(
    template: Template, settings: Settings, common: _Common, targets: elb.TargetGroup
) -> None:
    """Add an instance in each zone, behind the same load balancer. (S4-X6)"""
    script = user_data.plain(_parts(settings))
    instances = fixed_instances.add(
        template,
        launch_template=_template(
            template, settings, common, "FixedLaunchTemplate", script, "t3.micro"
        ),
        subnets=[Select(zone, Ref(common.subnets)) for zone in range(ZONES)],
        tags=settings.tags,
        label=settings.names.of("fixed"),
    )
    targets.Targets = [elb.TargetDescription(Id=Ref(each)) for each in instances]
    for key, about, found in (
        (Out.INSTANCE_IDS, "Ids of the single instances", [Ref(each) for each in instances]),
        (
            Out.INSTANCE_IPS,
            "Their public addresses",
            [GetAtt(each, "PublicIp") for each in instances],
        ),
    ):
        template.add_output(Output(key, Description=about, Value=Join(",", found)))


def _publish(
    template: Template,
    balancer: elb.LoadBalancer,
    targets: elb.TargetGroup,
    group: autoscaling.AutoScalingGroup,
) -> None:
    for key, about, found in (
        (Out.BALANCER_ARN, "ARN of the load balancer", Ref(balancer)),
        (Out.DNS_NAME, "Host name of the load balancer", GetAtt(balancer, "DNSName")),
        (Out.BALANCER, "Balancer as a metric", GetAtt(balancer, "LoadBalancerFullName")),
        (Out.TARGET_GROUP, "Targets as a metric", GetAtt(targets, "TargetGroupFullName")),
        (Out.TARGET_GROUP_ARN, "ARN of the target group", Ref(targets)),
        (Out.SCALING_GROUP, "Name of the scaling group", Ref(group)),
    ):
        template.add_output(Output(key, Description=about, Value=found))
