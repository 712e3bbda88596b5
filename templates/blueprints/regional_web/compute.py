"""A Region's web tier: load balancer, target group, launch template, scaling group, alarms."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from awacs.aws import Statement
from troposphere import GetAtt, Output, Ref, autoscaling, ec2
from troposphere import elasticloadbalancingv2 as elb

from tapcfn.templating import Template
from templates.blueprints.regional_web import parameters
from templates.blueprints.regional_web.settings import Settings
from templates.layers import (
    alarms,
    dns,
    firewall,
    launch_templates,
    load_balancers,
    metrics,
    scaling,
    tables,
    user_data,
)
from templates.layers._values import Value

GROUP = "AutoScalingGroup"
CPU_SECONDS = 120

# With `resilience` a sick instance is noticed twice in 20 seconds. (S2-X14)
QUICK_INTERVAL = 10

ACCESS_LOG = "/var/log/httpd/access_log"
ERROR_LOG = "/var/log/httpd/error_log"


class Out(StrEnum):
    """What other stacks may ask this one for."""

    DNS_NAME = "LoadBalancerDnsName"
    DNS_ZONE = "LoadBalancerZoneId"
    BALANCER = "LoadBalancerFullName"
    TARGET_GROUP = "TargetGroupFullName"
    SCALING_GROUP = "AutoScalingGroupName"


def build(settings: Settings) -> Template:
    """Return a Region's web tier. (S2-7, S2-10 to S2-15)"""
    template = Template("A load balancer and the fleet of web servers behind it")
    topic = parameters.topic(template)
    front = _front(template, settings)
    group = _fleet(template, settings, front)
    _cpu_alarms(template, settings, group, Ref(topic))
    if settings.waf:
        firewall.add_web_acl(
            template,
            name=settings.names.label("waf"),
            resource=Ref(front.balancer),
            tags=settings.tags,
        )
    if settings.shield:
        firewall.add_shield(
            template,
            name=settings.names.label("shield"),
            resource=Ref(front.balancer),
            tags=settings.tags,
        )
    _publish(template, front, group)
    return template


@dataclass(frozen=True, slots=True)
class _Front:
    """What requests meet first."""

    balancer: elb.LoadBalancer
    targets: elb.TargetGroup
    listeners: tuple[elb.Listener, ...]


def _front(template: Template, settings: Settings) -> _Front:
    """Add the balancer with its target group and listeners. (S2-11, S2-12)"""
    group = parameters.group(template, "LoadBalancerGroupId", "the load balancer")
    balancer = load_balancers.add(
        template,
        name=Ref(parameters.take(template, "LoadBalancerName", "Name of the load balancer")),
        subnets=Ref(parameters.subnets(template, "SubnetIds", "public")),
        groups=[Ref(group)],
        tags=settings.tags,
        dual_stack=settings.ipv6,
    )
    targets = load_balancers.add_target_group(
        template,
        name=Ref(parameters.take(template, "TargetGroupName", "Name of the target group")),
        vpc=Ref(parameters.vpc(template)),
        check=_health_check(settings),
        tags=settings.tags,
    )
    certificate = _certificate(template, settings) if settings.tls else None
    listeners = load_balancers.add_listeners(
        template, balancer, targets, certificate=certificate, tags=settings.tags
    )
    return _Front(balancer, targets, listeners)


def _health_check(settings: Settings) -> load_balancers.HealthCheck:
    path = settings.figures.health_path
    if settings.resilience:
        return load_balancers.HealthCheck(path, interval=QUICK_INTERVAL)
    return load_balancers.HealthCheck(path)


def _certificate(template: Template, settings: Settings) -> Value:
    """Take a given certificate, or have one issued for the domain. (O-20)"""
    if settings.certificates:
        given = parameters.take(template, "CertificateArn", "ARN of this Region's certificate")
        return Ref(given)
    issued = dns.certify(
        template,
        "Certificate",
        domain=parameters.take(template, "DomainName", "Name that visitors use"),
        zone=parameters.take(template, "HostedZoneId", "Id of the zone of that name"),
        tags=settings.tags,
    )
    return Ref(issued)


def _fleet(template: Template, settings: Settings, front: _Front) -> autoscaling.AutoScalingGroup:
    """Add the instances: in private subnets, behind the balancer. (S2-10, S2-13)"""
    subnets = parameters.subnets(template, "PrivateSubnetIds", "private")
    return scaling.add(
        template,
        GROUP,
        name=settings.names.label("asg"),
        size=settings.size,
        launch_template=_launch_template(template, settings),
        subnets=Ref(subnets),
        behind=scaling.Behind([Ref(front.targets)], [str(each.title) for each in front.listeners]),
        tags=settings.tags,
    )


def _launch_template(template: Template, settings: Settings) -> ec2.LaunchTemplate:
    profile = launch_templates.add_role(
        template, managed=_policies(settings), statements=_statements(settings), tags=settings.tags
    )
    machine = launch_templates.Machine(
        launch_templates.image(template, by_id=not isinstance(settings.ami, str)),
        parameters.key(template),
    )
    group = parameters.group(template, "InstanceGroupId", "the instances")
    return launch_templates.add(
        template,
        machine=machine,
        profile=profile,
        groups=[Ref(group)],
        user_data=_script(settings),
        tags=settings.tags,
        label=settings.names.label("web"),
    )


def _policies(settings: Settings) -> list[str]:
    """Return AWS's own policies of the instances' role. (S2-7, S2-X11)"""
    sessions = [launch_templates.SESSION_MANAGER] if settings.ssm_access else []
    return [launch_templates.CLOUDWATCH_AGENT, *sessions]


def _statements(settings: Settings) -> list[Statement]:
    return [tables.items(settings.names.of("sessions"))] if settings.session_table else []


def _script(settings: Settings) -> str:
    """Return the first script: a page that names its host, and its logs in the log group."""
    logs = {ACCESS_LOG: "{instance_id}/access", ERROR_LOG: "{instance_id}/error"}
    parts = [
        user_data.web_server(settings.names.of("web")),
        user_data.log_agent(logs, settings.names.log_group),
    ]
    return user_data.signalling(parts, group=GROUP)


def _cpu_alarms(
    template: Template, settings: Settings, group: autoscaling.AutoScalingGroup, topic: Value
) -> None:
    """Grow while the processors are busy, and tell; shrink while they idle. (S2-14, S2-15)"""
    up = scaling.add_step(template, "ScaleUp", group, change=1)
    down = scaling.add_step(template, "ScaleDown", group, change=-1)
    figures, cpu = settings.figures, metrics.group_cpu(Ref(group))
    high = alarms.Alarm(
        "CpuHigh",
        f"Processors above {figures.cpu_high} percent for four minutes",
        cpu,
        "Average",
        figures.cpu_high,
        seconds=CPU_SECONDS,
    )
    low = alarms.Alarm(
        "CpuLow",
        f"Processors below {figures.cpu_low} percent for four minutes",
        cpu,
        "Average",
        figures.cpu_low,
        seconds=CPU_SECONDS,
        compare=alarms.Compare.BELOW,
    )
    alarms.add(template, high, tags=settings.tags, actions=[Ref(up), topic])
    alarms.add(template, low, tags=settings.tags, actions=[Ref(down)])


def _publish(template: Template, front: _Front, group: autoscaling.AutoScalingGroup) -> None:
    balancer = front.balancer
    for key, about, found in (
        (Out.DNS_NAME, "Host name of the load balancer", GetAtt(balancer, "DNSName")),
        (Out.DNS_ZONE, "Zone of that host name", GetAtt(balancer, "CanonicalHostedZoneID")),
        (Out.BALANCER, "Balancer as a metric", GetAtt(balancer, "LoadBalancerFullName")),
        (Out.TARGET_GROUP, "Targets as a metric", GetAtt(front.targets, "TargetGroupFullName")),
        (Out.SCALING_GROUP, "Name of the scaling group", Ref(group)),
    ):
        template.add_output(Output(key, Description=about, Value=found))
