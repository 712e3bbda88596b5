"""Application load balancers: where requests come in, whom they reach, and who counts as healthy.

Names are at most 32 characters (`_names.short`), and belong to one Region: give them as values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from troposphere import Ref
from troposphere import elasticloadbalancingv2 as elb

from tapcfn.templating import Template
from templates.layers._tags import tagged
from templates.layers._values import Value

# TLS 1.3, and 1.2 for those who lack it; nothing older.
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How a target is asked whether it is well: every so many seconds, and so many times."""

    path: str = "/"
    interval: int = 30
    timeout: int = 5
    healthy: int = 2
    unhealthy: int = 2
    codes: str = "200"


@dataclass(frozen=True, slots=True)
class AccessLogs:
    """Where a balancer records its requests: a bucket with SSE-S3 whose policy lets it in."""

    bucket: Value
    prefix: str
    after: Sequence[str] = ()


def add(
    template: Template,
    title: str = "LoadBalancer",
    *,
    name: Value,
    subnets: Value | Sequence[Value],
    groups: Sequence[Value],
    tags: Mapping[str, str],
    deletion_protection: bool = False,
    dual_stack: bool = False,
    access_logs: AccessLogs | None = None,
) -> elb.LoadBalancer:
    """Add a load balancer that the internet may reach through its security groups.

    With deletion protection a stack cannot be deleted before an update has turned it off.
    """
    attributes = {
        "deletion_protection.enabled": str(deletion_protection).lower(),
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "access_logs.s3.enabled": str(access_logs is not None).lower(),
    }
    balancer = elb.LoadBalancer(
        title,
        Name=name,
        Type="application",
        Scheme="internet-facing",
        IpAddressType="dualstack" if dual_stack else "ipv4",
        Subnets=subnets,
        SecurityGroups=list(groups),
        LoadBalancerAttributes=_attributes(attributes),
        Tags=tagged(tags),
    )
    if access_logs:
        places: dict[str, Value] = {
            "access_logs.s3.bucket": access_logs.bucket,
            "access_logs.s3.prefix": access_logs.prefix,
        }
        balancer.LoadBalancerAttributes += _attributes(places)
        # The service writes a test object when the attribute is set: the policy comes first.
        if access_logs.after:
            balancer.DependsOn = list(access_logs.after)
    return template.add(balancer)


def _attributes(pairs: Mapping[str, Value]) -> list[elb.LoadBalancerAttributes]:
    return [elb.LoadBalancerAttributes(Key=key, Value=value) for key, value in pairs.items()]


def add_target_group(
    template: Template,
    title: str = "TargetGroup",
    *,
    name: Value,
    vpc: Value,
    check: HealthCheck,
    tags: Mapping[str, str],
    port: int = 80,
    drain_seconds: int = 60,
) -> elb.TargetGroup:
    """Add a group of instances that take HTTP on one port; the check asks the same port."""
    return template.add(
        elb.TargetGroup(
            title,
            Name=name,
            VpcId=vpc,
            Port=port,
            Protocol="HTTP",
            TargetType="instance",
            HealthCheckEnabled=True,
            HealthCheckProtocol="HTTP",
            HealthCheckPort="traffic-port",
            HealthCheckPath=check.path,
            HealthCheckIntervalSeconds=check.interval,
            HealthCheckTimeoutSeconds=check.timeout,
            HealthyThresholdCount=check.healthy,
            UnhealthyThresholdCount=check.unhealthy,
            Matcher=elb.Matcher(HttpCode=check.codes),
            TargetGroupAttributes=[
                elb.TargetGroupAttribute(
                    Key="deregistration_delay.timeout_seconds", Value=str(drain_seconds)
                )
            ],
            Tags=tagged(tags),
        )
    )


def add_listeners(
    template: Template,
    balancer: elb.LoadBalancer,
    target_group: elb.TargetGroup,
    *,
    tags: Mapping[str, str],
    certificate: Value | None = None,
    tls_policy: str = TLS_POLICY,
) -> tuple[elb.Listener, ...]:
    """Forward port 80; or, with a certificate of this Region, port 443, where port 80 then leads.

    A group that no listener forwards to has no healthy targets: what waits for health, such as a
    scaling group with `HealthCheckType` ELB, depends on the listeners.
    """
    forward = elb.Action(Type="forward", TargetGroupArn=Ref(target_group))
    if certificate is None:
        return (template.add(_listener("HttpListener", balancer, 80, "HTTP", forward, tags)),)
    redirect = elb.Action(
        Type="redirect",
        RedirectConfig=elb.RedirectConfig(Protocol="HTTPS", Port="443", StatusCode="HTTP_301"),
    )
    secure = _listener("HttpsListener", balancer, 443, "HTTPS", forward, tags)
    secure.SslPolicy = tls_policy
    secure.Certificates = [elb.Certificate(CertificateArn=certificate)]
    plain = _listener("HttpListener", balancer, 80, "HTTP", redirect, tags)
    return template.add(secure), template.add(plain)


def _listener(
    title: str,
    balancer: elb.LoadBalancer,
    port: int,
    protocol: str,
    action: elb.Action,
    tags: Mapping[str, str],
) -> elb.Listener:
    return elb.Listener(
        title,
        LoadBalancerArn=Ref(balancer),
        Port=port,
        Protocol=protocol,
        DefaultActions=[action],
        Tags=tagged(tags),
    )
