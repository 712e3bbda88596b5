"""A public front on request: a load balancer with a function behind it, and its name. (S1-X8)"""

from __future__ import annotations

from collections.abc import Sequence

from troposphere import GetAtt, Parameter, Ref, awslambda
from troposphere import elasticloadbalancingv2 as elb

from tapcfn.templating import Template
from templates.blueprints.private_api.options import Base
from templates.layers import (
    balancer_parts,
    custom_resources,
    dns,
    functions,
    load_balancers,
    security_groups,
)
from templates.layers._values import Value

TLS_POLICY = "ELBSecurityPolicy-TLS-1-2-2017-01"

CHECK = load_balancers.HealthCheck("/health", interval=30, timeout=5, healthy=2, unhealthy=2)


def add(base: Base) -> None:
    """Add the load balancer, its listeners, and the record that leads to the nearest Region."""
    template = base.template
    certificate = _told(template, "CertificateArn", "ARN of this Region's certificate for the name")
    balancer = _balancer(base)
    target = balancer_parts.add_function_target(
        template,
        _function(base),
        check=CHECK,
        tags=base.settings.all_tags,
    )
    load_balancers.add_listeners(
        template,
        balancer,
        target,
        certificate=certificate,
        tls_policy=TLS_POLICY,
        tags=base.settings.all_tags,
    )
    dns.add_nearest(
        template,
        "FrontRecord",
        zone=_told(template, "HostedZoneId", "Id of the hosted zone of the name"),
        name=_told(template, "DomainName", "Name that the load balancers answer to"),
        answer=dns.Alias(GetAtt(balancer, "DNSName"), GetAtt(balancer, "CanonicalHostedZoneID")),
    )


def _told(template: Template, title: str, description: str) -> Value:
    """Declare a parameter without a default, and return a reference to it."""
    return Ref(
        template.add_parameter(
            Parameter(title, Type="String", Description=description, AllowedPattern=".+")
        )
    )


def _balancer(base: Base) -> elb.LoadBalancer:
    """Add the load balancer in the subnets with a route to the internet gateway."""
    template, settings = base.template, base.settings
    subnets: Sequence[Value] = [Ref(each) for each in next(iter(base.network.subnets.values()))]
    group = security_groups.add(
        template,
        "FrontSecurityGroup",
        vpc=Ref(base.network.vpc),
        description="The web to the load balancer",
        ingress=[
            security_groups.from_block(443, "HTTPS from anywhere", security_groups.ANYWHERE),
            security_groups.from_block(80, "HTTP, to be led to HTTPS", security_groups.ANYWHERE),
        ],
        tags=settings.all_tags,
    )
    return load_balancers.add(
        template,
        name=settings.front_name,
        subnets=subnets,
        groups=[GetAtt(group, "GroupId")],
        tags=settings.all_tags,
        deletion_protection=settings.termination_protection,
        access_logs=balancer_parts.add_records(
            template,
            settings.front_bucket,
            prefix="front",
            tags=settings.all_tags,
            keep_data=settings.keep_data,
        ),
    )


def _function(base: Base) -> awslambda.Function:
    settings = base.settings
    function = functions.Function(
        "FrontFunction",
        settings.front_name,
        "Answers the load balancer",
        "front",
        custom_resources.RUNTIME,
        memory=128,
        seconds=5,
        log_days=30,
    )
    return functions.add(
        base.template,
        function,
        key=base.key,
        tags=settings.all_tags,
        keep_data=settings.keep_data,
    )
